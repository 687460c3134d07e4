//! Retrieve, prompt, generate, check citations, stamp with provenance.
//!
//! `web` and the commands talk to the product through [`Service`]; what travels is in [`types`].

pub mod assistant;
mod checking;
mod citations;
mod comparison;
mod editions;
pub mod evaluation;
mod excerpt;
mod follow_up;
pub mod golden;
pub mod labelled;
mod layers;
mod library;
mod looping;
mod moment;
mod not_found;
mod pace;
mod pipeline;
mod prompt;
mod quotes;
pub mod record;
mod screening;
mod selection;
mod service;
mod slot;
mod sources;
mod time;
mod trim;
pub mod types;
mod uploads;

pub use crate::llm::EngineStats;
pub use checking::MARK as UNCONFIRMED;
pub use comparison::{Compared, Comparison, Half, Pair, Stretch, compare};
pub use follow_up::Earlier;
pub use layers::{Difference, LayerGroup, LayerSummary, Side, scope_title};
pub use not_found::{NotFound, NotFoundBy};
pub use selection::{Choice, Period, Selection};
pub use service::Service;
pub use time::SourceTime;
pub use types::*;
pub use uploads::{
    NewUpload, PREFIX as UPLOAD_PREFIX, READING, ReadFile, Upload, UploadContent, UploadError,
};
