//! The progress of an import on the terminal: bytes, then passages or weights.

use std::sync::{Mutex, PoisonError};

use indicatif::ProgressBar;

use crate::commands::prepare::Work;
use crate::commands::{Context, output};
use crate::sync::Progress;

/// One bar at a time, each with its rate and what remains.
pub(super) struct Shown<'c> {
    context: &'c Context,
    /// Without words beside the bar, for output that programs read.
    quiet: bool,
    now: Mutex<Option<(Stage, ProgressBar)>>,
}

/// What a bar counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Copy,
    Passages,
    Index,
    Questions,
    Weights,
    Program,
}

impl<'c> Shown<'c> {
    pub(super) fn new(context: &'c Context, quiet: bool) -> Self {
        Self { context, quiet, now: Mutex::new(None) }
    }

    pub(super) fn progress(&self, progress: &Progress) {
        match progress {
            Progress::Verified { title, edition, bytes } => {
                self.finish();
                if !self.quiet {
                    let size = output::megabytes(*bytes);
                    let ja = format!("「{title}」（版 {edition}、{size}）を確認しました。");
                    let en = format!("{title} (edition {edition}, {size}): signatures are right.");
                    say!("{}", self.context.words(&ja, &en));
                }
            }
            Progress::Copied { bytes, of } => self.at(Stage::Copy, *bytes, *of),
            Progress::Preparing | Progress::Switched => self.finish(),
        }
    }

    pub(super) fn work(&self, work: Work) {
        match work {
            Work::Passages { done } => self.at(Stage::Passages, done, 0),
            Work::Index { done, of } => self.at(Stage::Index, done, of),
            Work::Questions => self.at(Stage::Questions, 0, 0),
            Work::Weights { done, of } => self.at(Stage::Weights, done, of),
            Work::Program => self.at(Stage::Program, 0, 0),
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, bar)) = now.take() {
            bar.finish_and_clear();
        }
    }

    fn at(&self, stage: Stage, done: u64, of: u64) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, bar)) = now.take_if(|(shown, _)| *shown != stage) {
            bar.finish_and_clear();
        }
        let (_, bar) = now.get_or_insert_with(|| (stage, self.bar(stage)));
        if of > 0 {
            bar.set_length(of);
        }
        bar.set_position(done);
    }

    fn bar(&self, stage: Stage) -> ProgressBar {
        let context = self.context;
        match stage {
            Stage::Copy => output::progress_bytes(context, 0, "取り込んでいます", "Importing"),
            Stage::Passages => {
                output::counter(context, "該当箇所を確認しています", "Checking passages")
            }
            Stage::Index => output::progress(context, 0, "索引を作っています", "Indexing"),
            Stage::Questions => {
                output::counter(context, "確認用の質問を検索しています", "Asking golden questions")
            }
            Stage::Weights => output::progress_bytes(
                context,
                0,
                "計算用に並べ替えています",
                "Preparing the model",
            ),
            Stage::Program => {
                output::counter(context, "新しいプログラムを試しています", "Trying the new program")
            }
        }
    }
}
