//! `manifest.json`: what a bundle is, and every file in it chunk by chunk.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::super::{Reason, Refusal};
use super::chunk::{BASES_MAX, CHUNK_BYTES_MAX};

/// The value of `format`.
const FORMAT: &str = "kura-bundle-1";
/// The value of `product`.
const PRODUCT: &str = "kura";
/// A manifest is at most so long, in bytes; 1 MiB chunks make that 30 GiB of content.
pub const MANIFEST_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Files of one bundle at most.
const ARTIFACTS_MAX: usize = 4_096;
/// Length of names for people, in characters.
const TEXT_CHARS_MAX: usize = 200;

/// What a bundle brings. Each kind has its own signers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The program itself.
    App,
    Model,
    Dataset,
    /// 業務アシスタント
    Assistants,
}

impl Kind {
    /// As in the manifest.
    pub fn name(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Model => "model",
            Self::Dataset => "dataset",
            Self::Assistants => "assistants",
        }
    }

    /// As in the interface.
    pub fn label(self) -> &'static str {
        match self {
            Self::App => "プログラム",
            Self::Model => "モデル",
            Self::Dataset => "データセット",
            Self::Assistants => "業務アシスタント",
        }
    }
}

/// A signed list of all that a bundle brings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    format: String,
    product: String,
    /// `stable`, or what the publisher calls its trial line; boxes take one only.
    pub channel: String,
    pub kind: Kind,
    /// Of the data set, model or collection; `kura` for the program.
    pub id: String,
    /// Name for people.
    pub title: String,
    /// 版
    pub edition: String,
    /// Grows with every release of this kind and id; the only guard against going back, since an
    /// offline box has no clock that it may trust.
    pub counter: u64,
    /// The root under which it was signed.
    pub root_version: u32,
    /// RFC 3339.
    pub issued_at: String,
    /// Days after `issued_at` from which the box says that an update is due; 0 = never.
    pub stale_after_days: u32,
    /// The oldest kura that can take it, `1.2.3`.
    pub min_app: String,
    /// The lowest counter of this kind and id that may still be used, also by rolling back.
    pub security_floor: u64,
    /// The edition that a delta leaves parts to; they are listed here all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    pub totals: Totals,
    pub artifacts: Vec<Artifact>,
}

/// Sums, for the space check and the progress bar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    pub artifacts: u64,
    pub chunks: u64,
    /// Bytes of all files.
    pub raw: u64,
}

/// What a file of a bundle is for; with its id it decides the local name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// `dataset.toml`
    Info,
    /// `passages.jsonl`: one [`crate::document::Passage`] a line.
    Passages,
    /// `golden.toml`
    Golden,
    /// A file of the index, where the box reads this index format.
    Index,
    /// `model.gguf`
    Weights,
    /// The program.
    Program,
    /// An assistant, `<id>`.
    Assistant,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// [`id_is_plain`]; unique in its manifest. Never more than the last part of a path.
    pub id: String,
    pub role: Role,
    pub licence: String,
    /// Where it came from, for people.
    pub source: String,
    pub len: u64,
    /// Lowercase hexadecimal.
    pub blake3: String,
    /// The same by the hash that `sha256sum` and model hubs know.
    pub sha256: String,
    pub chunks: Vec<Chunk>,
}

/// A piece of a file, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chunk {
    /// BLAKE3 of the raw bytes, lowercase hexadecimal.
    pub hash: String,
    pub raw: u32,
    /// Length of the file on the stick.
    pub stored: u32,
    /// Of a delta: the chunks, by hash, that its file was packed against; the edition before has
    /// them. Empty where it was packed alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub base: Vec<String>,
}

/// Whether a name may become the last part of a local path: `[a-z0-9][a-z0-9._-]{0,63}`.
pub fn id_is_plain(id: &str) -> bool {
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = id.as_bytes();
    bytes.len() <= 64
        && bytes.first().is_some_and(|first| letter(*first))
        && bytes.iter().all(|b| letter(*b) || matches!(b, b'.' | b'_' | b'-'))
}

/// What the packing side knows; the rest is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub channel: String,
    pub kind: Kind,
    pub id: String,
    pub title: String,
    pub edition: String,
    pub counter: u64,
    pub root_version: u32,
    pub stale_after_days: u32,
    pub min_app: String,
    pub security_floor: u64,
}

