//! Inside the child: limits first, then the file, then one answer.

use std::any::Any;
use std::ffi::OsString;
use std::panic;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::answer;
use crate::ingest::{self, IngestError};

/// The arguments behind the subcommand.
struct Task {
    time_s: u64,
    memory_mib: u64,
    /// Process id of the parent.
    parent: u32,
    file: PathBuf,
}

pub(super) fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let Some(task) = parse(args) else {
        return ExitCode::from(2);
    };
    let result = match confine(&task) {
        Ok(()) => read(&task.file),
        Err(why) => Err(IngestError::Crashed(why)),
    };
    match answer(&result) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn parse(args: impl IntoIterator<Item = OsString>) -> Option<Task> {
    let mut args = args.into_iter();
    let mut number = || args.next()?.to_str()?.parse::<u64>().ok();
    let (time_s, memory_mib, parent) = (number()?, number()?, number()?);
    let (file, None) = (PathBuf::from(args.next()?), args.next()) else {
        return None;
    };
    Some(Task { time_s, memory_mib, parent: parent.try_into().ok()?, file })
}

/// Reads the file; a panic in a format crate becomes an error of this file.
fn read(file: &Path) -> Result<crate::document::Document, IngestError> {
    panic::set_hook(Box::new(|_| {}));
    let result = panic::catch_unwind(|| ingest::read(file));
    result.unwrap_or_else(|payload| Err(IngestError::Crashed(message(payload.as_ref()))))
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("panic").to_owned()
}

/// Sets the limits, which cannot be raised again. No file may be written: parsing never needs to.
#[cfg(unix)]
fn confine(task: &Task) -> Result<(), String> {
    use rustix::process::{Resource, Rlimit, setrlimit};

    follow_parent(task.parent)?;
    for (resource, limit) in [
        (Resource::As, mapped_bytes()?.saturating_add(task.memory_mib << 20)),
        // A safety net behind the parent's clock, should the parent be stopped.
        (Resource::Cpu, task.time_s.saturating_add(1)),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
    ] {
        let limit = Rlimit { current: Some(limit), maximum: Some(limit) };
        let set = setrlimit(resource, limit);
        set.map_err(|error| format!("setting the limit {resource:?}: {error}"))?;
    }
    Ok(())
}

/// Address space that the binary and its libraries take before anything is read; those of CUDA
/// alone would fill the limit.
#[cfg(target_os = "linux")]
fn mapped_bytes() -> Result<u64, String> {
    let status = std::fs::read_to_string("/proc/self/status")
        .map_err(|error| format!("reading /proc/self/status: {error}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmSize:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.map(|kib| kib << 10).ok_or_else(|| "/proc/self/status has no VmSize".to_owned())
}

#[cfg(all(unix, not(target_os = "linux")))]
fn mapped_bytes() -> Result<u64, String> {
    Ok(0)
}

#[cfg(not(unix))]
fn confine(_: &Task) -> Result<(), String> {
    Ok(())
}

/// Asks the kernel to end this process with its parent, and looks whether it is already too late.
#[cfg(target_os = "linux")]
fn follow_parent(parent: u32) -> Result<(), String> {
    use rustix::process::{Signal, getppid, set_parent_process_death_signal};

    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| format!("tying the reader to its parent: {error}"))?;
    let now = getppid().map(|pid| pid.as_raw_nonzero().get().unsigned_abs());
    match now == Some(parent) {
        true => Ok(()),
        false => Err("the parent is gone".to_owned()),
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
fn follow_parent(_: u32) -> Result<(), String> {
    Ok(())
}
