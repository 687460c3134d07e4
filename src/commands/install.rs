//! Adds a data set: read the files, cut them into passages, index beside the old one, switch.
//!
//! Documents flow: the reader (child processes) hands each to the indexer as soon as it is read, so
//! that a large data set never lies in memory whole.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;

use indicatif::ProgressBar;

use super::{Context, Failure, output};
use crate::document::{DatasetInfo, Passage};
use crate::ingest::{chunk, folder, manifest, worker};
use crate::search::{Index, SearchError};
use crate::sync::{FileProblem, GenerationRecord};
use crate::text::Lang;

/// Documents that may wait between reader and indexer.
const WAITING: usize = 16;

/// What `add` did.
#[derive(Debug)]
pub(super) enum Outcome {
    /// A new generation is in use.
    Added(GenerationRecord),
    /// The same content was in use already.
    Unchanged(GenerationRecord),
}

impl Outcome {
    pub(super) fn record(&self) -> &GenerationRecord {
        match self {
            Self::Added(record) | Self::Unchanged(record) => record,
        }
    }
}

/// Adds the data set in `dir`, or its new edition.
pub(super) fn add(
    context: &Context,
    dir: &Path,
    cancelled: &AtomicBool,
) -> Result<Outcome, Failure> {
    let info = manifest::load(&dir.join("dataset.toml"))
        .map_err(|errors| Failure::new(errors.message(Lang::Ja), errors.message(Lang::En)))?;
    let content_blake3 = content_hash(dir)?;
    let installation = context.installation()?;
    let mut writer = installation.writer()?;
    if let Some(entry) = writer.state().datasets.get(&info.id) {
        let record = installation.generation(&info.id, &entry.current)?;
        let same = record.content_blake3 == content_blake3
            && record.kura_version == env!("CARGO_PKG_VERSION")
            && Index::open(&installation.index_dir(&info.id, &entry.current)).is_ok();
        if same {
            return Ok(Outcome::Unchanged(record));
        }
    }
    let staging = writer.stage()?;
    let index_dir = staging.path().join("index");
    fs::create_dir(&index_dir).map_err(|why| unreadable(&index_dir, &why))?;
    let built = build(context, dir, &info, &index_dir, cancelled)?;
    if built.documents == 0 {
        return Err(nothing_read(dir, &built.report));
    }
    let record = GenerationRecord {
        info,
        content_blake3,
        documents: built.documents,
        passages: built.passages,
        failures: built
            .report
            .failures
            .into_iter()
            .map(|(path, error)| FileProblem {
                path,
                ja: error.advice(Lang::Ja),
                en: error.advice(Lang::En),
            })
            .collect(),
        warnings: built
            .report
            .warnings
            .into_iter()
            .map(|(path, text)| FileProblem { path, ja: text.clone(), en: text })
            .collect(),
        added_at: now(),
        kura_version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    writer.commit_dataset(staging, &record)?;
    Ok(Outcome::Added(record))
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
    let limits = worker::Limits {
        time_s: context.config.ingest.time_limit_s,
        memory_mib: context.config.ingest.memory_limit_mib,
        ..worker::Limits::default()
    };
    let exe = std::env::current_exe().map_err(|why| unreadable(Path::new("kura"), &why))?;
    let bar = output::progress(context, 0, "文書を読んでいます", "Reading documents");
    // Set when the index cannot be built, so that reading stops as well.
    let failed = AtomicBool::new(false);
    let (sender, receiver) = sync_channel::<Vec<Passage>>(WAITING);
    let outcome = thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let sender = sender;
            let mut documents = 0;
            let report = folder::read_folder(
                dir,
                |file| worker::read_limited(&exe, file, &limits, cancelled),
                |path, document| {
                    documents += 1;
                    let defaults = chunk::defaults_for(info, path);
                    let passages = chunk::passages(&document, path, &defaults);
                    if sender.send(passages).is_err() {
                        failed.store(true, Ordering::Relaxed);
                    }
                },
                |progress| show(&bar, &progress),
                cancelled,
            );
            (report, documents)
        });
        let passages = receiver.into_iter().flatten();
        let stats = Index::build(index_dir, passages, |_| (), cancelled);
        let (report, documents) = match reading.join() {
            Ok(read) => read,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        (stats, report, documents)
    });
    bar.finish_and_clear();
    let (stats, report, documents) = outcome;
    if cancelled.load(Ordering::Relaxed) {
        return Err(Failure::interrupted());
    }
    let report = report.map_err(|why| {
        Failure::new(format!("{}を読めません（{why}）。", dir.display()), why.to_string())
    })?;
    let stats = stats.map_err(|why| index_failure(&why))?;
    Ok(Built { report, documents, passages: stats.passages })
}

fn show(bar: &ProgressBar, progress: &folder::Progress) {
    bar.set_length(progress.total as u64);
    bar.set_position(progress.done as u64);
    bar.set_message(progress.path.clone());
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

/// BLAKE3 over the sorted relative paths and contents of all files of a folder.
fn content_hash(dir: &Path) -> Result<String, Failure> {
    let mut files = Vec::new();
    walk(dir, &mut files)?;
    files.sort();
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 16];
    for path in files {
        let name = path.strip_prefix(dir).unwrap_or(&path).to_string_lossy();
        hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes());
        let mut file = File::open(&path).map_err(|why| unreadable(&path, &why))?;
        let mut size_bytes = 0u64;
        loop {
            let length = file.read(&mut buffer).map_err(|why| unreadable(&path, &why))?;
            if length == 0 {
                break;
            }
            size_bytes += length as u64;
            hasher.update(&buffer[..length]);
        }
        hasher.update(&size_bytes.to_le_bytes());
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// Regular files below a folder; links are not followed.
fn walk(dir: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    for entry in fs::read_dir(dir).map_err(|why| unreadable(dir, &why))? {
        let entry = entry.map_err(|why| unreadable(dir, &why))?;
        let kind = entry.file_type().map_err(|why| unreadable(&entry.path(), &why))?;
        if kind.is_dir() {
            walk(&entry.path(), files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// The time of now as RFC 3339, local.
pub(super) fn now() -> String {
    jiff::ZonedDateTime::now().strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

fn unreadable(path: &Path, why: &std::io::Error) -> Failure {
    Failure::new(
        format!("{}を読み書きできません（{why}）。", path.display()),
        format!("cannot read or write {}: {why}", path.display()),
    )
}
