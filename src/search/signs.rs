//! What tells a passage that answers a question from one that only shares words with it.
//!
//! A near miss has the town, the card and the counter of the question, and not the one thing that
//! is asked about it. So beside how much of the question a passage covers, it is looked at how
//! much one of its sentences covers together with the titles above it, what the weightiest words
//! are that it lacks, and whether a value of the kind that is asked for stands there.

use serde::Serialize;

use super::content::Content;
use super::rank::{Question, idf};
use super::schema;
use super::values::{self, Value};
use crate::document::Passage;
use crate::text::{fold, sentences};

/// A passage's sentences that are looked at; a passage is cut to far fewer.
const SENTENCES_MAX: usize = 200;

/// What begins to ask: the noun before it is what is asked about.
const ASKING: [&str; 9] = ["何", "いくら", "いつ", "どこ", "誰", "だれ", "どの", "どう", "教えて"];

/// Below this likelihood of the best of the first hits a question is answered with 該当なし.
pub(super) const LIKELY_LEAST: f32 = 0.5;

/// What holds in one's own town is no answer about another, but may be shown as what is nearest.
const ELSEWHERE_MOST: f32 = 0.4;

/// A question of more content words tells a story, of which no passage repeats much; the labelled
/// questions have no such ones, so that only coverage judges them, as was fitted on tax cases.
const STORY_WORDS: f32 = 8.0;

/// Share of a story's content words that a passage must have.
fn story_share(words: f32) -> f32 {
    (1.1 / words.sqrt()).clamp(0.15, 0.5)
}

/// Reads one sign.
type Sign = fn(&Signs) -> f32;

/// What each sign counts for: a logistic function, fitted on the calibration half of
/// `index/sample-labelled.toml` (132 questions that a document answers, 72 that none does; each
/// by the best of its first five hits, both kinds with equal weight) and nothing else. The signs
/// were chosen one by one by what they add in cross-validation over documents, the bias where both
/// mistakes are as frequent there (15%). On the half held out 17 of 140 were refused, and 20 of 84
/// got passages (before: 7 and 34; with [`ELSEWHERE_MOST`], written after those were seen, 18):
/// what the words say of another facet of the same matter is not told apart by words alone.
const WEIGHTS: [(&str, Sign, f32); 5] = [
    ("lacking nouns, per root of words", |s| s.lacking_nouns / s.words.sqrt(), -3.45),
    ("value asked for", |s| s.value_somewhere, 0.93),
    ("share in two sentences", |s| s.together, 3.08),
    ("unknown", |s| s.unknown, 0.51),
    ("one over root of words", |s| 1.0 / s.words.sqrt(), -2.64),
];
const BIAS: f32 = 0.16;

/// The signs of one passage, each from 0 to 1 but where it says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Signs {
    /// Share of the content words' weight in the passage, titles included.
    pub coverage: f32,
    /// The same in the best two sentences that follow each other, with the titles.
    pub together: f32,
    /// Share of the weight of all bigrams.
    pub grams: f32,
    /// Share of the weight of stretches of characters.
    pub stretches: f32,
    /// Weight of the content words that the passage lacks, in words as rare as can be; above 1
    /// where several are lacking.
    pub lacking: f32,
    /// The same of the best two sentences.
    pub lacking_together: f32,
    /// Of `lacking`, what is due to words without an inflected ending.
    pub lacking_nouns: f32,
    /// Of `lacking`, what no passage of the data sets has.
    pub unknown: f32,
    /// Of `unknown`, what is due to words without an inflected ending.
    pub unknown_nouns: f32,
    /// How much the passage has of the last noun before what is asked.
    pub focus: f32,
    /// The same of the best two sentences.
    pub focus_together: f32,
    /// Weight of that noun where the passage lacks it, in words as rare as can be.
    pub focus_lacking: f32,
    /// 1 where a value is asked for and stands in the best two sentences, -1 where it is asked for
    /// and does not, 0 where none is asked for.
    pub value: f32,
    /// The same of the passage.
    pub value_somewhere: f32,
    /// Content words of the question.
    pub words: f32,
    /// 1 where the question is about a municipality that no passage of the data sets knows.
    pub elsewhere: f32,
}

impl Signs {
    /// How likely a passage with these signs is to answer, 0 to 1.
    pub fn likely(&self) -> f32 {
        // A question without a word of content, like a greeting, asks for nothing.
        if self.words < 1.0 {
            return 0.0;
        }
        if self.words > STORY_WORDS {
            return (LIKELY_LEAST * self.coverage / story_share(self.words)).min(1.0);
        }
        let weighed: f32 = WEIGHTS.iter().map(|(_, sign, weight)| weight * sign(self)).sum();
        let likely = 1.0 / (1.0 + (-(BIAS + weighed)).exp());
        match self.elsewhere > 0.0 {
            true => likely.min(ELSEWHERE_MOST),
            false => likely,
        }
    }
}

/// A question's side of the comparison.
pub(super) struct Reader<'q> {
    question: &'q Question,
    wanted: Vec<Value>,
    /// Weight of each content word; 0 for the name of the value that is asked for.
    weights: Vec<f32>,
    /// The content word about which something is asked.
    focus: Option<usize>,
    /// Whether it is about a municipality that no passage knows.
    is_elsewhere: bool,
    /// Weight of a word that one passage of the data sets has, and of one that none has.
    rarest: f32,
    unknown_from: f32,
}

