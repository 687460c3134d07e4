//! 持込記録: every attempt to bring something in, refused ones too, for the office's own rules and
//! for auditors.
//!
//! `ledger.jsonl` holds one record a line: `begun` before the medium is read, its end after the
//! last step. Each names the BLAKE3 of the line before it, so that a change, a deletion or a swap
//! shows; a cut at the end, or a ledger that is gone, shows beside its mark ([`mark`]). Whoever can
//! write both can forge both: against that stands the head that was printed or exported.

mod aside;
mod mark;
mod print;
mod rows;
mod subject;
mod trace;

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::bundle::Stick;
use super::disk::Growing;
use super::records::State;
use super::{Installation, Reason, Refusal, SyncError, disk};
use mark::{Mark, Trouble};

pub use aside::Aside;
pub use mark::LedgerFault;
pub use print::{STYLE, csv, html, html_with_style_at};
pub use rows::{Row, reason, rows};

pub(super) use subject::Known;
pub use subject::Subject;
pub use trace::TurnedAway;

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
    /// The ledger before did not verify and was put aside; a new one begins.
    Restarted,
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
    /// The same in Japanese, where it is more than a name or a number.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ja: Option<String>,
    /// The edition that was in use before, of going back.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub from: Option<String>,
    /// Raw bytes that came from the medium.
    pub bytes_read: u64,
    pub kura_version: String,
}

/// The ledger of an installation.
#[derive(Clone, Debug)]
pub struct Ledger {
    installation: Installation,
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
        let path = installation.root().join("ledger.jsonl");
        Self { installation: installation.clone(), path }
    }

    /// Reads and verifies all of it. A last line without its end, or with holes, is one that a
    /// power cut cut off; it was never acknowledged.
    ///
    /// # Errors
    /// [`SyncError::Ledger`] says which line was changed, removed or swapped, or that records are
    /// missing at the end; or it cannot be read.
    pub fn read(&self) -> Result<Chain, SyncError> {
        Ok(self.read_with_mark()?.0)
    }

    fn read_with_mark(&self) -> Result<(Chain, Option<Mark>), SyncError> {
        let found = self.read_once();
        // A reader holds no lock: what had no mark yet may have got one in between.
        match &found {
            Err(SyncError::Ledger { fault: LedgerFault::NoMark, .. }) => self.read_once(),
            _ => found,
        }
    }

    fn read_once(&self) -> Result<(Chain, Option<Mark>), SyncError> {
        // The mark first: the ledger only grows, so that it is never behind a mark read before it.
        let mark = Mark::read(&self.installation).map_err(|trouble| match trouble {
            Trouble::Io(error) => error,
            Trouble::Fault(fault) => self.broken(fault),
        })?;
        let chain = self.chain()?;
        let fault = match &mark {
            Some(mark) => mark.fault(&chain),
            None => mark::fault_without(&self.installation, &chain),
        };
        fault.map_or(Ok((chain, mark)), |fault| Err(self.broken(fault)))
    }

    fn broken(&self, fault: LedgerFault) -> SyncError {
        SyncError::Ledger { path: self.path.clone(), fault }
    }

    /// The records as they lie there, each held to the one before it.
    fn chain(&self) -> Result<Chain, SyncError> {
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
            let record: Record = serde_json::from_slice(line).map_err(|why| {
                self.broken(LedgerFault::Unreadable { line: number, why: why.to_string() })
            })?;
            if record.number != number || record.before != chain.head {
                return Err(self.broken(LedgerFault::Broken { line: number }));
            }
            chain.head = hash(line);
            chain.whole += line.len() as u64 + 1;
            chain.records.push(record);
        }
        Ok(chain)
    }

    /// Adds a record, durably, before it returns. Only under the writer's lock.
    fn append(&self, entry: Entry) -> Result<Record, SyncError> {
        let (chain, mark) = self.read_with_mark()?;
        self.append_to(&chain, mark.as_ref(), entry)
    }

    /// The first record of a ledger whose predecessor was put aside.
    fn begin_anew(&self, entry: Entry) -> Result<Record, SyncError> {
        self.append_to(&Chain { head: hash(b""), ..Chain::default() }, None, entry)
    }

    fn append_to(
        &self,
        chain: &Chain,
        mark: Option<&Mark>,
        entry: Entry,
    ) -> Result<Record, SyncError> {
        let record = entry.into_record(chain);
        let mut line = serde_json::to_vec(&record)
            .map_err(|why| SyncError::Damaged { path: self.path.clone(), why: why.to_string() })?;
        let head = hash(&line);
        line.push(b'\n');
        let is_new = chain.whole == 0;
        let mut file = Growing::open_at(&self.path, chain.whole)?;
        if !is_new {
            // A line that a killed process left can be read and yet not outlive a power cut; what
            // follows it must not be there without it.
            file.sync()?;
            // Its mark may be missing as well: the ledger is never more than one record ahead.
            let caught_up = Mark::of(chain);
            if mark != Some(&caught_up) {
                caught_up.write(&self.installation)?;
            }
        }
        file.append(&line).and_then(|()| file.sync()).inspect_err(|_| {
            // Not on record: it must not be built on. Where this fails too, the end is torn, which
            // the next reader sees, or whole, which is true as well.
            let _ = file.cut_back(chain.whole);
        })?;
        if let Some(dir) = self.path.parent().filter(|_| is_new) {
            disk::sync_dir(dir)?;
        }
        // From here on the record stays, even where its mark cannot be written.
        Mark::after(&record, head).write(&self.installation)?;
        Ok(record)
    }

    /// Makes the ledger ready for an attempt, a roll-back, a record: ends what was left open. One
    /// that does not verify takes nothing more; that somebody was turned away is noted. A warning
    /// goes into the log of the service; commands say it themselves.
    ///
    /// # Errors
    /// [`SyncError::Ledger`], or it cannot be read or written.
    pub(super) fn ready(&self, state: &State, who: &Who, place: &str) -> Result<(), SyncError> {
        let settled = self.settle(state);
        if let Err(error @ SyncError::Ledger { .. }) = &settled {
            tracing::warn!(%error, place, operator = who.operator, "nothing is imported or changed");
            TurnedAway::note(&self.installation, who, place)?;
        }
        settled
    }

    /// Ends the records of attempts that a power cut, a kill or a full disk left open.
    pub(super) fn settle(&self, state: &State) -> Result<(), SyncError> {
        for open in self.read()?.open() {
            let (event, detail, ja) = match made_the_switch(state, open) {
                true => (
                    Event::Imported,
                    "the switch was made before the box stopped",
                    "切り替えた後に機器が止まりました（電源断など）。取り込みは済んでいます。",
                ),
                false => (
                    Event::Interrupted,
                    "the box stopped before the switch",
                    "切り替える前に機器が止まりました（電源断など）。もう一度実行すると続きから再開します。",
                ),
            };
            self.append(Entry {
                attempt: Some(open.number),
                who: open.who.clone(),
                place: open.place.clone(),
                manifest: open.manifest.clone(),
                subject: Known::left_by(&self.installation, state, open).subject,
                detail: detail.to_owned(),
                ja: Some(ja.to_owned()),
                ..Entry::of(event)
            })?;
        }
        Ok(())
    }

    /// Records what was done without a medium.
    ///
    /// # Errors
    /// The ledger does not verify, or cannot be read or written.
    pub fn note(&self, event: Event, who: &Who, detail: &str) -> Result<Record, SyncError> {
        let entry = Entry { who: who.clone(), detail: detail.to_owned(), ..Entry::of(event) };
        self.append(entry)
    }

    /// Records a program that went back by itself.
    pub(super) fn note_app_back(
        &self,
        change: Change,
        reason: Reason,
        why: &str,
    ) -> Result<Record, SyncError> {
        self.append(Entry {
            subject: change.to,
            from: change.from,
            reason: Some(reason),
            detail: why.to_owned(),
            ja: Some(String::new()),
            ..Entry::of(Event::AppWentBack)
        })
    }

    /// Records a roll-back by a person: what is in use then, and what was before.
    pub(super) fn note_back(
        &self,
        event: Event,
        who: &Who,
        change: Change,
        (detail, ja): (String, Option<String>),
    ) -> Result<Record, SyncError> {
        self.append(Entry {
            who: who.clone(),
            subject: change.to,
            from: change.from,
            detail,
            ja,
            ..Entry::of(event)
        })
    }
}

