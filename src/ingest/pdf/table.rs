//! Ruled tables as text: each row a line, `見出し: 値 / 見出し: 値`.

use super::chars;
use super::flow::Area;
use super::grid::Grid;
use super::spans::{self, Span};

/// A header cell is no longer than this, in characters.
const HEADER_LENGTH_MAX: usize = 30;
/// A table of which less than this share of cells holds text is a form or a drawing.
const FILLED_MIN: f32 = 0.34;

/// A table with its text.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) area: Area,
    /// Height of its usual character, points.
    pub(super) size: f32,
    /// Title rows across the whole width, above the header.
    pub(super) captions: Vec<String>,
    /// One line a row.
    pub(super) lines: Vec<String>,
    /// The header was made out: the lines are `header: value` pairs.
    pub(super) sure: bool,
}

/// Takes out of `spans` what stands in the cells of `grid`. `None`, and nothing taken, when
/// it does not look like a table.
pub(super) fn read(grid: &Grid, spans: &mut Vec<Span>) -> Option<Table> {
    let area = grid.area();
    let place = |span: &Span| -> Option<usize> {
        let u = (span.u0 + span.u1) / 2.0;
        let (cell, extent) = grid.cell_at(u, span.v)?;
        let slack = 0.7 * span.size;
        // What runs over a cell's border was laid over the table and is not of it.
        (span.u0 >= extent.u0 - slack && span.u1 <= extent.u1 + slack).then_some(cell)
    };
    let places: Vec<Option<usize>> = spans.iter().map(place).collect();
    let mut contents: Vec<Vec<Span>> = vec![Vec::new(); grid.cells.len()];
    for (span, cell) in spans.iter().zip(&places) {
        if let Some(cell) = cell {
            contents[*cell].push(span.clone());
        }
    }
    let mut distinct = grid.cells.clone();
    distinct.sort_unstable();
    distinct.dedup();
    let filled = distinct.iter().filter(|cell| !contents[**cell].is_empty()).count();
    let share = filled as f32 / distinct.len() as f32;
    if distinct.len() < 4 || filled < 3 || share < FILLED_MIN {
        return None;
    }
    let mut sizes: Vec<f32> = contents.iter().flatten().map(|span| span.size).collect();
    sizes.sort_by(f32::total_cmp);
    let size = sizes[sizes.len() / 2];
    let texts: Vec<String> = contents.into_iter().map(cell_text).collect();
    let mut places = places.into_iter();
    spans.retain(|_| places.next().flatten().is_none());
    let (captions, lines, sure) = rows(grid, &texts);
    Some(Table { area, size, captions, lines, sure })
}

/// The lines of a cell, joined; a new item inside it is set off by a space.
fn cell_text(spans: Vec<Span>) -> String {
    let mut text = String::new();
    let mut last_v = f32::MIN;
    let mut lines: Vec<Span> = Vec::new();
    for segment in spans::segments(spans) {
        match lines.last_mut() {
            Some(line) if (segment.v - last_v).abs() <= 0.4 * segment.size => {
                spans::append(line, &segment);
            }
            _ => {
                last_v = segment.v;
                lines.push(segment);
            }
        }
    }
    for line in lines {
        if !text.is_empty() && chars::starts_item(&line.text) {
            text.push('\u{3000}');
            text.push_str(&line.text);
        } else {
            chars::join(&mut text, &line.text);
        }
    }
    super::layout::close_spread(text)
}

/// Titles, rows, and whether the header was made out.
fn rows(grid: &Grid, texts: &[String]) -> (Vec<String>, Vec<String>, bool) {
    let columns = grid.columns();
    let whole_width = |row: usize| (1..columns).all(|c| grid.cell(row, c) == grid.cell(row, 0));
    let mut top = 0;
    let mut captions = Vec::new();
    while top < grid.rows() && whole_width(top) {
        let text = &texts[grid.cell(top, 0)];
        let repeats = top > 0 && grid.cell(top, 0) == grid.cell(top - 1, 0);
        if !text.is_empty() && !repeats {
            captions.push(text.clone());
        }
        top += 1;
    }
    let depth = header_depth(grid, top);
    let headers: Vec<String> = (0..columns).map(|c| header(grid, texts, top, depth, c)).collect();
    if headers_fit(grid, texts, top, depth, &headers) {
        let lines = (top + depth..grid.rows()).map(|row| paired(grid, texts, row, &headers));
        return (captions, lines.filter(|line| !line.is_empty()).collect(), true);
    }
    if is_key_value(grid, texts, top) {
        let line = |row| {
            let (key, value) = (&texts[grid.cell(row, 0)], &texts[grid.cell(row, 1)]);
            match (key.is_empty() || grid.cell(row, 0) == grid.cell(row, 1), value.is_empty()) {
                (true, _) => value.clone(),
                (_, true) => key.clone(),
                _ => format!("{key}: {value}"),
            }
        };
        let lines = (top..grid.rows()).map(line).filter(|line| !line.is_empty());
        return (captions, lines.collect(), true);
    }
    let lines = (top..grid.rows()).map(|row| plain(grid, texts, row, top));
    (captions, lines.filter(|line| !line.is_empty()).collect(), false)
}

