//! From the glyphs of a page to its lines and tables in reading order.
//!
//! Spans → ruled tables taken out → segments → columns → lines. A column is found where a
//! gutter runs through rows of running text on both of its sides; whatever else stands side
//! by side (a label and its value, an unruled table) is read row by row.

use super::chars;
use super::device::{Glyph, Rule};
use super::flow::{self, Area, Flow, Mark};
use super::grid;
use super::spans::{self, Barriers, Span};
use super::table::{self, Table};

/// Rows that one run of columns may have; bounds the work on hostile pages.
const RUN_ROWS_MAX: usize = 400;
/// Columns inside columns.
const DEPTH_MAX: usize = 5;

/// A line of text in its column.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) u0: f32,
    pub(super) u1: f32,
    /// Centre across the line.
    pub(super) v: f32,
    /// Height of its characters, points.
    pub(super) size: f32,
    /// Edges of the column.
    pub(super) left: f32,
    pub(super) right: f32,
    /// Where pieces start that were set apart from the text before them.
    pub(super) stops: Vec<f32>,
    /// Lines of one column share a number.
    pub(super) column: usize,
    /// Its place on the page: 0 is the top edge, 1 the bottom edge.
    pub(super) height: f32,
}

/// What a page is made of, in reading order.
#[derive(Clone, Debug)]
pub(super) enum Item {
    Line(Line),
    Table(Table),
}

/// Something with an extent that columns are made of.
#[derive(Clone, Debug)]
enum Piece {
    Text(Span),
    Table(Box<Table>),
}

impl Piece {
    fn area(&self) -> Area {
        match self {
            Self::Text(span) => span.area(),
            Self::Table(table) => table.area,
        }
    }

    fn size(&self) -> f32 {
        match self {
            Self::Text(span) => span.size,
            Self::Table(table) => table.size,
        }
    }

    /// Where it comes among the rows.
    fn order(&self) -> f32 {
        match self {
            Self::Text(span) => span.v,
            Self::Table(table) => table.area.v0,
        }
    }
}

/// The lines and tables of a page that is `page_height` points high.
pub(super) fn read(glyphs: &[Glyph], rules: &[Rule], page_height: f32) -> Vec<Item> {
    let flows = flow::flows(glyphs);
    let Some(main) = usual_flow(glyphs, &flows) else {
        return Vec::new();
    };
    let rules: Vec<Rule> = rules.iter().map(|rule| main.rule(*rule)).collect();
    let barriers = Barriers::new(&rules);
    let mut spans = spans::spans(&marks(glyphs, &flows, main), &barriers);
    for other in [Flow::Right, Flow::Down, Flow::Left, Flow::Up] {
        if other != main {
            spans.extend(foreign(&marks(glyphs, &flows, other), other, main));
        }
    }
    let mut spans = spans::drop_ruby(spans);
    let mut pieces: Vec<Piece> = Vec::new();
    for grid in grid::grids(&rules) {
        if let Some(found) = table::read(&grid, &mut spans) {
            pieces.push(Piece::Table(Box::new(found)));
        }
    }
    pieces.extend(spans::segments(spans).into_iter().map(Piece::Text));
    let mut reader = Reader {
        items: Vec::new(),
        columns: 0,
        main,
        page_height,
    };
    reader.order(pieces, 0);
    reader.items
}

/// The flow of most characters.
fn usual_flow(glyphs: &[Glyph], flows: &[Flow]) -> Option<Flow> {
    let count = |flow: Flow| {
        let visible = |(glyph, own): &(&Glyph, &Flow)| **own == flow && !glyph.ch.is_whitespace();
        glyphs.iter().zip(flows).filter(visible).count()
    };
    let all = [Flow::Up, Flow::Left, Flow::Down, Flow::Right];
    all.into_iter()
        .max_by_key(|flow| count(*flow))
        .filter(|flow| count(*flow) > 0)
}

fn marks(glyphs: &[Glyph], flows: &[Flow], flow: Flow) -> Vec<Mark> {
    let own = glyphs.iter().zip(flows).filter(|(_, own)| **own == flow);
    own.map(|(glyph, _)| flow.mark(glyph)).collect()
}

/// Text that runs another way than the page's, as spans in the page's frame.
fn foreign(marks: &[Mark], own: Flow, main: Flow) -> Vec<Span> {
    let segments = spans::segments(spans::spans(marks, &Barriers::new(&[])));
    let turned = segments.into_iter().map(|span| {
        let area = own.area_in(main, span.area());
        Span {
            u0: area.u0,
            u1: area.u1,
            v: (area.v0 + area.v1) / 2.0,
            ..span
        }
    });
    turned.collect()
}

