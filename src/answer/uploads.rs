//! Files that a person gives to a conversation, to ask about them.
//!
//! What was read of a file is screened for personal data as the settings say, and indexed in a
//! folder of its own below `uploads/` in the data folder, which only the program can open. The file
//! itself is not kept. Whose an upload is, and until when, stands in the
//! database: a folder that the database does not name is removed ([`Service::tidy_uploads`]).

mod beside;
mod keeping;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::library::today;
use super::service::Service;
use super::sources;
use super::types::{ServiceError, Source};
use crate::config::Config;
use crate::document::Passage;
use crate::guard::personal::{Kind, labels};
use crate::search::{Index, SearchError};
use crate::store::{self, Store};
use crate::text::Lang;

pub(super) use beside::{asks_for_whole, leading};

/// Below the data folder.
const FOLDER: &str = "uploads";

/// What stands before the id of an upload where the id of a data set is expected. A colon is in no
/// id of a data set.
pub const PREFIX: &str = "upload:";

/// Beginning of the names of folders in which a file lies while it is read.
pub const READING: &str = "reading-";

/// Such a folder is left over when it is older than reading can take.
const READING_MAX: Duration = Duration::from_secs(60 * 60);

/// Indices that stay open. Each holds a few files and about a megabyte.
const OPEN_MAX: usize = 16;

/// What was read of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadContent {
    /// Name of the file, without folders.
    pub name: String,
    /// Size of the file.
    pub bytes: u64,
    /// BLAKE3 of the file, lowercase hexadecimal.
    pub blake3: String,
    /// The day it came, on the clock of the box.
    pub day: Date,
    pub passages: u64,
    pub characters: u64,
    /// What was not read of it, in Japanese, each with its place.
    pub unread: Vec<String>,
    /// Kinds of personal data in it, and how many were found of each.
    pub personal: Vec<(String, usize)>,
    /// Kinds that were masked before anything else saw the text.
    pub masked: Vec<String>,
    /// Passages that speak to an AI; the model does not get those sentences.
    pub instructions: usize,
}

/// An upload that a question is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    pub id: String,
    pub content: UploadContent,
}

impl Upload {
    /// What stands in the place of a data set's id.
    pub fn dataset(&self) -> String {
        format!("{PREFIX}{}", self.id)
    }
}

/// A file that was read: its passages carry [`Scope::Upload`](crate::document::Scope::Upload).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadFile {
    /// As it is shown, screened already: passages carry it as their path.
    pub name: String,
    /// Size of the file.
    pub bytes: u64,
    /// BLAKE3 of the file, lowercase hexadecimal.
    pub blake3: String,
    pub passages: Vec<Passage>,
    /// What was not read of it, in Japanese.
    pub unread: Vec<String>,
}

/// Why a file was not taken. Nothing of it is kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UploadError {
    /// It holds personal data that the settings refuse.
    #[error("it holds personal data that may not be sent")]
    PersonalData(Vec<Kind>),
    #[error("the disk did not take it: {0}")]
    Disk(String),
}

impl From<std::io::Error> for UploadError {
    fn from(why: std::io::Error) -> Self {
        Self::Disk(why.to_string())
    }
}

impl UploadError {
    /// What happened and what to do next.
    pub fn message(&self, lang: Lang) -> String {
        match (self, lang) {
            (Self::PersonalData(kinds), Lang::Ja) => {
                let kinds = labels(kinds);
                format!(
                    "{kinds}が含まれているため、使えません。その部分を除いたファイルを用意してください。"
                )
            }
            (Self::Disk(why), Lang::Ja) => format!(
                "機器に保存できませんでした（{why}）。時間をおいて試し、続くときは情報担当者に知らせてください。"
            ),
            (other, Lang::En) => other.to_string(),
        }
    }
}

/// Where uploads lie, and which are open.
pub(super) struct Uploads {
    root: PathBuf,
    /// Ids that are being made: the database does not name them yet.
    making: Mutex<BTreeSet<String>>,
    open: Mutex<Vec<(String, Arc<Index>)>>,
}

impl std::fmt::Debug for Uploads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Uploads").field("root", &self.root).finish_non_exhaustive()
    }
}

impl Uploads {
    pub(super) fn new(config: &Config) -> Self {
        let root = config.data_dir.join(FOLDER);
        Self { root, making: Mutex::default(), open: Mutex::default() }
    }

    fn folder(&self, id: &str) -> PathBuf {
        self.root.join(id)
    }

    fn making(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.making.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The index of an upload, opened once.
    fn index(&self, id: &str) -> Result<Arc<Index>, SearchError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = open.iter().position(|(known, _)| known == id) {
            let entry = open.remove(at);
            open.push(entry);
        } else {
            let index = Arc::new(Index::open(&self.folder(id).join(keeping::INDEX))?);
            if open.len() >= OPEN_MAX {
                open.remove(0);
            }
            open.push((id.to_owned(), index));
        }
        Ok(open[open.len() - 1].1.clone())
    }

