//! A small statute of our own with every kind of structure, and the real files where they are.

use super::*;

const LAW: &str = include_str!("tests/law.xml");

fn section<'a>(document: &'a Document, label: &str) -> &'a Section {
    let labelled = |s: &&Section| s.article.as_ref().is_some_and(|a| a.label() == label);
    document.sections.iter().find(labelled).unwrap_or_else(|| panic!("no {label}"))
}

#[test]
fn the_head_of_a_law() {
    let document = read(LAW.as_bytes(), "file").unwrap();
    assert_eq!(document.title, "桜の木の保存に関する法律");
    let law = document.law.unwrap();
    assert_eq!(law.number, "令和三年法律第九百一号");
    assert_eq!(law.authority, Some(Authority::Law));
    assert_eq!(law.abbreviations, ["桜保存法", "桜法"]);
    assert_eq!(document.warnings, ["図や様式の画像1点は読み取っていません。"]);
    let all: String = document.sections.iter().map(|s| s.text.clone() + "\n").collect();
    for absent in ["目次", "さくら", "（目的）"] {
        assert!(!all.contains(absent), "{absent} in {all}");
    }
}

#[test]
fn provisions_keep_their_structure() {
    let document = read(LAW.as_bytes(), "file").unwrap();
    let first = section(&document, "第一条");
    assert_eq!(first.headings, ["第一編　総則", "第一章　通則"]);
    assert_eq!(first.caption, "目的");
    assert_eq!(first.text, "第一条　この法律は、桜の木を保存する。ただし、枯れたものを除く。");
    let items = section(&document, "第二条の二第一項");
    assert_eq!(
        items.text,
        "第二条の二　次に掲げる者は、届け出る。\n一　植えた者　十日\n二　切る者\nイ　市民\nロ　その他\n（１）　法人"
    );
    assert_eq!(section(&document, "第二条の二第二項").text, "２　市長は、これを受理する。");
    for deleted in ["第三条", "第四条", "第五条"] {
        assert_eq!(section(&document, deleted).text, "第三条から第五条まで　削除");
    }
}

#[test]
fn tables_supplements_and_appendices() {
    let document = read(LAW.as_bytes(), "file").unwrap();
    let sixth: Vec<_> = document
        .sections
        .iter()
        .filter(|s| s.article.as_ref().is_some_and(|a| a.article == "6"))
        .map(|s| (s.table, s.text.as_str()))
        .collect();
    assert_eq!(
        sixth,
        [
            (false, "第六条　手数料は、次の表による。"),
            (true, "区分: 一般 / 金額: 三百円\n区分: 学生 / 金額: 二百円"),
        ]
    );
    let supplement = section(&document, "附則第一項");
    assert_eq!(supplement.text, "１　この法律は、公布の日から施行する。");
    assert_eq!(
        (supplement.headings.as_slice(), supplement.caption.as_str()),
        (["附則".to_owned()].as_slice(), "施行期日")
    );
    assert_eq!(
        section(&document, "附則（令和五年六月一日法律第七号）第一条").text,
        "第一条　この法律は、令和六年四月一日から施行する。"
    );
    let last = document.sections.last().unwrap();
    assert_eq!(last.headings, ["別表（第六条関係）"]);
    assert_eq!(
        last.text,
        "樹種: 染井吉野 / 高さ: 十メートル / 備考: 市の木\n樹種: 山桜 / 高さ: 八メートル / 備考: なし"
    );
}

#[test]
fn the_answer_of_the_api_is_read_too() {
    let law = LAW.split_once("?>").unwrap().1;
    for wrapped in [
        format!(
            "<law_data_response><revision_info><abbrev>桜法,花法</abbrev></revision_info><law_full_text>{law}</law_full_text></law_data_response>"
        ),
        format!(
            "<DataRoot><Result><Code>0</Code></Result><ApplData><LawFullText>{law}</LawFullText></ApplData></DataRoot>"
        ),
    ] {
        let document = read(wrapped.as_bytes(), "file").unwrap();
        assert_eq!(document.title, "桜の木の保存に関する法律");
        assert_eq!(section(&document, "第一条").caption, "目的");
    }
}

#[test]
fn what_is_no_law_says_why() {
    for (text, why) in [
        ("<rss><channel/></rss>", "<rss> holds no <Law>"),
        ("<Law><LawBody><LawTitle>題", "cut off inside <LawTitle>"),
        ("<Law><LawBody></Law>", "XML: "),
        ("<Law>&bomb;</Law>", "unknown entity &bomb;"),
        ("", "no XML element"),
        (&"<a>".repeat(100_000), "nested deeper than"),
    ] {
        match read(text.as_bytes(), "file") {
            Err(IngestError::Damaged(found)) => assert!(found.contains(why), "{found}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn real_statutes_are_read_whole() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/egov");
    let Ok(files) = std::fs::read_dir(folder) else {
        println!("skipped: no {folder}");
        return;
    };
    for file in files {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let document = read(&bytes, "file").unwrap();
        let text: String = document.sections.iter().map(|s| s.text.clone()).collect();
        let xml = String::from_utf8(bytes).unwrap();
        let mut expected = 0;
        for sentence in xml.split("<Sentence").skip(1) {
            let sentence = sentence.split_once('>').unwrap().1.split('<').next().unwrap();
            expected += 1;
            assert!(text.contains(sentence.trim()), "{}: {sentence}", path.display());
        }
        assert!(expected > 50);
        assert!(document.sections.iter().all(|s| !s.text.is_empty()));
    }
}
