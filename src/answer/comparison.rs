//! Two answers to one question side by side: what stands in one and not in the other.
//!
//! The answers are compared word by word, their citation numbers left out, since each answer
//! numbers its own sources. The sentences that fit the question best are paired by what they
//! share, and the pairs compared in the same way. Nothing is judged here: a mark says that the
//! words differ, not that the rules do.

mod marks;

use std::collections::HashSet;

use serde::Serialize;

use super::types::{Excerpt, Source};
use crate::document::Scope;
use crate::text::fold;
pub use marks::Stretch;
use marks::marked;

/// Sentences are a pair when they share so much of the shorter one's pairs of characters.
const PAIRED: f32 = 0.25;

/// One of the two answers.
#[derive(Clone, Copy, Debug)]
pub struct Half<'a> {
    pub text: &'a str,
    pub sources: &'a [Source],
    /// The sentences of its sources that fit best.
    pub excerpt: &'a [Excerpt],
}

/// What two answers have in common and what not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// The first answer's text and the second's, with what the other does not have marked.
    pub answers: [Vec<Stretch>; 2],
    /// True where the answers say the same, but for their numbers.
    pub same_answer: bool,
    /// Sentences of the sources: pairs first, then what one side has alone.
    pub pairs: Vec<Pair>,
}

/// A sentence of each side that speak of one thing, or of one side alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pair {
    /// True where both are the same word for word.
    pub same: bool,
    pub sides: [Option<Compared>; 2],
}

/// A sentence of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// Number of the source in its own answer.
    pub number: usize,
    pub citation: String,
    pub scope: Scope,
    pub scope_label: &'static str,
    pub authority_label: &'static str,
    /// 基準日
    pub as_of: jiff::civil::Date,
    pub text: Vec<Stretch>,
}

/// Compares two answers. Takes milliseconds for texts of some pages.
pub fn compare(one: Half<'_>, other: Half<'_>) -> Comparison {
    let answers = marked(one.text, other.text);
    let same_answer = answers.iter().flatten().all(|stretch| !stretch.changed);
    Comparison { same_answer, answers, pairs: pairs(one, other) }
}

fn pairs(one: Half<'_>, other: Half<'_>) -> Vec<Pair> {
    let bigrams = |half: Half<'_>| -> Vec<HashSet<[char; 2]>> {
        half.excerpt.iter().map(|excerpt| bigrams(&excerpt.text)).collect()
    };
    let (left, right) = (bigrams(one), bigrams(other));
    let mut likely: Vec<(f32, usize, usize)> = Vec::new();
    for (at, one) in left.iter().enumerate() {
        for (to, other) in right.iter().enumerate() {
            let smaller = one.len().min(other.len()).max(1) as f32;
            likely.push((one.intersection(other).count() as f32 / smaller, at, to));
        }
    }
    likely.retain(|(share, ..)| *share >= PAIRED);
    likely.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let (mut used_left, mut used_right) = (HashSet::new(), HashSet::new());
    let mut found = Vec::new();
    for (_, at, to) in likely {
        if used_left.contains(&at) || used_right.contains(&to) {
            continue;
        }
        used_left.insert(at);
        used_right.insert(to);
        let (one_said, other_said) = (&one.excerpt[at], &other.excerpt[to]);
        let [left, right] = marked(&one_said.text, &other_said.text);
        let same = left.iter().chain(&right).all(|stretch| !stretch.changed);
        let sides =
            [compared(one, one_said.number, left), compared(other, other_said.number, right)];
        found.push((at, Pair { same, sides }));
    }
    found.sort_by_key(|(at, _)| *at);
    let mut pairs: Vec<Pair> = found.into_iter().map(|(_, pair)| pair).collect();
    let whole = |excerpt: &Excerpt| vec![Stretch { changed: false, text: excerpt.text.clone() }];
    let alone = |half: Half<'_>, used: &HashSet<usize>| -> Vec<Option<Compared>> {
        let rest = half.excerpt.iter().enumerate().filter(|(at, _)| !used.contains(at));
        rest.map(|(_, excerpt)| compared(half, excerpt.number, whole(excerpt))).collect()
    };
    for side in alone(one, &used_left) {
        pairs.push(Pair { same: false, sides: [side, None] });
    }
    for side in alone(other, &used_right) {
        pairs.push(Pair { same: false, sides: [None, side] });
    }
    pairs.retain(|pair| pair.sides.iter().any(Option::is_some));
    pairs
}

fn compared(half: Half<'_>, number: usize, text: Vec<Stretch>) -> Option<Compared> {
    let source = half.sources.iter().find(|source| source.number == number)?;
    Some(Compared {
        number,
        citation: source.citation.clone(),
        scope: source.passage.scope,
        scope_label: source.scope_label,
        authority_label: source.authority_label,
        as_of: source.passage.as_of,
        text,
    })
}

fn bigrams(text: &str) -> HashSet<[char; 2]> {
    let folded = fold(text);
    let chars: Vec<char> = folded.chars().filter(|c| c.is_alphanumeric()).collect();
    chars.windows(2).map(|pair| [pair[0], pair[1]]).collect()
}
