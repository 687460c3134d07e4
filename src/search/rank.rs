//! Judges candidates on their text: BM25 fitted to the kind of question, how much of the question
//! they cover, and in how long pieces.

use std::collections::HashMap;

use super::analysis::{self, Sink};
use super::content::{self, Content};
use super::forms::Forms;
use super::schema;
use crate::document::Passage;
use crate::text::is_hiragana;

/// One term of the question.
#[derive(Clone, Debug)]
pub(super) struct QueryTerm {
    pub(super) text: String,
    /// How often the question has it; less for its forms and for synonyms.
    pub(super) count: f32,
    /// A synonym of a word that the question has.
    pub(super) added: bool,
    /// Passages that hold it, over all chosen data sets.
    pub(super) found_in: u64,
    pub(super) idf: f32,
}

/// What the index knows of a term, and of its passages as a whole.
pub(super) trait Statistics {
    /// Number of passages.
    fn passages(&self) -> u64;
    /// Passages that hold a term of this kind.
    fn found_in(&self, kind: Kind, term: &str) -> u64;
    /// Mean number of terms of this kind in a passage.
    fn mean_length(&self, kind: Kind) -> f32;
}

/// The kinds of terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Gram,
    Word,
    /// Single characters, which count in keyword questions.
    Char,
}

/// All terms of one kind in a question.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) list: Vec<QueryTerm>,
    places: HashMap<String, usize>,
    cut: fn(&str, Sink<'_>),
    mean_length: f32,
}

/// A question after analysis.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) grams: Terms,
    pub(super) words: Terms,
    chars: Terms,
    pub(super) content: Vec<Content>,
    /// Weights of stretches of [`STRETCH`] characters, and where they are kept.
    stretches: Vec<f32>,
    stretch_places: HashMap<String, usize>,
    keywords: bool,
}

/// What a passage has of the question.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Evidence {
    /// For the order of hits.
    pub(super) score: f32,
    /// Share of the content words' weight, 0 to 1.
    pub(super) coverage: f32,
}

// What follows was fitted on the development halves of five sets: encyclopedia questions, tax
// cases, town pages, law questions and citations.

/// Characters in a stretch: longer than words, shorter than phrases.
const STRETCH: usize = 5;
/// A longer question is never a list of keywords; in characters.
const KEYWORDS_CHARS_MAX: usize = 30;
/// Saturation of BM25.
const K1: f32 = 1.2;
/// How much a passage's length counts against it. A question's words are many and common, so
/// that long passages have them by chance; of keywords a long page may well be the best.
const B_QUESTION: f32 = 0.9;
const B_KEYWORDS: f32 = 0.6;
const B_CHARS: f32 = 0.6;
/// In keywords, which are often compounds, characters say more and whole words less.
const KEYWORDS_WORDS: f32 = 0.2;
const KEYWORDS_CHARS: f32 = 2.0;
/// What full coverage of words, content words and stretches adds to a question's score.
const COVERED_WORDS: f32 = 1.0;
const COVERED_CONTENT: f32 = 0.5;
const COVERED_STRETCHES: f32 = 0.3;
/// What the highest authority adds to a score over the lowest: of passages that answer equally
/// well the law comes before the FAQ. Less than what tells two passages of one document apart.
const AUTHORITY: f32 = 0.01;
/// With no more content words than this beside a citation, the cited provision comes first.
const BARE_WORDS_MAX: usize = 2;

/// The classic BM25 weight of a term.
pub(super) fn idf(found_in: u64, passages: u64) -> f32 {
    let (found_in, passages) = (found_in as f32, passages as f32);
    (1.0 + (passages - found_in + 0.5).max(0.5) / (found_in + 0.5)).ln()
}

