//! 業務アシスタント in a real browser: one is made, tried, used by keyboard and exported.

use std::io::Write;

use kura::web::WebOptions;

use crate::browser::{ANSWERED, Server};
use crate::web_driver::{Browser, ENTER};

#[test]
fn one_is_made_tried_and_exported() {
    let browser = match Browser::start() {
        Ok(browser) => browser,
        Err(why) => {
            let mut stderr = std::io::stderr();
            writeln!(stderr, "skipped one_is_made_tried_and_exported: {why}").unwrap();
            return;
        }
    };
    let server = Server::with(WebOptions::default());
    let url = format!("http://{}/assistants", server.address);
    for width in [1280, 360] {
        browser.resize(width, 900);
        browser.open(&url);
        browser.wait("document.querySelectorAll('.card').length > 10");
        fits(&browser);
    }
    browser.run("location.href = '/assistants/new';");
    browser.wait("document.getElementById('prompt') !== null");
    fits(&browser);
    makes_one(&browser);
    tries_it(&browser);
    saves_and_uses_it(&browser);
    exports_and_imports_it(&browser);
    let foreign = browser.run(
        "return performance.getEntriesByType('resource').map((entry) => entry.name)
            .filter((name) => !name.startsWith(location.origin));",
    );
    assert_eq!(foreign, serde_json::json!([]), "the page fetched from elsewhere");
}

fn fits(browser: &Browser) {
    let too_wide = browser.run("return document.documentElement.scrollWidth - innerWidth;");
    assert!(too_wide.as_i64().unwrap() <= 0, "{too_wide} pixels too wide");
}

fn makes_one(browser: &Browser) {
    browser.run(
        "const put = (id, value) => { document.getElementById(id).value = value; };
         put('title', '施設の案内'); put('id', 'shisetsu');
         put('prompt', '施設の使い方を短く案内してください。');
         put('f1-label', '聞きたいこと'); put('f1-example', '会議室の使用料はいくらですか');
         document.querySelector('input[name=data][value=all]').checked = true;
         document.querySelector('input[name=check-cites]').checked = true;
         document.querySelector('button[value=preview]').click();",
    );
    browser.wait("document.getElementById('preview-title') !== null");
    let shown = browser.run("return document.querySelector('.prompt-shown').textContent;");
    let shown = shown.as_str().unwrap();
    assert!(shown.contains("短く案内") && shown.contains("質問：会議室の使用料"), "{shown}");
}

fn tries_it(browser: &Browser) {
    browser.run("document.querySelector('button[value=try]').click();");
    browser.wait("document.querySelector('.answer') !== null");
    let tried = browser.run("return document.querySelector('.assist-answer').textContent;");
    let tried = tried.as_str().unwrap();
    assert!(tried.contains("300円") && tried.contains("まだ保存していません"), "{tried}");
    fits(browser);
}

fn saves_and_uses_it(browser: &Browser) {
    browser.run("document.querySelector('button[value=save]').click();");
    browser.wait("location.pathname === '/assistants/shisetsu'");
    browser.wait("document.documentElement.dataset.ready === 'true'");
    browser.run("document.getElementById('send').click();");
    let said = "document.getElementById('error-text')?.textContent === '入力してください。'";
    browser.wait(said);
    let focused = browser.run("return document.activeElement.id;");
    assert_eq!(focused, "input-text", "the focus goes to what is missing");
    browser.press("会議室の使用料はいくらですか");
    browser.run("document.getElementById('send').focus();");
    browser.press(&ENTER.to_string());
    browser.wait(ANSWERED);
    let made = browser.run("return document.querySelector('.provenance').textContent;");
    assert!(made.as_str().unwrap().contains("施設の案内（第1版）"), "{made}");
    let text = browser.run("return document.querySelector('.answer-text').textContent;");
    assert!(text.as_str().unwrap().contains("300円"), "{text}");
    browser.wait("document.getElementById('copy-body') !== null");
    fits(browser);
}

fn exports_and_imports_it(browser: &Browser) {
    browser.run(
        "fetch('/assistants/shisetsu/export').then((reply) => reply.text())
            .then((text) => { window.exported = text; });",
    );
    browser.wait("window.exported !== undefined");
    let text = browser.run("return window.exported;");
    let text = text.as_str().unwrap();
    assert!(text.contains("id = \"shisetsu\"") && text.contains("短く案内"), "{text}");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shisetsu.toml");
    std::fs::write(&path, text.replace("短く案内", "詳しく案内")).unwrap();
    browser.run("location.href = '/assistants/import';");
    browser.wait("document.documentElement.dataset.ready === 'true'");
    browser.choose("#file", &path);
    browser.wait("document.getElementById('content').value.includes('shisetsu')");
    browser.run("document.querySelector('button[value=look]').click();");
    browser.wait("document.querySelector('button[value=import]') !== null");
    let planned = browser.run("return document.getElementById('main').textContent;");
    let planned = planned.as_str().unwrap();
    assert!(planned.contains("置き換えます") && planned.contains("詳しく案内"), "{planned}");
    fits(browser);
    browser.run("document.querySelector('button[value=import]').click();");
    browser.wait("document.querySelector('.done')?.textContent.includes('1件')");
}
