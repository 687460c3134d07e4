//! Removal of what the state does not name: half-built folders and old generations.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::records::CurrentDataset;
use super::super::{SyncError, disk};
use super::Writer;

impl Writer {
    /// Stages of interrupted imports stay: they are gone on with, or give way to the next.
    pub(super) fn sweep(&self) -> Result<(), SyncError> {
        for path in entries(&self.installation.staging_dir())? {
            if !is_kept(&path) {
                disk::remove(&path)?;
            }
        }
        self.sweep_generations()
    }

    /// After it, what lies in the place of a generation is one that the state names, and whole.
    pub(super) fn sweep_generations(&self) -> Result<(), SyncError> {
        sweep_homes(&self.installation.datasets_dir(), |id| self.state.datasets.get(id))?;
        sweep_homes(&self.installation.assistants_dir(), |id| self.state.assistants.get(id))?;
        let models = self.state.models.values().chain(self.state.previous_models.values());
        sweep_names(&self.installation.models_dir(), |name| models.clone().any(|one| one == name))?;
        let app = self.state.app.as_ref();
        sweep_names(&self.installation.app_dir(), |name| {
            app.is_some_and(|app| {
                app.current.as_deref() == Some(name)
                    || app.previous.as_ref().is_some_and(|old| old.as_deref() == Some(name))
            })
        })
    }

    /// The stages of imports that were begun. What uploads bring is no stage: an import may be
    /// reading from it.
    pub(in crate::sync) fn stages(&self) -> Result<Vec<PathBuf>, SyncError> {
        let mut stages = entries(&self.installation.staging_dir())?;
        stages.retain(|path| name_of(path).is_some_and(|name| name.starts_with("sync-")));
        Ok(stages)
    }
}

fn is_kept(path: &Path) -> bool {
    // Uploads (`upload-…`) keep their chunks in the same way as stages.
    name_of(path).is_some_and(|name| name.starts_with("sync-") || name.starts_with("upload-"))
}

/// Folders with generations in them.
fn sweep_homes<'s>(
    dir: &Path,
    entry_of: impl Fn(&str) -> Option<&'s CurrentDataset>,
) -> Result<(), SyncError> {
    for home in entries(dir)? {
        let entry = name_of(&home).and_then(&entry_of);
        let Some(entry) = entry else {
            disk::remove(&home)?;
            continue;
        };
        sweep_names(&home, |name| {
            name == entry.current || Some(name) == entry.previous.as_deref()
        })?;
    }
    Ok(())
}

fn sweep_names(dir: &Path, kept: impl Fn(&str) -> bool) -> Result<(), SyncError> {
    for path in entries(dir)? {
        if !name_of(&path).is_some_and(&kept) {
            disk::remove(&path)?;
        }
    }
    Ok(())
}

pub(in crate::sync) fn name_of(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

pub(in crate::sync) fn entries(dir: &Path) -> Result<Vec<PathBuf>, SyncError> {
    let listing = match fs::read_dir(dir) {
        Ok(listing) => listing,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(SyncError::io("list", dir)(error)),
    };
    listing
        .map(|entry| entry.map(|entry| entry.path()).map_err(SyncError::io("list", dir)))
        .collect()
}
