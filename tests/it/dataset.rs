//! Data sets through the command line: add, update, remove, and kill -9 at any moment.

use std::time::Duration;

use crate::env::{Env, sample, text};

const FEE: (&str, &str) = ("fee.txt", "住民票の写しの交付手数料は、一通につき三百円とする。\n");
const WASTE: (&str, &str) =
    ("waste.md", "# ごみの出し方\n\n燃やせるごみは、月曜日と木曜日に収集します。\n");

#[test]
fn a_data_set_lives_its_life() {
    let env = Env::new();
    let dir = env.dataset("r8.1", "r8.1", &[FEE, WASTE, ("old.jtd", "一太郎")]);
    let added = env.succeed(&["dataset", "add", text(&dir)]);
    assert!(added.contains("2 documents"), "{added}");
    assert!(added.contains("old.jtd"), "{added}");

    let list = env.json(&["dataset", "list", "--json"]);
    assert_eq!(list[0]["info"]["edition"], "r8.1");
    assert_eq!(list[0]["failures"][0]["path"], "old.jtd");

    let found = env.json(&["search", "住民票の手数料", "--json"]);
    assert_eq!(found["sources"][0]["passage"]["path"], "fee.txt");
    assert_eq!(found["sources"][0]["scope_label"], "固有");

    let again = env.succeed(&["dataset", "add", text(&dir)]);
    assert!(again.contains("already"), "{again}");

    let next = env.dataset("r8.2", "r8.2", &[WASTE]);
    env.succeed(&["dataset", "add", text(&next)]);
    let list = env.json(&["dataset", "list", "--json"]);
    assert_eq!(list[0]["info"]["edition"], "r8.2");
    let gone = env.json(&["search", "住民票の手数料", "--json"]);
    assert_eq!(gone["sources"].as_array().unwrap().len(), 0);

    env.succeed(&["dataset", "remove", "town"]);
    assert_eq!(env.json(&["dataset", "list", "--json"]).as_array().unwrap().len(), 0);
    assert!(env.fail(&["dataset", "remove", "town"], 1).contains("town"));
}

#[test]
fn what_is_wrong_with_a_folder_is_said() {
    let env = Env::new();
    let dir = env.dataset("bad", "r8.1", &[FEE]);
    let manifest = dir.join("dataset.toml");
    let good = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, good.replace("scope = \"local\"", "scope = \"lokal\"\nlicense = 1"))
        .unwrap();
    let message = env.fail(&["dataset", "add", text(&dir)], 1);
    for part in ["3", "lokal", "4", "license"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(env.fail(&["dataset", "add", "/nonexistent"], 1).contains("/nonexistent"));

    let empty = env.dataset("empty", "r8.1", &[("x.jtd", "一太郎")]);
    let message = env.fail(&["dataset", "add", text(&empty)], 1);
    assert!(message.contains("x.jtd"), "{message}");
    assert_eq!(env.json(&["dataset", "list", "--json"]).as_array().unwrap().len(), 0);
}

#[test]
fn the_sample_is_read_whole_but_for_the_scan() {
    let env = Env::new();
    env.succeed(&["dataset", "add", text(&sample())]);
    let list = env.json(&["dataset", "list", "--json"]);
    let failures = list[0]["failures"].as_array().unwrap();
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert!(failures[0]["path"].as_str().unwrap().ends_with(".pdf"));
    assert!(failures[0]["ja"].as_str().unwrap().contains("画像"), "{failures:?}");
    assert!(list[0]["documents"].as_u64().unwrap() >= 28);
}

/// Whatever the moment of the kill: the old generation answers or the new one does, and the next
/// update goes through.
#[test]
fn kill_9_leaves_the_old_or_the_new() {
    let env = Env::new();
    let old = env.dataset("old", "old", &[FEE]);
    env.succeed(&["dataset", "add", text(&old)]);
    let documents: Vec<(String, String)> = (0..12)
        .map(|n| {
            (format!("{n}.txt"), format!("住民票の写しの手数料は、{n}百円とする。\n").repeat(20))
        })
        .collect();
    let borrowed: Vec<(&str, &str)> =
        documents.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let new = env.dataset("new", "new", &borrowed);
    let mut seen = Vec::new();
    for step in 0..16u64 {
        let mut child = env.spawn(&["dataset", "add", text(&new)]);
        std::thread::sleep(Duration::from_millis(step * step * 3));
        // An add that has ended already is no failure of this test.
        let _ = child.kill();
        child.wait().unwrap();
        let list = env.json(&["dataset", "list", "--json"]);
        let edition = list[0]["info"]["edition"].as_str().unwrap().to_owned();
        assert!(edition == "old" || edition == "new", "{edition}");
        let found = env.json(&["search", "住民票の手数料", "--json"]);
        assert!(!found["sources"].as_array().unwrap().is_empty());
        seen.push(edition);
    }
    env.succeed(&["dataset", "add", text(&new)]);
    let list = env.json(&["dataset", "list", "--json"]);
    assert_eq!(list[0]["info"]["edition"], "new", "{seen:?}");
    let staging = std::fs::read_dir(env.data_dir().join("staging"));
    assert_eq!(staging.map_or(0, Iterator::count), 0);
}
