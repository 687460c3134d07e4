//! The local model: GGUF, tokenizer, chat template, decoder, sampler, engine.

pub mod architecture;
mod attention;
mod decoder;
mod engine;
mod error;
pub mod gguf;
pub mod info;
mod kernels;
mod kv_cache;
mod norm;
mod ops;
mod rope;
pub mod sampler;
#[doc(hidden)]
pub mod testing;
mod weights;

pub use engine::{
    DeviceChoice, Engine, EngineError, EngineMemory, EngineOptions, Event, Finish, Generation,
    Health, Reason, Request,
};
pub use error::ModelError;
pub use kernels::has_fast_kernels;
pub use kv_cache::KvType;
