//! Rows of a page, and the columns in which rows of running text stand.

use super::flow::Area;
use super::spans::Span;
use super::table::Table;

/// Rows that one run of columns may have; bounds the work on hostile pages.
const RUN_ROWS_MAX: usize = 400;

/// Something with an extent that columns are made of.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    Text(Span),
    Table(Box<Table>),
}

impl Piece {
    pub(super) fn area(&self) -> Area {
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
    pub(super) fn order(&self) -> f32 {
        match self {
            Self::Text(span) => span.v,
            Self::Table(table) => table.area.v0,
        }
    }
}

/// Pieces, sorted, whose centres lie on one line.
pub(super) fn rows(pieces: Vec<Piece>) -> Vec<Vec<Piece>> {
    let mut rows: Vec<Vec<Piece>> = Vec::new();
    for piece in pieces {
        let fits = rows.last().and_then(|row| row.first()).is_some_and(|first| {
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
pub(super) struct Columns {
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) gutter: f32,
}

/// The first run of rows that stand in two columns.
pub(super) fn columns(rows: &[Vec<Piece>]) -> Option<Columns> {
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
        (prose(run, |area| area.u1 <= gutter) && prose(run, |area| area.u0 >= gutter))
            .then_some(Columns { first: start, last, gutter })
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
