//! What a changed chunk is packed against: the chunks that stood at its place in the edition
//! before, read from the passages that were kept of it.

use std::collections::HashMap;
use std::fs::File;

use super::super::SyncError;
use super::super::bundle::{ArtifactRole, BASES_MAX, Base, Chunk, read_at};
use super::Earlier;

/// The passages of the earlier edition, and how far the new ones have come along them.
#[derive(Debug)]
pub(super) struct Bases {
    file: File,
    /// In the order of the file, with the place where each begins.
    chunks: Vec<(Chunk, u64)>,
    order: HashMap<String, usize>,
    /// Index of the chunk that comes next if nothing changes.
    next: usize,
}

impl Bases {
    /// `None` where nothing but the manifest was kept.
    pub(super) fn open(earlier: &Earlier<'_>) -> Result<Option<Self>, SyncError> {
        let Some(path) = earlier.passages else { return Ok(None) };
        let Some(artifact) = earlier.manifest.artifact(ArtifactRole::Passages) else {
            return Ok(None);
        };
        let file = File::open(path).map_err(SyncError::io("open", path))?;
        let placed = artifact.placed().map(|(chunk, at)| (chunk.clone(), at));
        let chunks: Vec<_> = placed.collect();
        // Of chunks that stand twice the first counts: any is as good as the other.
        let named = chunks.iter().enumerate().rev();
        let order = named.map(|(index, (chunk, _))| (chunk.hash.clone(), index)).collect();
        Ok(Some(Self { file, chunks, order, next: 0 }))
    }

    /// A chunk of the earlier edition came again.
    pub(super) fn pass(&mut self, hash: &str) {
        if let Some(index) = self.order.get(hash) {
            self.next = index + 1;
        }
    }

    /// What a chunk that is new may have come from: the one chunk that is due, or the two, as far
    /// as what was kept is still what the manifest says.
    pub(super) fn due(&mut self) -> Vec<Base> {
        let from = self.next.min(self.chunks.len());
        let to = (from + BASES_MAX).min(self.chunks.len());
        let (mut base, mut bases) = (Base::default(), Vec::new());
        for (chunk, at) in &self.chunks[from..to] {
            let Some(mut raw) = read_at(&self.file, *at, chunk.raw, &chunk.hash) else { break };
            base.hashes.push(chunk.hash.clone());
            base.raw.append(&mut raw);
            bases.push(base.clone());
        }
        // Of several new chunks in a row each has its own counterpart.
        self.next = (from + 1).min(self.chunks.len());
        bases
    }
}
