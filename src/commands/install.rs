//! Adds a data set: read the files, cut them into passages, index beside the old one, switch.
//!
//! Documents flow: the reader (child processes) hands each to the indexer as soon as it is read, so
//! that a large data set never lies in memory whole.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;

use super::{Context, Failure, reading};
use crate::answer::golden::{Golden, GoldenOutcome};
use crate::document::{DatasetInfo, Passage, timestamp};
use crate::ingest::{IngestError, folder, manifest};
use crate::llm::info::hash_file;
use crate::search::{Index, SearchError};
use crate::sync::{FileProblem, GenerationRecord, MeasuredRates, Questions};
use crate::text::Lang;

/// Documents that may wait between reader and indexer.
const WAITING: usize = 16;

/// What `add` did.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The generation in use now.
    pub(super) record: GenerationRecord,
    /// False when the same content was in use already.
    pub(super) added: bool,
    /// The edition that was replaced although it was the same or a later one.
    pub(super) replaced: Option<String>,
    /// How its golden questions came out; none where it has none, or was not added.
    pub(super) golden: Option<GoldenOutcome>,
}

/// Adds the data set in `dir`, or its new edition.
pub(super) fn add(
    context: &Context,
    dir: &Path,
    cancelled: &AtomicBool,
) -> Result<Outcome, Failure> {
    let manifest = dir.join("dataset.toml");
    let info = manifest::load(&manifest).map_err(|why| {
        // An unreadable file is named by its own message.
        let place = match &why {
            manifest::ManifestError::Io { .. } => String::new(),
            manifest::ManifestError::Invalid(_) => format!("{}:\n", manifest.display()),
        };
        let message = |lang| format!("{place}{}", why.message(lang));
        Failure::new(message(Lang::Ja), message(Lang::En))
    })?;
    let content_blake3 = content_hash(dir);
    let installation = context.installation();
    let mut writer = installation.writer()?;
    let mut before = None;
    if let Some(entry) = writer.state().datasets.get(&info.id) {
        let record = installation.generation(&info.id, &entry.current)?;
        let same = record.content_blake3 == content_blake3
            && record.kura_version == env!("CARGO_PKG_VERSION")
            && Index::open(&installation.index_dir(&info.id, &entry.current)).is_ok();
        if same {
            return Ok(Outcome { record, added: false, replaced: None, golden: None });
        }
        before = Some(record.info);
    }
    let staging = writer.stage()?;
    let index_dir = staging.path().join("index");
    fs::create_dir(&index_dir).map_err(|why| unreadable(&index_dir, &why))?;
    let built = build(context, dir, &info, &index_dir, cancelled)?;
    if built.documents == 0 {
        return Err(nothing_read(dir, &built.report));
    }
    let mut warnings = warnings(dir, &info, built.report.warnings);
    let golden = match ask_golden(&dir.join("golden.toml"), &index_dir, cancelled)? {
        Ok(golden) => golden,
        Err(problem) => {
            warnings.push(problem);
            None
        }
    };
    if let Some(outcome) = &golden {
        MeasuredRates::now(outcome.rates, Questions::Golden).write_to(staging.path())?;
    }
    let record = GenerationRecord {
        info,
        content_blake3,
        documents: built.documents,
        passages: built.passages,
        failures: built.report.failures.into_iter().map(failure).collect(),
        warnings,
        added_at: timestamp(),
        kura_version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    writer.commit_dataset(staging, &record)?;
    let info = &record.info;
    let odd = |old: &DatasetInfo| old.edition == info.edition || old.as_of > info.as_of;
    let replaced = before.filter(odd).map(|old| old.edition);
    Ok(Outcome { record, added: true, replaced, golden })
}

/// Asks the golden questions of the new index. A file of them that cannot be used is named with
/// the other files that were not read: a person is here to mend it.
fn ask_golden(
    path: &Path,
    index_dir: &Path,
    cancelled: &AtomicBool,
) -> Result<Result<Option<GoldenOutcome>, FileProblem>, Failure> {
    let golden = match Golden::load(path) {
        Ok(None) => return Ok(Ok(None)),
        Ok(Some(golden)) => golden,
        Err(why) => {
            let (ja, en) = (why.message(Lang::Ja), why.message(Lang::En));
            return Ok(Err(FileProblem { path: "golden.toml".to_owned(), ja, en }));
        }
    };
    let index = Index::open(index_dir).map_err(|why| index_failure(&why))?;
    match golden.ask(&Arc::new(index), cancelled) {
        Ok(outcome) => Ok(Ok(Some(outcome))),
        Err(SearchError::Cancelled) => Err(Failure::interrupted()),
        Err(why) => Err(index_failure(&why)),
    }
}

fn failure((path, error): (String, IngestError)) -> FileProblem {
    FileProblem { path, ja: error.advice(Lang::Ja), en: error.advice(Lang::En) }
}

/// What the readers left out, and entries of `dataset.toml` that speak of no file.
fn warnings(dir: &Path, info: &DatasetInfo, read: Vec<(String, String)>) -> Vec<FileProblem> {
    let absent = info.documents.iter().filter(|entry| !dir.join(&entry.path).is_file());
    absent
        .map(|entry| FileProblem {
            path: entry.path.clone(),
            ja: "dataset.tomlの[[document]]にありますが、このファイルはありません。pathを確かめてください。".to_owned(),
            en: "named by a [[document]] of dataset.toml, but there is no such file; check its path".to_owned(),
        })
        .chain(read.into_iter().map(|(path, ja)| FileProblem { path, en: ja.clone(), ja }))
        .collect()
}

struct Built {
    report: folder::FolderReport,
    documents: usize,
    passages: u64,
}

fn build(
    context: &Context,
    dir: &Path,
    info: &DatasetInfo,
    index_dir: &Path,
    cancelled: &AtomicBool,
) -> Result<Built, Failure> {
    let (sender, receiver) = sync_channel::<Vec<Passage>>(WAITING);
    let (read, stats) = thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let sender = sender;
            // Where the index cannot be built nobody receives: no more is read, and that failure is
            // told.
            let hand_on = |passages| sender.send(passages).is_ok();
            reading::passages(context, dir, info, cancelled, hand_on)
        });
        let passages = receiver.into_iter().flatten();
        let stats = Index::build(index_dir, passages, |_| (), cancelled);
        match reading.join() {
            Ok(read) => (read, stats),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    });
    if cancelled.load(Ordering::Relaxed) {
        return Err(Failure::interrupted());
    }
    let stats = stats.map_err(|why| index_failure(&why))?;
    let read = read?;
    Ok(Built { report: read.report, documents: read.documents, passages: stats.passages })
}

