//! Rows of a table in a document or slide: one line a row, `header: value` joined by ` / `.

/// A cell as the file holds it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    /// Text on one line.
    pub(crate) text: String,
    /// Columns that it covers, at least 1.
    pub(crate) span: usize,
    /// True where it goes on the cell above (vertical merge).
    pub(crate) continues: bool,
    /// True where it has a background of its own.
    pub(crate) shaded: bool,
}

/// A row as the file holds it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    /// Cells from left to right.
    pub(crate) cells: Vec<Cell>,
    /// Empty columns before the first cell.
    pub(crate) indent: usize,
    /// True where the file marks it as a header row.
    pub(crate) header: bool,
}

/// Widest span that is believed; Word allows 63 columns, PowerPoint 75.
pub(crate) const SPAN_MAX: usize = 128;
/// A second cell longer than this is a value, not the header of a column (in characters).
const HEADER_CHARS_MAX: usize = 30;
/// Header rows at most.
const HEADER_ROWS_MAX: usize = 4;

/// A cell on the grid: columns `start..end`.
struct Placed {
    start: usize,
    end: usize,
    text: String,
    continues: bool,
}

/// The lines of a table, merged cells repeated down their rows. Rows without text give none.
pub(crate) fn lines(rows: &[Row]) -> Vec<String> {
    let grid = place(rows);
    let width = grid.iter().flatten().map(|cell| cell.end).max().unwrap_or(0);
    let key_value = is_key_value(rows, width);
    let titles = if key_value { grid.len() } else { title_rows(&grid, width) };
    let headers = header_rows(rows, &grid, titles);
    let names = column_names(&grid[titles..titles + headers], width);
    let mut lines: Vec<String> = Vec::with_capacity(grid.len());
    for row in &grid[..titles] {
        lines.push(plain(row, if key_value { ": " } else { " / " }));
    }
    for row in &grid[titles + headers..] {
        lines.push(named(row, &names, width));
    }
    if lines.iter().all(String::is_empty) {
        // A table of headers alone still says something.
        lines = grid.iter().map(|row| plain(row, " / ")).collect();
    }
    lines.retain(|line| !line.is_empty());
    lines
}

/// Puts the cells on the grid; a continued cell takes the text of the one above it.
fn place(rows: &[Row]) -> Vec<Vec<Placed>> {
    let mut grid: Vec<Vec<Placed>> = Vec::with_capacity(rows.len());
    for row in rows {
        let mut start = row.indent.min(SPAN_MAX);
        let mut placed = Vec::with_capacity(row.cells.len());
        for cell in &row.cells {
            let end = start + cell.span.clamp(1, SPAN_MAX);
            let above = grid.last().filter(|_| cell.continues);
            let above = above.and_then(|row| row.iter().find(|above| above.start == start));
            let text = above.map_or(&cell.text, |above| &above.text).clone();
            placed.push(Placed { start, end, text, continues: cell.continues });
            start = end;
        }
        grid.push(placed);
    }
    grid
}

/// Two columns of name and value rather than a header and its rows: common in application forms.
fn is_key_value(rows: &[Row], width: usize) -> bool {
    let (Some([name, value]), 2) = (rows.first().map(|row| row.cells.as_slice()), width) else {
        return false;
    };
    let next_is_name = |row: &Row| row.cells.first().is_some_and(|cell| cell.shaded);
    let shaded = name.shaded && !value.shaded && rows.get(1).is_some_and(next_is_name);
    !rows[0].header && (shaded || value.text.chars().count() > HEADER_CHARS_MAX)
}

/// Rows at the top that one cell fills: the table's title, or a note.
fn title_rows(grid: &[Vec<Placed>], width: usize) -> usize {
    let filled = |row: &&Vec<Placed>| row.iter().filter(|cell| !cell.text.is_empty()).count();
    let title = |row: &&Vec<Placed>| width > 1 && filled(row) < 2;
    grid.iter().take_while(title).count()
}

