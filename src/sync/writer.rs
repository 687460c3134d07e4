//! Changes to the data folder: one at a time, each by one switch of `state.json`.

mod imports;
pub(super) mod sweep;

use std::fs::File;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use super::disk::{self, sync_dir, sync_tree, write_json};
use super::records::{
    CurrentDataset, Evaluation, GenerationRecord, ModelRecord, STATE_FORMAT, State,
};
use super::{Installation, MEASURED_FILE, MeasuredRates, SyncError};

pub(super) use imports::allowed_by_floor;

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

/// Times that a lock is tried for, and the milliseconds between: a lock let go a moment ago is
/// still held while another thread starts a process, which has its files until it begins.
const LOCK_TRIES: u32 = 20;
const LOCK_WAIT_MS: u64 = 10;

/// A folder of the service's user that root writes into holds files that the service cannot read.
fn check_owner(root: &Path) -> Result<(), SyncError> {
    let Ok(meta) = std::fs::metadata(root) else { return Ok(()) };
    match meta.uid() == rustix::process::geteuid().as_raw() {
        true => Ok(()),
        false => Err(SyncError::NotOwner { path: root.to_owned(), owner: meta.uid() }),
    }
}

fn take(lock: &File) -> rustix::io::Result<()> {
    let mut taken = flock(lock, FlockOperation::NonBlockingLockExclusive);
    for _ in 1..LOCK_TRIES {
        if taken.is_ok() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(LOCK_WAIT_MS));
        taken = flock(lock, FlockOperation::NonBlockingLockExclusive);
    }
    taken
}

impl Writer {
    pub(super) fn open(installation: Installation) -> Result<Self, SyncError> {
        check_owner(installation.root())?;
        installation.make()?;
        let path = installation.root().join("kura.lock");
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(SyncError::io("open", &path))?;
        take(&lock).map_err(|_| SyncError::Locked { path: installation.root().to_owned() })?;
        make_last(&installation)?;
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
        self.sweep_generations()?;
        write_json(&staging.path().join("generation.json"), record)?;
        let home = self.installation.datasets_dir().join(&record.info.id);
        self.make_home(&home)?;
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
        self.sweep_generations()?;
        let place = self.installation.models_dir().join(&record.blake3);
        if place.exists() {
            // The same file under another id or with a newer record: the file is already in place.
            write_json(&place.join("model.json"), record)?;
        } else {
            write_json(&staging.path().join("model.json"), record)?;
            self.move_into_place(staging, &place)?;
        }
        self.state.models.insert(record.id.clone(), record.blake3.clone());
        self.state.previous_models.remove(&record.id);
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

    /// Keeps what was measured with a data set in use, in place of what was measured before.
    ///
    /// # Errors
    /// [`SyncError::UnknownDataset`], or it cannot be written.
    pub fn record_measured(&mut self, id: &str, measured: &MeasuredRates) -> Result<(), SyncError> {
        let entry = self.state.datasets.get(id);
        let entry = entry.ok_or_else(|| SyncError::UnknownDataset(id.to_owned()))?;
        let dir = self.installation.generation_dir(id, &entry.current);
        write_json(&dir.join(MEASURED_FILE), measured)
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
        self.state.previous_models.remove(id);
        if self.state.model.as_deref() == Some(id) {
            self.state.model = self.state.models.keys().next().cloned();
        }
        self.switch()
    }

    /// Makes the folder of a data set, and its name in the folder above last.
    fn make_home(&self, home: &Path) -> Result<(), SyncError> {
        disk::make_dir(home)?;
        home.parent().map_or(Ok(()), sync_dir)
    }

    fn move_into_place(&self, staging: Staging, place: &Path) -> Result<(), SyncError> {
        self.move_stage(staging.path(), place)?;
        // The folder has moved away: nothing is left for the guard to remove.
        let _ = staging.dir.keep();
        Ok(())
    }

    /// Makes a folder of the staging area last, and gives it its place.
    fn move_stage(&self, stage: &Path, place: &Path) -> Result<(), SyncError> {
        sync_tree(stage)?;
        disk::rename(stage, place)?;
        // First the new name: a file system may take the old one away on its own.
        place.parent().map_or(Ok(()), sync_dir)?;
        stage.parent().map_or(Ok(()), sync_dir)
    }

    fn switch(&mut self) -> Result<(), SyncError> {
        self.state.format = STATE_FORMAT;
        let written = write_json(&self.installation.state_path(), &self.state);
        if written.is_err() {
            self.state = self.installation.state()?;
            return written;
        }
        // It is in use. What cannot be swept now is no failure of the switch, and the next writer
        // sweeps before it changes anything.
        let _ = self.sweep();
        Ok(())
    }
}

/// Makes the folder's own entries last before anything is built on them, or removed for them: a
/// process that was killed may have left a switch that can be read but would not outlive a power
/// cut.
fn make_last(installation: &Installation) -> Result<(), SyncError> {
    sync_dir(installation.root())?;
    let Some(parent) = installation.root().parent().filter(|_| !installation.state_path().exists())
    else {
        return Ok(());
    };
    match sync_dir(if parent.as_os_str().is_empty() { Path::new(".") } else { parent }) {
        // Then it is not this program that made the folder.
        Err(SyncError::Io { source, .. })
            if source.kind() == std::io::ErrorKind::PermissionDenied =>
        {
            Ok(())
        }
        other => other,
    }
}

fn free_name(home: &Path, edition: &str) -> String {
    let numbered = (2..).map(|n| format!("{edition}-{n}"));
    std::iter::once(edition.to_owned())
        .chain(numbered)
        .find(|name| !home.join(name).exists())
        .unwrap_or_else(|| edition.to_owned())
}
