//! The index: Japanese analysis, indexer, citation resolver, searcher.
//!
//! An index is built once beside the old generation and never changed ([`Index::build`]). A
//! [`Searcher`] asks several at once with shared statistics, so that their scores compare. A
//! question goes: citations are read (`citation`) → candidates by BM25 over bigrams and words
//! (`analysis`, `schema`) → the best are ranked again on their text (`rank`) → those that do not
//! speak of the question are dropped (該当なし) → snippets (`snippet`).
//!
//! The only module that names tantivy.

mod abbreviations;
mod analysis;
mod citation;
mod content;
mod documents;
mod elsewhere;
mod forms;
mod index;
pub mod metrics;
mod naming;
mod provision;
mod rank;
mod relevance;
mod schema;
mod searcher;
mod segments;
mod short_names;
mod signs;
mod snippet;
mod synonyms;
mod titles;
mod values;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

pub use documents::{Filter, Revision};
pub use index::{Index, IndexStats};
pub use naming::{Named, Names};
pub use relevance::Relevance;
pub use searcher::{Citation, CitationStatus, Found, Hit, Query, Searcher};
pub use segments::segments;
pub use signs::Signs;
pub use snippet::Snippet;

/// Why an index could not be built, opened or asked.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// A file of the index could not be read or written.
    #[error("cannot {operation} {path}: {source}")]
    Io { operation: &'static str, path: PathBuf, source: std::io::Error },
    /// The index failed underneath.
    #[error("cannot {operation} the index in {path}: {source}")]
    Engine { operation: &'static str, path: PathBuf, source: Box<tantivy::TantivyError> },
    /// The folder for a new index holds something.
    #[error("{0} is not empty: an index is built in a folder of its own")]
    NotEmpty(PathBuf),
    /// Made by another version of kura; it has to be built again from the documents.
    #[error("the index in {path} has format {found}, this kura reads format {expected}")]
    Format { path: PathBuf, found: u32, expected: u32 },
    /// Files of the index are damaged.
    #[error("the index in {path} is damaged: {detail}")]
    Damaged { path: PathBuf, detail: String },
    /// The data set is not among those that are open.
    #[error("no data set named {0} is open")]
    UnknownDataset(String),
    /// The person stopped it.
    #[error("cancelled")]
    Cancelled,
}
