//! The index as its users see it: build, open, ask.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use jiff::civil::{Date, date};

use super::*;
use crate::document::{ArticleRef, Authority, Locator, Passage, Scope, Validity};

fn passage(path: &str, title: &str, article: Option<(&str, Option<u32>)>, text: &str) -> Passage {
    Passage {
        id: format!("{path}#{}", article.and_then(|(_, paragraph)| paragraph).unwrap_or(1)),
        path: path.to_owned(),
        title: title.to_owned(),
        law_number: String::new(),
        abbreviations: Vec::new(),
        headings: Vec::new(),
        caption: String::new(),
        article: article.map(|(article, paragraph)| ArticleRef {
            article: article.to_owned(),
            paragraph,
            ..ArticleRef::default()
        }),
        locator: Locator::None,
        text: text.to_owned(),
        authority: Authority::Manual,
        scope: Scope::Local,
        as_of: date(2026, 4, 1),
        validity: Validity::default(),
    }
}

fn build(dir: &Path, passages: Vec<Passage>) -> Result<IndexStats, SearchError> {
    Index::build(dir, passages.into_iter(), |_| {}, &AtomicBool::new(false))
}

fn town() -> Vec<Passage> {
    vec![
        passage(
            "jumin.md",
            "住民窓口マニュアル",
            None,
            "転入届は、住み始めた日から１４日以内に提出する。\n手数料は不要である。",
        ),
        passage(
            "jumin.md#2",
            "住民窓口マニュアル",
            None,
            "住民票の写しの交付手数料は、１通三百円とする。",
        ),
        passage(
            "gomi.md",
            "ごみ分別の手引き",
            None,
            "燃えるごみは、月曜日と木曜日に収集する。粗大ごみは申込みが必要である。",
        ),
        passage(
            "zei.md",
            "税務課の手引き",
            None,
            "軽自動車税の減免は、令和8年5月31日までに申請する。",
        ),
    ]
}

fn laws() -> Vec<Passage> {
    vec![
        passage("a/10", "みほん市手数料条例", Some(("10", Some(1))), "手数料は、前納とする。"),
        passage(
            "a/10",
            "みほん市手数料条例",
            Some(("10", Some(2))),
            "既に納めた手数料は、還付しない。",
        ),
        passage(
            "a/10-2",
            "みほん市手数料条例",
            Some(("10-2", None)),
            "市長は、手数料を減免することができる。",
        ),
        passage(
            "a/11",
            "みほん市手数料条例",
            Some(("11", None)),
            "この条例の施行に関し必要な事項は、規則で定める。",
        ),
    ]
}

/// Two data sets, as they lie on disk.
fn searcher(root: &Path) -> Searcher {
    let open = |name: &str, passages: Vec<Passage>| {
        let dir = root.join(name);
        build(&dir, passages).unwrap();
        (name.to_owned(), Arc::new(Index::open(&dir).unwrap()))
    };
    Searcher::new(vec![open("town", town()), open("laws", laws())])
}

fn ask(searcher: &Searcher, text: &str) -> Found {
    searcher.search(&Query { text: text.into(), limit: 5, ..Query::default() }).unwrap()
}

#[test]
fn questions_find_their_passage() {
    let root = tempfile::tempdir().unwrap();
    let searcher = searcher(root.path());
    for (question, expected) in [
        ("転入届はいつまでに出しますか", "jumin.md#1"),
        ("転入届は14日以内ですか", "jumin.md#1"),
        ("住民票の写しの手数料は300円ですか", "jumin.md#2#1"),
        ("粗大ごみの申込み", "gomi.md#1"),
        ("２０２６年の軽自動車税の減免", "zei.md#1"),
        ("ｹｲｼﾞﾄﾞｳｼｬ税ではなく軽自動車税の減免の申請", "zei.md#1"),
    ] {
        let found = ask(&searcher, question);
        let ids: Vec<_> = found.hits.iter().map(|hit| hit.passage.id.as_str()).collect();
        assert_eq!(ids.first(), Some(&expected), "{question}: {ids:?}");
        assert!(!found.weak, "{question}");
    }
}

