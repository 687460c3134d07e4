//! The bundle's folder on the medium: made beside its place, and moved there when it is whole.
//!
//! Plain system calls, not those of `disk`: this is a stick on the packing machine, and no part of
//! an installation. Files are readable for everybody, since another user imports them.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::super::bundle::{Chunk, MANIFEST_BYTES_MAX, Manifest};
use super::super::{Room, SyncError};
use super::PackError;

/// Name of a bundle's folder.
pub const PLACE: &str = "kura-bundle";
/// A bundle that is not whole.
const GROWING: &str = ".kura-bundle.new";
/// The bundle that is being replaced.
const REPLACED: &str = ".kura-bundle.old";

/// The folder of a bundle that is not whole; removed when dropped before it is.
#[derive(Debug)]
pub(super) struct Fresh {
    out: PathBuf,
    dir: PathBuf,
}

impl Fresh {
    /// Makes the folder, in place of what an interrupted run left.
    pub(super) fn make(out: &Path) -> Result<Self, PackError> {
        let dir = out.join(GROWING);
        remove(&dir)?;
        let fresh = Self { out: out.to_owned(), dir };
        fresh.make_dir("chunks")?;
        open_for_all(&fresh.dir, 0o755);
        Ok(fresh)
    }

    pub(super) fn make_dir(&self, name: &str) -> Result<(), PackError> {
        let dir = self.dir.join(name);
        fs::create_dir_all(&dir).map_err(SyncError::io("make the folder", &dir))?;
        open_for_all(&dir, 0o755);
        Ok(())
    }

    /// Writes a file below the bundle's folder.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), PackError> {
        let path = self.dir.join(name);
        self.write_new(&path, bytes).map_err(|why| self.full_or(&path, bytes, why))
    }

    /// Writes the file of a chunk.
    pub(super) fn write_chunk(&self, chunk: &Chunk, packed: &[u8]) -> Result<(), PackError> {
        let dir = self.dir.join("chunks").join(&chunk.hash[..2]);
        let path = dir.join(format!("{}.zst", chunk.hash));
        let written = match self.write_new(&path, packed) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => {
                fs::create_dir(&dir).and_then(|()| {
                    open_for_all(&dir, 0o755);
                    self.write_new(&path, packed)
                })
            }
            other => other,
        };
        written.map_err(|why| self.full_or(&path, packed, why))
    }

    fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        File::options().write(true).create_new(true).open(path)?.write_all(bytes)?;
        open_for_all(path, 0o644);
        Ok(())
    }

    fn full_or(&self, path: &Path, bytes: &[u8], why: io::Error) -> PackError {
        match why.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => PackError::NoSpace {
                path: self.out.clone(),
                needed: bytes.len() as u64,
                free: Room::of(&self.out).map_or(0, |room| room.free),
            },
            _ => SyncError::io("write", path)(why).into(),
        }
    }

    /// Makes everything last and gives the bundle its name; gives its folder.
    pub(super) fn settle(self, manifest: &Manifest) -> Result<PathBuf, PackError> {
        // One call for the whole medium: tens of thousands of chunk files, synced one by one,
        // take a stick minutes.
        let opened = File::open(&self.dir).map_err(SyncError::io("open", &self.dir))?;
        rustix::fs::syncfs(&opened)
            .map_err(|error| SyncError::io("sync", &self.dir)(error.into()))?;
        let (place, replaced) = self.place_for(manifest);
        let old = self.out.join(REPLACED);
        remove(&old)?;
        if replaced {
            fs::rename(&place, &old).map_err(SyncError::io("replace", &place))?;
        }
        fs::rename(&self.dir, &place).map_err(SyncError::io("move into", &place))?;
        remove(&old)?;
        let synced = File::open(&self.out).and_then(|out| out.sync_all());
        synced.map_err(SyncError::io("sync", &self.out))?;
        Ok(place)
    }

    /// The bundle of the same kind and id that will be replaced.
    pub(super) fn earlier(&self, manifest: &Manifest) -> Option<(PathBuf, Manifest)> {
        let (place, replaced) = self.place_for(manifest);
        let earlier = replaced.then(|| manifest_at(&place)).flatten()?;
        Some((place, earlier))
    }

    /// `kura-bundle`, or a name of its own where a bundle of something else has that one; and
    /// whether the same was packed there before.
    fn place_for(&self, manifest: &Manifest) -> (PathBuf, bool) {
        let plain = self.out.join(PLACE);
        let own = format!("{PLACE}-{}-{}", manifest.kind.name(), manifest.id);
        let own = self.out.join(own);
        for place in [&plain, &own] {
            if subject_at(place).is_some_and(|subject| subject == manifest.subject()) {
                return (place.clone(), true);
            }
        }
        (if plain.exists() { own } else { plain }, false)
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        // After the rename there is nothing of this name.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Takes back what a strict umask took away. A medium without owners needs it not, and may refuse.
pub fn open_for_all(path: &Path, mode: u32) {
    let has = fs::metadata(path).map_or(mode, |meta| meta.permissions().mode());
    if has & mode != mode {
        let _ = fs::set_permissions(path, Permissions::from_mode(mode));
    }
}

/// What the bundle in a folder is of.
fn subject_at(place: &Path) -> Option<String> {
    manifest_at(place).map(|manifest| manifest.subject())
}

fn manifest_at(place: &Path) -> Option<Manifest> {
    let path = place.join("manifest.json");
    let short = fs::metadata(&path).is_ok_and(|meta| meta.len() <= MANIFEST_BYTES_MAX);
    let bytes = short.then(|| fs::read(&path).ok())??;
    Manifest::parse(&bytes).ok()
}

fn remove(dir: &Path) -> Result<(), SyncError> {
    match fs::remove_dir_all(dir) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => Err(SyncError::io("remove", dir)(why)),
        _ => Ok(()),
    }
}
