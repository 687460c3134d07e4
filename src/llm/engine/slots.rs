//! The books of a cache with a slot for each sequence, as candle devices have it: a new sequence
//! gets the free slot that still holds the longest beginning of its prompt.

use super::placement::{Effect, Fill};

pub(super) struct Slots {
    slots: Vec<Slot>,
    effects: Vec<Effect>,
}

#[derive(Clone, Default)]
struct Slot {
    /// The tokens whose keys and values the slot holds; kept after a sequence ends.
    tokens: Vec<u32>,
    taken: bool,
}

impl Slots {
    pub(super) fn new(slots: usize) -> Self {
        Self { slots: vec![Slot::default(); slots], effects: Vec::new() }
    }

    pub(super) fn admit(&mut self, tokens: &[u32]) -> Option<(usize, usize)> {
        let wanted = &tokens[..tokens.len() - 1];
        let common = |slot: &Slot| {
            slot.tokens.iter().zip(wanted).take_while(|(held, wanted)| held == wanted).count()
        };
        // Among equals the slot that holds least, so that long beginnings stay for those who come
        // back.
        let free = self.slots.iter().enumerate().filter(|(_, slot)| !slot.taken);
        let best = free
            .map(|(index, slot)| (index, common(slot), slot.tokens.len()))
            .max_by_key(|&(_, common, length)| (common, std::cmp::Reverse(length)));
        let (index, common, _) = best?;
        self.slots[index].taken = true;
        self.slots[index].tokens.truncate(common);
        Some((index, common))
    }

    pub(super) fn computed(&mut self, slot: usize, tokens: &[u32]) {
        let held = &mut self.slots[slot].tokens;
        held.truncate(tokens.len());
        held.extend_from_slice(&tokens[held.len()..]);
    }

    pub(super) fn release(&mut self, slot: usize, tokens: &[u32]) {
        self.computed(slot, tokens);
        self.slots[slot].taken = false;
    }

    pub(super) fn discard(&mut self, slot: usize) {
        self.slots[slot] = Slot::default();
        self.effects.push(Effect::ClearSlot(slot));
    }

    pub(super) fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    pub(super) fn fill(&self) -> Fill {
        let held = self.slots.iter().filter(|slot| slot.taken).count();
        let kept = self.slots.iter().filter(|slot| !slot.taken && !slot.tokens.is_empty()).count();
        Fill { total: self.slots.len(), held, kept }
    }
}
