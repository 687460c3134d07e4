//! How a generation came: by hand, or in a bundle, whose manifest lies beside it.

use std::fs;
use std::path::Path;

use serde::Serialize;

use super::Installation;
use super::bundle::Manifest;
use super::ledger::{Event, Record};

/// The bundle that brought a generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Origin {
    pub counter: u64,
    /// RFC 3339.
    pub issued_at: String,
    /// Ids of the keys whose signatures counted, as the ledger has them; empty where it does not.
    pub signers: Vec<String>,
    /// BLAKE3 of the manifest.
    pub manifest: String,
}

impl Installation {
    /// How a generation of a data set came; `None` by hand.
    pub fn dataset_origin(&self, id: &str, generation: &str, ledger: &[Record]) -> Option<Origin> {
        origin(&self.generation_dir(id, generation), ledger)
    }

    /// How a model came; `None` by hand.
    pub fn model_origin(&self, blake3: &str, ledger: &[Record]) -> Option<Origin> {
        origin(&self.models_dir().join(blake3), ledger)
    }
}

fn origin(dir: &Path, ledger: &[Record]) -> Option<Origin> {
    let bytes = fs::read(dir.join("manifest.json")).ok()?;
    let manifest = Manifest::parse(&bytes).ok()?;
    let hash = blake3::hash(&bytes).to_hex().to_string();
    let is_its = |record: &&Record| record.event == Event::Imported && record.manifest == hash;
    let record = ledger.iter().rev().find(is_its);
    let subject = record.and_then(|record| record.subject.as_ref());
    Some(Origin {
        counter: manifest.counter,
        issued_at: manifest.issued_at,
        signers: subject.map(|subject| subject.signers.clone()).unwrap_or_default(),
        manifest: hash,
    })
}
