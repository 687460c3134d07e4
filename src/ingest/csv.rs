//! CSV (also with tabs or semicolons): each record becomes a row that carries its header.

use csv::{ReaderBuilder, StringRecord};

use super::table::row_line;
use super::{IngestError, encoding};
use crate::document::{Document, Locator, Section};

/// Reads a CSV file; `name` is its title unless a title line stands above the header.
///
/// The first record with two or more filled cells is the header; what stands above it are title
/// lines. Rows are counted as a spreadsheet shows them: blank lines count, a cell of several
/// lines is one row.
///
/// # Errors
/// [`IngestError::Garbled`] or [`IngestError::Damaged`].
pub(crate) fn read(bytes: &[u8], name: &str) -> Result<Document, IngestError> {
    let decoded = encoding::decode(bytes, None)?;
    let records = records(&decoded.text)?;
    let filled =
        |record: &StringRecord| record.iter().filter(|cell| !cell.trim().is_empty()).count();
    let header_at = records.iter().position(|(_, record)| filled(record) > 1).unwrap_or(0);
    let cells = |record: &StringRecord| record.iter().map(str::to_owned).collect::<Vec<_>>();
    let (above, table) = records.split_at(header_at);
    let header = table.first().map(|(_, record)| cells(record)).unwrap_or_default();
    // A header without rows is still a text.
    let header_rows = usize::from(table.len() > 1);
    let plain = above.iter().map(|(row, record)| (row, row_line(&[], &cells(record))));
    let title = plain.clone().map(|(_, line)| line).find(|line| !line.is_empty());
    let head: &[String] = if header_rows == 0 { &[] } else { &header };
    let body = table.iter().skip(header_rows);
    let body = body.map(|(row, record)| (row, row_line(head, &cells(record))));
    let sections = plain.chain(body).filter(|(_, line)| !line.is_empty()).map(|(row, text)| {
        let locator = Locator::Rows { sheet: String::new(), first: *row, last: *row };
        Section { locator, text, table: true, ..Section::default() }
    });
    Ok(Document {
        title: title.unwrap_or_else(|| name.to_owned()),
        law: None,
        sections: sections.collect(),
        warnings: decoded.warnings(),
    })
}

/// The records with their row numbers.
fn records(text: &str) -> Result<Vec<(u32, StringRecord)>, IngestError> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter(text))
        .from_reader(text.as_bytes());
    let mut found = Vec::new();
    let mut record = StringRecord::new();
    let (mut row, mut end) = (1u32, 0usize);
    while reader
        .read_record(&mut record)
        .map_err(|error| IngestError::Damaged(format!("CSV: {error}")))?
    {
        // The slice since the record before holds this record and the blank lines around it.
        let start = std::mem::replace(&mut end, usize_of(reader.position().byte()));
        let raw = text.get(start..end).unwrap_or_default();
        row = row.saturating_add(blank_lines(raw.chars()));
        found.push((row, std::mem::take(&mut record)));
        row = row.saturating_add(1 + blank_lines(raw.chars().rev()).saturating_sub(1));
    }
    Ok(found)
}

fn usize_of(byte: u64) -> usize {
    usize::try_from(byte).unwrap_or(usize::MAX)
}

/// Line ends before the first character of another kind.
fn blank_lines(chars: impl Iterator<Item = char>) -> u32 {
    let ends = chars.take_while(|c| *c == '\n').count();
    u32::try_from(ends).unwrap_or(u32::MAX)
}

/// The separator that the first lines hold most of, outside quotes.
fn delimiter(text: &str) -> u8 {
    let mut quoted = false;
    let mut counts = [(b',', 0usize), (b'\t', 0), (b';', 0)];
    for c in text.chars().take(4000) {
        quoted ^= c == '"';
        for (separator, count) in &mut counts {
            *count += usize::from(!quoted && c == char::from(*separator));
        }
    }
    // The first wins a tie, so a file of one column reads as comma separated.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(separator, _)| *separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<(String, String)> {
        let document = read(text.as_bytes(), "表").unwrap();
        document.sections.into_iter().map(|s| (s.locator.label(), s.text)).collect()
    }

    fn row(place: &str, text: &str) -> (String, String) {
        (place.to_owned(), text.to_owned())
    }

    #[test]
    fn each_row_carries_the_header_and_its_number() {
        let text = "施設名,所在地,\"電話\n番号\"\n\n\"中央\n図書館\",桜町1,\n西公民館,西町2,012-345,余分\n";
        assert_eq!(
            rows(text),
            [
                row("3行", "施設名: 中央 図書館 / 所在地: 桜町1"),
                row("4行", "施設名: 西公民館 / 所在地: 西町2 / 電話 番号: 012-345 / 余分"),
            ]
        );
    }

    #[test]
    fn title_lines_tabs_and_single_rows() {
        let text = "令和5年度 料金表\t\n\n区分\t金額\n一般\t300\n";
        assert_eq!(
            rows(text),
            [row("1行", "令和5年度 料金表"), row("4行", "区分: 一般 / 金額: 300")]
        );
        assert_eq!(read(text.as_bytes(), "表").unwrap().title, "令和5年度 料金表");
        assert_eq!(rows("氏名,住所\n"), [row("1行", "氏名 / 住所")]);
        assert_eq!(rows("一列\n二行\n"), [row("2行", "一列: 二行")]);
    }

    #[test]
    fn an_open_quote_is_read_to_the_end() {
        assert_eq!(rows("a,b\n\"x,y\nz,w\n"), [row("2行", "a: x,y z,w")]);
    }
}
