//! `kura pack dataset`: documents are read here, so that an appliance gets passages (and where it
//! may, the index) and never opens the office files themselves.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::super::key::unusable;
use super::super::{Context, Failure, output};
use super::passages;
use super::press::{Press, Subject};
use crate::answer::golden::Golden;
use crate::cli::PackTo;
use crate::document::DatasetInfo;
use crate::ingest::{IngestError, manifest};
use crate::search::Index;
use crate::sync::bundle::{ArtifactRole as Role, Kind, id_is_plain};
use crate::sync::pack::{Content, Source};
use crate::text::Lang;

/// Files named in a message; the rest is counted.
const NAMED: usize = 20;

/// What was asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct How {
    pub(super) with_index: bool,
    pub(super) allow_unread: bool,
}

pub(super) fn run(
    context: &Context,
    dir: &Path,
    how: How,
    to: &PackTo,
    cancelled: &AtomicBool,
) -> Result<(), Failure> {
    let info = info(&dir.join("dataset.toml"))?;
    let golden = golden(dir)?;
    let subject = Subject {
        kind: Kind::Dataset,
        id: info.id.clone(),
        title: info.title.clone(),
        edition: info.edition.clone(),
        stale_after_days: info.stale_after_days,
    };
    let press = Press::begin(context, to, subject, cancelled)?;
    let work = tempfile::tempdir().map_err(|why| unusable(&std::env::temp_dir(), &why))?;
    let lines = work.path().join("passages.jsonl");
    let read = passages::write(context, dir, &info, &lines, cancelled)?;
    check_read(context, dir, &read, how.allow_unread, press.json())?;
    let source = |id: &str, role, content| Source {
        id: id.to_owned(),
        role,
        licence: info.licence.clone(),
        source: info.publisher.clone(),
        content,
    };
    let described = Content::File(dir.join("dataset.toml"));
    let mut sources = vec![source("dataset.toml", Role::Info, described)];
    sources.push(source("passages.jsonl", Role::Passages, Content::File(lines.clone())));
    sources.extend(golden.map(|content| source("golden.toml", Role::Golden, content)));
    if how.with_index && !press.is_delta() {
        let index = work.path().join("index");
        passages::index(context, &lines, info.as_of, read.passages, &index, cancelled)?;
        for name in index_files(&index)? {
            let content = Content::File(index.join(&name));
            sources.push(source(&name, Role::Index, content));
        }
    }
    press.finish(&sources)
}

fn info(path: &Path) -> Result<DatasetInfo, Failure> {
    manifest::load(path).map_err(|why| {
        // An unreadable file is named by its own message.
        let place = match &why {
            manifest::ManifestError::Io { .. } => String::new(),
            manifest::ManifestError::Invalid(_) => format!("{}:\n", path.display()),
        };
        let message = |lang| format!("{place}{}", why.message(lang));
        Failure::new(message(Lang::Ja), message(Lang::En))
    })
}

/// `golden.toml`, if the folder has one.
fn golden(dir: &Path) -> Result<Option<Content>, Failure> {
    let path = dir.join("golden.toml");
    if !path.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(&path).map_err(|why| unusable(&path, &why))?;
    // As the box will read it, so that a mistake shows here and not in the town hall.
    Golden::load(&path).map_err(|why| {
        let place = path.display();
        let said = |lang| format!("{place}: {}", why.message(lang));
        Failure::new(said(Lang::Ja), said(Lang::En))
    })?;
    Ok(Some(Content::Bytes(text.into_bytes())))
}

/// Names what could not be read. A person decides whether the rest is worth packing: on the
/// appliance nobody sees that a document is missing.
fn check_read(
    context: &Context,
    dir: &Path,
    read: &passages::Read,
    allowed: bool,
    quiet: bool,
) -> Result<(), Failure> {
    let failures = &read.report.failures;
    if read.passages == 0 {
        return Err(Failure::new(
            format!("{}には読める文書がありません。{}", dir.display(), list(failures, Lang::Ja)),
            format!(
                "{} holds no document that can be read{}",
                dir.display(),
                list(failures, Lang::En)
            ),
        ));
    }
    let count = failures.len();
    if count > 0 && !allowed {
        return Err(Failure::new(
            format!(
                "読めないファイルが{count}件あります。直すか、それらを除いたままでよければ --allow-unread を付けてください。{}",
                list(failures, Lang::Ja)
            ),
            format!(
                "{count} file(s) could not be read; repair them, or pack without them with --allow-unread{}",
                list(failures, Lang::En)
            ),
        ));
    }
    if quiet {
        return Ok(());
    }
    let (documents, passages) = (read.documents, read.passages);
    match context.lang {
        Lang::Ja => say!("文書{documents}件、該当箇所{passages}件を読みました。"),
        Lang::En => say!("Read {documents} documents, {passages} passages."),
    }
    if count > 0 {
        let words = context.words("読めなかったファイル", "Files that were not read");
        say!("{words}: {count}{}", list(failures, context.lang));
    }
    let warnings = &read.report.warnings;
    if !warnings.is_empty() {
        let words = context.words("一部を読めなかったファイル", "Files read in part");
        say!("{words}: {}", warnings.len());
        for (path, why) in warnings.iter().take(NAMED) {
            say!("  {}: {why}", output::name(path));
        }
    }
    Ok(())
}

fn list(failures: &[(String, IngestError)], lang: Lang) -> String {
    let line = |(path, why): &(String, IngestError)| {
        format!("\n  {}: {}", output::name(path), why.advice(lang))
    };
    let mut text: String = failures.iter().take(NAMED).map(line).collect();
    let rest = failures.len().saturating_sub(NAMED);
    if rest > 0 {
        text.push_str(&match lang {
            Lang::Ja => format!("\n  ほか{rest}件"),
            Lang::En => format!("\n  and {rest} more"),
        });
    }
    text
}

/// The files of an index that travel. The engine's own locks and lists of garbage, whose names
/// begin with a dot, stay: an index opens without them.
fn index_files(dir: &Path) -> Result<Vec<String>, Failure> {
    let unlisted = |why: &std::io::Error| unusable(dir, why);
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(|why| unlisted(&why))? {
        let name = entry.map_err(|why| unlisted(&why))?.file_name();
        names.extend(name.into_string().ok().filter(|name| id_is_plain(name)));
    }
    names.sort();
    Index::open(dir).map_err(|why| {
        Failure::new(
            format!("作った索引を開けません（{why}）。"),
            format!("cannot open the new index: {why}"),
        )
    })?;
    Ok(names)
}