/// Rows of the header: as many as its tallest cell spans, where a cell spans columns.
fn header_depth(grid: &Grid, top: usize) -> usize {
    let columns = grid.columns();
    if top >= grid.rows() {
        return 0;
    }
    let spans_columns = (1..columns).any(|c| grid.cell(top, c) == grid.cell(top, c - 1));
    if !spans_columns {
        return 1;
    }
    let height = |c: usize| {
        (top..grid.rows()).take_while(|row| grid.cell(*row, c) == grid.cell(top, c)).count()
    };
    (0..columns).map(height).max().unwrap_or(1).clamp(2, 4)
}

fn header(grid: &Grid, texts: &[String], top: usize, depth: usize, column: usize) -> String {
    let mut words: Vec<&str> = Vec::new();
    for row in top..(top + depth).min(grid.rows()) {
        let text = texts[grid.cell(row, column)].as_str();
        if !text.is_empty() && words.last() != Some(&text) {
            words.push(text);
        }
    }
    words.join("・")
}

/// A header names every column but perhaps the first, in short and differing words.
fn headers_fit(
    grid: &Grid,
    texts: &[String],
    top: usize,
    depth: usize,
    headers: &[String],
) -> bool {
    let data = top + depth;
    if data >= grid.rows() {
        return false;
    }
    let named = headers.iter().skip(1).all(|text| !text.is_empty());
    let short = headers
        .iter()
        .all(|text| text.chars().count() <= HEADER_LENGTH_MAX && !text.contains('。'));
    let mut distinct = headers.to_vec();
    distinct.sort();
    distinct.dedup();
    let differ = distinct.len() * 2 > headers.len();
    let wordy = headers.iter().skip(1).all(|text| text.chars().any(char::is_alphabetic));
    let plausible = named && short && differ && wordy;
    if grid.columns() > 2 || !plausible {
        return plausible;
    }
    // Two columns may as well be pairs of name and value from the first row on.
    const USUAL: [&str; 20] = [
        "内容",
        "備考",
        "金額",
        "説明",
        "回答",
        "単価",
        "料金",
        "数量",
        "日程",
        "定義",
        "意味",
        "件数",
        "人数",
        "連絡先",
        "手数料",
        "必要書類",
        "提出書類",
        "期限",
        "電話番号",
        "担当課",
    ];
    let bare = headers[1].split(['（', '(']).next().unwrap_or_default();
    let numeric = |text: &String| text.chars().any(|c| c.is_numeric() && !chars::is_kanji(c));
    let values: Vec<&String> = (data..grid.rows()).map(|row| &texts[grid.cell(row, 1)]).collect();
    let long = |text: &&String| text.chars().count() > 2 * headers[1].chars().count().max(4);
    USUAL.contains(&bare)
        || (!numeric(&headers[1]) && values.iter().all(|text| numeric(text)))
        || (headers[0].chars().count() <= 6
            && headers[1].chars().count() <= 6
            && values.iter().all(long))
}

fn is_key_value(grid: &Grid, texts: &[String], top: usize) -> bool {
    let key = |row: usize| texts[grid.cell(row, 0)].chars().count();
    grid.columns() == 2
        && (top..grid.rows()).all(|row| key(row) <= 16)
        && (top..grid.rows()).filter(|row| key(*row) > 0).count() * 3 >= (grid.rows() - top) * 2
}

/// `見出し: 値 / …`; a cell merged downwards is repeated in each of its rows.
fn paired(grid: &Grid, texts: &[String], row: usize, headers: &[String]) -> String {
    let mut parts: Vec<String> = Vec::new();
    for (column, header) in headers.iter().enumerate() {
        let cell = grid.cell(row, column);
        let seen = column > 0 && grid.cell(row, column - 1) == cell;
        let value = &texts[cell];
        if seen || value.is_empty() {
            continue;
        }
        parts.push(match header.as_str() {
            "" => value.clone(),
            header => format!("{header}: {value}"),
        });
    }
    parts.join(" / ")
}

fn plain(grid: &Grid, texts: &[String], row: usize, top: usize) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for column in 0..grid.columns() {
        let cell = grid.cell(row, column);
        let seen = (column > 0 && grid.cell(row, column - 1) == cell)
            || (row > top && grid.cell(row - 1, column) == cell);
        if !seen && !texts[cell].is_empty() {
            parts.push(&texts[cell]);
        }
    }
    parts.join("\u{3000}")
}
