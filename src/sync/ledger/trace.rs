//! `ledger-trouble.json`: attempts that were turned away because the ledger does not verify. They
//! cannot stand in the ledger, and must not be forgotten.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::super::{Installation, SyncError, disk};
use super::Who;

/// Attempts since the ledger was found wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnedAway {
    /// How many.
    pub attempts: u64,
    /// Of the first and of the last one, RFC 3339.
    pub first_at: String,
    pub last_at: String,
    /// Who tried last, and from where.
    pub who: Who,
    pub place: String,
}

fn path(installation: &Installation) -> PathBuf {
    installation.root().join("ledger-trouble.json")
}

impl TurnedAway {
    /// What is noted; `None` where nothing is, or where it cannot be read.
    pub fn read(installation: &Installation) -> Option<Self> {
        disk::read_json(&path(installation)).ok().flatten()
    }

    /// Notes one more. Only under the writer's lock.
    pub(super) fn note(
        installation: &Installation,
        who: &Who,
        place: &str,
    ) -> Result<(), SyncError> {
        let now = crate::document::timestamp();
        let before = Self::read(installation).unwrap_or_default();
        let first_at = if before.attempts == 0 { now.clone() } else { before.first_at };
        let noted = Self {
            attempts: before.attempts + 1,
            first_at,
            last_at: now,
            who: who.clone(),
            place: place.to_owned(),
        };
        disk::write_json(&path(installation), &noted)
    }

    /// Takes the note away, once the ledger verifies again.
    pub(super) fn clear(installation: &Installation) -> Result<(), SyncError> {
        disk::remove(&path(installation))
    }
}
