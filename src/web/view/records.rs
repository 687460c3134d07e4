//! Pages of records: one's own, and one of them with its review.

use askama::Template;

use super::answer::Run;
use super::people::local_time;
use super::{VERSION, render};
use crate::answer::record::review::{Action, Rule};
use crate::answer::record::{Block, Change, Format, Kept, ModelSince, SourceSince, Style, changes};
use crate::store::ListedAnswer;

/// Records that a list shows.
const LISTED: usize = 100;

/// Characters of a question in a list.
const QUESTION_CHARS: usize = 80;

/// What the page of a record shows.
pub(crate) struct RecordDesk<'a> {
    pub(crate) kept: &'a Kept,
    pub(crate) blocks: Vec<Block>,
    pub(crate) rule: Rule,
    /// Steps that the reader may take.
    pub(crate) actions: Vec<Action>,
    pub(crate) sources: Vec<SourceSince>,
    pub(crate) model: ModelSince,
    pub(crate) error: String,
}

#[derive(Template)]
#[template(path = "record.html", config = "src/web/askama.toml")]
struct RecordPage<'a> {
    version: &'static str,
    code: String,
    path: &'a str,
    state: &'static str,
    error: &'a str,
    formats: Vec<FormatLink>,
    sources: Vec<SinceRow>,
    model: String,
    rule: &'static str,
    /// What the rule still asks for; empty where nothing is.
    asked: String,
    trail: Vec<TrailRow<'a>>,
    actions: Vec<ActionButton>,
    takes_text: bool,
    text: &'a str,
    changes: Vec<ChangePart>,
    blocks: Vec<BlockPart<'a>>,
}

struct FormatLink {
    end: &'static str,
    name: &'static str,
}

/// A source as it is today.
pub(super) struct SinceRow {
    pub(super) number: usize,
    pub(super) citation: String,
    pub(super) words: String,
    pub(super) changed: bool,
}

struct TrailRow<'a> {
    what: &'static str,
    at: String,
    who: String,
    comment: &'a str,
    has_text: bool,
}

struct ActionButton {
    name: &'static str,
    label: &'static str,
}

struct BlockPart<'a> {
    tag: &'static str,
    class: &'static str,
    text: &'a str,
}

/// Two texts of one place, with what differs marked.
pub(super) struct ChangePart {
    pub(super) left: Vec<Run>,
    pub(super) right: Vec<Run>,
}

/// A record, its files, and its review.
pub(crate) fn record_page(desk: &RecordDesk<'_>) -> String {
    let (kept, record) = (desk.kept, &desk.kept.record);
    let last = kept.case(desk.rule).last;
    render(&RecordPage {
        version: VERSION,
        code: record.code.to_string(),
        path: record.code.plain(),
        state: state_label(last),
        error: &desk.error,
        formats: Format::ALL
            .iter()
            .map(|(format, end)| FormatLink { end, name: format_name(*format) })
            .collect(),
        sources: desk.sources.iter().map(since_row).collect(),
        model: model_words(&desk.model),
        rule: desk.rule.label(),
        asked: desk.rule.asks_for(last).unwrap_or_default(),
        trail: kept
            .steps
            .iter()
            .map(|step| TrailRow {
                what: step.action.label(),
                at: local_time(&step.at),
                who: step.who(),
                comment: &step.comment,
                has_text: !step.text.is_empty(),
            })
            .collect(),
        takes_text: desk.actions.iter().any(|action| action.takes_text()),
        actions: desk
            .actions
            .iter()
            .map(|action| ActionButton { name: action.name(), label: button(*action) })
            .collect(),
        text: kept.text(),
        changes: corrected(kept).iter().map(change_part).collect(),
        blocks: desk.blocks.iter().map(block_part).collect(),
    })
}

/// What was put right, line by line.
fn corrected(kept: &Kept) -> Vec<Change> {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    changes(&lines(&kept.record.text), &lines(kept.text()))
}

fn format_name(format: Format) -> &'static str {
    match format {
        Format::Docx => "Word（docx）",
        Format::Html => "印刷・PDF用（HTML）",
        Format::Markdown => "Markdown",
        Format::Text => "テキスト",
    }
}

fn button(action: Action) -> &'static str {
    match action {
        Action::Created => "作成する",
        Action::Requested => "確認を依頼する",
        Action::Confirmed => "確認する",
        Action::Approved => "承認する",
        Action::Returned => "差し戻す",
    }
}

/// What the last step of a review means.
pub(super) fn state_label(last: Action) -> &'static str {
    match last {
        Action::Created => "確認前",
        Action::Requested => "確認待ち",
        Action::Confirmed => "確認済み",
        Action::Approved => "承認済み",
        Action::Returned => "差戻し",
    }
}

