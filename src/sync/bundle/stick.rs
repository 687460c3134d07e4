//! Reads a bundle from a medium that may lie: each name opened beneath the bundle's folder, no
//! link followed, no other mount entered, plain files only, exactly the length that is due.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::{Dir, FileType, Mode, OFlags, ResolveFlags, fstat, openat2};
use rustix::io::Errno;

use super::super::trust::{Link, ROOT_BYTES_MAX, Signed, key_id_is_well_formed};
use super::super::{Reason, Refusal};
use super::manifest::{Chunk, MANIFEST_BYTES_MAX, is_text};

/// A `.minisig` file is about 300 bytes.
const SIGNATURE_BYTES_MAX: u64 = 4 * 1024;
/// All roots with their signatures, or all signatures of the manifest: a flood of right-sized files
/// is one of memory.
const PAPERS_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Entries of one folder that are looked at; more is a flood.
const ENTRIES_MAX: usize = 4_096;
/// Folders of bundles that one medium may hold.
const BUNDLES_MAX: usize = 64;

/// An opened bundle.
#[derive(Debug)]
pub struct Stick {
    dir: OwnedFd,
    path: PathBuf,
    /// Read once: a medium may give other bytes the second time, and what the ledger names must be
    /// what was verified.
    manifest: OnceLock<Result<Signed, Refusal>>,
}

