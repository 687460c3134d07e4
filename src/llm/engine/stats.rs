//! What the engine has done so far, for those who watch it.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::placement::Fill;

/// Counters since the model was loaded, and how full its cache is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineStats {
    pub steps: usize,
    /// Prompt tokens that were computed, and that were found in the cache.
    pub prompt_tokens: usize,
    pub cached_tokens: usize,
    /// Tokens that were written.
    pub written_tokens: usize,
    /// Tokens that were guessed from the text so far, and how many of them were right.
    pub drafted_tokens: usize,
    pub accepted_tokens: usize,
    /// Sequences that had to give their slot or blocks back for a while.
    pub preempted: usize,
    /// Blocks (on a device: slots) of the KV cache, those in use, and those kept for prompts
    /// that begin alike.
    pub cache_blocks: usize,
    pub cache_blocks_used: usize,
    pub cache_blocks_kept: usize,
}

/// The counters as the inference thread writes them.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) steps: AtomicUsize,
    pub(super) prompt_tokens: AtomicUsize,
    pub(super) cached_tokens: AtomicUsize,
    pub(super) written_tokens: AtomicUsize,
    pub(super) drafted_tokens: AtomicUsize,
    pub(super) accepted_tokens: AtomicUsize,
    pub(super) preempted: AtomicUsize,
    total: AtomicUsize,
    held: AtomicUsize,
    kept: AtomicUsize,
}

impl Counters {
    pub(super) fn add(counter: &AtomicUsize, count: usize) {
        counter.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn set_fill(&self, fill: Fill) {
        self.total.store(fill.total, Ordering::Relaxed);
        self.held.store(fill.held, Ordering::Relaxed);
        self.kept.store(fill.kept, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> EngineStats {
        let read = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
        EngineStats {
            steps: read(&self.steps),
            prompt_tokens: read(&self.prompt_tokens),
            cached_tokens: read(&self.cached_tokens),
            written_tokens: read(&self.written_tokens),
            drafted_tokens: read(&self.drafted_tokens),
            accepted_tokens: read(&self.accepted_tokens),
            preempted: read(&self.preempted),
            cache_blocks: read(&self.total),
            cache_blocks_used: read(&self.held),
            cache_blocks_kept: read(&self.kept),
        }
    }
}