pub(super) fn since_row(source: &SourceSince) -> SinceRow {
    let words = source.words();
    SinceRow {
        number: source.number,
        citation: source.citation.clone(),
        changed: !words.is_empty(),
        words: if words.is_empty() { "変更はありません。".to_owned() } else { words },
    }
}

/// Empty where the same model is in use.
pub(super) fn model_words(model: &ModelSince) -> String {
    match model {
        ModelSince::Same => String::new(),
        ModelSince::Replaced { now } if now.is_empty() => {
            "作成に使ったモデルは、いまは使われていません。".to_owned()
        }
        ModelSince::Replaced { now } => {
            format!("作成に使ったモデルは、その後「{now}」に替わっています。")
        }
    }
}

fn block_part(block: &Block) -> BlockPart<'_> {
    let (tag, class) = match block.style {
        Style::Title => ("h2", ""),
        Style::Heading => ("h3", ""),
        Style::SubHeading => ("h4", ""),
        Style::Body => ("p", ""),
        Style::Lead => ("p", "paper-lead"),
        Style::Quote => ("p", "paper-quote"),
        Style::Row => ("p", "paper-row"),
        Style::Note => ("p", "paper-note"),
        Style::Mark => ("p", "paper-mark"),
    };
    BlockPart { tag, class, text: &block.text }
}

/// Marks what lies between the common beginning and the common end of two texts.
pub(super) fn change_part(change: &Change) -> ChangePart {
    let text = |side: &Option<String>| side.clone().unwrap_or_default().chars().collect::<Vec<_>>();
    let (left, right) = (text(&change.recorded), text(&change.found));
    let start = left.iter().zip(&right).take_while(|(one, other)| one == other).count();
    let ends = left[start..].iter().rev().zip(right[start..].iter().rev());
    let end = ends.take_while(|(one, other)| one == other).count();
    let runs = |side: &[char]| {
        let cut = [
            (0, start, false),
            (start, side.len() - end, true),
            (side.len() - end, side.len(), false),
        ];
        let run = |(from, to, marked): (usize, usize, bool)| Run {
            marked,
            text: side[from..to].iter().collect(),
        };
        cut.into_iter().map(run).filter(|run| !run.text.is_empty()).collect()
    };
    ChangePart { left: runs(&left), right: runs(&right) }
}

#[derive(Template)]
#[template(path = "records.html", config = "src/web/askama.toml")]
struct RecordsPage {
    version: &'static str,
    most: usize,
    rows: Vec<RecordRow>,
}

/// A record in a list.
pub(super) struct RecordRow {
    pub(super) path: String,
    pub(super) code: String,
    pub(super) question: String,
    pub(super) made: String,
    pub(super) author: String,
    pub(super) state: &'static str,
}

/// One's own records.
pub(crate) fn records_page(own: &[ListedAnswer]) -> String {
    render(&RecordsPage {
        version: VERSION,
        most: LISTED,
        rows: own.iter().map(record_row).collect(),
    })
}

pub(super) fn record_row(listed: &ListedAnswer) -> RecordRow {
    let question: String = listed.question.split_whitespace().collect::<Vec<_>>().join(" ");
    let short = match question.char_indices().nth(QUESTION_CHARS) {
        Some((at, _)) => format!("{}…", &question[..at]),
        None => question,
    };
    let shown = crate::answer::record::Code::parse(&listed.code).map(|code| code.to_string());
    RecordRow {
        path: listed.code.clone(),
        code: shown.unwrap_or_else(|| listed.code.clone()),
        question: short,
        made: local_time(&listed.created_at),
        author: format!("{} {}", listed.section, listed.author).trim().to_owned(),
        state: Action::of(&listed.action).map_or("", state_label),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_marked() {
        let shown = |one: &str, other: &str| {
            let change = Change { recorded: Some(one.to_owned()), found: Some(other.to_owned()) };
            let part = change_part(&change);
            let mark = |run: &Run| match run.marked {
                true => format!("<{}>", run.text),
                false => run.text.clone(),
            };
            let side = |runs: &[Run]| runs.iter().map(mark).collect::<String>();
            (side(&part.left), side(&part.right))
        };
        let pair = |one: &str, other: &str| (one.to_owned(), other.to_owned());
        assert_eq!(shown("300円です", "500円です"), pair("<3>00円です", "<5>00円です"));
        assert_eq!(shown("ああ", "ああああ"), pair("ああ", "ああ<ああ>"));
        assert_eq!(shown("", "甲"), pair("", "<甲>"));
    }
}
