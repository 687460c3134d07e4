//! What is installed: immutable generations and the one state file that names the current ones;
//! and the one door through which more comes in.
//!
//! An update goes: medium ([`bundle::Stick`]) → signatures ([`trust`]) → staging, chunk by chunk →
//! ready to serve ([`Prepare`]) → switch ([`Importer`]). Each attempt is told by the [`ledger`].
//!
//! A writer holds the lock, builds in `staging/`, makes every file durable, renames the folder to
//! its place and then switches `state.json`. Whatever was cut off before the switch is rubbish that
//! the next writer sweeps; whatever comes after it is installed.

mod app;
pub mod bundle;
mod disk;
mod hashes;
mod import;
mod inbox;
mod installation;
pub mod ledger;
mod origin;
pub mod pack;
mod rates;
mod records;
mod refusal;
mod roll_back;
mod room;
#[cfg(test)]
pub(crate) mod testing;
pub mod trust;
mod words;
mod writer;

pub use app::{Notice, Program, Start};
pub use import::{Imported, Importer, Prepare, Preview, Progress, TrustSettings};
pub use inbox::{Begun, Claim, Inboxes, Papers, UploadError};
pub use installation::Installation;
pub use origin::Origin;
pub use rates::{FoundRates, MEASURED_FILE, MeasuredRates, Questions, Rate};
pub use records::{
    CurrentApp, CurrentDataset, Evaluation, FileProblem, Floor, GenerationRecord, ModelRecord,
    STATE_FORMAT, Share, State, Trial, Trust, days_between,
};
pub use refusal::{Reason, Refusal};
pub use room::Room;
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
    #[error(
        "the transfer record {} does not verify ({}); it may have been changed or removed. It is \
         evidence: do not delete or restore it, leave it as it is and tell the security officer. \
         Imports and roll-backs wait until it is looked into; answering goes on. README says how \
         to go on",
        path.display(), fault.words(crate::text::Lang::En)
    )]
    Ledger { path: PathBuf, fault: ledger::LedgerFault },
    #[error("another kura is changing {}; wait until it has finished", path.display())]
    Locked { path: PathBuf },
    #[error(
        "{} belongs to another user (uid {owner}), who could not read what this one writes; \
         run it as that user: sudo -u kura kura …",
        path.display()
    )]
    NotOwner { path: PathBuf, owner: u32 },
    #[error("data set {0:?} is not installed")]
    UnknownDataset(String),
    #[error("model {0:?} is not installed")]
    UnknownModel(String),
    #[error("there is no generation before the one in use of {0}")]
    NothingBefore(String),
    #[error(
        "{} was written by a newer kura (format {found}, this one knows {known}); \
         update the program", path.display()
    )]
    Newer { path: PathBuf, found: u32, known: u32 },
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl SyncError {
    /// Whether something could not be made to last ([`disk::Growing::sync`]).
    fn is_failed_sync(&self) -> bool {
        matches!(self, Self::Io { operation: "sync", .. })
    }

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