impl Terms {
    fn of(
        folded: &str,
        forms: &Forms,
        kind: Kind,
        cut: fn(&str, Sink<'_>),
        statistics: &dyn Statistics,
    ) -> Self {
        let mean_length = statistics.mean_length(kind).max(1.0);
        let mut terms = Self { list: Vec::new(), places: HashMap::new(), cut, mean_length };
        cut(folded, &mut |text, range| {
            let weight = forms.weight(folded, &range);
            let at = terms.place(text, kind, false, statistics);
            terms.list[at].count += weight;
        });
        terms
    }

    /// Place of a term, which is made if it is not there yet.
    pub(super) fn place(
        &mut self,
        text: &str,
        kind: Kind,
        added: bool,
        statistics: &dyn Statistics,
    ) -> usize {
        if let Some(at) = self.at(text) {
            return at;
        }
        let found_in = statistics.found_in(kind, text);
        let idf = idf(found_in, statistics.passages());
        self.places.insert(text.to_owned(), self.list.len());
        self.list.push(QueryTerm { text: text.to_owned(), count: 0.0, added, found_in, idf });
        self.list.len() - 1
    }

    pub(super) fn at(&self, term: &str) -> Option<usize> {
        self.places.get(term).copied()
    }

    /// Whether a term was looked for and no passage has it.
    pub(super) fn is_nowhere(&self, term: &str) -> bool {
        self.at(term).is_some_and(|at| self.list[at].found_in == 0)
    }

    /// How often a text has each term, and the number of all its terms.
    fn counts(&self, folded: &str) -> (Vec<f32>, f32) {
        let (mut counts, mut length) = (vec![0.0; self.list.len()], 0.0);
        (self.cut)(folded, &mut |term, _| {
            length += 1.0;
            if let Some(at) = self.at(term) {
                counts[at] += 1.0;
            }
        });
        (counts, length)
    }

    /// BM25 with `b`, the weight of a passage's length.
    fn score(&self, counts: &[f32], length: f32, b: f32) -> f32 {
        let norm = K1 * (1.0 - b + b * length / self.mean_length);
        let parts = self.list.iter().zip(counts);
        parts.map(|(term, n)| term.count * term.idf * (K1 + 1.0) * n / (n + norm)).sum()
    }

    /// Share of the terms' weight that a passage has.
    fn covered(&self, counts: &[f32]) -> f32 {
        let asked = self.list.iter().zip(counts).filter(|(term, _)| !term.added);
        share(asked.map(|(term, n)| (term.idf * term.count.min(1.0), n.min(1.0))))
    }
}

impl Question {
    /// Analyses a folded question; `rest` is the question without its citations.
    pub(super) fn new(folded: &str, rest: &str, statistics: &dyn Statistics) -> Self {
        let forms = Forms::of(folded);
        let mut grams = Terms::of(folded, &forms, Kind::Gram, analysis::grams, statistics);
        let words = Terms::of(folded, &forms, Kind::Word, analysis::words, statistics);
        let chars = Terms::of(folded, &forms, Kind::Char, analysis::chars, statistics);
        let content = content::of(rest, &mut grams, &words, statistics);
        let (mut stretches, mut stretch_places) = (Vec::new(), HashMap::new());
        for_stretches(folded, |stretch| {
            if !stretch_places.contains_key(stretch) {
                let mut weight = 0.0;
                analysis::grams(stretch, &mut |gram, _| {
                    let term = grams.at(gram).map(|at| &grams.list[at]);
                    weight += term.map_or(0.0, |term| term.idf * term.count.min(1.0));
                });
                stretch_places.insert(stretch.to_owned(), stretches.len());
                stretches.push(weight);
            }
        });
        let keywords = is_keywords(folded);
        Self { grams, words, chars, content, stretches, stretch_places, keywords }
    }

    /// True when next to nothing but citations, function words and question forms is in it.
    pub(super) fn is_bare(&self) -> bool {
        self.content.len() <= BARE_WORDS_MAX
    }

    /// Compares a passage with the question.
    pub(super) fn evidence(&self, passage: &Passage) -> Evidence {
        let mut evidence = self.said(passage);
        evidence.score *= 1.0 + AUTHORITY * passage.authority.weight();
        evidence
    }

    /// The same by the text alone.
    fn said(&self, passage: &Passage) -> Evidence {
        let text = schema::indexed_text(passage);
        let (gram_counts, gram_length) = self.grams.counts(&text);
        let (word_counts, word_length) = self.words.counts(&text);
        let coverage = self.coverage(&text, &gram_counts, &word_counts);
        if self.keywords {
            let (counts, length) = self.chars.counts(&text);
            let score = self.grams.score(&gram_counts, gram_length, B_KEYWORDS)
                + KEYWORDS_WORDS * self.words.score(&word_counts, word_length, B_KEYWORDS)
                + KEYWORDS_CHARS * self.chars.score(&counts, length, B_CHARS);
            return Evidence { score, coverage };
        }
        let score = self.grams.score(&gram_counts, gram_length, B_QUESTION)
            + self.words.score(&word_counts, word_length, B_QUESTION);
        let covered = COVERED_WORDS * self.words.covered(&word_counts)
            + COVERED_CONTENT * coverage
            + COVERED_STRETCHES * self.stretches_in(&text);
        Evidence { score: score * (1.0 + covered), coverage }
    }

