//! The stretch of a passage that speaks most of the question, with what matched in it.

use std::collections::HashMap;
use std::ops::Range;

use super::analysis;
use super::rank::Question;
use crate::text::{fold, is_hiragana};

/// Length aimed at, in characters.
const LENGTH_CHARS: usize = 160;

/// Terms of less weight are the question's form and are not shown as matches.
const TELLING: f32 = 0.3;

/// A part of a passage's text, as written there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snippet {
    /// The part; `…` marks where text was left out before or after.
    pub text: String,
    /// Byte ranges of `text` that match the question, in order, apart from each other.
    pub highlights: Vec<Range<usize>>,
}

/// A folded text that knows which bytes of the original each of its characters came from.
struct Mapped {
    folded: String,
    /// For each byte of `folded`: the original character's start and end.
    origin: Vec<(u32, u32)>,
}

impl Mapped {
    fn new(text: &str) -> Self {
        let mut mapped = Self { folded: String::new(), origin: Vec::new() };
        let mut rest = text.char_indices().peekable();
        while let Some((start, c)) = rest.next() {
            let mut end = start + c.len_utf8();
            while let Some(&(at, mark)) = rest.peek()
                && is_mark(mark)
            {
                end = at + mark.len_utf8();
                rest.next();
            }
            mapped.folded.push_str(&fold(&text[start..end]));
            mapped.origin.resize(mapped.folded.len(), (start as u32, end as u32));
        }
        mapped
    }

    fn original(&self, folded: &Range<usize>) -> Option<Range<usize>> {
        let first = self.origin.get(folded.start)?;
        let last = self.origin.get(folded.end.checked_sub(1)?)?;
        Some(first.0 as usize..last.1 as usize)
    }
}

/// Marks that join the character before them under NFKC.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{ff9e}' | '\u{ff9f}' | '\u{3099}' | '\u{309a}' | '\u{300}'..='\u{36f}')
}

/// Cuts the best stretch of about [`LENGTH_CHARS`] characters out of a passage's text.
pub(super) fn snippet(text: &str, question: &Question) -> Snippet {
    let matches = matches(text, question);
    let bounds: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let window = best_window(text, &bounds, &matches);
    let mut cut = String::new();
    let lead = text[..window.start].trim();
    if !lead.is_empty() {
        cut.push('…');
    }
    let offset = cut.len();
    cut.push_str(&text[window.clone()]);
    let highlights = merge(&matches, &window)
        .into_iter()
        .map(|range| range.start - window.start + offset..range.end - window.start + offset)
        .collect();
    if !text[window.end..].trim().is_empty() {
        cut.push('…');
    }
    Snippet { text: cut, highlights }
}

/// Ranges of the original text that match a term of the question, with the term's weight.
fn matches(text: &str, question: &Question) -> Vec<(Range<usize>, f32)> {
    let weights = |terms: &'_ [super::rank::QueryTerm]| -> HashMap<String, f32> {
        let telling = terms
            .iter()
            .filter(|term| term.count >= TELLING && !term.text.chars().all(is_hiragana));
        telling.map(|term| (term.text.clone(), term.idf)).collect()
    };
    let (grams, words) = (weights(&question.grams.list), weights(&question.words.list));
    let mapped = Mapped::new(text);
    let mut found = Vec::new();
    let mut note = |weights: &HashMap<String, f32>, term: &str, range: Range<usize>| {
        if let (Some(&weight), Some(range)) = (weights.get(term), mapped.original(&range)) {
            found.push((range, weight));
        }
    };
    analysis::grams(&mapped.folded, &mut |term, range| note(&grams, term, range));
    analysis::words(&mapped.folded, &mut |term, range| note(&words, term, range));
    found
        .sort_by(|left, right| left.0.start.cmp(&right.0.start).then(left.0.end.cmp(&right.0.end)));
    found
}

/// The window with the most weight; each term counts once; of equals, the one that begins nearest
/// to its first match.
fn best_window(text: &str, bounds: &[usize], matches: &[(Range<usize>, f32)]) -> Range<usize> {
    let chars = bounds.len() - 1;
    if chars <= LENGTH_CHARS + LENGTH_CHARS / 4 {
        return 0..text.len();
    }
    let end_of = |from: usize| bounds[(from + LENGTH_CHARS).min(chars)];
    let mut best = (0..end_of(0), -1.0, usize::MAX);
    for from in starts(text, bounds, matches) {
        let window = bounds[from]..end_of(from);
        let mut seen = HashMap::new();
        let mut lead = usize::MAX;
        for (range, weight) in matches {
            if range.start >= window.start && range.end <= window.end {
                lead = lead.min(range.start - window.start);
                seen.insert(&text[range.clone()], *weight);
            }
        }
        let weight: f32 = seen.values().sum();
        let same = (weight - best.1).abs() <= best.1.abs() * 1e-4;
        if (same && lead < best.2) || (!same && weight > best.1) {
            best = (window, weight, lead);
        }
    }
    sentence_end(text, best.0)
}

/// Where a window may begin, as places in `bounds`: sentence starts, and shortly before a match.
fn starts(text: &str, bounds: &[usize], matches: &[(Range<usize>, f32)]) -> Vec<usize> {
    let mut starts = vec![0];
    for (at, pair) in bounds.windows(2).enumerate() {
        if matches!(&text[pair[0]..pair[1]], "。" | "\n" | "！" | "？") {
            starts.push(at + 1);
        }
    }
    let sentences = starts.clone();
    for (range, _) in matches {
        let here = bounds.partition_point(|&bound| bound < range.start);
        let sentence = sentences[sentences.partition_point(|&start| start <= here) - 1];
        if here - sentence > LENGTH_CHARS / 2 {
            starts.push(here.saturating_sub(LENGTH_CHARS / 5));
        }
    }
    starts.sort_unstable();
    starts.dedup();
    starts
}

/// Ends a window at the end of a sentence where that costs no more than a third of it.
fn sentence_end(text: &str, window: Range<usize>) -> Range<usize> {
    if window.end == text.len() {
        return window;
    }
    let cut = &text[window.clone()];
    let end = cut.char_indices().rev().find(|(_, c)| matches!(c, '。' | '\n' | '！' | '？'));
    match end {
        Some((at, c)) if at + c.len_utf8() > cut.len() * 2 / 3 => {
            window.start..window.start + at + c.len_utf8()
        }
        _ => window,
    }
}

/// Joins matches that touch, inside the window.
fn merge(matches: &[(Range<usize>, f32)], window: &Range<usize>) -> Vec<Range<usize>> {
    let mut merged: Vec<Range<usize>> = Vec::new();
    for (range, _) in matches {
        if range.start < window.start || range.end > window.end {
            continue;
        }
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range.clone()),
        }
    }
    merged
}