impl Manifest {
    /// A manifest of this format, issued now.
    pub fn new(header: Header, artifacts: Vec<Artifact>) -> Self {
        let totals = sums(&artifacts);
        Self {
            format: FORMAT.to_owned(),
            product: PRODUCT.to_owned(),
            channel: header.channel,
            kind: header.kind,
            id: header.id,
            title: header.title,
            edition: header.edition,
            counter: header.counter,
            root_version: header.root_version,
            issued_at: crate::document::timestamp(),
            stale_after_days: header.stale_after_days,
            min_app: header.min_app,
            security_floor: header.security_floor,
            since: None,
            totals,
            artifacts,
        }
    }

    /// Reads and checks a manifest. Only called on bytes whose signatures were verified.
    ///
    /// # Errors
    /// Not of this format; unknown or repeated fields; names, hashes, lengths or sums that cannot
    /// be; files that the kind does not have.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let malformed = |why: String| Refusal::new(Reason::MalformedManifest, why);
        if bytes.len() as u64 > MANIFEST_BYTES_MAX {
            return Err(malformed(format!("longer than {MANIFEST_BYTES_MAX} bytes")));
        }
        let manifest: Self =
            serde_json::from_slice(bytes).map_err(|why| malformed(why.to_string()))?;
        manifest.check().map_err(malformed)?;
        if manifest.product != PRODUCT {
            let why = format!("product {:?}", manifest.product);
            return Err(Refusal::new(Reason::NotForThisBox, why));
        }
        Ok(manifest)
    }

    fn check(&self) -> Result<(), String> {
        if self.format != FORMAT {
            return Err(format!("format {:?}, not {FORMAT}", self.format));
        }
        for (what, name) in
            [("id", &self.id), ("edition", &self.edition), ("channel", &self.channel)]
        {
            if !id_is_plain(name) {
                return Err(format!("{what} {name:?}"));
            }
        }
        if self.title.is_empty() || !is_text(&self.title) {
            return Err("title is empty, too long, or has control characters".to_owned());
        }
        if !is_time(&self.issued_at) {
            return Err(format!("issued_at {:?}", self.issued_at));
        }
        if self.kind == Kind::App && self.id != PRODUCT {
            // One program, one counter.
            return Err(format!("a program {:?}", self.id));
        }
        if self.since.as_ref().is_some_and(|since| !id_is_plain(since)) {
            return Err(format!("since {:?}", self.since));
        }
        if version_numbers(&self.min_app).is_none() {
            return Err(format!("min_app {:?}", self.min_app));
        }
        if self.counter == 0 || self.security_floor > self.counter {
            let (counter, floor) = (self.counter, self.security_floor);
            return Err(format!("counter {counter}, security floor {floor}"));
        }
        self.check_artifacts()
    }

    fn check_artifacts(&self) -> Result<(), String> {
        if self.artifacts.is_empty() || self.artifacts.len() > ARTIFACTS_MAX {
            return Err(format!("{} files", self.artifacts.len()));
        }
        let mut ids = BTreeSet::new();
        for artifact in &self.artifacts {
            if !ids.insert(artifact.id.as_str()) {
                return Err(format!("file {:?} stands twice", artifact.id));
            }
            let checked = artifact.check().and_then(|()| self.check_bases(artifact));
            checked.map_err(|why| format!("file {:?}: {why}", artifact.id))?;
        }
        if checked_sums(&self.artifacts) != Some(self.totals) {
            return Err("totals are not the sums".to_owned());
        }
        self.check_roles()
    }

    /// Only a delta leaves anything to build on to the box.
    fn check_bases(&self, artifact: &Artifact) -> Result<(), String> {
        for base in artifact.chunks.iter().map(|chunk| &chunk.base) {
            if !base.is_empty() && self.since.is_none() {
                return Err("a chunk builds on another, and this is no delta".to_owned());
            }
            if base.len() > BASES_MAX || !base.iter().all(|hash| is_hash(hash)) {
                return Err(format!("a chunk builds on {base:?}"));
            }
        }
        Ok(())
    }

    /// Each kind has exactly its files.
    fn check_roles(&self) -> Result<(), String> {
        let (once, often, may): (&[Role], &[Role], &[Role]) = match self.kind {
            Kind::App => (&[Role::Program], &[], &[]),
            Kind::Model => (&[Role::Weights], &[], &[]),
            Kind::Dataset => (&[Role::Info, Role::Passages], &[Role::Index], &[Role::Golden]),
            Kind::Assistants => (&[], &[Role::Assistant], &[]),
        };
        for artifact in &self.artifacts {
            let role = artifact.role;
            if !once.contains(&role) && !often.contains(&role) && !may.contains(&role) {
                return Err(format!("file {:?} has no place in {}", artifact.id, self.kind.name()));
            }
        }
        let count = |role| self.artifacts.iter().filter(|artifact| artifact.role == role).count();
        let missing = once.iter().find(|role| count(**role) != 1);
        let repeated = may.iter().find(|role| count(**role) > 1);
        match missing.or(repeated) {
            Some(role) => Err(format!("{} files of role {role:?}", count(*role))),
            None => Ok(()),
        }
    }

    /// `kind/id`, by which counters are kept.
    pub fn subject(&self) -> String {
        format!("{}/{}", self.kind.name(), self.id)
    }

    /// The only file of a role.
    pub fn artifact(&self, role: Role) -> Option<&Artifact> {
        self.artifacts.iter().find(|artifact| artifact.role == role)
    }
}

