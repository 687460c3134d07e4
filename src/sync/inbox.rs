//! Bundles that come piece by piece through the browser: each is put together in an inbox,
//! `staging/upload-<16 digits of the manifest's BLAKE3>/`, in exactly the layout of a stick, and
//! then imported as from one.
//!
//! The papers (roots, manifest, signatures) come first and are checked as an import checks them,
//! so that nobody's bytes are stored but those of a signed manifest: its chunks, each verified
//! before it gets its name. Every name is built here from numbers, ids and hashes that were
//! checked. What lies in an inbox is disposable, so it is not made to last: the next
//! [`Inboxes::begin`] verifies what a power cut left, and asks for the rest.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::bundle::{Chunk, MANIFEST_BYTES_MAX, Stick, unpack};
use super::disk::{self, Growing};
use super::import::{Local, SPARE, plain_words, too_little};
use super::trust::{Link, ROOT_BYTES_MAX, Signed, key_id_is_well_formed};
use super::writer::sweep::{entries, name_of};
use super::{Imported, Importer, Installation, Preview, Reason, Refusal, Room, SyncError};

/// Inboxes kept at once; the one that was begun longest ago gives way.
const INBOXES_MAX: usize = 4;
/// Root documents of one upload at most.
const ROOTS_MAX: usize = 1_000;
/// Signatures of one document at most.
const SIGNATURES_MAX: usize = 64;
/// A `.minisig` file is about 300 bytes.
const SIGNATURE_BYTES_MAX: usize = 4 * 1024;
/// Digits of the manifest's hash in the name of an inbox.
const ID_DIGITS: usize = 16;

/// All of a bundle but its chunks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Papers {
    pub roots: Vec<Link>,
    pub manifest: Signed,
}

impl Papers {
    /// Holds them to the form and the sizes that a stick's would have.
    fn check(&self) -> Result<(), Refusal> {
        let malformed = |why: String| Refusal::new(Reason::MalformedRoot, why);
        if self.roots.len() > ROOTS_MAX {
            return Err(malformed(format!("{} roots", self.roots.len())));
        }
        let mut versions = HashSet::new();
        for link in &self.roots {
            if link.version == 0 || !versions.insert(link.version) {
                return Err(malformed(format!("root {} stands twice, or is 0", link.version)));
            }
            check_signed(&link.signed, ROOT_BYTES_MAX).map_err(malformed)?;
        }
        check_signed(&self.manifest, MANIFEST_BYTES_MAX)
            .map_err(|why| Refusal::new(Reason::MalformedManifest, why))
    }

    /// Name of its inbox, and of the upload in addresses.
    fn id(&self) -> String {
        blake3::hash(&self.manifest.bytes).to_hex().chars().take(ID_DIGITS).collect()
    }
}

fn check_signed(signed: &Signed, bytes_max: u64) -> Result<(), String> {
    if signed.bytes.is_empty() || signed.bytes.len() as u64 > bytes_max {
        return Err(format!("{} bytes, at most {bytes_max}", signed.bytes.len()));
    }
    if signed.signatures.len() > SIGNATURES_MAX {
        return Err(format!("{} signatures", signed.signatures.len()));
    }
    let mut ids = HashSet::new();
    for (id, text) in &signed.signatures {
        if !key_id_is_well_formed(id) || !ids.insert(id) {
            return Err(format!("key id {id:?} is malformed, or stands twice"));
        }
        if text.len() > SIGNATURE_BYTES_MAX {
            return Err(format!("a signature of {} bytes", text.len()));
        }
    }
    Ok(())
}

/// Why an upload does not go on.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    #[error("there is no such upload")]
    Unknown,
    #[error("the manifest has no such chunk, or the box needs it not")]
    NotAPart,
    #[error("{0} chunks have not come yet")]
    Incomplete(usize),
    #[error("this bundle is being imported")]
    Running,
    #[error(transparent)]
    Sync(#[from] SyncError),
}

impl From<Refusal> for UploadError {
    fn from(refusal: Refusal) -> Self {
        Self::Sync(refusal.into())
    }
}

/// An upload whose papers are right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// By which its chunks are sent.
    pub id: String,
    pub preview: Preview,
    /// Chunks that have yet to come.
    pub missing: Vec<Chunk>,
}

/// The uploads of one appliance.
#[derive(Debug)]
pub struct Inboxes {
    installation: Installation,
    /// Held while papers are checked: one upload at a time.
    checking: Mutex<()>,
    open: Mutex<HashMap<String, Arc<Inbox>>>,
    /// Files written so far, for names that nobody else writes to.
    writes: AtomicU64,
}

#[derive(Debug)]
struct Inbox {
    id: String,
    dir: PathBuf,
    /// Chunks that the box needs, by hash.
    wanted: HashMap<String, Chunk>,
    /// Those that it has, which others may build on.
    local: Local,
    /// It is being imported.
    running: AtomicBool,
}

