//! The documents of an index: which of them a question may be answered from.
//!
//! Several revisions of one law, told by its 法令番号, may lie in a data set. Each is in force until
//! the day before the next one begins. A [`Filter`] keeps the documents in force on a day, and of
//! some authorities, scopes and 基準日.

use std::collections::{BTreeMap, HashMap};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::document::{Authority, Passage, Scope, Standing, Validity};

/// Which documents may answer. The default takes all, of every time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only what is in force on this day, or does not say when it is.
    pub in_force_on: Option<Date>,
    /// Only these; `None` takes all.
    pub authorities: Option<Vec<Authority>>,
    /// Only these; `None` takes all.
    pub scopes: Option<Vec<Scope>>,
    /// Only documents whose 基準日 is this day or later.
    pub from: Option<Date>,
    /// Only documents whose 基準日 is this day or earlier.
    pub until: Option<Date>,
}

impl Filter {
    /// What a person gave to be asked about is theirs to judge: no choice of data leaves it out.
    fn takes(&self, entry: &Entry) -> bool {
        if entry.scope == Scope::Upload {
            return true;
        }
        let standing = |day| entry.validity.on(day, entry.as_of);
        let in_force = self
            .in_force_on
            .and_then(standing)
            .is_none_or(|standing| standing == Standing::Current);
        in_force
            && self.authorities.as_ref().is_none_or(|list| list.contains(&entry.authority))
            && self.scopes.as_ref().is_none_or(|list| list.contains(&entry.scope))
            && self.from.is_none_or(|from| from <= entry.as_of)
            && self.until.is_none_or(|until| entry.as_of <= until)
    }
}

/// Another revision of a law.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Path of its document.
    pub path: String,
    pub title: String,
    pub validity: Validity,
    /// 基準日
    pub as_of: Date,
}

/// What the side table keeps of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    path: String,
    title: String,
    /// 法令番号; empty when there is none.
    law_number: String,
    authority: Authority,
    scope: Scope,
    as_of: Date,
    #[serde(default, skip_serializing_if = "Validity::is_unknown")]
    validity: Validity,
}

/// All documents of an index, by the number that its passages carry.
#[derive(Debug, Default)]
pub(super) struct Documents {
    entries: Vec<Entry>,
    /// Numbers of the documents of laws of which there are several revisions.
    laws: HashMap<String, Vec<usize>>,
    numbers: HashMap<String, usize>,
}

impl Documents {
    /// The number of a passage's document, which is entered when it is new.
    pub(super) fn number(&mut self, passage: &Passage) -> u64 {
        let next = self.entries.len();
        let number = match self.numbers.get(&passage.path) {
            Some(number) => *number,
            None => {
                self.numbers.insert(passage.path.clone(), next);
                self.entries.push(Entry {
                    path: passage.path.clone(),
                    title: passage.title.clone(),
                    law_number: passage.law_number.clone(),
                    authority: passage.authority,
                    scope: passage.scope,
                    as_of: passage.as_of,
                    validity: passage.validity,
                });
                next
            }
        };
        number as u64
    }

    /// For the side table.
    pub(super) fn to_json(&self) -> serde_json::Result<serde_json::Value> {
        serde_json::to_value(&self.entries)
    }

    /// Reads what [`Self::to_json`] wrote, and closes each revision where the next begins.
    pub(super) fn from_json(value: serde_json::Value) -> serde_json::Result<Self> {
        let mut entries: Vec<Entry> = serde_json::from_value(value)?;
        let mut laws = HashMap::<String, Vec<usize>>::new();
        for (at, entry) in entries.iter().enumerate().filter(|(_, e)| !e.law_number.is_empty()) {
            laws.entry(entry.law_number.clone()).or_default().push(at);
        }
        laws.retain(|_, list| list.len() > 1);
        for list in laws.values() {
            close_revisions(&mut entries, list);
        }
        let numbers = entries.iter().enumerate().map(|(at, e)| (e.path.clone(), at)).collect();
        Ok(Self { entries, laws, numbers })
    }

