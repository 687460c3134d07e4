//! Any file names on a stick, with any content: what is found has the names that it must have.
//!
//! Works in a folder below `$TMPDIR`; a memory file system makes it quick.
#![no_main]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use kura_fuzz::sync::bundle::{Stick, id_is_plain};
use kura_fuzz::sync::trust::key_id_is_well_formed;
use libfuzzer_sys::fuzz_target;

/// Entries of one input.
const NAMES_MAX: usize = 12;

/// `folder` by the first byte, name up to the next zero.
fn entries(bytes: &[u8]) -> impl Iterator<Item = (&'static str, &[u8])> {
    bytes.split(|byte| *byte == 0).take(NAMES_MAX).filter_map(|entry| {
        let (first, name) = entry.split_first()?;
        let plain = !name.is_empty() && !name.contains(&b'/') && name != b"." && name != b"..";
        let folder = ["", "kura-bundle", "kura-bundle/root", "kura-bundle/chunks"];
        (plain && name.len() < 256).then(|| (folder[usize::from(first % 4)], name))
    })
}

fn fill(home: &Path, bytes: &[u8]) {
    fs::create_dir_all(home.join("kura-bundle/root")).unwrap();
    fs::create_dir_all(home.join("kura-bundle/chunks")).unwrap();
    for (folder, name) in entries(bytes) {
        let path = home.join(folder).join(OsStr::from_bytes(name));
        // A name may be taken by a folder that is there.
        let _ = match name.len() % 5 {
            4 => fs::create_dir(&path),
            3 => std::os::unix::fs::symlink("/etc/passwd", &path),
            _ => fs::write(&path, name),
        };
    }
}

fuzz_target!(|bytes: &[u8]| {
    let home: PathBuf = std::env::temp_dir().join(format!("kura-fuzz-{}", std::process::id()));
    let _ = fs::remove_dir_all(&home);
    fill(&home, bytes);
    for stick in Stick::find(&home).into_iter().flatten() {
        if let Ok(links) = stick.roots() {
            let rising = links.windows(2).all(|two| two[0].version < two[1].version);
            assert!(rising && links.iter().all(|link| link.version > 0));
            let ids = links.iter().flat_map(|link| &link.signed.signatures);
            assert!(ids.into_iter().all(|(id, _)| key_id_is_well_formed(id)));
        }
        if let Ok(signed) = stick.manifest() {
            assert!(signed.signatures.iter().all(|(id, _)| key_id_is_well_formed(id)));
        }
    }
    for (_, name) in entries(bytes) {
        if let Ok(name) = std::str::from_utf8(name) {
            assert!(!id_is_plain(name) || Path::new("a").join(name).components().count() == 2);
        }
    }
    fs::remove_dir_all(&home).unwrap();
});
