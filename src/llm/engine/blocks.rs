//! The books of a cache of blocks: which block holds which tokens, who uses it, what is kept.
//!
//! A full block is known by its 32 tokens and by the block before it, so blocks form trees, and a
//! path from a root is a beginning that sequences can share. Tokens are compared one by one,
//! never by a hash. Full blocks are shared; a block of which only a part is wanted is copied, so
//! nobody ever writes to a block that another one reads. When a sequence ends, its blocks stay,
//! and the one that was used longest ago, with nothing behind it, goes first when a block is
//! needed.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::placement::{Effect, Fill};
use crate::llm::kv_cache::BLOCK;

pub(super) struct Blocks {
    blocks: Vec<Block>,
    /// Known blocks that begin a sequence.
    roots: Vec<Child>,
    /// Blocks that hold nothing of use; the one that was freed last is taken first, since its
    /// memory is there already.
    free: Vec<u32>,
    /// Known blocks without holders and without children, by the time of their last use.
    idle: BTreeSet<(u64, u32)>,
    tables: Vec<Table>,
    held: usize,
    clock: u64,
    effects: Vec<Effect>,
}

#[derive(Default)]
struct Block {
    /// Sequences that have it in their table.
    holders: usize,
    /// Set while the block is known, that is, one of its parent's children.
    known: bool,
    /// The block before it; `None` at the beginning of a sequence.
    parent: Option<u32>,
    /// What it holds, while it is known: 32 tokens, or fewer where a sequence ended in it.
    tokens: Vec<u32>,
    children: Vec<Child>,
    used: u64,
}

/// A known block behind another one. The first token is here so that a search stays in one array.
struct Child {
    first_token: u32,
    block: u32,
}

/// The blocks of a slot.
#[derive(Default)]
struct Table {
    blocks: Vec<u32>,
    /// How many of them are full and known.
    known: usize,
    taken: bool,
}

impl Blocks {
    pub(super) fn new(slots: usize, blocks: usize) -> Self {
        Self {
            blocks: (0..blocks).map(|_| Block::default()).collect(),
            roots: Vec::new(),
            free: (0..blocks as u32).rev().collect(),
            idle: BTreeSet::new(),
            tables: (0..slots).map(|_| Table::default()).collect(),
            held: 0,
            clock: 0,
            effects: Vec::new(),
        }
    }

    pub(super) fn admit(&mut self, tokens: &[u32]) -> Option<(usize, usize)> {
        let slot = self.tables.iter().position(|table| !table.taken)?;
        self.tables[slot].taken = true;
        let computed = self.join(slot, tokens, 0);
        let needed = (tokens.len() + 1).div_ceil(BLOCK) - self.tables[slot].blocks.len();
        if needed > self.blocks.len() - self.held {
            self.release(slot, &tokens[..computed]);
            return None;
        }
        Some((slot, computed))
    }

    pub(super) fn join(&mut self, slot: usize, tokens: &[u32], computed: usize) -> usize {
        // The last token is always computed, since its logits are needed.
        let wanted = &tokens[..tokens.len() - 1];
        let known = self.tables[slot].known;
        let aligned = computed.is_multiple_of(BLOCK) && computed / BLOCK == known;
        if !aligned || computed > wanted.len() {
            return computed;
        }
        let mut computed = computed;
        while let Some((block, common)) =
            self.best_child(self.last_known(slot), &wanted[computed..])
        {
            if common < BLOCK {
                return computed + self.copy_part(slot, block, common);
            }
            // Room that was reserved here is not needed.
            self.shorten(slot, computed / BLOCK);
            self.hold(block);
            let table = &mut self.tables[slot];
            table.blocks.push(block);
            table.known += 1;
            computed += BLOCK;
        }
        computed
    }

    pub(super) fn reserve(&mut self, slot: usize, positions: usize) -> bool {
        while self.tables[slot].blocks.len() < positions.div_ceil(BLOCK) {
            let Some(block) = self.allocate() else { return false };
            self.hold(block);
            self.tables[slot].blocks.push(block);
        }
        true
    }

    pub(super) fn computed(&mut self, slot: usize, tokens: &[u32]) {
        let known = self.tables[slot].known;
        for (index, piece) in tokens.chunks_exact(BLOCK).enumerate().skip(known) {
            let parent = self.last_known(slot);
            let own = self.tables[slot].blocks[index];
            match self.best_child(parent, piece) {
                // Somebody computed the same meanwhile: one of the two is enough.
                Some((twin, BLOCK)) => {
                    self.hold(twin);
                    self.tables[slot].blocks[index] = twin;
                    self.let_go(own);
                }
                _ => self.attach(own, parent, piece),
            }
            self.tables[slot].known += 1;
        }
    }

    pub(super) fn release(&mut self, slot: usize, tokens: &[u32]) {
        self.computed(slot, tokens);
        let piece = tokens.chunks_exact(BLOCK).remainder();
        let parent = self.last_known(slot);
        let is_new = self.best_child(parent, piece).is_none_or(|(_, common)| common < piece.len());
        if !piece.is_empty() && is_new {
            self.attach(self.tables[slot].blocks[tokens.len() / BLOCK], parent, piece);
        }
        self.clock += 1;
        for block in &self.tables[slot].blocks {
            self.blocks[*block as usize].used = self.clock;
        }
        self.shorten(slot, 0);
        self.tables[slot] = Table::default();
    }

