//! Reading through the front door: the known-truth files where they are, and damaged files.

use std::path::PathBuf;

use super::*;
use crate::document::Section;

/// A small file of each format that this process reads.
const SEEDS: [(Format, &str); 5] = [
    (Format::LawXml, include_str!("law_xml/tests/law.xml")),
    (
        Format::Html,
        "<!DOCTYPE html><html><head><meta charset=utf-8><title>題</title></head><body><h1>介護保険料</h1>\
         <table><tr><th rowspan=2>区分</th><th colspan=2>額</th></tr>\
         <tr><td>甲</td><td>乙</td></tr></table>\
         <ul><li>申請書<ol><li>写し</ol></ul><p><ruby>瑕疵<rt>かし</rt></ruby>の通知&amp;その他</p></body></html>",
    ),
    (
        Format::Markdown,
        "---\ntitle: a\n---\n# 手引\n\n## 第1条（目的）\n\n1. 甲\n   - 乙\n\n| 区分 | 額 |\n|---|---|\n| 一般 | 300 |\n\n\
         > 引用 **強調** `符号` <br> [^1]\n\n[^1]: 注\n\n<div><p>HTML</p></div>\n",
    ),
    (
        Format::Text,
        "桜市条例\n（目的）\n第１条　目的を定める。\n２　前項を除く。\n第２条　定める。\n第３条から第５条まで　削除\n第６条　定める。\n附　則\n１　施行する。\n別表（第２条関係）\n一般　300円\n",
    ),
    (Format::Csv, "料金表,,\n区分,\"金\n額\",備考\n\n一般,300,\"\"\"注\"\"\"\n学生,200,\n"),
];

/// A fixed sequence of numbers (xorshift), so that a failure can be repeated.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }
}

/// Flips, cuts, inserts or doubles a piece.
fn mutate(bytes: &mut Vec<u8>, numbers: &mut Numbers) {
    let from = numbers.below(bytes.len());
    let to = (from + 1 + numbers.below(40)).min(bytes.len());
    match numbers.below(5) {
        0 => bytes.get_mut(from..to).into_iter().flatten().for_each(|byte| *byte ^= 0x55),
        1 => drop(bytes.drain(from..to)),
        2 => bytes.truncate(from),
        3 => {
            let noise: Vec<u8> = (0..to - from).map(|_| numbers.below(256) as u8).collect();
            bytes.splice(from..from, noise);
        }
        _ => {
            let piece = bytes[from..to].to_vec();
            let target = numbers.below(bytes.len());
            bytes.splice(target..target, piece);
        }
    }
}

#[test]
fn damaged_files_are_read_or_refused() {
    for (format, seed) in SEEDS {
        let encoded =
            [seed.as_bytes().to_vec(), encoding_rs::SHIFT_JIS.encode(seed).0.into_owned()];
        for (which, original) in encoded.iter().enumerate() {
            let (mut read, mut refused) = (0, 0);
            for mutant in 0..100u64 {
                let mut numbers = Numbers(mutant * 1_000_003 + which as u64 + 17);
                let mut bytes = original.clone();
                for _ in 0..=mutant % 4 {
                    mutate(&mut bytes, &mut numbers);
                }
                match read_bytes(format, &bytes, "変異") {
                    Ok(document) => {
                        read += 1;
                        assert!(document.sections.iter().all(|section| !section.text.is_empty()));
                        check_passages(&document);
                    }
                    Err(error) => {
                        refused += 1;
                        assert!(!error.advice(Lang::Ja).is_empty());
                    }
                }
            }
            println!("{format:?} {which}: {read} read, {refused} refused");
        }
    }
}

fn check_passages(document: &Document) {
    let defaults = chunk::DocumentDefaults {
        title: None,
        authority_override: None,
        authority: crate::document::Authority::Manual,
        scope: crate::document::Scope::Local,
        as_of: jiff::civil::date(2026, 4, 1),
        validity: crate::document::Validity::default(),
    };
    for passage in chunk::passages(document, "a.txt", &defaults) {
        assert!(passage.text.chars().count() <= chunk::PASSAGE_CHARS_MAX);
        assert!(!passage.citation().is_empty());
    }
}

