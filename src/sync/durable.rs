//! Writes that survive a power cut: fsync the file, rename, fsync the folder.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::SyncError;

/// Makes the entries of a folder durable.
pub(super) fn sync_dir(dir: &Path) -> Result<(), SyncError> {
    File::open(dir).and_then(|file| file.sync_all()).map_err(SyncError::io("sync", dir))
}

/// Makes everything below a folder durable, the folder included.
pub(super) fn sync_tree(dir: &Path) -> Result<(), SyncError> {
    for entry in fs::read_dir(dir).map_err(SyncError::io("list", dir))? {
        let path = entry.map_err(SyncError::io("list", dir))?.path();
        if path.is_dir() {
            sync_tree(&path)?;
        } else {
            File::open(&path)
                .and_then(|file| file.sync_all())
                .map_err(SyncError::io("sync", &path))?;
        }
    }
    sync_dir(dir)
}

/// Replaces a file so that a reader, or a power cut, sees the old content or the new one.
pub(super) fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), SyncError> {
    let damaged = |why: String| SyncError::Damaged { path: path.to_owned(), why };
    let dir = path.parent().ok_or_else(|| damaged("no folder".to_owned()))?;
    let json = serde_json::to_vec_pretty(value).map_err(|why| damaged(why.to_string()))?;
    let mut file = tempfile::NamedTempFile::new_in(dir).map_err(SyncError::io("write in", dir))?;
    file.write_all(&json)
        .and_then(|()| file.as_file().sync_all())
        .map_err(SyncError::io("write", path))?;
    file.persist(path).map_err(|error| SyncError::io("replace", path)(error.error))?;
    sync_dir(dir)
}

/// Reads a JSON file; `None` when there is none.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, SyncError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(SyncError::io("read", path)(error)),
    };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|why| SyncError::Damaged { path: path.to_owned(), why: why.to_string() })
}
