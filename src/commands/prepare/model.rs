//! A staged model: checked as `kura model add` checks, and rearranged for computing.

use std::fs;
use std::path::Path;

use super::{Preparer, Work, cancelled, failed, unusable};
use crate::commands::bundled;
use crate::document::timestamp;
use crate::llm::Model;
use crate::llm::gguf::Gguf;
use crate::llm::prepared::{self, PrepareError};
use crate::sync::bundle::{ArtifactRole, Manifest};
use crate::sync::{ModelRecord, Refusal};

/// The name under which requests ask for the model in use, whichever it is.
const TAKEN: &str = "default";

impl Preparer<'_> {
    pub(super) fn prepare_model(
        &self,
        stage: &Path,
        bundle: &Manifest,
    ) -> Result<ModelRecord, Refusal> {
        let weights = bundle.artifact(ArtifactRole::Weights);
        let weights = weights.ok_or_else(|| unusable("there is no file of weights"))?;
        if bundle.id == TAKEN {
            return Err(unusable(format!("no model may be called {TAKEN}")));
        }
        let path = stage.join("model.gguf");
        let info = Model::check(&path).map_err(|why| unusable(format!("model.gguf: {why}")))?;
        sweep(stage).map_err(|why| failed("model", &why))?;
        let gguf = Gguf::open(&path).map_err(|why| unusable(format!("model.gguf: {why}")))?;
        let told = |done, of| {
            self.told(Work::Weights { done, of });
            !self.is_cancelled()
        };
        prepared::prepare(&gguf, told).map_err(|why| match &why {
            PrepareError::Cancelled => cancelled(),
            PrepareError::Io { .. } => failed("model.tiles", &why),
        })?;
        Ok(ModelRecord {
            id: bundle.id.clone(),
            name: bundle.title.clone(),
            blake3: weights.blake3.clone(),
            quantization: info.quantization,
            architecture: info.architecture,
            size_bytes: info.file_size_bytes,
            context_tokens: info.context_tokens,
            // What the publisher signed goes before what the file says of itself.
            licence: if weights.licence.is_empty() {
                info.licence
            } else {
                weights.licence.clone()
            },
            self_test: weights.blake3 == bundled::model_hash(),
            added_at: timestamp(),
        })
    }
}

/// Removes half-written tiled forms of runs that were killed: the stage moves as a whole, and each
/// of them is as large as the model.
fn sweep(stage: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(stage)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(".tmp") {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
