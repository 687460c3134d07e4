//! What is found out about a document: who made it, whether it was changed, and where.

use super::blocks;
use super::changes::{Change, changes};
use super::code::Code;
use super::html::STYLE;
use super::keeper::Kept;
use super::mark::{Mark, key};
use super::seal::Seal;

/// Before the style of an HTML file, in the line that stands for it.
const STYLE_SIGN: &str = "style: ";

/// Where a document comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This box made it: it carries a mark that no other could have made.
    ThisBox,
    /// It carries no mark, but its code is that of a record of this box.
    Recorded,
    /// It carries the mark of another box, which alone can check it.
    OtherBox { box_id: String },
    /// Its mark names this box, but this box did not make it.
    Forged,
    /// Neither a mark nor the code of a record.
    Unknown,
}

/// Whether its text is as it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextState {
    Unchanged,
    /// It was changed here; empty where the record is gone, and only the fact can be told.
    Changed(Vec<Change>),
    /// Nothing can be said.
    Unknown,
}

/// What was found out.
#[derive(Clone, Debug)]
pub struct Verdict {
    pub origin: Origin,
    pub text: TextState,
    /// The code that it carries.
    pub code: Option<Code>,
    /// The record of this box under the code, where it is still kept.
    pub kept: Option<Kept>,
}

impl Verdict {
    /// This box made it, and nothing was changed.
    pub fn is_good(&self) -> bool {
        matches!(self.origin, Origin::ThisBox | Origin::Recorded)
            && self.text == TextState::Unchanged
    }
}

/// What lines carry of a mark and a code.
pub(super) struct Carried {
    pub(super) mark: Option<Mark>,
    pub(super) code: Option<Code>,
    /// The lines without that of the mark.
    pub(super) lines: Vec<String>,
}

impl Carried {
    pub(super) fn of(lines: &[String]) -> Self {
        let style = key(&format!("{STYLE_SIGN}{STYLE}"));
        let mut mark = None;
        let mut left = Vec::with_capacity(lines.len());
        for line in lines.iter().map(|line| key(line)).filter(|line| !line.is_empty()) {
            match Mark::find(&line) {
                Some(found) if mark.is_none() && is_mark_line(&line, &found) => mark = Some(found),
                _ if line == style => {}
                _ => left.push(line),
            }
        }
        let typed = left.iter().find_map(|line| Code::parse(line.strip_prefix("識別番号：")?));
        let code = mark.as_ref().map(|mark| mark.code.clone()).or(typed);
        Self { mark, code, lines: left }
    }
}

/// Whatever else stands on the line would not be compared with anything.
fn is_mark_line(line: &str, mark: &Mark) -> bool {
    line.strip_prefix("検証情報：").unwrap_or(line) == mark.line()
}

/// Judges a document; `kept` is the record under its code.
pub(super) fn judge(seal: &Seal, carried: Carried, kept: Option<Kept>) -> Verdict {
    let Carried { mark, code, lines } = carried;
    let origin = match &mark {
        Some(mark) if mark.is_of(seal) => Origin::ThisBox,
        Some(mark) if mark.box_id == seal.id() => Origin::Forged,
        Some(mark) => Origin::OtherBox { box_id: mark.box_id.clone() },
        None if kept.is_some() => Origin::Recorded,
        None => Origin::Unknown,
    };
    let text = match (&origin, &mark, &kept) {
        (Origin::ThisBox, Some(mark), _) if mark.holds(&lines) => TextState::Unchanged,
        (Origin::ThisBox, Some(mark), Some(kept)) => {
            TextState::Changed(changes(&recorded(seal, kept, mark.steps), &lines))
        }
        (Origin::ThisBox, _, None) => TextState::Changed(Vec::new()),
        (Origin::Recorded | Origin::Forged, _, Some(kept)) => closest(seal, kept, &lines),
        _ => TextState::Unknown,
    };
    // What another box calls by this code has nothing to do with the record here.
    let kept = kept.filter(|_| !matches!(origin, Origin::OtherBox { .. }));
    Verdict { origin, text, code, kept }
}

/// Compared with the trail as long as it was when the document was saved, which is not known: the
/// length that differs least.
fn closest(seal: &Seal, kept: &Kept, lines: &[String]) -> TextState {
    let all = (1..=kept.steps.len().max(1)).rev();
    let changes = all.map(|steps| changes(&recorded(seal, kept, steps), lines));
    match changes.min_by_key(Vec::len) {
        Some(changes) if !changes.is_empty() => TextState::Changed(changes),
        _ => TextState::Unchanged,
    }
}

/// The lines that a document of a record has, without its mark.
fn recorded(seal: &Seal, kept: &Kept, steps: usize) -> Vec<String> {
    let steps = &kept.steps[..steps.min(kept.steps.len())];
    let blocks = blocks::document(seal, &kept.record, steps);
    let lines = blocks.iter().filter(|block| block.style != blocks::Style::Mark);
    lines.map(|block| key(&block.text)).collect()
}
