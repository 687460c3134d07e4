//! What an answer is worth: which passage it cites, whether it quotes word for word, which choice
//! it takes.

use std::collections::HashSet;

use serde::Serialize;

use super::Reply;
use super::questions::LETTERS;
use crate::answer::citations::CitationFilter;
use crate::answer::pipeline::is_not_found;
use crate::answer::quotes;
use crate::sync::{Evaluation, Share};
use crate::text::{leading_number, normalize};

/// A letter is looked for in so many characters at the head of an answer.
pub(super) const HEAD: usize = 60;

/// An answer without a letter takes a choice when it has this share of the words and figures that
/// no other choice has …
const SHARE_LEAST: f64 = 0.6;
/// … and so much more than of any other.
const MARGIN: f64 = 0.25;

/// What one answer is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// 該当なし was said, and nothing cited.
    pub none: bool,
    /// The first citation names the deciding passage.
    pub cited: bool,
    /// Quotations in 「」.
    pub quotes: usize,
    /// … that stand in none of the passages, or have no end.
    pub misquoted: usize,
}

/// Judges an answer. `expected` is the place of the deciding passage among `texts`, from 0.
pub(super) fn verdict(answer: &str, expected: Option<usize>, texts: &[&str]) -> Verdict {
    let first = first_citation(answer, texts.len());
    let none = is_not_found(answer, first.is_some());
    let (quotes, misquoted) = quotations(answer, texts);
    Verdict { none, cited: !none && first.is_some() && first == expected, quotes, misquoted }
}

/// The place of the passage that is cited first, from 0.
fn first_citation(answer: &str, given: usize) -> Option<usize> {
    let mut filter = CitationFilter::new((1..=given).collect());
    let checked = filter.push(answer) + &filter.finish();
    let cited = filter.cited();
    let at = |number: &usize| checked.find(&format!("[{number}]")).unwrap_or(usize::MAX);
    cited.into_iter().min_by_key(at).map(|number| number - 1)
}

/// How many quotations an answer has, and how many of them are wrong.
fn quotations(answer: &str, texts: &[&str]) -> (usize, usize) {
    let passages: Vec<String> = texts.iter().map(|text| quotes::bare(text)).collect();
    let (mut all, mut wrong) = (0, 0);
    let mut rest = answer;
    while let Some((_, opened)) = rest.split_once('「') {
        let (inner, closed) = match quotes::closing(opened) {
            Some(end) => (&opened[..end], true),
            None => (opened, false),
        };
        let quote = quotes::bare(inner);
        if quote.chars().count() >= quotes::SHORTEST {
            let found = closed && passages.iter().any(|passage| passage.contains(&quote));
            all += 1;
            wrong += usize::from(!found);
        }
        rest = &opened[inner.len()..];
    }
    (all, wrong)
}

/// The one letter that an answer names in its first words: 「b」, 「答え：B」, 「正解は(b)です」.
/// `None` where there is none, or several that are not told apart.
pub(super) fn letter(answer: &str) -> Option<char> {
    let head: Vec<char> =
        normalize(answer.trim()).chars().take(HEAD).map(|c| c.to_ascii_lowercase()).collect();
    let alone = |at: usize| {
        let before = at.checked_sub(1).and_then(|at| head.get(at));
        let after = head.get(at + 1);
        [before, after].iter().all(|c| c.is_none_or(|c| !c.is_ascii_alphanumeric()))
    };
    let found: Vec<usize> =
        (0..head.len()).filter(|at| LETTERS.contains(&head[*at]) && alone(*at)).collect();
    let announced = |at: &&usize| {
        let before: String = head[..**at].iter().filter(|c| !" ::(「".contains(**c)).collect();
        ["答え", "答えは", "正解", "正解は", "正しいのは", "正しいものは", "解答"]
            .iter()
            .any(|words| before.ends_with(words))
    };
    if let Some(at) = found.iter().find(announced) {
        return Some(head[*at]);
    }
    let at_start = |at: &usize| {
        let before = head[..*at].iter().all(|c| "([「『*".contains(*c));
        before && head.get(at + 1).is_none_or(|c| " .。、,)]」』:*\n".contains(*c))
    };
    match found.as_slice() {
        [first, ..] if at_start(first) => Some(head[*first]),
        [first, rest @ ..] if rest.iter().all(|at| head[*at] == head[*first]) => Some(head[*first]),
        _ => None,
    }
}

