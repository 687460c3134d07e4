//! A passage cut down to what a question needs.
//!
//! A [`Plan`] puts the units of one passage (`units`) in the order in which they are worth their
//! tokens: what a unit adds of the question's terms, rare ones more, those that the kept units have
//! already less; next to a kept unit a little more. Each step takes a unit with all that it needs
//! to be understood. The order depends on the question and the passage alone, so that the same
//! question cuts the same passage alike, however many tokens there are and whatever was found
//! beside it.
//!
//! [`Plan::text`] gives the pieces in reading order, as they stand in the passage, with 「…」 where
//! something was left out: nobody shall take two places for one run, and a quotation over such a
//! mark is not in the passage and fails the check.

mod units;

use std::collections::HashMap;
use std::ops::Range;

use crate::search::Relevance;
use units::Unit;

pub(super) use units::units;

/// Units are cut at so many characters, and where even those do not fit, at so many.
pub(super) const LONG_CHARS: usize = units::LONG_CHARS;
pub(super) const SHORT_CHARS: usize = 60;

/// Marks that something was left out.
const LEFT_OUT: char = '…';

/// What a term counts for when it is kept once already, of what it counted before.
const AGAIN: f32 = 0.5;

/// What a value of the kind asked for adds: so much of the whole question.
const VALUE: f32 = 0.1;

/// What standing next to a kept unit adds: sentences are written to be read together.
const BESIDE: f32 = 0.05;

/// How much a unit's length counts against it, as a power of its tokens.
const LENGTH_POWER: f32 = 0.2;

/// The units of a passage, in the order in which they are worth keeping.
#[derive(Debug)]
pub(super) struct Plan<'p> {
    text: &'p str,
    units: Vec<Unit>,
    /// Of each unit.
    tokens: Vec<usize>,
    steps: Vec<Step>,
}

/// Units that are taken together, and what they are worth.
#[derive(Debug)]
pub(super) struct Step {
    /// The one that is wanted.
    unit: usize,
    /// It and what it needs, ascending.
    units: Vec<usize>,
    /// Tokens of its units.
    pub(super) tokens: usize,
    /// What it adds, for its tokens; comparable between passages of one question.
    pub(super) worth: f32,
}

impl<'p> Plan<'p> {
    /// `tokens` counts the tokens of a text; `long_chars` bounds a unit.
    pub(super) fn new(
        text: &'p str,
        relevance: &Relevance,
        long_chars: usize,
        tokens: impl Fn(&str) -> usize,
    ) -> Self {
        let units = units(text, long_chars);
        let tokens: Vec<usize> =
            units.iter().map(|unit| tokens(&text[unit.range.clone()]).max(1)).collect();
        let steps = Choice::new(text, &units, &tokens, relevance).steps();
        Self { text, units, tokens, steps }
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Takes the first step's unit alone, and what it needs after it, for where room is short.
    pub(super) fn part_first(&mut self) {
        let Some(first) = self.steps.first_mut() else { return };
        let unit = first.unit;
        let needed: Vec<usize> = first.units.iter().copied().filter(|at| *at != unit).collect();
        if needed.is_empty() {
            return;
        }
        first.units = vec![unit];
        first.tokens = self.tokens[unit];
        let tokens = needed.iter().map(|at| self.tokens[*at]).sum();
        let worth = first.worth;
        self.steps.insert(1, Step { unit: needed[0], units: needed, tokens, worth });
    }

    /// The text after so many steps; all of them give the passage as it is.
    pub(super) fn text(&self, steps: usize) -> String {
        if steps >= self.steps.len() {
            return self.text.to_owned();
        }
        let mut text = String::new();
        let mut done = 0;
        for piece in self.pieces(steps) {
            if self.leaves_out(done..piece.start) {
                text.push(LEFT_OUT);
            }
            if !text.is_empty() && self.opens_line(piece.start) {
                text.push('\n');
            }
            text.push_str(&self.text[piece.clone()]);
            done = piece.end;
        }
        if self.leaves_out(done..self.text.len()) {
            text.push(LEFT_OUT);
        }
        text
    }

    /// The kept runs of the passage's text, as byte ranges in reading order.
    pub(super) fn pieces(&self, steps: usize) -> Vec<Range<usize>> {
        let taken = self.steps.iter().take(steps);
        let mut kept: Vec<usize> = taken.flat_map(|step| step.units.iter().copied()).collect();
        kept.sort_unstable();
        kept.dedup();
        let mut pieces: Vec<Range<usize>> = Vec::new();
        for (place, at) in kept.iter().enumerate() {
            let unit = &self.units[*at].range;
            match pieces.last_mut() {
                Some(last) if place > 0 && kept[place - 1] + 1 == *at => last.end = unit.end,
                _ => pieces.push(unit.clone()),
            }
        }
        pieces
    }

    fn leaves_out(&self, range: Range<usize>) -> bool {
        !self.text[range].trim().is_empty()
    }

    fn opens_line(&self, start: usize) -> bool {
        self.units.iter().any(|unit| unit.range.start == start && unit.opens_line)
    }
}

/// Choosing one unit after the other.
struct Choice<'u> {
    units: &'u [Unit],
    /// Of each unit: the question's terms, whether it holds a value asked for, and its tokens.
    terms: Vec<Vec<usize>>,
    values: Vec<bool>,
    tokens: &'u [usize],
    /// Weight of each term in this passage: rare in the data sets and in the passage counts most.
    weights: HashMap<usize, f32>,
    kept: Vec<bool>,
}

