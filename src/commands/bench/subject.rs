//! The model that is measured, in the form that the product computes with.

use std::path::{Path, PathBuf};
use std::time::Instant;

use tempfile::TempDir;

use super::super::cancel::Cancelled;
use super::super::model::prepare_with_progress;
use super::super::{Context, Failure};
use super::roofline::Work;
use crate::llm::ModelInfo;
use crate::llm::architecture::Architecture;
use crate::llm::gguf::Gguf;
use crate::llm::prepared::{self, PrepareError};

pub(super) struct Subject {
    /// The GGUF, which the peer opens.
    pub(super) path: PathBuf,
    pub(super) info: ModelInfo,
    pub(super) work: Work,
    pub(super) vocabulary: usize,
    pub(super) context_tokens: usize,
    prepared: Option<Prepared>,
}

/// A form made for this measurement: a link to the GGUF with its tiles beside it.
struct Prepared {
    folder: TempDir,
    seconds: f64,
}

/// Name of the link.
const LINK: &str = "model.gguf";

impl Subject {
    /// # Errors
    /// The file is no model that kura knows.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let read = || {
            let path = path.canonicalize().map_err(|why| why.to_string())?;
            let gguf = Gguf::open(&path).map_err(|why| why.to_string())?;
            let architecture = Architecture::read(&gguf).map_err(|why| why.to_string())?;
            Ok(Self {
                info: ModelInfo::read(&gguf).map_err(|why| why.to_string())?,
                work: Work::of(&gguf, &architecture),
                vocabulary: architecture.vocabulary,
                context_tokens: architecture.context_tokens,
                prepared: None,
                path,
            })
        };
        read().map_err(|why: String| unusable(path, &why))
    }

    /// Makes what `model add` makes, where it is not beside the file already: in a folder of its
    /// own, which goes when the measurement ends. Loading is measured with it, as in the product.
    ///
    /// # Errors
    /// There is no room, or it was interrupted.
    pub(super) fn prepare(
        &mut self,
        context: &Context,
        cancelled: &Cancelled,
    ) -> Result<(), Failure> {
        if prepared::path_beside(&self.path).exists() {
            return Ok(());
        }
        let failed = |why: &dyn std::fmt::Display| {
            Failure::new(
                format!(
                    "測定のための並べ替えを書き込めません（{why}）。一時フォルダー（TMPDIR）の空き容量を確認してください。"
                ),
                format!("cannot write the prepared form: {why}; check the space of TMPDIR"),
            )
        };
        let folder = tempfile::tempdir().map_err(|why| failed(&why))?;
        let link = folder.path().join(LINK);
        std::os::unix::fs::symlink(&self.path, &link).map_err(|why| failed(&why))?;
        let gguf = Gguf::open(&link).map_err(|why| failed(&why))?;
        let started = Instant::now();
        match prepare_with_progress(context, &gguf, cancelled) {
            Ok(()) => {
                let seconds = started.elapsed().as_secs_f64();
                self.prepared = Some(Prepared { folder, seconds });
                Ok(())
            }
            Err(PrepareError::Cancelled) => Err(Failure::stopped(
                "中止しました。まだ何も測っていません。",
                "interrupted; nothing was measured yet",
            )),
            Err(why) => Err(failed(&why)),
        }
    }

    /// The file that kura opens.
    pub(super) fn own_path(&self) -> PathBuf {
        self.prepared
            .as_ref()
            .map_or_else(|| self.path.clone(), |prepared| prepared.folder.path().join(LINK))
    }

    /// What preparing took, once and before everything else; `None` where it was done before.
    pub(super) fn prepare_seconds(&self) -> Option<f64> {
        self.prepared.as_ref().map(|prepared| prepared.seconds)
    }
}

/// Why a file cannot be measured.
pub(super) fn unusable(path: &Path, why: &str) -> Failure {
    Failure::new(
        format!("{}を測れません（{why}）。", path.display()),
        format!("cannot measure {}: {why}", path.display()),
    )
}
