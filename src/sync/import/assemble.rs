//! Steps 6 and 7: files put together chunk by chunk, each chunk verified before it is written,
//! each whole file before it gets its name.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::super::bundle::{Artifact, Chunk, Manifest, Stick, read_at, unpack};
use super::super::disk::{self, Growing};
use super::super::hashes::Hashes;
use super::super::writer::Writer;
use super::super::{Reason, Refusal, SyncError};
use super::checks::Checked;
use super::{Importer, Progress};

/// A power cut costs at most so many bytes of progress.
const SYNC_EVERY: u64 = 64 * 1024 * 1024;

/// Raw bytes by where they came from.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Copied {
    pub(super) read: u64,
    pub(super) kept: u64,
}

/// The name of a file that is not whole yet; no id has such a letter, so that it is no other's.
pub(super) fn part_of(place: &Path) -> PathBuf {
    let mut name = place.as_os_str().to_owned();
    name.push("~");
    PathBuf::from(name)
}

impl Importer<'_> {
    /// Puts every file of the manifest into the stage.
    pub(super) fn assemble(
        &self,
        writer: &Writer,
        stick: &Stick,
        checked: &Checked,
        stage: &Path,
        bytes_read: &mut u64,
    ) -> Result<Copied, SyncError> {
        let local = Local::of(&writer.generations_of(&checked.manifest));
        let mut run = Run { importer: self, stick, local, copied: Copied::default(), of: 0 };
        run.of = checked.manifest.totals.raw;
        let outcome = run.put_all(&checked.manifest, stage);
        // What came is on record whatever became of it.
        *bytes_read = run.copied.read;
        outcome.map_err(|error| missing(error, writer, &checked.manifest))?;
        Ok(run.copied)
    }
}

/// Says of a missing chunk what to do: whether the delta does not fit this box, or the medium is
/// not whole.
fn missing(error: SyncError, writer: &Writer, manifest: &Manifest) -> SyncError {
    let hash = match &error {
        SyncError::Refused(refusal)
            if refusal.reason == Reason::MissingChunk && refusal.ja.is_none() =>
        {
            &refusal.detail
        }
        _ => return error,
    };
    let here = writer.generations_of(manifest).first().and_then(|dir| {
        let bytes = std::fs::read(dir.join("manifest.json")).ok()?;
        Manifest::parse(&bytes).ok().map(|manifest| manifest.edition)
    });
    let edition = &manifest.edition;
    let (ja, en) = match (&manifest.since, here) {
        (Some(since), Some(here)) if *since == here => (
            format!(
                "版 {edition}：もとになる版 {since} は入っていますが、部分 {hash} がありません。媒体への書き込みが途中で終わったおそれがあります。発行者に作り直しを求めてください"
            ),
            format!(
                "edition {edition}: {since}, which it builds on, is installed, but chunk {hash} is not there; writing may have been cut off: ask the publisher to make it again"
            ),
        ),
        (Some(since), here) => {
            let (ja, en) = match here {
                Some(here) => {
                    (format!("入っているのは版 {here} です"), format!("{here} is installed"))
                }
                None => ("まだ何も入っていません".to_owned(), "none is installed".to_owned()),
            };
            (
                format!(
                    "版 {edition} は版 {since} からの差分です。この機器には、{ja}。版 {since} を先に取り込むか、発行者に差分でない更新パッケージを求めてください"
                ),
                format!(
                    "edition {edition} is a delta from {since}, and {en} on this box; import {since} first, or ask the publisher for a whole bundle"
                ),
            )
        }
        (None, _) => (
            format!(
                "版 {edition} の部分 {hash} がありません。媒体への書き込みが途中で終わったおそれがあります。発行者に作り直しを求めてください"
            ),
            format!(
                "edition {edition}: chunk {hash} is not there; writing may have been cut off: ask the publisher to make it again"
            ),
        ),
    };
    Refusal::told(Reason::MissingChunk, ja, en).into()
}

struct Run<'r> {
    importer: &'r Importer<'r>,
    stick: &'r Stick,
    local: Local,
    copied: Copied,
    of: u64,
}

