//! The labelled questions over the sample data: the file is what it says, and search's own 該当なし
//! stays within its measured rates.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use kura::answer::labelled::Labelled;
use kura::text::fold;

use crate::env::Env;
use crate::prompt::searcher;

/// Most that search may err with 該当なし on the half that nothing was fitted on, in percent: what was
/// measured, and two questions more.
const REFUSED_MOST_PERCENT: f64 = 14.0;
const ANSWERED_MOST_PERCENT: f64 = 27.0;

const DATASET: &str = "kurasaki-sample";

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("index/sample-labelled.toml")
}

fn bare(text: &str) -> String {
    fold(text).chars().filter(|c| !c.is_whitespace()).collect()
}

#[test]
fn each_quotation_stands_where_the_file_says() {
    let env = Env::new();
    let searcher = searcher(&env);
    let labelled = Labelled::load(&path()).unwrap();
    let mut wrong = Vec::new();
    for question in labelled.questions() {
        let Some(source) = question.source() else { continue };
        let quote = bare(&question.quote);
        assert!(!quote.is_empty(), "{} has no quotation", question.ask);
        let passages = searcher.document(DATASET, source).unwrap();
        let mut right = passages.iter().filter(|passage| question.is_answered_by(passage));
        if !right.any(|passage| bare(&passage.text).contains(&quote)) {
            wrong.push(format!("{}: {source}: {}", question.ask, question.quote));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_halves_share_no_document() {
    let labelled = Labelled::load(&path()).unwrap();
    let (mut answerable, mut none) = (0, 0);
    let mut halves = BTreeMap::new();
    for question in labelled.questions() {
        assert!(["calibration", "heldout"].contains(&question.split.as_str()), "{question:?}");
        match question.source() {
            Some(source) => {
                answerable += 1;
                let half = halves.entry(source.to_owned()).or_insert(question.split.clone());
                assert_eq!(*half, question.split, "{source} is in both halves");
            }
            None => {
                none += 1;
                assert!(!question.kind.is_empty(), "{question:?}");
            }
        }
    }
    assert!(answerable >= 210 && none >= 110, "{answerable} and {none}");
    let mut asked: Vec<&str> = labelled.questions().iter().map(|q| q.ask.as_str()).collect();
    asked.sort_unstable();
    asked.dedup();
    assert_eq!(asked.len(), labelled.questions().len(), "a question stands there twice");
}

#[test]
fn search_errs_no_more_than_was_measured() {
    let env = Env::new();
    let searcher = searcher(&env);
    let labelled = Labelled::load(&path()).unwrap();
    let measured = labelled.measure(&searcher, &AtomicBool::new(false), |_| ()).unwrap();
    let held = &measured.splits["heldout"];
    let (refused, answered) = (held.refused.percent().unwrap(), held.answered.percent().unwrap());
    assert!(refused <= REFUSED_MOST_PERCENT, "refused {refused}%");
    assert!(answered <= ANSWERED_MOST_PERCENT, "answered {answered}%");
    let kinds = &measured.kinds;
    for kind in ["chat", "off-topic"] {
        assert_eq!(kinds[kind].answered.count, 0, "{kind}: {:?}", kinds[kind]);
    }
}
