//! Cutting by example, and its promises as properties.

use proptest::prelude::*;

use super::*;
use crate::document::{DocumentInfo, LawInfo};

fn defaults() -> DocumentDefaults {
    DocumentDefaults {
        title: None,
        authority_override: None,
        authority: Authority::Manual,
        scope: Scope::Local,
        as_of: jiff::civil::date(2026, 4, 1),
        validity: crate::document::Validity::default(),
    }
}

fn cut_up(sections: Vec<Section>) -> Vec<Passage> {
    let document = Document { title: "手引".to_owned(), sections, ..Document::default() };
    passages(&document, "a/b.txt", &defaults())
}

fn provision(article: &str, paragraph: Option<u32>, text: &str) -> Section {
    let article = ArticleRef { article: article.to_owned(), paragraph, ..ArticleRef::default() };
    Section { article: Some(article), text: text.to_owned(), ..Section::default() }
}

fn labels(passages: &[Passage]) -> Vec<String> {
    passages.iter().map(Passage::citation).collect()
}

#[test]
fn a_short_article_is_one_passage_and_a_long_one_goes_by_paragraph() {
    let long = "この項は長い。".repeat(60);
    let huge = "この項はとても長い。".repeat(200);
    let found = cut_up(vec![
        provision("1", Some(1), "第一条　甲。"),
        provision("1", Some(2), "２　乙。"),
        provision("2", None, "第二条　丙。"),
        provision("3", Some(1), &long),
        provision("3", Some(2), &long),
        provision("4", Some(1), "第四条　丁。"),
        provision("4", Some(2), &huge),
    ]);
    let labels = labels(&found);
    assert_eq!(found[0].text, "第一条　甲。\n２　乙。");
    assert_eq!(
        labels[..4],
        ["手引 第一条", "手引 第二条", "手引 第三条第一項", "手引 第三条第二項"]
    );
    assert_eq!(labels[4], "手引 第四条第一項");
    assert!(labels[5..].iter().all(|label| label == "手引 第四条第二項"), "{labels:?}");
    assert!(found.iter().all(|p| p.text.ends_with('。')));
    assert_eq!(found[3].id, "a/b.txt#4");
}

#[test]
fn neighbours_join_where_the_citation_stays_exact() {
    let page = |number: u32, heading: &str| Section {
        headings: vec![heading.to_owned()],
        locator: Locator::Pages { first: number, last: number },
        text: format!("{heading}の文{number}。"),
        ..Section::default()
    };
    let found = cut_up(vec![page(1, "甲"), page(1, "甲"), page(2, "甲"), page(2, "乙")]);
    assert_eq!(labels(&found), ["手引 甲（1ページ）", "手引 甲（2ページ）", "手引 乙（2ページ）"]);
    assert_eq!(found[0].text, "甲の文1。\n甲の文1。");
    let over = |number: u32, text: &str| Section {
        locator: Locator::Pages { first: number, last: number },
        ..provision("5", None, text)
    };
    let found = cut_up(vec![over(3, "第五条　前半"), over(4, "後半。")]);
    assert_eq!(labels(&found), ["手引 第五条（3～4ページ）"]);
}

#[test]
fn rows_are_cut_between_rows_and_know_their_numbers() {
    let row = |number: u32| format!("施設名: 図書館{number} / 住所: {}", "桜町".repeat(40));
    let text = (5..25).map(row).collect::<Vec<_>>().join("\n");
    let rows = |first, last| Locator::Rows { sheet: "一覧".to_owned(), first, last };
    let table = Section { locator: rows(5, 24), text, table: true, ..Section::default() };
    let single = |number| Section {
        locator: rows(number, number),
        text: format!("a: {number}"),
        table: true,
        ..Section::default()
    };
    let found = cut_up(vec![table, single(30), single(32)]);
    let mut next = 5;
    for passage in &found[..found.len() - 1] {
        let Locator::Rows { first, last, .. } = passage.locator else { panic!() };
        assert_eq!(first, next);
        assert_eq!(passage.text, (first..=last).map(row).collect::<Vec<_>>().join("\n"));
        next = last + 1;
    }
    assert_eq!(next, 25);
    assert_eq!(found.last().unwrap().citation(), "手引（シート「一覧」30～32行）");
}