impl Run<'_> {
    fn put_all(&mut self, manifest: &Manifest, stage: &Path) -> Result<(), SyncError> {
        for artifact in &manifest.artifacts {
            let place = stage.join(artifact.place());
            if let Some(dir) = place.parent() {
                disk::make_dir(dir)?;
            }
            if !self.is_there(artifact, &place)? {
                self.put(artifact, &place)?;
            }
        }
        Ok(())
    }

    /// Whether an earlier run finished this file.
    fn is_there(&mut self, artifact: &Artifact, place: &Path) -> Result<bool, SyncError> {
        let Ok(mut file) = File::open(place) else { return Ok(false) };
        let mut whole = Hashes::default();
        let mut buffer = vec![0; 256 * 1024];
        loop {
            let count = file.read(&mut buffer).map_err(SyncError::io("read", place))?;
            if count == 0 {
                break;
            }
            whole.update(&buffer[..count]);
        }
        let right = whole.are_of(artifact);
        match right {
            true => self.told(0, artifact.len),
            false => disk::remove(place)?,
        }
        Ok(right)
    }

    fn put(&mut self, artifact: &Artifact, place: &Path) -> Result<(), SyncError> {
        let part = part_of(place);
        let mut whole = Hashes::default();
        let (done, len) = verified(artifact, &part, &mut whole)?;
        self.told(0, len);
        let mut file = Growing::open_at(&part, len)?;
        let mut unsynced = 0;
        for chunk in &artifact.chunks[done..] {
            self.importer.go_on()?;
            let kept = self.local.read(chunk);
            let from_medium = kept.is_none();
            let raw = match kept {
                Some(raw) => raw,
                None => self.read_stick(chunk)?,
            };
            file.append(&raw)?;
            whole.update(&raw);
            let len = raw.len() as u64;
            if from_medium {
                self.told(len, 0)
            } else {
                self.told(0, len)
            }
            unsynced += len;
            if unsynced >= SYNC_EVERY {
                file.sync()?;
                // The name too: without it the bytes are kept for nobody.
                part.parent().map_or(Ok(()), disk::sync_dir)?;
                unsynced = 0;
            }
        }
        file.sync()?;
        if !whole.are_of(artifact) {
            disk::remove(&part)?;
            return Err(Refusal::new(Reason::WrongFile, artifact.id.clone()).into());
        }
        disk::rename(&part, place)?;
        place.parent().map_or(Ok(()), disk::sync_dir)
    }

    fn read_stick(&self, chunk: &Chunk) -> Result<Vec<u8>, SyncError> {
        let missing = || Refusal::new(Reason::MissingChunk, chunk.hash.clone());
        let packed = self.stick.chunk(chunk)?.ok_or_else(missing)?;
        Ok(unpack(chunk, &packed, &self.local.base(chunk)?)?)
    }

    fn told(&mut self, read: u64, kept: u64) {
        self.copied.read += read;
        self.copied.kept += kept;
        let bytes = self.copied.read + self.copied.kept;
        (self.importer.progress)(Progress::Copied { bytes, of: self.of });
    }
}

/// How many chunks a half-made file holds rightly, and their bytes.
fn verified(
    artifact: &Artifact,
    part: &Path,
    whole: &mut Hashes,
) -> Result<(usize, u64), SyncError> {
    let Ok(mut file) = File::open(part) else { return Ok((0, 0)) };
    let mut len = 0;
    for (index, chunk) in artifact.chunks.iter().enumerate() {
        let mut raw = vec![0; usize::try_from(chunk.raw).unwrap_or(0)];
        match file.read_exact(&mut raw) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok((index, len)),
            Err(error) => return Err(SyncError::io("read", part)(error)),
        }
        if blake3::hash(&raw).to_hex().as_str() != chunk.hash {
            return Ok((index, len));
        }
        whole.update(&raw);
        len += u64::from(chunk.raw);
    }
    Ok((artifact.chunks.len(), len))
}

/// Chunks that lie in generations installed before, by hash.
#[derive(Debug)]
pub(in crate::sync) struct Local {
    files: Vec<PathBuf>,
    chunks: HashMap<String, Place>,
}

/// Where a chunk lies.
#[derive(Clone, Copy, Debug)]
struct Place {
    file: usize,
    at: u64,
    len: u32,
}

impl Local {
    pub(super) fn of(generations: &[PathBuf]) -> Self {
        let mut local = Self { files: Vec::new(), chunks: HashMap::new() };
        for dir in generations {
            let bytes = std::fs::read(dir.join("manifest.json")).unwrap_or_default();
            // What was added by hand has none, and brings no chunks.
            let Ok(manifest) = Manifest::parse(&bytes) else { continue };
            for artifact in &manifest.artifacts {
                let file = local.files.len();
                local.files.push(dir.join(artifact.place()));
                for (chunk, at) in artifact.placed() {
                    let place = Place { file, at, len: chunk.raw };
                    // The generation in use comes first, and is the better one.
                    local.chunks.entry(chunk.hash.clone()).or_insert(place);
                }
            }
        }
        local
    }

    /// The chunk's bytes, verified; `None` where no generation has them, or has them damaged.
    pub(super) fn read(&self, chunk: &Chunk) -> Option<Vec<u8>> {
        self.bytes(&chunk.hash).filter(|raw| raw.len() as u64 == u64::from(chunk.raw))
    }

    fn bytes(&self, hash: &str) -> Option<Vec<u8>> {
        let place = self.chunks.get(hash)?;
        let file = File::open(&self.files[place.file]).ok()?;
        read_at(&file, place.at, place.len, hash)
    }

    /// What a chunk was packed against, verified; empty where it was packed alone.
    ///
    /// # Errors
    /// No generation has one of its chunks, or has it damaged.
    pub(in crate::sync) fn base(&self, chunk: &Chunk) -> Result<Vec<u8>, Refusal> {
        let missing = |hash: &String| match self.chunks.contains_key(hash) {
            false => Refusal::new(Reason::MissingChunk, hash.clone()),
            true => Refusal::told(
                Reason::MissingChunk,
                "この機器に入っている版のデータが壊れています。差分でない更新パッケージを発行者に求めてください",
                "the edition on this box is damaged; ask the publisher for a whole bundle",
            ),
        };
        let bytes = chunk.base.iter().map(|hash| self.bytes(hash).ok_or_else(|| missing(hash)));
        Ok(bytes.collect::<Result<Vec<_>, _>>()?.concat())
    }
}
