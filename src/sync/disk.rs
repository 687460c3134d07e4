//! Every change that an installation makes to its files, one function each, so that a test can
//! stand at each of them: cut the power there, fill the disk there, or leave the step out.
//!
//! The rule that they serve: fsync the file, rename, fsync the folder; ONE file, `state.json`,
//! says what is in use.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::SyncError;

#[cfg(test)]
pub(super) mod tap;

/// A step that changes files, or makes a change last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(test), allow(dead_code, reason = "read by the tests only"))]
pub(super) enum Step<'a> {
    MakeDir(&'a Path),
    Create(&'a Path),
    /// So many bytes at the end of the file.
    Append(&'a Path, &'a [u8]),
    Truncate(&'a Path, u64),
    SyncFile(&'a Path),
    SyncDir(&'a Path),
    Rename(&'a Path, &'a Path),
    RemoveFile(&'a Path),
    RemoveTree(&'a Path),
}

/// Whether a step is to be done; only a test ever says no.
fn permitted(step: Step<'_>) -> io::Result<bool> {
    #[cfg(test)]
    return tap::ask(step);
    #[cfg(not(test))]
    {
        let _ = step;
        Ok(true)
    }
}

/// Makes a folder and those above it, for their owner alone, and makes their names last.
pub(super) fn make_dir(dir: &Path) -> Result<(), SyncError> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    make_dir(parent)?;
    permitted(Step::MakeDir(dir))
        .and_then(|go| if go { DirBuilder::new().mode(0o700).create(dir) } else { Ok(()) })
        .map_err(SyncError::io("make the folder", dir))?;
    sync_dir(parent)
}

/// A file that grows at its end.
#[derive(Debug)]
pub(super) struct Growing<'p> {
    path: &'p Path,
    file: File,
}

impl<'p> Growing<'p> {
    /// Makes the file anew, for its owner alone; an old one is emptied.
    pub(super) fn create(path: &'p Path) -> Result<Self, SyncError> {
        permitted(Step::Create(path)).map_err(SyncError::io("make", path))?;
        let file = File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)
            .map_err(SyncError::io("make", path))?;
        Ok(Self { path, file })
    }

    /// Opens the file, making it where it is missing, and cuts it to `len` bytes.
    pub(super) fn open_at(path: &'p Path, len: u64) -> Result<Self, SyncError> {
        if !path.exists() {
            return Self::create(path);
        }
        let mut options = File::options();
        let file = options.append(true).open(path).map_err(SyncError::io("open", path))?;
        let now = file.metadata().map_err(SyncError::io("read", path))?.len();
        let growing = Self { path, file };
        if now != len {
            growing.cut_back(len)?;
        }
        Ok(growing)
    }

    /// Puts bytes at the end.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), SyncError> {
        let go = permitted(Step::Append(self.path, bytes));
        go.and_then(|go| if go { self.file.write_all(bytes) } else { Ok(()) })
            .map_err(SyncError::io("write", self.path))
    }

    /// Takes back what was put behind the first `len` bytes.
    pub(super) fn cut_back(&self, len: u64) -> Result<(), SyncError> {
        permitted(Step::Truncate(self.path, len))
            .and_then(|go| if go { self.file.set_len(len) } else { Ok(()) })
            .map_err(SyncError::io("cut", self.path))
    }

    /// Makes what was written last. Where this fails, what was written may be gone though it can
    /// still be read, and a second try that succeeds says nothing: write it anew.
    pub(super) fn sync(&self) -> Result<(), SyncError> {
        let go = permitted(Step::SyncFile(self.path));
        go.and_then(|go| if go { self.file.sync_all() } else { Ok(()) })
            .map_err(SyncError::io("sync", self.path))
    }
}

/// Makes the content of a file last.
pub(super) fn sync_file(path: &Path) -> Result<(), SyncError> {
    permitted(Step::SyncFile(path))
        .and_then(|go| if go { File::open(path)?.sync_all() } else { Ok(()) })
        .map_err(SyncError::io("sync", path))
}

/// Makes the entries of a folder last.
pub(super) fn sync_dir(dir: &Path) -> Result<(), SyncError> {
    permitted(Step::SyncDir(dir))
        .and_then(|go| if go { File::open(dir)?.sync_all() } else { Ok(()) })
        .map_err(SyncError::io("sync", dir))
}

/// Makes everything below a folder last, the folder included.
pub(super) fn sync_tree(dir: &Path) -> Result<(), SyncError> {
    for entry in fs::read_dir(dir).map_err(SyncError::io("list", dir))? {
        let path = entry.map_err(SyncError::io("list", dir))?.path();
        if path.is_dir() { sync_tree(&path)? } else { sync_file(&path)? }
    }
    sync_dir(dir)
}

/// Gives a file or folder its place.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), SyncError> {
    permitted(Step::Rename(from, to))
        .and_then(|go| if go { fs::rename(from, to) } else { Ok(()) })
        .map_err(SyncError::io("move into", to))
}

/// Removes a file, or a folder with all that is in it; nothing to remove is no error.
pub(super) fn remove(path: &Path) -> Result<(), SyncError> {
    let Ok(meta) = fs::symlink_metadata(path) else { return Ok(()) };
    let tree = meta.is_dir();
    let step = if tree { Step::RemoveTree(path) } else { Step::RemoveFile(path) };
    permitted(step)
        .and_then(|go| match (go, tree) {
            (false, _) => Ok(()),
            (true, true) => fs::remove_dir_all(path),
            (true, false) => fs::remove_file(path),
        })
        .map_err(SyncError::io("remove", path))
}

/// Replaces a file so that a reader, or a power cut, sees the old content or the new one.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), SyncError> {
    let damaged = |why: &str| SyncError::Damaged { path: path.to_owned(), why: why.to_owned() };
    let dir = path.parent().ok_or_else(|| damaged("no folder"))?;
    let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(|| damaged("no name"))?;
    // One writer holds the lock, so that the name is free; what a power cut left is overwritten.
    let fresh = dir.join(format!(".{name}.new"));
    let mut file = Growing::create(&fresh)?;
    file.append(bytes)?;
    file.sync()?;
    rename(&fresh, path)?;
    sync_dir(dir)
}

/// Replaces a file by a value as JSON ([`write`]).
pub(super) fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), SyncError> {
    let json = serde_json::to_vec_pretty(value)
        .map_err(|why| SyncError::Damaged { path: path.to_owned(), why: why.to_string() })?;
    write(path, &json)
}

/// Reads a file; `None` when there is none.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, SyncError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(SyncError::io("read", path)(error)),
    }
}

/// The value in the bytes of a JSON file.
pub(super) fn parse_json<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T, SyncError> {
    serde_json::from_slice(bytes)
        .map_err(|why| SyncError::Damaged { path: path.to_owned(), why: why.to_string() })
}

/// Reads a JSON file; `None` when there is none.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, SyncError> {
    read(path)?.map(|bytes| parse_json(path, &bytes)).transpose()
}
