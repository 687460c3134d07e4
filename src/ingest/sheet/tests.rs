use super::*;
use crate::ingest::office::fixture;

/// A workbook of sheets: name, attributes of its entry, cells, merged regions. A cell is its
/// place and its value: `=1.5` a number, `~46113` a date, `%0.1` a share, `#REF!` an error, `fA1`
/// a formula without its result, and all else a text.
type Sheet<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a [&'a str]);

fn parts(sheets: &[Sheet<'_>]) -> Vec<(String, String)> {
    let top = [("r1", "officeDocument", "xl/workbook.xml")];
    let mut entries = String::new();
    let mut relations = Vec::new();
    let mut parts = vec![("_rels/.rels".to_owned(), fixture::relations(&top))];
    for (number, (name, attributes, cells, merges)) in (1..).zip(sheets) {
        entries +=
            &format!("<sheet name='{name}' sheetId='{number}' {attributes} r:id='s{number}'/>");
        relations.push((format!("s{number}"), format!("worksheets/sheet{number}.xml")));
        parts.push((format!("xl/worksheets/sheet{number}.xml"), worksheet(cells, merges)));
    }
    let relations: Vec<_> =
        relations.iter().map(|(id, target)| (id.as_str(), "worksheet", target.as_str())).collect();
    let relations = [&relations[..], &[("st", "styles", "styles.xml")]].concat();
    let open = "xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main' \
        xmlns:r='http://schemas.openxmlformats.org/officeDocument/2006/relationships'";
    parts.extend([
        (
            "xl/workbook.xml".to_owned(),
            format!("<workbook {open}><sheets>{entries}</sheets></workbook>"),
        ),
        ("xl/_rels/workbook.xml.rels".to_owned(), fixture::relations(&relations)),
        (
            "xl/styles.xml".to_owned(),
            format!(
                "<styleSheet {open}><cellXfs><xf numFmtId='0'/><xf numFmtId='14'/>\
                 <xf numFmtId='9'/></cellXfs></styleSheet>"
            ),
        ),
    ]);
    parts
}

fn worksheet(cells: &[(&str, &str)], merges: &[&str]) -> String {
    let mut rows = String::new();
    let row_of = |place: &str| place.trim_start_matches(|c: char| c.is_alphabetic()).to_owned();
    for row in cells.chunk_by(|one, next| row_of(one.0) == row_of(next.0)) {
        let cells = row.iter().map(|(place, value)| {
            let rest = value.get(1..).unwrap_or_default();
            match value.chars().next() {
                Some('=') => format!("<c r='{place}'><v>{rest}</v></c>"),
                Some('~') => format!("<c r='{place}' s='1'><v>{rest}</v></c>"),
                Some('%') => format!("<c r='{place}' s='2'><v>{rest}</v></c>"),
                Some('#') => format!("<c r='{place}' t='e'><v>{value}</v></c>"),
                Some('f') => format!("<c r='{place}'><f>{rest}</f></c>"),
                _ => format!("<c r='{place}' t='inlineStr'><is><t>{value}</t></is></c>"),
            }
        });
        rows += &format!("<row r='{}'>{}</row>", row_of(row[0].0), cells.collect::<String>());
    }
    let merges: String = merges.iter().map(|area| format!("<mergeCell ref='{area}'/>")).collect();
    format!(
        "<worksheet xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'><sheetData>\
         {rows}</sheetData><mergeCells>{merges}</mergeCells></worksheet>"
    )
}

fn packed(sheets: &[Sheet<'_>]) -> Vec<u8> {
    let parts = parts(sheets);
    let parts: Vec<_> = parts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    fixture::package(&parts)
}

/// The rows of one sheet as `row number text`.
fn check(cells: &[(&str, &str)], merges: &[&str], expected: &[&str]) {
    let document = read(&packed(&[("表", "", cells, merges)]), "台帳").unwrap();
    let lines: Vec<_> = document.sections.iter().flat_map(|section| section.text.lines()).collect();
    assert_eq!(lines, expected);
}

#[test]
fn rows_carry_their_headers_and_values_their_type() {
    check(
        &[
            ("A1", "区分"),
            ("B1", "率"),
            ("C1", "施行日"),
            ("D1", "額"),
            ("A2", "第１段階"),
            ("B2", "%0.05"),
            ("C2", "~46113"),
            ("D2", "=10.0"),
        ],
        &[],
        &["区分: 第１段階 / 率: 5% / 施行日: 2026-04-01 / 額: 10"],
    );
}

#[test]
fn titles_merged_headers_and_merged_rows() {
    check(
        &[
            ("A1", "使用料一覧"),
            ("A2", "施設"),
            ("B2", "料金"),
            ("B3", "大人"),
            ("C3", "小人"),
            ("A4", "プール"),
            ("B4", "=400"),
            ("C4", "=200"),
            ("B5", "=500"),
            ("C5", "=250"),
            ("A6", "※消費税を含みます。"),
        ],
        &["A1:C1", "A2:A3", "B2:C2", "A4:A5"],
        &[
            "使用料一覧",
            "施設: プール / 料金 大人: 400 / 料金 小人: 200",
            "施設: プール / 料金 大人: 500 / 料金 小人: 250",
            "※消費税を含みます。",
        ],
    );
}

#[test]
fn a_second_table_has_its_own_header_and_a_gap_has_not() {
    check(
        &[
            ("A1", "氏名"),
            ("B1", "住所"),
            ("A2", "甲"),
            ("B2", "東町"),
            ("A4", "乙"),
            ("B4", "西町"),
            ("A7", "年度"),
            ("B7", "件数"),
            ("A8", "令和６年度"),
            ("B8", "=12"),
        ],
        &[],
        &["氏名: 甲 / 住所: 東町", "氏名: 乙 / 住所: 西町", "年度: 令和６年度 / 件数: 12"],
    );
    check(&[("A1", "一つ"), ("A2", "=2")], &[], &["一つ", "2"]);
}

#[test]
fn sections_name_sheet_rows_and_caption() {
    let mut cells = vec![
        ("A1".to_owned(), "名簿".to_owned()),
        ("A3".to_owned(), "番号".to_owned()),
        ("B3".to_owned(), "名".to_owned()),
    ];
    for row in 4..50 {
        cells.push((format!("A{row}"), format!("={row}")));
        cells.push((format!("B{row}"), "名前".to_owned()));
    }
    let cells: Vec<_> =
        cells.iter().map(|(place, value)| (place.as_str(), value.as_str())).collect();
    let document = read(&packed(&[("一覧", "", &cells, &[])]), "台帳").unwrap();
    assert_eq!(document.title, "台帳");
    let rows = |first, last| Locator::Rows { sheet: "一覧".to_owned(), first, last };
    let places: Vec<_> = document.sections.iter().map(|section| section.locator.clone()).collect();
    assert_eq!(places, [rows(1, 22), rows(23, 42), rows(43, 49)]);
    assert!(document.sections.iter().all(|s| s.table && s.headings[0] == "一覧"));
    assert!(document.sections[1].text.starts_with("番号: 23 / 名: 名前\n番号: 24"));
}

#[test]
fn what_is_left_out_is_said() {
    let sheets: [Sheet<'_>; 3] = [
        ("表", "", &[("A1", "見える"), ("A2", "#REF!"), ("A3", "fSUM(A1)")], &[]),
        ("控え", "state='hidden'", &[("A1", "秘密")], &[]),
        ("裏", "state='veryHidden'", &[("A1", "秘密")], &[]),
    ];
    let document = read(&packed(&sheets), "台帳").unwrap();
    assert_eq!(document.sections.len(), 1);
    assert_eq!(document.sections[0].text, "見える");
    let warnings = document.warnings.join("\n");
    for part in ["「控え」「裏」", "（#REF!など）のセルが1個", "数式が1個"] {
        assert!(warnings.contains(part), "{part}: {warnings}");
    }
}

#[test]
fn a_cell_far_out_costs_nothing() {
    check(
        &[("A1", "甲"), ("B1", "乙"), ("A2", "一"), ("XFD1048576", "=1")],
        &["A2:XFD1048576"],
        &["甲 / 乙", "一", "一 / 1"],
    );
}

#[test]
fn what_cannot_be_read_is_named() {
    assert_eq!(read(&packed(&[("表", "", &[], &[])]), "x"), Err(IngestError::Empty));
    assert_eq!(read(b"<html><table>", "x"), Err(IngestError::Unsupported));
    assert!(matches!(read(b"a,b\n1,2\n", "x"), Err(IngestError::Damaged(_))));
    let mut parts = parts(&[("表", "", &[("A1", "値")], &[])]);
    parts[1].1.truncate(150);
    let parts: Vec<_> = parts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    assert!(matches!(read(&fixture::package(&parts), "x"), Err(IngestError::Damaged(_))));
    let mut ole = vec![0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];
    ole.resize(4096, 0);
    assert!(matches!(read(&ole, "x"), Err(IngestError::Damaged(_))));
    ole.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
    assert_eq!(read(&ole, "x"), Err(IngestError::Encrypted));
}

#[test]
fn mutants_never_panic() {
    let cells = [("A1", "区分"), ("B1", "額"), ("A2", "一"), ("B2", "=1.5"), ("A3", "~46113")];
    let parts = parts(&[("表", "", &cells, &["A2:A3"]), ("裏", "state='hidden'", &cells, &[])]);
    let parts: Vec<_> = parts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    fixture::survives_mutation(read, &parts);
}
