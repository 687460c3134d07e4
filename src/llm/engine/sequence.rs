//! A request on its way: its tokens so far, how many of them are computed, who listens.

use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use super::draft::Drafter;
use super::queue::Owner;
use super::request::{Event, Finish, Reason};
use crate::llm::sampler::Sampler;

/// A checked request, waiting or in a slot.
pub(super) struct Sequence {
    pub(super) owner: Owner,
    pub(super) events: UnboundedSender<Event>,
    /// Prompt and answer so far.
    pub(super) tokens: Vec<u32>,
    pub(super) prompt_tokens: usize,
    pub(super) max_tokens: usize,
    pub(super) eos: Vec<u32>,
    pub(super) sampler: Sampler,
    pub(super) drafter: Drafter,
    /// The place in the queue that the listener knows.
    pub(super) place_told: Option<usize>,
    /// Meaningful while it runs.
    pub(super) slot: usize,
    /// Counts up with every sequence that gets a slot.
    pub(super) turn: u64,
    /// How many of `tokens` are in the cache.
    pub(super) computed: usize,
    /// Prompt tokens of others that were computed while this one's waited.
    pub(super) yielded: usize,
    pub(super) cached_tokens: usize,
    pub(super) drafted: usize,
    pub(super) accepted: usize,
    pub(super) requested: Instant,
    pub(super) started: Option<Instant>,
    first_token: Option<Duration>,
}

/// What a request brings along.
pub(super) struct NewSequence {
    pub(super) owner: Owner,
    pub(super) events: UnboundedSender<Event>,
    pub(super) prompt: Vec<u32>,
    pub(super) max_tokens: usize,
    pub(super) eos: Vec<u32>,
    pub(super) sampler: Sampler,
}

/// What came of a sequence's part of a step.
pub(super) struct Outcome {
    /// Why the sequence has ended, if it has.
    pub(super) end: Option<Reason>,
    /// Tokens of the draft that were right.
    pub(super) accepted: usize,
    /// Tokens that were reported.
    pub(super) written: usize,
}

impl Sequence {
    pub(super) fn new(new: NewSequence) -> Self {
        Self {
            owner: new.owner,
            events: new.events,
            prompt_tokens: new.prompt.len(),
            tokens: new.prompt,
            max_tokens: new.max_tokens,
            eos: new.eos,
            sampler: new.sampler,
            drafter: Drafter::default(),
            place_told: None,
            slot: 0,
            turn: 0,
            computed: 0,
            yielded: 0,
            cached_tokens: 0,
            drafted: 0,
            accepted: 0,
            requested: Instant::now(),
            started: None,
            first_token: None,
        }
    }

    /// Whether nobody listens any more.
    pub(super) fn is_cancelled(&self) -> bool {
        self.events.is_closed()
    }

    /// Tokens that are not in the cache yet.
    pub(super) fn pending(&self) -> usize {
        self.tokens.len() - self.computed
    }

    /// Whether it waits for its next token only, not for the rest of its prompt.
    pub(super) fn is_decoding(&self) -> bool {
        self.pending() == 1
    }

    fn completion_tokens(&self) -> usize {
        self.tokens.len() - self.prompt_tokens
    }

    /// Tokens that it may still write.
    pub(super) fn left(&self, context_tokens: usize) -> usize {
        let of_context = context_tokens.saturating_sub(self.tokens.len());
        of_context.min(self.max_tokens - self.completion_tokens())
    }

    /// Takes the result of a step: `given` of its own tokens were computed and the `draft` behind
    /// them; `logits` has a row for the last of its own and one for each token of the draft, or
    /// none while the prompt goes on. Each row is sampled as if there were no draft, and the next
    /// row counts only if the draft had guessed the token: the text is the same as without.
    pub(super) fn settle<'l>(
        &mut self,
        given: usize,
        draft: &[u32],
        logits: impl Iterator<Item = &'l mut [f32]>,
        context_tokens: usize,
    ) -> Outcome {
        self.computed += given;
        let mut outcome = Outcome { end: None, accepted: 0, written: 0 };
        for row in logits {
            outcome.end = self.advance(row, context_tokens);
            let token = self.tokens.get(self.computed).copied();
            outcome.written += usize::from(token.is_some());
            if outcome.end.is_some() || token.is_none() {
                break;
            }
            if draft.get(outcome.accepted).copied() != token {
                break;
            }
            outcome.accepted += 1;
            self.computed += 1;
        }
        self.drafted += draft.len();
        self.accepted += outcome.accepted;
        self.drafter.verified(draft.len(), outcome.accepted);
        outcome
    }

    /// Chooses the next token and reports it; gives the reason when the sequence has ended.
    fn advance(&mut self, logits: &mut [f32], context_tokens: usize) -> Option<Reason> {
        let id = match self.sampler.sample(logits, &self.tokens) {
            Ok(id) => id,
            Err(error) => return Some(Reason::Error(error.to_string())),
        };
        if self.first_token.is_none() {
            self.first_token = Some(self.requested.elapsed());
        }
        if self.eos.contains(&id) {
            return Some(Reason::Stop);
        }
        self.tokens.push(id);
        // A receiver that went away is noticed before the next step.
        let _ = self.events.send(Event::Token { id });
        (self.left(context_tokens) == 0).then_some(Reason::Length)
    }

    /// Tells the listener that this is the end.
    pub(super) fn finish(self, reason: Reason) {
        let started = self.started.unwrap_or_else(Instant::now);
        let finish = Finish {
            reason,
            prompt_tokens: self.prompt_tokens,
            cached_tokens: self.cached_tokens,
            completion_tokens: self.completion_tokens(),
            drafted_tokens: self.drafted,
            accepted_tokens: self.accepted,
            queued: started.duration_since(self.requested),
            time_to_first_token: self.first_token,
            total: self.requested.elapsed(),
        };
        // Nobody may be left to tell.
        let _ = self.events.send(Event::Finished(finish));
    }
}