fn nothing_read(dir: &Path, report: &folder::FolderReport) -> Failure {
    let list = |lang| {
        let lines =
            report.failures.iter().map(|(path, why)| format!("\n  {path}: {}", why.advice(lang)));
        lines.take(20).collect::<String>()
    };
    Failure::new(
        format!("{}には読める文書がありません。{}", dir.display(), list(Lang::Ja)),
        format!("{} holds no document that can be read.{}", dir.display(), list(Lang::En)),
    )
}

fn index_failure(why: &SearchError) -> Failure {
    Failure::new(
        format!("索引を作れません（{why}）。空き容量を確認してください。"),
        format!("cannot build the index: {why}"),
    )
}

/// BLAKE3 over the sorted relative paths and contents of all files of a folder. What cannot be read
/// counts by its name alone; the reader reports it.
fn content_hash(dir: &Path) -> String {
    let mut files = Vec::new();
    walk(dir, &mut files);
    files.sort();
    let mut hasher = blake3::Hasher::new();
    for path in files {
        let name = path.strip_prefix(dir).unwrap_or(&path).to_string_lossy();
        hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes());
        let hash = hash_file(&path, |_, _| true).ok().flatten().unwrap_or_default();
        hasher.update(&(hash.len() as u64).to_le_bytes()).update(hash.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// Regular files below a folder; links are not followed.
fn walk(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(&entry.path(), files),
            Ok(kind) if kind.is_file() => files.push(entry.path()),
            _ => {}
        }
    }
}

fn unreadable(path: &Path, why: &std::io::Error) -> Failure {
    Failure::new(
        format!("{}を読み書きできません（{why}）。", path.display()),
        format!("cannot read or write {}: {why}", path.display()),
    )
}
