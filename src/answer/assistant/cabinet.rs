//! Where assistants lie, and which one counts: the starting set, over it what updates brought,
//! over that what the office made itself. What is below is never changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::OnceCell;

use super::read::{FILE_BYTES_MAX, read_one};
use super::{Assistant, AssistantSummary, Fault, Named, built_in, to_toml, validate};
use crate::document::timestamp;
use crate::store::{self, AssistantVersion, Store, StoreError};
use crate::sync::{Installation, SyncError};
use crate::text::Lang;

/// Opens the office's assistants when they are first asked for.
#[derive(Clone, Debug)]
pub struct Cabinet {
    installation: Installation,
    store: Arc<OnceCell<Store>>,
}

/// An assistant that can be used, and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub assistant: Arc<Assistant>,
    pub origin: Origin,
}

/// Where an assistant comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The starting set.
    BuiltIn,
    /// An update, by the id of its collection.
    Bundle { collection: String },
    /// Made or changed here. `hides` is true where one of the same id lies below.
    Office { revision: i64, author: String, saved_at: String, hides: bool },
}

/// All assistants, and what could not be read.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The starting set in its order, then the others.
    pub entries: Vec<Entry>,
    /// In Japanese, for the page.
    pub problems: Vec<String>,
}

/// A version to be kept.
#[derive(Clone, Debug)]
pub struct Saving {
    pub assistant: Assistant,
    /// Revision of the office's version that it was made from; 0 where there was none.
    pub base: i64,
    pub note: String,
    pub author: String,
}

/// Why the cabinet did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CabinetError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// Somebody saved another version meanwhile.
    #[error("assistant {0:?} was changed meanwhile; open it again")]
    Changed(String),
    #[error("there is no assistant {0:?}")]
    Unknown(String),
    /// It is not what an assistant must be.
    #[error("the assistant cannot be kept: {}", .0.first().map_or("", |fault| fault.en.as_str()))]
    Wrong(Vec<Fault>),
}

impl CabinetError {
    /// For the reader.
    pub fn message(&self, lang: Lang) -> String {
        match self {
            _ if lang == Lang::En => self.to_string(),
            Self::Store(why) => {
                format!("データベースを使えません（{why}）。情報担当者に知らせてください。")
            }
            Self::Sync(why) => format!("データフォルダーを使えません（{why}）。"),
            Self::Changed(id) => format!(
                "業務アシスタント「{id}」は、開いたあとにほかの人が変更しました。開き直して、変更を確かめてください。"
            ),
            Self::Unknown(id) => format!("業務アシスタント「{id}」はありません。"),
            Self::Wrong(faults) => {
                faults.iter().map(|fault| fault.ja.as_str()).collect::<Vec<_>>().join("、")
            }
        }
    }
}

impl Origin {
    /// In a word.
    pub fn label(&self) -> &'static str {
        match self {
            Self::BuiltIn => "標準",
            Self::Bundle { .. } => "更新パッケージ",
            Self::Office { .. } => "この庁",
        }
    }
}

impl Entry {
    /// Revision of the office's version; 0 where it is none.
    pub fn revision(&self) -> i64 {
        match self.origin {
            Origin::Office { revision, .. } => revision,
            _ => 0,
        }
    }

    /// As lists show it.
    pub fn summary(&self) -> AssistantSummary {
        let assistant = &self.assistant;
        AssistantSummary {
            id: assistant.id.clone(),
            version: assistant.version,
            title: assistant.title.clone(),
            purpose: assistant.purpose.clone(),
            group: assistant.group.label(),
            uses_data: assistant.uses_data(),
            origin: self.origin.label(),
        }
    }
}

impl Cabinet {
    /// The cabinet of a data folder. Nothing is opened yet.
    pub fn new(installation: &Installation) -> Self {
        Self::over(installation, None)
    }

    /// The same over a database that is open already, where there is one.
    pub fn over(installation: &Installation, store: Option<Store>) -> Self {
        let store = Arc::new(OnceCell::new_with(store));
        Self { installation: installation.clone(), store }
    }

