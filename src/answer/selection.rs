//! What a question is answered from: data sets, editions, the day, authority, scope and period.
//!
//! A [`Selection`] is checked: its words and dates exist. Whether its data sets and editions are
//! installed is seen when a shelf is taken (`library`). A [`Choice`] is what a person typed or a
//! program sent; the page, the API and the command line all read it here, so that all refuse the
//! same values with the same words.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::types::ServiceError;
use crate::document::{Authority, Passage, Scope};
use crate::text::dates;

/// Where to look for an answer. The default is everything, as of today.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Selection {
    /// Ids of the data sets to use; `None` means all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub datasets: Option<Vec<String>>,
    /// Editions other than the current one, by id of the data set.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub editions: BTreeMap<String, String>,
    /// The day as of which the question is answered; `None` means today.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Date>,
    /// Only sources of these; `None` means all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorities: Option<Vec<Authority>>,
    /// Only sources of these; `None` means all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<Scope>>,
    /// Only documents whose 基準日 lies in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
}

/// Days from one to another, both included; an end that is `None` is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Period {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
}

impl Period {
    /// Whether a day lies in it.
    pub fn holds(&self, day: Date) -> bool {
        self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day <= until)
    }
}

impl Selection {
    /// Everything of some data sets, or of all, as of today.
    pub fn of_datasets(datasets: Option<Vec<String>>) -> Self {
        Self { datasets, ..Self::default() }
    }

    /// Whether a passage may be used, by authority, scope and period.
    pub fn takes(&self, passage: &Passage) -> bool {
        let authority = self.authorities.as_ref();
        let scope = self.scopes.as_ref();
        authority.is_none_or(|list| list.contains(&passage.authority))
            && scope.is_none_or(|list| list.contains(&passage.scope))
            && self.period.is_none_or(|period| period.holds(passage.as_of))
    }
}

/// A selection as it was typed or sent: empty lists and blank texts say nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Ids of data sets.
    pub datasets: Vec<String>,
    /// `id=edition`; an edition that is blank is the current one.
    pub editions: Vec<String>,
    /// A day in any form that [`dates::parse`] reads.
    pub as_of: String,
    /// Names as in `dataset.toml`: `law`, `ordinance`, …
    pub authorities: Vec<String>,
    /// `common` or `local`.
    pub scopes: Vec<String>,
    /// First day of the period.
    pub from: String,
    /// Last day of the period.
    pub until: String,
}

impl Choice {
    /// Checks every value.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] with the name of the first value that is wrong, and what is right.
    pub fn read(self) -> Result<Selection, ServiceError> {
        let period = Period { from: day("from", &self.from)?, until: day("until", &self.until)? };
        if let (Some(from), Some(until)) = (period.from, period.until)
            && from > until
        {
            let ja = format!(
                "期間の終わり（{until}）が始まり（{from}）より前です。順序を確かめてください"
            );
            let en = format!("the period ends ({until}) before it begins ({from})");
            return Err(ServiceError::Invalid { parameter: "until", ja, en });
        }
        let scopes = [(Scope::Common, "common"), (Scope::Local, "local")];
        Ok(Selection {
            datasets: Some(filled(self.datasets)).filter(|ids| !ids.is_empty()),
            editions: editions(&self.editions)?,
            as_of: day("as_of", &self.as_of)?,
            authorities: words("authorities", &self.authorities, &Authority::ALL)?,
            scopes: words("scopes", &self.scopes, &scopes)?,
            period: Some(period).filter(|period| *period != Period::default()),
        })
    }
}

fn filled(list: Vec<String>) -> Vec<String> {
    list.into_iter().filter(|text| !text.trim().is_empty()).collect()
}

fn day(parameter: &'static str, text: &str) -> Result<Option<Date>, ServiceError> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    dates::parse(text).map(Some).ok_or_else(|| ServiceError::Invalid {
        parameter,
        ja: format!(
            "「{text}」は日付ではありません。令和6年4月1日、2024-04-01 の形で指定してください"
        ),
        en: format!("{text:?} is no day; write 2024-04-01"),
    })
}

