//! The best sentences of the passages, quoted: on the screen while the model still reads, and the
//! whole answer where no model can be used.
//!
//! A sentence counts by what it has of the question (rare words more), with a bonus for its
//! passage's rank, since search has already judged the passages. Items and rows of tables count as
//! sentences.

use super::quotes::paired_part;
use super::trim::{LONG_CHARS, units};
use super::types::Excerpt;
use crate::document::Authority;
use crate::search::Relevance;

/// Sentences quoted at most.
const MOST: usize = 3;

/// Characters quoted at most from one sentence.
const LONGEST: usize = 300;

/// What a value of the kind asked for adds, and what the first rank does.
const VALUE: f32 = 0.1;
const FIRST: f32 = 0.15;

/// What the highest authority adds over the lowest: it decides between sentences that answer
/// equally well, and hardly ever between others.
const AUTHORITY: f32 = 0.02;

/// A sentence of less than this part of the best one's score is not quoted.
const LEAST: f32 = 0.6;

/// Stands behind a sentence that was cut.
const CUT: char = '…';

/// A passage to quote from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quotable<'p> {
    pub(super) number: usize,
    /// Place in the order of the search, from 1.
    pub(super) rank: usize,
    pub(super) authority: Authority,
    pub(super) text: &'p str,
}

/// Picks the sentences that answer best, best passage first. At least one is quoted when there is
/// any text.
pub(super) fn quotes(relevance: &Relevance, passages: &[Quotable<'_>]) -> Vec<Excerpt> {
    let mut scored: Vec<(f32, usize, usize, Excerpt)> = Vec::new();
    for passage in passages {
        for unit in units(passage.text, LONGEST.max(LONG_CHARS)) {
            let sentence = &passage.text[unit.range.clone()];
            let brevity = 1.0 / (1.0 + sentence.chars().count() as f32 / 400.0);
            let value = if relevance.has_value(sentence) { VALUE } else { 0.0 };
            let score = (relevance.share(sentence) + value) * brevity
                + FIRST / passage.rank as f32
                + AUTHORITY * passage.authority.weight();
            let excerpt = Excerpt { number: passage.number, text: shorten(sentence) };
            scored.push((score, passage.rank, unit.range.start, excerpt));
        }
    }
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let best = scored.first().map_or(0.0, |first| first.0);
    scored.retain(|(score, ..)| *score >= best * LEAST);
    scored.truncate(MOST);
    scored.sort_by_key(|(_, rank, start, _)| (*rank, *start));
    scored.into_iter().map(|(.., excerpt)| excerpt).collect()
}

/// Excerpts in the form of an answer: 「…」[1], a line each.
pub(super) fn compose(excerpts: &[Excerpt]) -> String {
    let line = |excerpt: &Excerpt| {
        // A number in brackets that the passage itself has is no citation.
        let text = excerpt.text.replace('[', "［").replace(']', "］");
        let whole = text.strip_suffix(CUT).unwrap_or(&text);
        let part = paired_part(whole);
        // What was left out is no part of the quotation.
        let left_out = if part.len() < text.len() { "（一部）" } else { "" };
        format!("「{part}」{left_out}[{}]", excerpt.number)
    };
    excerpts.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn shorten(sentence: &str) -> String {
    match sentence.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}{CUT}", &sentence[..at]),
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
        let passages =
            [(2, 1), (1, 2)].map(|(number, rank)| quotable(number, rank, texts[rank - 1]));
        let relevance = Relevance::plain("住民票の写しの手数料はいくらですか");
        let found = quotes(&relevance, &passages);
        assert_eq!(found[0].text, "住民票の写しの手数料は、一通につき三百円とする。");
        assert_eq!(compose(&found[..1]), "「住民票の写しの手数料は、一通につき三百円とする。」[2]");
    }

    fn quotable(number: usize, rank: usize, text: &str) -> Quotable<'_> {
        Quotable { number, rank, authority: Authority::Manual, text }
    }

    #[test]
    fn of_equal_sentences_the_higher_authority_comes_first() {
        let text = "粗大ごみの処理手数料は、1点につき500円とする。";
        let faq = Quotable { authority: Authority::Faq, ..quotable(1, 2, text) };
        let rule = Quotable { authority: Authority::Ordinance, ..quotable(2, 2, text) };
        let found = quotes(&Relevance::plain("粗大ごみの手数料はいくらですか"), &[faq, rule]);
        assert_eq!(found[0].number, 2);
    }

    /// A sentence that was cut inside of its own 「」 is quoted as far as they come in pairs.
    #[test]
    fn a_part_is_quoted_with_whole_brackets() {
        let composed = |text: &str| compose(&[Excerpt { number: 2, text: text.to_owned() }]);
        for (text, expected) in [
            ("市長は「特例」を定める。", "「市長は「特例」を定める。」[2]"),
            ("次のとおりとし「甲」と、「第一", "「次のとおりとし「甲」と、」（一部）[2]"),
            ("項」とあるのは「乙」と読み替える。", "「とあるのは「乙」と読み替える。」（一部）[2]"),
            ("長い文…", "「長い文」（一部）[2]"),
            ("注[1]による。", "「注［1］による。」[2]"),
        ] {
            assert_eq!(composed(text), expected, "{text}");
        }
    }

    #[test]
    fn nothing_to_quote() {
        assert_eq!(quotes(&Relevance::plain("質問"), &[]), []);
        let passage = quotable(1, 1, "文。");
        assert_eq!(quotes(&Relevance::plain(""), &[passage]).len(), 1);
    }
}
