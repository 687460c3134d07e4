//! Accounts in a real browser: by keyboard, at every width, and as a screen reader gets them.

use std::io::Write;

use kura::document::Role;
use kura::store::{NewAccount, Store};
use kura::web::WebOptions;

use crate::accessibility::Tree;
use crate::browser::Server;
use crate::web_driver::{Browser, ENTER, TAB};

const FIRST: &str = "asa-wa-rokuji-ni-inu-to-aruku";
const OWN: &str = "yoru-wa-kuji-ni-hon-wo-yomu";

#[test]
fn an_administrator_comes_in_and_adds_a_person() {
    let browser = match Browser::start() {
        Ok(browser) => browser,
        Err(why) => {
            // Not by a macro: the test harness keeps what those print to itself.
            let mut stderr = std::io::stderr();
            writeln!(stderr, "skipped an_administrator_comes_in_and_adds_a_person: {why}").unwrap();
            return;
        }
    };
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = runtime.block_on(async {
        let store = Store::open(dir.path()).await.unwrap();
        let new = NewAccount {
            login: "yamada".to_owned(),
            name: "山田 花子".to_owned(),
            section: "総務部情報システム管理課".to_owned(),
            role: Role::Admin,
            password: FIRST.to_owned(),
            must_change: true,
        };
        store.add_account(new).await.unwrap();
        store
    });
    let server = Server::with(WebOptions { store: Some(store), ..WebOptions::default() });
    let url = |path: &str| format!("http://{}{path}", server.address);
    browser.resize(1280, 900);
    signs_in(&browser, &url("/"));
    changes_the_password(&browser);
    reads_the_guide(&browser);
    adds_a_person(&browser, &url("/people"));
    for path in ["/login", "/account", "/guide", "/people", "/people/edit?login=suzuki", "/"] {
        fits(&browser, &url(path), path);
    }
    signs_out(&browser, &url("/"));
}

fn at(browser: &Browser, path: &str) {
    browser.wait(&format!("location.pathname === '{path}' && document.readyState === 'complete'"));
}

fn signs_in(browser: &Browser, url: &str) {
    browser.open(url);
    at(browser, "/login");
    Tree::of(browser).check("sign-in");
    browser.run("sessionStorage.setItem('left', 'behind');");
    browser.press("yamada");
    browser.press(&TAB.to_string());
    browser.press("wrong");
    browser.press(&ENTER.to_string());
    browser.wait("document.querySelector('[aria-invalid]') !== null");
    let said = browser.run(
        "return [document.activeElement.id, document.getElementById('login').value,
            document.getElementById('password-error').textContent];",
    );
    assert_eq!(said[0], "password", "the name need not be typed again");
    assert_eq!(said[1], "yamada");
    assert!(said[2].as_str().unwrap().contains("違います"), "{said}");
    browser.press(FIRST);
    browser.press(&ENTER.to_string());
    at(browser, "/account");
    let left = browser.run("return sessionStorage.getItem('left');");
    assert!(left.is_null(), "the next person finds what the last one left: {left}");
}

fn changes_the_password(browser: &Browser) {
    Tree::of(browser).check("account");
    browser.run(&format!(
        "document.getElementById('present').value = '{FIRST}';
         document.getElementById('new').value = '{OWN}';
         document.getElementById('again').value = '{OWN}';
         document.querySelector('form.login button').click();"
    ));
    browser.wait("document.querySelector('.done') !== null");
    let said = browser.run("return document.querySelector('.done').textContent;");
    assert!(said.as_str().unwrap().contains("変更しました"), "{said}");
}

fn reads_the_guide(browser: &Browser) {
    browser.run("document.querySelector('.brand').click();");
    at(browser, "/guide");
    Tree::of(browser).check("guide");
    browser.run("document.querySelector('form[action=\"/guide\"] button').click();");
    at(browser, "/");
    browser.run("document.querySelector('.site-footer a').click();");
    at(browser, "/guide");
    let again = browser.run("return document.querySelector('form[action=\"/guide\"]');");
    assert!(again.is_null(), "it is confirmed once");
}

fn adds_a_person(browser: &Browser, url: &str) {
    browser.open(url);
    Tree::of(browser).check("people");
    browser.run(
        "document.getElementById('login').value = 'suzuki';
         document.getElementById('name').value = '鈴木 一郎';
         document.getElementById('section').value = '税務課';
         document.getElementById('role-reviewer').click();
         document.querySelector('form[action=\"/people/add\"] button').click();",
    );
    browser.wait("document.querySelector('.secret') !== null");
    Tree::of(browser).check("one-time password");
    let row = browser.run("return document.querySelector('table').textContent;");
    let row = row.as_str().unwrap();
    for part in ["鈴木 一郎", "suzuki", "確認者", "一時パスワード"] {
        assert!(row.contains(part), "{part} is missing in {row}");
    }
}

fn fits(browser: &Browser, url: &str, path: &str) {
    for width in [360, 768, 1280] {
        browser.resize(width, 800);
        browser.open(url);
        let too_wide = browser.run("return document.documentElement.scrollWidth - innerWidth;");
        assert!(too_wide.as_i64().unwrap() <= 0, "{path} at {width}: {too_wide} pixels too wide");
        let bare = browser.run(
            "return [...document.querySelectorAll('main input:not([type=hidden])')]
                .filter((input) => input.labels.length === 0).map((input) => input.name);",
        );
        assert_eq!(bare, serde_json::json!([]), "{path} has inputs without a label");
    }
}

fn signs_out(browser: &Browser, url: &str) {
    browser.open(url);
    browser.run("document.querySelector('.who form button').click();");
    at(browser, "/login");
    browser.open(url);
    at(browser, "/login");
}
