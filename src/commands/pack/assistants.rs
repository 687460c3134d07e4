//! `kura pack assistants`: a folder of TOML files, one an assistant.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::super::key::unusable;
use super::super::{Context, Failure};
use super::press::{Press, Subject};
use super::today;
use crate::answer::assistant::{Mistake, read_one};
use crate::cli::PackTo;
use crate::sync::bundle::{ArtifactRole, Kind, id_is_plain};
use crate::sync::pack::{Content, Source};

/// A file is at most so long, in bytes; appliances refuse longer ones.
const BYTES_MAX: usize = 64 * 1024;

/// What the command line says of the collection.
pub(super) struct Said<'s> {
    pub(super) id: Option<&'s str>,
    pub(super) title: Option<&'s str>,
    pub(super) edition: Option<&'s str>,
    pub(super) licence: &'s str,
}

pub(super) fn run(
    context: &Context,
    dir: &Path,
    said: &Said<'_>,
    to: &PackTo,
    cancelled: &AtomicBool,
) -> Result<(), Failure> {
    let sources = read(dir, said.licence)?;
    let folder = fs::canonicalize(dir).map_err(|why| unusable(dir, &why))?;
    let folder = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let id = said.id.unwrap_or(folder);
    let subject = Subject {
        kind: Kind::Assistants,
        id: id.to_owned(),
        title: said.title.unwrap_or(id).to_owned(),
        edition: said.edition.map_or_else(today, str::to_owned),
        stale_after_days: 0,
    };
    Press::begin(context, to, subject, cancelled)?.finish(&sources)
}

/// The files, in order of their names; all that is wrong with them at once.
fn read(dir: &Path, licence: &str) -> Result<Vec<Source>, Failure> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(|why| unusable(dir, &why))? {
        let name = entry.map_err(|why| unusable(dir, &why))?.file_name();
        names.extend(name.into_string().ok().filter(|name| name.ends_with(".toml")));
    }
    names.sort();
    let (mut sources, mut wrong) = (Vec::new(), Vec::new());
    for name in names {
        let path = dir.join(&name);
        let bytes = fs::read(&path).map_err(|why| unusable(&path, &why))?;
        match problem(&name, &bytes) {
            Some((ja, en)) => {
                wrong.push((format!("\n  {name}: {ja}"), format!("\n  {name}: {en}")));
            }
            None => sources.push(Source {
                source: name.clone(),
                id: name,
                role: ArtifactRole::Assistant,
                licence: licence.to_owned(),
                content: Content::Bytes(bytes),
            }),
        }
    }
    if !wrong.is_empty() {
        let (ja, en): (String, String) = wrong.into_iter().unzip();
        return Err(Failure::new(
            format!("業務アシスタントとして使えないファイルがあります。{ja}"),
            format!("some files are no assistants:{en}"),
        ));
    }
    match sources.is_empty() {
        false => Ok(sources),
        true => Err(Failure::new(
            format!("{}に.tomlのファイルがありません。", dir.display()),
            format!("there is no .toml file in {}", dir.display()),
        )),
    }
}

/// Why a file is no assistant, in Japanese and English; every mistake.
fn problem(name: &str, bytes: &[u8]) -> Option<(String, String)> {
    if !id_is_plain(name) {
        return Some((
            "名前は英小文字・数字・. _ - で64文字までにしてください".to_owned(),
            "its name may have lowercase letters, digits, . _ -, at most 64".to_owned(),
        ));
    }
    if bytes.len() > BYTES_MAX {
        return Some((
            format!("{BYTES_MAX}バイト以内にしてください"),
            format!("longer than {BYTES_MAX} bytes"),
        ));
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Some(("UTF-8ではありません".to_owned(), "not UTF-8".to_owned()));
    };
    let stem = name.trim_end_matches(".toml").replace('.', "-");
    let (_, mistakes) = read_one(text, &stem);
    if mistakes.is_empty() {
        return None;
    }
    let all = |words: &dyn Fn(&Mistake) -> String| {
        mistakes.iter().map(words).collect::<Vec<_>>().join("\n    ")
    };
    Some((
        all(&|mistake| format!("{}（{}行目）", mistake.ja, mistake.line)),
        all(&|mistake| format!("{} (line {})", mistake.en, mistake.line)),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Lang;

    #[test]
    fn files_are_read_in_order_and_mistakes_named_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        assert!(read(dir.path(), "").is_err(), "there is none");
        put("b.toml", "title = \"議事録\"\nprompt = \"要約する\"\n");
        put("a.toml", "title = \"文書\"\nprompt = \"校正する\"\n");
        put("note.txt", "no assistant");
        let sources = read(dir.path(), "MIT").unwrap();
        let ids: Vec<&str> = sources.iter().map(|source| source.id.as_str()).collect();
        assert_eq!(ids, ["a.toml", "b.toml"]);

        put("c.toml", "title = \"x\"\nprompt = \" \"\n");
        put("d.toml", "title = ");
        put("E.toml", "title = \"x\"\nprompt = \"y\"\n");
        put("f.toml", &format!("title = \"x\"\nprompt = \"{}\"\n", "y".repeat(BYTES_MAX)));
        let failure = read(dir.path(), "MIT").unwrap_err();
        let message = failure.message(Lang::En);
        for part in ["c.toml: `prompt`", "d.toml: not TOML", "E.toml: its name", "f.toml: longer"] {
            assert!(message.contains(part), "{part}: {message}");
        }
    }
}
