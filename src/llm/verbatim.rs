//! Verbatim decoding: a quotation can only say what the passages say.
//!
//! From 「 to the 」 that closes it, the sampler may take only tokens that continue a run of
//! characters of the passages. The passages are data of the request ([`Verbatim`], an automaton
//! over their bytes); each sequence follows its own text byte by byte ([`state`]); and what a
//! model's tokens spell is sorted once ([`Spelling`]), so that the few tokens that may follow are
//! found along the few bytes that may, and the vocabulary is never gone through. All of it works on
//! bytes: a token may be half a character, a character, or 」 with what follows it.
//!
//! The rule. 「」 also stands round words that are no quotations. What begins as no passage does
//! is a term: it is free, but ends before its 8th character, where a quotation would begin to
//! count. What has begun as a passage does for [`HELD_CHARS`] characters is a quotation and is held
//! to the passages until its 」, which may come after any whole character. 「」 inside a quotation
//! are part of it and come in pairs. An answer cannot end inside either.

mod runs;
mod spelling;
mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

pub use spelling::Spelling;

use runs::Runs;
use state::State;

/// A quotation is one, and held to the passages, from so many characters on.
pub const HELD_CHARS: usize = 4;

/// Characters of a term at most: one more would be a quotation.
pub const TERM_CHARS: usize = 7;

/// What may be quoted.
#[derive(Debug)]
pub struct Verbatim {
    runs: Runs,
}

impl Verbatim {
    /// For texts that a quotation may be taken from; none reaches from one text into another.
    pub fn new<T: AsRef<[u8]>>(texts: &[T]) -> Self {
        Self { runs: Runs::of(texts.iter().flat_map(|text| runs::paired(text.as_ref()))) }
    }
}

/// Follows one sequence and says which token may come next.
#[derive(Clone, Debug)]
pub struct Guide {
    verbatim: Arc<Verbatim>,
    spelling: Arc<Spelling>,
    state: State,
    /// One quotation follows another, to measure what they cost.
    endless: bool,
    /// Nanoseconds that choosing by it took, where that is measured.
    spent: Option<Arc<AtomicU64>>,
}

impl Guide {
    /// For an answer that begins outside of a quotation.
    pub fn new(verbatim: Arc<Verbatim>, spelling: Arc<Spelling>) -> Self {
        Self { verbatim, spelling, state: State::OUTSIDE, endless: false, spent: None }
    }

    /// The same as if 「 had just been written and a quotation were certain.
    pub fn quoting(verbatim: Arc<Verbatim>, spelling: Arc<Spelling>) -> Self {
        Self { state: State::HELD, ..Self::new(verbatim, spelling) }
    }

    /// For nothing but quotations, to measure what they cost.
    pub fn endless(verbatim: Arc<Verbatim>, spelling: Arc<Spelling>) -> Self {
        Self { endless: true, ..Self::quoting(verbatim, spelling) }
    }

    /// The same with the nanoseconds that choosing takes added to `spent`: the choice itself
    /// among them, which is also due without a guide, but not what only a measurement does.
    pub fn timed(self, spent: Arc<AtomicU64>) -> Self {
        Self { spent: Some(spent), ..self }
    }

    /// When a choice begins; `None` where nobody measures.
    pub(super) fn clock(&self) -> Option<Instant> {
        self.spent.as_ref().map(|_| Instant::now())
    }

    /// A choice that began then has ended.
    pub(super) fn note(&self, begun: Option<Instant>) {
        if let (Some(spent), Some(begun)) = (&self.spent, begun) {
            let nanoseconds = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
            spent.fetch_add(nanoseconds, Ordering::Relaxed);
        }
    }

    /// Whether so few tokens may come that they are better listed than tried.
    pub(super) fn is_held(&self) -> bool {
        self.state.is_held()
    }

    pub(super) fn allows(&self, id: u32) -> bool {
        self.after(self.state, id).is_some()
    }

    /// All tokens that may come.
    pub(super) fn allowed(&self) -> Vec<u32> {
        self.spelling.allowed(self.state, &self.verbatim.runs)
    }

    /// For a measurement, those that go on: weights that mean nothing would close every third
    /// token, and answers quote sentences. No answer pays for this.
    pub(super) fn keep_endless(&self, allowed: &mut Vec<u32>) {
        let goes_on = |id: &u32| self.after(self.state, *id).is_some_and(State::is_held);
        if self.endless && allowed.iter().any(goes_on) {
            allowed.retain(goes_on);
        }
    }

    /// How many of these tokens, from the first on, may come.
    pub(super) fn admits(&self, ids: &[u32]) -> usize {
        let mut state = self.state;
        let admitted = ids.iter().take_while(|id| {
            let next = self.after(state, **id);
            state = next.unwrap_or(state);
            next.is_some()
        });
        admitted.count()
    }

    /// Takes the token that came. One that was not allowed (a vocabulary may have no way to go
    /// on) ends the quotation for us: the check of citations still sees it.
    pub(super) fn advance(&mut self, id: u32) {
        self.state = self.after(self.state, id).unwrap_or(State::OUTSIDE);
        if self.endless && !self.state.is_inside() {
            self.state = State::HELD;
        }
    }

    fn after(&self, state: State, id: u32) -> Option<State> {
        let bytes = self.spelling.bytes(id);
        if bytes.is_empty() {
            // Control tokens end an answer or say nothing; neither has a place in a quotation.
            return (!state.is_inside()).then_some(state);
        }
        bytes.iter().try_fold(state, |state, byte| state.step(*byte, &self.verbatim.runs))
    }
}
