//! 持込記録: every attempt to bring something in, refused ones too, for the office's own rules and
//! for auditors.
//!
//! `ledger.jsonl` holds one record a line: `begun` before the medium is read, its end after the
//! last step. Each names the BLAKE3 of the line before it, so that a change, a deletion or a swap
//! shows; a cut at the end shows only beside a head that was printed or exported, which is why
//! both carry it.

mod print;
mod rows;

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::bundle::{Kind, Stick};
use super::disk::Growing;
use super::import::Imported;
use super::records::State;
use super::{Installation, Reason, Refusal, SyncError, disk};

pub use print::{STYLE, csv, html, html_with_style_at};
pub use rows::{Row, rows};

/// Who brings something in, on what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Who {
    /// 作業者
    pub operator: String,
    /// 承認者
    pub approver: String,
    /// 媒体の番号
    pub media: String,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// An attempt begins; its end has the same attempt number.
    Begun,
    Imported,
    /// It was in use already.
    Unchanged,
    Refused,
    /// Stopped by a person or for want of space; goes on when run again.
    Interrupted,
    /// The box could not read or write.
    Failed,
    RolledBack,
    /// A new program did not hold; the one before is in use again.
    AppWentBack,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Counted from 1 without gaps.
    pub number: u64,
    /// BLAKE3 of the line before, lowercase hexadecimal; of nothing for the first.
    pub before: String,
    /// RFC 3339, as the box believes.
    pub at: String,
    pub event: Event,
    /// Number of the `begun` record that this belongs to.
    pub attempt: u64,
    pub who: Who,
    /// Where it was read from.
    pub place: String,
    /// BLAKE3 of the manifest as found; empty where none could be read.
    pub manifest: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subject: Option<Subject>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<Reason>,
    /// What happened, for people, in English; the words of a reason are in [`Refusal::message`].
    pub detail: String,
    /// Raw bytes that came from the medium.
    pub bytes_read: u64,
    pub kura_version: String,
}

/// What a bundle was, once its signatures were right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    pub kind: Kind,
    pub id: String,
    pub title: String,
    pub edition: String,
    pub counter: u64,
    /// Key ids that signed.
    pub signers: Vec<String>,
    /// BLAKE3 of each file, by its id.
    pub files: Vec<(String, String)>,
}

/// The ledger of an installation.
#[derive(Clone, Debug)]
pub struct Ledger {
    path: PathBuf,
}

/// All records, verified, and the hash of the last line: the head.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    pub records: Vec<Record>,
    pub head: String,
    /// Bytes up to the end of the last whole line. What follows was cut off by a power cut.
    whole: u64,
}

impl Ledger {
    /// The ledger in a data folder.
    pub fn of(installation: &Installation) -> Self {
        Self { path: installation.root().join("ledger.jsonl") }
    }

    /// Reads and verifies all of it. A last line without its end, or with holes, is one that a
    /// power cut cut off; it was never acknowledged.
    ///
    /// # Errors
    /// A line was changed, removed or swapped ([`SyncError::Damaged`] names it), or cannot be read.
    pub fn read(&self) -> Result<Chain, SyncError> {
        let bytes = disk::read(&self.path)?.unwrap_or_default();
        let mut chain = Chain { head: hash(b""), ..Chain::default() };
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let Some(line) = line.strip_suffix(b"\n") else { break };
            // Zeros lie where a block of the last line was not written any more.
            let is_last = chain.whole + line.len() as u64 + 1 == bytes.len() as u64;
            if is_last && line.contains(&0) {
                break;
            }
            let number = chain.records.len() as u64 + 1;
            let damaged = |why: String| SyncError::Damaged {
                path: self.path.clone(),
                why: format!("line {number}: {why}"),
            };
            let record: Record =
                serde_json::from_slice(line).map_err(|why| damaged(why.to_string()))?;
            if record.number != number || record.before != chain.head {
                return Err(damaged("it does not follow the line before".to_owned()));
            }
            chain.head = hash(line);
            chain.whole += line.len() as u64 + 1;
            chain.records.push(record);
        }
        Ok(chain)
    }

    /// Adds a record, durably, before it returns. Only under the writer's lock.
    fn append(&self, entry: Entry) -> Result<Record, SyncError> {
        let chain = self.read()?;
        let number = chain.records.len() as u64 + 1;
        let record = Record {
            number,
            before: chain.head,
            at: crate::document::timestamp(),
            event: entry.event,
            attempt: entry.attempt.unwrap_or(number),
            who: entry.who,
            place: entry.place,
            manifest: entry.manifest,
            subject: entry.subject,
            reason: entry.reason,
            detail: entry.detail,
            bytes_read: entry.bytes_read,
            kura_version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let mut line = serde_json::to_vec(&record)
            .map_err(|why| SyncError::Damaged { path: self.path.clone(), why: why.to_string() })?;
        line.push(b'\n');
        let is_new = chain.whole == 0;
        let mut file = Growing::open_at(&self.path, chain.whole)?;
        if !is_new {
            // A line that a killed process left can be read and yet not outlive a power cut; what
            // follows it must not be there without it.
            file.sync()?;
        }
        file.append(&line).and_then(|()| file.sync()).inspect_err(|_| {
            // Not on record: it must not be built on. Where this fails too, the end is torn, which
            // the next reader sees, or whole, which is true as well.
            let _ = file.cut_back(chain.whole);
        })?;
        if let Some(dir) = self.path.parent().filter(|_| is_new) {
            disk::sync_dir(dir)?;
        }
        Ok(record)
    }

    /// Ends the records of attempts that a power cut, a kill or a full disk left open.
    pub(super) fn settle(&self, state: &State) -> Result<(), SyncError> {
        for open in self.read()?.open() {
            let (event, detail) = match made_the_switch(state, open) {
                true => (Event::Imported, "the switch was made before the box stopped"),
                false => (Event::Interrupted, "the box stopped before the switch"),
            };
            self.append(Entry {
                attempt: Some(open.number),
                who: open.who.clone(),
                place: open.place.clone(),
                manifest: open.manifest.clone(),
                detail: detail.to_owned(),
                ..Entry::of(event)
            })?;
        }
        Ok(())
    }

    /// Records what was done without a medium: a roll-back, a program that went back by itself.
    ///
    /// # Errors
    /// The ledger cannot be read or written.
    pub fn note(&self, event: Event, who: &Who, detail: &str) -> Result<Record, SyncError> {
        let entry = Entry { who: who.clone(), detail: detail.to_owned(), ..Entry::of(event) };
        self.append(entry)
    }
}

