//! Prompt lookup: guesses the next tokens from what the sequence has said before. Answers quote
//! their passages, so the longest earlier occurrence of the last tokens often goes on as the
//! answer will.
//!
//! A guess costs little more than nothing to check (one step computes several tokens of a
//! sequence) and never changes the text; how long a guess is, and whether there is one at all,
//! follows from how many were right lately.

use std::collections::HashMap;

/// Fewest tokens that must have occurred before.
const MATCH_MIN: usize = 2;
/// With this many tokens alike the guess may be as long as it likes.
const MATCH_SURE: usize = 4;
/// More tokens alike than this say nothing more.
const MATCH_MAX: usize = 32;
/// Earlier occurrences that are looked at, the latest first.
const CANDIDATES: usize = 64;

const LENGTH_START: usize = 4;
const LENGTH_MIN: usize = 2;
const LENGTH_MAX: usize = 16;

/// Tokens without guesses after they did not pay; doubled each time, up to the last.
const REST_TOKENS: usize = 32;
const REST_TOKENS_MAX: usize = 256;
/// How much a new guess weighs against the older ones.
const FADE: f64 = 0.9;
/// Before anything is known, as if 2 of 2.5 guesses had been right.
const PRIOR: (f64, f64) = (2.0, 2.5);

/// Guesses the tokens of one sequence.
pub(super) struct Drafter {
    /// Where each pair of tokens occurred last: the position behind it.
    latest: HashMap<[u32; MATCH_MIN], u32>,
    /// For each position, the one before it that is behind the same pair; 0 for none.
    earlier: Vec<u32>,
    length: usize,
    right: f64,
    tried: f64,
    /// Steps until the next guess, and the length of the next rest.
    resting: usize,
    rest: usize,
}

impl Default for Drafter {
    fn default() -> Self {
        Self {
            latest: HashMap::new(),
            earlier: Vec::new(),
            length: LENGTH_START,
            right: PRIOR.0,
            tried: PRIOR.1,
            resting: 0,
            rest: REST_TOKENS,
        }
    }
}

impl Drafter {
    /// Guesses up to `most` tokens that follow `tokens`, which have only grown since the last
    /// call. Empty while it rests, or where nothing like the end has occurred before.
    pub(super) fn draft(&mut self, tokens: &[u32], most: usize) -> Vec<u32> {
        if self.resting > 0 {
            self.resting -= 1;
            return Vec::new();
        }
        self.index(tokens);
        let Some((source, alike)) = self.longest_match(tokens) else { return Vec::new() };
        let length = match alike {
            MATCH_SURE.. => self.length,
            _ => self.length.min(LENGTH_START),
        };
        // A source that reaches the end goes on with what it has just been copied to.
        let period = tokens.len() - source;
        let mut draft: Vec<u32> = Vec::with_capacity(length);
        for i in 0..length.min(most) {
            draft.push(if i < period { tokens[source + i] } else { draft[i - period] });
        }
        draft
    }

    /// How many of `length` guesses will be right, going by the last ones.
    pub(super) fn expected(&self, length: usize) -> f64 {
        let rate = self.right / self.tried;
        (1..=length).map(|i| rate.powi(i as i32)).sum()
    }

    /// Takes what came of a guess of `drafted` tokens: the first `accepted` were right.
    pub(super) fn verified(&mut self, drafted: usize, accepted: usize) {
        if drafted == 0 {
            return;
        }
        let wrong = usize::from(accepted < drafted);
        self.right = self.right * FADE + accepted as f64;
        self.tried = self.tried * FADE + (accepted + wrong) as f64;
        self.length = match wrong {
            0 => (2 * self.length).min(LENGTH_MAX),
            _ => (self.length / 2).max(LENGTH_MIN),
        };
        if accepted > 0 {
            self.rest = REST_TOKENS;
        }
    }

    /// Guesses do not pay: none for a while, then it is tried anew.
    pub(super) fn pause(&mut self) {
        self.resting = self.rest;
        self.rest = (2 * self.rest).min(REST_TOKENS_MAX);
        (self.right, self.tried) = PRIOR;
        self.length = LENGTH_START;
    }

