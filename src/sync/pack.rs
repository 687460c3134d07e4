//! Makes a bundle on a medium: every file is read once, cut, hashed and packed on the way; every
//! chunk is written once; the list of them is signed last.
//!
//! The bundle grows beside its place, in a hidden folder, and gets its name when it is whole and
//! lies on the medium: whoever pulls the stick early, or presses Ctrl-C, leaves no half bundle.

mod bases;
mod place;
mod roots;
mod run;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::bundle::{Artifact, ArtifactRole, Header, MANIFEST_BYTES_MAX, Manifest};
use super::trust::{Link, Root, Signed};
use super::{Refusal, SyncError};
use place::Fresh;
use run::{Run, Whole, artifact};

pub use place::{PLACE, open_for_all};
pub use roots::{newest_root, read_roots, write_root};

/// A file for the bundle.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name in the manifest, of the form of [`bundle::id_is_plain`].
    pub id: String,
    pub role: ArtifactRole,
    pub licence: String,
    /// Where it came from, for people.
    pub source: String,
    pub content: Content,
}

/// Where the bytes of a [`Source`] are.
#[derive(Clone, Debug)]
pub enum Content {
    File(PathBuf),
    Bytes(Vec<u8>),
}

impl Content {
    /// Length in bytes.
    ///
    /// # Errors
    /// The file is not there.
    pub fn len_bytes(&self) -> Result<u64, SyncError> {
        match self {
            Self::File(path) => Ok(fs::metadata(path).map_err(SyncError::io("read", path))?.len()),
            Self::Bytes(bytes) => Ok(bytes.len() as u64),
        }
    }

    fn open(&self) -> Result<Box<dyn Read + '_>, SyncError> {
        match self {
            Self::File(path) => {
                Ok(Box::new(File::open(path).map_err(SyncError::io("open", path))?))
            }
            Self::Bytes(bytes) => Ok(Box::new(bytes.as_slice())),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Bytes(_) => Path::new("memory"),
        }
    }
}

/// Signs bytes under a trusted comment: the id of its key and the text of the `.minisig` file, or
/// why it could not.
pub type Signer<'s> = dyn Fn(&[u8], &str) -> Result<(String, String), String> + 's;

/// The edition that a delta builds on.
#[derive(Clone, Copy, Debug)]
pub struct Earlier<'a> {
    /// Chunks that it lists stay off the medium.
    pub manifest: &'a Manifest,
    /// Its passages, where they were kept: chunks that changed a little are packed against them.
    pub passages: Option<&'a Path>,
}

/// All that a bundle is made of.
pub struct Packer<'a> {
    pub header: Header,
    pub sources: &'a [Source],
    /// The whole chain, from [`read_roots`].
    pub roots: &'a [Link],
    /// The stick, or a folder.
    pub out: &'a Path,
    /// For a delta.
    pub since: Option<Earlier<'a>>,
    /// The manifest that was packed here under the same edition before, and where it is kept.
    pub packed_before: Option<(&'a Path, &'a Manifest)>,
    pub signers: &'a [&'a Signer<'a>],
    /// Hears of bytes of the files that were read.
    pub progress: &'a dyn Fn(u64),
    pub cancelled: &'a AtomicBool,
}

/// A bundle that was made.
#[derive(Clone, Debug)]
pub struct Packed {
    pub manifest: Manifest,
    /// The manifest's bytes with their signatures.
    pub signed: Signed,
    /// The bundle's folder.
    pub path: PathBuf,
    pub sizes: Sizes,
}

/// What goes onto the medium, and what does not need to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Chunk files.
    pub chunks: u64,
    /// Bytes of the chunk files.
    pub stored: u64,
    /// Raw bytes of all files.
    pub raw: u64,
    /// Raw bytes of those that the earlier edition has already.
    pub left_out: u64,
}

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// A name, number or size that no appliance would take.
    #[error(transparent)]
    Unfit(#[from] Refusal),
    #[error("{} has {free} bytes free and {needed} are needed", path.display())]
    NoSpace { path: PathBuf, needed: u64, free: u64 },
    #[error("the manifest is {0} bytes long, and may be {MANIFEST_BYTES_MAX}: pack it in parts")]
    TooManyChunks(usize),
    #[error("a delta for {wanted} cannot build on {found}")]
    OtherSubject { wanted: String, found: String },
    #[error(
        "edition {edition} was packed before with other content ({}); give it another edition",
        path.display()
    )]
    OtherContent { edition: String, path: PathBuf },
    #[error("signing failed: {0}")]
    Signing(String),
    #[error("cancelled")]
    Cancelled,
}

/// What a signature over a manifest says in its trusted comment.
pub fn manifest_comment(manifest: &Manifest) -> String {
    format!(
        "kura {} id:{} edition:{} counter:{} root:{}",
        manifest.kind.name(),
        manifest.id,
        manifest.edition,
        manifest.counter,
        manifest.root_version
    )
}

/// What a signature over a root document says in its trusted comment.
pub fn root_comment(root: &Root) -> String {
    format!("kura root version:{} expires:{}", root.version, root.expires)
}

