//! The reader as a whole, over files that the tests write themselves.

mod measure;
mod writer;

use super::read;
use crate::document::{Document, Locator};
use crate::ingest::IngestError;
use writer::{Font, Writer};

fn text(document: &Document) -> String {
    let sections: Vec<&str> = document.sections.iter().map(|s| s.text.as_str()).collect();
    sections.join("\n")
}

fn read_ok(writer: &Writer) -> Document {
    read(&writer.bytes(), "ファイル名").unwrap()
}

#[test]
fn predefined_encodings_and_cids() {
    let line = "この条例は、市長が定める。";
    for font in [Font::UniJis, Font::Rksj] {
        let document = read_ok(&Writer::new(font).page().text(10.5, 70.0, 700.0, line));
        assert_eq!(text(&document), line, "{font:?}");
    }
    let kana = "あいうえおかきくけこ亜。";
    let document = read_ok(&Writer::new(Font::Identity).page().text(10.5, 70.0, 700.0, kana));
    assert_eq!(text(&document), kana);
}

#[test]
fn lines_of_a_paragraph_are_joined_and_items_are_not() {
    let lines = [
        "　この条例は、市民の福祉の増進を図るため、介護",
        "保険の実施に関し必要な事項を定めることを目的と",
        "する。",
        "（1）申請書を窓口へ提出するとともに本人確認書類",
        "を提示しなければならない。",
        "（2）代理人による申請",
    ];
    let document = read_ok(&Writer::new(Font::UniJis).page().lines(10.0, 70.0, 700.0, &lines));
    assert_eq!(
        text(&document).lines().collect::<Vec<_>>(),
        [
            "この条例は、市民の福祉の増進を図るため、介護保険の実施に関し必要な事項を定めることを目的とする。",
            "（1）申請書を窓口へ提出するとともに本人確認書類を提示しなければならない。",
            "（2）代理人による申請",
        ]
    );
}

#[test]
fn columns_are_read_one_after_the_other() {
    let left =
        ["左の段の一行目の文章である", "左の段の二行目の文章である", "左の段の三行目の文章である"];
    let right =
        ["右の段の一行目の文章である", "右の段の二行目の文章である", "右の段の三行目の文章である"];
    let page = Writer::new(Font::UniJis).page();
    let page = page.lines(10.0, 60.0, 700.0, &left).lines(10.0, 320.0, 700.0, &right);
    let found = text(&read_ok(&page)).replace('\n', "");
    assert_eq!(found, left.concat() + &right.concat());
}

#[test]
fn vertical_text_runs_from_right_to_left() {
    let page = Writer::new(Font::UniJisVertical).page();
    let page = page.text(10.0, 500.0, 760.0, "縦書きの文章の一行目であり次の行へ");
    let page = page.text(10.0, 482.0, 760.0, "続く、（括弧）も長音ーもある。");
    let found = text(&read_ok(&page)).replace('\n', "");
    assert_eq!(found, "縦書きの文章の一行目であり次の行へ続く、（括弧）も長音ーもある。");
}

#[test]
fn ruled_tables_become_pairs() {
    let mut page =
        Writer::new(Font::UniJis).page().text(10.0, 60.0, 760.0, "手数料は次の表による。");
    page = page.grid(&[60.0, 160.0, 260.0, 400.0], &[740.0, 720.0, 700.0, 680.0]);
    let cells = [
        ["区分", "手数料", "備考"],
        ["住民票の写し", "三百円", "一通につき"],
        ["戸籍謄本", "四百五十円", ""],
    ];
    for (row, texts) in cells.iter().enumerate() {
        for (column, text) in texts.iter().enumerate() {
            let x = [65.0, 165.0, 265.0][column];
            page = page.text(10.0, x, 726.0 - 20.0 * row as f32, text);
        }
    }
    let document = read_ok(&page);
    let table = document.sections.iter().find(|section| section.table).unwrap();
    assert_eq!(
        table.text,
        "区分: 住民票の写し / 手数料: 三百円 / 備考: 一通につき\n区分: 戸籍謄本 / 手数料: 四百五十円"
    );
    assert_eq!(document.sections[0].text, "手数料は次の表による。");
}

