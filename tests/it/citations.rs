//! Citations as they are shown: counted by `kura eval citations`, and marked on the page.

use std::io::Write;

use serde_json::Value;

use crate::browser::Server;
use crate::env::{Env, sample, text};
use crate::web_driver::Browser;

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/kura-mini/kura-mini-q8_0.gguf");

#[test]
fn what_is_shown_holds_with_the_bundled_model() {
    let env = Env::new();
    let nothing = env.fail(&["eval", "citations"], 1);
    assert!(nothing.contains("model"), "{nothing}");
    env.succeed(&["dataset", "add", text(&sample())]);
    env.succeed(&["model", "add", MODEL]);
    let missing = env.fail(&["eval", "citations", "--questions", "/no/such.toml"], 1);
    assert!(missing.contains("/no/such.toml"), "{missing}");

    let answers = env.path("answers.jsonl");
    let arguments = ["eval", "citations", "--json", "--limit", "40", "--answers", text(&answers)];
    let report = env.json(&arguments);
    assert_eq!(report["questions"], 40);
    let count = |mode: &str, name: &str| report[mode][name].as_u64().unwrap();
    for mode in ["verbatim_on", "verbatim_off"] {
        assert_eq!(count(mode, "answers"), 40);
        assert!(count(mode, "citations") > 10, "{report}");
        assert_eq!(count(mode, "citations_failing"), 0, "{report}");
        assert!(count(mode, "checked") > 0 && count(mode, "tokens") > 0, "{report}");
    }
    assert!(count("verbatim_on", "quotations") > 10, "{report}");
    assert_eq!(count("verbatim_on", "misquoted"), 0, "{report}");
    let mended = |mode: &str| {
        count(mode, "requoted") + count(mode, "removed_misquoted") + count(mode, "misquoted")
    };
    assert!(mended("verbatim_off") > mended("verbatim_on"), "{report}");

    let lines = std::fs::read_to_string(&answers).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 80);
    for line in lines {
        let marks = line["answer"].as_str().unwrap().matches("（根拠未確認）").count() as u64;
        assert_eq!(line["summary"]["citation_check"]["unconfirmed"].as_u64(), Some(marks));
    }
    let shown = env.succeed(&["eval", "citations", "--limit", "2", "--verbatim", "on"]);
    assert!(shown.contains("quotations verbatim") && !shown.contains("verbatim off"), "{shown}");
}

/// The mark may come in two pieces, and more than once.
#[test]
fn the_mark_becomes_a_label() {
    let browser = match Browser::start() {
        Ok(browser) => browser,
        Err(why) => {
            // Not by a macro: the test harness keeps what those print to itself.
            writeln!(std::io::stderr(), "skipped the_mark_becomes_a_label: {why}").unwrap();
            return;
        }
    };
    let server = Server::start();
    browser.open(&format!("http://{}/", server.address));
    browser.wait("document.documentElement.dataset.ready === 'true'");
    browser.run(
        "import('/assets/unconfirmed.js').then(({ labelUnconfirmed }) => {
            const text = document.createElement('p');
            for (const piece of ['一文。（根拠未', '確認）二文。', '（根拠未確認）（根拠未確認）三', '文。']) {
                const last = text.lastChild;
                if (last?.nodeType === Node.TEXT_NODE) last.appendData(piece);
                else text.append(piece);
                labelUnconfirmed(text);
            }
            document.body.append(text);
            text.id = 'marked';
        });",
    );
    browser.wait("document.getElementById('marked') !== null");
    let html = browser.run("return document.getElementById('marked').innerHTML");
    let label = "<strong class=\"unconfirmed\">（根拠未確認）</strong>";
    assert_eq!(html, format!("一文。{label}二文。{label}{label}三文。"));
}
