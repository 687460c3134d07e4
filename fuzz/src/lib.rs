//! The files of kura that read what a stick brings, and nothing else of it.

#[path = "../../src/document.rs"]
#[allow(dead_code)]
mod document;
pub mod sync;
#[path = "../../src/text.rs"]
pub mod text;