fn editions(pairs: &[String]) -> Result<BTreeMap<String, String>, ServiceError> {
    let mut found = BTreeMap::new();
    for pair in pairs.iter().filter(|pair| !pair.trim().is_empty()) {
        let (id, edition) = pair.split_once('=').ok_or_else(|| ServiceError::Invalid {
            parameter: "editions",
            ja: format!("「{pair}」は、データセットのID=版 の形で指定してください"),
            en: format!("{pair:?} must have the form ID=EDITION"),
        })?;
        if !edition.trim().is_empty() {
            found.insert(id.trim().to_owned(), edition.trim().to_owned());
        }
    }
    Ok(found)
}

fn words<T: Copy + PartialEq>(
    parameter: &'static str,
    written: &[String],
    known: &[(T, &'static str)],
) -> Result<Option<Vec<T>>, ServiceError> {
    let mut found = Vec::new();
    for word in written.iter().map(|word| word.trim()).filter(|word| !word.is_empty()) {
        let value = known.iter().find(|(_, name)| *name == word).map(|(value, _)| *value);
        let names = || known.iter().map(|(_, name)| *name).collect::<Vec<_>>();
        let value = value.ok_or_else(|| ServiceError::Invalid {
            parameter,
            ja: format!("「{word}」は使えません。使えるのは {} です", names().join("、")),
            en: format!("it cannot be {word:?}; allowed are {}", names().join(", ")),
        })?;
        if !found.contains(&value) {
            found.push(value);
        }
    }
    Ok(Some(found).filter(|found| !found.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Lang;
    use jiff::civil::date;

    fn list(values: &[&str]) -> Vec<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    #[test]
    fn what_was_typed_is_read() {
        assert_eq!(Choice::default().read(), Ok(Selection::default()));
        let choice = Choice {
            datasets: list(&["town", ""]),
            editions: list(&["town=2026-03", "law="]),
            as_of: "令和６年４月１日".to_owned(),
            authorities: list(&["law", "law", "ordinance"]),
            scopes: list(&["local"]),
            from: "R6.4.1".to_owned(),
            until: "2025-03-31".to_owned(),
        };
        let selection = choice.read().unwrap();
        let expected = Selection {
            datasets: Some(list(&["town"])),
            editions: [("town".to_owned(), "2026-03".to_owned())].into(),
            as_of: Some(date(2024, 4, 1)),
            authorities: Some(vec![Authority::Law, Authority::Ordinance]),
            scopes: Some(vec![Scope::Local]),
            period: Some(Period { from: Some(date(2024, 4, 1)), until: Some(date(2025, 3, 31)) }),
        };
        assert_eq!(selection, expected);
        let json = serde_json::to_string(&selection).unwrap();
        assert_eq!(serde_json::from_str::<Selection>(&json).unwrap(), selection);
        assert_eq!(serde_json::to_string(&Selection::default()).unwrap(), "{}");
        assert_eq!(serde_json::from_str::<Selection>("{}").unwrap(), Selection::default());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let wrong = |choice: Choice| choice.read().unwrap_err();
        let as_of = wrong(Choice { as_of: "去年".to_owned(), ..Choice::default() });
        assert!(as_of.message(Lang::Ja).contains("「去年」は日付ではありません"), "{as_of:?}");
        assert!(as_of.message(Lang::En).starts_with("as_of: \"去年\" is no day"), "{as_of:?}");
        let word = wrong(Choice { authorities: list(&["gesetz"]), ..Choice::default() });
        assert!(word.message(Lang::En).contains("allowed are law, cabinet-order"), "{word:?}");
        let pair = wrong(Choice { editions: list(&["town"]), ..Choice::default() });
        assert!(matches!(pair, ServiceError::Invalid { parameter: "editions", .. }));
        let (from, until) = ("2025-04-01".to_owned(), "2024-04-01".to_owned());
        let order = wrong(Choice { from, until, ..Choice::default() });
        assert!(matches!(order, ServiceError::Invalid { parameter: "until", .. }));
    }
}