impl Stick {
    /// Opens the bundles at `path`: the folder itself, or those in it whose names begin with
    /// `kura-bundle`, by name.
    ///
    /// # Errors
    /// There is none, one is a link, or the place cannot be read.
    pub fn find(path: &Path) -> Result<Vec<Self>, Refusal> {
        let none = || Refusal::new(Reason::NotABundle, path.display().to_string());
        let dir = rustix::fs::open(path, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .map_err(|error| match error {
                Errno::NOENT | Errno::NOTDIR | Errno::LOOP => none(),
                error => unreadable(&path.display().to_string(), &error.into()),
            })?;
        let here = Self::new(dir, path.to_owned());
        match here.open("manifest.json") {
            Ok(_) => return Ok(vec![here]),
            Err(error) if error.reason == Reason::Unreadable => return Err(error),
            Err(_) => {}
        }
        let mut names = here.names(".")?;
        // The name is shown to people and written to the ledger.
        names.retain(|name| name.starts_with("kura-bundle") && is_text(name));
        names.sort();
        names.truncate(BUNDLES_MAX);
        let mut found = Vec::new();
        for name in &names {
            let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
            match openat2(&here.dir, name.as_str(), flags, Mode::empty(), beneath()) {
                Ok(dir) => found.push(Self::new(dir, path.join(name))),
                // A file of that name.
                Err(Errno::NOENT | Errno::NOTDIR) => {}
                // A link is no accident: whoever made it means another place than the medium.
                Err(error) => return Err(refused(name, error)),
            }
        }
        if found.is_empty() { Err(none()) } else { Ok(found) }
    }

    fn new(dir: OwnedFd, path: PathBuf) -> Self {
        Self { dir, path, manifest: OnceLock::new() }
    }

    /// Where it lies, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All root documents, by version.
    ///
    /// # Errors
    /// One cannot be read as a plain file of due length.
    pub fn roots(&self) -> Result<Vec<Link>, Refusal> {
        let names = self.names("root")?;
        let mut left = PAPERS_BYTES_MAX;
        let mut links = Vec::new();
        for name in &names {
            let number = name.strip_suffix(".json").filter(|stem| !stem.starts_with(['0', '+']));
            let Some(version) = number.and_then(|stem| stem.parse::<u32>().ok()) else { continue };
            let bytes = self.read_within(&format!("root/{name}"), ROOT_BYTES_MAX, &mut left)?;
            let signatures = self.signatures("root", &names, &version.to_string(), &mut left)?;
            links.push(Link { version, signed: Signed { bytes, signatures } });
        }
        links.sort_by_key(|link| link.version);
        Ok(links)
    }

    /// The bytes of the manifest and its signatures, as they were when first asked for.
    ///
    /// # Errors
    /// It cannot be read as a plain file of due length.
    pub fn manifest(&self) -> Result<&Signed, Refusal> {
        self.manifest.get_or_init(|| self.read_manifest()).as_ref().map_err(Clone::clone)
    }

    fn read_manifest(&self) -> Result<Signed, Refusal> {
        let bytes = self.read_up_to("manifest.json", MANIFEST_BYTES_MAX)?;
        let names = self.names(".")?;
        let mut left = PAPERS_BYTES_MAX;
        let signatures = self.signatures(".", &names, "manifest", &mut left)?;
        Ok(Signed { bytes, signatures })
    }

    /// The packed bytes of a chunk; `None` where the stick does not carry it.
    ///
    /// # Errors
    /// It is no plain file, or not of the length that the manifest says.
    pub fn chunk(&self, chunk: &Chunk) -> Result<Option<Vec<u8>>, Refusal> {
        let name = format!("chunks/{}/{}.zst", chunk.hash.get(..2).unwrap_or("__"), chunk.hash);
        let file = match self.open(&name) {
            Ok(file) => file,
            Err(error) if error.reason == Reason::NotABundle => return Ok(None),
            Err(error) => return Err(error),
        };
        read_exactly(file, u64::from(chunk.stored), &name).map(Some)
    }

    fn signatures(
        &self,
        dir: &str,
        names: &[String],
        of: &str,
        left: &mut u64,
    ) -> Result<Vec<(String, String)>, Refusal> {
        let mut signatures = Vec::new();
        for name in names {
            let id = name.strip_suffix(".minisig").and_then(|rest| rest.strip_prefix(of));
            let id = id.and_then(|rest| rest.strip_prefix('.'));
            let Some(id) = id.filter(|id| key_id_is_well_formed(id)) else { continue };
            let path = format!("{dir}/{name}");
            let bytes = self.read_within(&path, SIGNATURE_BYTES_MAX, left)?;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            signatures.push((id.to_owned(), text));
        }
        Ok(signatures)
    }

    /// Names in a folder of the bundle, those that are UTF-8; none where there is no such folder.
    fn names(&self, dir: &str) -> Result<Vec<String>, Refusal> {
        // Links are refused by `beneath`, and then said to be links.
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = match openat2(&self.dir, dir, flags, Mode::empty(), beneath()) {
            Ok(opened) => opened,
            Err(Errno::NOENT) => return Ok(Vec::new()),
            Err(error) => return Err(refused(dir, error)),
        };
        let mut names = Vec::new();
        for entry in Dir::new(opened).map_err(|error| refused(dir, error))? {
            let entry = entry.map_err(|error| refused(dir, error))?;
            if names.len() >= ENTRIES_MAX {
                let ja = format!("{dir}：ファイルが{ENTRIES_MAX}個を超えています");
                let en = format!("{dir}: more than {ENTRIES_MAX} entries");
                return Err(Refusal::told(Reason::NotABundle, ja, en));
            }
            if let Ok(name) = entry.file_name().to_str() {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// Opens a plain file. Looked at first, since opening a device may already do something; and
    /// `NONBLOCK`, so that a pipe that came in between does not make it wait.
    fn open(&self, name: &str) -> Result<File, Refusal> {
        let look = OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        self.open_plain(name, look)?;
        let read = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        self.open_plain(name, read).map(File::from)
    }

    fn open_plain(&self, name: &str, flags: OFlags) -> Result<OwnedFd, Refusal> {
        let opened = openat2(&self.dir, name, flags, Mode::empty(), beneath())
            .map_err(|error| refused(name, error))?;
        let stat = fstat(&opened).map_err(|error| refused(name, error))?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Ok(opened),
            _ => Err(Refusal::new(Reason::NotAPlainFile, name)),
        }
    }

    /// Reads a file of a kind of which there may be many, and takes its length from what is left
    /// for all of them.
    fn read_within(&self, name: &str, most: u64, left: &mut u64) -> Result<Vec<u8>, Refusal> {
        let bytes = self.read_up_to(name, most.min(*left))?;
        *left -= bytes.len() as u64;
        Ok(bytes)
    }

    fn read_up_to(&self, name: &str, most: u64) -> Result<Vec<u8>, Refusal> {
        let file = self.open(name)?;
        let len = file.metadata().map_err(|error| unreadable(name, &error))?.len();
        if len > most {
            let ja = format!("{name}：{len}バイト、上限 {most}バイト");
            let en = format!("{name}: {len} bytes, at most {most}");
            return Err(Refusal::told(Reason::WrongLength, ja, en));
        }
        read_exactly(file, len, name)
    }
}

/// Exactly `len` bytes, and no byte more behind them: a file may change, or have no end.
fn read_exactly(file: File, len: u64, name: &str) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or(0));
    let mut limited = file.take(len + 1);
    limited.read_to_end(&mut bytes).map_err(|error| unreadable(name, &error))?;
    match bytes.len() as u64 == len {
        true => Ok(bytes),
        false => {
            let ja = format!("{name}：{len}バイトではありません");
            Err(Refusal::told(Reason::WrongLength, ja, format!("{name}: not {len} bytes")))
        }
    }
}

fn beneath() -> ResolveFlags {
    ResolveFlags::BENEATH
        | ResolveFlags::NO_SYMLINKS
        | ResolveFlags::NO_MAGICLINKS
        | ResolveFlags::NO_XDEV
}

fn refused(name: &str, error: Errno) -> Refusal {
    let reason = match error {
        Errno::NOENT | Errno::NOTDIR => Reason::NotABundle,
        Errno::LOOP | Errno::XDEV | Errno::NXIO => Reason::NotAPlainFile,
        _ => return unreadable(name, &io::Error::from(error)),
    };
    Refusal::new(reason, name)
}

fn unreadable(name: &str, error: &io::Error) -> Refusal {
    let ja = match error.kind() {
        io::ErrorKind::PermissionDenied => format!("{name}：読む権限がありません"),
        _ => format!("{name}：技術情報 {error}"),
    };
    Refusal::told(Reason::Unreadable, ja, format!("{name}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Lang;

    #[test]
    fn a_medium_that_was_taken_out_is_not_said_to_be_cut_off() {
        for (error, part) in [
            (Errno::IO, "技術情報"),
            (Errno::NODEV, "技術情報"),
            (Errno::ACCESS, "読む権限がありません"),
        ] {
            let refusal = refused("chunks/00/0.zst", error);
            assert_eq!(refusal.reason, Reason::Unreadable);
            let said = refusal.message(Lang::Ja);
            assert!(said.contains(part) && said.contains("差し直して"), "{said}");
        }
    }
}
