//! What the form of an assistant shows.

use askama::Template;

use super::super::answer::{AnswerPart, answer_part};
use super::super::{VERSION, render};
use super::{TurnPart, turns};
use crate::answer::DatasetSummary;
use crate::answer::assistant::{
    Assistant, CheckOutcome, DataChoice, Filled, Form, Join, Kind, Named, Style,
};
use crate::web::answering::WholeAnswer;

/// Rows that the form offers beside those that are filled in.
const ROWS_FREE: usize = 2;
const ROWS_MOST: usize = 12;

/// What the form of an assistant shows.
#[derive(Default)]
pub(crate) struct EditDesk {
    pub(crate) is_new: bool,
    /// Id of the one that was opened or copied.
    pub(crate) source: String,
    /// Revision that it was opened at.
    pub(crate) base: i64,
    pub(crate) assistant: Assistant,
    pub(crate) note: String,
    pub(crate) faults: Vec<String>,
    pub(crate) error: String,
    pub(crate) previewed: bool,
    pub(crate) answer: Option<(String, WholeAnswer)>,
    pub(crate) datasets: Vec<DatasetSummary>,
}

#[derive(Template)]
#[template(path = "assistant_edit.html", config = "src/web/askama.toml")]
struct EditPage<'a> {
    version: &'static str,
    is_new: bool,
    heading: &'static str,
    action: String,
    source: &'a str,
    base: i64,
    note: &'a str,
    faults: &'a [String],
    error: &'a str,
    assistant: &'a Assistant,
    groups: Vec<OptionRow>,
    forms: Vec<OptionRow>,
    styles: Vec<OptionRow>,
    joins: Vec<OptionRow>,
    data: &'static str,
    datasets: Vec<DatasetTick<'a>>,
    rows: Vec<EditRow<'a>>,
    max_tokens: String,
    temperature: String,
    long_field: &'a str,
    long_prompt: &'a str,
    check_min: String,
    check_max: String,
    check_sentence: String,
    contains: String,
    avoids: String,
    turns: Vec<TurnPart>,
    has_answer: bool,
    answer: AnswerPart,
    checks: Vec<CheckOutcome>,
    body: &'a str,
}

struct OptionRow {
    name: &'static str,
    label: &'static str,
    chosen: bool,
}

struct DatasetTick<'a> {
    id: &'a str,
    title: &'a str,
    ticked: bool,
}

struct EditRow<'a> {
    number: usize,
    id: &'a str,
    label: &'a str,
    help: &'a str,
    kinds: Vec<OptionRow>,
    choices: String,
    required: bool,
    search: bool,
    kept: bool,
    max_chars: String,
    example: &'a str,
}

/// The form of an assistant, with the prompt as sent and what came out where that was asked for.
pub(crate) fn edit_page(desk: &EditDesk) -> String {
    let assistant = &desk.assistant;
    let (long, checks) = (&assistant.long, &assistant.checks);
    let answer = desk.answer.as_ref();
    let shown = |number: usize| if number == 0 { String::new() } else { number.to_string() };
    render(&EditPage {
        version: VERSION,
        is_new: desk.is_new,
        heading: if desk.is_new {
            "業務アシスタントを作る"
        } else {
            "業務アシスタントを編集する"
        },
        action: match desk.is_new {
            true => "/assistants/new".to_owned(),
            false => format!("/assistants/{}/edit", assistant.id),
        },
        source: &desk.source,
        base: desk.base,
        note: &desk.note,
        faults: &desk.faults,
        error: &desk.error,
        assistant,
        groups: options(Some(assistant.group)),
        forms: options::<Form>(Some(assistant.form)),
        styles: options::<Style>(checks.style),
        joins: options::<Join>(long.as_ref().map(|long| long.join)),
        data: match assistant.data {
            DataChoice::All => "all",
            DataChoice::Common => "common",
            DataChoice::Local => "local",
            DataChoice::Only(_) => "only",
            DataChoice::None => "none",
        },
        datasets: ticks(assistant, &desk.datasets),
        rows: edit_rows(assistant),
        max_tokens: assistant.max_tokens.map(|most| most.to_string()).unwrap_or_default(),
        temperature: assistant.sampling.temperature.map(|t| t.to_string()).unwrap_or_default(),
        long_field: long.as_ref().map_or("", |long| &long.field),
        long_prompt: long.as_ref().map_or("", |long| &long.prompt),
        check_min: shown(checks.min_chars),
        check_max: shown(checks.max_chars),
        check_sentence: shown(checks.max_sentence_chars),
        contains: checks.contains.join("、"),
        avoids: checks.avoids.join("、"),
        turns: if desk.previewed { preview(assistant) } else { Vec::new() },
        has_answer: answer.is_some(),
        answer: answer.map(|(title, answer)| answer_part(title, answer)).unwrap_or_default(),
        checks: answer.map(|(_, answer)| answer.summary.checks.clone()).unwrap_or_default(),
        body: answer.map(|(_, answer)| answer.text.trim()).unwrap_or_default(),
    })
}

/// The prompt as it is sent with the first example, or with the names of the fields.
fn preview(assistant: &Assistant) -> Vec<TurnPart> {
    let shared = std::sync::Arc::new(assistant.clone());
    let filled =
        Filled::example(shared.clone(), 0).unwrap_or_else(|| Filled::blank(shared.clone()));
    turns(&assistant.preview(&filled))
}

fn options<T: Named>(chosen: Option<T>) -> Vec<OptionRow> {
    let row = |(value, name, label): &(T, &'static str, &'static str)| OptionRow {
        name,
        label,
        chosen: chosen == Some(*value),
    };
    T::NAMES.iter().map(row).collect()
}

fn ticks<'a>(assistant: &'a Assistant, datasets: &'a [DatasetSummary]) -> Vec<DatasetTick<'a>> {
    let ids = assistant.data_ids();
    let there = datasets.iter().map(|dataset| DatasetTick {
        id: &dataset.identity.id,
        title: &dataset.identity.title,
        ticked: ids.contains(&dataset.identity.id),
    });
    let is_there = |id: &&String| datasets.iter().any(|each| each.identity.id == **id);
    let others = ids.iter().filter(|id| !is_there(id));
    let others = others.map(|id| DatasetTick { id, title: id, ticked: true });
    there.chain(others).collect()
}

fn edit_rows(assistant: &Assistant) -> Vec<EditRow<'_>> {
    let example = assistant.examples.first();
    let value = |id: &str| {
        let values = example.map(|example| example.values.as_slice()).unwrap_or_default();
        values.iter().find(|(known, _)| known == id).map_or("", |(_, value)| value.as_str())
    };
    let mut rows: Vec<EditRow<'_>> = assistant
        .fields
        .iter()
        .enumerate()
        .map(|(at, field)| EditRow {
            number: at + 1,
            id: &field.id,
            label: &field.label,
            help: &field.help,
            kinds: options(Some(field.kind)),
            choices: field.choices.join("、"),
            required: field.required,
            search: assistant.search.is_empty() || assistant.search.contains(&field.id),
            kept: assistant.checks.contains_fields.contains(&field.id),
            max_chars: field.max_chars.to_string(),
            example: value(&field.id),
        })
        .collect();
    for number in (rows.len() + 1..=ROWS_MOST).take(ROWS_FREE) {
        rows.push(EditRow {
            number,
            id: "",
            label: "",
            help: "",
            kinds: options::<Kind>(Some(Kind::default())),
            choices: String::new(),
            required: false,
            search: true,
            kept: false,
            max_chars: String::new(),
            example: "",
        });
    }
    rows
}
