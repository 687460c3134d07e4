//! The inference thread: admit requests to slots, compute a step, hand out tokens, again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::queue::Job;
use super::{Event, Finish, Health, Reason, Shared};
use crate::llm::decoder::{Batch, BatchSequence, Decoder};
use crate::llm::kernels::pool::Pool;

/// The sizes that the worker keeps to.
pub(super) struct Limits {
    pub(super) slots: usize,
    pub(super) context_tokens: usize,
    /// Prompt tokens of a step while nobody decodes, and while somebody does.
    pub(super) chunk_alone: usize,
    pub(super) chunk_shared: usize,
}

pub(super) struct Worker {
    decoder: Decoder,
    pool: Arc<Pool>,
    limits: Limits,
    shared: Arc<Shared>,
    sequences: Vec<Sequence>,
    /// The tokens whose keys and values each slot holds; kept after a sequence ends, for the next
    /// with the same beginning.
    cached: Vec<Vec<u32>>,
    /// Which of the sequences in prefill has its turn.
    turn: usize,
    /// Lets a test see what a panic does.
    #[cfg(test)]
    pub(super) defect: bool,
}

/// A request in a slot.
struct Sequence {
    job: Job,
    slot: usize,
    /// Prompt and answer so far.
    tokens: Vec<u32>,
    /// How many of `tokens` are in the cache.
    computed: usize,
    cached_tokens: usize,
    started: Instant,
    first_token: Option<Duration>,
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
    while let Some(job) = shared.queue.try_pop() {
        Sequence::new(job, 0, 0).finish(reason.clone());
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
        let cached = vec![Vec::new(); limits.slots];
        Self {
            decoder,
            pool,
            limits,
            shared,
            sequences: Vec::new(),
            cached,
            turn: 0,
            #[cfg(test)]
            defect: false,
        }
    }

    fn work(&mut self) {
        while !self.shared.stopping.load(Ordering::Relaxed) {
            self.sequences.retain(|sequence| !sequence.job.events.is_closed());
            if !self.admit() {
                return;
            }
            self.shared.running.store(self.sequences.len(), Ordering::Relaxed);
            if !self.sequences.is_empty() {
                self.step();
            }
            self.shared.running.store(self.sequences.len(), Ordering::Relaxed);
        }
    }

    /// Gives free slots to waiting requests; waits for one when there is nothing to compute.
    /// False when the queue is closed.
    fn admit(&mut self) -> bool {
        while self.sequences.len() < self.limits.slots {
            let job = if self.sequences.is_empty() {
                match self.shared.queue.pop() {
                    Some(job) => job,
                    None => return false,
                }
            } else {
                match self.shared.queue.try_pop() {
                    Some(job) => job,
                    None => return true,
                }
            };
            if job.max_tokens == 0 {
                Sequence::new(job, 0, 0).finish(Reason::Length);
                return true;
            }
            let (slot, cached) = self.best_slot(&job.prompt);
            self.cached[slot].truncate(cached);
            self.sequences.push(Sequence::new(job, slot, cached));
        }
        true
    }

    /// The free slot that holds the longest beginning of the prompt, and how many tokens of it.
    /// The last token is always computed, since its logits are needed.
    fn best_slot(&self, prompt: &[u32]) -> (usize, usize) {
        let free = (0..self.limits.slots)
            .filter(|slot| self.sequences.iter().all(|sequence| sequence.slot != *slot));
        let common = |slot: usize| {
            let pairs = self.cached[slot].iter().zip(&prompt[..prompt.len() - 1]);
            pairs.take_while(|(a, b)| a == b).count()
        };
        // Among equals the slot that holds least, so that long beginnings stay for those who come
        // back.
        let best = free
            .map(|slot| (slot, common(slot)))
            .max_by_key(|&(slot, common)| (common, std::cmp::Reverse(self.cached[slot].len())));
        best.unwrap_or((0, 0))
    }

