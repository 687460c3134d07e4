//! The switches that updates make: import, roll-back, a newer root.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::bundle::{Kind, Manifest};
use super::super::disk;
use super::super::import::{Checked, Ready, below_floor};
use super::super::records::{CurrentApp, CurrentDataset, Floor, State, Trial, Trust};
use super::super::trust::Chain;
use super::super::{Refusal, SyncError};
use super::sweep::entries;
use super::{Writer, free_name};

/// Stands for the installed package where a generation of the program is named.
const PACKAGE: &str = "package";

/// A generation that may not be, in a folder that the installed package has not.
type Dir = Option<Option<PathBuf>>;

impl Writer {
    /// Keeps a newer root. A root that is known already changes nothing.
    pub(in crate::sync) fn trust(&mut self, chain: &Chain, anchor: &str) -> Result<(), SyncError> {
        let trust = Trust {
            anchor: anchor.to_owned(),
            root_version: chain.root.version,
            root_blake3: chain.fingerprint(),
        };
        if self.state.trust.as_ref() == Some(&trust) {
            return Ok(());
        }
        disk::write(&self.installation.root_path(&trust), &chain.bytes)?;
        self.state.trust = Some(trust);
        self.switch()
    }

    /// Whether what the manifest describes is in use, and not only known.
    pub(in crate::sync) fn is_in_use(&self, manifest: &Manifest, blake3: &str) -> bool {
        let generations = self.generations_of(manifest);
        let current = generations.first().filter(|_| self.has_current(manifest));
        let bytes = current.and_then(|dir| fs::read(dir.join("manifest.json")).ok());
        bytes.is_some_and(|bytes| blake3::hash(&bytes).to_hex().as_str() == blake3)
    }

    fn has_current(&self, manifest: &Manifest) -> bool {
        match manifest.kind {
            Kind::App => self.state.app.as_ref().is_some_and(|app| app.current.is_some()),
            Kind::Model => self.state.models.contains_key(&manifest.id),
            Kind::Dataset => self.state.datasets.contains_key(&manifest.id),
            Kind::Assistants => self.state.assistants.contains_key(&manifest.id),
        }
    }

    /// Folders of the generations of a subject, the current one first.
    pub(in crate::sync) fn generations_of(&self, manifest: &Manifest) -> Vec<PathBuf> {
        let (kind, id) = (manifest.kind, &manifest.id);
        let state = &self.state;
        let names: Vec<Option<&String>> = match kind {
            Kind::Dataset | Kind::Assistants => {
                let all = if kind == Kind::Dataset { &state.datasets } else { &state.assistants };
                let entry = all.get(id);
                vec![
                    entry.map(|entry| &entry.current),
                    entry.and_then(|entry| entry.previous.as_ref()),
                ]
            }
            Kind::Model => vec![state.models.get(id), state.previous_models.get(id)],
            Kind::App => {
                let app = state.app.as_ref();
                vec![
                    app.and_then(|app| app.current.as_ref()),
                    app.and_then(|app| app.previous.as_ref()).and_then(Option::as_ref),
                ]
            }
        };
        let home = self.installation.home_of(kind, id);
        names.into_iter().flatten().map(|name| home.join(name)).collect()
    }

