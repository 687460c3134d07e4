//! Labelled questions: how often search says 該当なし wrongly, and how often it should have and
//! did not.
//!
//! The form is that of golden questions (`index/README.md`), with two more keys for those who
//! calibrate: `split` names the part of the set that a question belongs to, `kind` what sort of
//! question it is; `quote` holds the words that answer, for people and for the test of the file.
//!
//! What is counted is search's own judgement, by which a question becomes 該当なし before a model
//! is asked. A question that a document answers and that finds nothing is a false refusal; one
//! that nothing answers and that gets passages is a false answer.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use super::golden::GoldenError;
use super::golden::{Expected, file};
use crate::document::Passage;
use crate::search::{Query, SearchError, Searcher, Signs};
use crate::sync::FoundRates;

/// Hits that are looked at for the right one.
const PLACES: usize = 10;

/// A labelled set, read and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Labelled {
    questions: Vec<LabelledQuestion>,
}

/// One question with what is known of its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelledQuestion {
    /// What is asked.
    pub ask: String,
    /// Part of the set that it belongs to; empty where the file names none.
    pub split: String,
    /// What sort of question it is; empty where the file names none.
    pub kind: String,
    /// Words of the document that answer; empty where the file gives none.
    pub quote: String,
    expected: Option<Expected>,
}

/// How one question came out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    pub ask: String,
    pub split: String,
    pub kind: String,
    /// Whether a document answers it.
    pub answerable: bool,
    /// Whether search gave passages.
    pub found: bool,
    /// Place of the right passage among the first ten, 1 first, weak ones counted too; `None`
    /// where it is not among them or there is none.
    pub place: Option<usize>,
    /// How likely the best of the first hits is to answer, 0 to 1, as search judges.
    pub likely: f32,
    /// What the judgement rests on, for the hits that were looked at, best first.
    pub signs: Vec<Signs>,
}

/// How a whole set came out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// Over all questions.
    pub rates: FoundRates,
    /// The same for each part of the set, by its name.
    pub splits: BTreeMap<String, FoundRates>,
    /// The same for each sort of question.
    pub kinds: BTreeMap<String, FoundRates>,
    /// Each question, in the order of the file.
    pub questions: Vec<Outcome>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    /// Of golden questions; not looked at here.
    #[serde(rename = "threshold")]
    _threshold: Option<f64>,
    #[serde(default)]
    question: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    ask: String,
    source: Option<String>,
    article: Option<String>,
    #[serde(default)]
    none: bool,
    #[serde(default)]
    split: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    quote: String,
}

impl LabelledQuestion {
    /// Whether a passage is of the document, and of the article, that answers.
    pub fn is_answered_by(&self, passage: &Passage) -> bool {
        self.expected.as_ref().is_some_and(|expected| expected.is_met_by(passage))
    }

    /// Path of the document that answers; `None` where none does.
    pub fn source(&self) -> Option<&str> {
        self.expected.as_ref().map(|expected| expected.path.as_str())
    }
}

impl Labelled {
    /// Reads a file of labelled or golden questions.
    ///
    /// # Errors
    /// It cannot be read, or a question is incomplete: [`GoldenError`] names the place.
    pub fn load(path: &Path) -> Result<Self, GoldenError> {
        Self::parse(&file::read(path)?)
    }

    /// Reads the text of such a file.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn parse(text: &str) -> Result<Self, GoldenError> {
        let content: Content = file::toml(text)?;
        file::check_count(content.question.len())?;
        let questions = (1..).zip(content.question).map(|(number, line)| {
            let (ask, source, article) = (line.ask, line.source, line.article);
            let (ask, expected) =
                file::checked(number, ask, source, article.as_deref(), line.none)?;
            let (split, kind, quote) = (line.split, line.kind, line.quote);
            Ok(LabelledQuestion { ask, split, kind, quote, expected })
        });
        Ok(Self { questions: questions.collect::<Result<_, GoldenError>>()? })
    }

    /// The questions, in the order of the file.
    pub fn questions(&self) -> &[LabelledQuestion] {
        &self.questions
    }

    /// Asks every question; `told` hears how many are done.
    ///
    /// # Errors
    /// [`SearchError::Cancelled`], or what reading the index gave.
    pub fn measure(
        &self,
        searcher: &Searcher,
        cancelled: &AtomicBool,
        told: impl Fn(usize),
    ) -> Result<Measured, SearchError> {
        let mut questions = Vec::with_capacity(self.questions.len());
        for question in &self.questions {
            if cancelled.load(Ordering::Relaxed) {
                return Err(SearchError::Cancelled);
            }
            questions.push(question.ask(searcher)?);
            told(questions.len());
        }
        Ok(Measured {
            rates: rates(questions.iter()),
            splits: by(&questions, |outcome| &outcome.split),
            kinds: by(&questions, |outcome| &outcome.kind),
            questions,
        })
    }
}

