//! A file is parsed in a child process with a time and memory limit, so that a hostile or damaged
//! one cannot take the program down.
//!
//! The child is `kura ingest-worker`, one for each file: starting it costs some milliseconds, and
//! nothing that one file does to its process can reach the next. It answers with one JSON value,
//! `Result<Document, IngestError>`, on its standard output.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::IngestError;
use crate::document::Document;

mod child;

/// The hidden subcommand that [`run_worker`] serves.
pub const SUBCOMMAND: &str = "ingest-worker";

/// How often the parent looks at its clock and at the cancel flag.
const POLL: Duration = Duration::from_millis(20);
/// What is kept of the child's error output: enough for the message of an abort.
const STDERR_BYTES_MAX: u64 = 64 << 10;
/// What the runtime writes when memory runs out, before it aborts.
const ALLOCATION_FAILED: &str = "memory allocation of";

/// What reading one file may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Seconds, by the clock and of computing time.
    pub time_s: u64,
    /// Address space in MiB that the child may take beside its binary and libraries.
    pub memory_mib: u64,
    /// Size of the answer in MiB.
    pub output_mib: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { time_s: 30, memory_mib: 512, output_mib: 256 }
    }
}

/// The child's side: `args` are those behind the subcommand, as [`read_limited`] gives them.
/// Fails only when it was called another way; what is wrong with the file is part of the answer.
pub fn run_worker(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    child::run(args)
}

/// Reads `file` in a child process of `exe`, which is `kura` itself.
///
/// # Errors
/// What [`super::read`] finds, and `TimedOut`, `OutOfMemory` or `Crashed` when the child did not
/// answer. When `cancelled` becomes true the child is killed and the error is `Crashed`.
pub fn read_limited(
    exe: &Path,
    file: &Path,
    limits: &Limits,
    cancelled: &AtomicBool,
) -> Result<Document, IngestError> {
    let io = |what: &str, error: std::io::Error| IngestError::Io(format!("{what}: {error}"));
    let file = std::path::absolute(file).map_err(|error| io("path", error))?;
    if file.metadata().is_ok_and(|metadata| metadata.len() > limits.memory_mib << 20) {
        return Err(IngestError::OutOfMemory(limits.memory_mib));
    }
    let mut command = command(exe, limits);
    let mut child = command.arg(file).spawn().map_err(|error| io("starting the reader", error))?;
    let watched = watch(&mut child, limits, cancelled);
    // Whatever happened, no child stays behind. Killing one that has ended is no error.
    let _ = child.kill();
    let _ = child.wait();
    let ended = watched?;
    let status = ended.status;
    match serde_json::from_slice::<Result<Document, IngestError>>(&ended.output) {
        Ok(answer) if status.success() => answer,
        Ok(_) | Err(_) => Err(why_it_ended(status, &ended.errors, limits)),
    }
}

fn command(exe: &Path, limits: &Limits) -> Command {
    let mut command = Command::new(exe);
    command
        .arg(SUBCOMMAND)
        .arg(limits.time_s.to_string())
        .arg(limits.memory_mib.to_string())
        .arg(std::process::id().to_string())
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // Where the binary is linked to libraries outside the system folders it needs this to start.
    if let Some(libraries) = std::env::var_os("LD_LIBRARY_PATH") {
        command.env("LD_LIBRARY_PATH", libraries);
    }
    command
}

/// A child that came to an end by itself.
struct Ended {
    status: ExitStatus,
    output: Vec<u8>,
    errors: String,
}

/// Waits for the answer and the end of the child. On an error it may still run.
fn watch(child: &mut Child, limits: &Limits, cancelled: &AtomicBool) -> Result<Ended, IngestError> {
    let deadline = Instant::now() + Duration::from_secs(limits.time_s);
    let output_max = limits.output_mib << 20;
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(IngestError::Io("the reader has no output".to_owned()));
    };
    let (sender, receiver) = mpsc::channel();
    let output_sender = sender.clone();
    thread::spawn(move || output_sender.send((true, drain(stdout, output_max))));
    thread::spawn(move || sender.send((false, drain(stderr, STDERR_BYTES_MAX))));

    let check = || match cancelled.load(Ordering::Relaxed) {
        true => Err(IngestError::Crashed("cancelled".to_owned())),
        false if Instant::now() >= deadline => Err(IngestError::TimedOut(limits.time_s)),
        false => Ok(()),
    };
    let (mut output, mut errors) = (None, None);
    while output.is_none() || errors.is_none() {
        check()?;
        match receiver.recv_timeout(POLL) {
            Ok((true, bytes)) if bytes.len() as u64 > output_max => {
                return Err(IngestError::OutOfMemory(limits.output_mib));
            }
            Ok((true, bytes)) => output = Some(bytes),
            Ok((false, bytes)) => errors = Some(String::from_utf8_lossy(&bytes).into_owned()),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    loop {
        let ended = child.try_wait();
        match ended.map_err(|error| IngestError::Io(format!("waiting for the reader: {error}")))? {
            Some(status) => {
                let (output, errors) = (output.unwrap_or_default(), errors.unwrap_or_default());
                return Ok(Ended { status, output, errors });
            }
            None => check()?,
        }
        // Both pipes are closed, so it is on its way out.
        thread::sleep(Duration::from_millis(1));
    }
}

/// Reads to the end, or to one byte more than `bytes_max`. A read error is an end: the exit
/// status and the JSON tell whether the answer is whole.
fn drain(stream: impl Read, bytes_max: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = stream.take(bytes_max + 1).read_to_end(&mut bytes);
    bytes
}

fn why_it_ended(status: ExitStatus, errors: &str, limits: &Limits) -> IngestError {
    if errors.contains(ALLOCATION_FAILED) {
        return IngestError::OutOfMemory(limits.memory_mib);
    }
    match signal(status) {
        Some(SIGXCPU) => IngestError::TimedOut(limits.time_s),
        // We did not kill it at this point, so the system did, for want of memory.
        Some(SIGKILL) => IngestError::OutOfMemory(limits.memory_mib),
        _ if errors.contains("overflowed its stack") => {
            IngestError::Crashed("nested too deeply".to_owned())
        }
        Some(signal) => IngestError::Crashed(format!("signal {signal}")),
        None if status.success() => IngestError::Crashed("its answer is unreadable".to_owned()),
        None => IngestError::Crashed(format!("{status}")),
    }
}

/// Signal numbers that are the same on every Linux.
const SIGKILL: i32 = 9;
const SIGXCPU: i32 = 24;

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal(_: ExitStatus) -> Option<i32> {
    None
}

/// Writes the answer. An error means that the parent is gone, which the exit code tells nobody.
fn answer(result: &Result<Document, IngestError>) -> std::io::Result<()> {
    let mut output = std::io::BufWriter::new(std::io::stdout().lock());
    serde_json::to_writer(&mut output, result)?;
    output.flush()
}
