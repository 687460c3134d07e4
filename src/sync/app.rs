//! The program's generations: which binary serves, and whether a new one holds.
//!
//! The installed package is always started first. It asks here for the program that the state
//! names ([`Installation::begin_start`]) and gives its place to it. A program that came in by an
//! import is on trial: the mark of its start is made before it runs, and taken away when it has
//! run for a minute ([`Installation::confirm`]) or was stopped by a person
//! ([`Installation::stopped_cleanly`]). A start that finds the mark of another one knows that the
//! program died, and goes back. Power lost within the minute counts as a death as well: a program
//! that takes the box down with it must not be started again and again.
//!
//! Only what the package knows of `state.json` is read for this, because a newer program may have
//! written the rest of it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::bundle::Kind;
use super::disk::read_json;
use super::ledger::{Change, Ledger, Who};
use super::records::{CurrentApp, State, Trial};
use super::writer::{Writer, allowed_by_floor};
use super::{Installation, Reason, Refusal, SyncError};

/// The only program that a box runs.
const APP_ID: &str = "kura";
/// Between two looks at the lock of somebody else.
const LOCK_STEP: Duration = Duration::from_millis(100);

/// A program other than the installed package; its file was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    pub blake3: String,
    pub path: PathBuf,
}

/// Which program is to serve.
#[derive(Debug, Default)]
pub struct Start {
    /// What the state names; `None` is the installed package. When the state names another one
    /// later, that one is to take over.
    pub named: Option<String>,
    /// What is to run; `None` is the installed package.
    pub program: Option<Program>,
    /// What the log should say.
    pub notices: Vec<Notice>,
}

/// Something about the programs that people should know.
#[derive(Debug, thiserror::Error)]
pub enum Notice {
    #[error("{0}; the installed package serves")]
    NotRun(SyncError),
    #[error("{0}")]
    WentBack(String),
    #[error("{why}, but the program before it may not serve: {refusal}; the new one is kept")]
    Kept { why: String, refusal: SyncError },
    #[error("the start of a program on trial could not be marked: {0}; it is started all the same")]
    NotMarked(SyncError),
    #[error("the transfer record could not be written: {0}")]
    NotRecorded(SyncError),
}

/// What the next start of a program on trial comes to.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// Nothing is on trial.
    Run,
    /// A first start; the mark that it needs.
    Begin(CurrentApp),
    /// The program did not hold.
    Back { to: CurrentApp, why: String, reason: Reason },
    /// It did not hold, but nothing else may run.
    Keep { app: CurrentApp, why: String, refusal: Refused },
}

/// Why a program before may not serve.
#[derive(Debug, PartialEq, Eq)]
enum Refused {
    NoneBefore,
    Floor(Refusal),
}

impl From<Refused> for SyncError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NoneBefore => Self::NothingBefore("app/kura".to_owned()),
            Refused::Floor(refusal) => refusal.into(),
        }
    }
}

/// The part of `state.json` that every version has.
#[derive(Debug, Default, Deserialize)]
struct Named {
    #[serde(default)]
    app: Option<NamedApp>,
}

#[derive(Debug, Deserialize)]
struct NamedApp {
    #[serde(default)]
    current: Option<String>,
    #[serde(default)]
    trial: Option<serde::de::IgnoredAny>,
}

impl Installation {
    fn named_app(&self) -> Result<Option<NamedApp>, SyncError> {
        Ok(read_json::<Named>(&self.state_path())?.and_then(|named| named.app))
    }

    /// BLAKE3 of the program that the state names; `None` is the installed package. Reads what a
    /// newer program wrote, too.
    ///
    /// # Errors
    /// `state.json` cannot be read.
    pub fn program_named(&self) -> Result<Option<String>, SyncError> {
        Ok(self.named_app()?.and_then(|app| app.current))
    }

