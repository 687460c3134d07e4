//! From the glyphs of a page to its lines and tables in reading order.
//!
//! Spans → ruled tables taken out → segments → columns → lines. A column is found where a
//! gutter runs through rows of running text on both of its sides; whatever else stands side
//! by side (a label and its value, an unruled table) is read row by row.

use super::chars;
use super::columns::{self, Columns, Piece};
use super::device::{Glyph, Rule};
use super::flow::{self, Area, Flow, Mark};
use super::grid;
use super::spans::{self, Barriers, Span};
use super::table::{self, Table};

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
    let mut reader = Reader { items: Vec::new(), columns: 0, main, page_height };
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
    all.into_iter().max_by_key(|flow| count(*flow)).filter(|flow| count(*flow) > 0)
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
        Span { u0: area.u0, u1: area.u1, v: (area.v0 + area.v1) / 2.0, ..span }
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
        let mut rows = columns::rows(pieces);
        let mut plain: Vec<Vec<Piece>> = Vec::new();
        while !rows.is_empty() {
            let found = if depth < DEPTH_MAX { columns::columns(&rows) } else { None };
            let Some(Columns { first, last, gutter }) = found else {
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
        let lines = rows.iter().filter_map(|row| row.iter().filter_map(text).reduce(Area::union));
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
        let Span { text, u0, u1, v, size, stops, .. } = span;
        let (text, column) = (close_spread(text), self.columns);
        Item::Line(Line { text, u0, u1, v, size, left, right, stops, column, height })
    }
}

/// Where most full lines of a column end: scanned pages and hanging marks have lines that
/// reach beyond.
fn right_edge(areas: &[Area]) -> f32 {
    let width = areas.iter().map(|area| area.u1 - area.u0).fold(0.0, f32::max);
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
    if spread { text.replace('\u{3000}', "") } else { text }
}
