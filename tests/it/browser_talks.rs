//! Conversations in a real browser: asked twice, opened, found, deleted.

use std::io::Write;

use kura::store::{Store, TRIAL};
use kura::web::WebOptions;

use crate::accessibility::Tree;
use crate::browser::Server;
use crate::web_driver::{Browser, ENTER};

#[test]
fn a_conversation_goes_on_is_found_and_deleted() {
    let browser = match Browser::start() {
        Ok(browser) => browser,
        Err(why) => {
            // Not by a macro: the test harness keeps what those print to itself.
            let mut stderr = std::io::stderr();
            writeln!(stderr, "skipped a_conversation_goes_on_is_found_and_deleted: {why}").unwrap();
            return;
        }
    };
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = runtime.block_on(async {
        let store = Store::open(dir.path()).await.unwrap();
        store.confirm_guide(TRIAL).await.unwrap();
        store
    });
    let options = WebOptions { store: Some(store), trial: true, ..WebOptions::default() };
    let server = Server::with(options);
    let url = |path: &str| format!("http://{}{path}", server.address);
    browser.resize(1280, 900);
    browser.open(&url("/"));
    browser.wait("document.documentElement.dataset.ready === 'true'");
    asks(&browser, "会議室の使用料はいくらですか", 1);
    asks(&browser, "その減免は？", 2);
    let said = browser.run("return document.querySelector('.answer-after').textContent;");
    assert!(said.as_str().unwrap().contains("続きとして調べました"), "{said}");
    Tree::of(&browser).check("desk with a conversation");
    starts_anew(&browser);
    reads_and_deletes(&browser, &url);
}

/// Asks, and waits until the answer is in the list with so many questions in its conversation.
fn asks(browser: &Browser, question: &str, turns: usize) {
    browser.run("const q = document.getElementById('question'); q.value = ''; q.focus();");
    browser.press(question);
    browser.press(&ENTER.to_string());
    browser.wait(&format!(
        "document.querySelector('#talks-list li')?.textContent.includes('質問{turns}件')
            && document.getElementById('talk-current').hidden === false"
    ));
}

fn starts_anew(browser: &Browser) {
    browser.run("document.getElementById('talk-new').click();");
    let now = browser.run(
        "return [document.getElementById('conversation').value, document.activeElement.id,
            document.getElementById('talk-current').hidden];",
    );
    assert_eq!(now, serde_json::json!(["", "question", true]));
    asks(browser, "転出届は何日前から受け付けますか", 1);
    let count = browser.run("return document.querySelectorAll('#talks-list li').length;");
    assert_eq!(count, 2);
}

fn reads_and_deletes(browser: &Browser, url: &dyn Fn(&str) -> String) {
    browser.open(&url("/conversations?q=%E6%B8%9B%E5%85%8D"));
    let rows = browser.run("return document.querySelectorAll('.talks-wide li').length;");
    assert_eq!(rows, 1, "the words are in one conversation");
    Tree::of(browser).check("conversations");
    browser.run("document.querySelector('.talks-wide a').click();");
    browser.wait("document.querySelector('.talk-turn') !== null");
    let path = browser.run("return location.pathname;");
    let path = path.as_str().unwrap();
    Tree::of(browser).check("conversation");
    let turns = browser.run("return document.querySelectorAll('.talk-turn').length;");
    assert_eq!(turns, 2);
    browser.run("document.querySelector('.talk-turn .cite').click();");
    let cited = browser.run("return document.querySelector(location.hash) !== null;");
    assert_eq!(cited, true, "a citation leads to its source");
    for (path, width) in
        [path, "/conversations", "/"].into_iter().flat_map(|path| [(path, 360), (path, 1280)])
    {
        browser.resize(width, 800);
        browser.open(&url(path));
        let too_wide = browser.run("return document.documentElement.scrollWidth - innerWidth;");
        assert!(too_wide.as_i64().unwrap() <= 0, "{path} at {width}: {too_wide} pixels too wide");
    }
    browser.open(&url(path));
    browser.run(
        "document.querySelector('.talks-delete').open = true;
         document.querySelector('.talks-delete button').click();",
    );
    browser.wait("document.querySelector('.done') !== null");
    let left = browser.run("return document.querySelectorAll('.talks-wide li').length;");
    assert_eq!(left, 1);
    browser.open(&url(path));
    let title = browser.run("return document.querySelector('h1').textContent;");
    assert_eq!(title, "ページが見つかりません");
}
