//! The books against a cache that is really written: what a sequence reads is what it computed.

use proptest::prelude::*;

use super::*;

impl Blocks {
    /// Numbers that the books have room for.
    pub(in super::super) fn footprint(&self) -> usize {
        let blocks = self.blocks.iter().map(|it| it.tokens.capacity() + it.children.capacity());
        let tables: usize = self.tables.iter().map(|table| table.blocks.capacity()).sum();
        let lists = self.roots.capacity() + self.free.capacity() + self.effects.capacity();
        blocks.sum::<usize>() + tables + lists + self.idle.len()
    }

    /// Panics where the books contradict each other.
    pub(in super::super) fn check(&self) {
        let mut holders = vec![0; self.blocks.len()];
        for table in &self.tables {
            assert!(table.taken || table.blocks.is_empty());
            for (index, block) in table.blocks.iter().enumerate() {
                holders[*block as usize] += 1;
                let it = &self.blocks[*block as usize];
                assert_eq!(it.known, index < table.known, "block {block} of a table");
                let before = index.checked_sub(1).map(|before| table.blocks[before]);
                assert!(!it.known || it.parent == before, "the path is the table");
            }
        }
        let mut free = self.free.clone();
        free.sort_unstable();
        for (index, it) in self.blocks.iter().enumerate() {
            let block = index as u32;
            assert_eq!(it.holders, holders[index], "holders of {block}");
            let is_free = free.binary_search(&block).is_ok();
            assert_eq!(is_free, it.holders == 0 && !it.known, "block {block} is free");
            let is_idle = self.idle.contains(&(it.used, block));
            let is_leaf = it.holders == 0 && it.known && it.children.is_empty();
            assert_eq!(is_idle, is_leaf, "block {block} is idle");
            for child in &it.children {
                let child_block = &self.blocks[child.block as usize];
                assert_eq!(child_block.parent, Some(block));
                assert!(child_block.known && child_block.tokens[0] == child.first_token);
                assert_eq!(it.tokens.len(), BLOCK, "only full blocks have something behind them");
            }
        }
        let leaves = self.blocks.iter().filter(|it| it.holders == 0 && it.known);
        assert_eq!(self.idle.len(), leaves.filter(|it| it.children.is_empty()).count());
        assert_eq!(self.held, holders.iter().filter(|holders| **holders > 0).count());
        free.dedup();
        assert_eq!(free.len(), self.free.len(), "no block is free twice");
    }
}

/// A cache whose content is the tokens themselves.
struct World {
    books: Blocks,
    content: Vec<[u32; BLOCK]>,
    /// By slot: tokens of the sequence, and how many are computed.
    running: Vec<Option<(Vec<u32>, usize)>>,
}

impl World {
    fn new(slots: usize, blocks: usize) -> Self {
        Self {
            books: Blocks::new(slots, blocks),
            content: vec![[u32::MAX; BLOCK]; blocks],
            running: vec![None; slots],
        }
    }

    fn effects(&mut self) {
        for effect in self.books.take_effects() {
            match effect {
                Effect::CopyBlock { from, to } => {
                    self.content[to as usize] = self.content[from as usize];
                }
                Effect::ClearBlock(block) => self.content[block as usize] = [0; BLOCK],
                Effect::ClearSlot(slot) => panic!("there is no slot {slot}"),
            }
        }
    }

    /// The computed tokens that were found.
    fn admit(&mut self, tokens: Vec<u32>) -> Option<(usize, usize)> {
        let (slot, computed) = self.books.admit(&tokens)?;
        self.effects();
        self.running[slot] = Some((tokens, computed));
        self.verify();
        Some((slot, computed))
    }

    /// Computes up to `count` tokens of a slot, and writes `guesses` behind them that come to
    /// nothing. False where there is no room.
    fn compute(&mut self, slot: usize, count: usize, guesses: usize) -> bool {
        let Some((tokens, computed)) = self.running[slot].clone() else { return true };
        let computed = self.books.join(slot, &tokens, computed);
        self.running[slot] = Some((tokens.clone(), computed));
        let end = (computed + count).min(tokens.len());
        if !self.books.reserve(slot, end + guesses) {
            return false;
        }
        self.effects();
        let table = self.books.table(slot).to_vec();
        for position in computed..end + guesses {
            let token = tokens[..end].get(position).copied().unwrap_or(7777);
            self.content[table[position / BLOCK] as usize][position % BLOCK] = token;
        }
        self.running[slot] = Some((tokens.clone(), end));
        self.books.computed(slot, &tokens[..end]);
        self.verify();
        true
    }

    fn leave(&mut self, slot: usize, failed: bool) {
        let Some((tokens, computed)) = self.running[slot].take() else { return };
        match failed {
            true => self.books.discard(slot),
            false => self.books.release(slot, &tokens[..computed]),
        }
        self.effects();
        self.verify();
    }

    fn verify(&self) {
        self.books.check();
        for (slot, running) in self.running.iter().enumerate() {
            let Some((tokens, computed)) = running else { continue };
            let table = self.books.table(slot);
            for (position, token) in tokens[..*computed].iter().enumerate() {
                let block = table[position / BLOCK] as usize;
                assert_eq!(self.content[block][position % BLOCK], *token, "{slot}: {position}");
            }
        }
    }
}

fn text(length: usize) -> Vec<u32> {
    (0..length as u32).collect()
}

