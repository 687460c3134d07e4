//! A data set's folder: every document found, read, and named in the report, good or bad.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use super::{Format, IngestError, Place};
use crate::document::Document;

/// Folders inside folders; deeper ones are named as not read.
const DEPTH_MAX: usize = 16;
/// Files read at the same time. Each may take the memory limit of a worker, so not more.
const READERS_MAX: usize = 2;
/// Names that a file manager leaves behind, beside those that start with a dot.
const LEFTOVERS: [&str; 2] = ["thumbs.db", "desktop.ini"];

/// How far reading is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Files finished, good or bad.
    pub done: usize,
    /// Files in all.
    pub total: usize,
    /// Size of the files finished.
    pub bytes_done: u64,
    /// Size of all files.
    pub bytes_total: u64,
    /// The file that was finished last, relative, with `/`; empty at the start.
    pub path: String,
}

/// What was read, and what was not and why. All paths are relative, with `/`, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FolderReport {
    /// Files and folders that were not read.
    pub failures: Vec<(String, IngestError)>,
    /// What is missing from documents that were read.
    pub warnings: Vec<(String, String)>,
}

impl FolderReport {
    fn take(
        &mut self,
        name: &str,
        result: Result<Document, IngestError>,
        on_document: &mut impl FnMut(&str, Document),
    ) {
        match result {
            Ok(document) => {
                let warnings = document.warnings.iter();
                self.warnings.extend(warnings.map(|text| (name.to_owned(), text.clone())));
                on_document(name, document);
            }
            Err(error) => self.failures.push((name.to_owned(), error)),
        }
    }
}

/// Why a folder was not read at all.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The folder itself cannot be listed.
    #[error("reading the folder {path}: {cause}")]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// The caller's flag was set.
    #[error("cancelled")]
    Cancelled,
}

/// A file to read.
struct Entry {
    /// Relative, with `/`.
    name: String,
    path: PathBuf,
    bytes: u64,
}

/// Reads all files below `dir` except `dataset.toml` and `golden.toml` at its top, hidden files and
/// READMEs.
/// Links are not followed. `reader` runs on up to two threads; on this one run `on_document`, with
/// each document in the order of the paths, and `on_progress`, once at the start and once a file.
///
/// # Errors
/// When `dir` cannot be listed, or `cancelled` became true. A bad file is no error: see the report.
pub fn read_folder(
    dir: &Path,
    reader: impl Fn(&Path) -> Result<Document, IngestError> + Sync,
    mut on_document: impl FnMut(&str, Document),
    mut on_progress: impl FnMut(Progress),
    cancelled: &AtomicBool,
) -> Result<FolderReport, FolderError> {
    let mut found = Found::default();
    found.walk(dir, "", 0).map_err(|cause| {
        let path = dir.to_owned();
        FolderError::Unreadable { path, cause }
    })?;
    found.files.sort_by(|one, other| one.name.cmp(&other.name));
    let files = &found.files;
    let mut progress = Progress {
        done: 0,
        total: files.len(),
        bytes_done: 0,
        bytes_total: files.iter().map(|file| file.bytes).sum(),
        path: String::new(),
    };
    on_progress(progress.clone());
    let mut report = FolderReport::default();
    // Results come in any order; one that is early waits for those before it.
    let mut early = BTreeMap::new();
    let mut next = 0;
    read_all(files, &reader, cancelled, |index, result| {
        progress.done += 1;
        progress.bytes_done += files[index].bytes;
        progress.path.clone_from(&files[index].name);
        on_progress(progress.clone());
        early.insert(index, result);
        while let Some(result) = early.remove(&next) {
            report.take(&files[next].name, result, &mut on_document);
            next += 1;
        }
    });
    if cancelled.load(Ordering::Relaxed) {
        return Err(FolderError::Cancelled);
    }
    report.failures.append(&mut found.failures);
    report.failures.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(report)
}

/// Reads the files on a few threads and hands each result to `done` on this one.
fn read_all(
    files: &[Entry],
    reader: &(impl Fn(&Path) -> Result<Document, IngestError> + Sync),
    cancelled: &AtomicBool,
    mut done: impl FnMut(usize, Result<Document, IngestError>),
) {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let work = |results: &mpsc::SyncSender<_>| {
        while !cancelled.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = files.get(index) else { break };
            let result = match Format::of(&file.path) {
                Some(_) => reader(&file.path),
                None => Err(IngestError::Unsupported),
            };
            if results.send((index, result)).is_err() {
                break;
            }
        }
    };
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::sync_channel(READERS_MAX);
        for _ in 0..cores.min(READERS_MAX) {
            let sender = sender.clone();
            scope.spawn(move || work(&sender));
        }
        drop(sender);
        for (index, result) in receiver {
            done(index, result);
        }
    });
}

/// What the walk came across.
#[derive(Default)]
struct Found {
    files: Vec<Entry>,
    failures: Vec<(String, IngestError)>,
}

impl Found {
    /// Lists a folder; `prefix` is its relative name with a `/` at the end.
    fn walk(&mut self, dir: &Path, prefix: &str, depth: usize) -> std::io::Result<()> {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let file_name = entry.file_name();
            let Some(name) = file_name.to_str() else {
                let name = format!("{prefix}{}", file_name.to_string_lossy());
                self.left_out(name, Place::Name);
                continue;
            };
            if is_skipped(name, depth) {
                continue;
            }
            let relative = format!("{prefix}{name}");
            match entry.file_type() {
                Ok(kind) if kind.is_symlink() => self.left_out(relative, Place::Link),
                Ok(kind) if kind.is_dir() => self.folder(&entry.path(), relative, depth + 1),
                Ok(kind) if kind.is_file() => self.file(&entry, relative),
                Ok(_) => self.left_out(relative, Place::Special),
                Err(error) => self.not_read(relative, &error.to_string()),
            }
        }
        Ok(())
    }

    fn file(&mut self, entry: &fs::DirEntry, name: String) {
        match entry.metadata() {
            Ok(metadata) => {
                self.files.push(Entry { name, path: entry.path(), bytes: metadata.len() });
            }
            Err(error) => self.not_read(name, &error.to_string()),
        }
    }

    fn folder(&mut self, path: &Path, name: String, depth: usize) {
        if depth > DEPTH_MAX {
            self.left_out(name, Place::TooDeep(DEPTH_MAX));
        } else if let Err(error) = self.walk(path, &format!("{name}/"), depth) {
            self.not_read(name, &error.to_string());
        }
    }

    fn left_out(&mut self, name: String, place: Place) {
        self.failures.push((name, IngestError::Place(place)));
    }

    fn not_read(&mut self, name: String, why: &str) {
        self.failures.push((name, IngestError::Io(why.to_owned())));
    }
}

/// Hidden files, notes for people, and what office programs and file managers leave behind.
fn is_skipped(name: &str, depth: usize) -> bool {
    let lower = name.to_lowercase();
    lower.starts_with('.')
        || lower.starts_with("~$")
        || lower.starts_with("readme")
        || LEFTOVERS.contains(&lower.as_str())
        || (depth == 0 && matches!(lower.as_str(), "dataset.toml" | "golden.toml"))
}

#[cfg(test)]
mod tests;
