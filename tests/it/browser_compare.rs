//! The choice of data and the comparison in a real browser, as staff use them.

use std::io::Write;

use kura::web::WebOptions;

use crate::browser::{ANSWERED, Server};
use crate::web_driver::Browser;
use crate::web_env::WebEnv;

const READY: &str = "document.documentElement.dataset.ready === 'true'";
const ASK: &str = "
    document.getElementById('question').value = '住民票の写しの交付手数料はいくらですか';
    document.getElementById('send').click();";

#[test]
fn staff_can_choose_and_compare() {
    let browser = match Browser::start() {
        Ok(browser) => browser,
        Err(why) => {
            // Not by a macro: the test harness keeps what those print to itself.
            writeln!(std::io::stderr(), "skipped staff_can_choose_and_compare: {why}").unwrap();
            return;
        }
    };
    let server = Server::over(WebEnv::layered, WebOptions::default());
    let url = |path: &str| format!("http://{}{path}", server.address);
    browser.resize(1280, 900);
    browser.open(&url("/"));
    browser.wait(READY);
    differences_are_shown(&browser);
    the_choice_is_said_and_remembered(&browser, &url("/"));
    browser.open(&url("/compare"));
    browser.wait(READY);
    both_sides_are_answered_and_marked(&browser);
    browser.resize(360, 740);
    let too_wide = browser.run("return document.documentElement.scrollWidth - innerWidth;");
    assert!(too_wide.as_i64().unwrap() <= 0, "{too_wide} pixels too wide");
    let stacked = browser.run(
        "const [a, b] = document.querySelectorAll('.compare-result .answer');
         return a.getBoundingClientRect().bottom <= b.getBoundingClientRect().top;",
    );
    assert_eq!(stacked, true, "the sides stand one above the other on a phone");
}

fn differences_are_shown(browser: &Browser) {
    browser.run(ASK);
    browser.wait(ANSWERED);
    browser.wait("document.querySelector('.difference') !== null");
    let marks = browser.run(
        "return [...document.querySelectorAll('.difference mark')].map((mark) => mark.textContent);",
    );
    assert_eq!(marks, serde_json::json!(["300円", "250円"]));
    let layers = browser.run(
        "return [...document.querySelectorAll('.answer-text .layer-title')].map((h) => h.textContent);",
    );
    assert_eq!(layers, serde_json::json!(["国の共通ルール", "本市の取扱い"]));
    let notes = browser.run(
        "return [...document.querySelectorAll('.note')].filter((n) => n.textContent.includes('違い')).length;",
    );
    assert_eq!(notes, 0, "the difference is said once");
    browser.run("document.querySelector('.difference .cite').click();");
    browser.wait("document.getElementById('passage').open");
    browser.run("document.getElementById('passage').close();");
}

fn the_choice_is_said_and_remembered(browser: &Browser, url: &str) {
    browser.run(
        "const day = document.getElementById('as-of');
         day.value = '2026-04-02';
         day.dispatchEvent(new Event('change', { bubbles: true }));
         document.querySelector('input[name=scopes][value=local]').click();",
    );
    let said = "return document.getElementById('choice-summary').textContent;";
    assert_eq!(browser.run(said), "本市の取扱い・令和8年4月2日時点");
    let era = browser.run("return document.querySelector('.choice-era').textContent;");
    assert_eq!(era, "令和8年4月2日");
    browser.open(url);
    browser.wait(READY);
    assert_eq!(browser.run(said), "本市の取扱い・令和8年4月2日時点", "it is kept");
    browser.run(ASK);
    browser.wait(ANSWERED);
    let made = browser.run("return document.querySelector('.provenance').textContent;");
    let made = made.as_str().unwrap();
    assert!(made.contains("令和8年4月2日") && made.contains("区分の指定"), "{made}");
    let text = browser.run("return document.querySelector('.answer').textContent;");
    assert!(!text.as_str().unwrap().contains("300円"), "{text}");
    browser.run("document.getElementById('choice-reset').click();");
    assert_eq!(browser.run(said), "すべて・今日時点");
}

fn both_sides_are_answered_and_marked(browser: &Browser) {
    let words = browser
        .run("return [...document.querySelectorAll('.compare-words')].map((p) => p.textContent);");
    assert_eq!(words, serde_json::json!(["国の共通ルール・今日時点", "本市の取扱い・今日時点"]));
    browser.run(ASK);
    browser.wait("document.querySelector('.pairs') !== null");
    let marks = browser.run(
        "const said = (name) => [...document.querySelectorAll(`.pair ${name}`)].map((m) => m.textContent);
         return [said('del').join(), said('ins').join()];",
    );
    let [removed, added] = [0, 1].map(|at| marks[at].as_str().unwrap().to_owned());
    assert!(removed.contains("削除：") && removed.contains("300"), "{marks}");
    assert!(added.contains("追加：") && added.contains("250"), "{marks}");
    let titles = browser
        .run("return [...document.querySelectorAll('.answer-title')].map((h) => h.textContent);");
    let expected = ["条件A：国の共通ルール・今日時点", "条件B：本市の取扱い・今日時点"];
    assert_eq!(titles, serde_json::json!(expected));
    let side_by_side = browser.run(
        "const [a, b] = document.querySelectorAll('.compare-result .answer');
         return a.getBoundingClientRect().top === b.getBoundingClientRect().top;",
    );
    assert_eq!(side_by_side, true);
}
