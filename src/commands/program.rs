//! Giving the place to the program that the state names, and getting it back: how `kura serve` is
//! updated without being installed anew.
//!
//! The installed package is started, opens the socket, and runs the chosen program in its own
//! place (`exec`): the process, its socket, its arguments stay. A program that serves looks for a
//! switch of the state; then it finishes its answers and runs the package in its place, which
//! chooses again. All choices are made by the package (`sync::app`), so that one that fails is
//! found at the next start, whoever starts it: systemd after a failure, or a person.

use std::io;
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::io::{FdFlags, fcntl_setfd};
use tokio::time::sleep;

use super::{Context, Failure, listening};
use crate::config::Config;
use crate::sync::{Installation, SyncError};

/// Set for a program that got the place: its BLAKE3, and after a comma the one that the state
/// named where that is another. Its presence keeps the program from choosing again.
const PROGRAM: &str = "KURA_PROGRAM";
/// Set beside it: the file of the installed package.
const PACKAGE: &str = "KURA_PACKAGE";
/// For tests: seconds until a new program is confirmed.
const TRIAL_S: &str = "KURA_TRIAL_S";

/// How long a new program has to run until it is confirmed.
const TRIAL: Duration = Duration::from_secs(60);
/// Between two looks at the state.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a start, or a stop, waits for an import to let go of the data folder.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);
/// How long the one who made a switch may take to write the rest of its record.
const SWITCH_PATIENCE: Duration = Duration::from_secs(30);
/// Between two attempts to confirm.
const CONFIRM_EVERY: Duration = Duration::from_secs(10);

/// The program that serves.
#[derive(Clone, Debug)]
pub(super) struct Program {
    installation: Installation,
    /// Its BLAKE3; `None` is the installed package.
    own: Option<String>,
    /// What the state named when this one was started.
    named: Option<String>,
}

impl Program {
    /// Gives the place to the program that the state names, with the socket; then this does not
    /// return. Comes back where this program is the one to serve.
    pub(super) fn choose(context: &Context, listener: &TcpListener) -> Result<Self, Failure> {
        let installation = context.installation();
        let program = match std::env::var(PROGRAM) {
            Ok(set) => Self::given(installation, &set),
            Err(_) => Self::start(installation, listener),
        };
        // Serving from a state of unknown form would be guessing. Other faults of the state leave
        // the pages up, which say what is wrong.
        match program.installation.state() {
            Err(error @ SyncError::Newer { .. }) => Err(error.into()),
            _ => Ok(program),
        }
    }

    fn given(installation: Installation, set: &str) -> Self {
        let (own, named) = set.split_once(',').unwrap_or((set, set));
        Self { installation, own: Some(own.to_owned()), named: Some(named.to_owned()) }
    }

    fn start(installation: Installation, listener: &TcpListener) -> Self {
        let mut named = None;
        // Twice: a file on trial that cannot even be started is found dead by the second look.
        for _ in 0..2 {
            let start = installation.begin_start(LOCK_PATIENCE);
            for notice in &start.notices {
                tracing::warn!("{notice}");
            }
            named = start.named;
            let Some(program) = start.program else { break };
            tracing::info!(program = program.blake3, "the program that was imported serves");
            let set = match &named {
                Some(named) if *named != program.blake3 => format!("{},{named}", program.blake3),
                _ => program.blake3.clone(),
            };
            let error = package().map(|package| {
                let variables = [(PROGRAM, Some(PathBuf::from(set))), (PACKAGE, Some(package))];
                run_in_place(&program.path, listener, variables)
            });
            let error = error.unwrap_or_else(|error| error);
            tracing::error!(%error, program = program.blake3, "the program cannot be started");
        }
        Self { installation, own: None, named }
    }

    /// Comes back when the state names another program, which can be run, and whoever made the
    /// switch is done.
    pub(super) async fn replaced(&self) {
        let mut seen = None;
        loop {
            sleep(LOOK_EVERY).await;
            let mark = self.installation.state_mark();
            if mark == seen {
                continue;
            }
            seen = mark;
            let program = self.clone();
            let looked = tokio::task::spawn_blocking(move || program.is_replaced()).await;
            if looked.unwrap_or(false) {
                return;
            }
        }
    }

    fn is_replaced(&self) -> bool {
        let named = match self.installation.program_named() {
            Ok(named) => named,
            Err(error) => {
                tracing::warn!(%error, "the state cannot be read");
                return false;
            }
        };
        if named == self.named {
            return false;
        }
        let checked = named.as_ref().map(|blake3| self.installation.verified_program(blake3));
        if let Some(Err(error)) = checked {
            tracing::error!(%error, "the program that the state names is not run");
            return false;
        }
        // An import in this very process has yet to write how it ended.
        if let Err(error) = self.installation.writer_within(SWITCH_PATIENCE) {
            tracing::debug!(%error, "the switch is not waited for any longer");
        }
        true
    }

