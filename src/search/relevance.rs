//! How much single sentences say of a question: for those who cut a passage down to what matters.
//!
//! The same terms and the same rarity as in the ranking ([`rank`](super::rank)), but handed out
//! term by term, so that the caller can weigh what a text adds to another.

use super::analysis;
use super::rank::{Kind, Question, Statistics, Terms};
use super::values::{Value, wanted};
use crate::text::fold;

/// A question taken apart, beside the passages that were found for it.
#[derive(Debug)]
pub struct Relevance {
    question: Question,
    /// Weight of each term: first the bigrams, then the words.
    weights: Vec<f32>,
    wanted: Vec<Value>,
}

/// Statistics without a data set: every term is as rare as any other.
struct Nothing;

impl Statistics for Nothing {
    fn passages(&self) -> u64 {
        1
    }

    fn found_in(&self, _: Kind, _: &str) -> u64 {
        0
    }

    fn mean_length(&self, _: Kind) -> f32 {
        1.0
    }
}

impl Relevance {
    /// A question without word statistics, for where no data set is open.
    pub fn plain(question: &str) -> Self {
        let folded = fold(question);
        Self::new(Question::new(&folded, &folded, &Nothing), &folded)
    }

    pub(super) fn new(question: Question, folded: &str) -> Self {
        let of = |terms: &Terms| -> Vec<f32> {
            terms.list.iter().map(|term| term.idf * term.count.min(1.0)).collect()
        };
        let mut weights = of(&question.grams);
        weights.extend(of(&question.words));
        let whole: f32 = weights.iter().sum();
        if whole > 0.0 {
            weights.iter_mut().for_each(|weight| *weight /= whole);
        }
        Self { question, weights, wanted: wanted(folded) }
    }

    /// The terms of the question that a text has, each once, ascending; see [`Self::weight`].
    pub fn terms(&self, text: &str) -> Vec<usize> {
        let folded = fold(text);
        let mut found = Vec::new();
        let (grams, words) = (&self.question.grams, &self.question.words);
        analysis::grams(&folded, &mut |term, _| found.extend(grams.at(term)));
        let behind = grams.list.len();
        analysis::words(&folded, &mut |term, _| {
            found.extend(words.at(term).map(|at| at + behind));
        });
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Weight of a term: its rarity in the data sets. All terms of the question together have 1.
    pub fn weight(&self, term: usize) -> f32 {
        self.weights.get(term).copied().unwrap_or(0.0)
    }

    /// Share of the question that a text has, 0 to 1.
    pub fn share(&self, text: &str) -> f32 {
        self.terms(text).into_iter().map(|term| self.weight(term)).sum()
    }

    /// True when a text holds a value of the kind that is asked for: an amount where the question
    /// says いくら, a number of days where it says 何日.
    pub fn has_value(&self, text: &str) -> bool {
        !self.wanted.is_empty() && {
            let folded = fold(text);
            self.wanted.iter().any(|value| value.stands_in(&folded))
        }
    }
}
