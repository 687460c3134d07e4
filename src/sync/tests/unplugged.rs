//! The stick is drawn at every chunk, and put in again.

use std::fs;
use std::path::Path;

use super::power_cut::Desk;
use super::*;
use crate::sync::bundle::Manifest;
use crate::sync::testing::{chunk_path, import, scratch};

/// What became of the chunk.
#[derive(Clone, Copy, Debug)]
enum Gone {
    Missing,
    /// As read errors show: the file has an end too soon.
    Cut,
    /// The directory entry survived, its block did not.
    Folder,
}

impl Gone {
    fn befall(self, path: &Path) {
        let bytes = fs::read(path).unwrap();
        fs::remove_file(path).unwrap();
        match self {
            Self::Missing => {}
            Self::Cut => fs::write(path, &bytes[..bytes.len() / 2]).unwrap(),
            Self::Folder => fs::create_dir(path).unwrap(),
        }
    }

    fn mend(self, path: &Path, bytes: &[u8]) {
        if let Self::Folder = self {
            fs::remove_dir(path).unwrap();
        }
        fs::write(path, bytes).unwrap();
    }

    fn reason(self) -> Reason {
        match self {
            Self::Missing => Reason::MissingChunk,
            Self::Cut => Reason::WrongLength,
            Self::Folder => Reason::NotAPlainFile,
        }
    }
}

#[test]
fn drawn_at_each_chunk_it_goes_on_with_that_chunk() {
    let sticks = scratch();
    let desk = Desk::new(sticks.path());
    let stick = desk.dataset(1);
    let home = stick.join("kura-bundle");
    let manifest = Manifest::parse(&fs::read(home.join("manifest.json")).unwrap()).unwrap();
    let chunks: Vec<_> = manifest.artifacts.iter().flat_map(|one| &one.chunks).collect();
    assert!(chunks.len() >= 6, "{} chunks", chunks.len());
    for (at, chunk) in chunks.iter().enumerate() {
        for gone in [Gone::Missing, Gone::Cut, Gone::Folder] {
            let dir = scratch();
            let installation = Installation::new(dir.path());
            let path = chunk_path(&home, &chunk.hash);
            let bytes = fs::read(&path).unwrap();
            gone.befall(&path);
            let drawn = import(&installation, &desk.trust, &stick);
            gone.mend(&path, &bytes);
            let Err(SyncError::Refused(refusal)) = drawn else { panic!("{drawn:?}") };
            assert_eq!(refusal.reason, gone.reason(), "chunk {at}");
            assert!(installation.state().unwrap().datasets.is_empty());

            let again = import(&installation, &desk.trust, &stick).unwrap();
            let staged: u64 = chunks[..at].iter().map(|chunk| u64::from(chunk.raw)).sum();
            assert_eq!(again.bytes_kept, staged, "chunk {at}: what was staged is not read again");
            assert_eq!(again.bytes_kept + again.bytes_read, manifest.totals.raw);
            assert_eq!(installation.state().unwrap().datasets["town"].current, "r8.1");
        }
    }
}

#[test]
fn the_next_edition_reads_what_is_new() {
    let sticks = scratch();
    let desk = Desk::new(sticks.path());
    let dir = scratch();
    let installation = Installation::new(dir.path());
    let bring = |stick: &Path| import(&installation, &desk.trust, stick).unwrap();
    let whole = bring(&desk.dataset(1));
    assert_eq!((whole.bytes_kept, whole.changed), (0, true));
    // The same stick twice: packed a second later, the same number would be another manifest.
    let stick = desk.dataset(2);
    let next = bring(&stick);
    assert!(next.bytes_kept >= 3000 && next.bytes_read < 1100, "{next:?}");
    let again = bring(&stick);
    assert_eq!((again.bytes_read, again.changed), (0, false));
}
