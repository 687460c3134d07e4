//! The inference thread: admit sequences to slots, compute a step, hand out tokens, again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::blocks::Blocks;
use super::pace::Pace;
use super::placement::{Effect, Placement};
use super::queue::Owner;
use super::request::Reason;
use super::scheduler::{self, Turn};
use super::sequence::Sequence;
use super::slots::Slots;
use super::stats::Counters;
use super::{Health, Shared};
use crate::llm::decoder::{Batch, BatchSequence, Decoder, Logits};
use crate::llm::error::ModelError;
use crate::llm::kernels::pool::Pool;

/// The sizes that the worker keeps to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) slots: usize,
    pub(super) context_tokens: usize,
    /// Most prompt tokens of a step beside decoding sequences, and alone.
    pub(super) chunk: (usize, usize),
    /// What a step with prompt tokens beside decoding sequences should take.
    pub(super) step: Duration,
    pub(super) speculation: bool,
}

pub(super) struct Worker {
    decoder: Decoder,
    pool: Arc<Pool>,
    limits: Limits,
    shared: Arc<Shared>,
    sequences: Vec<Sequence>,
    placement: Placement,
    pace: Pace,
    turns: u64,
    /// Lets a test see what a panic does.
    #[cfg(test)]
    pub(super) defect: bool,
    /// Lets a test have guesses whatever a step takes here: no time is noted.
    #[cfg(test)]
    pub(super) clockless: bool,
}

/// Runs the worker until shutdown. A panic ends the engine, not the process: everybody who waits
/// is told.
pub(super) fn run(mut worker: Worker) {
    let _installed = worker.pool.installed();
    let result = catch_unwind(AssertUnwindSafe(|| worker.work()));
    let shared = worker.shared.clone();
    shared.queue.close();
    let reason = match result {
        Ok(()) => {
            shared.set_health(Health::Stopped);
            Reason::Cancelled
        }
        Err(panic) => {
            let message = panic_message(&*panic);
            tracing::error!("the inference thread failed: {message}");
            shared.set_health(Health::Failed(message.clone()));
            Reason::Error(message)
        }
    };
    for sequence in std::mem::take(&mut worker.sequences) {
        sequence.finish(reason.clone());
    }
    while let Some(sequence) = shared.queue.try_pop() {
        sequence.finish(reason.clone());
    }
    shared.running.store(0, Ordering::Relaxed);
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "an unknown internal error".to_string())
}

impl Worker {
    pub(super) fn new(
        decoder: Decoder,
        pool: Arc<Pool>,
        limits: Limits,
        shared: Arc<Shared>,
    ) -> Self {
        let placement = match decoder.blocks() {
            Some(blocks) => Placement::Blocks(Blocks::new(limits.slots, blocks)),
            None => Placement::Slots(Slots::new(limits.slots)),
        };
        Self {
            decoder,
            pool,
            limits,
            shared,
            sequences: Vec::new(),
            placement,
            pace: Pace::new(limits.step, limits.chunk),
            turns: 0,
            #[cfg(test)]
            defect: false,
            #[cfg(test)]
            clockless: false,
        }
    }

    fn work(&mut self) {
        self.publish();
        loop {
            if self.shared.stopping.load(Ordering::Relaxed) || !self.round() {
                return;
            }
        }
    }

    /// Lets sequences leave and join, and computes a step. Waits where there is nothing to do;
    /// false when the queue is closed.
    pub(super) fn round(&mut self) -> bool {
        self.drop_cancelled();
        if !self.admit() {
            return false;
        }
        self.publish();
        if !self.sequences.is_empty() {
            self.step();
        }
        self.publish();
        true
    }

    /// Shows how much is running, and how full the cache is.
    pub(super) fn publish(&self) {
        self.shared.running.store(self.sequences.len(), Ordering::Relaxed);
        self.shared.counters.set_fill(self.placement.fill());
    }

    pub(super) fn drop_cancelled(&mut self) {
        while let Some(index) = self.sequences.iter().position(Sequence::is_cancelled) {
            self.leave(index, Reason::Cancelled);
        }
    }

