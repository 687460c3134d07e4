//! What goes with an answer 該当なし: who said so, what was searched, what else could be, what came
//! nearest, and how often this box errs with it.
//!
//! The nearest passages are never part of the answer: they stand apart, closed, under a heading
//! that says so, and no model sees them.

use jiff::civil::Date;
use serde::Serialize;

use super::library::Shelf;
use super::sources;
use super::types::Source;
use crate::document::DatasetIdentity;
use crate::search::{Found, Hit};
use crate::sync::FoundRates;
use crate::text::Lang;

/// Passages that may be shown as the nearest.
const NEAREST_MAX: usize = 3;

/// Below this likelihood of answering a passage is not even near: nothing is shown for a greeting.
const NEAR: f32 = 0.05;

/// Who judged that nothing answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotFoundBy {
    /// Search found no passage that fits; no model was asked.
    Search,
    /// The model was given passages and said 該当なし.
    Model,
}

/// What is told beside an answer 該当なし.
#[derive(Clone, Debug, Serialize)]
pub struct NotFound {
    pub by: NotFoundBy,
    /// Data sets that were searched.
    pub searched: Vec<DatasetIdentity>,
    /// Titles of installed data sets that were not chosen.
    pub others: Vec<String>,
    /// How often search errs on this box with the data sets that were searched, in Japanese; empty
    /// where it was not measured.
    pub measured: String,
    /// What came nearest, best first, numbered from 1: for reference, not an answer.
    pub nearest: Vec<Source>,
}

impl NotFound {
    /// `found` holds what search kept although it is weak; with `by` the model, nothing of it is
    /// used, since the passages given are there already.
    pub(super) fn new(
        by: NotFoundBy,
        shelf: &Shelf,
        searched: &[DatasetIdentity],
        nearest: Vec<Source>,
    ) -> Self {
        let is_searched = |id: &str| searched.iter().any(|dataset| dataset.id == id);
        let others = shelf.records.iter().filter(|record| !is_searched(&record.info.id));
        let rates = searched.iter().filter_map(|dataset| shelf.measured(&dataset.id));
        let rates = FoundRates::sum(rates.map(|measured| measured.rates));
        Self {
            by,
            searched: searched.to_vec(),
            others: others.map(|record| record.info.title.clone()).collect(),
            measured: rates.label(Lang::Ja).unwrap_or_default(),
            nearest,
        }
    }
}

/// Says of another municipality that it stands nowhere: also where something is shown, which then
/// is of one's own.
pub(super) fn elsewhere(found: &Found) -> Option<String> {
    let names: Vec<String> = found.elsewhere.iter().map(|name| format!("「{name}」")).collect();
    (!names.is_empty()).then(|| {
        format!(
            "{}についての記述は、検索したデータセットにありません。ほかの市町村のことは、その市町村に確かめてください。",
            names.concat()
        )
    })
}

/// Takes what is weak out of a result: the passages that come nearest, for [`NotFound::nearest`].
pub(super) fn nearest(shelf: &Shelf, found: &mut Found, day: Date) -> Vec<Source> {
    if !found.weak {
        return Vec::new();
    }
    let near = |hit: &Hit| hit.likely >= NEAR;
    let hits = std::mem::take(&mut found.hits).into_iter().filter(near).take(NEAREST_MAX);
    sources::ranked(shelf, hits.collect(), day)
}
