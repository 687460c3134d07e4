//! What is installed: immutable generations and the one state file that names the current ones.
//!
//! A writer holds the lock, builds in `staging/`, makes every file durable, renames the folder to
//! its place and then switches `state.json`. Whatever was cut off before the switch is rubbish that
//! the next writer sweeps; whatever comes after it is installed.

mod durable;
mod installation;
mod records;
mod writer;

pub use installation::Installation;
pub use records::{
    CurrentDataset, Evaluation, FileProblem, GenerationRecord, ModelRecord, Share, State,
};
pub use writer::{Staging, Writer};

use std::path::{Path, PathBuf};

/// What went wrong with the data folder.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    #[error("cannot {operation} {}: {source}", path.display())]
    Io { operation: &'static str, path: PathBuf, source: std::io::Error },
    #[error(
        "{} is damaged ({why}); restore it from a backup, or remove it and add models and data sets again",
        path.display()
    )]
    Damaged { path: PathBuf, why: String },
    #[error("another kura is changing {}; wait until it has finished", path.display())]
    Locked { path: PathBuf },
    #[error("data set {0:?} is not installed")]
    UnknownDataset(String),
    #[error("model {0:?} is not installed")]
    UnknownModel(String),
}

impl SyncError {
    /// Wraps an I/O error with what was done to which file.
    pub(crate) fn io(
        operation: &'static str,
        path: &Path,
    ) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { operation, path, source }
    }
}

#[cfg(test)]
mod tests;