/// How many rows after the titles name the columns; 0 when nothing would be left for them to name.
fn header_rows(rows: &[Row], grid: &[Vec<Placed>], titles: usize) -> usize {
    let left = rows.len() - titles;
    if left < 2 {
        return 0;
    }
    let marked = rows[titles..].iter().take_while(|row| row.header).count();
    let grouped = grid[titles].iter().any(|cell| cell.end - cell.start > 1);
    let goes_on = |row: &&Vec<Placed>| row.iter().any(|cell| cell.continues);
    let merged = match grouped {
        true => 1 + grid[titles + 1..].iter().take_while(goes_on).count().min(1),
        false => 1,
    };
    let count = if marked > 0 { marked } else { merged };
    count.min(HEADER_ROWS_MAX).min(left - 1)
}

/// The name of each column: the texts of its header cells from the top, each once.
fn column_names(headers: &[Vec<Placed>], width: usize) -> Vec<String> {
    let mut names = vec![String::new(); width];
    for cell in headers.iter().flatten() {
        for name in &mut names[cell.start..cell.end] {
            join_once(name, &cell.text, " ");
        }
    }
    names
}

/// One row under its headers. A cell that fills the row stands alone: it divides the table.
fn named(row: &[Placed], names: &[String], width: usize) -> String {
    let mut pairs: Vec<String> = Vec::with_capacity(row.len());
    for cell in row.iter().filter(|cell| !cell.text.is_empty()) {
        let mut name = String::new();
        if cell.end - cell.start < width || width == 1 {
            for column in &names[cell.start..cell.end] {
                join_once(&mut name, column, "・");
            }
        }
        pairs.push(pair(&name, &cell.text));
    }
    pairs.join(" / ")
}

fn plain(row: &[Placed], separator: &str) -> String {
    let texts: Vec<_> =
        row.iter().map(|cell| cell.text.as_str()).filter(|text| !text.is_empty()).collect();
    texts.join(separator)
}

/// `header: value`, or the value alone where the column has no name.
pub(crate) fn pair(header: &str, value: &str) -> String {
    match header.is_empty() || header == value {
        true => value.to_owned(),
        false => format!("{header}: {value}"),
    }
}

/// Appends `part` unless the joined parts hold it already.
pub(crate) fn join_once(joined: &mut String, part: &str, separator: &str) {
    if part.is_empty() || joined.split(separator).any(|known| known == part) {
        return;
    }
    if !joined.is_empty() {
        joined.push_str(separator);
    }
    joined.push_str(part);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `^` goes on the cell above; a trailing `+n` spans n columns.
    fn row(cells: &[&str]) -> Row {
        let cell = |written: &&str| {
            let (text, span) = written.split_once('+').unwrap_or((written, "1"));
            let continues = text == "^";
            let text = if continues { "" } else { text }.to_owned();
            Cell { text, span: span.parse().unwrap(), continues, shaded: false }
        };
        Row { cells: cells.iter().map(cell).collect(), ..Row::default() }
    }

    fn check(rows: &[&[&str]], expected: &[&str]) {
        let rows: Vec<_> = rows.iter().map(|cells| row(cells)).collect();
        assert_eq!(lines(&rows), expected);
    }

    #[test]
    fn headers_name_the_cells() {
        check(
            &[&["区分", "月額", ""], &["第１段階", "２，３００", "注"], &["", "", ""]],
            &["区分: 第１段階 / 月額: ２，３００ / 注"],
        );
    }

    #[test]
    fn merged_cells_are_repeated() {
        check(
            &[
                &["料金表+3"],
                &["区分", "料金+2"],
                &["^", "大人", "小人"],
                &["プール", "400", "200"],
                &["^", "500+2"],
                &["夜間の部+3"],
            ],
            &[
                "料金表",
                "区分: プール / 料金 大人: 400 / 料金 小人: 200",
                "区分: プール / 料金 大人・料金 小人: 500",
                "夜間の部",
            ],
        );
    }

    #[test]
    fn forms_and_odd_tables() {
        let long =
            "この事業は、市内に住所を有する高齢者の生活を支えることを目的として実施するものです。";
        check(&[&["目的", long], &["所管", "福祉課"]], &[&format!("目的: {long}"), "所管: 福祉課"]);
        check(&[&["一行", "だけ"]], &["一行 / だけ"]);
        check(&[&["", ""], &["", ""]], &[]);
        check(&[], &[]);
        check(&[&["a+999999"], &["b"], &["^", "c"]], &["a", "b", "b / c"]);
    }
}
