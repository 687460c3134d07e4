//! What is found out about a document: who made it, whether it was changed, and where.

use super::blocks::{self, clock};
use super::changes::{Change, changes};
use super::code::Code;
use super::html::STYLE;
use super::keeper::Kept;
use super::mark::{Mark, key};
use super::review::{Rule, Step};
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
    /// Lines that the trail had when the document was saved; `None` without a record. Without a
    /// genuine mark, as many as fit best.
    pub steps: Option<usize>,
}

impl Verdict {
    /// This box made it, and nothing was changed.
    pub fn is_good(&self) -> bool {
        matches!(self.origin, Origin::ThisBox | Origin::Recorded)
            && self.text == TextState::Unchanged
    }

    /// What was done with the record after the document was saved.
    pub fn later(&self) -> &[Step] {
        let steps = self.kept.as_ref().map_or(&[] as &[Step], |kept| &kept.steps);
        self.steps.and_then(|saved| steps.get(saved..)).unwrap_or_default()
    }

    /// The same in Japanese; empty where nothing was.
    pub fn later_words(&self) -> String {
        let Some(last) = self.later().last() else { return String::new() };
        let done = each_once(self.later(), "修正", |step| step.action.done()).join("・");
        let last = format!("{} {} {}", last.action.label(), clock(&last.at), last.who());
        format!("この文書の後に、{done}されています（最新：{}）。", last.trim())
    }

    /// The same in English.
    pub fn later_words_en(&self) -> String {
        let Some(last) = self.later().last() else { return String::new() };
        let done = each_once(self.later(), "edited", |step| step.action.done_en()).join(", ");
        let last = format!("{} {} {}", last.action.done_en(), last.at, last.who());
        format!("After this document, its record was {done} (latest: {}).", last.trim())
    }
}

/// What was done, in the order of its first time.
fn each_once<'w>(steps: &[Step], edited: &'w str, word: impl Fn(&Step) -> &'w str) -> Vec<&'w str> {
    let mut done = Vec::new();
    for step in steps {
        let words = [(!step.text.is_empty()).then_some(edited), Some(word(step))];
        for word in words.into_iter().flatten() {
            if !done.contains(&word) {
                done.push(word);
            }
        }
    }
    done
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

/// Judges a document; `kept` is the record under its code, `rule` what its section asks for today.
pub(super) fn judge(seal: &Seal, carried: Carried, kept: Option<Kept>, rule: Rule) -> Verdict {
    let Carried { mark, code, lines } = carried;
    let origin = match &mark {
        Some(mark) if mark.is_of(seal) => Origin::ThisBox,
        Some(mark) if mark.box_id == seal.id() => Origin::Forged,
        Some(mark) => Origin::OtherBox { box_id: mark.box_id.clone() },
        None if kept.is_some() => Origin::Recorded,
        None => Origin::Unknown,
    };
    let saved = mark.as_ref().map(|mark| mark.steps);
    let (text, steps) = match (&origin, &mark, &kept) {
        (Origin::ThisBox, Some(mark), _) if mark.holds(&lines) => (TextState::Unchanged, saved),
        (Origin::ThisBox, Some(mark), Some(kept)) => {
            let changes = differences(seal, kept, mark.steps, rule, &lines);
            (TextState::Changed(changes), saved)
        }
        (Origin::ThisBox, _, None) => (TextState::Changed(Vec::new()), None),
        (Origin::Recorded | Origin::Forged, _, Some(kept)) => closest(seal, kept, rule, &lines),
        _ => (TextState::Unknown, None),
    };
    // What another box calls by this code has nothing to do with the record here.
    let kept = kept.filter(|_| !matches!(origin, Origin::OtherBox { .. }));
    let steps = steps.filter(|_| kept.is_some());
    Verdict { origin, text, code, kept, steps }
}

/// Compared with the trail as long as it was when the document was saved, which is not known: the
/// length that differs least.
fn closest(seal: &Seal, kept: &Kept, rule: Rule, lines: &[String]) -> (TextState, Option<usize>) {
    let all = (1..=kept.steps.len().max(1)).rev();
    let changes = all.map(|steps| (steps, differences(seal, kept, steps, rule, lines)));
    match changes.min_by_key(|(_, changes)| changes.len()) {
        Some((steps, changes)) if !changes.is_empty() => (TextState::Changed(changes), Some(steps)),
        least => (TextState::Unchanged, least.map(|(steps, _)| steps)),
    }
}

/// Where lines differ from the document of a record with so many lines of its trail. A document
/// says what the rule of the section asks for: that of the day of its last step (none was said by
/// the programs that did not note it), or, where it was saved since the rule became another, that
/// of today. Of the two, the one that differs less.
fn differences(
    seal: &Seal,
    kept: &Kept,
    steps: usize,
    rule: Rule,
    lines: &[String],
) -> Vec<Change> {
    let noted =
        kept.steps[..steps.min(kept.steps.len())].last().and_then(|step| step.noted.as_ref());
    let then = noted.and_then(|noted| Rule::of(&noted.rule)).unwrap_or_default();
    let of = |rule: Rule| changes(&recorded(seal, kept, steps, rule), lines);
    let (then, now) = (of(then), of(rule));
    if now.len() < then.len() { now } else { then }
}

/// The lines that a document of a record has, without its mark.
fn recorded(seal: &Seal, kept: &Kept, steps: usize, rule: Rule) -> Vec<String> {
    let steps = &kept.steps[..steps.min(kept.steps.len())];
    let blocks = blocks::document(seal, &kept.record, steps, rule);
    let lines = blocks.iter().filter(|block| block.style != blocks::Style::Mark);
    lines.map(|block| key(&block.text)).collect()
}
