use std::sync::atomic::AtomicBool;

use super::*;
use crate::config::Config;
use crate::document::{Authority, Locator, Passage, Scope};
use crate::sync::bundle::{Header, Kind};

const INFO: &str = "id = \"town\"\ntitle = \"試験町のデータ\"\nscope = \"local\"\n\
    authority = \"manual\"\nas_of = \"2026-04-01\"\nedition = \"r8.1\"\npublisher = \"試験町\"\n\
    licence = \"MIT\"\n";

const GOLDEN: &str = "threshold = 0.5\n[[question]]\nask = \"転入届は何日以内に提出しますか\"\n\
    source = \"ten.md\"\n[[question]]\nask = \"燃やすごみは何曜日に収集しますか\"\n\
    source = \"gomi.md\"\n";

fn passages() -> Vec<Passage> {
    let texts = [
        ("ten.md", "転入届は、住み始めた日から14日以内に窓口へ提出する。"),
        ("gomi.md", "燃やすごみは、月曜日と木曜日に収集する。"),
    ];
    let passage = |(path, text): (&str, &str)| Passage {
        id: format!("{path}#1"),
        path: path.to_owned(),
        title: "窓口の手引".to_owned(),
        law_number: String::new(),
        abbreviations: Vec::new(),
        headings: Vec::new(),
        caption: String::new(),
        article: None,
        locator: Locator::None,
        text: text.to_owned(),
        authority: Authority::Manual,
        scope: Scope::Local,
        as_of: jiff::civil::date(2026, 4, 1),
        validity: crate::document::Validity::default(),
    };
    texts.into_iter().map(passage).collect()
}