/// Another municipality's fee is not one's own, but one's own is, whoever does not name the town.
#[test]
fn a_place_that_no_passage_knows_is_elsewhere() {
    let root = tempfile::tempdir().unwrap();
    let searcher = searcher(root.path());
    for (question, weak, names) in [
        ("隣の港南市では住民票の写しの手数料は300円ですか", true, &["港南市"][..]),
        ("港南市の住民票の写しの交付手数料", true, &["港南市"]),
        ("本市の住民票の写しの交付手数料は、港南市の手数料と同じですか", false, &["港南市"]),
        ("住民票の写しの交付手数料は、港南市では", false, &["港南市"]),
        ("住民票の写しの交付手数料", false, &[]),
    ] {
        let found = ask(&searcher, question);
        assert_eq!(found.elsewhere, names, "{question}");
        assert_eq!(found.weak, weak, "{question}");
    }
    let known = Query {
        text: "港南市の住民票の写しの交付手数料".into(),
        known: "港南市 業務文書".into(),
        limit: 5,
        ..Query::default()
    };
    let found = searcher.search(&known).unwrap();
    assert!(!found.weak && found.elsewhere.is_empty());
}

#[test]
fn nothing_fits_is_an_answer() {
    let root = tempfile::tempdir().unwrap();
    let searcher = searcher(root.path());
    for question in
        ["カレーライスの作り方", "サッカーのワールドカップの優勝国はどこですか", "", "？"]
    {
        let found = ask(&searcher, question);
        assert!(found.weak && found.hits.is_empty(), "{question}: {:?}", found.hits);
    }
}

#[test]
fn citations_lead_to_their_provision() {
    let root = tempfile::tempdir().unwrap();
    let searcher = searcher(root.path());
    for (question, expected) in [
        ("みほん市手数料条例第10条の2", ["10-2"].as_slice()),
        ("みほん市手数料条例第十条の二の内容は？", &["10-2"]),
        ("みほん市手数料条例１０条", &["10", "10"]),
    ] {
        let found = ask(&searcher, question);
        let cited = found.hits.iter().take_while(|hit| hit.resolved);
        let articles: Vec<_> =
            cited.filter_map(|hit| hit.passage.article.as_ref().map(|a| &a.article)).collect();
        assert_eq!(articles, expected, "{question}");
        assert_eq!(found.resolved[0].status, CitationStatus::Found);
    }
    let second = ask(&searcher, "みほん市手数料条例第10条第2項");
    assert_eq!(second.hits[0].passage.article.as_ref().unwrap().paragraph, Some(2));
    let missing = ask(&searcher, "みほん市手数料条例第99条");
    assert_eq!(missing.resolved[0].status, CitationStatus::NoSuchArticle);
    assert_eq!(missing.resolved[0].label(), "みほん市手数料条例 第九十九条");
    assert!(missing.hits.is_empty(), "{:?}", missing.hits);
    let unknown = ask(&searcher, "民法第709条");
    assert_eq!(unknown.resolved[0].status, CitationStatus::NoSuchLaw);
}

#[test]
fn rules_of_the_town_are_cited_by_short_names() {
    let root = tempfile::tempdir().unwrap();
    let searcher = searcher(root.path());
    for question in ["手数料条例第10条の2", "本市の手数料条例 第十条の二の内容は？"]
    {
        let found = ask(&searcher, question);
        assert_eq!(found.resolved[0].label(), "みほん市手数料条例 第十条の二", "{question}");
        assert_eq!(found.resolved[0].status, CitationStatus::Found, "{question}");
        assert!(found.hits[0].resolved, "{question}");
    }
    // Whatever the town calls it, it is not said to be missing.
    let open = ask(&searcher, "住民票条例第3条の交付手数料");
    assert!(open.resolved.is_empty() && !open.weak, "{open:?}");
    let spaced = ask(&searcher, "国籍法 第2条");
    assert_eq!(spaced.resolved[0].status, CitationStatus::NoSuchLaw);
}

/// A counter's documents, with questions in them as residents put them.
fn counter() -> Vec<Passage> {
    let texts = [
        "蛍光灯はどのように出しますか。購入時の箱に入れて出してください。",
        "転入届は、住み始めた日から14日以内に窓口に提出する。",
        "燃やすごみは、月曜日と木曜日に収集する。生ごみは水を切る。",
        "空家の除却に要する費用について、50万円を上限に補助金を交付する。",
        "附属機関の会議録は、30年間保存する。",
        "法人の文書は、5年間保存する。",
        "住民票の写しの交付の申込みは、窓口で受け付ける。",
    ];
    let numbered = (0..).zip(texts);
    numbered.map(|(at, text)| passage(&at.to_string(), "窓口", None, text)).collect()
}

