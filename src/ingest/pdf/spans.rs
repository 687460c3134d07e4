//! Characters that were drawn one after the other become spans, spans of one line segments.

use super::chars::{is_japanese, is_kana, is_kanji, is_mark};
use super::device::Rule;
use super::flow::{Area, Mark};

/// A piece of a line: what stands together without a wide gap, in a frame.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub(super) text: String,
    pub(super) u0: f32,
    pub(super) u1: f32,
    /// Centre across the line.
    pub(super) v: f32,
    pub(super) size: f32,
    /// A space stood before it.
    pub(super) spaced: bool,
    /// Where pieces of it start that were set apart from the text before them.
    pub(super) stops: Vec<f32>,
}

impl Span {
    pub(super) fn area(&self) -> Area {
        let half = self.size / 2.0;
        Area { u0: self.u0, u1: self.u1, v0: self.v - half, v1: self.v + half }
    }

    fn new(mark: &Mark, spaced: bool) -> Self {
        let text = mark.ch.to_string();
        Self {
            text,
            u0: mark.u0,
            u1: mark.u1,
            v: mark.v,
            size: mark.size,
            spaced,
            stops: Vec::new(),
        }
    }
}

/// Rulings across the lines: a span never runs over one that stands between two characters.
pub(super) struct Barriers(Vec<Rule>);

impl Barriers {
    /// `rules` in the frame of the spans.
    pub(super) fn new(rules: &[Rule]) -> Self {
        let mut barriers: Vec<Rule> =
            rules.iter().filter(|rule| !rule.horizontal).copied().collect();
        barriers.sort_by(|a, b| a.at.total_cmp(&b.at));
        Self(barriers)
    }

    fn between(&self, before: &Mark, after: &Mark) -> bool {
        // Cells have room beside their rulings; text that has none was laid over the table.
        let slack = 0.25 * before.size.min(after.size);
        if after.u0 - before.u1 < 0.12 * before.size {
            return false;
        }
        let (from, to) = (before.u1 - slack, after.u0 + slack);
        let first = self.0.partition_point(|rule| rule.at < from);
        self.0[first..]
            .iter()
            .take_while(|rule| rule.at <= to)
            .take(64)
            .any(|rule| rule.a <= before.v && before.v <= rule.b)
    }
}

/// Cuts the marks, in drawing order, into spans. A gap of a word is a space in the span.
pub(super) fn spans(marks: &[Mark], barriers: &Barriers) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut last: Option<Mark> = None;
    let mut space = false;
    for mark in marks {
        if mark.ch.is_whitespace() {
            space = true;
            continue;
        }
        let together = last.is_some_and(|last| {
            let size = last.size.max(mark.size);
            let gap = mark.u0 - last.u1;
            (mark.v - last.v).abs() <= 0.35 * size
                && last.size.min(mark.size) > 0.55 * size
                && (-0.6 * size..=0.65 * size).contains(&gap)
                && mark.u0 + mark.u1 > last.u0 + last.u1
                && !barriers.between(&last, mark)
        });
        match (spans.last_mut(), last) {
            (Some(span), Some(last)) if together => {
                if wants_space(&last, mark, space) {
                    span.text.push(space_of(last.ch, (mark.u0 - last.u1) / mark.size));
                }
                extend(span, mark);
            }
            _ => spans.push(Span::new(mark, space)),
        }
        last = Some(*mark);
        space = false;
    }
    spans
}

fn extend(span: &mut Span, mark: &Mark) {
    span.text.push(mark.ch);
    span.u1 = span.u1.max(mark.u1);
    span.size = span.size.max(mark.size);
}

/// A space was written, or words are set apart. Beside a Japanese character only a written
/// space that takes room counts: justified lines spread their characters.
fn wants_space(last: &Mark, mark: &Mark, written: bool) -> bool {
    let gap = (mark.u0 - last.u1) / last.size.max(mark.size);
    space_between(last.ch, mark.ch, gap, written)
}

fn space_between(last: char, first: char, gap: f32, written: bool) -> bool {
    let apart = if is_mark(last) || is_mark(first) { 0.9 } else { 0.55 };
    match (is_japanese(last), is_japanese(first)) {
        (false, false) => (written && gap > -0.1) || gap > 0.17,
        _ => (written && gap > 0.15) || gap > apart,
    }
}