impl Inboxes {
    /// The uploads into an installation. Those of an earlier process go on once they are begun
    /// again.
    pub fn new(installation: &Installation) -> Self {
        Self {
            installation: installation.clone(),
            checking: Mutex::default(),
            open: Mutex::default(),
            writes: AtomicU64::new(0),
        }
    }

    /// Checks the papers of a bundle, opens its inbox, and says what has yet to come. Begun
    /// again, it goes on with what is there.
    ///
    /// # Errors
    /// The bundle is refused ([`Importer::preview`]), is just being imported, or does not fit.
    pub fn begin(&self, importer: &Importer<'_>, papers: &Papers) -> Result<Begun, UploadError> {
        if let Err(refusal) = papers.check() {
            importer.record_refusal("upload", &refusal)?;
            return Err(refusal.into());
        }
        let _one_at_a_time = lock(&self.checking);
        let id = papers.id();
        if self.is_running(&id) {
            return Err(UploadError::Running);
        }
        let (preview, local) = self.check(importer, papers, &id)?;
        self.make_way(&id)?;
        let wanted = preview.wanted.iter().map(|chunk| (chunk.hash.clone(), chunk.clone()));
        let inbox = Inbox {
            dir: self.dir_of(&id),
            wanted: wanted.collect(),
            local,
            running: AtomicBool::new(false),
            id: id.clone(),
        };
        self.write_papers(&inbox.dir, papers)?;
        let missing = inbox.missing(&preview.wanted)?;
        let stored: u64 = missing.iter().map(|chunk| u64::from(chunk.stored)).sum();
        let needed = preview.manifest.totals.raw.saturating_add(stored).saturating_add(SPARE);
        let there = Room::of(&inbox.dir)?.free;
        if !preview.is_in_use && there < needed {
            return Err(too_little(there, needed).into());
        }
        lock(&self.open).insert(id.clone(), Arc::new(inbox));
        Ok(Begun { id, preview, missing })
    }

    /// Checks the papers in a folder of their own: what is refused leaves nothing, and an upload
    /// that is under way is not touched.
    fn check(
        &self,
        importer: &Importer<'_>,
        papers: &Papers,
        id: &str,
    ) -> Result<(Preview, Local), SyncError> {
        self.installation.make()?;
        let staging = self.installation.staging_dir();
        let trial = tempfile::Builder::new()
            .prefix(&format!("upload-{id}-"))
            .tempdir_in(&staging)
            .map_err(SyncError::io("make a folder in", &staging))?;
        self.write_papers(trial.path(), papers)?;
        let sticks = Stick::find(trial.path())?;
        let missing = || Refusal::new(Reason::NotABundle, id.to_owned());
        importer.preview_with_local(sticks.first().ok_or_else(missing)?)
    }

    fn dir_of(&self, id: &str) -> PathBuf {
        self.installation.staging_dir().join(format!("upload-{id}"))
    }

    fn is_running(&self, id: &str) -> bool {
        let open = lock(&self.open);
        open.get(id).is_some_and(|inbox| inbox.running.load(Ordering::SeqCst))
    }

    /// Removes inboxes until one more may be there, and what a power cut left of papers that were
    /// being checked.
    fn make_way(&self, id: &str) -> Result<(), SyncError> {
        let mut others = Vec::new();
        for dir in entries(&self.installation.staging_dir())? {
            let Some(other) = name_of(&dir).and_then(|name| name.strip_prefix("upload-")) else {
                continue;
            };
            if !key_id_is_well_formed(other) {
                disk::remove(&dir)?;
            } else if other != id && !self.is_running(other) {
                let begun = fs::metadata(dir.join("manifest.json")).and_then(|m| m.modified());
                others.push((begun.unwrap_or(SystemTime::UNIX_EPOCH), other.to_owned()));
            }
        }
        others.sort();
        let too_many = (others.len() + 1).saturating_sub(INBOXES_MAX);
        for (_, other) in others.into_iter().take(too_many) {
            self.forget(&other)?;
        }
        Ok(())
    }

    fn forget(&self, id: &str) -> Result<(), SyncError> {
        lock(&self.open).remove(id);
        disk::remove(&self.dir_of(id))
    }

    fn write_papers(&self, dir: &Path, papers: &Papers) -> Result<(), SyncError> {
        let roots = dir.join("root");
        disk::make_dir(&roots)?;
        for link in &papers.roots {
            self.write_signed(&roots, &link.version.to_string(), &link.signed)?;
        }
        self.write_signed(dir, "manifest", &papers.manifest)
    }

    fn write_signed(&self, dir: &Path, stem: &str, signed: &Signed) -> Result<(), SyncError> {
        for (id, text) in &signed.signatures {
            self.put(&dir.join(format!("{stem}.{id}.minisig")), text.as_bytes())?;
        }
        self.put(&dir.join(format!("{stem}.json")), &signed.bytes)
    }

