//! What the reader is told of time: where each source stands on the day asked, its other
//! revisions, and what may be out of date.

use jiff::civil::Date;
use serde::Serialize;

use super::library::Shelf;
use super::moment;
use super::selection::Selection;
use super::types::Source;
use crate::document::{Passage, Standing, Validity};
use crate::search::{Filter, Found, Hit, Query, Revision, SearchError};
use crate::text::dates::japanese;

/// Notes on the time of sources; more would bury the answer.
const NOTED_MAX: usize = 3;

/// Where a source stands in time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SourceTime {
    /// On the day that was asked; `None` where the document does not say when it is in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
    /// Today.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standing_today: Option<Standing>,
    /// What it is today, as a badge says it: 現行, 未施行, 旧版, …; empty where nothing is known.
    pub label: &'static str,
    /// True for what is not in force today, whatever day was asked.
    pub caution: bool,
    /// True when the day lies so far behind its 基準日 that its content may be out of date.
    pub stale: bool,
    /// 「施行日 令和7年4月1日」 and the like, in Japanese; empty where nothing is said.
    pub words: String,
}

impl SourceTime {
    /// Of a passage on the day asked.
    pub(super) fn of(passage: &Passage, day: Date, today: Date, stale_after_days: u32) -> Self {
        let on = |day| passage.validity.on(day, passage.as_of);
        let standing_today = on(today);
        let age = day.since(passage.as_of).map(|span| i64::from(span.get_days()));
        Self {
            standing: on(day),
            standing_today,
            label: standing_today.map_or("", Standing::label),
            caution: standing_today.is_some_and(|standing| standing != Standing::Current),
            stale: age.is_ok_and(|days| days > i64::from(stale_after_days)),
            words: words(&passage.validity, standing_today),
        }
    }
}

fn words(validity: &Validity, standing: Option<Standing>) -> String {
    let mut parts = Vec::new();
    match validity.in_force_from {
        _ if standing == Some(Standing::Undecided) => parts.push("施行日未定".to_owned()),
        Some(from) => parts.push(format!("施行日 {}", japanese(from))),
        None => {}
    }
    match (validity.in_force_until, validity.status) {
        (Some(until), Some(Standing::Repealed)) => {
            parts.push(format!("{}限りで廃止", japanese(until)));
        }
        (Some(until), _) => parts.push(format!("{}まで", japanese(until))),
        (None, _) => {}
    }
    parts.join("、")
}

/// The filter of a selection for a day.
fn filter(selection: &Selection, day: Date) -> Filter {
    let period = selection.period.unwrap_or_default();
    Filter {
        in_force_on: Some(day),
        authorities: selection.authorities.clone(),
        scopes: selection.scopes.clone(),
        from: period.from,
        until: period.until,
    }
}

/// A question as it is searched: its day, and what the reader is told of it.
#[derive(Clone, Debug)]
pub(super) struct Asking {
    pub(super) day: Date,
    pub(super) today: Date,
    /// The question without its day.
    pub(super) text: String,
    pub(super) filter: Filter,
    /// The selection as it is told with the answer.
    pub(super) selection: Selection,
    pub(super) notes: Vec<String>,
}

/// Takes a question's own day before the chosen one, and that before today.
pub(super) fn asking(question: &str, selection: &Selection, today: Date) -> Asking {
    let moment = moment::read(question, today);
    let day = moment.day.or(selection.as_of).unwrap_or(today);
    let mut notes = Vec::new();
    if moment.day.is_some() || selection.as_of.is_some() {
        notes.push(format!("{}時点の内容として調べました。", japanese(day)));
    }
    if let (Some(asked), Some(chosen)) = (moment.day, selection.as_of)
        && asked != chosen
    {
        notes.push(format!(
            "選ばれた時点（{}）ではなく、質問に書かれた時点を使いました。",
            japanese(chosen)
        ));
    }
    if let Some(words) = moment.unclear {
        notes.push(format!(
            "「{words}」からは日を一つに決められないため、{}時点の内容として調べました。「令和6年4月1日時点で」のように、日まで書いてください。",
            japanese(day)
        ));
    }
    let filter = filter(selection, day);
    let selection = Selection { as_of: Some(day), ..selection.clone() };
    Asking { day, today, text: moment.rest, filter, selection, notes }
}

