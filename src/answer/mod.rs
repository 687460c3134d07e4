//! Retrieve, prompt, generate, check citations, stamp with provenance.
//!
//! `web` and the commands talk to the product through [`Service`]; what travels is in [`types`].

mod citations;
pub mod evaluation;
mod excerpt;
pub mod golden;
mod library;
mod looping;
mod pace;
mod pipeline;
mod prompt;
mod quotes;
mod service;
mod slot;
mod sources;
mod trim;
pub mod types;

pub use crate::llm::EngineStats;
pub use service::Service;
pub use types::*;
