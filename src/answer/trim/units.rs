//! A passage's text in units that may be left out one by one, and what each needs beside it.
//!
//! A unit is a sentence, an item of a list or a row of a table, or a part of one that is very long.
//! What a unit cannot be understood without is named: the 柱書 of an item, the sentence that
//! 「ただし」 or 「前項」 points to, the caption over a table, the name of a row whose cell it is.

use std::ops::Range;

use crate::text::{is_katakana, parse_number, sentence_ranges};

/// A longer sentence, item or row is cut at its commas or cells, in characters.
pub(super) const LONG_CHARS: usize = 180;

/// A part of a long sentence is at least so long, in characters.
const PART_CHARS_MIN: usize = 40;

/// A longer line is no heading, in characters.
const HEADING_CHARS_MAX: usize = 30;

/// What stands between the cells of a row.
const CELLS: &str = " / ";

/// The smallest piece that trimming leaves out or keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::answer) struct Unit {
    /// Bytes of the passage's text, without blanks around them.
    pub(in crate::answer) range: Range<usize>,
    /// True where it begins a line.
    pub(super) opens_line: bool,
    /// Units without which it is not understood.
    pub(in crate::answer) needs: Vec<usize>,
}

/// What a line is for the lines below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// Sentences.
    Plain,
    /// A few words without an end: a caption.
    Heading,
    /// An item of a list, by the kind of its mark.
    Item(Mark),
    /// `header: value / header: value`
    Row,
}

/// Kinds of marks before items; which is inside which depends on the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Kanji,
    Kana,
    Bracket,
    Circle,
    Digit,
    Bullet,
}

/// Cuts a text. Everything but blanks, and the ` / ` between the cells of a long row, is in exactly
/// one unit, in order. A unit has little more than `long_chars` characters at most.
pub(in crate::answer) fn units(text: &str, long_chars: usize) -> Vec<Unit> {
    let mut outline = Outline::default();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let kind = kind(line);
        let from = outline.units.len();
        for range in parts(line, kind, long_chars) {
            let mut needs = range.1;
            needs.iter_mut().for_each(|at| *at += from);
            let range = start + range.0.start..start + range.0.end;
            let opens_line = outline.units.len() == from;
            outline.units.push(Unit { range, opens_line, needs });
        }
        outline.settle(text, kind, from);
        start += line.len();
    }
    outline.units
}

/// The lines so far: what those below may refer to.
#[derive(Default)]
struct Outline {
    units: Vec<Unit>,
    /// First unit of the caption that stands over what follows.
    heading: Option<usize>,
    /// First unit of the plain line before, and the one that leads to items.
    paragraph: Option<usize>,
    lead: Option<usize>,
    /// Open items, outermost first: mark and first unit.
    items: Vec<(Mark, usize)>,
}

impl Outline {
    /// Names what the units of a line need, from `from` on.
    fn settle(&mut self, text: &str, kind: Line, from: usize) {
        if from == self.units.len() {
            return;
        }
        let first = self.units[from].range.clone();
        match kind {
            Line::Heading => {
                self.heading = Some(from);
                (self.lead, self.paragraph) = (Some(from), None);
                self.items.clear();
            }
            Line::Row => self.need(from, self.heading.or(self.lead)),
            Line::Plain => {
                if text[first].contains("前項") {
                    self.need(from, self.paragraph);
                }
                self.need(from, self.heading);
                self.refer_back(text, from);
                self.items.clear();
                (self.paragraph, self.lead) = (Some(from), Some(self.leading(text, from)));
            }
            Line::Item(mark) => {
                if let Some(at) = self.items.iter().position(|(open, _)| *open == mark) {
                    if text[first].contains("前号") {
                        self.need(from, Some(self.items[at].1));
                    }
                    self.items.truncate(at);
                }
                let above = self.items.last().map(|(_, at)| *at).or(self.lead);
                self.need(from, above);
                self.items.push((mark, from));
                self.refer_back(text, from);
            }
        }
    }

    fn need(&mut self, unit: usize, other: Option<usize>) {
        if let Some(other) = other.filter(|other| !self.units[unit].needs.contains(other)) {
            self.units[unit].needs.push(other);
        }
    }

    /// Sentences that lean on the one before them in their line.
    fn refer_back(&mut self, text: &str, from: usize) {
        for at in from + 1..self.units.len() {
            let sentence = &text[self.units[at].range.clone()];
            let leans = ["ただし", "但し", "この", "これ", "その", "前段"];
            let own = sentence.starts_with("その他") || !self.units[at].needs.is_empty();
            if leans.iter().any(|word| sentence.starts_with(word)) && !own {
                self.need(at, Some(at - 1));
            }
        }
    }

    /// The sentence of a line that leads to the items below it.
    fn leading(&self, text: &str, from: usize) -> usize {
        let leads = |at: &usize| {
            let sentence = &text[self.units[*at].range.clone()];
            ["次の", "次に", "各号", "以下の"].iter().any(|word| sentence.contains(word))
        };
        (from..self.units.len()).rev().find(leads).unwrap_or(self.units.len() - 1)
    }
}