struct Reader {
    items: Vec<Item>,
    columns: usize,
    main: Flow,
    page_height: f32,
}

impl Reader {
    fn order(&mut self, mut pieces: Vec<Piece>, depth: usize) {
        pieces.sort_by(|a, b| a.order().total_cmp(&b.order()));
        let mut rows = rows(pieces);
        let mut plain: Vec<Vec<Piece>> = Vec::new();
        while !rows.is_empty() {
            let found = if depth < DEPTH_MAX {
                columns(&rows)
            } else {
                None
            };
            let Some(Columns {
                first,
                last,
                gutter,
            }) = found
            else {
                plain.append(&mut rows);
                break;
            };
            let rest = rows.split_off(last);
            let run = rows.split_off(first);
            plain.append(&mut rows);
            self.emit(std::mem::take(&mut plain));
            let side = |piece: &Piece| piece.area().u1 <= gutter;
            let (left, right) = run.into_iter().flatten().partition(side);
            self.order(left, depth + 1);
            self.order(right, depth + 1);
            rows = rest;
        }
        self.emit(plain);
    }

    /// Rows that stand in one column.
    fn emit(&mut self, rows: Vec<Vec<Piece>>) {
        let text = |piece: &Piece| matches!(piece, Piece::Text(_)).then(|| piece.area());
        let lines = rows
            .iter()
            .filter_map(|row| row.iter().filter_map(text).reduce(Area::union));
        let areas: Vec<Area> = lines.collect();
        let left = areas.iter().map(|area| area.u0).fold(f32::MAX, f32::min);
        let right = right_edge(&areas);
        self.columns += 1;
        for mut row in rows {
            row.sort_by(|a, b| a.area().u0.total_cmp(&b.area().u0));
            let mut line: Option<Span> = None;
            for piece in row {
                match (piece, &mut line) {
                    (Piece::Table(table), _) => {
                        self.items.push(Item::Table(*table));
                    }
                    (Piece::Text(span), Some(line)) if span.u0 >= line.u1 - 0.5 * span.size => {
                        spans::append(line, &span);
                    }
                    (Piece::Text(span), line) => {
                        if let Some(done) = line.replace(span) {
                            self.items.push(self.line(done, left, right));
                        }
                    }
                }
            }
            if let Some(done) = line {
                self.items.push(self.line(done, left, right));
            }
        }
    }

    fn line(&self, span: Span, left: f32, right: f32) -> Item {
        let on_page = self.main.area_in(Flow::Right, span.area());
        let height = (on_page.v0 + on_page.v1) / 2.0 / self.page_height;
        let Span {
            text,
            u0,
            u1,
            v,
            size,
            stops,
            ..
        } = span;
        let (text, column) = (close_spread(text), self.columns);
        Item::Line(Line {
            text,
            u0,
            u1,
            v,
            size,
            left,
            right,
            stops,
            column,
            height,
        })
    }
}

/// Where most full lines of a column end: scanned pages and hanging marks have lines that
/// reach beyond.
fn right_edge(areas: &[Area]) -> f32 {
    let width = areas
        .iter()
        .map(|area| area.u1 - area.u0)
        .fold(0.0, f32::max);
    let wide = || areas.iter().filter(|area| area.u1 - area.u0 >= 0.5 * width);
    let longest = wide().map(|area| area.u1).fold(f32::MIN, f32::max);
    let near = |area: &&Area| area.u1 >= longest - 4.0 * (area.v1 - area.v0);
    let mut ends: Vec<f32> = wide().filter(near).map(|area| area.u1).collect();
    ends.sort_by(f32::total_cmp);
    ends.get(ends.len() * 2 / 3).copied().unwrap_or(longest)
}

/// 「通　知　書」, set wide for looks, is one word.
pub(super) fn close_spread(text: String) -> String {
    let mut single = text.split('\u{3000}').filter(|part| !part.is_empty());
    let spread = text.chars().filter(|c| *c == '\u{3000}').count() > 0
        && text.chars().count() <= 15
        && single.all(|part| part.chars().count() == 1 && part.chars().all(chars::is_kanji));
    if spread {
        text.replace('\u{3000}', "")
    } else {
        text
    }
}

