//! `ledger-mark.json`: how long the ledger was when it was last written, and its head then. A
//! chain alone cannot show that its end was cut off, or that all of it is gone; beside the mark
//! both show, without a head on paper.
//!
//! The record is made to last first, then the mark: after a power cut between the two the ledger
//! is one record ahead of its mark, which the next record catches up with. It is never behind.
//! Where the mark itself is gone, `state.json` still names the attempts that brought what is in
//! use, and the ledger must hold those.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::super::{Installation, SyncError, disk};
use super::{Chain, Record};
use crate::text::Lang;

/// The value of `format`.
const FORMAT: u32 = 1;

/// Length and head of the ledger when it was last written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mark {
    format: u32,
    /// Records.
    pub(super) records: u64,
    /// BLAKE3 of the last line, lowercase hexadecimal.
    head: String,
}

/// What is wrong with a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedgerFault {
    /// A line is no record.
    Unreadable { line: u64, why: String },
    /// A line does not name the one before it: changed, removed or swapped.
    Broken { line: u64 },
    /// Nothing is there, of so many records.
    Gone { of: u64 },
    /// The end is missing.
    Cut { there: u64, of: u64 },
    /// So many records are there, and were written anew: the last of them is another one.
    Replaced { records: u64 },
    /// The mark is gone.
    NoMark,
    /// The mark cannot be read.
    BadMark(String),
}

impl LedgerFault {
    /// What was found, as a part of a sentence.
    pub fn words(&self, lang: Lang) -> String {
        let (ja, en) = match self {
            Self::Unreadable { line, why } => {
                (format!("{line}行目を読めません"), format!("line {line} is no record: {why}"))
            }
            Self::Broken { line } => (
                format!("{line}行目が、その前の行とつながりません"),
                format!("line {line}: it does not follow the line before"),
            ),
            Self::Gone { of } => (
                format!("{of}件あった記録がありません"),
                format!("all of its {of} record(s) are gone"),
            ),
            Self::Cut { there, of } => (
                format!("{of}件あった記録が{there}件しかありません"),
                format!("{there} record(s) are left of {of}"),
            ),
            Self::Replaced { records } => (
                format!("{records}件目までの記録が、書き込んだときのものと違います"),
                format!("the first {records} record(s) are not those that were written"),
            ),
            Self::NoMark => (
                "記録の件数の控え（ledger-mark.json）がありません".to_owned(),
                "the note of its length (ledger-mark.json) is gone".to_owned(),
            ),
            Self::BadMark(why) => (
                "記録の件数の控え（ledger-mark.json）を読めません".to_owned(),
                format!("the note of its length (ledger-mark.json) cannot be read: {why}"),
            ),
        };
        if lang == Lang::Ja { ja } else { en }
    }
}

impl Mark {
    pub(super) fn path(installation: &Installation) -> PathBuf {
        installation.root().join("ledger-mark.json")
    }

    /// The mark of a chain as it stands.
    pub(super) fn of(chain: &Chain) -> Self {
        Self { format: FORMAT, records: chain.records.len() as u64, head: chain.head.clone() }
    }

    /// The mark once a record stands at the end, whose line has this hash.
    pub(super) fn after(record: &Record, head: String) -> Self {
        Self { format: FORMAT, records: record.number, head }
    }

    /// The mark; `None` where there is none.
    pub(super) fn read(installation: &Installation) -> Result<Option<Self>, Trouble> {
        let bytes = disk::read(&Self::path(installation)).map_err(Trouble::Io)?;
        let Some(bytes) = bytes else { return Ok(None) };
        let mark: Self = serde_json::from_slice(&bytes).map_err(|why| bad(&why.to_string()))?;
        match mark.format == FORMAT {
            true => Ok(Some(mark)),
            false => Err(bad(&format!("format {}", mark.format))),
        }
    }

    /// Writes it durably, in place of the one before.
    pub(super) fn write(&self, installation: &Installation) -> Result<(), SyncError> {
        disk::write_json(&Self::path(installation), self)
    }

    /// What a chain that was read after this mark lacks.
    pub(super) fn fault(&self, chain: &Chain) -> Option<LedgerFault> {
        let (there, of) = (chain.records.len() as u64, self.records);
        match (there, of) {
            (0, 1..) => Some(LedgerFault::Gone { of }),
            _ if there < of => Some(LedgerFault::Cut { there, of }),
            _ => (chain.head_after(of) != Some(self.head.as_str()))
                .then_some(LedgerFault::Replaced { records: of }),
        }
    }
}

/// Why a mark could not be read.
pub(super) enum Trouble {
    Io(SyncError),
    Fault(LedgerFault),
}

fn bad(why: &str) -> Trouble {
    Trouble::Fault(LedgerFault::BadMark(why.to_owned()))
}

/// What a chain without a mark lacks. One record may be there: the power may have gone before the
/// first mark was made.
pub(super) fn fault_without(installation: &Installation, chain: &Chain) -> Option<LedgerFault> {
    let there = chain.records.len() as u64;
    // A state that cannot be read is told by those who need it.
    let state = installation.state().unwrap_or_default();
    let named = state.floors.values().map(|floor| floor.attempt).max().unwrap_or(0);
    match (there, named) {
        (0, 1..) => Some(LedgerFault::Gone { of: named }),
        _ if there < named => Some(LedgerFault::Cut { there, of: named }),
        (2.., _) => Some(LedgerFault::NoMark),
        _ => None,
    }
}