impl Packer<'_> {
    /// Bytes of all files, which the chunk files do not exceed by more than a few.
    ///
    /// # Errors
    /// One is not there.
    pub fn raw_bytes(&self) -> Result<u64, PackError> {
        let sizes = self.sources.iter().map(|source| source.content.len_bytes());
        Ok(sizes.sum::<Result<u64, SyncError>>()?)
    }

    /// Cuts and packs everything without writing it: what it will take on the medium.
    ///
    /// # Errors
    /// As [`Self::pack`].
    pub fn measure(&self) -> Result<Sizes, PackError> {
        let (_, sizes) = self.take_all(None)?;
        Ok(sizes)
    }

    /// Makes the bundle. A bundle of the same kind and id that lies there is replaced.
    ///
    /// # Errors
    /// The header names what no appliance would take; a file cannot be read; the medium is full
    /// or cannot be written; a signer fails; the edition was packed before with other content;
    /// `cancelled` became true. Nothing is left behind.
    pub fn pack(&self) -> Result<Packed, PackError> {
        self.check_header()?;
        let fresh = Fresh::make(self.out)?;
        let (artifacts, sizes) = self.take_all(Some(&fresh))?;
        let mut manifest = Manifest::new(self.header.clone(), artifacts);
        manifest.since = self.since.map(|since| since.manifest.edition.clone());
        self.check_edition(&fresh, &manifest)?;
        let manifest_bytes = serialized(&manifest)?;
        // What the importer reads is what was meant.
        let manifest = Manifest::parse(&manifest_bytes)?;
        fresh.write("manifest.json", &manifest_bytes)?;
        let comment = manifest_comment(&manifest);
        let mut signatures = Vec::new();
        for signer in self.signers {
            let (id, text) = signer(&manifest_bytes, &comment).map_err(PackError::Signing)?;
            fresh.write(&format!("manifest.{id}.minisig"), text.as_bytes())?;
            signatures.push((id, text));
        }
        fresh.make_dir("root")?;
        for link in self.roots {
            roots::write_link(&fresh, link)?;
        }
        self.go_on()?;
        let path = fresh.settle(&manifest)?;
        let signed = Signed { bytes: manifest_bytes, signatures };
        Ok(Packed { manifest, signed, path, sizes })
    }

    /// An edition is one content: what was packed under its name before must be the same, or
    /// appliances that have the one and appliances that have the other could not be told apart.
    fn check_edition(&self, fresh: &Fresh, manifest: &Manifest) -> Result<(), PackError> {
        let place = fresh.earlier(manifest);
        let there = place.as_ref().map(|(path, earlier)| (path.as_path(), earlier));
        let mut earlier = self.packed_before.into_iter().chain(there);
        let other = earlier.find(|(_, earlier)| {
            earlier.edition == manifest.edition && content(earlier) != content(manifest)
        });
        match other {
            None => Ok(()),
            Some((path, _)) => Err(PackError::OtherContent {
                edition: manifest.edition.clone(),
                path: path.to_owned(),
            }),
        }
    }

    /// Refuses before the work what would be refused after it.
    fn check_header(&self) -> Result<(), PackError> {
        if let Some(since) = self.since {
            let wanted = format!("{}/{}", self.header.kind.name(), self.header.id);
            let found = since.manifest.subject();
            if found != wanted {
                return Err(PackError::OtherSubject { wanted, found });
            }
        }
        let empty = |source: &Source| artifact(source, Whole::default());
        let artifacts = self.sources.iter().map(empty).collect();
        let manifest = Manifest::new(self.header.clone(), artifacts);
        Manifest::parse(&serialized(&manifest)?)?;
        Ok(())
    }

    fn take_all(&self, fresh: Option<&Fresh>) -> Result<(Vec<Artifact>, Sizes), PackError> {
        let mut run = Run::begin(self, fresh)?;
        let taken = self.sources.iter().map(|source| run.take(source));
        let artifacts = taken.collect::<Result<Vec<_>, _>>()?;
        Ok((artifacts, run.sizes))
    }

    fn go_on(&self) -> Result<(), PackError> {
        match self.cancelled.load(Ordering::Relaxed) {
            true => Err(PackError::Cancelled),
            false => Ok(()),
        }
    }
}

/// What an edition consists of, by name and hash. An index is made anew each time and says
/// nothing that the passages do not.
fn content(manifest: &Manifest) -> BTreeSet<(&str, &str)> {
    let files = manifest.artifacts.iter().filter(|file| file.role != ArtifactRole::Index);
    files.map(|file| (file.id.as_str(), file.blake3.as_str())).collect()
}

/// The manifest's bytes: without blanks, since its length is bounded and chunks are many.
fn serialized(manifest: &Manifest) -> Result<Vec<u8>, PackError> {
    let bytes = serde_json::to_vec(manifest).map_err(|why| SyncError::Damaged {
        path: PathBuf::from("manifest.json"),
        why: why.to_string(),
    })?;
    match bytes.len() as u64 > MANIFEST_BYTES_MAX {
        true => Err(PackError::TooManyChunks(bytes.len())),
        false => Ok(bytes),
    }
}

#[cfg(test)]
mod tests;
