//! A bundle's way in, step by step: roots → signatures → parse → counter → space → chunks →
//! whole files → ready to serve → switch. Nothing is used before the step before it holds, and
//! nothing changes what is in use before the last one.
//!
//! Cut off anywhere it leaves the old generation in use; run again it goes on with the chunks that
//! are there. The order of the checks is that of TUF 5.3 to 5.7, without its clock: an offline box
//! has none to trust, so that going back is refused by counters alone, and age is only shown.

mod assemble;
mod checks;
mod preview;
mod settle;

use std::path::Path;
use std::sync::atomic::AtomicBool;

use jiff::civil::Date;

use super::bundle::{Kind, Manifest, Stick};
use super::ledger::{Attempt, Event, Known, Ledger, Who};
use super::records::{GenerationRecord, ModelRecord};
use super::writer::Writer;
use super::{Installation, Reason, Refusal, SyncError};
use crate::text::Lang;

/// What the settings say about trust.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustSettings {
    /// BLAKE3 of the root document that a person compared, lowercase hexadecimal.
    pub fingerprint: Option<String>,
    /// The channel that this box takes.
    pub channel: String,
}

/// Makes what was staged ready to serve, and says whether it is good enough. The layers above
/// know how; nothing that is in use may change.
pub trait Prepare: Sync {
    /// Has the index in `stage/index` (built, or checked where the bundle brought it) and the
    /// golden questions asked.
    ///
    /// # Errors
    /// The content cannot be used, or the golden questions came out below their threshold.
    fn dataset(&self, stage: &Path, manifest: &Manifest) -> Result<GenerationRecord, Refusal>;

    /// Checks `stage/model.gguf`, and prepares it for this box.
    ///
    /// # Errors
    /// It cannot be run here.
    fn model(&self, stage: &Path, manifest: &Manifest) -> Result<ModelRecord, Refusal>;

    /// Starts the program `stage/kura` in check mode against what is installed.
    ///
    /// # Errors
    /// It does not start, or cannot read the state.
    fn app(&self, stage: &Path, manifest: &Manifest) -> Result<(), Refusal>;

    /// Reads the files in `stage/assistants`.
    ///
    /// # Errors
    /// One is not what it should be.
    fn assistants(&self, stage: &Path, manifest: &Manifest) -> Result<(), Refusal>;

    /// What the checks of what was taken found, in words; `None` where there is nothing to say.
    fn found(&self, _lang: Lang) -> Option<String> {
        None
    }
}

/// How far an import is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Signatures were right; this is what comes.
    Verified { title: String, edition: String, bytes: u64 },
    /// Bytes that lie in staging, verified.
    Copied { bytes: u64, of: u64 },
    /// Index, preparation, golden questions.
    Preparing,
    /// The new generation is in use.
    Switched,
}

/// What an import did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    pub manifest: Manifest,
    /// BLAKE3 of the manifest's bytes.
    pub manifest_blake3: String,
    /// Ids of the keys whose signatures counted.
    pub signers: Vec<String>,
    /// False when it was in use already.
    pub changed: bool,
    /// Raw bytes that came from the medium in this run.
    pub bytes_read: u64,
    /// Raw bytes that were on the box: from an interrupted run, or from the edition before.
    pub bytes_kept: u64,
}

/// All that an import needs.
pub struct Importer<'a> {
    pub installation: &'a Installation,
    pub trust: &'a TrustSettings,
    /// As the box believes; only expired roots are refused by it.
    pub today: Date,
    pub who: Who,
    pub prepare: &'a dyn Prepare,
    pub progress: &'a (dyn Fn(Progress) + Sync),
    pub cancelled: &'a AtomicBool,
}

