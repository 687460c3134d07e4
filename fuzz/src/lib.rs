//! The files of kura that read what a stick brings, and nothing else of it.

pub mod sync;

// As a folder, so that the modules below these two are found beside them.
#[path = "../../src"]
mod kura {
    #[allow(dead_code)]
    pub mod document;
    #[allow(dead_code)]
    pub mod text;
}

pub use kura::{document, text};