impl<'q> Reader<'q> {
    /// `passages`: how many there are in all chosen data sets; `is_elsewhere`: the question is
    /// about a municipality that none of them knows.
    pub(super) fn new(
        question: &'q Question,
        folded: &str,
        passages: u64,
        is_elsewhere: bool,
    ) -> Self {
        let (rarest, once) = (idf(0, passages), idf(1, passages));
        let unknown_from = (rarest + once) / 2.0;
        // What names a kind of value is answered by the value: 値段 by 300円.
        let named = values::named(folded)
            .filter(|named| question.content.iter().any(|word| word.range.start < named.start));
        let is_named =
            |word: &Content| named.as_ref().is_some_and(|named| named.start <= word.range.start);
        let weight = |word: &Content| if is_named(word) { 0.0 } else { word.idf };
        let weights: Vec<f32> = question.content.iter().map(weight).collect();
        let asks = ASKING.iter().filter_map(|asks| folded.find(asks)).min();
        let focus = question.content.iter().zip(&weights).rposition(|(word, weight)| {
            !word.is_inflected() && *weight > 0.0 && asks.is_none_or(|asks| word.range.end <= asks)
        });
        let wanted = values::wanted(folded);
        Self { question, wanted, weights, focus, is_elsewhere, rarest, unknown_from }
    }

    pub(super) fn question(&self) -> &'q Question {
        self.question
    }

    /// Compares a passage with the question.
    pub(super) fn signs(&self, passage: &Passage) -> Signs {
        let content = &self.question.content;
        let title = schema::indexed_title(passage);
        let above = self.question.parts(&title);
        let text: Vec<String> =
            sentences(&passage.text).into_iter().take(SENTENCES_MAX).map(fold).collect();
        let each: Vec<Vec<f32>> = text.iter().map(|said| self.question.parts(said)).collect();
        let weight = |parts: &[f32]| -> f32 {
            self.weights.iter().zip(parts).map(|(weight, part)| weight * part).sum()
        };
        let mut best = (0..0, above.clone());
        for at in 0..each.len() {
            let window = at..each.len().min(at + 2);
            let parts = most(&above, &each[window.clone()]);
            if weight(&parts) > weight(&best.1) || best.0.is_empty() {
                best = (window, parts);
            }
        }
        let (window, together) = best;
        let whole = schema::indexed_text(passage);
        let parts = self.question.parts(&whole);
        let all = weight(&vec![1.0; content.len()]).max(f32::EPSILON);
        let lacking = |parts: &[f32]| (all - weight(parts)).max(0.0) / self.rarest;
        let some = |chosen: fn(&Self, usize) -> bool| {
            let of = content.iter().enumerate().filter(|(at, _)| chosen(self, *at));
            of.map(|(at, _)| self.weights[at] * (1.0 - parts[at])).sum::<f32>() / self.rarest
        };
        let of_focus = |parts: &[f32]| self.focus.map_or(1.0, |at| parts[at]);
        let near: String = text[window].concat();
        let (grams, stretches) = self.question.shares(&whole);
        Signs {
            coverage: weight(&parts) / all,
            together: weight(&together) / all,
            grams,
            stretches,
            lacking: lacking(&parts),
            lacking_together: lacking(&together),
            lacking_nouns: some(|own, at| !own.question.content[at].is_inflected()),
            unknown: some(|own, at| own.weights[at] >= own.unknown_from),
            unknown_nouns: some(|own, at| {
                own.weights[at] >= own.unknown_from && !own.question.content[at].is_inflected()
            }),
            focus: of_focus(&parts),
            focus_together: of_focus(&together),
            focus_lacking: self
                .focus
                .map_or(0.0, |at| self.weights[at] * (1.0 - parts[at]) / self.rarest),
            value: self.value(&near),
            value_somewhere: self.value(&whole),
            words: content.len() as f32,
            elsewhere: f32::from(u8::from(self.is_elsewhere)),
        }
    }

    fn value(&self, folded: &str) -> f32 {
        match self.wanted.iter().any(|value| value.stands_in(folded)) {
            _ if self.wanted.is_empty() => 0.0,
            true => 1.0,
            false => -1.0,
        }
    }
}

/// Of each word, the most that one of the texts has.
fn most(above: &[f32], texts: &[Vec<f32>]) -> Vec<f32> {
    let mut parts = above.to_vec();
    for text in texts {
        parts.iter_mut().zip(text).for_each(|(part, other)| *part = part.max(*other));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_content_nothing_is_likely() {
        let nothing = Signs { together: 1.0, coverage: 1.0, ..Signs::default() };
        assert_eq!(nothing.likely(), 0.0);
    }

    #[test]
    fn more_of_the_question_is_more_likely_and_a_lacking_noun_less() {
        let some = Signs { words: 4.0, together: 0.6, ..Signs::default() };
        let more = Signs { together: 0.9, coverage: 0.9, ..some };
        let lacking = Signs { lacking: 1.0, lacking_together: 1.0, lacking_nouns: 1.0, ..some };
        let valued = Signs { value: 1.0, value_somewhere: 1.0, ..some };
        assert!(more.likely() > some.likely());
        assert!(lacking.likely() < some.likely());
        assert!(valued.likely() > some.likely());
    }

    #[test]
    fn another_town_is_near_at_most() {
        let sure = Signs { words: 4.0, together: 1.0, coverage: 1.0, ..Signs::default() };
        assert!(sure.likely() >= LIKELY_LEAST);
        assert_eq!(Signs { elsewhere: 1.0, ..sure }.likely(), ELSEWHERE_MOST);
    }

    #[test]
    fn a_story_needs_a_smaller_share() {
        assert!(story_share(12.0) < 0.35 && story_share(12.0) > 0.3);
        assert_eq!(story_share(500.0), 0.15);
        let story = Signs { words: 100.0, coverage: 0.15, ..Signs::default() };
        assert!(story.likely() >= LIKELY_LEAST);
        assert!(Signs { coverage: 0.14, ..story }.likely() < LIKELY_LEAST);
    }
}