impl Importer<'_> {
    /// Imports one bundle, and writes down that it was tried and how it ended.
    ///
    /// # Errors
    /// [`SyncError::Refused`] with the rule that it broke; [`SyncError::Locked`] while another
    /// change runs; reading or writing the data folder failed. The old generation stays in use.
    pub fn import(&self, stick: &Stick) -> Result<Imported, SyncError> {
        self.recorded(stick).map_err(plain_words)
    }

    /// Writes down an attempt that ended before there was a bundle to import: nothing at that
    /// place, a link, papers of a form that cannot be.
    ///
    /// # Errors
    /// [`SyncError::Locked`] while another change runs; the ledger does not verify, or cannot be
    /// written.
    pub fn record_refusal(&self, place: &str, refusal: &Refusal) -> Result<(), SyncError> {
        let writer = self.installation.writer()?;
        let ledger = Ledger::of(self.installation);
        ledger.ready(writer.state(), &self.who, place)?;
        let attempt = Attempt::begin_at(&ledger, &self.who, place, String::new())?;
        attempt.end(Event::Refused, &Known::default(), Some(refusal.clone()))
    }

    fn recorded(&self, stick: &Stick) -> Result<Imported, SyncError> {
        let mut writer = self.installation.writer()?;
        let ledger = Ledger::of(self.installation);
        ledger.ready(writer.state(), &self.who, &stick.path().display().to_string())?;
        let attempt = Attempt::begin(&ledger, &self.who, stick)?;
        let mut known = Known::default();
        let outcome =
            self.run(&mut writer, stick, attempt.number(), &mut known).map_err(plain_words);
        let on_record = match &outcome {
            Ok(imported) => {
                let event = if imported.changed { Event::Imported } else { Event::Unchanged };
                attempt.end(event, &known, None)
            }
            // Something failed after the switch: whether the switch holds, the next writer sees.
            Err(_) if attempt.made_the_switch(writer.state()) => Ok(()),
            Err(SyncError::Refused(refusal)) => {
                let event = match refusal.reason {
                    Reason::Cancelled | Reason::NoSpace | Reason::Unreadable => Event::Interrupted,
                    _ => Event::Refused,
                };
                attempt.end(event, &known, Some(refusal.clone()))
            }
            Err(error) => attempt.fail(error, &known),
        };
        // On record before it is acknowledged. A failure is told as what it was even where the
        // full disk does not take its record; the next attempt ends it ([`Ledger::settle`]).
        outcome.and_then(|imported| on_record.map(|()| imported))
    }

    /// The steps; everything that is refused leaves by `?`.
    fn run(
        &self,
        writer: &mut Writer,
        stick: &Stick,
        attempt: u64,
        known: &mut Known,
    ) -> Result<Imported, SyncError> {
        // Steps 1 to 4: whose it is, what it is, and whether it may come now.
        let checked = self.check(writer, stick, known)?;
        let manifest = &checked.manifest;
        if checked.is_in_use {
            return Ok(checked.into_imported(false, 0, 0));
        }
        (self.progress)(Progress::Verified {
            title: manifest.title.clone(),
            edition: manifest.edition.clone(),
            bytes: manifest.totals.raw,
        });
        // Step 5: room, and the stage.
        let stage = self.open_stage(writer, &checked)?;
        let filled = self.fill(writer, stick, &checked, &stage, (attempt, known));
        let copied = filled.inspect_err(|error| {
            // What a failed sync leaves reads well and may be gone: the next attempt begins anew.
            if error.is_failed_sync() {
                let _ = super::disk::remove(&stage);
            }
        })?;
        (self.progress)(Progress::Switched);
        Ok(checked.into_imported(true, copied.read, copied.kept))
    }

    fn fill(
        &self,
        writer: &mut Writer,
        stick: &Stick,
        checked: &Checked,
        stage: &Path,
        (attempt, known): (u64, &mut Known),
    ) -> Result<Copied, SyncError> {
        // Steps 6 and 7: chunks, whole files.
        let copied = self.assemble(writer, stick, checked, stage, &mut known.bytes_read)?;
        self.go_on()?;
        // Step 8: ready to serve, in the stage.
        (self.progress)(Progress::Preparing);
        let ready = self.make_ready(stage, &checked.manifest).inspect_err(|refusal| {
            // Bad content stays bad: the next attempt begins anew.
            if !matches!(refusal.reason, Reason::Cancelled | Reason::NoSpace) {
                let _ = super::disk::remove(stage);
            }
        })?;
        self.go_on()?;
        // Step 9: one switch.
        writer.commit_import(stage, checked, ready, attempt)?;
        Ok(copied)
    }

    fn make_ready(&self, stage: &Path, manifest: &Manifest) -> Result<Ready, Refusal> {
        Ok(match manifest.kind {
            Kind::Dataset => Ready::Dataset(Box::new(self.prepare.dataset(stage, manifest)?)),
            Kind::Model => Ready::Model(Box::new(self.prepare.model(stage, manifest)?)),
            Kind::App => {
                self.prepare.app(stage, manifest)?;
                Ready::App
            }
            Kind::Assistants => {
                self.prepare.assistants(stage, manifest)?;
                Ready::Assistants
            }
        })
    }

    fn go_on(&self) -> Result<(), Refusal> {
        match self.cancelled.load(std::sync::atomic::Ordering::Relaxed) {
            true => Err(Refusal::new(Reason::Cancelled, "")),
            false => Ok(()),
        }
    }
}

/// What [`Prepare`] made.
#[derive(Debug)]
pub(super) enum Ready {
    Dataset(Box<GenerationRecord>),
    Model(Box<ModelRecord>),
    App,
    Assistants,
}

use assemble::Copied;
pub(super) use assemble::Local;
pub(super) use checks::{Checked, below_floor};
pub use preview::Preview;
pub(super) use settle::{SPARE, too_little};

/// A full disk is an answer, not an accident.
pub(super) fn plain_words(error: SyncError) -> SyncError {
    match error {
        SyncError::Io { source, path, .. }
            if matches!(
                source.kind(),
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
            ) =>
        {
            Refusal::new(Reason::NoSpace, path.display().to_string()).into()
        }
        other => other,
    }
}
