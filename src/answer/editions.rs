//! Editions of data sets that are installed beside the current ones: the generation before, which
//! is kept for roll-back. They are opened when a question asks for them, and a few stay open.

use std::sync::{Arc, Mutex, PoisonError};

use super::library::Shelf;
use super::selection::Selection;
use super::types::ServiceError;
use crate::search::{Index, Searcher};
use crate::sync::{CurrentDataset, GenerationRecord, Installation};

/// Editions that stay open beside the current ones. Each holds a few files and some megabytes.
const OPEN_MAX: usize = 4;

/// An edition that is open.
#[derive(Clone)]
pub(super) struct Opened {
    pub(super) index: Arc<Index>,
    pub(super) record: GenerationRecord,
}

/// Editions that were asked for lately, the latest last.
#[derive(Default)]
pub(super) struct Editions(Mutex<Vec<(String, String, Opened)>>);

impl std::fmt::Debug for Editions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Editions").finish_non_exhaustive()
    }
}

impl Editions {
    /// The shelf with the editions of a selection in place of the current ones.
    ///
    /// # Errors
    /// An edition is not installed, its data set is not, or it cannot be opened.
    pub(super) fn shelf(
        &self,
        current: &Arc<Shelf>,
        installation: &Installation,
        selection: &Selection,
    ) -> Result<Arc<Shelf>, ServiceError> {
        let other = |id: &String, edition: &String| {
            current.info(id).is_none_or(|info| info.edition != *edition)
        };
        let wanted: Vec<_> =
            selection.editions.iter().filter(|(id, edition)| other(id, edition)).collect();
        if wanted.is_empty() {
            return Ok(current.clone());
        }
        let mut shelf = Shelf {
            searcher: Searcher::new(Vec::new()),
            indices: current.indices.clone(),
            records: current.records.clone(),
            broken: current.broken.clone(),
            older: current.older.clone(),
            // What was measured with the edition in use says nothing of another one.
            generations: current
                .generations
                .iter()
                .filter(|(id, _)| wanted.iter().all(|(other, _)| *other != id))
                .cloned()
                .collect(),
            installation: current.installation.clone(),
        };
        for (id, edition) in wanted {
            let opened = self.edition(current, installation, id, edition)?;
            let entries = shelf.indices.iter_mut().zip(&mut shelf.records);
            for ((_, index), record) in entries.filter(|((known, _), _)| known == id) {
                *index = opened.index.clone();
                *record = opened.record.clone();
            }
        }
        shelf.searcher = Searcher::new(shelf.indices.clone());
        Ok(Arc::new(shelf))
    }

    fn edition(
        &self,
        current: &Shelf,
        installation: &Installation,
        id: &str,
        edition: &str,
    ) -> Result<Opened, ServiceError> {
        if current.info(id).is_none() {
            return Err(ServiceError::UnknownDataset(id.to_owned()));
        }
        let older = current
            .older
            .iter()
            .find(|(known, _, record)| known == id && record.info.edition == edition);
        let Some((_, generation, record)) = older else {
            return Err(not_installed(current, id, edition));
        };
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = open.iter().position(|(known, of, _)| known == id && of == generation) {
            let entry = open.remove(at);
            let opened = entry.2.clone();
            open.push(entry);
            return Ok(opened);
        }
        let index = Index::open(&installation.index_dir(id, generation)).map_err(|why| {
            ServiceError::Invalid {
                parameter: "editions",
                ja: format!(
                    "データセット「{id}」の版「{edition}」を開けません（{why}）。現在の版を使うか、情報担当者に知らせてください"
                ),
                en: format!("edition {edition:?} of data set {id:?} cannot be opened: {why}"),
            }
        })?;
        let opened = Opened { index: Arc::new(index), record: record.clone() };
        if open.len() >= OPEN_MAX {
            open.remove(0);
        }
        open.push((id.to_owned(), generation.clone(), opened.clone()));
        Ok(opened)
    }
}

fn not_installed(current: &Shelf, id: &str, edition: &str) -> ServiceError {
    let known: Vec<String> = current
        .info(id)
        .map(|info| info.edition.clone())
        .into_iter()
        .chain(current.older_editions(id).map(|record| record.info.edition.clone()))
        .collect();
    ServiceError::Invalid {
        parameter: "editions",
        ja: format!(
            "データセット「{id}」の版「{edition}」は登録されていません。使える版は {} です",
            known.join("、")
        ),
        en: format!(
            "edition {edition:?} of data set {id:?} is not installed; installed are {}",
            known.join(", ")
        ),
    }
}

/// The generation before the current one, of each data set that has one that can be read.
pub(super) fn older(
    installation: &Installation,
    id: &str,
    entry: &CurrentDataset,
) -> Option<(String, String, GenerationRecord)> {
    let generation = entry.previous.as_ref()?;
    match installation.generation(id, generation) {
        Ok(record) => Some((id.to_owned(), generation.clone(), record)),
        Err(why) => {
            tracing::warn!(dataset = id, %why, "the edition before cannot be read");
            None
        }
    }
}
