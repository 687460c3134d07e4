//! Whether a bundle may come, before all of it is here: for uploads, which are checked before
//! their first chunk, and for saying what a medium holds.

use std::collections::HashSet;

use super::super::SyncError;
use super::super::bundle::{Chunk, Manifest, Stick};
use super::super::ledger::{Attempt, Event, Known, Ledger};
use super::Importer;
use super::assemble::Local;

/// A bundle whose signatures are right and that may come now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    pub manifest: Manifest,
    /// BLAKE3 of the manifest's bytes.
    pub manifest_blake3: String,
    /// Ids of the keys whose signatures counted.
    pub signers: Vec<String>,
    /// It is in use already.
    pub is_in_use: bool,
    /// Chunks that no installed generation has, each once, in the order of the files.
    pub wanted: Vec<Chunk>,
}

impl Importer<'_> {
    /// Steps 1 to 4 of an import. A newer root counts from here on; a refusal is written down as
    /// an attempt; nothing else changes. The lock is held for the checks only.
    ///
    /// # Errors
    /// [`SyncError::Refused`] with the rule that it broke; [`SyncError::Locked`] while another
    /// change runs; reading or writing the data folder failed.
    pub fn preview(&self, stick: &Stick) -> Result<Preview, SyncError> {
        Ok(self.preview_with_local(stick)?.0)
    }

    /// As [`Self::preview`], with the chunks that are on the box.
    pub(in crate::sync) fn preview_with_local(
        &self,
        stick: &Stick,
    ) -> Result<(Preview, Local), SyncError> {
        let (checked, generations) = {
            let mut writer = self.installation.writer()?;
            let ledger = Ledger::of(self.installation);
            ledger.ready(writer.state(), &self.who, &stick.path().display().to_string())?;
            let mut known = Known::default();
            let checked = match self.check(&mut writer, stick, &mut known) {
                Err(SyncError::Refused(refusal)) => {
                    let attempt = Attempt::begin(&ledger, &self.who, stick)?;
                    attempt.end(Event::Refused, &known, Some(refusal.clone()))?;
                    return Err(refusal.into());
                }
                checked => checked?,
            };
            let generations = writer.generations_of(&checked.manifest);
            (checked, generations)
        };
        let local = Local::of(&generations);
        let wanted = match checked.is_in_use {
            true => Vec::new(),
            false => wanted(&checked.manifest, &local),
        };
        Ok((checked.into_preview(wanted), local))
    }
}

/// What is not on the box. Each chunk there is read and verified: one that rotted must come anew.
fn wanted(manifest: &Manifest, local: &Local) -> Vec<Chunk> {
    let mut seen = HashSet::new();
    let chunks = manifest.artifacts.iter().flat_map(|artifact| &artifact.chunks);
    chunks
        .filter(|chunk| seen.insert(chunk.hash.as_str()) && local.read(chunk).is_none())
        .cloned()
        .collect()
}