impl LabelledQuestion {
    fn ask(&self, searcher: &Searcher) -> Result<Outcome, SearchError> {
        let text = self.ask.clone();
        let query = Query { text, limit: PLACES, keep_weak: true, ..Query::default() };
        let found = searcher.search(&query)?;
        let right = |expected: &Expected| {
            found.hits.iter().position(|hit| expected.is_met_by(&hit.passage)).map(|at| at + 1)
        };
        let signs = found.hits.iter().map(|hit| hit.signs).take_while(|s| *s != Signs::default());
        Ok(Outcome {
            ask: self.ask.clone(),
            split: self.split.clone(),
            kind: self.kind.clone(),
            answerable: self.expected.is_some(),
            found: !found.weak && !found.hits.is_empty(),
            place: self.expected.as_ref().and_then(right),
            likely: found.likely,
            signs: signs.collect(),
        })
    }
}

/// Counts both kinds of mistake.
fn rates<'o>(outcomes: impl Iterator<Item = &'o Outcome>) -> FoundRates {
    let mut rates = FoundRates::default();
    for outcome in outcomes {
        match outcome.answerable {
            true => rates.refused.count(!outcome.found),
            false => rates.answered.count(outcome.found),
        }
    }
    rates
}

/// The same for each part of a set, where it has parts.
fn by(outcomes: &[Outcome], name: fn(&Outcome) -> &str) -> BTreeMap<String, FoundRates> {
    let mut parts = BTreeMap::<String, Vec<&Outcome>>::new();
    for outcome in outcomes.iter().filter(|outcome| !name(outcome).is_empty()) {
        parts.entry(name(outcome).to_owned()).or_default().push(outcome);
    }
    parts.into_iter().map(|(name, part)| (name, rates(part.into_iter()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::Rate;

    fn outcome(answerable: bool, found: bool, split: &str) -> Outcome {
        let (ask, kind, signs) = (String::new(), String::new(), Vec::new());
        let split = split.to_owned();
        Outcome { ask, split, kind, answerable, found, place: None, likely: 0.0, signs }
    }

    #[test]
    fn both_mistakes_are_counted_apart() {
        let outcomes = [
            outcome(true, true, "a"),
            outcome(true, false, "a"),
            outcome(false, true, "b"),
            outcome(false, false, "b"),
            outcome(false, false, ""),
        ];
        let all = rates(outcomes.iter());
        assert_eq!(
            (all.refused, all.answered),
            (Rate { count: 1, of: 2 }, Rate { count: 1, of: 3 })
        );
        let parts = by(&outcomes, |outcome| &outcome.split);
        assert_eq!(parts.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(parts["a"].answered.of, 0);
        assert_eq!(parts["b"].answered, Rate { count: 1, of: 2 });
    }

    #[test]
    fn golden_questions_are_labelled_questions_too() {
        let golden = include_str!("../../index/sample/golden.toml");
        let read = Labelled::parse(golden).unwrap();
        assert!(read.questions().iter().any(|question| question.source().is_none()));
        assert!(read.questions().iter().all(|question| question.split.is_empty()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, part) in [
            ("[[question]]\nask = ''\nnone = true", "question 1"),
            ("[[question]]\nask = 'a'", "none"),
            ("[[question]]\nask = 'a'\nnone = true\nsource = 'b'", "none"),
            ("[[question]]\nask = 'a'\nsource = 'b'\ncolour = 'c'", "colour"),
            ("", "0 questions"),
        ] {
            let why = Labelled::parse(text).unwrap_err().to_string();
            assert!(why.contains(part), "{text}: {why}");
        }
    }
}