    /// Which documents a filter takes, by number; `None` where it takes all.
    pub(super) fn taken(&self, filter: &Filter) -> Option<Vec<bool>> {
        let taken: Vec<bool> = self.entries.iter().map(|entry| filter.takes(entry)).collect();
        taken.contains(&false).then_some(taken)
    }

    /// When a document is in force, with the revisions behind it in mind.
    pub(super) fn validity(&self, path: &str) -> Option<Validity> {
        self.numbers.get(path).map(|&number| self.entries[number].validity)
    }

    /// The other revisions of the law that a document holds, the earliest first.
    pub(super) fn revisions(&self, path: &str) -> Vec<Revision> {
        let Some(entry) = self.numbers.get(path).map(|&number| &self.entries[number]) else {
            return Vec::new();
        };
        let list = self.laws.get(&entry.law_number).map(Vec::as_slice).unwrap_or_default();
        let others = list.iter().map(|&at| &self.entries[at]).filter(|other| other.path != path);
        let mut revisions: Vec<Revision> = others
            .filter(|other| !other.validity.is_unknown())
            .map(|other| Revision {
                path: other.path.clone(),
                title: other.title.clone(),
                validity: other.validity,
                as_of: other.as_of,
            })
            .collect();
        revisions
            .sort_by_key(|one| (one.validity.in_force_from.is_none(), one.validity.in_force_from));
        revisions
    }
}