/// A note that counts where one of these sources is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SourceNote {
    pub(super) numbers: Vec<usize>,
    pub(super) text: String,
}

/// What a reader must know of the time of sources.
pub(super) fn notes(shelf: &Shelf, sources: &[Source], asking: &Asking) -> Vec<SourceNote> {
    let mut notes: Vec<SourceNote> = Vec::new();
    for source in sources {
        let (dataset, path) = (&source.dataset.id, &source.passage.path);
        // A data set that left meanwhile has no sources; there is nothing to say of it.
        let revisions = shelf.searcher.revisions(dataset, path).unwrap_or_default();
        for text in revision_notes(source, &revisions, asking.day, asking.today) {
            note_once(&mut notes, source.number, text);
        }
    }
    // Of a data set that is old as a whole it has been said already.
    for source in sources.iter().filter(|source| source.time.stale && !source.dataset.stale) {
        let (title, as_of) = (&source.passage.title, japanese(source.passage.as_of));
        let text = format!(
            "「{title}」は基準日（{as_of}）から時間が経っています。最新の内容を確かめてください。"
        );
        note_once(&mut notes, source.number, text);
    }
    let silent = sources.iter().filter(|source| source.time.standing.is_none());
    let numbers: Vec<usize> = silent.map(|source| source.number).collect();
    if asking.day != asking.today && !numbers.is_empty() {
        let text = format!(
            "施行日の情報がない資料は、{}時点の内容とは限りません。出典の基準日をお確かめください。",
            japanese(asking.day)
        );
        notes.push(SourceNote { numbers, text });
    }
    notes
}

/// The same words about several sources are one note.
fn note_once(notes: &mut Vec<SourceNote>, number: usize, text: String) {
    match notes.iter_mut().find(|note| note.text == text) {
        Some(note) => note.numbers.push(number),
        None => notes.push(SourceNote { numbers: vec![number], text }),
    }
}

/// The notes that count for an answer that cites these sources.
pub(super) fn of_cited(notes: Vec<SourceNote>, cited: &[usize]) -> impl Iterator<Item = String> {
    let counts = |note: &SourceNote| note.numbers.iter().any(|number| cited.contains(number));
    notes.into_iter().filter(counts).map(|note| note.text).take(NOTED_MAX)
}

fn revision_notes(source: &Source, revisions: &[Revision], day: Date, today: Date) -> Vec<String> {
    let title = &source.passage.title;
    let mut notes = Vec::new();
    let standing = |revision: &Revision| revision.validity.on(day, revision.as_of);
    let mut coming = Vec::new();
    for revision in revisions {
        match (standing(revision), revision.validity.in_force_from) {
            (Some(Standing::Scheduled), Some(from)) => coming.push(japanese(from)),
            (Some(Standing::Undecided), _) => coming.push("未定".to_owned()),
            _ => {}
        }
    }
    let text = if source.passage.article.is_some() { "条文" } else { "内容" };
    let own = source.passage.validity;
    let now = own.on(today, source.passage.as_of);
    if day < today && now.is_some_and(|now| now != Standing::Current) {
        let since = match own.in_force_until {
            Some(until) => format!("（{}まで）", japanese(until)),
            None => String::new(),
        };
        let changed = if now == Some(Standing::Repealed) { "廃止" } else { "改正" };
        notes.push(format!(
            "「{title}」は、{}時点の{text}です{since}。その後、{changed}されています。",
            japanese(day)
        ));
    } else if let (Some(Standing::Scheduled), Some(from)) = (now, own.in_force_from) {
        notes.push(format!(
            "「{title}」は、{}から施行される{text}です。今日の時点では施行されていません。",
            japanese(from)
        ));
    } else if !coming.is_empty() {
        notes.push(format!(
            "「{title}」には、このほか、未施行の改正があります（施行日：{}）。",
            coming.join("、")
        ));
    }
    notes
}

