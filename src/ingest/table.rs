//! Tables: cells with spans become a grid, and a grid becomes lines that carry their header.

/// Joins the pairs of a table row.
const PAIR_JOINER: &str = " / ";

/// Most rows that one cell may span.
const ROWSPAN_MAX: usize = 500;

/// Most columns that one cell may span, and most columns of a grid.
const COLUMNS_MAX: usize = 200;

/// Most cells that spans may add to a grid, so that a small file cannot fill the memory.
const SPANNED_CELLS_MAX: usize = 100_000;

/// Longest cell of a header that is guessed, in characters.
const HEADER_CHARS_MAX: usize = 20;

/// A table in the making, cell by cell.
#[derive(Debug, Default)]
pub(crate) struct Grid {
    /// `None` where no cell reaches yet.
    rows: Vec<Vec<Option<String>>>,
    /// For each row: does it hold cells, and are they all header cells?
    header_rows: Vec<Option<bool>>,
    /// Rows whose first cell is a header cell.
    named_rows: usize,
    /// Rows that cells have been put into, the current one included.
    started: usize,
    spanned: usize,
}

impl Grid {
    /// Begins the next row.
    pub(crate) fn row(&mut self) {
        self.started += 1;
        self.reach(self.started - 1);
    }

    /// Adds a cell to the current row. A cell over several rows is repeated in each; one over
    /// several columns is repeated in header rows only.
    pub(crate) fn cell(&mut self, text: &str, columns: usize, rows: usize, header: bool) {
        if self.started == 0 {
            self.row();
        }
        let at = self.started - 1;
        let column = self.rows[at].iter().position(Option::is_none).unwrap_or(self.rows[at].len());
        if column >= COLUMNS_MAX {
            return;
        }
        if column == 0 && header {
            self.named_rows += 1;
        }
        self.header_rows[at] = Some(self.header_rows[at].unwrap_or(true) && header);
        let (columns, rows) = (columns.clamp(1, COLUMNS_MAX), rows.clamp(1, ROWSPAN_MAX));
        for row in at..at + rows {
            for (nth, column) in (column..(column + columns).min(COLUMNS_MAX)).enumerate() {
                let first = row == at && nth == 0;
                self.spanned += usize::from(!first);
                if self.spanned > SPANNED_CELLS_MAX && !first {
                    return;
                }
                self.reach(row);
                if self.rows[row].len() <= column {
                    self.rows[row].resize(column + 1, None);
                }
                let value = if nth == 0 || header { text } else { "" };
                self.rows[row][column].get_or_insert_with(|| value.to_owned());
            }
        }
    }

    /// The table as lines. `no_header` turns the guess of a header off where no cell says.
    pub(crate) fn lines(self, no_header: bool) -> Vec<String> {
        let said = self.header_rows.iter().take_while(|all| **all == Some(true)).count();
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let rows: Vec<Vec<String>> = self.rows[..self.started.min(self.rows.len())]
            .iter()
            .map(|row| row.iter().map(|cell| cell.clone().unwrap_or_default()).collect())
            .collect();
        if columns == 2 && said == 0 && self.named_rows == rows.len() {
            return rows.iter().map(|row| row_line(&row[..1], &[row[1..].concat()])).collect();
        }
        let guess = said == 0 && !no_header && looks_like_header(&rows);
        table_lines(&rows, if guess { 1 } else { said })
    }

    /// True when no row has more than one cell: a frame around text, not a table.
    pub(crate) fn is_single_column(&self) -> bool {
        self.rows.iter().all(|row| row.len() < 2)
    }

    fn reach(&mut self, row: usize) {
        if self.rows.len() <= row {
            self.rows.resize(row + 1, Vec::new());
            self.header_rows.resize(row + 1, None);
        }
    }
}

/// Rows as lines: `header: value` pairs joined by ` / `. The cells of several header rows are
/// joined per column; a value without a header stands alone; an empty value is left out.
pub(crate) fn table_lines(rows: &[Vec<String>], header_rows: usize) -> Vec<String> {
    let (head, body) = rows.split_at(header_rows.min(rows.len()));
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let header: Vec<String> = (0..columns).map(|column| column_header(head, column)).collect();
    let lines = |rows: &[Vec<String>], header: &[String]| -> Vec<String> {
        rows.iter().map(|row| row_line(header, row)).filter(|line| !line.is_empty()).collect()
    };
    match body.is_empty() {
        true => lines(head, &[]),
        false => lines(body, &header),
    }
}

/// One row as a line, for readers that give each row an address of its own.
pub(crate) fn row_line(header: &[String], row: &[String]) -> String {
    let pairs = row.iter().enumerate().filter_map(|(column, cell)| {
        let value = one_line(cell);
        let name = header.get(column).map(|name| one_line(name)).unwrap_or_default();
        match (value.is_empty(), name.is_empty()) {
            (true, _) => None,
            (false, true) => Some(value),
            (false, false) => Some(format!("{name}: {value}")),
        }
    });
    pairs.collect::<Vec<_>>().join(PAIR_JOINER)
}

