//! Staged assistants: each file must be one that can be used. Keys that are not known here are
//! passed over: the publisher's kura may be newer.

use std::fs;
use std::path::Path;

use super::{failed, unusable};
use crate::answer::assistant::read_one;
use crate::sync::Refusal;

/// A file is at most so long, in bytes.
const BYTES_MAX: u64 = 64 * 1024;

/// Reads every file of the folder.
///
/// # Errors
/// The first that cannot be used, by its name.
pub(super) fn check(dir: &Path) -> Result<(), Refusal> {
    for entry in fs::read_dir(dir).map_err(|why| failed("assistants", &why))? {
        let path = entry.map_err(|why| failed("assistants", &why))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        check_file(&path).map_err(|why| unusable(format!("{name}: {why}")))?;
    }
    Ok(())
}

fn check_file(path: &Path) -> Result<(), String> {
    if path.extension().is_none_or(|extension| extension != "toml") {
        return Err("its name does not end in .toml".to_owned());
    }
    let length = fs::metadata(path).map_err(|why| why.to_string())?.len();
    if length > BYTES_MAX {
        return Err(format!("longer than {BYTES_MAX} bytes"));
    }
    let text = fs::read_to_string(path).map_err(|why| why.to_string())?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().replace('.', "-");
    let (_, mistakes) = read_one(&text, &stem);
    match mistakes.iter().find(|mistake| !mistake.unknown_key) {
        Some(mistake) => Err(format!("{} (line {})", mistake.en, mistake.line)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::Reason;

    fn checked(name: &str, text: &[u8]) -> Result<(), Refusal> {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("good.toml"), "title = \"議事録\"\nprompt = \"要約する\"\n")
            .unwrap();
        fs::write(dir.path().join(name), text).unwrap();
        check(dir.path())
    }

    #[test]
    fn what_lacks_something_is_named() {
        let long = format!("title = \"a\"\nprompt = \"{}\"\n", "a".repeat(70_000));
        for (name, text, part) in [
            ("b.txt", "title = \"a\"\nprompt = \"b\"", "b.txt: its name"),
            ("b.toml", "title = \"a\"", "b.toml: `prompt`"),
            ("b.toml", "title = \" \"\nprompt = \"b\"", "`title`"),
            ("b.toml", "title = 1\nprompt = \"b\"", "`title`"),
            ("b.toml", "title = ", "b.toml"),
            ("b.toml", long.as_str(), "longer"),
        ] {
            let refusal = checked(name, text.as_bytes()).unwrap_err();
            assert_eq!(refusal.reason, Reason::UnusableContent);
            assert!(refusal.detail.contains(part), "{text}: {refusal}");
        }
        assert!(checked("b.toml", &[0xff, 0xfe]).is_err());
        assert_eq!(checked("b.toml", b"title = \"a\"\nprompt = \"b\"\nmore = 1\n"), Ok(()));
    }
}
