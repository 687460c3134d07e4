//! Root documents as files on the packing machine: `N.json` and `N.<key id>.minisig`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::super::SyncError;
use super::super::trust::{Chain, Link, Signed, key_id_is_well_formed};
use super::PackError;
use super::place::Fresh;

/// All root documents in `dir/root`, or in `dir` where it holds them itself, by version.
///
/// # Errors
/// The folder or a file cannot be read.
pub fn read_roots(dir: &Path) -> Result<Vec<Link>, SyncError> {
    let below = dir.join("root");
    let dir = if below.is_dir() { below.as_path() } else { dir };
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(SyncError::io("list", dir))? {
        let name = entry.map_err(SyncError::io("list", dir))?.file_name();
        names.extend(name.into_string());
    }
    names.sort();
    let mut links = Vec::new();
    for name in &names {
        let stem = name.strip_suffix(".json").filter(|stem| !stem.starts_with(['0', '+']));
        let Some(version) = stem.and_then(|stem| stem.parse::<u32>().ok()) else { continue };
        let path = dir.join(name);
        let bytes = fs::read(&path).map_err(SyncError::io("read", &path))?;
        let mut signatures = Vec::new();
        for name in &names {
            let Some(id) = signer_of(name, &version.to_string()) else { continue };
            let path = dir.join(name);
            let text = fs::read_to_string(&path).map_err(SyncError::io("read", &path))?;
            signatures.push((id.to_owned(), text));
        }
        links.push(Link { version, signed: Signed { bytes, signatures } });
    }
    links.sort_by_key(|link| link.version);
    Ok(links)
}

/// The key id of `<stem>.<key id>.minisig`.
fn signer_of<'n>(name: &'n str, stem: &str) -> Option<&'n str> {
    let id = name.strip_suffix(".minisig")?.strip_prefix(stem)?.strip_prefix('.')?;
    key_id_is_well_formed(id).then_some(id)
}

/// Verifies the chain from its first link to its newest root, as a box that trusts the first one
/// would.
///
/// # Errors
/// There is none, or the chain is broken.
pub fn newest_root(links: &[Link]) -> Result<Chain, PackError> {
    let first = links.first().map(|link| blake3::hash(&link.signed.bytes).to_hex().to_string());
    let anchored = Chain::anchored(&first.unwrap_or_default(), links)?;
    Ok(anchored.follow(links)?)
}

/// Writes a root document and its signatures beside those that [`read_roots`] finds, else into
/// `dir/root`; gives the path of the document.
///
/// # Errors
/// A document of that version is there already, or the folder cannot be written.
pub fn write_root(dir: &Path, link: &Link) -> Result<PathBuf, SyncError> {
    let below = dir.join("root");
    // Whoever names the folder of the documents itself means that one.
    let is_root = !below.is_dir() && dir.join("1.json").is_file();
    let root = if is_root { dir.to_owned() } else { below };
    fs::create_dir_all(&root).map_err(SyncError::io("make the folder", &root))?;
    let path = root.join(format!("{}.json", link.version));
    let written = fs::File::options()
        .write(true)
        .create_new(true)
        .open(&path)
        .and_then(|mut file| file.write_all(&link.signed.bytes).and_then(|()| file.sync_all()));
    written.map_err(SyncError::io("write", &path))?;
    for (id, text) in &link.signed.signatures {
        let path = root.join(format!("{}.{id}.minisig", link.version));
        let written = fs::File::create(&path)
            .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
        written.map_err(SyncError::io("write", &path))?;
    }
    let synced =
        fs::File::open(&root).and_then(|dir: fs::File| -> io::Result<()> { dir.sync_all() });
    synced.map_err(SyncError::io("sync", &root))?;
    Ok(path)
}

/// Puts a link into a bundle.
pub(super) fn write_link(fresh: &Fresh, link: &Link) -> Result<(), PackError> {
    let version = link.version;
    fresh.write(&format!("root/{version}.json"), &link.signed.bytes)?;
    for (id, text) in &link.signed.signatures {
        fresh.write(&format!("root/{version}.{id}.minisig"), text.as_bytes())?;
    }
    Ok(())
}