    /// The file of a program, when it is the one that its name says. The folder is writable for
    /// nobody but the one who runs it, so that it is still this file a moment later.
    ///
    /// # Errors
    /// It cannot be read, or its BLAKE3 is another.
    pub fn verified_program(&self, blake3: &str) -> Result<PathBuf, SyncError> {
        let path = self.app_path(blake3);
        let mut file = File::open(&path).map_err(SyncError::io("open", &path))?;
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(&mut file).map_err(SyncError::io("read", &path))?;
        match hasher.finalize().to_hex().as_str() == blake3 {
            true => Ok(path),
            false => {
                let why = "its hash is not that of the program that was imported".to_owned();
                Err(SyncError::Damaged { path, why })
            }
        }
    }

    /// Says which program is to serve, and marks the start of one on trial. Whatever is wrong,
    /// something is to serve: problems are told in the result. Waits up to `patience` for the
    /// lock of a change that is under way.
    pub fn begin_start(&self, patience: Duration) -> Start {
        let mut start = Start::default();
        let (mut wanted, on_trial) = match self.named_app() {
            Ok(Some(app)) => (app.current, app.trial.is_some()),
            Ok(None) => return start,
            Err(why) => {
                start.notices.push(Notice::NotRun(why));
                return start;
            }
        };
        start.named = wanted.clone();
        if on_trial {
            match self.writer_within(patience) {
                Ok(mut writer) => {
                    wanted = self.take_step(&mut writer, &mut start.notices);
                    start.named = writer.state().app.as_ref().and_then(|app| app.current.clone());
                }
                Err(why) => {
                    start.notices.push(Notice::NotMarked(why));
                    // A program that died is not run again for want of a lock or of space.
                    if let Ok(Step::Back { to, why, .. }) = self.state().map(|s| self.judge(&s)) {
                        start.notices.push(Notice::WentBack(why));
                        wanted = to.current;
                    }
                }
            }
        }
        start.program = wanted.and_then(|blake3| match self.verified_program(&blake3) {
            Ok(path) => Some(Program { blake3, path }),
            Err(why) => {
                start.notices.push(Notice::NotRun(why));
                None
            }
        });
        start
    }

    /// Makes the step that is due, durably; gives what is to run.
    fn take_step(&self, writer: &mut Writer, notices: &mut Vec<Notice>) -> Option<String> {
        let now = writer.state().app.as_ref().and_then(|app| app.current.clone());
        let (app, back) = match self.judge(writer.state()) {
            Step::Run => return now,
            Step::Begin(app) => (app, None),
            Step::Back { to, why, reason } => (to, Some((why, reason))),
            Step::Keep { app, why, refusal } => {
                notices.push(Notice::Kept { why, refusal: refusal.into() });
                (app, None)
            }
        };
        if let Some((why, reason)) = back {
            // Written before the switch: a power cut between the two tells it twice, not never.
            let ledger = Ledger::of(self);
            // An attempt that was cut off is ended first: its end has to follow its beginning.
            let ready = ledger.ready(writer.state(), &Who::default(), "app");
            let change = self.way_back(now.as_deref(), app.current.as_deref());
            let noted = ready.and_then(|()| ledger.note_app_back(change, reason, &why));
            if let Err(why) = noted {
                notices.push(Notice::NotRecorded(why));
            }
            notices.push(Notice::WentBack(why));
        }
        let wanted = app.current.clone();
        if let Err(why) = writer.set_app(app) {
            notices.push(Notice::NotMarked(why));
        }
        wanted
    }

    /// From one program to the one before, for the ledger.
    fn way_back(&self, from: Option<&str>, to: Option<&str>) -> Change {
        let dir = |blake3: Option<&str>| blake3.map(|blake3| self.app_dir().join(blake3));
        Change {
            from: Some(self.edition_in(Kind::App, APP_ID, dir(from).as_deref())),
            to: Some(self.subject_in(Kind::App, APP_ID, dir(to).as_deref())),
        }
    }