    /// Everything that can be used. What cannot be read is named, and the rest is there.
    pub async fn list(&self) -> Listing {
        let mut listing = self.below().await;
        let saved = match self.reading().await {
            Ok(Some(store)) => store.assistants().await,
            Ok(None) => Ok(Vec::new()),
            Err(why) => Err(why),
        };
        match saved {
            Ok(saved) => saved.into_iter().for_each(|version| listing.lay_over(version)),
            Err(why) => {
                tracing::error!(%why, "the office's assistants cannot be read");
                let said = format!("この庁で作った業務アシスタントを読めません（{why}）。");
                listing.problems.push(said);
            }
        }
        listing
    }

    /// One by its id.
    ///
    /// # Errors
    /// There is none.
    pub async fn get(&self, id: &str) -> Result<Entry, CabinetError> {
        let entries = self.list().await.entries;
        let found = entries.into_iter().find(|entry| entry.assistant.id == id);
        found.ok_or_else(|| CabinetError::Unknown(id.to_owned()))
    }

    /// The office's versions of one, the newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn versions(&self, id: &str) -> Result<Vec<AssistantVersion>, CabinetError> {
        match self.reading().await? {
            Some(store) => Ok(store.assistant_versions(id).await?),
            None => Ok(Vec::new()),
        }
    }

    /// Keeps a new version; its number becomes higher than that of every version before.
    ///
    /// # Errors
    /// It is no sound assistant, another version was saved meanwhile, or the database failed.
    pub async fn save(&self, saving: Saving) -> Result<Assistant, CabinetError> {
        let Saving { mut assistant, base, note, author } = saving;
        let versions = self.versions(&assistant.id).await?;
        if let Some(highest) = self.highest(&assistant.id, &versions).await {
            assistant.version = assistant.version.max(highest.saturating_add(1));
        }
        let faults = validate(&assistant);
        if !faults.is_empty() {
            return Err(CabinetError::Wrong(faults));
        }
        let content = to_toml(&assistant);
        self.add(
            &versions,
            AssistantVersion {
                id: assistant.id.clone(),
                revision: base + 1,
                content,
                note,
                author,
                saved_at: timestamp(),
            },
        )
        .await?;
        Ok(assistant)
    }

    /// Puts an earlier version to use again, as a new one.
    ///
    /// # Errors
    /// There is no such version, it cannot be read, or as in [`Self::save`].
    pub async fn restore(
        &self,
        id: &str,
        revision: i64,
        base: i64,
        author: String,
    ) -> Result<Assistant, CabinetError> {
        let versions = self.versions(id).await?;
        let old = versions.iter().find(|version| version.revision == revision);
        let old = old.and_then(|version| read_one(&version.content, id).0);
        let assistant = old.ok_or_else(|| CabinetError::Unknown(id.to_owned()))?;
        let note = format!("第{}版の内容に戻した", assistant.version);
        self.save(Saving { assistant, base, note, author }).await
    }

    /// Takes the office's version away: what lies below shows again, or nothing. The versions stay.
    ///
    /// # Errors
    /// There is none, another was saved meanwhile, or the database failed.
    pub async fn remove(&self, id: &str, base: i64, author: String) -> Result<(), CabinetError> {
        let versions = self.versions(id).await?;
        if versions.first().is_none_or(|head| head.content.is_empty()) {
            return Err(CabinetError::Unknown(id.to_owned()));
        }
        self.add(
            &versions,
            AssistantVersion {
                id: id.to_owned(),
                revision: base + 1,
                content: String::new(),
                note: "この庁の版を取り除いた".to_owned(),
                author,
                saved_at: timestamp(),
            },
        )
        .await
    }

    /// The highest number that a version of this id has or had.
    async fn highest(&self, id: &str, versions: &[AssistantVersion]) -> Option<u32> {
        let below = self.below().await.entries;
        let below = below.iter().filter(|entry| entry.assistant.id == id);
        let below = below.map(|entry| entry.assistant.version);
        let read = versions.iter().filter_map(|version| read_one(&version.content, id).0);
        read.map(|assistant| assistant.version).chain(below).max()
    }

    async fn add(
        &self,
        versions: &[AssistantVersion],
        new: AssistantVersion,
    ) -> Result<(), CabinetError> {
        let head = versions.first().map_or(0, |version| version.revision);
        let is_next = new.revision == head + 1;
        if !is_next || !self.writing().await?.add_assistant_version(&new).await? {
            return Err(CabinetError::Changed(new.id));
        }
        Ok(())
    }

    /// The database, where there is one already.
    async fn reading(&self) -> Result<Option<&Store>, StoreError> {
        let path = self.installation.root().join(store::FILE);
        if self.store.get().is_none() && !path.exists() {
            return Ok(None);
        }
        self.writing_store().await.map(Some)
    }

    async fn writing_store(&self) -> Result<&Store, StoreError> {
        self.store.get_or_try_init(|| Store::open(self.installation.root())).await
    }

    /// The database, made where there is none.
    async fn writing(&self) -> Result<&Store, CabinetError> {
        if !self.installation.root().exists() {
            // Makes the folders for their owner alone.
            drop(self.installation.writer()?);
        }
        Ok(self.writing_store().await?)
    }

    /// The starting set, with what updates brought laid over it.
    async fn below(&self) -> Listing {
        let installation = self.installation.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let mut listing = Listing::default();
            let standard = built_in().iter().cloned();
            listing
                .entries
                .extend(standard.map(|assistant| Entry { assistant, origin: Origin::BuiltIn }));
            match installation.state() {
                Ok(state) => {
                    for (collection, entry) in &state.assistants {
                        let dir = installation.assistants_in(collection, &entry.current);
                        listing.read_folder(collection, &dir);
                    }
                }
                Err(why) => listing.problems.push(format!("導入状況を読めません（{why}）。")),
            }
            listing
        });
        reading.await.unwrap_or_default()
    }
}