impl Artifact {
    /// Its chunks, each with the byte of the file where it begins.
    pub fn placed(&self) -> impl Iterator<Item = (&Chunk, u64)> {
        let mut next = 0;
        self.chunks.iter().map(move |chunk| {
            let at = next;
            next += u64::from(chunk.raw);
            (chunk, at)
        })
    }

    /// Its path below the folder of the generation. Fixed by role; where several have one role,
    /// the last part is the id, which [`id_is_plain`].
    pub fn place(&self) -> String {
        match self.role {
            Role::Info => "dataset.toml".to_owned(),
            Role::Passages => "passages.jsonl".to_owned(),
            Role::Golden => "golden.toml".to_owned(),
            Role::Index => format!("index/{}", self.id),
            Role::Weights => "model.gguf".to_owned(),
            Role::Program => "kura".to_owned(),
            Role::Assistant => format!("assistants/{}", self.id),
        }
    }

    fn check(&self) -> Result<(), String> {
        if !id_is_plain(&self.id) {
            return Err("the name is not of the form [a-z0-9][a-z0-9._-]{0,63}".to_owned());
        }
        if !is_text(&self.licence) || !is_text(&self.source) {
            return Err("licence or source is too long, or has control characters".to_owned());
        }
        if !is_hash(&self.blake3) || !is_hash(&self.sha256) {
            return Err("a hash is not 64 lowercase hexadecimal digits".to_owned());
        }
        let mut sum = 0_u64;
        for chunk in &self.chunks {
            if !is_hash(&chunk.hash) {
                return Err("a chunk's hash is not 64 lowercase hexadecimal digits".to_owned());
            }
            if chunk.raw == 0 || chunk.raw > CHUNK_BYTES_MAX || chunk.stored == 0 {
                return Err(format!("a chunk of {} bytes ({})", chunk.raw, chunk.stored));
            }
            // Not compressible content grows by a few bytes only.
            if chunk.stored > CHUNK_BYTES_MAX + CHUNK_BYTES_MAX / 128 {
                return Err(format!("a chunk stored in {} bytes", chunk.stored));
            }
            sum += u64::from(chunk.raw);
        }
        match sum == self.len {
            true => Ok(()),
            false => Err(format!("{} bytes, its chunks {sum}", self.len)),
        }
    }
}

fn sums(artifacts: &[Artifact]) -> Totals {
    checked_sums(artifacts).unwrap_or_default()
}

fn checked_sums(artifacts: &[Artifact]) -> Option<Totals> {
    let mut totals = Totals { artifacts: artifacts.len() as u64, chunks: 0, raw: 0 };
    for artifact in artifacts {
        totals.chunks += artifact.chunks.len() as u64;
        totals.raw = totals.raw.checked_add(artifact.len)?;
    }
    Some(totals)
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// Whether a text may be shown to people: not long, one line, nothing that turns its direction.
pub(in crate::sync) fn is_text(text: &str) -> bool {
    text.chars().count() <= TEXT_CHARS_MAX
        && !text.chars().any(|c| c.is_control() || super::super::refusal::is_bidi(c))
}

/// Whether a text is a time as RFC 3339 writes it.
pub(in crate::sync) fn is_time(text: &str) -> bool {
    let symbols = text.bytes().all(|b| b.is_ascii_digit() || b"-:+.TZ".contains(&b));
    symbols && text.len() <= 40 && text.parse::<jiff::Timestamp>().is_ok()
}

/// `1.2.3` as numbers, for comparison.
pub(crate) fn version_numbers(version: &str) -> Option<(u64, u64, u64)> {
    let mut parts = version.split('.').map(|part| part.parse::<u64>().ok());
    let numbers = (parts.next()??, parts.next()??, parts.next()??);
    parts.next().is_none().then_some(numbers)
}
