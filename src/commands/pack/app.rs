//! `kura pack app`: a binary for machines of this kind.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;

use super::super::key::unusable;
use super::super::{Context, Failure};
use super::press::{Press, Subject};
use crate::cli::PackTo;
use crate::sync::bundle::{ArtifactRole, Kind};
use crate::sync::pack::{Content, Source};

/// Bytes of an ELF header that say what it runs on.
const HEAD: usize = 20;

pub(super) fn run(
    context: &Context,
    binary: &Path,
    edition: Option<&str>,
    to: &PackTo,
    cancelled: &AtomicBool,
) -> Result<(), Failure> {
    check_machine(binary)?;
    let edition = edition.map_or_else(|| version(binary), |edition| Ok(edition.to_owned()))?;
    let subject = Subject {
        kind: Kind::App,
        id: "kura".to_owned(),
        title: "kura（蔵）".to_owned(),
        edition: edition.clone(),
        stale_after_days: 0,
    };
    let source = Source {
        id: "kura".to_owned(),
        role: ArtifactRole::Program,
        licence: env!("CARGO_PKG_LICENSE").to_owned(),
        source: format!("kura {edition} {}", std::env::consts::ARCH),
        content: Content::File(binary.to_owned()),
    };
    Press::begin(context, to, subject, cancelled)?.finish(&[source])
}

/// Class, byte order and machine of an ELF file; `None` for anything else.
fn machine(path: &Path) -> std::io::Result<Option<[u8; 4]>> {
    let mut head = [0; HEAD];
    match File::open(path)?.read_exact(&mut head) {
        Ok(()) => {}
        Err(why) if why.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(why) => return Err(why),
    }
    Ok(head.starts_with(b"\x7fELF").then_some([head[4], head[5], head[18], head[19]]))
}

/// The program that packs is of the kind that the appliances run.
fn check_machine(binary: &Path) -> Result<(), Failure> {
    let exe = std::env::current_exe().map_err(|why| unusable(Path::new("kura"), &why))?;
    let own = machine(&exe).map_err(|why| unusable(&exe, &why))?;
    let found = machine(binary).map_err(|why| unusable(binary, &why))?;
    let (path, arch) = (binary.display(), std::env::consts::ARCH);
    match found {
        None => Err(Failure::new(
            format!("{path}は実行ファイル（ELF）ではありません。"),
            format!("{path} is no program (ELF)"),
        )),
        found if found != own => Err(Failure::new(
            format!("{path}はこの種類の機器（{arch}）用ではありません。"),
            format!("{path} is not for machines of this kind ({arch})"),
        )),
        _ => Ok(()),
    }
}

/// What the binary says of itself: the last word of `kura 0.1.0`.
fn version(binary: &Path) -> Result<String, Failure> {
    // A name without a folder would be looked for in PATH.
    let path = std::fs::canonicalize(binary).map_err(|why| unusable(binary, &why))?;
    // Without our environment, in which the password of a key may be.
    let output = Command::new(&path).arg("--version").env_clear().stdin(Stdio::null()).output();
    let output = output.map_err(|why| unusable(binary, &why))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = said.lines().next().and_then(|line| line.strip_prefix("kura "));
    match version.filter(|_| output.status.success()) {
        Some(version) => Ok(version.trim().to_owned()),
        None => Err(Failure::new(
            format!(
                "{}が自分の版を示しません。kuraの実行ファイルか確かめるか、--edition で版を指定してください。",
                binary.display()
            ),
            format!(
                "{} does not say its version; check that it is kura, or name the edition with --edition",
                binary.display()
            ),
        )),
    }
}
