//! The page of reviews: what waits for the reader, and what sections ask for.

use askama::Template;

use super::records::{RecordRow, record_row};
use super::{VERSION, render};
use crate::answer::record::review::Rule;
use crate::store::ListedAnswer;

/// What the page shows.
pub(crate) struct ReviewDesk {
    pub(crate) waiting: Vec<ListedAnswer>,
    /// Section and rule; the empty section is the whole office.
    pub(crate) rules: Vec<(String, String)>,
    pub(crate) sections: Vec<String>,
    pub(crate) may_set: bool,
}

#[derive(Template)]
#[template(path = "reviews.html", config = "src/web/askama.toml")]
struct ReviewsPage<'a> {
    version: &'static str,
    rows: Vec<RecordRow>,
    may_set: bool,
    rules: Vec<RuleRow<'a>>,
    sections: &'a [String],
    choices: Vec<RuleChoice>,
}

struct RuleRow<'a> {
    section: &'a str,
    label: &'static str,
}

struct RuleChoice {
    name: &'static str,
    label: &'static str,
}

/// What waits, and the rules for those who set them.
pub(crate) fn reviews_page(desk: &ReviewDesk) -> String {
    let own = desk.rules.iter().filter(|(section, _)| !section.is_empty());
    let own = own.map(|(section, rule)| RuleRow {
        section,
        label: Rule::of(rule).unwrap_or_default().label(),
    });
    let office =
        RuleRow { section: "庁内全体", label: Rule::for_section(&desk.rules, "").label() };
    render(&ReviewsPage {
        version: VERSION,
        rows: desk.waiting.iter().map(record_row).collect(),
        may_set: desk.may_set,
        rules: std::iter::once(office).chain(own).collect(),
        sections: &desk.sections,
        choices: Rule::ALL.iter().map(|(_, name, label)| RuleChoice { name, label }).collect(),
    })
}
