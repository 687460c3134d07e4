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
    #[error("the computation failed: {}", without_backtrace(.0))]
    Compute(#[from] candle_core::Error),
    #[error(
        "CUDA device {index} cannot be used: {}; install the NVIDIA driver for this build's CUDA, \
         or set engine.device to cpu",
        without_backtrace(.source)
    )]
    Device { index: usize, source: candle_core::Error },
    #[error("the inference thread or its pool could not be started: {0}")]
    Thread(String),
}

/// candle appends a backtrace to its messages; those are for developers, not for a page.
fn without_backtrace(error: &candle_core::Error) -> String {
    match error {
        candle_core::Error::WithBacktrace { inner, .. } => without_backtrace(inner),
        error => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_hold_no_backtrace() {
        let inner = candle_core::Error::Msg("the card is gone".to_owned());
        let backtrace = Box::new(std::backtrace::Backtrace::force_capture());
        let error = candle_core::Error::WithBacktrace { inner: Box::new(inner), backtrace };
        let said = ModelError::Compute(error).to_string();
        assert_eq!(said, "the computation failed: the card is gone");
    }
}