/// From one generation to another.
#[derive(Clone, Debug, Default)]
pub(super) struct Change {
    /// Edition that was in use.
    pub(super) from: Option<String>,
    pub(super) to: Option<Subject>,
}

impl Chain {
    /// The head as it was after so many records; `None` where fewer are there.
    pub fn head_after(&self, records: u64) -> Option<&str> {
        let records = usize::try_from(records).ok()?;
        // After record n the head was what record n + 1 names as the line before it.
        match self.records.get(records) {
            Some(next) => Some(&next.before),
            None => (records == self.records.len()).then_some(self.head.as_str()),
        }
    }

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
    ja: Option<String>,
    from: Option<String>,
    bytes_read: u64,
}

impl Entry {
    /// The record that follows a chain.
    fn into_record(self, chain: &Chain) -> Record {
        let number = chain.records.len() as u64 + 1;
        Record {
            number,
            before: chain.head.clone(),
            at: crate::document::timestamp(),
            event: self.event,
            attempt: self.attempt.unwrap_or(number),
            who: self.who,
            place: self.place,
            manifest: self.manifest,
            subject: self.subject,
            reason: self.reason,
            detail: self.detail,
            ja: self.ja,
            from: self.from,
            bytes_read: self.bytes_read,
            kura_version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

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
            ja: None,
            from: None,
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
        Self::begin_at(ledger, who, &stick.path().display().to_string(), manifest)
    }

    /// An attempt of which no more is known than where it was made; `manifest` is its BLAKE3.
    pub(super) fn begin_at(
        ledger: &'l Ledger,
        who: &Who,
        place: &str,
        manifest: String,
    ) -> Result<Self, SyncError> {
        let place = place.to_owned();
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
        known: &Known,
        refusal: Option<Refusal>,
    ) -> Result<(), SyncError> {
        let reason = refusal.as_ref().map(|refusal| refusal.reason);
        let (detail, ja) = refusal.map(|refusal| (refusal.detail, refusal.ja)).unwrap_or_default();
        let (subject, bytes_read) = (known.subject.clone(), known.bytes_read);
        self.append(Entry { subject, reason, detail, ja, bytes_read, ..Entry::of(event) })
    }

    pub(super) fn fail(&self, error: &SyncError, known: &Known) -> Result<(), SyncError> {
        self.append(Entry {
            subject: known.subject.clone(),
            bytes_read: known.bytes_read,
            detail: error.to_string(),
            ja: Some(error.message(crate::text::Lang::Ja)),
            ..Entry::of(Event::Failed)
        })
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

#[cfg(test)]
mod tests;
