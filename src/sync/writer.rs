//! Changes to the data folder: one at a time, each by one switch of `state.json`.

use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::durable::{sync_dir, sync_tree, write_json};
use super::records::{CurrentDataset, Evaluation, GenerationRecord, ModelRecord, State};
use super::{Installation, SyncError};

/// The right to change the data folder; released when dropped, or when the process dies.
#[derive(Debug)]
pub struct Writer {
    installation: Installation,
    state: State,
    _lock: File,
}

/// A folder in which a generation is being built; removed when dropped before its commit.
#[derive(Debug)]
pub struct Staging {
    dir: tempfile::TempDir,
}

impl Staging {
    /// The folder to build in.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

impl Writer {
    pub(super) fn open(installation: Installation) -> Result<Self, SyncError> {
        installation.make()?;
        let path = installation.root().join("kura.lock");
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(SyncError::io("open", &path))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| SyncError::Locked { path: installation.root().to_owned() })?;
        let state = installation.state()?;
        let writer = Self { installation, state, _lock: lock };
        writer.sweep()?;
        Ok(writer)
    }

    /// The state as of now.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// A fresh folder to build in, on the same file system as its final place.
    pub fn stage(&self) -> Result<Staging, SyncError> {
        let parent = self.installation.staging_dir();
        let dir = tempfile::Builder::new()
            .prefix("build-")
            .tempdir_in(&parent)
            .map_err(SyncError::io("make a folder in", &parent))?;
        Ok(Staging { dir })
    }

    /// Installs a staged generation (with its `index/`) and makes it the current one.
    /// Gives the name of the generation: the edition, with `-2`, `-3` … when it was taken.
    pub fn commit_dataset(
        &mut self,
        staging: Staging,
        record: &GenerationRecord,
    ) -> Result<String, SyncError> {
        write_json(&staging.path().join("generation.json"), record)?;
        let home = self.installation.datasets_dir().join(&record.info.id);
        fs::create_dir_all(&home).map_err(SyncError::io("make the folder", &home))?;
        let generation = free_name(&home, &record.info.edition);
        self.move_into_place(staging, &home.join(&generation))?;
        let old = self.state.datasets.get(&record.info.id).map(|old| old.current.clone());
        let entry = CurrentDataset { current: generation.clone(), previous: old };
        self.state.datasets.insert(record.info.id.clone(), entry);
        self.switch()?;
        Ok(generation)
    }

    /// Takes a data set out of use and deletes its generations.
    pub fn remove_dataset(&mut self, id: &str) -> Result<(), SyncError> {
        if self.state.datasets.remove(id).is_none() {
            return Err(SyncError::UnknownDataset(id.to_owned()));
        }
        self.switch()
    }

    /// Installs a staged model (with its `model.gguf`). The first one becomes the one in use.
    pub fn commit_model(
        &mut self,
        staging: Staging,
        record: &ModelRecord,
    ) -> Result<(), SyncError> {
        let place = self.installation.models_dir().join(&record.blake3);
        if place.exists() {
            // The same file under another id or with a newer record: the file is already in place.
            write_json(&place.join("model.json"), record)?;
        } else {
            write_json(&staging.path().join("model.json"), record)?;
            self.move_into_place(staging, &place)?;
        }
        self.state.models.insert(record.id.clone(), record.blake3.clone());
        self.state.model.get_or_insert_with(|| record.id.clone());
        self.switch()
    }

    /// Keeps what was measured with a model, in place of what was measured before.
    pub fn record_evaluation(
        &mut self,
        blake3: &str,
        evaluation: &Evaluation,
    ) -> Result<(), SyncError> {
        write_json(&self.installation.evaluation_path(blake3), evaluation)
    }

    /// Chooses the model in use.
    pub fn use_model(&mut self, id: &str) -> Result<(), SyncError> {
        if !self.state.models.contains_key(id) {
            return Err(SyncError::UnknownModel(id.to_owned()));
        }
        self.state.model = Some(id.to_owned());
        self.switch()
    }

    /// Takes a model out of use and deletes its file. Another one takes its place, if any.
    pub fn remove_model(&mut self, id: &str) -> Result<(), SyncError> {
        if self.state.models.remove(id).is_none() {
            return Err(SyncError::UnknownModel(id.to_owned()));
        }
        if self.state.model.as_deref() == Some(id) {
            self.state.model = self.state.models.keys().next().cloned();
        }
        self.switch()
    }

    fn move_into_place(&self, staging: Staging, place: &Path) -> Result<(), SyncError> {
        sync_tree(staging.path())?;
        fs::rename(staging.path(), place).map_err(SyncError::io("move into", place))?;
        // The folder has moved away: nothing is left for the guard to remove.
        let _ = staging.dir.keep();
        place.parent().map_or(Ok(()), sync_dir)
    }

    fn switch(&mut self) -> Result<(), SyncError> {
        write_json(&self.installation.state_path(), &self.state)?;
        self.sweep()
    }

    /// Removes what the state does not name: half-built folders and old generations.
    fn sweep(&self) -> Result<(), SyncError> {
        for path in entries(&self.installation.staging_dir())? {
            remove_tree(&path)?;
        }
        for home in entries(&self.installation.datasets_dir())? {
            let entry = name_of(&home).and_then(|id| self.state.datasets.get(id));
            for generation in entries(&home)? {
                let name = name_of(&generation);
                let kept = entry.is_some_and(|entry| {
                    name == Some(&entry.current) || name == entry.previous.as_deref()
                });
                if !kept {
                    remove_tree(&generation)?;
                }
            }
            if entry.is_none() {
                remove_tree(&home)?;
            }
        }
        for model in entries(&self.installation.models_dir())? {
            let used =
                self.state.models.values().any(|hash| Some(hash.as_str()) == name_of(&model));
            if !used {
                remove_tree(&model)?;
            }
        }
        Ok(())
    }
}

fn name_of(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

fn free_name(home: &Path, edition: &str) -> String {
    let numbered = (2..).map(|n| format!("{edition}-{n}"));
    std::iter::once(edition.to_owned())
        .chain(numbered)
        .find(|name| !home.join(name).exists())
        .unwrap_or_else(|| edition.to_owned())
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, SyncError> {
    let listing = match fs::read_dir(dir) {
        Ok(listing) => listing,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(SyncError::io("list", dir)(error)),
    };
    listing
        .map(|entry| entry.map(|entry| entry.path()).map_err(SyncError::io("list", dir)))
        .collect()
}

fn remove_tree(path: &Path) -> Result<(), SyncError> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    removed.map_err(SyncError::io("remove", path))
}