#[test]
fn spellings_and_question_forms_do_not_decide() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("counter");
    build(&dir, counter()).unwrap();
    let searcher = Searcher::new(vec![("a".into(), Arc::new(Index::open(&dir).unwrap()))]);
    for (question, expected) in [
        ("転入届はいつまでに出しますか", "1"),
        ("ゴミの収集日", "2"),
        ("燃えるゴミの日は", "2"),
        ("生ゴミの収集日", "2"),
        ("空き家の補助金はいくらですか", "3"),
        ("議事録は何年保存しますか", "4"),
        ("公文書は何年保存しますか", "5"),
        ("住民票の申し込み", "6"),
    ] {
        let found = ask(&searcher, question);
        assert!(!found.weak, "{question}");
        assert_eq!(found.hits[0].passage.path, expected, "{question}: {:?}", found.hits);
        let snippet = &found.hits[0].snippet;
        let marked = snippet.highlights.iter().map(|range| &snippet.text[range.clone()]);
        assert!(marked.clone().all(|part| !part.contains("出し")), "{question}");
    }
    assert!(ask(&searcher, "水道の使用を始めるときの届出はどこにしますか").weak);
}

#[test]
fn data_sets_are_chosen_by_question() {
    let root = tempfile::tempdir().unwrap();
    let searcher = searcher(root.path());
    let query = |datasets: &[&str]| Query {
        text: "手数料".into(),
        datasets: Some(datasets.iter().map(|&id| id.to_owned()).collect()),
        limit: 10,
        ..Query::default()
    };
    let found = searcher.search(&query(&["laws"])).unwrap();
    assert!(!found.hits.is_empty() && found.hits.iter().all(|hit| hit.dataset == "laws"));
    assert!(searcher.search(&query(&[])).unwrap().hits.is_empty());
    assert!(matches!(searcher.search(&query(&["none"])), Err(SearchError::UnknownDataset(_))));
    let one_each = Query { per_document: 1, ..query(&["town", "laws"]) };
    let paths: Vec<_> =
        searcher.search(&one_each).unwrap().hits.into_iter().map(|hit| hit.passage.path).collect();
    let mut distinct = paths.clone();
    distinct.dedup();
    assert_eq!(paths, distinct);
}

#[test]
fn what_is_not_in_force_is_left_out_even_where_it_is_cited() {
    let root = tempfile::tempdir().unwrap();
    let revision = |path: &str, from: Date, text: &str| Passage {
        law_number: "令和三年みほん市条例第一号".to_owned(),
        validity: Validity { in_force_from: Some(from), ..Validity::default() },
        ..passage(path, "みほん市灯籠条例", Some(("3", None)), text)
    };
    let passages = vec![
        revision("new", date(2025, 4, 1), "灯籠の点検は、毎月一回行う。"),
        revision("old", date(2021, 4, 1), "灯籠の点検は、毎年一回行う。"),
        revision("next", date(2099, 4, 1), "灯籠の点検は、毎週一回行う。"),
        passage("plain", "灯籠の手引", None, "灯籠の点検の記録は、保管する。"),
    ];
    build(root.path(), passages).unwrap();
    let index = Arc::new(Index::open(root.path()).unwrap());
    let searcher = Searcher::new(vec![("town".to_owned(), index)]);
    let paths = |text: &str, day: Option<Date>| {
        let filter = Filter { in_force_on: day, ..Filter::default() };
        let query = Query { text: text.into(), limit: 9, filter, ..Query::default() };
        let found = searcher.search(&query).unwrap();
        let statuses: Vec<_> = found.resolved.iter().map(|citation| citation.status).collect();
        let mut paths: Vec<_> = found.hits.into_iter().map(|hit| hit.passage.path).collect();
        paths.sort();
        (paths, statuses)
    };
    let cited = "みほん市灯籠条例第3条の灯籠の点検";
    let found = vec![CitationStatus::Found];
    for text in ["灯籠の点検は何回ですか", cited] {
        let statuses = if text == cited { found.clone() } else { Vec::new() };
        let of = |day| paths(text, Some(day));
        assert_eq!(of(date(2024, 4, 1)), (vec!["old".into(), "plain".into()], statuses.clone()));
        assert_eq!(of(date(2026, 4, 1)), (vec!["new".into(), "plain".into()], statuses.clone()));
        assert_eq!(of(date(2099, 4, 1)), (vec!["next".into(), "plain".into()], statuses));
        assert_eq!(paths(text, None).0, ["new", "next", "old", "plain"]);
    }
    assert_eq!(paths(cited, Some(date(2020, 1, 1))).1, [CitationStatus::NoSuchArticle]);
    let others = searcher.revisions("town", "new").unwrap();
    let others: Vec<_> = others.iter().map(|revision| revision.path.as_str()).collect();
    assert_eq!(others, ["old", "next"]);
}