    /// Share of the stretches' weight that a text has.
    fn stretches_in(&self, text: &str) -> f32 {
        let mut seen = vec![0.0; self.stretches.len()];
        for_stretches(text, |stretch| {
            if let Some(&at) = self.stretch_places.get(stretch) {
                seen[at] = 1.0;
            }
        });
        share(self.stretches.iter().copied().zip(seen))
    }

    /// Share of the content words' weight that a passage has; part of a word counts in part.
    fn coverage(&self, text: &str, grams: &[f32], words: &[f32]) -> f32 {
        let parts = self.parts_of(text, grams, words);
        share(self.content.iter().map(|content| content.idf).zip(parts))
    }

    /// How much a folded text has of each content word, 0 to 1.
    pub(super) fn parts(&self, folded: &str) -> Vec<f32> {
        let (grams, words) = (self.grams.counts(folded).0, self.words.counts(folded).0);
        self.parts_of(folded, &grams, &words).collect()
    }

    fn parts_of<'t>(
        &'t self,
        text: &'t str,
        grams: &'t [f32],
        words: &'t [f32],
    ) -> impl Iterator<Item = f32> + 't {
        self.content.iter().map(move |content| match content.word {
            Some(at) if words[at] > 0.0 => 1.0,
            _ => content.part(text, grams),
        })
    }

    /// Shares of the bigrams' and of the stretches' weight that a folded text has.
    pub(super) fn shares(&self, folded: &str) -> (f32, f32) {
        let grams = self.grams.covered(&self.grams.counts(folded).0);
        (grams, self.stretches_in(folded))
    }
}

/// A heading or a few words, typed as one types them into a search box, and no question.
fn is_keywords(folded: &str) -> bool {
    let text = folded.trim_end_matches(['。', '.', ' ', '\n']);
    // Headings end like this, and questions do not.
    let text = text.trim_end_matches("について");
    let asks = ["か", "?", "い", "て", "よ", "う", "る", "す", "は"];
    text.chars().count() <= KEYWORDS_CHARS_MAX
        && !text.contains('?')
        && !asks.iter().any(|end| text.ends_with(end))
}

fn share(parts: impl Iterator<Item = (f32, f32)>) -> f32 {
    let (whole, part) = parts
        .fold((0.0, 0.0), |(whole, part), (weight, got)| (whole + weight, part + weight * got));
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// Runs of [`STRETCH`] letters with more than hiragana in them.
fn for_stretches<'a>(folded: &'a str, mut sink: impl FnMut(&'a str)) {
    let mut starts = [0; STRETCH];
    let (mut run, mut telling) = (0usize, 0usize);
    for (at, c) in folded.char_indices() {
        if !c.is_alphanumeric() {
            (run, telling) = (0, 0);
            continue;
        }
        starts[run % STRETCH] = at;
        run += 1;
        telling = if is_hiragana(c) { telling.saturating_sub(1) } else { STRETCH };
        if run >= STRETCH && telling > 0 {
            sink(&folded[starts[run % STRETCH]..at + c.len_utf8()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A corpus of one passage in which every term is rare.
    struct Rare;

    impl Statistics for Rare {
        fn passages(&self) -> u64 {
            100
        }

        fn found_in(&self, _: Kind, _: &str) -> u64 {
            1
        }

        fn mean_length(&self, _: Kind) -> f32 {
            50.0
        }
    }

    fn question(text: &str) -> Question {
        Question::new(text, text, &Rare)
    }

    #[test]
    fn questions_and_keywords() {
        for (text, expected) in [
            ("市営住宅の入居について", true),
            ("狂犬病予防注射と犬の登録", true),
            ("転入届は何日以内に出しますか", false),
            ("転入届を出す期限は?", false),
            ("ごみの出し方を教えて", false),
        ] {
            assert_eq!(question(text).keywords, expected, "{text}");
        }
    }

    #[test]
    fn question_forms_are_no_content() {
        for (text, bare) in [
            ("の内容は?", true),
            ("に規定する要件は何か", true),
            ("について教えてください", true),
            ("住民票の写しの交付手数料はいくらですか", false),
        ] {
            assert_eq!(question(text).is_bare(), bare, "{text} {:?}", question(text).content);
        }
    }

    #[test]
    fn stretches_are_runs_with_more_than_hiragana() {
        let mut found = Vec::new();
        for_stretches("住民票の写し、するときはこの", |stretch| found.push(stretch));
        assert_eq!(found, ["住民票の写", "民票の写し"]);
    }
}
