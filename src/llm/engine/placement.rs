//! Where sequences live in the KV cache: one interface over blocks (CPU) and slots (devices).
//!
//! A placement only keeps the books; what must happen to the cache itself it leaves as
//! [`Effect`]s, which the worker carries out, in order, before it computes the next step.

use super::blocks::Blocks;
use super::slots::Slots;

/// What must be done to the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    CopyBlock { from: u32, to: u32 },
    ClearBlock(u32),
    ClearSlot(usize),
}

/// How full the cache is, in blocks (of 32 positions) or in slots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fill {
    pub(super) total: usize,
    /// In use by sequences.
    pub(super) held: usize,
    /// Kept for those who come with the same beginning.
    pub(super) kept: usize,
}

/// Keeps the books of the cache.
pub(super) enum Placement {
    Blocks(Blocks),
    Slots(Slots),
}

impl Placement {
    /// Takes a free slot for a sequence: its number, and how many of its first tokens are
    /// computed already (never the last, since its logits are needed). `None` where the cache has
    /// no room beside the sequences that run.
    pub(super) fn admit(&mut self, tokens: &[u32]) -> Option<(usize, usize)> {
        match self {
            Self::Blocks(blocks) => blocks.admit(tokens),
            Self::Slots(slots) => slots.admit(tokens),
        }
    }

    /// Looks again whether others have computed more of a sequence's tokens than its own
    /// `computed`; gives how many are computed now.
    pub(super) fn join(&mut self, slot: usize, tokens: &[u32], computed: usize) -> usize {
        match self {
            Self::Blocks(blocks) => blocks.join(slot, tokens, computed),
            Self::Slots(_) => computed,
        }
    }

    /// Makes room for `positions` positions of a sequence. False where only blocks of other
    /// running sequences could give it.
    pub(super) fn reserve(&mut self, slot: usize, positions: usize) -> bool {
        match self {
            Self::Blocks(blocks) => blocks.reserve(slot, positions),
            Self::Slots(_) => true,
        }
    }

    /// Tells that `tokens`, from the first one on, are computed.
    pub(super) fn computed(&mut self, slot: usize, tokens: &[u32]) {
        match self {
            Self::Blocks(blocks) => blocks.computed(slot, tokens),
            Self::Slots(slots) => slots.computed(slot, tokens),
        }
    }

    /// Ends a sequence of which `tokens` are computed; they are kept while there is room.
    pub(super) fn release(&mut self, slot: usize, tokens: &[u32]) {
        match self {
            Self::Blocks(blocks) => blocks.release(slot, tokens),
            Self::Slots(slots) => slots.release(slot, tokens),
        }
    }

    /// Ends a sequence whose computation went wrong: nothing of its own is kept.
    pub(super) fn discard(&mut self, slot: usize) {
        match self {
            Self::Blocks(blocks) => blocks.discard(slot),
            Self::Slots(slots) => slots.discard(slot),
        }
    }

    /// The blocks of a slot, from position 0 on; none on a device.
    pub(super) fn table(&self, slot: usize) -> &[u32] {
        match self {
            Self::Blocks(blocks) => blocks.table(slot),
            Self::Slots(_) => &[],
        }
    }

    /// What has to be done to the cache, in order.
    pub(super) fn take_effects(&mut self) -> Vec<Effect> {
        match self {
            Self::Blocks(blocks) => blocks.take_effects(),
            Self::Slots(slots) => slots.take_effects(),
        }
    }

    pub(super) fn fill(&self) -> Fill {
        match self {
            Self::Blocks(blocks) => blocks.fill(),
            Self::Slots(slots) => slots.fill(),
        }
    }
}