    /// Gives free slots to waiting sequences; waits for one when there is nothing to compute.
    /// False when the queue is closed.
    fn admit(&mut self) -> bool {
        let mut free = self.limits.slots - self.sequences.len();
        self.shared.queue.set_free(free);
        loop {
            if free == 0 && !self.make_way_for_newcomer() {
                break;
            }
            let next = match self.sequences.is_empty() {
                true => self.shared.queue.pop(),
                false => self.shared.queue.try_pop(),
            };
            let Some(sequence) = next else {
                if self.sequences.is_empty() {
                    return false;
                }
                break;
            };
            if sequence.max_tokens == 0 {
                self.shared.queue.ended(sequence.owner);
                sequence.finish(Reason::Length);
                // Whether to stop is looked at again before the next wait.
                return true;
            }
            if !self.place(sequence) {
                free = 0;
                break;
            }
            free = self.limits.slots - self.sequences.len();
        }
        self.shared.queue.announce(free);
        true
    }

    /// False when the cache has no room for it yet: it waits on.
    fn place(&mut self, mut sequence: Sequence) -> bool {
        let Some((slot, computed)) = self.placement.admit(&sequence.tokens) else {
            self.shared.queue.put_back(sequence);
            return false;
        };
        self.turns += 1;
        sequence.turn = self.turns;
        sequence.slot = slot;
        sequence.computed = computed;
        sequence.yielded = 0;
        sequence.place_told = None;
        if sequence.started.is_none() {
            sequence.started = Some(Instant::now());
            sequence.cached_tokens = computed;
        }
        Counters::add(&self.shared.counters.cached_tokens, computed);
        self.sequences.push(sequence);
        true
    }

    /// Takes the slot of somebody who has several for somebody who waits and has none.
    fn make_way_for_newcomer(&mut self) -> bool {
        if !self.shared.queue.newcomer() {
            return false;
        }
        let count = |owner: Owner| self.sequences.iter().filter(|s| s.owner == owner).count();
        let several = self.sequences.iter().enumerate().filter(|(_, s)| count(s.owner) > 1);
        let last = several.max_by_key(|(_, s)| (count(s.owner), s.turn)).map(|(index, _)| index);
        last.map(|index| self.preempt(index)).is_some()
    }

    /// Sends a sequence back to the queue. What it has computed is kept as long as there is room.
    fn preempt(&mut self, index: usize) {
        let mut sequence = self.sequences.swap_remove(index);
        self.placement.release(sequence.slot, &sequence.tokens[..sequence.computed]);
        sequence.computed = 0;
        Counters::add(&self.shared.counters.preempted, 1);
        self.shared.queue.put_back(sequence);
    }

    /// Ends a sequence: its slot and blocks are free before its listener hears of it.
    fn leave(&mut self, index: usize, reason: Reason) {
        let sequence = self.sequences.swap_remove(index);
        match &reason {
            Reason::Error(_) => self.placement.discard(sequence.slot),
            _ => self.placement.release(sequence.slot, &sequence.tokens[..sequence.computed]),
        }
        self.shared.queue.ended(sequence.owner);
        sequence.finish(reason);
    }

    /// Computes one step and hands out its tokens.
    fn step(&mut self) {
        for sequence in self.sequences.iter_mut().filter(|sequence| !sequence.is_decoding()) {
            let before = sequence.computed;
            sequence.computed = self.placement.join(sequence.slot, &sequence.tokens, before);
            let joined = sequence.computed - before;
            // After a first token they are no longer tokens of the prompt.
            if sequence.tokens.len() == sequence.prompt_tokens {
                sequence.cached_tokens += joined;
            }
            Counters::add(&self.shared.counters.cached_tokens, joined);
        }
        let Limits { speculation, context_tokens, .. } = self.limits;
        let mut plan =
            scheduler::plan(&mut self.sequences, &self.pace, speculation, context_tokens);
        let as_planned = self.reserve(&mut plan.turns);
        if plan.turns.is_empty() {
            return;
        }
        let batch = self.batch(&plan.turns);
        #[cfg(test)]
        assert!(!self.defect, "a defect");
        let started = Instant::now();
        match self.compute(&batch) {
            Ok(logits) => {
                #[cfg(test)]
                let as_planned = as_planned && !self.clockless;
                if as_planned {
                    self.pace.record(plan.rows, plan.prompt, started.elapsed());
                }
                Counters::add(&self.shared.counters.steps, 1);
                Counters::add(&self.shared.counters.prompt_tokens, plan.prompt);
                self.settle(&plan.turns, logits);
            }
            Err(error) => self.fail(&plan.turns, &error.to_string()),
        }
    }