#[test]
fn long_rows_stand_alone_and_short_ones_together() {
    let row = |number: u32, text: &str| Section {
        locator: Locator::Rows { sheet: String::new(), first: number, last: number },
        text: text.to_owned(),
        table: true,
        ..Section::default()
    };
    let long = "問: 長い問い / 答: ".to_owned() + &"答え。".repeat(30);
    let rows = vec![row(2, "a: 1"), row(3, "a: 2"), row(4, &long), row(5, &long), row(6, "a: 3")];
    let found = cut_up(rows);
    assert_eq!(labels(&found), ["手引（2～3行）", "手引（4行）", "手引（5行）", "手引（6行）"]);
    let text = format!("a: 1\na: 2\n{long}\na: 3");
    let locator = Locator::Rows { sheet: String::new(), first: 2, last: 5 };
    let found = cut_up(vec![Section { locator, text, table: true, ..Section::default() }]);
    assert_eq!(labels(&found), ["手引（2～3行）", "手引（4行）", "手引（5行）"]);
}

#[test]
fn a_row_over_the_limit_is_cut_between_pairs() {
    let pair = format!("項目: {}", "値".repeat(300));
    let text = [pair.as_str(); 5].join(" / ");
    let found = cut_up(vec![Section { text, table: true, ..Section::default() }]);
    assert!(found.len() > 1 && found.iter().all(|p| p.text.starts_with("項目: ")));
}

#[test]
fn the_data_set_and_the_file_say_what_a_document_is() {
    let document = |path: &str| DocumentInfo {
        path: path.to_owned(),
        title: Some("別の題".to_owned()),
        scope: Some(Scope::Common),
        authority: Some(Authority::Circular),
        as_of: Some(jiff::civil::date(2020, 1, 1)),
        validity: crate::document::Validity::default(),
    };
    let dataset = DatasetInfo {
        id: "sample".to_owned(),
        title: "見本".to_owned(),
        scope: Scope::Local,
        authority: Authority::Manual,
        as_of: jiff::civil::date(2026, 4, 1),
        edition: "1".to_owned(),
        publisher: "桜市".to_owned(),
        licence: "CC0-1.0".to_owned(),
        stale_after_days: 365,
        documents: vec![document("a.xml")],
    };
    let law = LawInfo { authority: Some(Authority::Law), ..LawInfo::default() };
    let text = vec![provision("1", None, "第一条　甲。")];
    let read =
        Document { title: "題".to_owned(), law: Some(law), sections: text, warnings: vec![] };
    let of = |path: &str| passages(&read, path, &defaults_for(&dataset, path)).remove(0);
    let (own, other) = (of("a.xml"), of("b.xml"));
    assert_eq!(
        (own.title.as_str(), own.authority, own.scope),
        ("別の題", Authority::Circular, Scope::Common)
    );
    assert_eq!(own.as_of, jiff::civil::date(2020, 1, 1));
    assert_eq!(
        (other.title.as_str(), other.authority, other.scope),
        ("題", Authority::Law, Scope::Local)
    );
}

fn any_section() -> impl Strategy<Value = Section> {
    let line = "[あ漢a、。「」（）/: 　]{0,40}";
    let text = prop_oneof![
        4 => proptest::collection::vec(line, 1..6).prop_map(|lines| lines.join("\n")),
        1 => "[あ漢、。（）]{900,2500}",
        1 => "[あ]{1000,2100}",
    ];
    let text = text.prop_filter("a section is never empty", |text| !text.trim().is_empty());
    let locator = prop_oneof![
        Just(Locator::None),
        (1..4u32).prop_map(|first| Locator::Pages { first, last: first }),
        (1..4u32).prop_map(|first| Locator::Rows { sheet: String::new(), first, last: first + 2 }),
    ];
    (text, locator, any::<bool>(), 0..3u32, 0..4u32, 0..2u32).prop_map(
        |(text, locator, table, article, paragraph, heading)| Section {
            headings: vec![heading.to_string()],
            article: (article > 0).then(|| ArticleRef {
                article: article.to_string(),
                paragraph: (paragraph > 0).then_some(paragraph),
                ..ArticleRef::default()
            }),
            locator,
            text,
            table,
            ..Section::default()
        },
    )
}

fn inked<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    texts.flat_map(str::chars).filter(|c| !c.is_whitespace()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn nothing_is_lost_and_nothing_is_too_long(
        sections in proptest::collection::vec(any_section(), 0..12)
    ) {
        let before = inked(sections.iter().map(|section| section.text.as_str()));
        let found = cut_up(sections);
        prop_assert_eq!(before, inked(found.iter().map(|passage| passage.text.as_str())));
        for (at, passage) in found.iter().enumerate() {
            prop_assert_eq!(&passage.id, &format!("a/b.txt#{}", at + 1));
            prop_assert!(passage.text.chars().count() <= PASSAGE_CHARS_MAX);
            prop_assert!(!passage.text.trim().is_empty());
        }
    }
}
