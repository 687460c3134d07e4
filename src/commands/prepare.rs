//! Makes what an update staged ready to serve: what `sync` cannot do itself, because index, model
//! and golden questions belong to other layers.
//!
//! A data set: manifest and passages are checked, the index is built unless a sound one came
//! along, the golden questions are asked. A model: its header, tokenizer and template are checked,
//! the form that is computed with is written beside it. The program: it is started in check mode
//! against what is installed. Assistants: each file is read. Nothing in use is touched.

mod assistants;
mod dataset;
mod model;
mod passages;
mod program;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::answer::golden::GoldenOutcome;
use crate::config::Config;
use crate::sync::bundle::Manifest;
use crate::sync::{GenerationRecord, ModelRecord, Prepare, Reason, Refusal, TrustSettings};
use crate::text::Lang;

/// What is being prepared, for a progress bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// Passages read and checked.
    Passages { done: u64 },
    /// Passages in the new index.
    Index { done: u64, of: u64 },
    /// Golden questions are being asked.
    Questions,
    /// Bytes of the model's form that is computed with.
    Weights { done: u64, of: u64 },
    /// The new program is being tried.
    Program,
}

/// Prepares for one data folder.
pub(super) struct Preparer<'p> {
    data_dir: &'p Path,
    /// The settings file in use, for the new program.
    settings: Option<&'p Path>,
    cancelled: &'p AtomicBool,
    progress: &'p (dyn Fn(Work) + Sync),
    golden: Mutex<Option<GoldenOutcome>>,
}

impl<'p> Preparer<'p> {
    pub(super) fn new(
        config: &'p Config,
        settings: Option<&'p Path>,
        cancelled: &'p AtomicBool,
        progress: &'p (dyn Fn(Work) + Sync),
    ) -> Self {
        let golden = Mutex::new(None);
        Self { data_dir: &config.data_dir, settings, cancelled, progress, golden }
    }

    /// How the golden questions of the last data set came out, once.
    pub(super) fn take_golden(&self) -> Option<GoldenOutcome> {
        self.golden.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn told(&self, work: Work) {
        (self.progress)(work);
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

impl Prepare for Preparer<'_> {
    fn dataset(&self, stage: &Path, manifest: &Manifest) -> Result<GenerationRecord, Refusal> {
        self.prepare_dataset(stage, manifest)
    }

    fn model(&self, stage: &Path, manifest: &Manifest) -> Result<ModelRecord, Refusal> {
        self.prepare_model(stage, manifest)
    }

    fn app(&self, stage: &Path, _: &Manifest) -> Result<(), Refusal> {
        self.try_program(stage)
    }

    fn assistants(&self, stage: &Path, _: &Manifest) -> Result<(), Refusal> {
        assistants::check(&stage.join("assistants"))
    }

    fn found(&self, lang: Lang) -> Option<String> {
        let golden = self.golden.lock().unwrap_or_else(PoisonError::into_inner);
        golden.as_ref().map(|outcome| outcome.tally(lang))
    }
}

/// What the settings say about trust.
pub(super) fn trust(config: &Config) -> TrustSettings {
    let (fingerprint, channel) = (config.sync.trusted_root.clone(), config.sync.channel.clone());
    TrustSettings { fingerprint, channel }
}

fn unusable(why: impl std::fmt::Display) -> Refusal {
    // A refusal is one line.
    Refusal::new(Reason::UnusableContent, why.to_string().replace('\n', "; "))
}

fn cancelled() -> Refusal {
    Refusal::new(Reason::Cancelled, "")
}

/// Why work on the disk failed: a full disk is no fault of the content.
fn failed(what: &str, error: &(dyn std::error::Error + 'static)) -> Refusal {
    match is_full(error) {
        true => Refusal::new(Reason::NoSpace, what),
        false => {
            let ja = format!("{what}を読み書きできません（技術情報：{error}）").replace('\n', "; ");
            let en = format!("{what}: {error}").replace('\n', "; ");
            Refusal::told(Reason::UnusableContent, ja, en)
        }
    }
}

/// Whether a full disk is what an error comes from.
fn is_full(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let shared = error.downcast_ref::<Arc<std::io::Error>>().map(Arc::as_ref);
        let io = error.downcast_ref::<std::io::Error>().or(shared);
        let full = [std::io::ErrorKind::StorageFull, std::io::ErrorKind::QuotaExceeded];
        if io.is_some_and(|io| full.contains(&io.kind())) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// What the pages need to import: the settings of trust, and the means to prepare.
#[derive(Debug)]
pub(super) struct Updates {
    config: Config,
    settings: Option<PathBuf>,
}

impl Updates {
    pub(super) fn new(config: &Config, settings: Option<&Path>) -> Self {
        Self { config: config.clone(), settings: settings.map(Path::to_owned) }
    }
}

impl crate::web::Updates for Updates {
    fn trust(&self) -> TrustSettings {
        trust(&self.config)
    }

    fn prepare<'p>(&'p self, cancelled: &'p AtomicBool) -> Box<dyn Prepare + 'p> {
        Box::new(Preparer::new(&self.config, self.settings.as_deref(), cancelled, &|_| ()))
    }
}
