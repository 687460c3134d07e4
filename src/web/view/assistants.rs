//! What the pages of assistants show: the list, and the page of one.

mod edit;
mod exchange;

use askama::Template;

use super::answer::{AnswerPart, answer_part};
use super::{VERSION, render};
use crate::answer::assistant::{
    Assistant, CheckOutcome, DataChoice, Entry, Field, Filled, Gap, Group, Listing, Named, Origin,
};
use crate::answer::{ChatTurn, DatasetSummary};
use crate::web::answering::WholeAnswer;
pub(crate) use edit::{EditDesk, edit_page};
pub(crate) use exchange::{ImportDesk, import_page, versions_page};

#[derive(Template)]
#[template(path = "assistants.html", config = "src/web/askama.toml")]
struct ListPage<'a> {
    version: &'static str,
    done: &'a str,
    problems: &'a [String],
    may_edit: bool,
    groups: Vec<GroupPart<'a>>,
}

struct GroupPart<'a> {
    name: &'static str,
    number: usize,
    cards: Vec<Card<'a>>,
}

struct Card<'a> {
    id: &'a str,
    title: &'a str,
    purpose: &'a str,
    uses_data: bool,
    is_office: bool,
    origin: &'static str,
    number: u32,
}

/// The list, by what people want to do.
pub(crate) fn assistants_page(listing: &Listing, may_edit: bool, done: &str) -> String {
    let groups = Group::NAMES.iter().enumerate().map(|(at, (group, _, name))| {
        let of_group =
            listing.entries.iter().filter(|entry| entry.assistant.group == *group).map(card);
        GroupPart { name, number: at + 1, cards: of_group.collect() }
    });
    render(&ListPage {
        version: VERSION,
        done,
        problems: &listing.problems,
        may_edit,
        groups: groups.filter(|group| !group.cards.is_empty()).collect(),
    })
}

fn card(entry: &Entry) -> Card<'_> {
    let assistant = &entry.assistant;
    Card {
        id: &assistant.id,
        title: &assistant.title,
        purpose: &assistant.purpose,
        uses_data: assistant.uses_data(),
        is_office: matches!(entry.origin, Origin::Office { .. }),
        origin: entry.origin.label(),
        number: assistant.version,
    }
}

/// What the page of one assistant shows besides what came out.
pub(crate) struct AssistantDesk {
    pub(crate) entry: Entry,
    pub(crate) may_edit: bool,
    /// What does not work now; empty when all does.
    pub(crate) banner: String,
    pub(crate) self_test: bool,
    pub(crate) datasets: Vec<DatasetSummary>,
    /// What was filled in, by the id of the field.
    pub(crate) values: Vec<(String, String)>,
    pub(crate) gaps: Vec<Gap>,
    pub(crate) error: String,
    pub(crate) done: &'static str,
}

#[derive(Template)]
#[template(path = "assistant.html", config = "src/web/askama.toml")]
struct UsePage<'a> {
    version: &'static str,
    id: &'a str,
    title: &'a str,
    purpose: &'a str,
    origin: &'static str,
    number: u32,
    data: String,
    uses_data: bool,
    missing: String,
    may_edit: bool,
    banner: &'a str,
    self_test: bool,
    done: &'a str,
    error: &'a str,
    fields: Vec<FieldRow<'a>>,
    examples: Vec<ExampleRow<'a>>,
    turns: Vec<TurnPart>,
    has_answer: bool,
    answer: AnswerPart,
    checks: Vec<CheckOutcome>,
    body: &'a str,
}

struct FieldRow<'a> {
    id: &'a str,
    label: &'a str,
    help: &'a str,
    kind: &'static str,
    required: bool,
    max_chars: usize,
    choices: Vec<ChoiceRow<'a>>,
    value: &'a str,
    error: String,
}

struct ChoiceRow<'a> {
    word: &'a str,
    chosen: bool,
}

struct ExampleRow<'a> {
    number: usize,
    title: &'a str,
}

struct TurnPart {
    name: &'static str,
    text: String,
}

/// The page of one assistant, with what came out where it was run without script.
pub(crate) fn assistant_page(desk: &AssistantDesk, answer: Option<(&str, &WholeAnswer)>) -> String {
    let assistant = desk.entry.assistant.as_ref();
    let examples = assistant.examples.iter().enumerate();
    render(&UsePage {
        version: VERSION,
        id: &assistant.id,
        title: &assistant.title,
        purpose: &assistant.purpose,
        origin: desk.entry.origin.label(),
        number: assistant.version,
        data: data_label(assistant, &desk.datasets),
        uses_data: assistant.uses_data(),
        missing: missing(assistant, &desk.datasets).join("、"),
        may_edit: desk.may_edit,
        banner: &desk.banner,
        self_test: desk.self_test,
        done: desk.done,
        error: &desk.error,
        fields: assistant.fields.iter().map(|field| field_row(field, desk)).collect(),
        examples: examples
            .map(|(at, example)| ExampleRow { number: at + 1, title: &example.title })
            .collect(),
        turns: turns(&assistant.preview(&Filled::blank(desk.entry.assistant.clone()))),
        has_answer: answer.is_some(),
        answer: answer.map(|(title, answer)| answer_part(title, answer)).unwrap_or_default(),
        checks: answer.map(|(_, answer)| answer.summary.checks.clone()).unwrap_or_default(),
        body: answer.map(|(_, answer)| answer.text.trim()).unwrap_or_default(),
    })
}

fn field_row<'a>(field: &'a Field, desk: &'a AssistantDesk) -> FieldRow<'a> {
    let value = desk.values.iter().find(|(id, _)| *id == field.id);
    let value = value.map_or("", |(_, value)| value.as_str());
    let gap = desk.gaps.iter().find(|gap| gap.field == field.id);
    let choices = field.choices.iter();
    FieldRow {
        id: &field.id,
        label: &field.label,
        help: &field.help,
        kind: field.kind.name(),
        required: field.required,
        max_chars: field.max_chars,
        choices: choices.map(|word| ChoiceRow { word, chosen: word == value }).collect(),
        value,
        error: gap.map(|gap| gap.ja.clone()).unwrap_or_default(),
    }
}

fn turns(turns: &[ChatTurn]) -> Vec<TurnPart> {
    let part = |turn: &ChatTurn| TurnPart {
        name: if turn.role == "system" { "指示" } else { "入力" },
        text: turn.content.clone(),
    };
    turns.iter().map(part).collect()
}

/// Data sets that it names but that are not there.
fn missing(assistant: &Assistant, datasets: &[DatasetSummary]) -> Vec<String> {
    let is_gone = |id: &&String| !datasets.iter().any(|dataset| dataset.identity.id == **id);
    assistant.data_ids().iter().filter(is_gone).cloned().collect()
}

/// What it uses, by the titles of the data sets.
fn data_label(assistant: &Assistant, datasets: &[DatasetSummary]) -> String {
    let DataChoice::Only(ids) = &assistant.data else { return assistant.data.label() };
    let title = |id: &String| {
        let found = datasets.iter().find(|dataset| dataset.identity.id == *id);
        found.map_or_else(|| id.clone(), |dataset| dataset.identity.title.clone())
    };
    ids.iter().map(title).collect::<Vec<_>>().join("、")
}