fn kind(line: &str) -> Line {
    let line = line.trim();
    if is_row(line) {
        return Line::Row;
    }
    if let Some(mark) = mark(line) {
        return Line::Item(mark);
    }
    let ends = line.ends_with(['。', '．', '.', '！', '？', '!', '?', '」', '）', ')', '、']);
    match ends || line.chars().count() > HEADING_CHARS_MAX || line.contains(['：', ':', '。']) {
        true => Line::Plain,
        false => Line::Heading,
    }
}

fn is_row(line: &str) -> bool {
    let cells = line.split(CELLS);
    cells.filter(|cell| cell.contains(": ")).count() >= 2
}

/// The mark of an item: 「一　」, 「イ　」, 「(1)」, 「①」, 「1.」, 「・」.
fn mark(line: &str) -> Option<Mark> {
    let first = line.chars().next()?;
    let rest = &line[first.len_utf8()..];
    let blank = |text: &str| text.starts_with([' ', '　', '\t']);
    if matches!(first, '(' | '（') {
        let inner = rest.split([')', '）']).next().unwrap_or_default();
        let short = (1..=3).contains(&inner.chars().count()) && inner.len() < rest.len();
        let counts = parse_number(inner).is_some() || inner.chars().all(is_katakana);
        return (short && counts).then_some(Mark::Bracket);
    }
    if matches!(first, '\u{2460}'..='\u{2473}') {
        return Some(Mark::Circle);
    }
    if matches!(first, '・' | '●' | '■' | '◆') || (matches!(first, '-' | '*') && blank(rest))
    {
        return Some(Mark::Bullet);
    }
    if is_katakana(first) && blank(rest) {
        return Some(Mark::Kana);
    }
    let digits: usize = line.chars().take_while(|c| c.is_numeric()).map(char::len_utf8).sum();
    if digits > 0 && line[digits..].starts_with(['.', '．']) {
        return Some(Mark::Digit);
    }
    let kanji: usize = line
        .chars()
        .take_while(|c| "一二三四五六七八九十百のノ".contains(*c))
        .map(char::len_utf8)
        .sum();
    (kanji > 0 && blank(&line[kanji..])).then_some(Mark::Kanji)
}

/// The units of one line: bytes, and which others of the line each needs.
fn parts(line: &str, kind: Line, long_chars: usize) -> Vec<(Range<usize>, Vec<usize>)> {
    let whole = || {
        let start = line.len() - line.trim_start().len();
        (start..start + line.trim().len(), Vec::new())
    };
    if line.trim().is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    if kind == Line::Row {
        if line.chars().count() <= long_chars {
            return vec![whole()];
        }
        for cell in cells(line) {
            // A row is named by its first cell.
            let name = if found.is_empty() { Vec::new() } else { vec![0] };
            push_short(line, cell, &name, long_chars, &mut found);
        }
        return found;
    }
    for sentence in sentence_ranges(line) {
        push_short(line, sentence, &[], long_chars, &mut found);
    }
    found
}

fn cells(line: &str) -> Vec<Range<usize>> {
    let (mut start, mut found) = (0, Vec::new());
    for cell in line.split(CELLS) {
        let text = cell.trim();
        if !text.is_empty() {
            let from = start + cell.len() - cell.trim_start().len();
            found.push(from..from + text.len());
        }
        start += cell.len() + CELLS.len();
    }
    found
}

/// Adds a sentence or cell, cut at its commas where it is too long. The middle of a long sentence
/// says little without its beginning (who) and its end (what holds, or does not).
fn push_short(
    line: &str,
    range: Range<usize>,
    needs: &[usize],
    long_chars: usize,
    found: &mut Vec<(Range<usize>, Vec<usize>)>,
) {
    let first = found.len();
    let clauses = clauses(&line[range.clone()], long_chars);
    let last = first + clauses.len() - 1;
    for (at, clause) in (first..).zip(clauses) {
        let mut needs = needs.to_vec();
        needs.extend([first, last].into_iter().filter(|other| *other != at && last > first));
        needs.dedup();
        found.push((range.start + clause.start..range.start + clause.end, needs));
    }
}

/// A text whole, or cut behind 「、」 and 「。」 into parts of at most `long_chars` where that can be;
/// a part without such a place is cut anywhere.
fn clauses(text: &str, long_chars: usize) -> Vec<Range<usize>> {
    if text.chars().count() <= long_chars {
        return std::iter::once(0..text.len()).collect();
    }
    let target = (long_chars / 2).max(PART_CHARS_MIN);
    let (mut found, mut start, mut chars) = (Vec::new(), 0, 0);
    for (at, c) in text.char_indices() {
        chars += 1;
        let end = at + c.len_utf8();
        let place = matches!(c, '、' | '。' | '，' | ',') && chars >= target;
        if place || chars >= long_chars {
            found.push(start..end);
            (start, chars) = (end, 0);
        }
    }
    if start < text.len() {
        match found.last_mut() {
            // The end of a sentence is not left alone: it is often a bare 「とする。」.
            Some(before) if chars < PART_CHARS_MIN / 2 => before.end = text.len(),
            _ => found.push(start..text.len()),
        }
    }
    found
}
