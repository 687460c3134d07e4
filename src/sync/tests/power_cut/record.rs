//! Does a change for real, in a folder of its own, and keeps every step of it.

use std::cell::RefCell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::super::super::bundle::{ArtifactRole, Manifest};
use super::super::super::disk::{self, Growing, Step, tap};
use super::super::super::testing::{generation_record, model_record};
use super::super::super::{
    GenerationRecord, Installation, ModelRecord, Prepare, Refusal, SyncError,
};
use super::disk::Op;

/// Name of the data folder on the disk.
pub(in super::super) const DATA: &str = "kura";

/// A change: brings it to its end from wherever it stands, and says so after each call that
/// returned.
pub(in super::super) type Act = Rc<dyn Fn(&Installation, &dyn Fn()) -> Result<(), SyncError>>;

/// Whether a step is left out: a bug of the program.
pub(super) type LeftOut = fn(Step<'_>) -> bool;

/// Does the change on the disk `top`. Gives its steps, and how it ended.
pub(super) fn record(
    top: &Path,
    act: &Act,
    left_out: Option<LeftOut>,
) -> (Vec<Op>, Result<(), SyncError>) {
    let ops = Rc::new(RefCell::new(Vec::new()));
    let watcher = {
        let (ops, top) = (Rc::clone(&ops), top.to_owned());
        move |step: Step<'_>| -> io::Result<bool> {
            if left_out.is_some_and(|bug| bug(step)) {
                return Ok(false);
            }
            note(step, &top, &mut ops.borrow_mut());
            // A sync changes nothing that can be read, and takes most of the time.
            Ok(!matches!(step, Step::SyncFile(_) | Step::SyncDir(_)))
        }
    };
    let tap = tap::install(watcher);
    let done = || ops.borrow_mut().push(Op::Done);
    let end = act(&Installation::new(&top.join(DATA)), &done);
    drop(tap);
    let ops = ops.take();
    (ops, end)
}

pub(in super::super) fn note(step: Step<'_>, top: &Path, ops: &mut Vec<Op>) {
    let below = |path: &Path| -> PathBuf { path.strip_prefix(top).unwrap().to_owned() };
    ops.push(match step {
        Step::MakeDir(path) => Op::MakeDir(below(path)),
        Step::Create(path) => Op::Create(below(path)),
        Step::Append(path, bytes) => Op::Append(below(path), Rc::new(bytes.to_vec())),
        Step::Truncate(path, len) => Op::Truncate(below(path), len),
        Step::SyncFile(path) => Op::SyncFile(below(path)),
        Step::SyncDir(path) => Op::SyncDir(below(path)),
        Step::Rename(from, to) => Op::Rename(below(from), below(to)),
        Step::RemoveFile(path) => Op::Remove(below(path)),
        Step::RemoveTree(path) => return note_tree(path, top, ops),
    });
}

/// A tree goes file by file, and the power may go between them.
fn note_tree(dir: &Path, top: &Path, ops: &mut Vec<Op>) {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            note_tree(&path, top, ops);
        } else {
            ops.push(Op::Remove(path.strip_prefix(top).unwrap().to_owned()));
        }
    }
    ops.push(Op::Remove(dir.strip_prefix(top).unwrap().to_owned()));
}

/// Builds what is derived as an indexer does: several files at once, none of them synced.
pub(in super::super) struct Builder;

impl Builder {
    fn derive(dir: &Path, names: [&str; 2], seed: &str) -> Result<(), SyncError> {
        let paths = names.map(|name| dir.join(name));
        let mut files = Vec::new();
        for path in &paths {
            files.push(Growing::create(path)?);
        }
        for part in 0..3 {
            for file in &mut files {
                file.append(format!("{seed} {part} ").repeat(20).as_bytes())?;
            }
        }
        Ok(())
    }
}

/// The box could not write; the checks of an import know refusals only.
fn unusable(error: &SyncError) -> Refusal {
    let full = matches!(error, SyncError::Io { source, .. }
        if source.kind() == io::ErrorKind::StorageFull);
    let reason = if full {
        super::super::super::Reason::NoSpace
    } else {
        super::super::super::Reason::UnusableContent
    };
    Refusal::new(reason, error.to_string())
}

impl Prepare for Builder {
    fn dataset(&self, stage: &Path, manifest: &Manifest) -> Result<GenerationRecord, Refusal> {
        if manifest.artifact(ArtifactRole::Index).is_none() {
            let index = stage.join("index");
            let built = disk::remove(&index)
                .and_then(|()| disk::make_dir(&index))
                .and_then(|()| Self::derive(&index, ["meta.json", "seg.store"], &manifest.edition));
            built.map_err(|error| unusable(&error))?;
        }
        Ok(generation_record(manifest))
    }

    fn model(&self, stage: &Path, manifest: &Manifest) -> Result<ModelRecord, Refusal> {
        Self::derive(stage, ["prepared.kq", "prepared.list"], &manifest.id)
            .map_err(|error| unusable(&error))?;
        Ok(model_record(manifest))
    }

    fn app(&self, _: &Path, _: &Manifest) -> Result<(), Refusal> {
        Ok(())
    }

    fn assistants(&self, _: &Path, _: &Manifest) -> Result<(), Refusal> {
        Ok(())
    }
}