    /// Writes a file under a name of its own, then gives it its place.
    fn put(&self, path: &Path, bytes: &[u8]) -> Result<(), SyncError> {
        let number = self.writes.fetch_add(1, Ordering::Relaxed);
        let fresh = path.with_file_name(format!(".{number}.new"));
        let written = Growing::create(&fresh)
            .and_then(|mut file| file.append(bytes))
            .and_then(|()| disk::rename(&fresh, path));
        written.map_err(|error| {
            let _ = disk::remove(&fresh);
            plain_words(error)
        })
    }

    /// Takes a packed chunk.
    ///
    /// # Errors
    /// There is no such upload or chunk, it is damaged, or cannot be written.
    pub fn take(&self, id: &str, hash: &str, packed: &[u8]) -> Result<(), UploadError> {
        let inbox = self.find(id)?;
        let chunk = inbox.wanted.get(hash).ok_or(UploadError::NotAPart)?;
        if inbox.running.load(Ordering::SeqCst) {
            return Err(UploadError::Running);
        }
        if packed.len() as u64 != u64::from(chunk.stored) {
            let (came, due) = (packed.len(), chunk.stored);
            let ja = format!("{hash}：{came}バイト、正しくは{due}バイト");
            let en = format!("{hash}: {came} bytes, not {due}");
            return Err(Refusal::told(Reason::WrongLength, ja, en).into());
        }
        inbox.verify(chunk, packed)?;
        let place = inbox.place(chunk);
        if let Some(dir) = place.parent() {
            disk::make_dir(dir)?;
        }
        Ok(self.put(&place, packed)?)
    }

    fn find(&self, id: &str) -> Result<Arc<Inbox>, UploadError> {
        lock(&self.open).get(id).cloned().ok_or(UploadError::Unknown)
    }

    /// Claims an upload that is whole, for its import.
    ///
    /// # Errors
    /// There is no such upload, chunks are missing, or another has claimed it.
    pub fn claim(self: &Arc<Self>, id: &str) -> Result<Claim, UploadError> {
        let inbox = self.find(id)?;
        let missing = inbox.wanted.values().filter(|chunk| !inbox.place(chunk).exists()).count();
        if missing > 0 {
            return Err(UploadError::Incomplete(missing));
        }
        match inbox.running.swap(true, Ordering::SeqCst) {
            true => Err(UploadError::Running),
            false => Ok(Claim { inboxes: Arc::clone(self), inbox }),
        }
    }
}

impl Inbox {
    fn place(&self, chunk: &Chunk) -> PathBuf {
        let folder = chunk.hash.get(..2).unwrap_or("__");
        self.dir.join("chunks").join(folder).join(format!("{}.zst", chunk.hash))
    }

    fn verify(&self, chunk: &Chunk, packed: &[u8]) -> Result<(), Refusal> {
        unpack(chunk, packed, &self.local.base(chunk)?).map(drop)
    }

    /// What has yet to come of `wanted`. What is there and damaged is removed.
    fn missing(&self, wanted: &[Chunk]) -> Result<Vec<Chunk>, SyncError> {
        let mut missing = Vec::new();
        for chunk in wanted {
            let place = self.place(chunk);
            let right_length =
                fs::metadata(&place).is_ok_and(|meta| meta.len() == u64::from(chunk.stored));
            let packed = right_length.then(|| fs::read(&place).ok()).flatten();
            if packed.is_none_or(|packed| self.verify(chunk, &packed).is_err()) {
                disk::remove(&place)?;
                missing.push(chunk.clone());
            }
        }
        Ok(missing)
    }
}

/// The right to import an upload; given back when dropped.
#[derive(Debug)]
pub struct Claim {
    inboxes: Arc<Inboxes>,
    inbox: Arc<Inbox>,
}

impl Claim {
    /// Imports it as from a stick. The inbox goes when it is in use or refused for good, and
    /// stays when trying again can help.
    ///
    /// # Errors
    /// As [`Importer::import`].
    pub fn import(self, importer: &Importer<'_>) -> Result<Imported, SyncError> {
        let sticks = Stick::find(&self.inbox.dir)?;
        let missing = || Refusal::new(Reason::NotABundle, self.inbox.id.clone());
        let outcome = importer.import(sticks.first().ok_or_else(missing)?);
        if is_over(&outcome) {
            self.inboxes.forget(&self.inbox.id)?;
        }
        outcome
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.inbox.running.store(false, Ordering::SeqCst);
    }
}

fn is_over(outcome: &Result<Imported, SyncError>) -> bool {
    match outcome {
        Ok(_) => true,
        Err(SyncError::Refused(refusal)) => !matches!(
            refusal.reason,
            Reason::Cancelled
                | Reason::NoSpace
                | Reason::Unreadable
                | Reason::MissingChunk
                | Reason::DamagedChunk
                | Reason::WrongLength
        ),
        Err(_) => false,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