    fn index(&mut self, tokens: &[u32]) {
        self.earlier.resize(self.earlier.len().max(MATCH_MIN), 0);
        for position in self.earlier.len()..=tokens.len() {
            let pair = [tokens[position - 2], tokens[position - 1]];
            let before = self.latest.insert(pair, position as u32);
            self.earlier.push(before.unwrap_or(0));
        }
    }

    /// The position behind the occurrence that has most tokens in common with the end, the
    /// latest of equals, and how many those are.
    fn longest_match(&self, tokens: &[u32]) -> Option<(usize, usize)> {
        let mut best: Option<(usize, usize)> = None;
        let mut position = *self.earlier.get(tokens.len())? as usize;
        for _ in 0..CANDIDATES {
            if position == 0 {
                break;
            }
            let pairs = tokens[..position].iter().rev().zip(tokens.iter().rev());
            let alike = pairs.take(MATCH_MAX).take_while(|(a, b)| a == b).count();
            if best.is_none_or(|(_, most)| alike > most) {
                best = Some((position, alike));
            }
            position = self.earlier[position] as usize;
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(tokens: &[u32], most: usize) -> Vec<u32> {
        Drafter::default().draft(tokens, most)
    }

    #[test]
    fn what_followed_the_longest_occurrence_is_guessed() {
        assert_eq!(draft(&[1, 2, 3, 4, 5, 6, 9, 1, 2], 4), [3, 4, 5, 6]);
        assert_eq!(draft(&[1, 2, 3, 4, 9, 1, 2], 2), [3, 4]);
        assert_eq!(draft(&[7, 1, 2, 3, 8, 1, 2, 5, 7, 1, 2], 2), [3, 8], "three alike, not two");
        assert_eq!(draft(&[1, 2, 3, 8, 1, 2, 5, 6, 1, 2], 2), [5, 6], "the latest of equals");
        assert!(draft(&[1, 2, 3, 4], 4).is_empty());
        assert!(draft(&[1], 4).is_empty() && draft(&[], 4).is_empty());
    }

    #[test]
    fn repetition_goes_on() {
        assert_eq!(draft(&[5, 1, 2, 1, 2], 4), [1, 2, 1, 2]);
        assert_eq!(draft(&[3, 3, 3], 4), [3, 3, 3, 3]);
    }

    #[test]
    fn the_index_grows_with_the_text() {
        let text: Vec<u32> = (0..40).chain(0..40).collect();
        let mut grown = Drafter::default();
        for end in 1..text.len() {
            assert_eq!(grown.draft(&text[..end], 4), draft(&text[..end], 4), "at {end}");
        }
    }

    #[test]
    fn the_length_follows_what_was_right() {
        let text: Vec<u32> = (0..60).chain(0..20).collect();
        let mut drafter = Drafter::default();
        assert_eq!(drafter.draft(&text, 64).len(), 4);
        drafter.verified(4, 4);
        assert_eq!(drafter.draft(&text, 64).len(), 8);
        drafter.verified(8, 8);
        drafter.verified(16, 16);
        assert_eq!(drafter.draft(&text, 64), (20..36).collect::<Vec<u32>>());
        let before = drafter.expected(4);
        drafter.verified(16, 3);
        assert_eq!(drafter.draft(&text, 64).len(), 8);
        assert!(drafter.expected(4) < before);
        let loose: Vec<u32> = text.iter().copied().chain([99, 30, 31]).collect();
        assert_eq!(drafter.draft(&loose, 64).len(), 4, "two tokens alike promise little");
    }

    #[test]
    fn a_rest_ends_and_the_next_one_is_longer() {
        let text: Vec<u32> = (0..60).chain(0..20).collect();
        let mut drafter = Drafter::default();
        let mut rest = || {
            drafter.pause();
            (0..).take_while(|_| drafter.draft(&text, 4).is_empty()).count()
        };
        assert_eq!([rest(), rest()], [32, 64]);
    }
}
