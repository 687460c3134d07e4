//! Why a model cannot be loaded or cannot compute.

use super::gguf::GgufError;

#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error(transparent)]
    Gguf(#[from] GgufError),
    #[error(
        "{path}: the architecture {found:?} is not supported; supported are {}",
        supported.join(", ")
    )]
    Architecture { path: std::path::PathBuf, found: String, supported: &'static [&'static str] },
    #[error(
        "the model needs about {needed_mib} MiB (weights {weights_mib} MiB, KV cache {cache_mib} \
         MiB), but only {available_mib} MiB of memory are available; use a smaller model, fewer \
         slots or a shorter context"
    )]
    Memory { needed_mib: u64, weights_mib: u64, cache_mib: u64, available_mib: u64 },
    #[error("the setting {name} is wrong: {what}")]
    Option { name: &'static str, what: String },
    #[error("token {id} is outside the model's vocabulary of {vocabulary}")]
    Token { id: u32, vocabulary: usize },
    #[error("a sequence of {tokens} tokens does not fit the context of {context} tokens")]
    Context { tokens: usize, context: usize },
    #[error("the batch is wrong: {0}")]
    Batch(String),
    #[error("the computation failed: {0}")]
    Compute(#[from] candle_core::Error),
    #[error("the inference thread or its pool could not be started: {0}")]
    Thread(String),
}
