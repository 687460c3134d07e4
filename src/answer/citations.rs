//! How citations are written, and the plain check of a model's answer while it is measured: each
//! `[n]` must name a passage that was given. What the product checks besides is in `checking`.
//!
//! Written forms `[1]`, `[1, 2]`, `［１］` and `【1】` become `[1]`, `[1][2]`. A number without a
//! passage is taken out and counted. Text in brackets that is no citation passes unchanged.

use std::collections::BTreeSet;

use crate::text::normalize;

/// Longest inside of a citation, in characters; anything longer is text.
pub(super) const LONGEST: usize = 24;

/// Checks citations while text streams through.
#[derive(Debug)]
pub(super) struct CitationFilter {
    /// Numbers of the passages given.
    given: Vec<usize>,
    /// An open bracket and what follows it, not yet known to be a citation.
    held: String,
    cited: BTreeSet<usize>,
    removed: usize,
}

impl CitationFilter {
    pub(super) fn new(given: Vec<usize>) -> Self {
        Self { given, held: String::new(), cited: BTreeSet::new(), removed: 0 }
    }

    /// Takes more text; gives what may be shown. Holds back an unfinished bracket.
    pub(super) fn push(&mut self, text: &str) -> String {
        let mut shown = String::with_capacity(text.len());
        for c in text.chars() {
            if self.held.is_empty() {
                if opens(c) { self.held.push(c) } else { shown.push(c) }
            } else if closes(c) {
                self.held.push(c);
                let bracket = std::mem::take(&mut self.held);
                self.settle(&bracket, &mut shown);
            } else if belongs(c) && self.held.chars().count() <= LONGEST {
                self.held.push(c);
            } else {
                shown.push_str(&std::mem::take(&mut self.held));
                if opens(c) { self.held.push(c) } else { shown.push(c) }
            }
        }
        shown
    }

    /// The end of the text: gives what was still held back.
    pub(super) fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    /// Numbers cited so far, ascending.
    pub(super) fn cited(&self) -> Vec<usize> {
        self.cited.iter().copied().collect()
    }

    /// Citations removed so far.
    #[cfg(test)]
    pub(super) fn removed(&self) -> usize {
        self.removed
    }

    fn settle(&mut self, bracket: &str, shown: &mut String) {
        let inner: String = bracket.chars().filter(|c| !opens(*c) && !closes(*c)).collect();
        let Some(numbers) = numbers(&inner) else {
            shown.push_str(bracket);
            return;
        };
        for number in numbers {
            if self.given.contains(&number) {
                self.cited.insert(number);
                shown.push_str(&format!("[{number}]"));
            } else {
                self.removed += 1;
            }
        }
    }
}

pub(super) fn opens(c: char) -> bool {
    matches!(c, '[' | '［' | '【')
}

pub(super) fn closes(c: char) -> bool {
    matches!(c, ']' | '］' | '】')
}

/// Characters that may stand inside a citation.
pub(super) fn belongs(c: char) -> bool {
    c.is_ascii_digit() || ('０'..='９').contains(&c) || separates(c) || "資料出典".contains(c)
}

fn separates(c: char) -> bool {
    matches!(c, ',' | '、' | '，' | '・' | ' ' | '　')
}

/// The numbers of a citation; `None` when it is something else.
pub(super) fn numbers(inner: &str) -> Option<Vec<usize>> {
    let parts = inner.split(separates).map(str::trim).filter(|part| !part.is_empty());
    let numbers: Option<Vec<usize>> = parts
        .map(|part| {
            let digits = normalize(part.trim_start_matches(['資', '料', '出', '典']));
            digits.parse().ok()
        })
        .collect();
    numbers.filter(|numbers| !numbers.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(pieces: &[&str], given: usize) -> (String, Vec<usize>, usize) {
        let mut filter = CitationFilter::new((1..=given).collect());
        let mut shown: String = pieces.iter().map(|piece| filter.push(piece)).collect();
        shown.push_str(&filter.finish());
        (shown, filter.cited(), filter.removed())
    }

    #[test]
    fn citations_are_checked() {
        for (text, given, shown, cited, removed) in [
            ("三百円です。[1]", 2, "三百円です。[1]", vec![1], 0),
            ("三百円です。[3]", 2, "三百円です。", vec![], 1),
            ("a[1, 2]b【２】［４］", 3, "a[1][2]b[2]", vec![1, 2], 1),
            ("[資料1]", 1, "[1]", vec![1], 0),
            ("【注意】文", 2, "【注意】文", vec![], 0),
            ("[]", 2, "[]", vec![], 0),
            ("配列[0]と[99999999999999999999999]", 2, "配列と[99999999999999999999999]", vec![], 1),
            ("途中[1", 2, "途中[1", vec![], 0),
            ("[[1]]", 2, "[[1]]", vec![1], 0),
        ] {
            let expected = (shown.to_owned(), cited, removed);
            assert_eq!(run(&[text], given), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(text in "[\\[\\]【】［］0-3１、a資 あ]{0,40}", cut in 0usize..40) {
            let at = text.char_indices().map(|(at, _)| at).nth(cut).unwrap_or(text.len());
            prop_assert_eq!(run(&[&text[..at], &text[at..]], 2), run(&[&text], 2));
        }
    }
}
