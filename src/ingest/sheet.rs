//! XLSX, XLSM and XLS: each row a line of `header: value` pairs, with its row number.
//!
//! The only module that names `calamine`. The file's content, not its extension, tells old from
//! new: town halls hold many `.xls` files that are something else.

mod grid;
mod header;
mod value;

use std::io::Cursor;
use std::panic;

use calamine::{
    Data, DataRef, Dimensions, Reader, SheetType, SheetVisible, Xls, XlsError, Xlsx, XlsxError,
};

use self::grid::{Grid, Line};
use self::value::{NumberFormat, Value};
use super::IngestError;
use super::office::core_title;
use super::office::package::{Package, is_encrypted_ole, is_ole};
use crate::document::{Document, Locator, Section};

/// Rows in a section: the chunker cuts between lines, and the locator names so many rows.
const ROWS_PER_SECTION: usize = 20;

/// Reads a workbook; `name` is the title when the file has none.
pub(crate) fn read(bytes: &[u8], name: &str) -> Result<Document, IngestError> {
    if is_encrypted_ole(bytes) {
        return Err(IngestError::Encrypted);
    }
    if !is_ole(bytes) && bytes.trim_ascii_start().starts_with(b"<") {
        return Err(IngestError::Unsupported); // HTML or XML saved under an Excel name.
    }
    let mut title = None;
    if !is_ole(bytes) {
        let mut package = Package::open(bytes)?;
        package.verify()?;
        title = core_title(&mut package)?;
    }
    // On some damaged files calamine computes with what it read and overflows. Nothing outlives
    // the call but its result, so a panic is as good as an error.
    let found = panic::catch_unwind(|| if is_ole(bytes) { xls(bytes) } else { xlsx(bytes) });
    let found = found.unwrap_or_else(|_| {
        Err(IngestError::Damaged("the numbers inside contradict each other".to_owned()))
    })?;
    let warnings = found.warnings();
    match found.sections.is_empty() {
        true => Err(IngestError::Empty),
        false => Ok(Document {
            title: title.unwrap_or_else(|| name.to_owned()),
            law: None,
            sections: found.sections,
            warnings,
        }),
    }
}

fn xlsx(bytes: &[u8]) -> Result<Found, IngestError> {
    let mut found = Found::default();
    let mut workbook = Xlsx::new(Cursor::new(bytes)).map_err(|error| from_xlsx("", &error))?;
    for sheet in found.visible(workbook.sheets_metadata()) {
        let grid = xlsx_grid(&mut workbook, &sheet, &mut found);
        found.sheet(&sheet, &grid.map_err(|error| from_xlsx(&sheet, &error))?);
    }
    Ok(found)
}

fn xls(bytes: &[u8]) -> Result<Found, IngestError> {
    let mut found = Found::default();
    let mut workbook = Xls::new(Cursor::new(bytes)).map_err(|error| from_xls(&error))?;
    for sheet in found.visible(workbook.sheets_metadata()) {
        let grid = xls_grid(&mut workbook, &sheet, &mut found)?;
        found.sheet(&sheet, &grid);
    }
    Ok(found)
}

fn from_xlsx(sheet: &str, error: &XlsxError) -> IngestError {
    match error {
        XlsxError::Password => IngestError::Encrypted,
        error if sheet.is_empty() => IngestError::Damaged(error.to_string()),
        error => IngestError::Damaged(format!("{sheet}: {error}")),
    }
}

fn from_xls(error: &XlsError) -> IngestError {
    match error {
        XlsError::Password => IngestError::Encrypted,
        error => IngestError::Damaged(error.to_string()),
    }
}

/// The cells of a sheet, read without a dense copy: one cell far out would need gigabytes.
fn xlsx_grid(
    workbook: &mut Xlsx<Cursor<&[u8]>>,
    sheet: &str,
    found: &mut Found,
) -> Result<Grid, XlsxError> {
    let mut grid = Grid::default();
    let mut cells = workbook.worksheet_cells_reader(sheet)?;
    let formats: Vec<NumberFormat> = cells
        .styles()
        .iter()
        .map(|style| style.number_format.as_ref().map(|format| format.format_code.as_str()))
        .map(|code| NumberFormat::of(code.unwrap_or_default()))
        .collect();
    while let Some((cell, style)) = cells.next_cell_with_style_id()? {
        let (row, column) = cell.get_position();
        let value = match cell.get_value() {
            DataRef::SharedString(text) => value::text(text),
            other => value::of(&Data::from(other.clone()), formats.get(style)),
        };
        found.put(&mut grid, row, column, value);
    }
    drop(cells);
    let mut formulas = workbook.worksheet_cells_reader(sheet)?;
    while let Ok(Some(cell)) = formulas.next_cell_with_formula_metadata() {
        let empty = cell.formula.is_some() && cell.value == DataRef::Empty;
        found.without_value += usize::from(empty);
    }
    drop(formulas);
    merge(&mut grid, &workbook.merge_cells_by_sheet_name(sheet)?);
    Ok(grid)
}