/// Ends each revision of a law on the day before the next one begins, unless it ends earlier.
/// Documents that begin on the same day are parts of one revision.
///
/// e-Gov has files that call the latest revision 旧版 and the one before 現行: what begins after one
/// that is called 現行 or 未施行 cannot be over for having been replaced.
fn close_revisions(entries: &mut [Entry], list: &[usize]) {
    let mut by_day = BTreeMap::<Date, Vec<usize>>::new();
    for &at in list {
        let validity = &entries[at].validity;
        if let Some(from) = validity.in_force_from.filter(|_| !validity.is_undecided()) {
            by_day.entry(from).or_default().push(at);
        }
    }
    let days: Vec<Date> = by_day.keys().copied().collect();
    let counts = |at: &usize| {
        matches!(entries[*at].validity.status, Some(Standing::Current | Standing::Scheduled))
    };
    let counted = by_day.iter().find(|(_, list)| list.iter().any(counts)).map(|(day, _)| *day);
    for (_, list) in by_day.iter().filter(|(day, _)| counted.is_some_and(|first| first < **day)) {
        for &at in list {
            let validity = &mut entries[at].validity;
            let replaced = validity.status == Some(Standing::Superseded);
            validity.status = validity.status.filter(|_| !replaced);
        }
    }
    for (day, next) in days.iter().zip(days.iter().skip(1)) {
        let Ok(last) = next.yesterday() else { continue };
        for &at in &by_day[day] {
            let validity = &mut entries[at].validity;
            if validity.in_force_until.is_none_or(|until| until > last) {
                validity.in_force_until = Some(last);
                validity.status = Some(Standing::Superseded);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn entry(path: &str, number: &str, from: Option<Date>) -> Entry {
        Entry {
            path: path.to_owned(),
            title: "見本法".to_owned(),
            law_number: number.to_owned(),
            authority: Authority::Law,
            scope: Scope::Common,
            as_of: date(2026, 4, 1),
            validity: Validity { in_force_from: from, ..Validity::default() },
        }
    }

    fn documents(entries: &[Entry]) -> Documents {
        Documents::from_json(serde_json::to_value(entries).unwrap()).unwrap()
    }

    fn taken(documents: &Documents, filter: &Filter) -> Vec<String> {
        let taken = documents.taken(filter).unwrap_or(vec![true; documents.entries.len()]);
        let names = documents.entries.iter().zip(taken).filter(|(_, taken)| *taken);
        names.map(|(entry, _)| entry.path.clone()).collect()
    }

    #[test]
    fn a_revision_ends_where_the_next_begins() {
        let mut undecided = entry("e", "一号", None);
        undecided.validity.status = Some(Standing::Undecided);
        let documents = documents(&[
            entry("c", "一号", Some(date(2027, 4, 1))),
            entry("a", "一号", Some(date(2020, 4, 1))),
            entry("b", "一号", Some(date(2025, 4, 1))),
            undecided,
            entry("other", "二号", Some(date(2021, 1, 1))),
            entry("plain", "", None),
        ]);
        let on = |day| taken(&documents, &Filter { in_force_on: Some(day), ..Filter::default() });
        assert_eq!(on(date(2019, 1, 1)), ["plain"]);
        assert_eq!(on(date(2025, 3, 31)), ["a", "other", "plain"]);
        assert_eq!(on(date(2025, 4, 1)), ["b", "other", "plain"]);
        assert_eq!(on(date(2027, 4, 1)), ["c", "other", "plain"]);
        assert_eq!(documents.taken(&Filter::default()), None);
        let others: Vec<_> = documents.revisions("b").into_iter().map(|one| one.path).collect();
        assert_eq!(others, ["a", "c", "e"]);
        let until = documents.validity("a").unwrap().in_force_until;
        assert_eq!(until, Some(date(2025, 3, 31)));
        assert!(documents.revisions("plain").is_empty());
    }

    #[test]
    fn an_earlier_end_stays_and_parts_of_a_revision_count_alike() {
        let mut repealed = entry("a", "一号", Some(date(2020, 4, 1)));
        repealed.validity.in_force_until = Some(date(2022, 3, 31));
        repealed.validity.status = Some(Standing::Repealed);
        let documents = documents(&[
            repealed.clone(),
            entry("b", "一号", Some(date(2025, 4, 1))),
            entry("b2", "一号", Some(date(2025, 4, 1))),
        ]);
        assert_eq!(documents.validity("a"), Some(repealed.validity));
        let day = Filter { in_force_on: Some(date(2026, 4, 1)), ..Filter::default() };
        assert_eq!(taken(&documents, &day), ["b", "b2"]);
    }

    #[test]
    fn the_latest_is_not_over_when_an_earlier_one_is_called_current() {
        let with = |path, from, status| {
            let mut entry = entry(path, "一号", Some(from));
            entry.validity.status = Some(status);
            entry
        };
        let (first, second) = (date(2023, 6, 7), date(2025, 6, 6));
        let today = Filter { in_force_on: Some(date(2026, 11, 1)), ..Filter::default() };
        let newest = with("b", second, Standing::Superseded);
        for (earlier, expected) in [
            (Standing::Current, vec!["b"]),
            (Standing::Scheduled, vec!["b"]),
            (Standing::Superseded, vec![]),
        ] {
            let documents = documents(&[with("a", first, earlier), newest.clone()]);
            assert_eq!(taken(&documents, &today), expected, "{earlier:?}");
        }
    }

    #[test]
    fn authority_scope_and_period_choose() {
        let mut local = entry("local", "", None);
        local.scope = Scope::Local;
        local.authority = Authority::Manual;
        local.as_of = date(2024, 4, 1);
        let documents = documents(&[entry("law", "", None), local]);
        for (filter, expected) in [
            (Filter { scopes: Some(vec![Scope::Local]), ..Filter::default() }, "local"),
            (Filter { authorities: Some(vec![Authority::Law]), ..Filter::default() }, "law"),
            (Filter { from: Some(date(2026, 4, 1)), ..Filter::default() }, "law"),
            (Filter { until: Some(date(2024, 4, 1)), ..Filter::default() }, "local"),
        ] {
            assert_eq!(taken(&documents, &filter), [expected], "{filter:?}");
        }
    }
}