#[test]
fn exact_look_ups() {
    let root = tempfile::tempdir().unwrap();
    let searcher = searcher(root.path());
    assert_eq!(searcher.passage("laws", "a/11#1").unwrap().unwrap().path, "a/11");
    assert_eq!(searcher.passage("laws", "a/12#1").unwrap(), None);
    let provision = ArticleRef { article: "10".into(), ..ArticleRef::default() };
    let article = searcher.article("laws", "みほん市手数料条例", &provision).unwrap();
    let paragraphs: Vec<_> =
        article.iter().map(|p| p.article.as_ref().unwrap().paragraph).collect();
    assert_eq!(paragraphs, [Some(1), Some(2)]);
    assert_eq!(searcher.document("town", "gomi.md").unwrap().len(), 1);
}

#[test]
fn snippets_mark_what_matched_in_the_original_spelling() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("index");
    let filler = "この段落は関係のない説明を続けるためのものである。".repeat(20);
    let text = format!("{filler}証明書の交付はﾏｲﾅﾝﾊﾞｰｶｰﾄﾞで申請できる。{filler}");
    build(&dir, vec![passage("a", "手引き", None, &text)]).unwrap();
    let searcher = Searcher::new(vec![("a".into(), Arc::new(Index::open(&dir).unwrap()))]);
    let found = ask(&searcher, "マイナンバーカードで証明書の交付を申請できますか");
    let snippet = &found.hits[0].snippet;
    assert!(snippet.text.starts_with("…証明書の交付は"), "{}", snippet.text);
    assert!(snippet.text.chars().count() < 220);
    let marked: Vec<_> =
        snippet.highlights.iter().map(|range| &snippet.text[range.clone()]).collect();
    assert!(marked.iter().any(|part| part.contains("ﾏｲﾅﾝﾊﾞｰｶｰﾄﾞ")), "{marked:?}");
}

#[test]
fn what_is_wrong_with_an_index_is_named() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("index");
    let stats = build(&dir, town()).unwrap();
    assert_eq!((stats.passages, stats.laws), (4, 0));
    assert!(stats.size_bytes > 0);
    Index::open(&dir).unwrap().check().unwrap();
    assert!(matches!(build(&dir, town()), Err(SearchError::NotEmpty(_))));
    let stopped = Index::build(
        &root.path().join("stopped"),
        town().into_iter(),
        |_| {},
        &AtomicBool::new(true),
    );
    assert!(matches!(stopped, Err(SearchError::Cancelled)));
    assert!(matches!(Index::open(&root.path().join("stopped")), Err(SearchError::Io { .. })));

    let table = dir.join("kura-index.json");
    let written = std::fs::read_to_string(&table).unwrap();
    std::fs::write(&table, written.replacen("\"format\":3", "\"format\":9", 1)).unwrap();
    assert!(matches!(Index::open(&dir), Err(SearchError::Format { found: 9, .. })));
    std::fs::write(&table, "{").unwrap();
    assert!(matches!(Index::open(&dir), Err(SearchError::Damaged { .. })));
    std::fs::write(&table, written).unwrap();
    let store = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path());
    let store = store.into_iter().find(|path| path.extension().is_some_and(|e| e == "store"));
    let mut bytes = std::fs::read(store.as_ref().unwrap()).unwrap();
    bytes[10] ^= 0xff;
    std::fs::write(store.unwrap(), bytes).unwrap();
    let checked = Index::open(&dir).and_then(|index| index.check());
    assert!(matches!(checked, Err(SearchError::Damaged { .. } | SearchError::Engine { .. })));
}

#[test]
fn an_index_that_travelled_is_checked_whole() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("index");
    build(&dir, town()).unwrap();
    // Names on a medium begin with a letter or digit, so that the engine's own list stays behind.
    std::fs::remove_file(dir.join(".managed.json")).unwrap();
    Index::open(&dir).unwrap().check().unwrap();
    let files = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path());
    let postings = files.into_iter().find(|path| path.extension().is_some_and(|e| e == "idx"));
    let mut bytes = std::fs::read(postings.as_ref().unwrap()).unwrap();
    bytes[0] ^= 0xff;
    std::fs::write(postings.unwrap(), bytes).unwrap();
    let checked = Index::open(&dir).and_then(|index| index.check());
    assert!(matches!(checked, Err(SearchError::Damaged { .. })), "{checked:?}");
}

#[test]
fn an_empty_index_answers() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("index");
    build(&dir, Vec::new()).unwrap();
    let searcher = Searcher::new(vec![("a".into(), Arc::new(Index::open(&dir).unwrap()))]);
    assert!(ask(&searcher, "転入届の期限").weak);
    assert!(ask(&Searcher::new(Vec::new()), "転入届の期限").hits.is_empty());
}