#[test]
fn an_ordinance_in_any_format_has_articles() {
    let html = "<body><h1>桜市条例</h1><p class=num>第１条　目的を定める。</p><div>第２条　定める。</div><p>第３条　定める。</p>";
    let markdown = "# 桜市条例\n\n## 第1条（目的）\n\n目的を定める。\n\n## 第2条\n\n定める。\n\n## 第3条\n\n定める。\n";
    let text = "桜市条例\n第１条　目的を定める。\n第２条　定める。\n第３条　定める。\n";
    for (format, content) in
        [(Format::Html, html), (Format::Markdown, markdown), (Format::Text, text)]
    {
        let document = read_bytes(format, content.as_bytes(), "reiki").unwrap();
        assert_eq!(document.title, "桜市条例");
        assert!(document.law.is_some(), "{format:?}");
        let articles: Vec<_> =
            document.sections.iter().filter_map(|s| Some(s.article.as_ref()?.label())).collect();
        assert_eq!(articles, ["第一条", "第二条", "第三条"], "{format:?}");
    }
}

#[test]
fn nothing_to_read_is_said() {
    for (format, content) in [
        (Format::Text, " \n　\n"),
        (Format::Html, "<html><frameset><frame src=a.html></frameset></html>"),
        (Format::Markdown, "---\ntitle: 題\n---\n"),
        (Format::Csv, ",,\n,,\n"),
        (Format::LawXml, "<Law><LawBody/></Law>"),
    ] {
        assert_eq!(
            read_bytes(format, content.as_bytes(), "空"),
            Err(IngestError::Empty),
            "{format:?}"
        );
    }
    assert_eq!(read(Path::new("a.jtd")), Err(IngestError::Unsupported));
    assert!(matches!(read(Path::new("/nonexistent/a.txt")), Err(IngestError::Io(_))));
}

/// Words of a text: what stands between spaces, commas and tabs.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', '\t', '\r', '\n', ',']).filter(|word| !word.is_empty())
}

#[test]
fn known_truth_is_read() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/documents"));
    if !folder.exists() {
        println!("skipped: no {}", folder.display());
        return;
    }
    for file in [
        "cp932.txt",
        "eucjp.txt",
        "iso2022jp.txt",
        "utf16le.txt",
        "utf8.txt",
        "utf8bom.txt",
        "kana_sjis.csv",
        "short_euc.csv",
        "short_sjis.csv",
        "page_sjis.html",
    ] {
        let document = read(&folder.join("made").join(file)).unwrap();
        let stem = file.split('.').next().unwrap();
        let truth = std::fs::read_to_string(folder.join(format!("truth/{stem}.txt"))).unwrap();
        let parts = document.sections.iter().map(|s| s.headings.join("\n") + "\n" + &s.text);
        let found = parts.collect::<Vec<_>>().join("\n");
        let missing: Vec<_> = words(&truth).filter(|word| !found.contains(word)).collect();
        assert!(missing.is_empty(), "{file}: {missing:?} not in\n{found}");
        if file.ends_with(".txt") {
            assert_eq!(found.trim(), truth.replace("\r\n", "\n").trim(), "{file}");
        }
    }
}

#[test]
fn the_sample_ordinances_have_articles() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/index/sample/ordinance"));
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let document = read(&path).unwrap();
        let law = document.law.unwrap_or_else(|| panic!("{} has no articles", path.display()));
        assert!(law.number.ends_with('号'), "{}: {law:?}", path.display());
        let under =
            |section: &Section| section.headings.iter().any(|h| h.starts_with(&document.title));
        assert!(document.sections.iter().all(|s| !under(s) || s.headings[0] == document.title));
        let articles = document.sections.iter().filter(|section| section.article.is_some());
        assert!(articles.count() > 5, "{}", path.display());
    }
}