    /// What the state and the files say of the program on trial.
    fn judge(&self, state: &State) -> Step {
        let Some(app) = &state.app else { return Step::Run };
        let Some(trial) = &app.trial else { return Step::Run };
        let current = app.current.as_deref();
        let damaged = current.and_then(|blake3| self.verified_program(blake3).err());
        let marked = CurrentApp {
            trial: Some(Trial { starts: trial.starts.saturating_add(1) }),
            ..app.clone()
        };
        let name = name_of(current);
        let (why, reason) = match (damaged, trial.starts) {
            (Some(why), _) => (format!("{name} cannot be run ({why})"), Reason::AppDamaged),
            (None, 0) => return Step::Begin(marked),
            (None, _) => (format!("{name} ended within its first minute"), Reason::AppDied),
        };
        let Some(previous) = &app.previous else {
            return Step::Keep { app: marked, why, refusal: Refused::NoneBefore };
        };
        let dir = previous.as_ref().map(|blake3| self.app_path(blake3));
        let dir = dir.as_deref().and_then(Path::parent);
        let mut subjects = state.floors.keys().filter(|subject| subject.starts_with("app/"));
        let refusal = subjects.find_map(|subject| allowed_by_floor(state, subject, dir).err());
        if let Some(refusal) = refusal {
            return Step::Keep { app: marked, why, refusal: Refused::Floor(refusal) };
        }
        let why = format!("{why}; {} is in use again", name_of(previous.as_deref()));
        // The one that died is not kept: going forward to it again would skip its trial.
        let to = CurrentApp { current: previous.clone(), previous: None, trial: None };
        Step::Back { to, why, reason }
    }

    /// Ends the trial of a program that has run long enough. False when it was not on trial.
    ///
    /// # Errors
    /// [`SyncError::Locked`] while a change is under way; the state cannot be read or written.
    pub fn confirm(&self, blake3: &str) -> Result<bool, SyncError> {
        self.change_trial(blake3, Duration::ZERO, None)
    }

    /// Takes the mark of this start away: a person stopped the program, it did not die. False
    /// when it was not on trial.
    ///
    /// # Errors
    /// As [`Self::confirm`], after `patience`.
    pub fn stopped_cleanly(&self, blake3: &str, patience: Duration) -> Result<bool, SyncError> {
        self.change_trial(blake3, patience, Some(Trial { starts: 0 }))
    }

    fn change_trial(
        &self,
        blake3: &str,
        patience: Duration,
        then: Option<Trial>,
    ) -> Result<bool, SyncError> {
        // Looked at without the lock first: most starts are of programs that were confirmed.
        let is_ours = |app: &NamedApp| app.current.as_deref() == Some(blake3);
        if !self.named_app()?.is_some_and(|app| is_ours(&app) && app.trial.is_some()) {
            return Ok(false);
        }
        let mut writer = self.writer_within(patience)?;
        let app = writer.state().app.clone();
        let is_ours = |app: &CurrentApp| app.current.as_deref() == Some(blake3);
        match app.filter(|app| is_ours(app) && app.trial.is_some()) {
            Some(app) => writer.set_app(CurrentApp { trial: then, ..app }).map(|()| true),
            None => Ok(false),
        }
    }

    /// The right to change the folder, waited for.
    ///
    /// # Errors
    /// As [`Self::writer`], after `patience`.
    pub fn writer_within(&self, patience: Duration) -> Result<Writer, SyncError> {
        let begun = Instant::now();
        loop {
            match self.writer() {
                Err(SyncError::Locked { .. }) if begun.elapsed() < patience => {
                    std::thread::sleep(LOCK_STEP);
                }
                outcome => return outcome,
            }
        }
    }
}

/// A program for the log and the ledger.
fn name_of(blake3: Option<&str>) -> String {
    match blake3 {
        Some(blake3) => format!("the program {}", blake3.get(..16).unwrap_or(blake3)),
        None => "the installed package".to_owned(),
    }
}

#[cfg(test)]
mod tests;
