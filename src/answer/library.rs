//! The installed data sets as a request sees them: opened once, reopened when the state changes.

use std::sync::{Arc, Mutex, PoisonError};

use super::editions::{self, Editions};
use super::selection::Selection;
use super::types::{DatasetSummary, ServiceError};
use crate::document::{DatasetIdentity, DatasetInfo};
use crate::search::{Index, Searcher};
use crate::sync::{CurrentDataset, GenerationRecord, Installation, MeasuredRates};

type Mark = Option<(u64, i64, i64)>;

/// Opens data sets and keeps them until `state.json` names others.
#[derive(Debug)]
pub(super) struct Library {
    installation: Installation,
    current: Mutex<Option<(Mark, Arc<Shelf>)>>,
    editions: Editions,
}

/// Data sets that belong together: a request uses one shelf from its start to its end, so an
/// update in between does not mix two editions in one answer.
pub(super) struct Shelf {
    pub(super) searcher: Searcher,
    /// What the searcher asks, in the order of `records`.
    pub(super) indices: Vec<(String, Arc<Index>)>,
    pub(super) records: Vec<GenerationRecord>,
    /// Data sets that could not be opened: id and reason.
    pub(super) broken: Vec<(String, String)>,
    /// Editions that are installed beside those of `records`: id, generation and record.
    pub(super) older: Vec<(String, String, GenerationRecord)>,
    /// Where what was measured with them is kept: id and generation.
    pub(super) generations: Vec<(String, String)>,
    pub(super) installation: Installation,
}

impl std::fmt::Debug for Shelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shelf").field("datasets", &self.records.len()).finish_non_exhaustive()
    }
}

impl Library {
    pub(super) fn new(installation: Installation) -> Self {
        Self { installation, current: Mutex::new(None), editions: Editions::default() }
    }

    pub(super) fn installation(&self) -> &Installation {
        &self.installation
    }

    /// The data sets as installed now. Blocks while a new generation is opened.
    pub(super) fn shelf(&self) -> Result<Arc<Shelf>, ServiceError> {
        let mark = self.installation.state_mark();
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((seen, shelf)) = &*current
            && *seen == mark
        {
            return Ok(shelf.clone());
        }
        let shelf = Arc::new(self.open()?);
        *current = Some((mark, shelf.clone()));
        Ok(shelf)
    }

    /// The data sets that a selection names, in the editions that it names. Blocks as `shelf` does.
    pub(super) fn chosen(&self, selection: &Selection) -> Result<Arc<Shelf>, ServiceError> {
        let current = self.shelf()?;
        let shelf = self.editions.shelf(&current, &self.installation, selection)?;
        shelf.check(selection.datasets.as_deref())?;
        Ok(shelf)
    }

    fn open(&self) -> Result<Shelf, ServiceError> {
        let internal = |why: &dyn std::fmt::Display| ServiceError::Internal(why.to_string());
        let state = self.installation.state().map_err(|why| internal(&why))?;
        let (mut indices, mut records, mut broken) = (Vec::new(), Vec::new(), Vec::new());
        let mut older = Vec::new();
        for (id, entry) in &state.datasets {
            older.extend(editions::older(&self.installation, id, entry));
            let index = Index::open(&self.installation.index_dir(id, &entry.current));
            let record = self.installation.generation(id, &entry.current);
            match (index, record) {
                (Ok(index), Ok(record)) => {
                    indices.push((id.clone(), Arc::new(index)));
                    records.push(record);
                }
                (Err(why), _) => broken.push((id.clone(), why.to_string())),
                (_, Err(why)) => broken.push((id.clone(), why.to_string())),
            }
        }
        for (id, why) in &broken {
            tracing::error!(dataset = id, why, "a data set cannot be opened and is left out");
        }
        let of = |(id, entry): (&String, &CurrentDataset)| (id.clone(), entry.current.clone());
        let generations = state.datasets.iter().map(of).collect();
        let (searcher, installation) = (Searcher::new(indices.clone()), self.installation.clone());
        Ok(Shelf { searcher, indices, records, broken, older, generations, installation })
    }
}

impl Shelf {
    pub(super) fn info(&self, id: &str) -> Option<&DatasetInfo> {
        self.records.iter().map(|record| &record.info).find(|info| info.id == id)
    }

    /// Titles and publishers of all data sets: there one's own town stands, if nowhere else.
    pub(super) fn names(&self) -> String {
        let infos = self.records.iter().map(|record| &record.info);
        infos.map(|info| format!("{}\n{}\n", info.title, info.publisher)).collect()
    }

    /// Editions of a data set that are installed beside the one in use.
    pub(super) fn older_editions(&self, id: &str) -> impl Iterator<Item = &GenerationRecord> {
        self.older.iter().filter(move |(of, ..)| of == id).map(|(.., record)| record)
    }

    /// Refuses ids that are not installed.
    pub(super) fn check(&self, datasets: Option<&[String]>) -> Result<(), ServiceError> {
        let unknown = datasets.into_iter().flatten().find(|id| self.info(id).is_none());
        unknown.map_or(Ok(()), |id| Err(ServiceError::UnknownDataset(id.clone())))
    }

    /// The chosen data sets, or all.
    pub(super) fn identities(&self, datasets: Option<&[String]>) -> Vec<DatasetIdentity> {
        let chosen = |info: &&DatasetInfo| datasets.is_none_or(|ids| ids.contains(&info.id));
        self.records.iter().map(|record| &record.info).filter(chosen).map(identity).collect()
    }

    /// What was last measured with a data set on this box; read anew each time, since it changes
    /// without a switch of the state.
    pub(super) fn measured(&self, id: &str) -> Option<MeasuredRates> {
        let (_, generation) = self.generations.iter().find(|(known, _)| known == id)?;
        self.installation.measured(id, generation).unwrap_or_else(|why| {
            tracing::warn!(dataset = id, %why, "what was measured with it cannot be read");
            None
        })
    }

    pub(super) fn summaries(&self) -> Vec<DatasetSummary> {
        self.records
            .iter()
            .map(|record| DatasetSummary {
                identity: identity(&record.info),
                scope_label: record.info.scope.label(),
                authority_label: record.info.authority.label(),
                publisher: record.info.publisher.clone(),
                licence: record.info.licence.clone(),
                documents: record.documents,
                passages: record.passages,
                failures: record.failures.len(),
                older: self
                    .older_editions(&record.info.id)
                    .map(|older| identity(&older.info))
                    .collect(),
                measured: self.measured(&record.info.id),
            })
            .collect()
    }
}

/// A data set as an answer names it; staleness is judged on the day of the answer.
pub(super) fn identity(info: &DatasetInfo) -> DatasetIdentity {
    DatasetIdentity {
        id: info.id.clone(),
        title: info.title.clone(),
        edition: info.edition.clone(),
        as_of: info.as_of,
        stale: info.is_stale(today()),
    }
}

/// The day on the clock of the box.
pub(super) fn today() -> jiff::civil::Date {
    jiff::ZonedDateTime::now().date()
}
