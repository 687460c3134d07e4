//! What the tokens of a vocabulary spell, sorted by their bytes: those that begin alike stand
//! together, so that a walk over allowed bytes finds the allowed tokens without looking at others.

use std::ops::Range;
use std::sync::Arc;

use super::runs::Runs;
use super::state::State;
use crate::llm::tokenizer::Tokenizer;

/// The tokens of one model. Immutable; made once.
pub struct Spelling {
    tokenizer: Arc<Tokenizer>,
    /// Tokens that spell something, by their bytes.
    sorted: Vec<u32>,
    /// Where the tokens that begin with each byte start in `sorted`, and its end.
    firsts: Vec<usize>,
}

impl std::fmt::Debug for Spelling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Spelling({} tokens)", self.sorted.len())
    }
}

impl Spelling {
    /// Sorts the vocabulary: some tens of milliseconds for 150,000 tokens.
    pub fn new(tokenizer: Arc<Tokenizer>) -> Self {
        let mut this = Self { tokenizer, sorted: Vec::new(), firsts: Vec::new() };
        let all = 0..this.tokenizer.vocab_size() as u32;
        let mut sorted: Vec<u32> = all.filter(|id| !this.bytes(*id).is_empty()).collect();
        sorted.sort_unstable_by(|a, b| this.bytes(*a).cmp(this.bytes(*b)).then(a.cmp(b)));
        let first =
            |byte: usize| sorted.partition_point(|id| usize::from(this.bytes(*id)[0]) < byte);
        let firsts = (0..=256).map(first).collect();
        (this.sorted, this.firsts) = (sorted, firsts);
        this
    }

    /// The bytes that a token adds to the text; none for control tokens.
    pub(super) fn bytes(&self, id: u32) -> &[u8] {
        match self.tokenizer.is_control(id) {
            true => &[],
            false => self.tokenizer.token_bytes(id),
        }
    }

    /// The tokens that may come in a state, in the order of their bytes.
    pub(super) fn allowed(&self, state: State, runs: &Runs) -> Vec<u32> {
        let mut found = Vec::new();
        let mut ahead = Vec::new();
        // Tokens that have `depth` bytes in common, which lead to a state. A stack of our own: how
        // long a token is, a model file decides.
        let mut open = vec![(0..self.sorted.len(), 0, state)];
        while let Some((mut tokens, depth, state)) = open.pop() {
            while tokens.start < tokens.end && self.at(tokens.start).len() == depth {
                found.push(self.sorted[tokens.start]);
                tokens.start += 1;
            }
            if tokens.is_empty() {
                continue;
            }
            ahead.clear();
            if !state.bytes_ahead(runs, &mut ahead) {
                self.bytes_in(tokens.clone(), depth, &mut ahead);
            }
            for &byte in &ahead {
                let longer = self.with_byte(tokens.clone(), depth, byte);
                if let Some(next) = state.step(byte, runs).filter(|_| !longer.is_empty()) {
                    open.push((longer, depth + 1, next));
                }
            }
        }
        found
    }

    fn at(&self, place: usize) -> &[u8] {
        self.bytes(self.sorted[place])
    }

    /// Those of `tokens`, all longer than `depth` bytes, that go on with `byte`.
    fn with_byte(&self, tokens: Range<usize>, depth: usize, byte: u8) -> Range<usize> {
        if depth == 0 {
            return self.firsts[usize::from(byte)]..self.firsts[usize::from(byte) + 1];
        }
        let ids = &self.sorted[tokens.clone()];
        let from = ids.partition_point(|id| self.bytes(*id)[depth] < byte);
        let to = from + ids[from..].partition_point(|id| self.bytes(*id)[depth] == byte);
        tokens.start + from..tokens.start + to
    }

    /// The bytes with which `tokens`, all longer than `depth` bytes, go on.
    fn bytes_in(&self, mut tokens: Range<usize>, depth: usize, bytes: &mut Vec<u8>) {
        while !tokens.is_empty() {
            let byte = self.at(tokens.start)[depth];
            bytes.push(byte);
            tokens.start = self.with_byte(tokens.clone(), depth, byte).end;
        }
    }
}