    /// Step 9 of an import: the stage gets its place, then one switch puts it to use.
    pub(in crate::sync) fn commit_import(
        &mut self,
        stage: &Path,
        checked: &Checked,
        ready: Ready,
        attempt: u64,
    ) -> Result<(), SyncError> {
        let manifest = &checked.manifest;
        self.sweep_generations()?;
        let home = self.installation.home_of(manifest.kind, &manifest.id);
        self.make_home(&home)?;
        match ready {
            Ready::Dataset(record) => {
                disk::write_json(&stage.join("generation.json"), record.as_ref())?;
                let name = free_name(&home, &manifest.edition);
                self.place(stage, &home.join(&name))?;
                next(self.state.datasets.entry(manifest.id.clone()), name);
            }
            Ready::Assistants => {
                let name = free_name(&home, &manifest.edition);
                self.place(stage, &home.join(&name))?;
                next(self.state.assistants.entry(manifest.id.clone()), name);
            }
            Ready::Model(record) => {
                disk::write_json(&stage.join("model.json"), record.as_ref())?;
                self.place(stage, &home.join(&record.blake3))?;
                let old = self.state.models.insert(manifest.id.clone(), record.blake3.clone());
                if let Some(old) = old.filter(|old| *old != record.blake3) {
                    self.state.previous_models.insert(manifest.id.clone(), old);
                }
                self.state.model.get_or_insert_with(|| manifest.id.clone());
            }
            Ready::App => {
                let hash = manifest.artifacts.first().map(|program| program.blake3.clone());
                let hash = hash.unwrap_or_default();
                self.place(stage, &home.join(&hash))?;
                let previous = self.proven_app(&hash);
                let trial = Some(Trial { starts: 0 });
                self.state.app = Some(CurrentApp { current: Some(hash), previous, trial });
            }
        }
        self.raise_floor(checked, attempt);
        self.switch()
    }

    /// The program to go back to from `new`: the one in use, unless that is the same one, or has
    /// yet to show that it runs.
    fn proven_app(&self, new: &str) -> Option<Option<String>> {
        let Some(app) = &self.state.app else { return Some(None) };
        let is_proven = app.trial.is_none() && app.current.as_deref() != Some(new);
        if is_proven { Some(app.current.clone()) } else { app.previous.clone() }
    }

    /// Moves a stage to its place. A folder named by its content may be there already, and in
    /// use: then only the papers beside the content are replaced, each as a whole.
    fn place(&self, stage: &Path, place: &Path) -> Result<(), SyncError> {
        if !place.exists() {
            return self.move_stage(stage, place);
        }
        for path in entries(stage)? {
            let papers = path.extension().is_some_and(|end| end == "json" || end == "minisig");
            if let Some(name) = path.file_name().filter(|_| papers) {
                let bytes = fs::read(&path).map_err(SyncError::io("read", &path))?;
                disk::write(&place.join(name), &bytes)?;
            }
        }
        disk::remove(stage)?;
        // Gone for good before the switch: nothing would sweep it after one.
        stage.parent().map_or(Ok(()), disk::sync_dir)
    }

    fn raise_floor(&mut self, checked: &Checked, attempt: u64) {
        let manifest = &checked.manifest;
        let old = self.state.floors.get(&manifest.subject()).map_or(0, |old| old.security_floor);
        let floor = Floor {
            counter: manifest.counter,
            manifest: checked.manifest_blake3.clone(),
            attempt,
            security_floor: manifest.security_floor.max(old),
            issued_at: manifest.issued_at.clone(),
            stale_after_days: manifest.stale_after_days,
        };
        self.state.floors.insert(manifest.subject(), floor);
    }

    /// The name of the generation that [`Self::roll_back`] would put to use.
    ///
    /// # Errors
    /// There is none before, or it was withdrawn for security.
    pub fn generation_before(&self, kind: Kind, id: &str) -> Result<String, SyncError> {
        let none = || SyncError::NothingBefore(format!("{}/{id}", kind.name()));
        let dir = self.previous_dir(kind, id).ok_or_else(none)?;
        self.check_security_floor(kind, id, dir.as_deref())?;
        let name = dir.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
        Ok(name.unwrap_or(PACKAGE).to_owned())
    }