/// All notes, for a list of passages.
pub(super) fn of_all(notes: Vec<SourceNote>) -> impl Iterator<Item = String> {
    notes.into_iter().map(|note| note.text).take(NOTED_MAX)
}

/// Passages that are not in force and fit the question better than what was found: all of the best
/// where nothing was, else the very best, unless another revision of its law is among the hits.
///
/// # Errors
/// What reading an index gave.
pub(super) fn missed(shelf: &Shelf, query: &Query, found: &Found) -> Result<Vec<Hit>, SearchError> {
    let time = Filter { in_force_on: query.filter.in_force_on, ..Filter::default() };
    if !shelf.searcher.leaves_out(query.datasets.as_deref(), &time)? {
        return Ok(Vec::new());
    }
    let filter = Filter { in_force_on: None, ..query.filter.clone() };
    let wider = Query { filter, limit: NOTED_MAX, keep_weak: false, ..query.clone() };
    let mut hits = shelf.searcher.search(&wider)?.hits;
    if found.weak || found.hits.is_empty() {
        return Ok(hits);
    }
    hits.truncate(1);
    if let Some(best) = hits.first() {
        let others = shelf.searcher.revisions(&best.dataset, &best.passage.path)?;
        let is_known = found.hits.iter().any(|hit| {
            let path = &hit.passage.path;
            hit.dataset == best.dataset
                && (*path == best.passage.path || others.iter().any(|other| other.path == *path))
        });
        if is_known {
            hits.clear();
        }
    }
    Ok(hits)
}

/// What is told of passages that are not in force and would answer: those that [`missed`] gave.
pub(super) fn not_in_force(sources: &[Source], day: Date) -> Vec<String> {
    let (mut notes, mut told) = (Vec::new(), Vec::new());
    for source in sources {
        let passage = &source.passage;
        let title = &passage.title;
        if told.contains(&title) {
            continue;
        }
        let validity = passage.validity;
        let note = match validity.on(day, passage.as_of) {
            Some(Standing::Repealed | Standing::Superseded) => {
                let until =
                    validity.in_force_until.map(|until| format!("{}限りで", japanese(until)));
                format!(
                    "「{title}」に近い記載がありますが、{}効力がなくなっています。以前の内容は、時点を指定すると調べられます。",
                    until.unwrap_or_default()
                )
            }
            Some(Standing::Scheduled) => format!(
                "「{title}」に近い記載がありますが、{}時点では施行されていません（{}）。",
                japanese(day),
                words(&validity, Some(Standing::Scheduled))
            ),
            Some(Standing::Undecided) => {
                format!("「{title}」に近い記載がありますが、施行日が決まっていません。")
            }
            Some(Standing::Current) | None => continue,
        };
        told.push(title);
        notes.push(note);
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn the_days_are_put_into_words() {
        let of =
            |from, until, status| Validity { in_force_from: from, in_force_until: until, status };
        let (from, until) = (Some(date(2020, 4, 1)), Some(date(2025, 3, 31)));
        for (validity, standing, expected) in [
            (of(None, None, None), None, ""),
            (of(from, None, None), Some(Standing::Current), "施行日 令和2年4月1日"),
            (
                of(from, until, Some(Standing::Superseded)),
                Some(Standing::Superseded),
                "施行日 令和2年4月1日、令和7年3月31日まで",
            ),
            (
                of(None, until, Some(Standing::Repealed)),
                Some(Standing::Repealed),
                "令和7年3月31日限りで廃止",
            ),
            (of(Some(date(2100, 1, 1)), None, None), Some(Standing::Undecided), "施行日未定"),
        ] {
            assert_eq!(words(&validity, standing), expected);
        }
    }
}
