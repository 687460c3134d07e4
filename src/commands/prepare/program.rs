//! A staged program: it must start here and read what is installed, before it may take over.

use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io::{ErrorKind, Read, Seek};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::{Preparer, Work, cancelled};
use crate::config::{KEYS, Key};
use crate::sync::{Reason, Refusal};

/// Time for the check; it reads a few small files.
const TIME_MAX: Duration = Duration::from_secs(60);
/// Between two looks at it.
const STEP: Duration = Duration::from_millis(20);
/// Read of what it prints, in bytes.
const PRINTED_BYTES_MAX: u64 = 64 * 1024;

/// What the program says of itself, as one line of JSON.
#[derive(Debug, Deserialize)]
struct Said {
    version: String,
    state_format: u32,
}

impl Preparer<'_> {
    /// Runs `stage/kura check-state` against the data folder.
    pub(super) fn try_program(&self, stage: &Path) -> Result<(), Refusal> {
        self.told(Work::Program);
        let program = stage.join("kura");
        fs::set_permissions(&program, Permissions::from_mode(0o755)).map_err(refused)?;
        // Files and not pipes: whatever it leaves running cannot make this wait.
        let printed = tempfile::tempfile_in(stage).map_err(refused)?;
        let errors = tempfile::tempfile_in(stage).map_err(refused)?;
        let mut command = Command::new(&program);
        command.arg("check-state").arg("--data-dir").arg(self.data_dir);
        if let Some(settings) = self.settings {
            command.arg("--config").arg(settings);
        }
        command
            .env_clear()
            .envs(settings_of_this_process())
            .stdin(Stdio::null())
            .stdout(printed.try_clone().map_err(refused)?)
            .stderr(errors.try_clone().map_err(refused)?);
        let until = Instant::now() + TIME_MAX;
        let child = Self::start(&mut command, until)?;
        let status = self.wait(child, until)?;
        let errors = read(errors)?;
        if !status.success() {
            return Err(refused(format!("{status}: {}", one_line(&errors))));
        }
        let printed = read(printed)?;
        let last = printed.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let said: Said = serde_json::from_str(last)
            .map_err(|why| refused(format!("its answer cannot be read: {why}")))?;
        let (version, format) = (said.version, said.state_format);
        tracing::info!(version, format, "the new program passed its check");
        Ok(())
    }

    /// A child that another thread is just starting may hold the file as it was open for writing.
    fn start(command: &mut Command, until: Instant) -> Result<Child, Refusal> {
        loop {
            match command.spawn() {
                Err(why)
                    if why.kind() == ErrorKind::ExecutableFileBusy && Instant::now() < until =>
                {
                    thread::sleep(STEP);
                }
                started => return started.map_err(refused),
            }
        }
    }

    fn wait(&self, mut child: Child, until: Instant) -> Result<ExitStatus, Refusal> {
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) if self.is_cancelled() => {
                    stop(&mut child);
                    return Err(cancelled());
                }
                Ok(None) if Instant::now() >= until => {
                    stop(&mut child);
                    let seconds = TIME_MAX.as_secs();
                    return Err(refused(format!("it did not end within {seconds} s")));
                }
                Ok(None) => thread::sleep(STEP),
                Err(why) => {
                    stop(&mut child);
                    return Err(refused(why));
                }
            }
        }
    }
}

/// Settings that came by the environment, without which the others may not fit together.
fn settings_of_this_process() -> impl Iterator<Item = (String, OsString)> {
    let names = KEYS.iter().map(Key::env_name);
    names.filter_map(|name| std::env::var_os(&name).map(|value| (name, value)))
}

fn stop(child: &mut Child) {
    // It may have ended by itself meanwhile.
    let _ = child.kill();
    let _ = child.wait();
}

fn read(mut file: File) -> Result<String, Refusal> {
    let mut bytes = Vec::new();
    file.rewind()
        .and_then(|()| file.take(PRINTED_BYTES_MAX).read_to_end(&mut bytes))
        .map_err(refused)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn refused(why: impl std::fmt::Display) -> Refusal {
    Refusal::new(Reason::AppCheck, why.to_string())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::config::Config;

    /// A shell script in the program's place.
    fn try_script(script: &str, cancelled: bool) -> Result<(), Refusal> {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("kura"), format!("#!/bin/sh\n{script}\n")).unwrap();
        let config = Config { data_dir: "/data folder".into(), ..Config::default() };
        let settings = Path::new("/etc/kura.toml");
        let cancelled = AtomicBool::new(cancelled);
        Preparer::new(&config, Some(settings), &cancelled, &|_| ()).try_program(dir.path())
    }

    #[test]
    fn a_program_that_answers_passes() {
        let script = "echo starting; echo '{\"version\": \"0.2.0\", \"state_format\": 2}'";
        assert_eq!(try_script(script, false), Ok(()));
    }

    #[test]
    fn it_is_told_where_things_are_and_nothing_else() {
        let script = "echo \"$#:$*:$HOME:$LANG\" >&2; exit 3";
        let refusal = try_script(script, false).unwrap_err();
        assert_eq!(refusal.reason, Reason::AppCheck);
        let told = "5:check-state --data-dir /data folder --config /etc/kura.toml::";
        assert!(refusal.detail.contains(told), "{refusal}");
    }

    #[test]
    fn one_that_fails_or_says_nothing_is_refused() {
        for (script, part) in [
            ("echo 'cannot read  state.json' >&2\necho why >&2; exit 1", "state.json why"),
            ("exit 0", "its answer"),
            ("echo '{\"version\": \"1\"}'", "state_format"),
            ("kill -9 $$", "signal"),
        ] {
            let refusal = try_script(script, false).unwrap_err();
            assert_eq!(refusal.reason, Reason::AppCheck);
            assert!(refusal.detail.contains(part), "{script}: {refusal}");
        }
    }

    #[test]
    fn what_is_no_program_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("kura"), [0x7f, b'E', b'L', b'F', 0, 0]).unwrap();
        let config = Config::default();
        let never = AtomicBool::new(false);
        let refusal = Preparer::new(&config, None, &never, &|_| ()).try_program(dir.path());
        assert_eq!(refusal.unwrap_err().reason, Reason::AppCheck);
    }

    #[test]
    fn a_person_may_stop_it() {
        let refusal = try_script("while :; do :; done", true).unwrap_err();
        assert_eq!(refusal.reason, Reason::Cancelled);
    }
}
