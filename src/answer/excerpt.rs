//! The excerpt answer: where no model can be used, the best sentences of the passages, quoted.
//!
//! A sentence counts by the share of the question's character bigrams that it holds, with a bonus
//! for its passage's rank, since search has already judged the passages.

use std::collections::HashSet;

use crate::text::{normalize, sentences};

/// Sentences quoted at most.
const MOST: usize = 3;

/// Characters quoted at most from one sentence.
const LONGEST: usize = 300;

/// A quoted sentence and the number of its passage.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Quote {
    pub(super) number: usize,
    pub(super) sentence: String,
}

/// Picks the sentences that answer best, in order of their passages. `texts` are the passages,
/// best first, numbered from 1. At least one sentence is quoted when there is any text.
pub(super) fn quotes(question: &str, texts: &[&str]) -> Vec<Quote> {
    let wanted = bigrams(question);
    let mut scored: Vec<(f64, usize, usize, &str)> = Vec::new();
    for (rank, text) in texts.iter().enumerate() {
        for (position, sentence) in sentences(text).into_iter().enumerate() {
            let shared = bigrams(sentence).intersection(&wanted).count();
            let share = shared as f64 / wanted.len().max(1) as f64;
            let brevity = 1.0 / (1.0 + sentence.chars().count() as f64 / 400.0);
            let score = share * brevity + 0.15 / (1.0 + rank as f64);
            scored.push((score, rank, position, sentence));
        }
    }
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let best = scored.first().map_or(0.0, |first| first.0);
    scored.retain(|(score, ..)| *score >= best * 0.6);
    scored.truncate(MOST);
    scored.sort_by_key(|(_, rank, position, _)| (*rank, *position));
    scored
        .into_iter()
        .map(|(_, rank, _, sentence)| Quote { number: rank + 1, sentence: shorten(sentence) })
        .collect()
}

/// A quotation in the form of an answer: 「…」[1], a line each.
pub(super) fn compose(quotes: &[Quote]) -> String {
    let line = |quote: &Quote| format!("「{}」[{}]", quote.sentence, quote.number);
    quotes.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The share of the question's bigrams that a text holds, 0 to 1.
pub(super) fn overlap(question: &HashSet<(char, char)>, text: &str) -> f64 {
    let shared = bigrams(text).intersection(question).count();
    shared as f64 / question.len().max(1) as f64
}

/// Character bigrams of letters and digits, normalized.
pub(super) fn bigrams(text: &str) -> HashSet<(char, char)> {
    let characters: Vec<char> = normalize(text).to_lowercase().chars().collect();
    characters
        .windows(2)
        .filter(|pair| pair.iter().all(|c| c.is_alphanumeric()))
        .map(|pair| (pair[0], pair[1]))
        .collect()
}

fn shorten(sentence: &str) -> String {
    match sentence.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &sentence[..at]),
        None => sentence.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_that_answers_is_quoted() {
        let texts = [
            "証明書の交付を請求する者は、申請書を提出する。住民票の写しの手数料は、一通につき三百円とする。",
            "この規則は、公布の日から施行する。",
        ];
        let found = quotes("住民票の写しの手数料はいくらですか", &texts);
        assert_eq!(found[0].sentence, "住民票の写しの手数料は、一通につき三百円とする。");
        assert_eq!(compose(&found[..1]), "「住民票の写しの手数料は、一通につき三百円とする。」[1]");
    }

    #[test]
    fn nothing_to_quote() {
        assert_eq!(quotes("質問", &[]), []);
        assert_eq!(quotes("", &["文。"]).len(), 1);
    }
}