    /// Goes back to the generation before; asked again, it comes forward. Gives the name of the
    /// generation in use now.
    ///
    /// # Errors
    /// There is none before, or it was withdrawn for security.
    pub fn roll_back(&mut self, kind: Kind, id: &str) -> Result<String, SyncError> {
        let none = || SyncError::NothingBefore(format!("{}/{id}", kind.name()));
        self.generation_before(kind, id)?;
        let now = match kind {
            Kind::Dataset => swap(self.state.datasets.get_mut(id)).ok_or_else(none)?,
            Kind::Assistants => swap(self.state.assistants.get_mut(id)).ok_or_else(none)?,
            Kind::Model => {
                let old = self.state.previous_models.remove(id).ok_or_else(none)?;
                let new = self.state.models.insert(id.to_owned(), old.clone());
                let new = new.ok_or_else(none)?;
                self.state.previous_models.insert(id.to_owned(), new);
                old
            }
            Kind::App => {
                let app = self.state.app.as_mut().ok_or_else(none)?;
                let old = app.previous.take().ok_or_else(none)?;
                app.previous = Some(std::mem::replace(&mut app.current, old.clone()));
                app.trial = None;
                old.unwrap_or_else(|| PACKAGE.to_owned())
            }
        };
        self.switch()?;
        Ok(now)
    }

    /// Folders of the generation in use and of the one before; an inner `None` is the installed
    /// package, which has none.
    pub(in crate::sync) fn dirs_of(&self, kind: Kind, id: &str) -> (Dir, Dir) {
        let home = self.installation.home_of(kind, id);
        let state = &self.state;
        let now = match kind {
            Kind::Dataset => state.datasets.get(id).map(|entry| Some(entry.current.clone())),
            Kind::Assistants => state.assistants.get(id).map(|entry| Some(entry.current.clone())),
            Kind::Model => state.models.get(id).map(|hash| Some(hash.clone())),
            Kind::App => Some(state.app.as_ref().and_then(|app| app.current.clone())),
        };
        (now.map(|name| name.map(|name| home.join(name))), self.previous_dir(kind, id))
    }

    /// Folder of the generation before; the inner `None` is the installed package, which has none.
    fn previous_dir(&self, kind: Kind, id: &str) -> Dir {
        let home = self.installation.home_of(kind, id);
        let name = match kind {
            Kind::Dataset => self.state.datasets.get(id)?.previous.clone(),
            Kind::Assistants => self.state.assistants.get(id)?.previous.clone(),
            Kind::Model => self.state.previous_models.get(id).cloned(),
            Kind::App => {
                return Some(self.state.app.as_ref()?.previous.clone()?.map(|n| home.join(n)));
            }
        };
        Some(Some(home.join(name?)))
    }

    fn check_security_floor(
        &self,
        kind: Kind,
        id: &str,
        dir: Option<&Path>,
    ) -> Result<(), SyncError> {
        Ok(allowed_by_floor(&self.state, &format!("{}/{id}", kind.name()), dir)?)
    }

    /// Changes what is said of the program, in one switch.
    pub(in crate::sync) fn set_app(&mut self, app: CurrentApp) -> Result<(), SyncError> {
        self.state.app = Some(app);
        self.switch()
    }
}

/// Whether the generation in a folder may still be used. What was added by hand, and the
/// installed package, have no counter: they are older than any floor that was set.
pub(in crate::sync) fn allowed_by_floor(
    state: &State,
    subject: &str,
    dir: Option<&Path>,
) -> Result<(), Refusal> {
    let floor = state.floors.get(subject).map_or(0, |floor| floor.security_floor);
    let bytes = dir.and_then(|dir| fs::read(dir.join("manifest.json")).ok());
    let counter = bytes.and_then(|bytes| Manifest::parse(&bytes).ok()).map_or(0, |m| m.counter);
    match counter < floor {
        true => Err(below_floor(subject, counter, floor)),
        false => Ok(()),
    }
}

/// Makes a generation the current one.
fn next(entry: std::collections::btree_map::Entry<'_, String, CurrentDataset>, name: String) {
    entry
        .and_modify(|entry| {
            entry.previous = Some(std::mem::replace(&mut entry.current, name.clone()));
        })
        .or_insert(CurrentDataset { current: name, previous: None });
}

/// Changes the current generation for the one before.
fn swap(entry: Option<&mut CurrentDataset>) -> Option<String> {
    let entry = entry?;
    let old = entry.previous.take()?;
    entry.previous = Some(std::mem::replace(&mut entry.current, old.clone()));
    Some(old)
}
