//! The used cells of one sheet, and the lines that they give.

use std::collections::BTreeMap;

use super::header::{self, Header};
use crate::ingest::office::table::{join_once, pair};

/// A title above a table longer than this is a remark (in characters).
const CAPTION_CHARS_MAX: usize = 60;
/// A merged cell over more columns than this has no name: it is a remark across the table.
const NAMED_SPAN_MAX: u32 = 4;

/// A cell with a value, or one that a merged region gives the value of its first row.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    /// Columns that it covers, counted from 0, both included.
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) text: String,
    /// False for numbers and dates.
    pub(super) is_text: bool,
    /// True where the value comes from a merged cell that starts further up.
    pub(super) filled: bool,
}

impl Cell {
    /// Columns that it covers.
    pub(super) fn width(&self) -> u32 {
        self.last - self.first + 1
    }
}

/// A row with its number, counted from 0.
pub(super) type Row<'g> = (u32, &'g [Cell]);

/// A row as text.
#[derive(Debug, PartialEq)]
pub(super) struct Line {
    /// Row number as the spreadsheet shows it, from 1.
    pub(super) row: u32,
    pub(super) text: String,
    /// The title above the table that the row belongs to.
    pub(super) caption: Option<String>,
}

/// The used cells by row, each row from left to right.
#[derive(Debug, Default)]
pub(super) struct Grid {
    rows: BTreeMap<u32, Vec<Cell>>,
}

impl Grid {
    /// Adds a cell; places count from 0. A place that is taken keeps its first value.
    pub(super) fn put(&mut self, row: u32, column: u32, text: String, is_text: bool) {
        let cell = Cell { first: column, last: column, text, is_text, filled: false };
        insert(self.rows.entry(row).or_default(), cell);
    }

    /// Merges a region: its value covers its columns and is repeated in its used rows.
    pub(super) fn merge(&mut self, (top, left): (u32, u32), (bottom, right): (u32, u32)) {
        if bottom < top || right < left {
            return;
        }
        let widest = self.rows.values().filter_map(|cells| cells.last()).map(|cell| cell.last);
        let right = if right - left > 256 { widest.max().unwrap_or(left) } else { right };
        let Some(origin) = self.rows.get_mut(&top) else {
            return;
        };
        let Ok(at) = origin.binary_search_by_key(&left, |cell| cell.first) else {
            return;
        };
        let limit = origin.get(at + 1).map_or(u32::MAX, |next| next.first - 1);
        origin[at].last = right.max(left).min(limit);
        let value = Cell { filled: true, ..origin[at].clone() };
        if bottom > top {
            for cells in self.rows.range_mut(top + 1..=bottom).map(|(_, cells)| cells) {
                insert(cells, value.clone());
            }
        }
    }

    /// The rows as lines, in order. Rows without a value give none.
    pub(super) fn lines(&self) -> Vec<Line> {
        let mut writer = Writer::default();
        let rows: Vec<Row<'_>> = self.rows.iter().map(|(row, cells)| (*row, &cells[..])).collect();
        for block in rows.chunk_by(|above, below| above.0 + 1 == below.0) {
            writer.block(block);
        }
        writer.lines
    }
}

/// Inserts by column. A cell never reaches over one that stands right of it.
fn insert(cells: &mut Vec<Cell>, mut cell: Cell) {
    let at = cells.partition_point(|known| known.first < cell.first);
    match cells.get(at) {
        Some(next) if next.first == cell.first => return,
        Some(next) => cell.last = cell.last.min(next.first - 1),
        None => {}
    }
    if let Some(before) = at.checked_sub(1).and_then(|before| cells.get_mut(before)) {
        before.last = before.last.min(cell.first - 1);
    }
    cells.insert(at, cell);
}

#[derive(Default)]
struct Writer {
    header: Option<Header>,
    caption: Option<String>,
    /// The title in a block of its own, an empty row above the table.
    pending: Option<String>,
    lines: Vec<Line>,
}

impl Writer {
    /// Rows without an empty one between them. A block may bring a header of its own.
    fn block(&mut self, rows: &[Row<'_>]) {
        let found = match self.header.is_none() {
            true => header::first(rows),
            false => header::another(rows),
        };
        let Some(found) = found else {
            self.pending = caption(rows).filter(|_| rows.iter().all(|row| row.1.len() == 1));
            if self.header.is_none() {
                self.caption.clone_from(&self.pending);
            }
            rows.iter().for_each(|row| self.row(*row));
            return;
        };
        let (titles, rest) = rows.split_at(found.start);
        self.header = None;
        self.caption = caption(titles).or(self.pending.take());
        titles.iter().for_each(|row| self.row(*row));
        let (headers, data) = rest.split_at(found.end - found.start);
        let header = Header::of(headers);
        if data.is_empty() {
            headers.iter().for_each(|row| self.row(*row));
        }
        self.header = Some(header);
        data.iter().for_each(|row| self.row(*row));
    }

    fn row(&mut self, (row, cells): Row<'_>) {
        let text = match &self.header {
            Some(header) if !is_remark(cells, header) => named(cells, header),
            _ => plain(cells),
        };
        if !text.is_empty() {
            let caption = self.caption.clone();
            self.lines.push(Line { row: row.saturating_add(1), text, caption });
        }
    }
}

/// The last row above the header that is one short text.
fn caption(titles: &[Row<'_>]) -> Option<String> {
    let mut single = titles.iter().rev().filter_map(|(_, cells)| match cells {
        [only] if only.is_text => Some(&only.text),
        _ => None,
    });
    single.find(|text| text.chars().count() <= CAPTION_CHARS_MAX).cloned()
}

/// One text alone in a wide table: a remark or the name of a part, no value of its column.
fn is_remark(cells: &[Cell], header: &Header) -> bool {
    matches!(cells, [only] if only.is_text) && header.columns() >= 3
}

fn plain(cells: &[Cell]) -> String {
    let texts: Vec<_> = cells.iter().map(|cell| cell.text.as_str()).collect();
    texts.join(" / ")
}

fn named(cells: &[Cell], header: &Header) -> String {
    let pairs: Vec<_> = cells
        .iter()
        .map(|cell| {
            let mut name = String::new();
            if cell.width() <= NAMED_SPAN_MAX {
                for column in cell.first..=cell.last {
                    join_once(&mut name, header.name(column), "・");
                }
            }
            pair(&name, &cell.text)
        })
        .collect();
    pairs.join(" / ")
}
