//! The local model: GGUF, tokenizer, chat template, decoder, sampler, engine.
//!
//! [`Model`] is the whole: it turns messages into tokens, has the [`Engine`] decode them, and gives
//! text back. The engine's one thread owns the weights; everything about text stays outside it.

pub mod architecture;
mod attention;
pub mod chat_template;
mod decoder;
pub mod detokenize;
mod engine;
mod error;
pub mod gguf;
pub mod info;
mod kernels;
mod kv_cache;
mod model;
mod norm;
mod ops;
pub mod prepared;
mod rope;
pub mod sampler;
pub mod stop;
#[doc(hidden)]
pub mod testing;
pub mod tokenizer;
pub mod verbatim;
mod weights;

pub use chat_template::ChatMessage;
pub use decoder::prompt_logits;
pub use engine::{
    DeviceChoice, Engine, EngineError, EngineMemory, EngineOptions, EngineStats, Event, Finish,
    Generation, Health, Reason, Request, available_memory_bytes,
};
pub use error::ModelError;
pub use info::ModelInfo;
pub use kernels::has_fast_kernels;
pub use kernels::limits::{Int8Limit, MachineLimits, machine_limits};
pub use kv_cache::KvType;
pub use model::{LoadError, Model, PromptError, TextEvent, TextReason, TextRequest, TextStream};
pub use sampler::Sampling;
pub use verbatim::Verbatim;
