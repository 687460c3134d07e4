//! kura (蔵): an offline appliance that answers from local data with a local model, and cites it.
//!
//! The map of the code, from the top; imports go down only (`tests/it/tidy.rs` holds it):
//!
//! - [`cli`], [`commands`]: parse once; one file per subcommand that builds the parts and runs.
//! - [`web`]: HTTP: the page for staff, the JSON API, the OpenAI API.
//! - [`answer`]: retrieve → prompt → generate → check citations → stamp with provenance.
//! - [`llm`], [`search`], [`ingest`], [`sync`], [`guard`], [`store`]: siblings that do not know
//!   each other: the model, the index, the file formats, the installed generations, what must not
//!   be shown or obeyed, and what people leave behind (accounts, conversations, records).
//! - [`config`], [`document`], [`text`]: settings, plain data, Japanese normalization.
//!
//! A question goes web → answer → search → answer → llm → answer → web. A data set goes
//! commands → ingest → search (a new index beside the old one) → sync (one atomic switch).

pub mod answer;
pub mod cli;
pub mod commands;
pub mod config;
pub mod document;
pub mod guard;
pub mod ingest;
pub mod llm;
pub mod search;
pub mod store;
pub mod sync;
pub mod text;
pub mod web;
