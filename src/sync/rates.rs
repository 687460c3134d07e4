//! How often search errs with 該当なし on this box, kept with the generation that was measured.
//!
//! `measured.json` beside `generation.json`. It is a finding, not content: a generation without
//! one is whole, and a later measurement takes its place.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::disk::{self, read_json};
use super::{Installation, SyncError};
use crate::text::Lang;

/// Name of the file in the folder of a generation, and in a stage that becomes one.
pub const MEASURED_FILE: &str = "measured.json";

/// Quantile of the normal distribution for an interval of 95%.
const Z: f64 = 1.96;

/// From so many questions on a rate is told without a caution.
const MANY: usize = 100;

/// A count among others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    pub count: usize,
    pub of: usize,
}

impl Rate {
    /// Counts one more.
    pub fn count(&mut self, counts: bool) {
        self.count += usize::from(counts);
        self.of += 1;
    }

    /// In percent, 0 to 100; `None` when nothing was counted.
    pub fn percent(self) -> Option<f64> {
        (self.of > 0).then(|| self.count as f64 * 100.0 / self.of as f64)
    }

    /// Wilson's interval of 95%, in percent: where the rate of further questions of the same sort
    /// is to be expected. `None` when nothing was counted.
    pub fn interval_percent(self) -> Option<(f64, f64)> {
        let n = self.of as f64;
        let share = self.percent()? / 100.0;
        let middle = share + Z * Z / (2.0 * n);
        let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
        let scale = 100.0 / (1.0 + Z * Z / n);
        Some((((middle - half) * scale).max(0.0), ((middle + half) * scale).min(100.0)))
    }

    /// 「3.2%（124問中4問）」; of few questions also how high the rate may be in truth.
    pub fn label(self, lang: Lang) -> Option<String> {
        let Self { count, of } = self;
        let (percent, (_, most)) = (self.percent()?, self.interval_percent()?);
        Some(match (lang, of < MANY) {
            (Lang::Ja, false) => format!("{percent:.1}%（{of}問中{count}問）"),
            (Lang::Ja, true) => format!(
                "{percent:.1}%（{of}問中{count}問。質問が少ないため、実際は{most:.0}%ほどのこともあります）"
            ),
            (Lang::En, false) => format!("{percent:.1}% ({count} of {of})"),
            (Lang::En, true) => {
                format!("{percent:.1}% ({count} of {of}; few questions, it may be {most:.0}%)")
            }
        })
    }
}

/// The two mistakes of 該当なし.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundRates {
    /// Questions that a document answers and that became 該当なし: false refusals.
    pub refused: Rate,
    /// Questions that nothing answers and that got passages: false answers.
    pub answered: Rate,
}

impl FoundRates {
    /// Both rates in a line, for people; `None` when nothing was counted.
    pub fn label(&self, lang: Lang) -> Option<String> {
        let (refused, answered) = match lang {
            Lang::Ja => ("答えがあるのに該当なしとする割合", "答えがないのに文書を示す割合"),
            Lang::En => ("answerable but nothing found", "unanswerable but passages shown"),
        };
        let told = [(refused, self.refused), (answered, self.answered)];
        let told: Vec<String> = told
            .into_iter()
            .filter_map(|(name, rate)| Some(format!("{name} {}", rate.label(lang)?)))
            .collect();
        let between = if lang == Lang::Ja { "、" } else { ", " };
        (!told.is_empty()).then(|| told.join(between))
    }

    /// The counts of several data sets together.
    pub fn sum(all: impl IntoIterator<Item = Self>) -> Self {
        let add =
            |one: Rate, other: Rate| Rate { count: one.count + other.count, of: one.of + other.of };
        all.into_iter().fold(Self::default(), |sum, rates| Self {
            refused: add(sum.refused, rates.refused),
            answered: add(sum.answered, rates.answered),
        })
    }
}

/// What the questions came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Questions {
    /// `golden.toml` of the data set.
    Golden,
    /// A labelled file given to `kura eval retrieval`.
    Labelled,
}

/// `measured.json`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeasuredRates {
    #[serde(flatten)]
    pub rates: FoundRates,
    pub questions: Questions,
    /// Version that measured.
    pub kura_version: String,
    /// RFC 3339, local time.
    pub measured_at: String,
}

impl MeasuredRates {
    /// What was counted just now by this program.
    pub fn now(rates: FoundRates, questions: Questions) -> Self {
        let kura_version = env!("CARGO_PKG_VERSION").to_owned();
        Self { rates, questions, kura_version, measured_at: crate::document::timestamp() }
    }

    /// Both rates for a column: 「3% / 2%」, with 「-」 for what was not counted.
    pub fn short(&self) -> String {
        let percent = |rate: Rate| rate.percent().map(|percent| format!("{percent:.0}%"));
        let told = [self.rates.refused, self.rates.answered]
            .map(|rate| percent(rate).unwrap_or_else(|| "-".to_owned()));
        told.join(" / ")
    }

    /// The rates in a line, with what was asked and by which version if by another one.
    pub fn label(&self, lang: Lang) -> Option<String> {
        let rates = self.rates.label(lang)?;
        let version = &self.kura_version;
        let other = version != env!("CARGO_PKG_VERSION");
        Some(match (lang, other) {
            (_, false) => rates,
            (Lang::Ja, true) => format!("{rates}（kura {version}で測定）"),
            (Lang::En, true) => format!("{rates} (measured by kura {version})"),
        })
    }

    /// Keeps it in a stage that becomes a generation.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write_to(&self, stage: &Path) -> Result<(), SyncError> {
        disk::write_json(&stage.join(MEASURED_FILE), self)
    }
}

impl Installation {
    /// What was last measured with a generation on this box, if anything.
    ///
    /// # Errors
    /// The record is damaged or cannot be read.
    pub fn measured(&self, id: &str, generation: &str) -> Result<Option<MeasuredRates>, SyncError> {
        read_json(&self.generation_dir(id, generation).join(MEASURED_FILE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_carry_their_interval() {
        let rate = Rate { count: 4, of: 80 };
        assert_eq!(rate.percent(), Some(5.0));
        let (low, high) = rate.interval_percent().unwrap();
        // By hand after Wilson (1927), rounded.
        assert!((low - 1.96).abs() < 0.02 && (high - 12.16).abs() < 0.02, "{low} {high}");
        let none = Rate { count: 0, of: 50 };
        assert_eq!(none.interval_percent().unwrap().0, 0.0);
        assert_eq!(Rate::default().interval_percent(), None);
    }

    #[test]
    fn what_was_not_counted_is_not_told() {
        let refused = Rate { count: 1, of: 8 };
        let rates = FoundRates { refused, ..FoundRates::default() };
        let label = rates.label(Lang::Ja).unwrap();
        assert_eq!(
            label,
            "答えがあるのに該当なしとする割合 12.5%（8問中1問。質問が少ないため、実際は47%ほどのこともあります）"
        );
        assert_eq!(FoundRates::default().label(Lang::En), None);
        assert_eq!(FoundRates::sum([rates, rates]).refused, Rate { count: 2, of: 16 });
    }
}
