//! Golden questions: what a data set must still find after an update. They travel with it.
//!
//! `golden.toml` beside `dataset.toml`:
//!
//! ```toml
//! threshold = 0.9                          # share that must be right, above 0, at most 1
//!
//! [[question]]
//! ask = "転入届は何日以内に出しますか"
//! source = "notice/r7-juumin-idou.docx"    # path of the document that answers
//!
//! [[question]]
//! ask = "附属機関の会議録は何年保存しますか"
//! source = "ordinance/bunsho-kanri-kitei.html"
//! article = "第7条"                        # where in it; 「第5条第2項」 and 「附則第1条」 too
//!
//! [[question]]
//! ask = "水道の使用開始はどこに届け出ますか"
//! none = true                              # no document answers: 該当なし is right
//! ```
//!
//! A question with a `source` is right when a passage of that document (and of that article, where
//! one is given) is among the first [`PLACES`] hits. One with `none = true` is right when the
//! search finds nothing that fits: by that an answer becomes 該当なし before a model is asked.
//! Only the data set itself is searched, with the searcher that answers use.

pub(super) mod file;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use crate::document::{ArticleRef, Passage};
use crate::search::{Index, Query, SearchError, Searcher};
use crate::sync::FoundRates;
use crate::text::Lang;

pub use file::{GOLDEN_BYTES_MAX, GoldenError};

/// Hits among which the expected document must be: what a reader sees without scrolling, and less
/// than a model is given.
pub const PLACES: usize = 3;

/// Failed questions that are named in one line; the rest is counted.
const NAMED: usize = 5;

/// Golden questions, read and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Golden {
    threshold: f64,
    questions: Vec<Question>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Question {
    ask: String,
    /// `None` where 該当なし is right.
    expected: Option<Expected>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) path: String,
    article: Option<ArticleRef>,
}

/// How the questions came out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GoldenOutcome {
    pub right: usize,
    pub of: usize,
    pub threshold: f64,
    /// Texts of the questions that came out wrong.
    pub failed: Vec<String>,
    /// How often 該当なし was wrong, and how often it was missing.
    pub rates: FoundRates,
}

impl Golden {
    /// Reads the `golden.toml` of a data set; `None` where it has none.
    ///
    /// # Errors
    /// It cannot be read, or a question is incomplete: [`GoldenError`] names the place.
    pub fn load(path: &Path) -> Result<Option<Self>, GoldenError> {
        file::load(path)
    }

    /// Asks every question.
    ///
    /// # Errors
    /// [`SearchError::Cancelled`], or what reading the index gave.
    pub fn ask(
        &self,
        index: &Arc<Index>,
        cancelled: &AtomicBool,
    ) -> Result<GoldenOutcome, SearchError> {
        let searcher = Searcher::new(vec![(String::new(), index.clone())]);
        let (mut failed, mut rates) = (Vec::new(), FoundRates::default());
        for question in &self.questions {
            if cancelled.load(Ordering::Relaxed) {
                return Err(SearchError::Cancelled);
            }
            let text = question.ask.clone();
            let found = searcher.search(&Query { text, limit: PLACES, ..Query::default() })?;
            match question.expected {
                Some(_) => rates.refused.count(found.hits.is_empty()),
                None => rates.answered.count(!found.hits.is_empty()),
            }
            let mut passages = found.hits.iter().map(|hit| &hit.passage);
            let is_right = match &question.expected {
                Some(expected) => passages.any(|passage| expected.is_met_by(passage)),
                None => passages.next().is_none(),
            };
            if !is_right {
                failed.push(question.ask.clone());
            }
        }
        let of = self.questions.len();
        let right = of - failed.len();
        Ok(GoldenOutcome { right, of, threshold: self.threshold, failed, rates })
    }
}

impl Expected {
    /// A passage that holds a whole article holds each of its paragraphs.
    pub(super) fn is_met_by(&self, passage: &Passage) -> bool {
        let Some(wanted) = &self.article else { return passage.path == self.path };
        let Some(there) = &passage.article else { return false };
        let paragraph = wanted
            .paragraph
            .is_none_or(|number| there.paragraph.is_none_or(|paragraph| paragraph == number));
        passage.path == self.path
            && there.article == wanted.article
            && there.supplement.is_some() == wanted.supplement.is_some()
            && paragraph
    }
}

impl GoldenOutcome {
    /// Whether enough questions came out right.
    pub fn passes(&self) -> bool {
        // In whole questions, so that 9 of 10 reach 0.9 whatever the rounding.
        self.right as f64 + 1e-9 >= self.threshold * self.of as f64
    }

    /// How many came out right.
    pub fn tally(&self, lang: Lang) -> String {
        let (right, of) = (self.right, self.of);
        match lang {
            Lang::Ja => format!("確認用の質問：{of}問のうち{right}問が正答"),
            Lang::En => format!("golden questions: {right} of {of} right"),
        }
    }

    /// What came out wrong, in one line.
    pub fn summary(&self, lang: Lang) -> String {
        let named = self.failed.iter().take(NAMED).map(|text| format!("「{text}」"));
        let named: Vec<String> = named.collect();
        let (wrong, of) = (self.failed.len(), self.of);
        let rest = wrong.saturating_sub(NAMED);
        match lang {
            Lang::Ja => {
                let more = if rest > 0 { format!("ほか{rest}問") } else { String::new() };
                format!("{of}問のうち{wrong}問が不正解：{}{more}", named.concat())
            }
            Lang::En => {
                let more = if rest > 0 { format!(" +{rest}") } else { String::new() };
                format!("{wrong} of {of} wrong: {}{more}", named.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests;