    /// Names of the folders that are neither being made nor read from.
    fn at_rest(&self) -> std::io::Result<Vec<String>> {
        let entries = match fs::read_dir(&self.root) {
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let age = entry.metadata()?.modified().map(|at| SystemTime::now().duration_since(at));
            let young = matches!(age, Ok(Ok(age)) if age < READING_MAX);
            if !(name.starts_with(READING) && young) {
                found.push(name);
            }
        }
        let making = self.making();
        found.retain(|id| !making.contains(id));
        Ok(found)
    }

    fn remove(&self, id: &str) -> std::io::Result<()> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).retain(|(known, _)| known != id);
        match fs::remove_dir_all(self.folder(id)) {
            Err(why) if why.kind() != std::io::ErrorKind::NotFound => Err(why),
            _ => Ok(()),
        }
    }
}

/// A file that was read and is not yet in the database: dropped, it is gone; [`Self::keep`] keeps
/// it.
#[derive(Debug)]
pub struct NewUpload {
    pub id: String,
    pub content: UploadContent,
    service: Service,
    kept: bool,
}

impl NewUpload {
    /// The database names it now.
    pub fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for NewUpload {
    fn drop(&mut self) {
        let uploads = self.service.uploads();
        if !self.kept
            && let Err(why) = uploads.remove(&self.id)
        {
            tracing::error!(%why, "what was read of an upload could not be removed");
        }
        uploads.making().remove(&self.id);
    }
}

impl Service {
    /// The folder of uploads, made where it is not there yet: a file to be read lies in a folder
    /// of its own in it, whose name begins with [`READING`].
    ///
    /// # Errors
    /// It cannot be made.
    pub fn uploads_folder(&self) -> std::io::Result<PathBuf> {
        keeping::private_folder(&self.uploads().root)?;
        Ok(self.uploads().root.clone())
    }

    /// Screens and indexes what was read of a file. Blocks for as long as that takes.
    ///
    /// # Errors
    /// It holds what the settings refuse, or the disk is full.
    pub fn keep_upload(&self, file: ReadFile) -> Result<NewUpload, UploadError> {
        let (content, passages) = keeping::screened(file, self.guard())?;
        let id = store::new_id();
        self.uploads().making().insert(id.clone());
        // From here on it is cleared away unless it is kept, also when the sender goes away.
        let new = NewUpload { id, content, service: self.clone(), kept: false };
        keeping::index(&self.uploads().folder(&new.id), passages)?;
        Ok(new)
    }

    /// The text of a file that was read, screened, and what there is to say of it. Nothing is
    /// kept.
    ///
    /// # Errors
    /// It holds what the settings refuse.
    pub fn upload_text(&self, file: ReadFile) -> Result<(UploadContent, String), UploadError> {
        let (content, passages) = keeping::screened(file, self.guard())?;
        let text = keeping::text(&passages);
        Ok((content, text))
    }

    /// One passage of an upload, numbered 1; `None` where there is none.
    ///
    /// # Errors
    /// Its index cannot be read.
    pub fn upload_passage(
        &self,
        upload: &Upload,
        id: &str,
    ) -> Result<Option<Source>, ServiceError> {
        let shelf = self.upload_shelf(std::slice::from_ref(upload))?;
        let dataset = upload.dataset();
        let passage = shelf.searcher.passage(&dataset, id);
        let passage = passage.map_err(|why| ServiceError::Internal(why.to_string()))?;
        Ok(passage.and_then(|passage| sources::whole(&shelf, &dataset, passage, today())))
    }

    /// Removes what is left of uploads that the database does not name, and says how many there
    /// were.
    ///
    /// # Errors
    /// The database or the data folder cannot be read, or something not be removed.
    pub async fn tidy_uploads(&self, store: &Store) -> Result<usize, UploadError> {
        let disk = |why: &dyn std::fmt::Display| UploadError::Disk(why.to_string());
        // Listed before the database is asked: what comes in between stands in it by then.
        let service = self.clone();
        let at_rest = tokio::task::spawn_blocking(move || service.uploads().at_rest()).await;
        let at_rest = at_rest.map_err(|why| disk(&why))?.map_err(|why| disk(&why))?;
        let known = store.upload_ids().await.map_err(|why| disk(&why))?;
        let left: Vec<String> = at_rest.into_iter().filter(|id| !known.contains(id)).collect();
        let (service, count) = (self.clone(), left.len());
        let remove = move || left.iter().try_for_each(|id| service.uploads().remove(id));
        let removed = tokio::task::spawn_blocking(remove).await;
        removed.map_err(|why| disk(&why))?.map_err(|why| disk(&why))?;
        Ok(count)
    }
}