/// The choice that an answer takes: its letter, or else the one choice whose own wording it
/// repeats (for models that only quote). `None` when neither tells.
pub(super) fn chosen(answer: &str, choices: &[String; 4]) -> Option<char> {
    if let Some(letter) = letter(answer) {
        return Some(letter);
    }
    let said = terms(answer);
    let all: Vec<HashSet<String>> = choices.iter().map(|text| terms(text)).collect();
    let share = |at: usize| {
        let elsewhere = |term: &&String| (0..all.len()).any(|o| o != at && all[o].contains(*term));
        let own: Vec<_> = all[at].iter().filter(|term| !elsewhere(term)).collect();
        own.iter().filter(|term| said.contains(**term)).count() as f64 / own.len().max(1) as f64
    };
    let mut shares: Vec<(f64, char)> =
        LETTERS.iter().enumerate().map(|(at, letter)| (share(at), *letter)).collect();
    shares.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (best, letter) = shares[0];
    (best >= SHARE_LEAST && best >= shares[1].0 + MARGIN).then_some(letter)
}

/// Whole numbers, and pairs of other letters.
fn terms(text: &str) -> HashSet<String> {
    let plain: Vec<char> = arabic(text).chars().filter(|c| !c.is_whitespace()).collect();
    let mut terms = HashSet::new();
    for run in plain.chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit()) {
        match run[0].is_ascii_digit() {
            true => drop(terms.insert(run.iter().collect())),
            false => terms.extend(
                run.windows(2)
                    .filter(|pair| pair.iter().all(|c| c.is_alphanumeric()))
                    .map(|pair| pair.iter().collect::<String>()),
            ),
        }
    }
    terms
}

/// A text with its numbers in Arabic digits, without commas: 五十万円 and 500,000円 are 500000円.
fn arabic(text: &str) -> String {
    let text = normalize(text);
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(c) = rest.chars().next() {
        match leading_number(rest) {
            Some((number, length)) if length > 0 => {
                let after = &rest[length..];
                let myriads = c.is_ascii_digit() && after.starts_with('万');
                let number = if myriads { number.saturating_mul(10_000) } else { number };
                plain.push_str(&number.to_string());
                rest = if myriads { &after['万'.len_utf8()..] } else { after };
            }
            _ => {
                plain.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    plain
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
    fn letters_are_told_from_text() {
        for (answer, expected) in [
            ("b", Some('b')),
            ("Ｃ", Some('c')),
            ("正解は(d)です。", Some('d')),
            ("答え：Aです", Some('a')),
            ("b。資料[1]によります", Some('b')),
            ("「b」", Some('b')),
            ("aからdのうち、正しいのはcです。", Some('c')),
            ("aは誤りで、cではなくd", None),
            ("A及びBのいずれの書類も必要です。", None),
            ("DVDで提出する", None),
            ("「手数料は300円」[1]", None),
            ("", None),
        ] {
            assert_eq!(letter(answer), expected, "{answer}");
        }
    }

    #[test]
    fn a_quotation_takes_the_choice_whose_words_it_has() {
        let choices = ["200円とする。", "300円とする。", "免除する。", "50万円とする。"];
        let choices = choices.map(str::to_owned);
        assert_eq!(chosen("「手数料は、三百円とする。」[1]", &choices), Some('b'));
        assert_eq!(chosen("「手数料は、これを免除する。」[2]", &choices), Some('c'));
        assert_eq!(chosen("「五十万円とする。」[2]", &choices), Some('d'));
        assert_eq!(chosen("該当なし", &choices), None);
        assert_eq!(chosen("「窓口は市民課とする。」[1]", &choices), None);
        assert_eq!(chosen("d 「手数料は、300円とする。」[1]", &choices), Some('d'));
    }

    #[test]
    fn numbers_in_one_form() {
        assert_eq!(
            arabic("五十万円と1,600円、百二十三号、第１０条"),
            "500000円と1600円、123号、第10条"
        );
        assert_eq!(arabic("50万円"), "500000円");
    }

    #[test]
    fn answers_are_judged() {
        let texts = ["手数料は、三百円とする。", "市長は、「特例」を免除することができる。"];
        let judged = |answer: &str| verdict(answer, Some(0), &texts);
        let right = Verdict { none: false, cited: true, quotes: 1, misquoted: 0 };
        assert_eq!(judged("「手数料は、三百円とする。」[1]"), right);
        let wrong = Verdict { none: false, cited: false, quotes: 1, misquoted: 1 };
        assert_eq!(judged("「手数料は、四百円とする。」[2、1]"), wrong);
        assert_eq!(judged("「手数料は、三百円と"), wrong);
        let other = Verdict { misquoted: 0, ..wrong };
        assert_eq!(judged("「市長は、「特例」を免除することができる。」[2]"), other);
        let none = Verdict { none: true, ..Verdict::default() };
        for answer in ["該当なし", " 「該当なし」です。", "該当なし\n"] {
            assert_eq!(judged(answer), none, "{answer}");
        }
        assert!(!judged("該当なし。ただし[1]").none);
        assert!(!judged("三百円です。").cited);
    }
}