impl Listing {
    fn put(&mut self, entry: Entry) {
        let id = &entry.assistant.id;
        match self.entries.iter_mut().find(|old| old.assistant.id == *id) {
            Some(old) => *old = entry,
            None => self.entries.push(entry),
        }
    }

    /// What an update brought was checked then; keys of a newer kura are passed over.
    fn read_folder(&mut self, collection: &str, dir: &Path) {
        let mut files = BTreeMap::new();
        let failed = |why: &std::io::Error| format!("{}を読めません（{why}）。", dir.display());
        match fs::read_dir(dir) {
            Ok(entries) => {
                for path in entries.flatten().map(|entry| entry.path()) {
                    files.insert(path.file_name().map(std::ffi::OsStr::to_os_string), path);
                }
            }
            Err(why) => self.problems.push(failed(&why)),
        }
        for path in files.values() {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().replace('.', "-");
            let read = fs::read_to_string(path).map_err(|why| why.to_string());
            let assistant = read.and_then(|text| sound(&text, &name));
            match assistant {
                Ok(assistant) => self.put(Entry {
                    assistant: Arc::new(assistant),
                    origin: Origin::Bundle { collection: collection.to_owned() },
                }),
                Err(why) => self.problems.push(format!("{}：{why}", path.display())),
            }
        }
    }

    fn lay_over(&mut self, version: AssistantVersion) {
        if version.content.is_empty() {
            return;
        }
        match sound(&version.content, &version.id) {
            Ok(assistant) => {
                let hides = self.entries.iter().any(|entry| entry.assistant.id == assistant.id);
                let AssistantVersion { revision, author, saved_at, .. } = version;
                let origin = Origin::Office { revision, author, saved_at, hides };
                self.put(Entry { assistant: Arc::new(assistant), origin });
            }
            Err(why) => self.problems.push(format!("業務アシスタント「{}」：{why}", version.id)),
        }
    }
}

/// An assistant that can be used; unknown keys are passed over.
fn sound(text: &str, name: &str) -> Result<Assistant, String> {
    if text.len() > FILE_BYTES_MAX {
        return Err(format!("{FILE_BYTES_MAX}バイトを超えています"));
    }
    let (assistant, mistakes) = read_one(text, name);
    match (assistant, mistakes.iter().find(|mistake| !mistake.unknown_key)) {
        (Some(assistant), None) => Ok(assistant),
        (_, Some(mistake)) => Err(mistake.message(Lang::Ja)),
        (None, None) => Err("空です".to_owned()),
    }
}
