//! Lines of one paragraph are joined; lists, headings and short lines stay by themselves.

use super::chars;
use super::layout::{Item, Line};
use super::table::Table;

/// A paragraph, or a table between paragraphs.
#[derive(Clone, Debug)]
pub(super) enum Block {
    Paragraph(Paragraph),
    Table(Table),
}

#[derive(Clone, Debug)]
pub(super) struct Paragraph {
    pub(super) text: String,
    /// Height of its characters, points.
    pub(super) size: f32,
    pub(super) lines: usize,
    /// Its first line starts at the column's edge: it may continue an earlier page.
    flush: bool,
    /// The next page's first line belongs to it unless that starts anew.
    open: bool,
}

impl Paragraph {
    /// True when `next`, at the top of the following page, goes on with this one.
    pub(super) fn continues_in(&self, next: &Self) -> bool {
        self.open && next.flush && same_size(self.size, next.size) && !starts_anew(&next.text)
    }

    /// Puts the part on the following page behind this one.
    pub(super) fn absorb(&mut self, next: &Self) {
        chars::join(&mut self.text, &next.text);
        self.lines += next.lines;
        self.open = next.open;
    }
}

/// The paragraphs and tables of a page.
pub(super) fn blocks(items: Vec<Item>) -> Vec<Block> {
    let pitch = usual_pitch(&items);
    let mut blocks: Vec<Block> = Vec::new();
    let mut last: Option<Line> = None;
    for item in items {
        match item {
            Item::Table(table) => {
                last = None;
                blocks.push(Block::Table(table));
            }
            Item::Line(line) => {
                let joins = last.as_ref().is_some_and(|last| continues(last, &line, pitch));
                match blocks.last_mut() {
                    Some(Block::Paragraph(paragraph)) if joins => {
                        chars::join(&mut paragraph.text, &line.text);
                        paragraph.lines += 1;
                        paragraph.open = is_open(&line);
                    }
                    _ => blocks.push(Block::Paragraph(Paragraph {
                        text: line.text.clone(),
                        size: line.size,
                        lines: 1,
                        flush: line.u0 - line.left <= 0.7 * line.size,
                        open: is_open(&line),
                    })),
                }
                last = Some(line);
            }
        }
    }
    blocks
}

fn same_size(a: f32, b: f32) -> bool {
    (0.86..=1.165).contains(&(a / b))
}

/// Distance of most lines to the next, in ems.
fn usual_pitch(items: &[Item]) -> f32 {
    let mut pitches: Vec<f32> = items
        .windows(2)
        .filter_map(|pair| match pair {
            [Item::Line(a), Item::Line(b)] if a.column == b.column && b.v > a.v => {
                Some((b.v - a.v) / a.size.max(b.size))
            }
            _ => None,
        })
        .collect();
    pitches.sort_by(f32::total_cmp);
    // The lower third: paragraphs may be set apart, lines of one paragraph are not.
    pitches.get(pitches.len() / 3).copied().unwrap_or(1.8).clamp(1.0, 3.0)
}

fn continues(last: &Line, next: &Line, pitch: f32) -> bool {
    let size = last.size.max(next.size);
    let step = (next.v - last.v) / size;
    let new_column = next.column != last.column;
    if !same_size(last.size, next.size) || starts_anew(&next.text) {
        return false;
    }
    if !new_column && !(0.5..=(pitch * 1.45).max(1.6)).contains(&step) {
        return false;
    }
    if is_tabular(last, next) || is_led(&last.text) {
        return false;
    }
    let ended = last.text.chars().next_back().is_some_and(chars::ends_sentence);
    let indent = |line: &Line| (line.u0 - line.left) / size;
    let indented = indent(next) - if new_column { 0.0 } else { indent(last).min(0.3) } > 0.7;
    let hanging = chars::starts_item(&last.text) || !ended;
    if indented && !hanging {
        return false;
    }
    // A line set in the middle or at the right edge is no part of a paragraph.
    if indent(next) > 8.0 && indent(last) < 4.0 {
        return false;
    }
    is_full(last, first_unit(next))
}

/// Rows of an unruled table: pieces that start at the same place in both lines.
fn is_tabular(last: &Line, next: &Line) -> bool {
    let shared = |stop: &f32| next.stops.iter().any(|other| (other - stop).abs() <= 1.5);
    last.stops.iter().any(shared)
}

/// A line of a table of contents, with a leader to its page number.
fn is_led(text: &str) -> bool {
    const LEADERS: [&str; 4] = [". . .", "....", "……", "・・・"];
    text.ends_with(char::is_numeric) && LEADERS.iter().any(|leader| text.contains(leader))
}

fn starts_anew(text: &str) -> bool {
    chars::starts_item(text)
}

/// Width of what could have been put on the line above: a character, or a word.
fn first_unit(line: &Line) -> f32 {
    let first_word = || line.text.chars().take_while(|c| c.is_ascii_alphanumeric());
    match line.text.chars().next() {
        Some(c) if !chars::is_japanese(c) => (first_word().count() + 1) as f32 * 0.55 * line.size,
        _ => 1.0 * line.size,
    }
}

/// No room was left for `unit` (and a mark that may not start a line).
fn is_full(line: &Line, unit: f32) -> bool {
    line.right - line.u1 <= unit + 1.1 * line.size && line.u1 - line.u0 > 6.0 * line.size
}

fn is_open(line: &Line) -> bool {
    is_full(line, line.size) && !line.text.chars().next_back().is_some_and(chars::ends_sentence)
}