    pub(super) fn discard(&mut self, slot: usize) {
        let table = std::mem::take(&mut self.tables[slot]);
        for block in table.blocks.into_iter().rev() {
            if self.blocks[block as usize].holders == 1 {
                self.forget_branch(block);
                self.effects.push(Effect::ClearBlock(block));
            }
            self.let_go(block);
        }
    }

    pub(super) fn table(&self, slot: usize) -> &[u32] {
        &self.tables[slot].blocks
    }

    pub(super) fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    pub(super) fn fill(&self) -> Fill {
        let total = self.blocks.len();
        Fill { total, held: self.held, kept: total - self.held - self.free.len() }
    }

    /// The last block of a slot that is full and known.
    fn last_known(&self, slot: usize) -> Option<u32> {
        let table = &self.tables[slot];
        table.known.checked_sub(1).map(|last| table.blocks[last])
    }

    fn children(&mut self, parent: Option<u32>) -> &mut Vec<Child> {
        match parent {
            Some(parent) => &mut self.blocks[parent as usize].children,
            None => &mut self.roots,
        }
    }

    /// The known block behind `parent` that begins with most of `wanted`, and how many tokens
    /// that is; `None` where none begins with the first one.
    fn best_child(&self, parent: Option<u32>, wanted: &[u32]) -> Option<(u32, usize)> {
        let first = wanted.first()?;
        let children = match parent {
            Some(parent) => &self.blocks[parent as usize].children,
            None => &self.roots,
        };
        let alike = children.iter().filter(|child| child.first_token == *first);
        let common = |block: u32| {
            let held = &self.blocks[block as usize].tokens;
            held.iter().zip(wanted).take_while(|(held, wanted)| held == wanted).count()
        };
        alike.map(|child| (child.block, common(child.block))).max_by_key(|(_, common)| *common)
    }

    /// Gives a slot a block of its own with the first tokens of another one; gives their number,
    /// or 0 where there is no room.
    fn copy_part(&mut self, slot: usize, from: u32, common: usize) -> usize {
        self.shorten(slot, self.tables[slot].known);
        // Held, so that it is not the one that makes room for its own copy.
        self.hold(from);
        let own = self.allocate();
        if let Some(own) = own {
            self.hold(own);
            self.tables[slot].blocks.push(own);
            self.effects.push(Effect::CopyBlock { from, to: own });
        }
        self.clock += 1;
        self.blocks[from as usize].used = self.clock;
        self.let_go(from);
        if own.is_some() { common } else { 0 }
    }

    /// Lets go of the blocks of a slot from number `length` on.
    fn shorten(&mut self, slot: usize, length: usize) {
        while self.tables[slot].blocks.len() > length {
            if let Some(block) = self.tables[slot].blocks.pop() {
                self.let_go(block);
            }
        }
    }

    /// A block that holds nothing of use.
    fn allocate(&mut self) -> Option<u32> {
        if let Some(block) = self.free.pop() {
            return Some(block);
        }
        let (_, oldest) = self.idle.pop_first()?;
        self.detach(oldest);
        Some(oldest)
    }

    fn hold(&mut self, block: u32) {
        let it = &mut self.blocks[block as usize];
        it.holders += 1;
        if it.holders == 1 {
            self.held += 1;
            self.idle.remove(&(it.used, block));
        }
    }

    fn let_go(&mut self, block: u32) {
        let it = &mut self.blocks[block as usize];
        it.holders -= 1;
        if it.holders > 0 {
            return;
        }
        self.held -= 1;
        match (it.known, it.children.is_empty()) {
            (false, _) => self.free.push(block),
            (true, true) => {
                self.idle.insert((it.used, block));
            }
            (true, false) => {}
        }
    }

    /// Makes a block known.
    fn attach(&mut self, block: u32, parent: Option<u32>, tokens: &[u32]) {
        let it = &mut self.blocks[block as usize];
        it.known = true;
        it.parent = parent;
        it.tokens.clear();
        it.tokens.extend_from_slice(tokens);
        self.children(parent).push(Child { first_token: tokens[0], block });
    }

    /// Makes a block without children unknown.
    fn detach(&mut self, block: u32) {
        let it = &mut self.blocks[block as usize];
        it.known = false;
        let parent = it.parent.take();
        let siblings = self.children(parent);
        siblings.retain(|child| child.block != block);
        let is_last = siblings.is_empty();
        if let Some(parent) = parent.filter(|_| is_last) {
            let it = &self.blocks[parent as usize];
            if it.holders == 0 {
                self.idle.insert((it.used, parent));
            }
        }
    }

    /// Makes a block unknown with all that lies behind it. What lies behind a block that one
    /// sequence holds is held by that sequence or by nobody.
    fn forget_branch(&mut self, block: u32) {
        if !self.blocks[block as usize].known {
            return;
        }
        let children: Vec<u32> =
            self.blocks[block as usize].children.iter().map(|child| child.block).collect();
        for child in children {
            self.forget_branch(child);
            let it = &self.blocks[child as usize];
            if it.holders == 0 {
                self.idle.remove(&(it.used, child));
                self.free.push(child);
                self.effects.push(Effect::ClearBlock(child));
            }
        }
        self.detach(block);
    }
}