impl Chain {
    /// Attempts whose end is not on record.
    pub(super) fn open(&self) -> impl Iterator<Item = &Record> {
        let ends = self.records.iter().filter(|record| record.event != Event::Begun);
        let ended: BTreeSet<u64> = ends.map(|record| record.attempt).collect();
        let begun = self.records.iter().filter(|record| record.event == Event::Begun);
        begun.filter(move |record| !ended.contains(&record.number))
    }
}

/// Whether it was this attempt that put its bundle to use, and not one before it.
fn made_the_switch(state: &State, begun: &Record) -> bool {
    let mut floors = state.floors.values();
    floors.any(|floor| floor.attempt == begun.number && floor.manifest == begun.manifest)
}

/// What a new record says.
struct Entry {
    event: Event,
    attempt: Option<u64>,
    who: Who,
    place: String,
    manifest: String,
    subject: Option<Subject>,
    reason: Option<Reason>,
    detail: String,
    bytes_read: u64,
}

impl Entry {
    fn of(event: Event) -> Self {
        Self {
            event,
            attempt: None,
            who: Who::default(),
            place: String::new(),
            manifest: String::new(),
            subject: None,
            reason: None,
            detail: String::new(),
            bytes_read: 0,
        }
    }
}

/// An attempt whose beginning is on record.
#[derive(Debug)]
pub(super) struct Attempt<'l> {
    ledger: &'l Ledger,
    begun: Record,
}

impl<'l> Attempt<'l> {
    pub(super) fn begin(ledger: &'l Ledger, who: &Who, stick: &Stick) -> Result<Self, SyncError> {
        let manifest = stick.manifest().map(|signed| hash(&signed.bytes)).unwrap_or_default();
        let place = stick.path().display().to_string();
        let entry = Entry { who: who.clone(), place, manifest, ..Entry::of(Event::Begun) };
        Ok(Self { begun: ledger.append(entry)?, ledger })
    }

    /// Its number, which the switch writes into the state.
    pub(super) fn number(&self) -> u64 {
        self.begun.number
    }

    /// Whether the switch was made, though something failed after it.
    pub(super) fn made_the_switch(&self, state: &State) -> bool {
        made_the_switch(state, &self.begun)
    }

    pub(super) fn end(
        &self,
        event: Event,
        imported: Option<&Imported>,
        refusal: Option<Refusal>,
    ) -> Result<(), SyncError> {
        let subject = imported.map(|imported| Subject {
            kind: imported.manifest.kind,
            id: imported.manifest.id.clone(),
            title: imported.manifest.title.clone(),
            edition: imported.manifest.edition.clone(),
            counter: imported.manifest.counter,
            signers: imported.signers.clone(),
            files: imported
                .manifest
                .artifacts
                .iter()
                .map(|artifact| (artifact.id.clone(), artifact.blake3.clone()))
                .collect(),
        });
        let reason = refusal.as_ref().map(|refusal| refusal.reason);
        let detail = refusal.map(|refusal| refusal.detail).unwrap_or_default();
        let bytes_read = imported.map_or(0, |imported| imported.bytes_read);
        self.append(Entry { subject, reason, detail, bytes_read, ..Entry::of(event) })
    }

    pub(super) fn fail(&self, error: &SyncError) -> Result<(), SyncError> {
        self.append(Entry { detail: error.to_string(), ..Entry::of(Event::Failed) })
    }

    fn append(&self, entry: Entry) -> Result<(), SyncError> {
        let begun = &self.begun;
        self.ledger.append(Entry {
            attempt: Some(begun.number),
            who: begun.who.clone(),
            place: begun.place.clone(),
            manifest: begun.manifest.clone(),
            ..entry
        })?;
        Ok(())
    }
}

fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}
