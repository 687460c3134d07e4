use super::*;
use crate::document::{Authority, Locator, Scope};
use crate::sync::FoundRates;

fn passage(path: &str, number: usize, article: Option<ArticleRef>, text: &str) -> Passage {
    Passage {
        id: format!("{path}#{number}"),
        path: path.to_owned(),
        title: "試験町の手引".to_owned(),
        law_number: String::new(),
        abbreviations: Vec::new(),
        headings: Vec::new(),
        caption: String::new(),
        article,
        locator: Locator::None,
        text: text.to_owned(),
        authority: Authority::Manual,
        scope: Scope::Local,
        as_of: jiff::civil::date(2026, 4, 1),
        validity: crate::document::Validity::default(),
    }
}

fn provision(article: &str, paragraph: Option<u32>) -> Option<ArticleRef> {
    Some(ArticleRef { article: article.to_owned(), paragraph, ..ArticleRef::default() })
}

fn index(dir: &Path) -> Arc<Index> {
    let texts = [
        passage("ten.md", 1, None, "転入届は、住み始めた日から14日以内に窓口へ提出する。"),
        passage("gomi.md", 1, None, "燃やすごみは、月曜日と木曜日に収集する。"),
        passage("jourei.md", 1, provision("5", Some(1)), "空家の除却に50万円を上限に補助する。"),
        passage("jourei.md", 2, provision("6", None), "附属機関の会議録は、30年間保存する。"),
    ];
    Index::build(dir, texts.into_iter(), |_| (), &AtomicBool::new(false)).unwrap();
    Arc::new(Index::open(dir).unwrap())
}

fn file(threshold: &str, questions: &[(&str, &str)]) -> String {
    let questions =
        questions.iter().map(|(ask, rest)| format!("[[question]]\nask = \"{ask}\"\n{rest}\n"));
    format!("threshold = {threshold}\n{}", questions.collect::<String>())
}

const TEN: (&str, &str) = ("転入届は何日以内に提出しますか", "source = \"ten.md\"");
const GOMI: (&str, &str) = ("燃やすごみは何曜日に収集しますか", "source = \"gomi.md\"");
const WATER: (&str, &str) = ("水道の使用を始めるときの届出はどこにしますか", "none = true");

#[test]
fn right_and_wrong_are_told() {
    let root = tempfile::tempdir().unwrap();
    let index = index(&root.path().join("index"));
    let ask = |text: &str| file::parse(text).unwrap().ask(&index, &AtomicBool::new(false)).unwrap();
    let five = "source = \"jourei.md\"\narticle = \"第五条第１項\"";
    let six = "source = \"jourei.md\"\narticle = \"第6条第2項\"";
    let grant = "空家の除却の補助はいくらが上限ですか";
    let minutes = "附属機関の会議録は何年間保存しますか";
    let good = ask(&file("1.0", &[TEN, GOMI, WATER, (grant, five), (minutes, six)]));
    assert_eq!((good.right, good.of, good.failed.len()), (5, 5, 0), "{good:?}");
    assert!(good.passes());

    // Another document, another article, another paragraph, something where nothing is right,
    // nothing where something is right.
    let wrong = [
        (TEN.0, "source = \"gomi.md\""),
        (minutes, "source = \"jourei.md\"\narticle = \"第5条\""),
        (grant, "source = \"jourei.md\"\narticle = \"第5条第2項\""),
        (GOMI.0, "none = true"),
        (WATER.0, "source = \"ten.md\""),
    ];
    let bad = ask(&file("0.1", &wrong));
    assert_eq!((bad.right, bad.of), (0, 5));
    assert_eq!(bad.failed, wrong.map(|(ask, _)| ask.to_owned()));
    assert!(!bad.passes());
}

#[test]
fn the_threshold_is_reached_by_whole_questions() {
    let outcome = |right, of, threshold| GoldenOutcome {
        right,
        of,
        threshold,
        failed: Vec::new(),
        rates: FoundRates::default(),
    };
    for (right, of, threshold, passes) in [
        (9, 10, 0.9, true),
        (8, 10, 0.9, false),
        (27, 30, 0.9, true),
        (7, 10, 0.7, true),
        (10, 10, 1.0, true),
        (99, 100, 1.0, false),
        (0, 1, 0.01, false),
    ] {
        assert_eq!(outcome(right, of, threshold).passes(), passes, "{right} of {of}, {threshold}");
    }
}

#[test]
fn what_failed_fits_on_a_line() {
    let failed: Vec<String> = (1..=7).map(|n| format!("問{n}")).collect();
    let rates = FoundRates::default();
    let outcome = GoldenOutcome { right: 3, of: 10, threshold: 0.9, failed, rates };
    assert_eq!(
        outcome.summary(Lang::En),
        "7 of 10 wrong: 「問1」, 「問2」, 「問3」, 「問4」, 「問5」 +2"
    );
    assert_eq!(
        outcome.summary(Lang::Ja),
        "10問のうち7問が不正解：「問1」「問2」「問3」「問4」「問5」ほか2問"
    );
}

#[test]
fn mistakes_in_the_file_are_named() {
    for (text, part) in [
        (String::new(), "threshold"),
        (file("0", &[TEN]), "threshold"),
        (file("1.5", &[TEN]), "threshold"),
        (file("nan", &[TEN]), "threshold"),
        (file("0.9", &[]), "0 questions"),
        (file("0.9", &[("", "none = true")]), "ask"),
        (file("0.9", &[("長", "")]), "either"),
        (file("0.9", &[("長", "none = true\nsource = \"a\"")]), "either"),
        (file("0.9", &[("長", "none = false")]), "either"),
        (file("0.9", &[TEN, ("長", "none = true\narticle = \"第1条\"")]), "question 2"),
        (file("0.9", &[("長", "source = \"a\"\narticle = \"3章\"")]), "article"),
        (file("0.9", &[("長", "sauce = \"a\"")]), "line 4"),
    ] {
        let error = file::parse(&text).unwrap_err();
        assert!(error.to_string().contains(part), "{text}: {error}");
        let japanese = error.message(crate::text::Lang::Ja);
        assert!(japanese.contains("golden.toml"), "{japanese}");
    }
}

#[test]
fn a_missing_file_is_none_and_a_long_one_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("golden.toml");
    assert_eq!(Golden::load(&path).unwrap(), None);
    std::fs::write(&path, "#".repeat(GOLDEN_BYTES_MAX as usize + 1)).unwrap();
    assert!(matches!(Golden::load(&path), Err(GoldenError::TooLong)));
    std::fs::write(&path, file("1", &[TEN, GOMI])).unwrap();
    let golden = Golden::load(&path).unwrap().unwrap();
    let index = index(&root.path().join("index"));
    let stopped = golden.ask(&index, &AtomicBool::new(true));
    assert!(matches!(stopped, Err(SearchError::Cancelled)));
}
