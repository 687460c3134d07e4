//! A record in a real browser: an answer is saved, verified, altered and refused, at every width.

use std::io::Write;

use kura::store::Store;
use kura::web::WebOptions;

use crate::browser::{ANSWERED, Server};
use crate::web_driver::Browser;

#[test]
fn an_answer_is_saved_verified_altered_and_refused() {
    let browser = match Browser::start() {
        Ok(browser) => browser,
        Err(why) => {
            // Not by a macro: the test harness keeps what those print to itself.
            let mut stderr = std::io::stderr();
            let name = "an_answer_is_saved_verified_altered_and_refused";
            writeln!(stderr, "skipped {name}: {why}").unwrap();
            return;
        }
    };
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = runtime.block_on(Store::open(dir.path())).unwrap();
    let server = Server::with(WebOptions { store: Some(store), ..WebOptions::default() });
    let url = |path: &str| format!("http://{}{path}", server.address);
    browser.resize(1280, 900);
    let path = asks(&browser, &url("/"));
    let file = saves(&browser, dir.path(), &path);
    verifies(&browser, &url("/verify"), &file, "改変されていません");
    let altered = dir.path().join("altered.html");
    let saved = std::fs::read_to_string(&file).unwrap();
    assert!(saved.contains("300円"), "{saved}");
    std::fs::write(&altered, saved.replace("300円", "100円")).unwrap();
    verifies(&browser, &url("/verify"), &altered, "改変されています");
    let shown = browser.run("return document.querySelector('.change').textContent;");
    let shown = shown.as_str().unwrap();
    assert!(shown.contains("300円") && shown.contains("100円"), "{shown}");
    asks_for_a_review(&browser, &url(&path));
    for page in ["/verify", "/reviews", "/answers", &path] {
        fits(&browser, &url(page));
    }
}

/// Gives the path of the record.
fn asks(browser: &Browser, url: &str) -> String {
    browser.open(url);
    browser.wait("document.documentElement.dataset.ready === 'true'");
    browser.run(
        "document.getElementById('question').value = '会議室の使用料はいくらですか';
         document.getElementById('send').click();",
    );
    browser.wait(ANSWERED);
    browser.wait("document.querySelector('.save') !== null");
    browser.run("document.querySelector('.save summary').click();");
    browser.wait("document.querySelector('.save').open");
    let links = browser.run("return document.querySelectorAll('.save-list a').length;");
    assert_eq!(links, 4, "one for each format");
    let path = browser
        .run("return document.querySelector('.answer-actions > a[href^=\"/answers/\"]').pathname;");
    path.as_str().unwrap().to_owned()
}

/// What the link saves, in a file.
fn saves(browser: &Browser, dir: &std::path::Path, path: &str) -> std::path::PathBuf {
    browser.run(&format!(
        "window.saved = null; fetch('{path}.html').then((it) => it.text()).then((it) => {{ window.saved = it; }});"
    ));
    browser.wait("window.saved !== null");
    let file = dir.join("saved.html");
    let saved = browser.run("return window.saved;");
    std::fs::write(&file, saved.as_str().unwrap()).unwrap();
    file
}

fn verifies(browser: &Browser, url: &str, file: &std::path::Path, said: &str) {
    browser.open(url);
    browser.choose("#file", file);
    browser.run("document.querySelector('form[aria-labelledby=file-title] button').click();");
    browser.wait("document.querySelector('.verdict') !== null");
    let headline = browser.run("return document.getElementById('verdict-title').textContent;");
    assert_eq!(headline, said);
}

/// Without accounts everybody may, and no rule asks for another person.
fn asks_for_a_review(browser: &Browser, url: &str) {
    browser.open(url);
    for (step, state) in
        [("requested", "確認待ち"), ("confirmed", "確認済み"), ("approved", "承認済み")]
    {
        browser.wait(&format!("document.querySelector('button[value={step}]') !== null"));
        browser.run(&format!("document.querySelector('button[value={step}]').click();"));
        browser.wait(&format!("document.querySelector('main .badge')?.textContent === '{state}'"));
    }
}

fn fits(browser: &Browser, url: &str) {
    for width in [360, 768, 1280] {
        browser.resize(width, 800);
        browser.open(url);
        let over = browser.run(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth;",
        );
        assert_eq!(over, 0, "{url} at {width}");
    }
    browser.resize(1280, 900);
}