    /// Confirms this program once it has run long enough.
    pub(super) async fn confirm(self) {
        let Some(own) = self.own else { return };
        sleep(trial()).await;
        loop {
            let (installation, own) = (self.installation.clone(), own.clone());
            let confirmed = tokio::task::spawn_blocking(move || installation.confirm(&own)).await;
            match confirmed {
                Ok(Err(SyncError::Locked { .. })) => {}
                Ok(Err(error)) => tracing::warn!(%error, "the new program is not confirmed yet"),
                Ok(Ok(true)) => return tracing::info!("the new program is confirmed"),
                Ok(Ok(false)) | Err(_) => return,
            }
            sleep(CONFIRM_EVERY).await;
        }
    }

    /// Says that a person stopped this program.
    pub(super) fn stopped(&self) {
        let Some(own) = &self.own else { return };
        if let Err(error) = self.installation.stopped_cleanly(own, LOCK_PATIENCE) {
            tracing::warn!(%error, "this stop may count as a failure of the new program");
        }
    }

    /// Runs the installed package in this place, which chooses anew. Returns only what went wrong.
    pub(super) fn give_place(&self, listener: &TcpListener) -> Failure {
        let error = package()
            .map(|package| run_in_place(&package, listener, [(PROGRAM, None), (PACKAGE, None)]));
        let error = error.unwrap_or_else(|error| error);
        Failure::new(
            format!(
                "新しいプログラムに切り替えられません（{error}）。kura serveを起動し直してください。"
            ),
            format!("cannot give the place to the new program: {error}; start kura serve again"),
        )
    }
}

/// Gives the place to the program that the state names, if any, although this one does not
/// understand all settings: they may have been written for a newer one, which says itself what is
/// wrong with them. Comes back where there is none.
pub(super) fn let_it_read(config: &Config) {
    let installation = Installation::new(&config.data_dir);
    let is_named = matches!(installation.program_named(), Ok(Some(_)));
    if !is_named || std::env::var_os(PROGRAM).is_some() {
        return;
    }
    if let Ok(listener) = listening::listener(config.listen) {
        tracing::warn!("the settings are left to the program that was imported");
        Program::start(installation, &listener);
    }
}

/// Runs this very command by the program that the state names, where this one is too old to read
/// the state: after an update, the package on the disk is the older of the two. Comes back where
/// this one can do it, or where there is no other.
pub(super) fn stand_aside(config: &Config) {
    let installation = Installation::new(&config.data_dir);
    let too_old = matches!(installation.state(), Err(SyncError::Newer { .. }));
    let Ok(Some(named)) = installation.program_named() else { return };
    if !too_old || std::env::var_os(PROGRAM).is_some() {
        return;
    }
    let error = match installation.verified_program(&named) {
        Ok(path) => {
            let arguments = std::env::args_os().skip(1);
            Command::new(path).args(arguments).env(PROGRAM, &named).exec().to_string()
        }
        Err(error) => error.to_string(),
    };
    tracing::error!(error, "the program that was imported cannot be run");
}

/// Seconds of the trial.
fn trial() -> Duration {
    let set = std::env::var(TRIAL_S).ok().and_then(|text| text.parse().ok());
    set.map_or(TRIAL, Duration::from_secs)
}

/// The file of the installed package.
fn package() -> io::Result<PathBuf> {
    if let Some(path) = std::env::var_os(PACKAGE) {
        return Ok(PathBuf::from(path));
    }
    let path = std::env::current_exe()?;
    // What Linux says of a file that was replaced while it runs: the new one has its name.
    let replaced = path.to_str().and_then(|text| text.strip_suffix(" (deleted)"));
    Ok(replaced.map_or_else(|| path.clone(), PathBuf::from))
}

/// Replaces this process by a program with the same arguments; the socket stays open and is handed
/// over in systemd's way. Returns only when that failed.
fn run_in_place(
    path: &Path,
    listener: &TcpListener,
    variables: [(&str, Option<PathBuf>); 2],
) -> io::Error {
    let mut command = Command::new(path);
    command
        .args(std::env::args_os().skip(1))
        .env("LISTEN_PID", std::process::id().to_string())
        .env("LISTEN_FDS", "1")
        .env("LISTEN_FDS_FIRST_FD", listener.as_raw_fd().to_string());
    for (name, value) in variables {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    if let Err(error) = fcntl_setfd(listener, FdFlags::empty()) {
        return error.into();
    }
    let error = command.exec();
    // Children of this process shall not inherit it.
    match fcntl_setfd(listener, FdFlags::CLOEXEC) {
        Ok(()) => error,
        Err(other) => other.into(),
    }
}