/// Pieces, sorted, whose centres lie on one line.
fn rows(pieces: Vec<Piece>) -> Vec<Vec<Piece>> {
    let mut rows: Vec<Vec<Piece>> = Vec::new();
    for piece in pieces {
        let fits = rows
            .last()
            .and_then(|row| row.first())
            .is_some_and(|first| {
                let size = first.size().max(piece.size());
                let text = matches!((first, &piece), (Piece::Text(_), Piece::Text(_)));
                text && piece.order() - first.order() <= 0.4 * size
            });
        match rows.last_mut() {
            Some(row) if fits => row.push(piece),
            _ => rows.push(vec![piece]),
        }
    }
    rows
}

/// A run of rows, `first..last`, with a gutter through all of them.
struct Columns {
    first: usize,
    last: usize,
    gutter: f32,
}

/// The first run of rows that stand in two columns.
fn columns(rows: &[Vec<Piece>]) -> Option<Columns> {
    let sides = |row: &Vec<Piece>| row.len() > 1;
    let mut first = 0;
    while first < rows.len() {
        if !sides(&rows[first]) {
            // Rows of one piece can open a run only together with a later row of two.
            let ahead = rows[first..].iter().take(RUN_ROWS_MAX).any(sides);
            if !ahead && !staggered(&rows[first..]) {
                return None;
            }
        }
        if let Some(found) = run_from(rows, first) {
            return Some(found);
        }
        first += 1;
    }
    None
}

/// Columns whose lines never share a height: left and right pieces alternate.
fn staggered(rows: &[Vec<Piece>]) -> bool {
    let mut areas = rows.iter().take(RUN_ROWS_MAX).flatten().map(Piece::area);
    let Some(first) = areas.next() else {
        return false;
    };
    areas.any(|area| area.u0 >= first.u1 || area.u1 <= first.u0)
}

/// Extends a run from a row for as long as a gutter remains.
fn run_from(rows: &[Vec<Piece>], first: usize) -> Option<Columns> {
    let mut taken: Vec<(f32, f32)> = Vec::new();
    let mut last = first;
    let mut gutters: Vec<(f32, f32)> = Vec::new();
    let end = rows.len().min(first + RUN_ROWS_MAX);
    while last < end {
        let mut next = taken.clone();
        for piece in &rows[last] {
            let area = piece.area();
            occupy(&mut next, area.u0, area.u1);
        }
        let size = rows[last].iter().map(Piece::size).fold(0.0, f32::max);
        let open: Vec<(f32, f32)> = next
            .windows(2)
            .map(|pair| (pair[0].1, pair[1].0))
            .filter(|(from, to)| to - from >= 0.75 * size)
            .collect();
        if open.is_empty() && !gutters.is_empty() {
            break;
        }
        if open.is_empty() && last - first > 40 {
            break;
        }
        (taken, gutters) = (next, open);
        last += 1;
    }
    gutters.sort_by(|a, b| (b.1 - b.0).total_cmp(&(a.1 - a.0)));
    gutters.iter().find_map(|(from, to)| {
        let gutter = (from + to) / 2.0;
        // Rows above the first that has text right of the gutter are not of the columns.
        let start =
            (first..last).find(|row| rows[*row].iter().any(|piece| piece.area().u0 >= gutter))?;
        let run = &rows[start..last];
        (prose(run, |area| area.u1 <= gutter) && prose(run, |area| area.u0 >= gutter)).then_some(
            Columns {
                first: start,
                last,
                gutter,
            },
        )
    })
}

fn occupy(taken: &mut Vec<(f32, f32)>, u0: f32, u1: f32) {
    let (mut low, mut high) = (u0, u1);
    taken.retain(|(a, b)| {
        let apart = *b < low || *a > high;
        if !apart {
            low = low.min(*a);
            high = high.max(*b);
        }
        apart
    });
    let at = taken.partition_point(|(a, _)| *a < low);
    taken.insert(at, (low, high));
}

/// Running text: three lines or more, most of them wide, none of them a table.
fn prose(rows: &[Vec<Piece>], side: impl Fn(&Area) -> bool) -> bool {
    let mut widths: Vec<f32> = Vec::new();
    let (mut low, mut high, mut size) = (f32::MAX, f32::MIN, 0f32);
    for row in rows {
        let own = row.iter().filter(|piece| side(&piece.area()));
        let (mut from, mut to) = (f32::MAX, f32::MIN);
        for piece in own {
            let area = piece.area();
            (from, to) = (from.min(area.u0), to.max(area.u1));
            size = size.max(piece.size());
        }
        if to > from {
            widths.push(to - from);
            (low, high) = (low.min(from), high.max(to));
        }
    }
    widths.sort_by(f32::total_cmp);
    let Some(median) = widths.get(widths.len() / 2) else {
        return false;
    };
    widths.len() >= 3 && *median >= 7.0 * size && *median >= 0.55 * (high - low)
}