    fn compute(&mut self, batch: &Batch) -> Result<Logits, ModelError> {
        let cache = self.decoder.cache_mut();
        for effect in self.placement.take_effects() {
            match effect {
                Effect::CopyBlock { from, to } => cache.copy_block(from, to),
                Effect::ClearBlock(block) => cache.clear_block(block),
                Effect::ClearSlot(slot) => cache.clear_slot(slot)?,
            }
        }
        self.decoder.forward(batch)
    }

    /// Makes room in the cache for the turns. Where there is none, guesses go first, then the
    /// sequence that came last, as often as it takes: the one that came first always has room,
    /// since the cache holds one context at least. True where all turns stay as they were.
    fn reserve(&mut self, turns: &mut Vec<Turn>) -> bool {
        let mut as_planned = true;
        let mut next = 0;
        while let Some(turn) = turns.get_mut(next) {
            let sequence = self.sequences.iter().find(|s| s.slot == turn.slot);
            let Some(sequence) = sequence else { return false };
            let positions = sequence.computed + turn.tokens + turn.draft.len();
            if self.placement.reserve(turn.slot, positions) {
                next += 1;
                continue;
            }
            as_planned = false;
            if !turn.draft.is_empty() {
                turn.draft.clear();
                continue;
            }
            let last = self.sequences.iter().enumerate().max_by_key(|(_, s)| s.turn);
            let Some((index, slot)) = last.map(|(index, s)| (index, s.slot)) else { return false };
            self.preempt(index);
            if let Some(at) = turns.iter().position(|turn| turn.slot == slot) {
                turns.remove(at);
                next -= usize::from(at < next);
            }
        }
        as_planned
    }

    fn batch(&self, turns: &[Turn]) -> Batch {
        let sequences = turns.iter().filter_map(|turn| {
            let sequence = self.sequences.iter().find(|s| s.slot == turn.slot)?;
            let end = sequence.computed + turn.tokens;
            let mut tokens = sequence.tokens[sequence.computed..end].to_vec();
            tokens.extend_from_slice(&turn.draft);
            Some(BatchSequence {
                slot: turn.slot,
                blocks: self.placement.table(turn.slot).to_vec(),
                position: sequence.computed,
                tokens,
                logits: if end == sequence.tokens.len() { 1 + turn.draft.len() } else { 0 },
            })
        });
        Batch { sequences: sequences.collect() }
    }

    /// Hands out what a step computed.
    fn settle(&mut self, turns: &[Turn], mut logits: Logits) {
        let mut rows = logits.rows_mut();
        for turn in turns {
            let Some(index) = self.sequences.iter().position(|s| s.slot == turn.slot) else {
                continue;
            };
            let sequence = &mut self.sequences[index];
            let wanted = match sequence.pending() == turn.tokens {
                true => 1 + turn.draft.len(),
                false => 0,
            };
            let rows: Vec<&mut [f32]> = rows.by_ref().take(wanted).collect();
            let context = self.limits.context_tokens;
            let outcome = sequence.settle(turn.tokens, &turn.draft, rows.into_iter(), context);
            let counters = &self.shared.counters;
            Counters::add(&counters.written_tokens, outcome.written);
            Counters::add(&counters.drafted_tokens, turn.draft.len());
            Counters::add(&counters.accepted_tokens, outcome.accepted);
            match outcome.end {
                Some(reason) => self.leave(index, reason),
                None => self.placement.computed(turn.slot, &sequence.tokens[..sequence.computed]),
            }
        }
    }

    /// A computation failed: its sequences end, the others go on.
    fn fail(&mut self, turns: &[Turn], error: &str) {
        tracing::error!("a step failed: {error}");
        for turn in turns {
            if let Some(index) = self.sequences.iter().position(|s| s.slot == turn.slot) {
                self.leave(index, Reason::Error(error.to_string()));
            }
        }
    }
}

#[cfg(test)]
impl Worker {
    pub(super) fn running(&self) -> usize {
        self.sequences.len()
    }

    /// Numbers that the books of the cache have room for.
    pub(super) fn footprint(&self) -> usize {
        match &self.placement {
            Placement::Blocks(blocks) => blocks.footprint(),
            Placement::Slots(_) => 0,
        }
    }

    /// Panics where the books of the cache contradict each other.
    pub(super) fn check(&self) {
        if let Placement::Blocks(blocks) = &self.placement {
            blocks.check();
        }
    }
}