    /// Computes one step and hands out its tokens.
    fn step(&mut self) {
        let batch = self.batch();
        #[cfg(test)]
        assert!(!self.defect, "a defect");
        let result = self.decoder.forward(&batch);
        let mut logits = match result {
            Ok(logits) => logits.into_iter(),
            Err(error) => return self.fail(&batch, &error.to_string()),
        };
        for computed in &batch.sequences {
            self.cached[computed.slot].extend_from_slice(&computed.tokens);
            let logits = if computed.wants_logits { logits.next() } else { None };
            let index = self.sequences.iter().position(|s| s.slot == computed.slot);
            let Some(index) = index else { continue };
            self.sequences[index].computed += computed.tokens.len();
            let Some(mut logits) = logits else { continue };
            match self.sequences[index].advance(&mut logits, self.limits.context_tokens) {
                None => {}
                Some(reason) => {
                    let failed = matches!(reason, Reason::Error(_));
                    self.sequences.swap_remove(index).finish(reason);
                    if failed {
                        self.forget(computed.slot);
                    }
                }
            }
        }
    }

    /// One token of each sequence that decodes, and a chunk of prompt, taken in turns.
    fn batch(&mut self) -> Batch {
        let decoding = self.sequences.iter().filter(|s| s.pending() == 1).count();
        let mut budget =
            if decoding > 0 { self.limits.chunk_shared } else { self.limits.chunk_alone };
        let count = self.sequences.len();
        self.turn = (self.turn + 1) % count;
        let mut batch = Batch::default();
        for offset in 0..count {
            let sequence = &self.sequences[(self.turn + offset) % count];
            let take = match sequence.pending() {
                1 => 1,
                pending => pending.min(budget),
            };
            if take == 0 {
                continue;
            }
            if sequence.pending() > 1 {
                budget -= take;
            }
            let range = sequence.computed..sequence.computed + take;
            batch.sequences.push(BatchSequence {
                slot: sequence.slot,
                position: sequence.computed,
                wants_logits: range.end == sequence.tokens.len(),
                tokens: sequence.tokens[range].to_vec(),
            });
        }
        batch
    }

    /// A computation failed: its sequences end, the others go on.
    fn fail(&mut self, batch: &Batch, error: &str) {
        tracing::error!("a step failed: {error}");
        for computed in &batch.sequences {
            if let Some(index) = self.sequences.iter().position(|s| s.slot == computed.slot) {
                self.sequences.swap_remove(index).finish(Reason::Error(error.to_string()));
            }
            self.forget(computed.slot);
        }
    }

    fn forget(&mut self, slot: usize) {
        self.cached[slot].clear();
        if let Err(error) = self.decoder.clear_slot(slot) {
            tracing::error!("slot {slot} could not be cleared: {error}");
        }
    }
}

impl Sequence {
    fn new(job: Job, slot: usize, cached_tokens: usize) -> Self {
        Self {
            tokens: job.prompt.clone(),
            slot,
            computed: cached_tokens,
            cached_tokens,
            started: Instant::now(),
            first_token: None,
            job,
        }
    }

    /// Tokens that are not in the cache yet.
    fn pending(&self) -> usize {
        self.tokens.len() - self.computed
    }

    fn completion_tokens(&self) -> usize {
        self.tokens.len() - self.job.prompt.len()
    }

    /// Chooses the next token and reports it; gives the reason when the sequence has ended.
    fn advance(&mut self, logits: &mut [f32], context_tokens: usize) -> Option<Reason> {
        let id = match self.job.sampler.sample(logits, &self.tokens) {
            Ok(id) => id,
            Err(error) => return Some(Reason::Error(error.to_string())),
        };
        if self.first_token.is_none() {
            self.first_token = Some(self.job.requested.elapsed());
        }
        if self.job.eos.contains(&id) {
            return Some(Reason::Stop);
        }
        self.tokens.push(id);
        // A receiver that went away is noticed before the next step.
        let _ = self.job.events.send(Event::Token { id });
        let full = self.tokens.len() >= context_tokens;
        (full || self.completion_tokens() >= self.job.max_tokens).then_some(Reason::Length)
    }

    fn finish(self, reason: Reason) {
        let finish = Finish {
            reason,
            prompt_tokens: self.job.prompt.len(),
            cached_tokens: self.cached_tokens,
            completion_tokens: self.completion_tokens(),
            queued: self.started.duration_since(self.job.requested),
            time_to_first_token: self.first_token,
            total: self.job.requested.elapsed(),
        };
        // Nobody may be left to tell.
        let _ = self.job.events.send(Event::Finished(finish));
    }
}