fn column_header(head: &[Vec<String>], column: usize) -> String {
    let mut names: Vec<String> = Vec::new();
    for name in head.iter().filter_map(|row| row.get(column)).map(|cell| one_line(cell)) {
        if !name.is_empty() && names.last() != Some(&name) {
            names.push(name);
        }
    }
    names.join(" ")
}

fn one_line(cell: &str) -> String {
    cell.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Says whether the first row reads like a header where the format does not tell: every cell is
/// filled, short, mostly no digits, and no two are the same. Two columns may as well be a name
/// and its value in each row: there the second column must hold numbers below its head.
pub(crate) fn looks_like_header(rows: &[Vec<String>]) -> bool {
    let [first, rest @ ..] = rows else {
        return false;
    };
    let label = |cell: &String| {
        let length = cell.trim().chars().count();
        let digits = cell.chars().filter(|c| c.is_numeric()).count();
        let provision = cell.contains('第') && cell.contains('条');
        (1..=HEADER_CHARS_MAX).contains(&length)
            && digits * 2 < length
            && !provision
            && !cell.contains('。')
    };
    // The corner above row names is often empty.
    let filled = first
        .iter()
        .enumerate()
        .all(|(at, cell)| label(cell) || (at == 0 && first.len() > 2 && cell.trim().is_empty()));
    let distinct = first.iter().enumerate().all(|(at, cell)| !first[..at].contains(cell));
    let plain = !rest.is_empty() && first.len() > 1 && filled && distinct;
    plain && (first.len() > 2 || numbers_below(first, rest))
}

fn numbers_below(first: &[String], rest: &[Vec<String>]) -> bool {
    let numeric = |cell: &String| {
        cell.chars().any(|c| c.is_numeric() || "一二三四五六七八九十百千万".contains(c))
    };
    let with_numbers = rest.iter().filter(|row| row.get(1).is_some_and(numeric)).count();
    !first.get(1).is_some_and(numeric) && with_numbers * 2 >= rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[&[&str]]) -> Vec<Vec<String>> {
        rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect()
    }

    #[test]
    fn rows_carry_their_header() {
        let table =
            rows(&[&["区分", "月額\n（円）"], &["第１段階", "２，３００"], &["第２段階", ""]]);
        assert_eq!(
            table_lines(&table, 1),
            ["区分: 第１段階 / 月額 （円）: ２，３００", "区分: 第２段階"]
        );
        assert_eq!(table_lines(&table[..1], 1), ["区分 / 月額 （円）"]);
        let double = rows(&[&["料金", "料金"], &["一般", "学生"], &["500", "200"]]);
        assert_eq!(table_lines(&double, 2), ["料金 一般: 500 / 料金 学生: 200"]);
    }

    #[test]
    fn headers_are_guessed_with_care() {
        let table = rows(&[&["区分", "月額"], &["一般", "300"], &["学生", "200"]]);
        assert!(looks_like_header(&table));
        assert!(!looks_like_header(&rows(&[&["1", "2"], &["3", "4"]])));
        assert!(!looks_like_header(&table[..1]));
        assert!(!looks_like_header(&rows(&[&["場所", "市民課"], &["受付", "窓口"]])));
        let replaced = rows(&[&["第七条第二項", "並びに", "及び"], &["第八条", "甲", "乙"]]);
        assert!(!looks_like_header(&replaced));
    }

    #[test]
    fn spans_fill_the_grid() {
        let mut grid = Grid::default();
        grid.row();
        grid.cell("区分", 1, 2, true);
        grid.cell("料金", 2, 1, true);
        grid.row();
        grid.cell("一般", 1, 1, true);
        grid.cell("学生", 1, 1, true);
        grid.row();
        grid.cell("夜間", 1, 2, false);
        grid.cell("500", 1, 1, false);
        grid.cell("200", 1, 1, false);
        grid.row();
        grid.cell("無料", 2, 1, false);
        assert_eq!(
            grid.lines(false),
            ["区分: 夜間 / 料金 一般: 500 / 料金 学生: 200", "区分: 夜間 / 料金 一般: 無料",]
        );
    }

    #[test]
    fn names_and_values_and_huge_spans() {
        let mut grid = Grid::default();
        for (name, value) in [("場所", "市民課"), ("時間", "9時から")] {
            grid.row();
            grid.cell(name, 1, 1, true);
            grid.cell(value, 1, 1, false);
        }
        assert_eq!(grid.lines(false), ["場所: 市民課", "時間: 9時から"]);
        let mut bomb = Grid::default();
        for _ in 0..2000 {
            bomb.row();
            bomb.cell("x", usize::MAX, usize::MAX, false);
        }
        assert!(!bomb.lines(false).is_empty());
    }
}