#[test]
fn a_beginning_is_shared_to_the_token() {
    let mut world = World::new(3, 20);
    assert_eq!(world.admit(text(100)), Some((0, 0)));
    world.compute(0, 100, 0);
    let mut other = text(80);
    other[70] = 999;
    // While the first still runs: two full blocks, and 6 tokens of a copy.
    assert_eq!(world.admit(other), Some((1, 70)));
    assert_eq!(world.books.table(1)[..2], world.books.table(0)[..2]);
    assert_ne!(world.books.table(1)[2], world.books.table(0)[2]);
    // Of an equal prompt all but the last token.
    assert_eq!(world.admit(text(100)), Some((2, 96)));
    world.leave(0, false);
    world.leave(2, false);
    // What ended in the middle of a block is found, too.
    assert_eq!(world.admit(text(120)), Some((0, 100)));
    assert_eq!(world.books.fill().held, 3 + 1 + 1);
}

#[test]
fn equal_prompts_at_once_end_up_in_the_same_blocks() {
    let mut world = World::new(2, 20);
    world.admit(text(70));
    world.admit(text(70));
    world.compute(0, 40, 0);
    world.compute(1, 40, 0);
    assert_eq!(world.books.table(0)[0], world.books.table(1)[0]);
    world.compute(0, 40, 0);
    // At the end of a block the second joins what the first has computed meanwhile.
    let mut world = World::new(2, 20);
    world.admit(text(70));
    world.admit(text(70));
    world.compute(0, 70, 0);
    world.compute(1, 1, 0);
    assert_eq!(world.running[1].as_ref().unwrap().1, 65);
}

#[test]
fn what_was_used_longest_ago_goes_first_and_its_beginning_last() {
    let mut world = World::new(1, 6);
    let run = |world: &mut World, tokens: Vec<u32>| {
        let (slot, computed) = world.admit(tokens).unwrap();
        assert!(world.compute(slot, 200, 0));
        world.leave(slot, false);
        computed
    };
    let one: Vec<u32> = text(96);
    let two: Vec<u32> = (500..596).collect();
    assert_eq!(run(&mut world, one.clone()), 0);
    assert_eq!(run(&mut world, two.clone()), 0);
    assert_eq!(world.books.fill(), Fill { total: 6, held: 0, kept: 6 });
    // 31 tokens are copied: the end of `one`, which was used first, makes room.
    assert_eq!(run(&mut world, one[..64].to_vec()), 63);
    // Of the two blocks that are needed one is free by now; for the other the end of `two` goes.
    assert_eq!(run(&mut world, (900..950).collect()), 0);
    assert_eq!(run(&mut world, one[..90].to_vec()), 64);
    // That took the next of `two`; its beginning is left.
    assert_eq!(run(&mut world, two), 32);
}

#[test]
fn a_sequence_that_failed_leaves_nothing() {
    let mut world = World::new(2, 12);
    world.admit(text(100));
    world.compute(0, 100, 3);
    world.leave(0, true);
    assert_eq!(world.books.fill(), Fill { total: 12, held: 0, kept: 0 });
    assert_eq!(world.admit(text(100)), Some((0, 0)));
    // What another one uses stays with it.
    world.compute(0, 70, 0);
    assert_eq!(world.admit(text(100)), Some((1, 64)));
    world.compute(1, 100, 0);
    world.leave(1, true);
    assert_eq!(world.books.fill().held, 3);
    assert_eq!(world.running[0].as_ref().unwrap().1, 70);
}

#[test]
fn a_full_cache_refuses() {
    let mut world = World::new(3, 4);
    assert_eq!(world.admit(text(60)), Some((0, 0)));
    world.compute(0, 60, 0);
    assert_eq!(world.admit((200..310).collect()), None, "4 blocks of 2");
    assert_eq!(world.admit((200..250).collect()), Some((1, 0)));
    world.compute(1, 50, 0);
    assert!(!world.compute(1, 0, 30), "both have two");
    world.leave(0, false);
    assert!(world.compute(1, 0, 30));
}

#[derive(Clone, Debug)]
enum Action {
    Admit { base: usize, common: usize, length: usize, seed: u32 },
    Compute { slot: usize, count: usize, guesses: usize },
    Leave { slot: usize, failed: bool },
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        2 => (0usize..3, 0usize..150, 1usize..150, 0u32..3).prop_map(
            |(base, common, length, seed)| Action::Admit { base, common, length, seed }
        ),
        5 => (0usize..4, 1usize..70, 0usize..40).prop_map(|(slot, count, guesses)| {
            Action::Compute { slot, count, guesses }
        }),
        2 => (0usize..4, prop::bool::weighted(0.2)).prop_map(|(slot, failed)| Action::Leave {
            slot,
            failed
        }),
    ]
}

proptest! {
    #[test]
    fn nobody_reads_what_another_wrote(
        blocks in 8usize..24,
        actions in prop::collection::vec(action(), 1..120),
    ) {
        let mut world = World::new(4, blocks);
        for action in actions {
            match action {
                Action::Admit { base, common, length, seed } => {
                    let text = |at: usize| match at < common {
                        true => (at * 7 + base) as u32,
                        false => 1000 + seed + (at % 5) as u32,
                    };
                    world.admit((0..length).map(text).collect());
                }
                Action::Compute { slot, count, guesses } => {
                    if !world.compute(slot, count, guesses) {
                        world.leave(slot, false);
                    }
                }
                Action::Leave { slot, failed } => world.leave(slot, failed),
            }
        }
        for slot in 0..4 {
            world.leave(slot, false);
        }
        prop_assert_eq!(world.books.fill().held, 0);
    }
}