/// A stage as an import leaves it, with the files given changed or added.
fn stage(changes: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let lines = passages().iter().map(|one| serde_json::to_string(one).unwrap() + "\n").collect();
    let lines: String = lines;
    let files = [
        ("dataset.toml", INFO),
        ("passages.jsonl", lines.as_str()),
        ("golden.toml", GOLDEN),
        ("manifest.json", "{}"),
    ];
    for (name, text) in files.iter().chain(changes) {
        fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

fn bundle() -> Manifest {
    let header = Header {
        channel: "stable".to_owned(),
        kind: Kind::Dataset,
        id: "town".to_owned(),
        title: "試験町のデータ".to_owned(),
        edition: "r8.1".to_owned(),
        counter: 1,
        root_version: 1,
        stale_after_days: 0,
        min_app: "0.1.0".to_owned(),
        security_floor: 0,
    };
    Manifest::new(header, Vec::new())
}

fn prepare(stage: &Path) -> Result<GenerationRecord, Refusal> {
    let (config, never) = (Config::default(), AtomicBool::new(false));
    Preparer::new(&config, None, &never, &|_| ()).prepare_dataset(stage, &bundle())
}

#[test]
fn an_index_is_built_where_none_came() {
    let stage = stage(&[]);
    let record = prepare(stage.path()).unwrap();
    assert_eq!((record.documents, record.passages), (2, 2));
    assert_eq!(record.info.id, "town");
    assert_eq!(record.content_blake3, blake3::hash(b"{}").to_hex().to_string());
    let index = Index::open(&stage.path().join("index")).unwrap();
    assert_eq!(index.passages(), 2);
}

/// Marks a folder's files, to see whether it was made anew.
fn marks(dir: &Path) -> Vec<(std::ffi::OsString, std::time::SystemTime)> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let mut marks: Vec<_> = entries
        .filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
        .map(|entry| (entry.file_name(), entry.metadata().unwrap().modified().unwrap()))
        .collect();
    marks.sort();
    marks
}

#[test]
fn a_sound_index_that_came_along_is_taken() {
    let stage = stage(&[]);
    let dir = stage.path().join("index");
    let never = AtomicBool::new(false);
    Index::build(&dir, passages().into_iter(), |_| (), &never).unwrap();
    let before = marks(&dir);
    prepare(stage.path()).unwrap();
    assert_eq!(marks(&dir), before);
}

#[test]
fn any_other_index_is_built_again() {
    let never = AtomicBool::new(false);
    let fewer = |dir: &Path| {
        Index::build(dir, passages().into_iter().take(1), |_| (), &never).unwrap();
    };
    let foreign = |dir: &Path| {
        Index::build(dir, passages().into_iter(), |_| (), &never).unwrap();
        let table = dir.join("kura-index.json");
        let text = fs::read_to_string(&table).unwrap();
        fs::write(&table, text.replacen("\"format\":", "\"format\":9", 1)).unwrap();
    };
    let damaged = |dir: &Path| {
        Index::build(dir, passages().into_iter(), |_| (), &never).unwrap();
        fs::remove_file(dir.join(".managed.json")).unwrap();
        let files = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        let postings = files.into_iter().find(|path| path.extension().is_some_and(|e| e == "idx"));
        let mut bytes = fs::read(postings.as_ref().unwrap()).unwrap();
        bytes[0] ^= 0xff;
        fs::write(postings.unwrap(), bytes).unwrap();
    };
    let makers: [&dyn Fn(&Path); 3] = [&fewer, &foreign, &damaged];
    for make in makers {
        let stage = stage(&[]);
        let dir = stage.path().join("index");
        make(&dir);
        let before = marks(&dir);
        prepare(stage.path()).unwrap();
        assert_ne!(marks(&dir), before);
        let index = Index::open(&dir).unwrap();
        index.check().unwrap();
        assert_eq!(index.passages(), 2);
    }
}

#[test]
fn golden_questions_below_their_threshold_are_named() {
    let gone = GOLDEN.replace("ten.md", "a.md").replace("gomi.md", "b.md");
    let stage = stage(&[("golden.toml", gone.as_str())]);
    let refusal = prepare(stage.path()).unwrap_err();
    assert_eq!(refusal.reason, Reason::GoldenQuestions);
    assert!(refusal.detail.starts_with("2 of 2 wrong: 「転入届は"), "{refusal}");
    assert!(refusal.detail.contains("「燃やすごみは"), "{refusal}");

    // Half of them suffices here.
    let half = GOLDEN.replace("ten.md", "a.md");
    fs::write(stage.path().join("golden.toml"), half).unwrap();
    let (config, never) = (Config::default(), AtomicBool::new(false));
    let preparer = Preparer::new(&config, None, &never, &|_| ());
    preparer.prepare_dataset(stage.path(), &bundle()).unwrap();
    let outcome = preparer.take_golden().unwrap();
    assert_eq!((outcome.right, outcome.of), (1, 2));
    assert_eq!(preparer.take_golden(), None);

    fs::remove_file(stage.path().join("golden.toml")).unwrap();
    prepare(stage.path()).unwrap();
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let other = INFO.replace("\"town\"", "\"city\"");
    let older = INFO.replace("r8.1", "r7.1");
    for (name, text, part) in [
        ("dataset.toml", other.as_str(), "id city"),
        ("dataset.toml", older.as_str(), "edition r7.1"),
        ("dataset.toml", "id = 1\n", "dataset.toml: line 1"),
        ("golden.toml", "threshold = 2.0\n", "threshold"),
        ("passages.jsonl", "{}\n", "line 1"),
    ] {
        let refusal = prepare(stage(&[(name, text)]).path()).unwrap_err();
        assert_eq!(refusal.reason, Reason::UnusableContent, "{refusal}");
        assert!(refusal.detail.contains(part), "{part}: {refusal}");
    }
}

#[test]
fn a_person_may_stop_it() {
    let stage = stage(&[]);
    let (config, stopped) = (Config::default(), AtomicBool::new(true));
    let preparer = Preparer::new(&config, None, &stopped, &|_| ());
    let refusal = preparer.prepare_dataset(stage.path(), &bundle()).unwrap_err();
    assert_eq!(refusal.reason, Reason::Cancelled);
}
