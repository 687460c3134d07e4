//! Reading a file in a child process of the real binary: limits, crashes, cancelling.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kura::document::Document;
use kura::ingest::IngestError;
use kura::ingest::folder::read_folder;
use kura::ingest::worker::{Limits, read_limited};

const KURA: &str = env!("CARGO_BIN_EXE_kura");

fn read(exe: &Path, file: &Path, limits: &Limits) -> Result<Document, IngestError> {
    read_limited(exe, file, limits, &AtomicBool::new(false))
}

/// Writes a DOCX with this text in one paragraph.
fn write_docx(path: &Path, text: &str) {
    let mut zip = zip::ZipWriter::new(fs::File::create(path).expect("creating a test file"));
    let relation = "<Relationships><Relationship Id='r' Type='x/officeDocument' \
        Target='word/document.xml'/></Relationships>";
    let document = format!("<document><body><p><r><t>{text}</t></r></p></body></document>");
    for (name, part) in [("_rels/.rels", relation), ("word/document.xml", document.as_str())] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).expect("a zip entry");
        zip.write_all(part.as_bytes()).expect("a zip entry");
    }
    zip.finish().expect("a whole zip");
}

/// An executable script in place of the child.
fn script(dir: &Path, name: &str, lines: &str) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, format!("#!/bin/sh\n{lines}\n")).expect("writing a script");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("making it executable");
    path
}

#[test]
fn a_file_is_read_in_a_child() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("届出.docx");
    write_docx(&file, "転入届は14日以内に出す。");
    let document = read(Path::new(KURA), &file, &Limits::default()).unwrap();
    assert_eq!(document.title, "届出");
    assert_eq!(document.sections[0].text, "転入届は14日以内に出す。");

    fs::write(&file, b"PK\x03\x04 cut off").unwrap();
    let error = read(Path::new(KURA), &file, &Limits::default()).unwrap_err();
    assert!(matches!(error, IngestError::Damaged(_)), "{error}");
    let missing = read(Path::new(KURA), &dir.path().join("no.docx"), &Limits::default());
    assert!(matches!(missing, Err(IngestError::Io(_))), "{missing:?}");
}

#[test]
fn memory_is_limited() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("大.docx");
    write_docx(&file, &"市".repeat(60 << 20));
    let limits = Limits { memory_mib: 256, ..Limits::default() };
    assert_eq!(read(Path::new(KURA), &file, &limits), Err(IngestError::OutOfMemory(256)));
    let limits = Limits { output_mib: 1, memory_mib: 2048, ..Limits::default() };
    write_docx(&file, &"市".repeat(1 << 20));
    assert_eq!(read(Path::new(KURA), &file, &limits), Err(IngestError::OutOfMemory(1)));
}

#[test]
fn time_is_limited_and_the_child_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let slow = script(dir.path(), "slow", "echo $$ > \"$5.pid\"; exec sleep 600");
    let limits = Limits { time_s: 1, ..Limits::default() };
    let file = dir.path().join("x");
    assert_eq!(read(&slow, &file, &limits), Err(IngestError::TimedOut(1)));
    let pid = fs::read_to_string(dir.path().join("x.pid")).unwrap();
    assert!(!Path::new("/proc").join(pid.trim()).exists(), "the child still runs");
    // Closing its output does not free it from the clock.
    let silent = script(dir.path(), "silent", "exec >&- 2>&-; exec sleep 600");
    assert_eq!(read(&silent, &file, &limits), Err(IngestError::TimedOut(1)));
}

#[test]
fn every_way_to_end_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let crashed = |why: &str| IngestError::Crashed(why.to_owned());
    let oom = "echo 'memory allocation of 42 bytes failed' >&2; kill -ABRT $$";
    let deep = "echo 'thread main has overflowed its stack' >&2; kill -ABRT $$";
    for (name, lines, expected) in [
        ("oom", oom, IngestError::OutOfMemory(512)),
        ("deep", deep, crashed("nested too deeply")),
        ("killed", "kill -KILL $$", IngestError::OutOfMemory(512)),
        ("cpu", "kill -XCPU $$", IngestError::TimedOut(30)),
        ("segv", "kill -SEGV $$", crashed("signal 11")),
        ("exit", "exit 3", crashed("exit status: 3")),
        ("empty", "exit 0", crashed("its answer is unreadable")),
        ("half", "echo '{\"Ok\":{\"title\":'", crashed("its answer is unreadable")),
        ("answer", "echo '{\"Err\":{\"kind\":\"empty\"}}'", IngestError::Empty),
        ("env", "test -z \"$HOME\" || exit 1; exit 4", crashed("exit status: 4")),
    ] {
        let exe = script(dir.path(), name, lines);
        let error = read(&exe, dir.path(), &Limits::default()).unwrap_err();
        assert_eq!(error, expected, "{name}");
    }
    let nothing = read(&dir.path().join("none"), dir.path(), &Limits::default());
    assert!(matches!(nothing, Err(IngestError::Io(_))));
}

/// Without the process that asked, nobody waits for the answer and nobody watches the clock.
#[test]
fn a_child_without_its_parent_reads_nothing() {
    let run = |args: &[&str]| Command::new(KURA).arg("ingest-worker").args(args).output().unwrap();
    let orphan = run(&["30", "512", "0", "/none.docx"]);
    assert_eq!(
        String::from_utf8(orphan.stdout).unwrap(),
        r#"{"Err":{"kind":"crashed","detail":"the parent is gone"}}"#
    );
    assert_eq!(run(&["30", "512"]).status.code(), Some(2));
}

#[test]
fn cancelling_ends_the_child() {
    let dir = tempfile::tempdir().unwrap();
    let slow = script(dir.path(), "slow", "exec sleep 600");
    let cancelled = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(100));
            cancelled.store(true, Ordering::Relaxed);
        });
        let started = Instant::now();
        let result = read_limited(&slow, dir.path(), &Limits::default(), &cancelled);
        assert_eq!(result, Err(IngestError::Crashed("cancelled".to_owned())));
        assert!(started.elapsed() < Duration::from_secs(25), "it waited for the time limit");
    });
}

#[test]
fn a_folder_goes_on_after_a_bad_file() {
    let dir = tempfile::tempdir().unwrap();
    for number in 0..6 {
        write_docx(&dir.path().join(format!("{number}.docx")), "本文");
    }
    fs::write(dir.path().join("3.docx"), b"damaged").unwrap();
    let cancelled = AtomicBool::new(false);
    let reader = |file: &Path| read_limited(Path::new(KURA), file, &Limits::default(), &cancelled);
    let mut names = Vec::new();
    let on_document = |name: &str, _| names.push(name.to_owned());
    let report = read_folder(dir.path(), reader, on_document, |_| {}, &cancelled).unwrap();
    assert_eq!(names, ["0.docx", "1.docx", "2.docx", "4.docx", "5.docx"]);
    assert!(matches!(report.failures[..], [(_, IngestError::Damaged(_))]));
}
