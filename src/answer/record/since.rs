//! What has happened to the sources and the model of a record since it was made.

use super::{Record, RecordSource, hash_of};
use crate::answer::library::{Shelf, today};
use crate::answer::service::Service;
use crate::answer::sources;
use crate::answer::types::ServiceError;
use crate::document::{Passage, Scope};

/// Passages of a document that are looked through for a text that moved.
const PASSAGES_MAX: usize = 5000;

/// What became of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Since {
    /// The data set is the same, or holds the same text in its present edition.
    Same,
    /// The present edition has another text there.
    Changed { edition: String, now: String },
    /// The present edition does not have the passage any more.
    Gone { edition: String },
    /// It is not in force today: 未施行, 旧版, …
    NotInForce { label: &'static str },
    /// The data set is not installed any more.
    NoDataset,
    /// Somebody had uploaded it; such files are not kept.
    Uploaded,
}

/// A source of a record today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceSince {
    pub number: usize,
    pub citation: String,
    pub dataset: String,
    pub since: Since,
}

/// The model of a record today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelSince {
    /// No model wrote it, or the same one is in use.
    Same,
    /// Another one is in use; empty where none is.
    Replaced { now: String },
}

impl SourceSince {
    /// In Japanese, for pages and the command; empty where nothing happened.
    pub fn words(&self) -> String {
        match &self.since {
            Since::Same => String::new(),
            Since::Changed { edition, .. } => {
                format!("いまの版（{edition}）では、この箇所の文章が変わっています。")
            }
            Since::Gone { edition } => {
                format!("いまの版（{edition}）には、この箇所がありません。")
            }
            Since::NotInForce { label } => format!("現在は「{label}」です。"),
            Since::NoDataset => "このデータセットは、いまは登録されていません。".to_owned(),
            Since::Uploaded => {
                "アップロードされた資料です。内容は、元のファイルで確かめてください。".to_owned()
            }
        }
    }

    /// The same in English.
    pub fn words_en(&self) -> String {
        match &self.since {
            Since::Same => String::new(),
            Since::Changed { edition, .. } => {
                format!("the present edition ({edition}) has another text here")
            }
            Since::Gone { edition } => format!("the present edition ({edition}) does not have it"),
            Since::NotInForce { label } => format!("not in force today ({label})"),
            Since::NoDataset => "the data set is not installed any more".to_owned(),
            Since::Uploaded => "an uploaded file, which is not kept; see the original".to_owned(),
        }
    }
}

impl Service {
    /// What became of the sources that a record cites. Blocks as `search` does.
    ///
    /// # Errors
    /// The data sets cannot be opened or read.
    pub fn sources_since(&self, record: &Record) -> Result<Vec<SourceSince>, ServiceError> {
        let shelf = self.shelf()?;
        let cited = record.sources.iter().filter(|source| source.cited);
        cited
            .map(|source| {
                Ok(SourceSince {
                    number: source.number,
                    citation: source.citation.clone(),
                    dataset: source.dataset.title.clone(),
                    since: since(&shelf, source)?,
                })
            })
            .collect()
    }

    /// Whether the model that wrote a record is the one in use.
    pub fn model_since(&self, record: &Record) -> ModelSince {
        let Some(model) = &record.model else { return ModelSince::Same };
        let current = self.models().into_iter().find(|each| each.current);
        match current {
            Some(current) if current.blake3 == model.blake3 => ModelSince::Same,
            current => {
                ModelSince::Replaced { now: current.map(|each| each.name).unwrap_or_default() }
            }
        }
    }
}

fn since(shelf: &Shelf, source: &RecordSource) -> Result<Since, ServiceError> {
    let id = &source.dataset.id;
    if source.scope == Scope::Upload {
        return Ok(Since::Uploaded);
    }
    let Some(info) = shelf.info(id) else { return Ok(Since::NoDataset) };
    let edition = info.edition.clone();
    let found = find(shelf, source)?;
    let (passage, same) = match found {
        Found::Same(passage) => (passage, true),
        Found::Other(passage) => (passage, false),
        Found::Nothing => return Ok(Since::Gone { edition }),
    };
    let Some(today) = sources::whole(shelf, id, *passage, today()) else {
        return Ok(Since::NoDataset);
    };
    Ok(match same {
        true if today.time.caution => Since::NotInForce { label: today.time.label },
        true => Since::Same,
        false => Since::Changed { edition, now: today.passage.text },
    })
}

enum Found {
    Same(Box<Passage>),
    /// What stands in its place.
    Other(Box<Passage>),
    Nothing,
}

/// The passage by its hash: at its place first, then anywhere in its document, since one that is
/// put in above moves the numbers of those below.
fn find(shelf: &Shelf, source: &RecordSource) -> Result<Found, ServiceError> {
    let get = |id: &str| {
        let found = shelf.searcher.passage(&source.dataset.id, id);
        found.map_err(|why| ServiceError::Internal(why.to_string()))
    };
    let is_same =
        |passage: &Passage| hash_of(&crate::guard::invisible::seen(&passage.text)) == source.hash;
    let there = get(&source.passage)?;
    if let Some(passage) = there.as_ref().filter(|passage| is_same(passage)) {
        return Ok(Found::Same(Box::new(passage.clone())));
    }
    let mut alike = None;
    for number in 1..=PASSAGES_MAX {
        let Some(passage) = get(&format!("{}#{number}", source.path))? else { break };
        if is_same(&passage) {
            return Ok(Found::Same(Box::new(passage)));
        }
        if alike.is_none() && passage.citation() == source.citation {
            alike = Some(passage);
        }
    }
    Ok(alike.or(there).map_or(Found::Nothing, |passage| Found::Other(Box::new(passage))))
}
