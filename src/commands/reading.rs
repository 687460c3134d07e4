//! From a data set's folder to its passages: each file read in a child process, its progress
//! shown, what could not be read reported.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Context, Failure, output};
use crate::document::{DatasetInfo, Passage};
use crate::ingest::{chunk, folder, worker};

/// What was read.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) report: folder::FolderReport,
    pub(super) documents: usize,
}

/// Reads all documents below `dir` and hands on the passages of each, in reading order, until
/// `on_document` says that no more are needed.
///
/// # Errors
/// The folder cannot be listed; `cancelled` became true. A bad file is no error: see the report.
pub(super) fn passages(
    context: &Context,
    dir: &Path,
    info: &DatasetInfo,
    cancelled: &AtomicBool,
    mut on_document: impl FnMut(Vec<Passage>) -> bool,
) -> Result<Reading, Failure> {
    let limits = worker::Limits {
        time_s: context.config.ingest.time_limit_s,
        memory_mib: context.config.ingest.memory_limit_mib,
        ..worker::Limits::default()
    };
    let exe = std::env::current_exe().map_err(|why| {
        Failure::new(
            format!("kuraの実行ファイルが見つかりません（{why}）。"),
            format!("cannot find the program itself: {why}"),
        )
    })?;
    let bar = output::progress(context, 0, "文書を読んでいます", "Reading documents");
    let mut documents = 0;
    // Ctrl-C, or nobody to take what is read.
    let stopped = AtomicBool::new(false);
    let report = folder::read_folder(
        dir,
        |file| worker::read_limited(&exe, file, &limits, cancelled),
        |path, document| {
            documents += 1;
            let passages = chunk::passages(&document, path, &chunk::defaults_for(info, path));
            if !on_document(passages) {
                stopped.store(true, Ordering::Relaxed);
            }
        },
        |progress| {
            if cancelled.load(Ordering::Relaxed) {
                stopped.store(true, Ordering::Relaxed);
            }
            bar.set_length(progress.total as u64);
            bar.set_position(progress.done as u64);
            bar.set_message(progress.path);
        },
        &stopped,
    );
    bar.finish_and_clear();
    let report = report.map_err(|why| match why {
        folder::FolderError::Cancelled => Failure::interrupted(),
        why => Failure::new(format!("{}を読めません（{why}）。", dir.display()), why.to_string()),
    })?;
    Ok(Reading { report, documents })
}