#[test]
fn headings_pages_and_title() {
    let body = ["本文の一行目です。", "本文の二行目です。"];
    let mut file = Writer::new(Font::UniJis);
    for chapter in ["総則", "手続", "雑則"] {
        file = file.page().text(16.0, 70.0, 740.0, chapter).lines(10.0, 70.0, 700.0, &body);
    }
    let document = read_ok(&file);
    assert_eq!(document.title, "総則");
    assert_eq!(document.sections.len(), 3);
    let last = &document.sections[2];
    assert_eq!(last.headings, ["雑則"]);
    assert_eq!(last.locator, Locator::Pages { first: 3, last: 3 });
    assert_eq!(read_ok(&file.title("蔵市介護保険条例")).title, "蔵市介護保険条例");
}

#[test]
fn a_paragraph_over_two_pages_names_both() {
    let file = Writer::new(Font::UniJis)
        .page()
        .lines(
            10.0,
            70.0,
            120.0,
            &[
                "申請書の提出があったときは、市長は、その内容を審",
                "査し、適当と認める場合は速やかに通知書を申請した",
            ],
        )
        .page()
        .lines(
            10.0,
            70.0,
            760.0,
            &["者に交付するものとし、その写しを保存しなければな", "らない。"],
        );
    let document = read_ok(&file);
    assert_eq!(document.sections[0].locator, Locator::Pages { first: 1, last: 2 });
    assert!(document.sections[0].text.contains("申請した者に交付"));
}

#[test]
fn double_printing_counts_once() {
    let page = Writer::new(Font::UniJis).page();
    let page = page.text(10.0, 70.0, 700.0, "太字の見出し").text(10.0, 70.3, 700.0, "太字の見出し");
    assert_eq!(text(&read_ok(&page)), "太字の見出し");
}

#[test]
fn what_cannot_be_read_is_said() {
    let scanned = Writer::new(Font::UniJis).page().image().page().image();
    assert_eq!(read(&scanned.bytes(), "").unwrap_err(), IngestError::Scanned(2));
    let private = Writer::new(Font::Private).page().text(10.0, 70.0, 700.0, "読めない文字");
    assert_eq!(read(&private.bytes(), "").unwrap_err(), IngestError::Garbled(100));
    let blank = Writer::new(Font::UniJis).page();
    assert_eq!(read(&blank.bytes(), "").unwrap_err(), IngestError::Empty);
    assert_eq!(read(b"", "").unwrap_err(), IngestError::Empty);
    assert!(matches!(read(b"PK\x03\x04", "").unwrap_err(), IngestError::Damaged(_)));
    let none = Writer::new(Font::UniJis);
    assert_eq!(read(&none.bytes(), "").unwrap_err(), IngestError::Empty);
}

#[test]
fn pages_left_out_are_named() {
    let file = Writer::new(Font::UniJis).page().text(10.0, 70.0, 700.0, "本文である。");
    let document = read_ok(&file.page().image().page().image());
    assert_eq!(document.sections.len(), 1);
    assert!(document.warnings[0].starts_with("2～3ページ"), "{:?}", document.warnings);
}

#[test]
fn forms_that_draw_themselves_end() {
    let page = Writer::new(Font::UniJis).page().text(10.0, 70.0, 700.0, "本文である。").page();
    let twice = page.raw("/X1 Do\n").forms(&["/X2 Do /X2 Do", "/X1 Do /X1 Do"]);
    let document = read_ok(&twice);
    assert!(document.warnings[0].starts_with("2ページ"), "{:?}", document.warnings);
}

/// A small generator, so that every run damages the files in the same way.
fn next(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as usize
}

#[test]
fn damaged_files_never_panic() {
    let lines = ["この条例は、市長が定める。", "あいうえおかきくけこ。"];
    let whole: Vec<Vec<u8>> = [Font::UniJis, Font::Rksj, Font::UniJisVertical]
        .into_iter()
        .map(|font| {
            let page = Writer::new(font).title("題名").page().lines(10.0, 300.0, 700.0, &lines);
            let page = page.grid(&[60.0, 160.0, 260.0], &[740.0, 720.0, 700.0]).image();
            page.raw("/X1 Do\n").forms(&["0 0 10 10 re f"]).bytes()
        })
        .collect();
    let mut state = 2026;
    for mutant in 0..120 {
        let mut bytes = whole[mutant % whole.len()].clone();
        for _ in 0..1 + mutant % 9 {
            let at = next(&mut state) % bytes.len();
            match next(&mut state) % 4 {
                0 => bytes[at] = next(&mut state) as u8,
                1 => bytes[at] = b"0123456789<>[]()/ "[next(&mut state) % 18],
                2 => drop(bytes.remove(at)),
                _ => bytes.truncate(at.max(bytes.len() - bytes.len() / 8)),
            }
        }
        let _ = read(&bytes, "壊れた文書");
    }
}