fn xls_grid(
    workbook: &mut Xls<Cursor<&[u8]>>,
    sheet: &str,
    found: &mut Found,
) -> Result<Grid, IngestError> {
    let mut grid = Grid::default();
    let range = workbook.worksheet_range(sheet).map_err(|error| from_xls(&error))?;
    let (top, left) = range.start().unwrap_or((0, 0));
    for (row, column, data) in range.used_cells() {
        let place = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        let (row, column) = (top.saturating_add(place(row)), left.saturating_add(place(column)));
        found.put(&mut grid, row, column, value::of(data, None));
    }
    let merges = workbook.merge_cells_by_sheet_name(sheet).map_err(|error| from_xls(&error))?;
    merge(&mut grid, &merges);
    Ok(grid)
}

fn merge(grid: &mut Grid, merges: &[Dimensions]) {
    for region in merges {
        grid.merge(region.start, region.end);
    }
}

/// What was found in the workbook so far.
#[derive(Default)]
struct Found {
    sections: Vec<Section>,
    hidden: Vec<String>,
    other: Vec<String>,
    /// Cells that show an error such as `#REF!`.
    errors: usize,
    /// Formulas whose result was never stored by the program that wrote the file.
    without_value: usize,
}

impl Found {
    /// Names of the sheets to read; the others are noted.
    fn visible(&mut self, sheets: &[calamine::Sheet]) -> Vec<String> {
        let mut names = Vec::new();
        for sheet in sheets {
            let name = sheet.name.clone();
            match (sheet.visible, sheet.typ) {
                (SheetVisible::Visible, SheetType::WorkSheet) => names.push(name),
                (SheetVisible::Visible, _) => self.other.push(name),
                _ => self.hidden.push(name),
            }
        }
        names
    }

    fn put(&mut self, grid: &mut Grid, row: u32, column: u32, value: Value) {
        match value {
            Value::Empty => {}
            Value::Error => self.errors += 1,
            Value::Text(text) => grid.put(row, column, text, true),
            Value::Number(text) => grid.put(row, column, text, false),
        }
    }

    /// Cuts the lines of a sheet into sections of neighbouring rows under one caption.
    fn sheet(&mut self, sheet: &str, grid: &Grid) {
        let lines = grid.lines();
        for table in lines.chunk_by(|one, next| one.caption == next.caption) {
            for rows in table.chunks(ROWS_PER_SECTION) {
                self.sections.push(section(sheet, rows));
            }
        }
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let quoted = |names: &[String]| format!("「{}」", names.join("」「"));
        if !self.hidden.is_empty() {
            let names = quoted(&self.hidden);
            warnings.push(format!(
                "非表示のシート{names}は読みませんでした。必要なら再表示して保存し直してください。"
            ));
        }
        if !self.other.is_empty() {
            let names = quoted(&self.other);
            warnings.push(format!(
                "グラフやマクロのシート{names}は読みませんでした。元になる表をシートに置いてください。"
            ));
        }
        if self.errors > 0 {
            let count = self.errors;
            warnings.push(format!(
                "エラー値（#REF!など）のセルが{count}個あり、読みませんでした。数式を直してください。"
            ));
        }
        if self.without_value > 0 {
            let count = self.without_value;
            warnings.push(format!(
                "計算結果が保存されていない数式が{count}個あります。Excelで開いて保存し直してください。"
            ));
        }
        warnings
    }
}

fn section(sheet: &str, rows: &[Line]) -> Section {
    let texts: Vec<_> = rows.iter().map(|line| line.text.as_str()).collect();
    let mut headings = vec![sheet.to_owned()];
    headings.extend(rows.first().and_then(|line| line.caption.clone()));
    Section {
        headings,
        locator: Locator::Rows {
            sheet: sheet.to_owned(),
            first: rows.first().map_or(1, |line| line.row),
            last: rows.last().map_or(1, |line| line.row),
        },
        text: texts.join("\n"),
        table: true,
        ..Section::default()
    }
}

#[cfg(test)]
mod tests;
