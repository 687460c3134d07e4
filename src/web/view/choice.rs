//! The choice of data as form fields, and a selection in words.

use jiff::civil::Date;

use super::japanese_date;
use crate::answer::{DatasetSummary, Selection, scope_title};
use crate::document::{Authority, Scope};
use crate::web::choosing;
use crate::web::form::Form;

/// What is chosen where nothing is: said beside the button, and on the answer.
const EVERYTHING: &str = "すべて・今日時点";

/// The fields of one choice, filled as they were sent.
#[derive(Default)]
pub(super) struct ChoiceFields {
    /// What the choice is called where a page has two.
    pub(super) name: &'static str,
    /// The choice in words.
    pub(super) words: String,
    /// Before the names of the fields: empty, or `left.` and `right.` where there are two.
    pub(super) prefix: &'static str,
    /// Id of the form that the fields belong to.
    pub(super) form: &'static str,
    /// True where something is chosen, so that it is not hidden.
    pub(super) open: bool,
    pub(super) has_datasets: bool,
    pub(super) datasets: Vec<Tick>,
    pub(super) editions: Vec<EditionField>,
    pub(super) as_of: String,
    pub(super) from: String,
    pub(super) until: String,
    pub(super) scopes: Vec<Tick>,
    pub(super) authorities: Vec<Tick>,
}

/// A box to tick.
pub(super) struct Tick {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) ticked: bool,
}

/// The editions of one data set.
pub(super) struct EditionField {
    pub(super) title: String,
    pub(super) options: Vec<Tick>,
}

impl ChoiceFields {
    /// The fields as a form filled them. Data sets are offered where there are two choices on a
    /// page; a page with one has its own list of them.
    pub(super) fn of(
        form: &Form,
        prefix: &'static str,
        form_id: &'static str,
        datasets: &[DatasetSummary],
    ) -> Self {
        let text = |name: &str| form.first(name).unwrap_or_default().trim().to_owned();
        let list = |name: &str| form.list(name).unwrap_or_default();
        let ticks = |name: &str, known: Vec<(String, String)>| -> Vec<Tick> {
            let chosen = list(name);
            let tick = |(value, label): (String, String)| {
                let ticked = chosen.contains(&value);
                Tick { value, label, ticked }
            };
            known.into_iter().map(tick).collect()
        };
        let owned = |value: &str, label: &str| (value.to_owned(), label.to_owned());
        let scopes = [(Scope::Common, "common"), (Scope::Local, "local")]
            .map(|(scope, name)| (name.to_owned(), scope_label(scope)));
        let authorities = Authority::ALL.map(|(authority, name)| owned(name, authority.label()));
        let sets =
            datasets.iter().map(|each| owned(&each.identity.id, &each.identity.title)).collect();
        let (as_of, from, until) = (text("as_of"), text("from"), text("until"));
        let editions = edition_fields(&list("editions"), datasets);
        let scopes = ticks("scopes", scopes.to_vec());
        let authorities = ticks("authorities", authorities.to_vec());
        let ticked = scopes.iter().chain(&authorities).any(|tick| tick.ticked);
        let chosen = editions.iter().any(|each| each.options.iter().skip(1).any(|o| o.ticked));
        Self {
            name: "",
            words: words_of_form(form, datasets),
            prefix,
            form: form_id,
            open: ticked || chosen || !(as_of.is_empty() && from.is_empty() && until.is_empty()),
            has_datasets: !prefix.is_empty() && datasets.len() > 1,
            datasets: ticks("datasets", sets),
            editions,
            as_of,
            from,
            until,
            scopes,
            authorities,
        }
    }
}

/// 国の共通ルール（通例）
fn scope_label(scope: Scope) -> String {
    format!("{}（{}）", scope_title(scope), scope.label())
}

/// A field for each data set of which another edition is installed.
fn edition_fields(chosen: &[String], datasets: &[DatasetSummary]) -> Vec<EditionField> {
    let field = |dataset: &DatasetSummary| {
        let identity = &dataset.identity;
        let label = |word: &str, edition: &str, as_of: Date| {
            format!("{word}（{edition}、基準日 {}）", japanese_date(as_of))
        };
        let mut options: Vec<Tick> = dataset
            .older
            .iter()
            .map(|older| {
                let value = format!("{}={}", identity.id, older.edition);
                let ticked = chosen.contains(&value);
                Tick { value, label: label("前の版", &older.edition, older.as_of), ticked }
            })
            .collect();
        let current = Tick {
            value: String::new(),
            label: label("現在の版", &identity.edition, identity.as_of),
            ticked: !options.iter().any(|option| option.ticked),
        };
        options.insert(0, current);
        EditionField { title: identity.title.clone(), options }
    };
    datasets.iter().filter(|dataset| !dataset.older.is_empty()).map(field).collect()
}

/// The same of a form; of one that is wrong, and refused with a reason, nothing is said.
pub(super) fn words_of_form(form: &Form, datasets: &[DatasetSummary]) -> String {
    choosing::of_form(form).map_or_else(|_| String::new(), |s| selection_words(&s, datasets))
}

/// A selection in words: 「国の共通ルール・令和6年4月1日時点」.
fn selection_words(selection: &Selection, datasets: &[DatasetSummary]) -> String {
    let title = |id: &String| {
        let known = datasets.iter().find(|each| each.identity.id == *id);
        known.map_or_else(|| id.clone(), |each| each.identity.title.clone())
    };
    let mut parts = Vec::new();
    if let Some(ids) = selection.datasets.as_ref().filter(|ids| ids.len() < datasets.len()) {
        parts.push(ids.iter().map(title).collect::<Vec<_>>().join("、"));
    }
    for (id, edition) in &selection.editions {
        parts.push(format!("{}の版 {edition}", title(id)));
    }
    if let Some(scopes) = selection.scopes.as_ref().filter(|scopes| scopes.len() == 1) {
        parts.extend(scopes.iter().map(|scope| scope_title(*scope).to_owned()));
    }
    if let Some(authorities) = &selection.authorities {
        parts.push(authorities.iter().map(|each| each.label()).collect::<Vec<_>>().join("、"));
    }
    if let Some(period) = &selection.period {
        let end = |day: Option<Date>| day.map(japanese_date).unwrap_or_default();
        parts.push(format!("基準日 {}～{}", end(period.from), end(period.until)));
    }
    match (selection.as_of, parts.is_empty()) {
        (None, true) => return EVERYTHING.to_owned(),
        (None, false) => parts.push("今日時点".to_owned()),
        (Some(day), true) => parts.extend(["すべて".to_owned(), as_of_words(day)]),
        (Some(day), false) => parts.push(as_of_words(day)),
    }
    parts.join("・")
}

fn as_of_words(day: Date) -> String {
    format!("{}時点", japanese_date(day))
}
