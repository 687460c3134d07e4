//! What an answer is worth: which passage it cites, whether it quotes word for word, which choice
//! it takes.

use std::collections::HashSet;

use serde::Serialize;

use super::Reply;
use super::questions::LETTERS;
use crate::answer::citations::CitationFilter;
use crate::answer::excerpt::bigrams;
use crate::answer::pipeline::NOT_FOUND_MARK;
use crate::answer::quotes;
use crate::sync::{Evaluation, Share};
use crate::text::normalize;

/// A choice is looked for in so many characters at the head of an answer.
const HEAD: usize = 60;

/// What one answer is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// 該当なし was said.
    pub none: bool,
    /// The first citation names the deciding passage.
    pub cited: bool,
    /// Quotations with a citation.
    pub quotes: usize,
    /// … that do not stand in the passage cited.
    pub misquoted: usize,
}

/// Judges an answer. `expected` is the place of the deciding passage among `texts`, from 0.
pub(super) fn verdict(answer: &str, expected: Option<usize>, texts: &[&str]) -> Verdict {
    let none = answer.trim_start().starts_with(NOT_FOUND_MARK);
    let first = first_citation(answer, texts.len());
    let (quotes, misquoted) = quotes::checked(answer, texts);
    Verdict { none, cited: !none && first.is_some() && first == expected, quotes, misquoted }
}

/// The place of the passage that is cited first, from 0.
fn first_citation(answer: &str, given: usize) -> Option<usize> {
    let mut filter = CitationFilter::new(given);
    for c in answer.chars() {
        filter.push(c.encode_utf8(&mut [0; 4]));
        if let Some(number) = filter.cited().first() {
            return Some(number - 1);
        }
    }
    None
}

/// The letter that an answer names in its first words, standing alone: 「b」, 「答え：B」, `(b)`.
pub(super) fn letter(answer: &str) -> Option<char> {
    let head: Vec<char> =
        normalize(answer).chars().take(HEAD).map(|c| c.to_ascii_lowercase()).collect();
    let alone = |at: usize| {
        let before = at.checked_sub(1).and_then(|at| head.get(at));
        let after = head.get(at + 1);
        [before, after].iter().all(|c| c.is_none_or(|c| !c.is_ascii_alphanumeric()))
    };
    (0..head.len()).find(|at| LETTERS.contains(&head[*at]) && alone(*at)).map(|at| head[at])
}

/// The choice that an answer takes: its letter, or else the one choice whose own wording it
/// repeats most (for models that only quote). `None` when neither tells.
pub(super) fn chosen(answer: &str, choices: &[String; 4]) -> Option<char> {
    if let Some(letter) = letter(answer) {
        return Some(letter);
    }
    let said = bigrams(answer);
    let all: Vec<HashSet<(char, char)>> = choices.iter().map(|text| bigrams(text)).collect();
    let share = |at: usize| {
        let common = |pair: &&(char, char)| all.iter().all(|choice| choice.contains(*pair));
        let own: Vec<_> = all[at].iter().filter(|pair| !common(pair)).collect();
        own.iter().filter(|pair| said.contains(**pair)).count() as f64 / own.len().max(1) as f64
    };
    let shares: Vec<f64> = (0..choices.len()).map(share).collect();
    let best = shares.iter().copied().fold(0.0, f64::max);
    let mut leading = (0..choices.len()).filter(|at| shares[*at] >= best);
    match (leading.next(), leading.next()) {
        (Some(at), None) if best > 0.0 => Some(LETTERS[at]),
        _ => None,
    }
}

/// Counts over all questions asked.
#[derive(Debug, Default)]
pub(super) struct Tally {
    questions: usize,
    choices: Share,
    cited: Share,
    verbatim: Share,
    none_recall: Share,
    none_precision: Share,
}

impl Tally {
    pub(super) fn add(&mut self, reply: &Reply) {
        let Verdict { none, cited, quotes, misquoted } = reply.verdict;
        self.questions += 1;
        self.verbatim.of += quotes;
        self.verbatim.right += quotes - misquoted;
        match reply.expected {
            Some(_) => self.cited.count(cited),
            None => self.none_recall.count(none),
        }
        if none {
            self.none_precision.count(reply.expected.is_none());
        }
        if let Some(right) = reply.choice_right {
            self.choices.count(right);
        }
    }

    /// The counts as a record, its speeds still 0.
    pub(super) fn evaluation(&self, questions_blake3: &str) -> Evaluation {
        Evaluation {
            questions: self.questions,
            questions_blake3: questions_blake3.to_owned(),
            choices: self.choices,
            cited: self.cited,
            verbatim: self.verbatim,
            none_recall: self.none_recall,
            none_precision: self.none_precision,
            prefill_tokens_per_s: 0.0,
            decode_tokens_per_s: 0.0,
            kura_version: env!("CARGO_PKG_VERSION").to_owned(),
            evaluated_at: crate::document::timestamp(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_stand_alone() {
        for (answer, expected) in [
            ("b", Some('b')),
            ("Ｃ", Some('c')),
            ("正解は(d)です。", Some('d')),
            ("答え：Aです", Some('a')),
            ("b。資料[1]によります", Some('b')),
            ("DVDで提出する", None),
            ("「手数料は300円」[1]", None),
            ("", None),
        ] {
            assert_eq!(letter(answer), expected, "{answer}");
        }
    }

    #[test]
    fn a_quotation_takes_the_choice_whose_words_it_has() {
        let choices =
            ["200円とする。", "300円とする。", "免除する。", "500円とする。"].map(str::to_owned);
        assert_eq!(chosen("「手数料は、300円とする。」[1]", &choices), Some('b'));
        assert_eq!(chosen("「手数料は、これを免除する。」[2]", &choices), Some('c'));
        assert_eq!(chosen("該当なし", &choices), None);
        assert_eq!(chosen("d 「手数料は、300円とする。」[1]", &choices), Some('d'));
    }

    #[test]
    fn answers_are_judged() {
        let texts = ["手数料は、三百円とする。", "市長は、免除することができる。"];
        let right = verdict("「手数料は、三百円とする。」[1]", Some(0), &texts);
        assert_eq!(right, Verdict { none: false, cited: true, quotes: 1, misquoted: 0 });
        let wrong = verdict("「手数料は、四百円とする。」[2][1]", Some(0), &texts);
        assert_eq!(wrong, Verdict { none: false, cited: false, quotes: 1, misquoted: 1 });
        let none = verdict("該当なし", Some(0), &texts);
        assert_eq!(none, Verdict { none: true, ..Verdict::default() });
        assert!(!verdict("三百円です。", Some(0), &texts).cited);
    }
}