impl<'u> Choice<'u> {
    fn new(text: &str, units: &'u [Unit], tokens: &'u [usize], relevance: &Relevance) -> Self {
        let of = |unit: &Unit| &text[unit.range.clone()];
        let terms: Vec<Vec<usize>> = units.iter().map(|unit| relevance.terms(of(unit))).collect();
        let mut found_in: HashMap<usize, usize> = HashMap::new();
        for term in terms.iter().flatten() {
            *found_in.entry(*term).or_default() += 1;
        }
        let log = |found: f32| (1.0 + units.len() as f32 / (found + 0.5)).ln();
        let rarity = |found: usize| log(found as f32) / log(1.0);
        let weights =
            found_in.into_iter().map(|(term, n)| (term, relevance.weight(term) * rarity(n)));
        Self {
            weights: weights.collect(),
            values: units.iter().map(|unit| relevance.has_value(of(unit))).collect(),
            kept: vec![false; units.len()],
            terms,
            units,
            tokens,
        }
    }

    fn steps(mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        while let Some(step) = self.best() {
            for unit in &step.units {
                self.kept[*unit] = true;
                for term in &self.terms[*unit] {
                    if let Some(weight) = self.weights.get_mut(term) {
                        *weight *= AGAIN;
                    }
                }
            }
            steps.push(step);
        }
        steps
    }

    /// The step that is worth most; of equals the one that is read first.
    fn best(&self) -> Option<Step> {
        let open = (0..self.units.len()).filter(|at| !self.kept[*at]);
        open.map(|at| self.step(at)).reduce(|best, next| match next.worth > best.worth {
            true => next,
            false => best,
        })
    }

    fn step(&self, unit: usize) -> Step {
        let mut units = vec![unit];
        let mut at = 0;
        while at < units.len() {
            for other in &self.units[units[at]].needs {
                if !self.kept[*other] && !units.contains(other) {
                    units.push(*other);
                }
            }
            at += 1;
        }
        let adds = |term: &usize| self.weights.get(term).copied().unwrap_or(0.0);
        let mut worth: f32 = self.terms[unit].iter().map(adds).sum();
        if self.values[unit] {
            worth += VALUE;
        }
        let beside = [unit.checked_sub(1), Some(unit + 1)];
        let kept = |at: usize| self.kept.get(at) == Some(&true);
        worth += BESIDE * beside.into_iter().flatten().filter(|at| kept(*at)).count() as f32;
        let tokens = units.iter().map(|at| self.tokens[*at]).sum();
        units.sort_unstable();
        Step { unit, worth: worth / (tokens as f32).powf(LENGTH_POWER), tokens, units }
    }
}

#[cfg(test)]
mod tests;