/// Merges spans that stand beside each other on one line; overlapping ones stay apart.
pub(super) fn segments(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by(|a, b| a.v.total_cmp(&b.v));
    let mut rows: Vec<Vec<Span>> = Vec::new();
    for span in spans {
        let fits = rows
            .last()
            .and_then(|row: &Vec<Span>| row.first())
            .is_some_and(|first| span.v - first.v <= 0.4 * first.size.max(span.size));
        match rows.last_mut() {
            Some(row) if fits => row.push(span),
            _ => rows.push(vec![span]),
        }
    }
    rows.into_iter().flat_map(merge_row).collect()
}

fn merge_row(mut row: Vec<Span>) -> Vec<Span> {
    row.sort_by(|a, b| a.u0.total_cmp(&b.u0));
    let mut merged: Vec<Span> = Vec::new();
    for span in row {
        let near = merged.iter().rposition(|other| {
            let size = other.size.max(span.size);
            (-0.5 * size..=0.7 * size).contains(&(span.u0 - other.u1))
                && (other.v - span.v).abs() <= 0.4 * size
                && span.u1 > other.u1 - 0.3 * size
        });
        match near.map(|index| &mut merged[index]) {
            Some(other) => append(other, &span),
            None => merged.push(span),
        }
    }
    merged
}

/// Puts `next` behind `span` on the same line, with a space where one belongs.
pub(super) fn append(span: &mut Span, next: &Span) {
    let (last, first) = (span.text.chars().next_back(), next.text.chars().next());
    let gap = (next.u0 - span.u1) / span.size.max(next.size);
    let (Some(last), Some(first)) = (last, first) else {
        return;
    };
    let spread = is_kanji(last) && is_kanji(first) && gap < 1.6;
    let single = |text: &str| text.chars().nth(1).is_none();
    // 「氏　　名」: a word of single characters spread over a width is one word.
    let one_word = spread && single(&next.text) && ends_spread(&span.text, gap);
    let needed = space_between(last, first, gap, next.spaced);
    if gap > 0.5 {
        span.stops.push(next.u0);
    }
    span.stops.extend_from_slice(&next.stops);
    if needed && !one_word {
        span.text.push(space_of(last, gap));
    }
    span.text.push_str(&next.text);
    span.u1 = span.u1.max(next.u1);
    span.u0 = span.u0.min(next.u0);
    span.size = span.size.max(next.size);
}

/// The space after a character, by the width of the gap in ems.
fn space_of(last: char, gap: f32) -> char {
    if is_japanese(last) && gap > 0.7 { '\u{3000}' } else { ' ' }
}

/// The last word of the text may go on with a kanji set `gap` ems apart.
fn ends_spread(text: &str, gap: f32) -> bool {
    let word = text.rsplit(char::is_whitespace).next().unwrap_or_default();
    let count_max = if gap < 1.2 { 8 } else { 4 };
    word.chars().count() <= count_max && word.chars().all(is_kanji)
}

/// Drops readings (ルビ): kana of about half the size right above (in a vertical page:
/// right of) a larger line that holds kanji there.
pub(super) fn drop_ruby(spans: Vec<Span>) -> Vec<Span> {
    let mut larger: Vec<(f32, f32, f32, f32)> = spans
        .iter()
        .filter(|span| span.text.chars().any(is_kanji))
        .map(|span| (span.v, span.u0, span.u1, span.size))
        .collect();
    larger.sort_by(|a, b| a.0.total_cmp(&b.0));
    let is_ruby = |span: &Span| {
        if !span.text.chars().all(|c| is_kana(c) || c == '\u{3000}' || c == '・') {
            return false;
        }
        let first = larger.partition_point(|base| base.0 < span.v);
        larger[first..].iter().take_while(|base| base.0 <= span.v + 3.0 * span.size).any(|base| {
            let (v, u0, u1, size) = *base;
            let centre = (span.u0 + span.u1) / 2.0;
            let distance = v - span.v;
            span.size <= 0.62 * size
                && (0.4 * size..=1.15 * size).contains(&distance)
                && (u0 - span.size..=u1 + span.size).contains(&centre)
        })
    };
    let ruby: Vec<bool> = spans.iter().map(is_ruby).collect();
    let mut ruby = ruby.into_iter();
    spans.into_iter().filter(|_| !ruby.next().unwrap_or(false)).collect()
}
