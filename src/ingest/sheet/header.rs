//! Which rows name the columns: by the shape of the cells, since a sheet does not say.

use std::collections::BTreeMap;
use std::ops::Range;

use super::grid::{Cell, Row};
use crate::ingest::office::table::join_once;

/// Rows in which a header is looked for.
const SEARCH_ROWS_MAX: usize = 30;
/// Header rows at most; statistics have up to five.
const HEADER_ROWS_MAX: usize = 5;
/// A longer text is a value, not the name of a column (in characters).
const NAME_CHARS_MAX: usize = 60;
/// Columns that one header cell can name; wider ones are titles.
const HEADER_SPAN_MAX: u32 = 256;

/// The names of the columns.
#[derive(Debug, Default)]
pub(super) struct Header {
    names: BTreeMap<u32, String>,
}

impl Header {
    /// Joins the header rows: a group's name goes before those of its columns.
    pub(super) fn of(rows: &[Row<'_>]) -> Self {
        let mut header = Self::default();
        for cell in rows.iter().flat_map(|(_, cells)| cells.iter()) {
            for column in cell.first..=cell.last.min(cell.first.saturating_add(HEADER_SPAN_MAX)) {
                join_once(header.names.entry(column).or_default(), &cell.text, " ");
            }
        }
        header
    }

    /// Name of a column counted from 0; empty where it has none.
    pub(super) fn name(&self, column: u32) -> &str {
        self.names.get(&column).map(String::as_str).unwrap_or_default()
    }

    /// Columns that have a name.
    pub(super) fn columns(&self) -> usize {
        self.names.len()
    }
}

/// The first header of a sheet, as a range of `rows`.
pub(super) fn first(rows: &[Row<'_>]) -> Option<Range<usize>> {
    let width = width(rows);
    let start = rows.iter().take(SEARCH_ROWS_MAX).position(|row| names_columns(row.1, width))?;
    Some(start..end(rows, start))
}

/// The header of a further table on the sheet. Only one that has numbers under its texts counts:
/// otherwise the block goes on the table above, after an empty row.
pub(super) fn another(rows: &[Row<'_>]) -> Option<Range<usize>> {
    let found = first(rows)?;
    let header = &rows[found.end - 1].1;
    let number_below = |cell: &Cell| {
        let under = |below: &&Cell| below.first <= cell.first && cell.first <= below.last;
        let mut data = rows[found.end..].iter();
        data.any(|(_, cells)| cells.iter().find(under).is_some_and(|below| !below.is_text))
    };
    header.iter().any(number_below).then_some(found)
}

fn width(rows: &[Row<'_>]) -> u32 {
    let rows = rows.iter().take(SEARCH_ROWS_MAX);
    rows.map(|(_, cells)| covered(cells)).max().unwrap_or(0)
}

fn covered(cells: &[Cell]) -> u32 {
    cells.iter().fold(0, |sum, cell| sum.saturating_add(cell.width()))
}

/// At least two short texts that cover half of the table, none of them nearly all of it (a title).
/// A number is no name, except for a year.
fn names_columns(cells: &[Cell], width: u32) -> bool {
    let texts = cells.iter().filter(|cell| cell.is_text).count();
    let title = |cell: &Cell| {
        // A title and, at the other end, a date or unit.
        cells.len() == 2 && cell.width() >= 3 && cell.width() > width.saturating_mul(7) / 10
    };
    let name = |cell: &Cell| {
        let short = cell.text.chars().count() <= NAME_CHARS_MAX;
        (cell.is_text && short && !title(cell)) || is_year(&cell.text)
    };
    texts >= 2 && covered(cells) >= width.div_ceil(2) && cells.iter().all(name)
}

fn is_year(text: &str) -> bool {
    text.parse::<u32>().is_ok_and(|year| (1900..2100).contains(&year))
}

/// The end of the header that starts at `start`: rows go on it while all that they add stands
/// under a cell that groups several columns, or where there is no name yet.
fn end(rows: &[Row<'_>], start: usize) -> usize {
    let mut end = start + 1;
    while end < rows.len() && end - start < HEADER_ROWS_MAX {
        let header = &rows[start..end];
        let above = |column: u32| {
            let cells = header.iter().rev().flat_map(|(_, cells)| cells.iter());
            let mut over = cells.filter(move |cell| cell.first <= column && column <= cell.last);
            over.next()
        };
        let adds = |cell: &Cell| {
            let group = above(cell.first).is_none_or(|over| over.width() > cell.width());
            cell.filled || (cell.is_text && group)
        };
        if !rows[end].1.iter().all(adds) {
            break;
        }
        end += 1;
    }
    end
}
