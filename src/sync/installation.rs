//! The data folder, as readers see it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::SyncError;
use super::bundle::Kind;
use super::disk::{self, read_json};
use super::records::{
    Evaluation, FormatMark, GenerationRecord, ModelRecord, STATE_FORMAT, State, Trust,
};
use super::trust::Root;
use super::writer::Writer;

/// A data folder (`/var/lib/kura`, or the one of a demo).
#[derive(Clone, Debug)]
pub struct Installation {
    root: PathBuf,
}

impl Installation {
    /// Names the folder. Nothing is made until something is installed ([`Self::writer`]).
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Makes the folders that are missing, for their owner alone.
    pub(super) fn make(&self) -> Result<(), SyncError> {
        let folders = [
            self.root.clone(),
            self.datasets_dir(),
            self.models_dir(),
            self.assistants_dir(),
            self.app_dir(),
            self.trust_dir(),
            self.staging_dir(),
        ];
        folders.iter().try_for_each(|dir| disk::make_dir(dir))
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `state.json`
    pub fn state_path(&self) -> PathBuf {
        self.root.join("state.json")
    }

    pub(super) fn staging_dir(&self) -> PathBuf {
        self.root.join("staging")
    }

    pub(super) fn datasets_dir(&self) -> PathBuf {
        self.root.join("datasets")
    }

    pub(super) fn assistants_dir(&self) -> PathBuf {
        self.root.join("assistants")
    }

    /// The files of a generation of a collection of assistants.
    pub fn assistants_in(&self, id: &str, generation: &str) -> PathBuf {
        self.assistants_dir().join(id).join(generation).join("assistants")
    }

    pub(super) fn app_dir(&self) -> PathBuf {
        self.root.join("app")
    }

    pub(super) fn trust_dir(&self) -> PathBuf {
        self.root.join("trust")
    }

    /// The folder that holds the generations of a subject.
    pub(super) fn home_of(&self, kind: Kind, id: &str) -> PathBuf {
        match kind {
            Kind::App => self.app_dir(),
            Kind::Model => self.models_dir(),
            Kind::Dataset => self.datasets_dir().join(id),
            Kind::Assistants => self.assistants_dir().join(id),
        }
    }

    /// The program of a generation.
    pub fn app_path(&self, blake3: &str) -> PathBuf {
        self.app_dir().join(blake3).join("kura")
    }

    pub(super) fn models_dir(&self) -> PathBuf {
        self.root.join("models")
    }

    /// Folder of a generation: `generation.json` and `index/`.
    pub fn generation_dir(&self, id: &str, generation: &str) -> PathBuf {
        self.datasets_dir().join(id).join(generation)
    }

    /// The index of a generation.
    pub fn index_dir(&self, id: &str, generation: &str) -> PathBuf {
        self.generation_dir(id, generation).join("index")
    }

    /// The GGUF file of a model.
    pub fn model_path(&self, blake3: &str) -> PathBuf {
        self.models_dir().join(blake3).join("model.gguf")
    }

    /// What is installed now; empty where nothing was.
    ///
    /// # Errors
    /// `state.json` is unreadable, damaged, or written by a newer program.
    pub fn state(&self) -> Result<State, SyncError> {
        let path = self.state_path();
        let Some(bytes) = disk::read(&path)? else { return Ok(State::default()) };
        // The number first: what a newer program wrote may have fields that are unknown here.
        let mark: FormatMark = disk::parse_json(&path, &bytes)?;
        if mark.format > STATE_FORMAT {
            let (found, known) = (mark.format, STATE_FORMAT);
            return Err(SyncError::Newer { path, found, known });
        }
        disk::parse_json(&path, &bytes)
    }

    /// The root document that was verified last, if any was.
    ///
    /// # Errors
    /// The state or the document is unreadable or damaged.
    pub fn trusted_root(&self) -> Result<Option<Root>, SyncError> {
        let Some(trust) = self.state()?.trust else { return Ok(None) };
        Ok(Some(Root::parse(&self.known_root(&trust)?)?))
    }

    /// The bytes of the root that was verified last.
    pub(super) fn known_root(&self, trust: &Trust) -> Result<Vec<u8>, SyncError> {
        let path = self.root_path(trust);
        let bytes = fs::read(&path).map_err(SyncError::io("read", &path))?;
        match blake3::hash(&bytes).to_hex().as_str() == trust.root_blake3 {
            true => Ok(bytes),
            false => {
                let why = "its hash is not that of the state".to_owned();
                Err(SyncError::Damaged { path, why })
            }
        }
    }

    pub(super) fn root_path(&self, trust: &Trust) -> PathBuf {
        self.trust_dir().join(format!("{}.json", trust.root_blake3))
    }

    /// A mark that changes with every switch of the state, for cheap polling.
    pub fn state_mark(&self) -> Option<(u64, i64, i64)> {
        let meta = fs::metadata(self.state_path()).ok()?;
        Some((meta.ino(), meta.mtime(), meta.mtime_nsec()))
    }

    /// The record of a generation.
    ///
    /// # Errors
    /// It is missing or damaged.
    pub fn generation(&self, id: &str, generation: &str) -> Result<GenerationRecord, SyncError> {
        let path = self.generation_dir(id, generation).join("generation.json");
        read_json(&path)?.ok_or(SyncError::Damaged { path, why: "missing".to_owned() })
    }

    /// The record of a model. Two ids may name the same file; the record carries the one asked for.
    ///
    /// # Errors
    /// It is missing or damaged.
    pub fn model(&self, id: &str, blake3: &str) -> Result<ModelRecord, SyncError> {
        let path = self.models_dir().join(blake3).join("model.json");
        let record: Option<ModelRecord> = read_json(&path)?;
        let record = record.ok_or(SyncError::Damaged { path, why: "missing".to_owned() })?;
        Ok(ModelRecord { id: id.to_owned(), ..record })
    }

    /// Where the evaluation of a model is kept.
    pub(super) fn evaluation_path(&self, blake3: &str) -> PathBuf {
        self.models_dir().join(blake3).join("evaluation.json")
    }

    /// What was last measured with a model on this box, if anything.
    ///
    /// # Errors
    /// The record is damaged.
    pub fn evaluation(&self, blake3: &str) -> Result<Option<Evaluation>, SyncError> {
        read_json(&self.evaluation_path(blake3))
    }

    /// The records of all models, by id.
    ///
    /// # Errors
    /// The state or a record is missing or damaged.
    pub fn models(&self) -> Result<Vec<ModelRecord>, SyncError> {
        self.state()?.models.iter().map(|(id, blake3)| self.model(id, blake3)).collect()
    }

    /// Makes the folder where it is missing, locks it for a change, and sweeps what an
    /// interrupted one left.
    ///
    /// # Errors
    /// Another process holds the lock, or the folder cannot be written.
    pub fn writer(&self) -> Result<Writer, SyncError> {
        Writer::open(self.clone())
    }
}
