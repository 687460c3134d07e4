//! Personal data on its way: what is masked reaches no answer, no log and no file; what is refused
//! is not asked; the page masks by itself and puts back what only it knows.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Child;

use kura::web::WebOptions;
use serde_json::{Value, json};

use crate::browser::{ANSWERED, Server};
use crate::env::Env;
use crate::web_driver::Browser;
use crate::web_env::{Reply, WebEnv, get, post_json, send};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// Values that must be found nowhere once they have been sent.
const MASKED: [&str; 4] =
    ["090-8765-4321", "hanako.test@example.jp", "7391846", "本町6丁目50番10号"];
const REFUSED: &str = "123456789018";

fn question() -> String {
    let [phone, email, account, address] = MASKED;
    format!(
        "転出届は何日前から出せますか。連絡先は{phone}、メールは{email}、口座番号：{account}、\
         住所：横浜市中区{address}の方です。"
    )
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn holds_none(text: &str, place: &str) {
    for value in MASKED {
        assert!(!text.contains(value), "{value} is in {place}: {text}");
    }
}

#[tokio::test]
async fn every_door_masks_and_says_so() {
    let web = WebEnv::new();
    let router = web.router(WebOptions::default());
    let asked = json!({"question": question()}).to_string();
    let reply = post_json(&router, "/api/answer", &asked).await;
    assert_eq!(reply.status.as_u16(), 200);
    holds_none(&reply.text, "the events");
    let events = reply.events();
    let notes = events.last().unwrap()["summary"]["notes"].to_string();
    assert!(notes.contains("電話番号、メールアドレス、住所を伏せて扱いました"), "{notes}");
    let short = json!({"question": "転出届は何日前から出せますか（090-8765-4321）"}).to_string();
    let events = post_json(&router, "/api/answer", &short).await.events();
    let text: String = events.iter().filter_map(|event| event["text"].as_str()).collect();
    assert!(text.contains("14日前"), "a mark turned the search away: {text}");

    let form = format!("question={}", percent(&question()));
    let page = send(&router, "POST", "/ask", &[FORM], &form).await;
    holds_none(&page.text, "the page");
    assert!(page.text.contains("〔伏せた電話番号1〕"), "{}", page.text);

    let grounded = json!({
        "model": "default", "kura": {"datasets": "all"},
        "messages": [{"role": "user", "content": question()}],
    });
    let reply = post_json(&router, "/v1/chat/completions", &grounded.to_string()).await;
    assert_eq!(reply.status.as_u16(), 200, "{}", reply.text);
    holds_none(&reply.text, "the OpenAI API");
    assert!(reply.text.contains("伏せて扱いました"), "{}", reply.text);

    let found = post_json(&router, "/api/search", &json!({"query": question()}).to_string()).await;
    assert_eq!(found.status.as_u16(), 200);
    holds_none(&found.text, "the search");
}

#[tokio::test]
async fn what_is_refused_is_not_asked() {
    let web = WebEnv::new();
    let router = web.router(WebOptions::default());
    let text = format!("個人番号：{REFUSED}の方の転出届");
    let bodies = [
        ("/api/answer", json!({"question": text})),
        ("/api/search", json!({"query": text})),
        (
            "/v1/chat/completions",
            json!({"model": "default", "kura": {"datasets": "all"},
                "messages": [{"role": "user", "content": text}]}),
        ),
    ];
    for (path, body) in bodies {
        let reply = post_json(&router, path, &body.to_string()).await;
        assert_eq!(reply.status.as_u16(), 400, "{path}: {}", reply.text);
        assert_eq!(reply.json()["error"]["code"], "personal_data", "{path}");
        assert!(!reply.text.contains(REFUSED), "{path}");
    }
    let form = format!("question={}", percent(&text));
    let page = send(&router, "POST", "/ask", &[FORM], &form).await;
    assert_eq!(page.status.as_u16(), 400);
    assert!(
        page.text.contains("マイナンバーが含まれているため、送信しませんでした"),
        "{}",
        page.text
    );
    assert!(!page.text.contains(REFUSED) && page.text.contains("〔伏せたマイナンバー1〕"));
}

#[tokio::test]
async fn the_settings_decide() {
    let web = WebEnv::with(|config| {
        config.guard.phone = kura::config::Handling::Notice;
        config.guard.email = kura::config::Handling::Refuse;
    });
    let router = web.router(WebOptions::default());
    let phone = json!({"question": "090-8765-4321の方の転出届は何日前から"}).to_string();
    let reply = post_json(&router, "/api/answer", &phone).await;
    let notes = reply.events().last().unwrap()["summary"]["notes"].to_string();
    assert!(notes.contains("電話番号が含まれています"), "{notes}");
    let email = json!({"question": "hanako.test@example.jpに転出届を送る"}).to_string();
    assert_eq!(post_json(&router, "/api/answer", &email).await.status.as_u16(), 400);
    let status = get(&router, "/status").await.text;
    for part in ["個人情報の扱い", "マイナンバー", "送らない", "知らせて、そのまま送る"]
    {
        assert!(status.contains(part), "{part}");
    }
}

#[tokio::test]
async fn places_are_given_as_scripts_count() {
    let web = WebEnv::new();
    let router = web.router(WebOptions::default());
    let text = "😀山田太郎さんの電話は０９０－１２３４－５６７８です";
    let found = post_json(&router, "/api/personal", &json!({"text": text}).to_string()).await;
    let units: Vec<u16> = text.encode_utf16().collect();
    let cut = |found: &Value| {
        let at = |name: &str| found[name].as_u64().unwrap() as usize;
        String::from_utf16(&units[at("start")..at("end")]).unwrap()
    };
    let list = found.json()["found"].as_array().unwrap().clone();
    let shown: Vec<_> =
        list.iter().map(|each| (each["kind"].as_str().unwrap(), cut(each))).collect();
    assert_eq!(
        shown,
        [("name", "山田太郎".to_owned()), ("phone", "０９０－１２３４－５６７８".to_owned())]
    );
    assert_eq!((&list[0]["handling"], &list[1]["handling"]), (&json!("notice"), &json!("mask")));
    let wrong = [r#"{"text": 1}"#, r#"{}"#, r#"{"text": "a", "more": 1}"#];
    for body in wrong {
        assert_eq!(post_json(&router, "/api/personal", body).await.status.as_u16(), 400, "{body}");
    }
    let empty: Reply = post_json(&router, "/api/personal", r#"{"text": "転出届"}"#).await;
    assert_eq!(empty.json()["found"], json!([]));
}

/// The demo as a process, ended when the test is over.
struct Demo {
    child: Child,
    address: String,
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It has usually ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(env: &Env) -> Demo {
    let log = std::fs::File::create(env.path("log.txt")).unwrap();
    let mut child = env
        .command(&["--log", "trace", "demo", "--no-open", "--listen", "127.0.0.1:0"])
        .stdout(std::process::Stdio::piped())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut address = String::new();
    for line in lines.by_ref() {
        let line = line.unwrap();
        if let Some((_, rest)) = line.split_once("http://") {
            address = rest.trim_end_matches('/').to_owned();
        }
        if line.contains("Ctrl-C") {
            break;
        }
    }
    std::thread::spawn(move || lines.for_each(drop));
    Demo { child, address }
}

fn ask(address: &str, path: &str, body: &Value) -> String {
    let body = body.to_string();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(300))).unwrap();
    write!(
        stream,
        "POST {path} HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// Bytes of a value in any file below a folder.
fn files_with(dir: &Path, value: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, value));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        if bytes.windows(value.len()).any(|window| window == value.as_bytes()) {
            found.push(path.display().to_string());
        }
    }
    found
}

/// The whole program with the most talkative log: nothing that was typed is left anywhere.
#[test]
fn nothing_masked_is_logged_or_stored() {
    let env = Env::new();
    let demo = start(&env);
    let refused = format!("個人番号：{REFUSED}の方について");
    let chat = json!({"model": "default", "max_tokens": 8,
        "messages": [{"role": "user", "content": question()}]});
    let mut replies = String::new();
    for (path, body) in [
        ("/api/personal", json!({"text": refused})),
        ("/api/answer", json!({"question": question(), "max_tokens": 16})),
        ("/api/answer", json!({"question": refused})),
        ("/api/search", json!({"query": question()})),
        ("/v1/chat/completions", chat),
    ] {
        replies += &ask(&demo.address, path, &body);
    }
    holds_none(&replies, "the replies");
    assert!(!replies.contains(REFUSED));
    drop(demo);
    let log = std::fs::read_to_string(env.path("log.txt")).unwrap();
    assert!(!log.is_empty(), "the log says something");
    holds_none(&log, "the log");
    for value in MASKED.iter().chain(&[REFUSED]) {
        let files = files_with(&env.path("."), value);
        assert!(files.is_empty(), "{value} is in {files:?}");
    }
}

/// Masked by the page, sent as marks, shown with the originals; only the tab knows them.
#[test]
fn the_page_masks_and_puts_back() {
    let browser = match Browser::start() {
        Ok(browser) => browser,
        Err(why) => {
            // Not by a macro: the test harness keeps what those print to itself.
            writeln!(std::io::stderr(), "skipped the_page_masks_and_puts_back: {why}").unwrap();
            return;
        }
    };
    let server = Server::start();
    browser.resize(1280, 900);
    browser.open(&format!("http://{}/", server.address));
    browser.wait("document.documentElement.dataset.ready === 'true'");
    browser.run(
        "window.sent = [];
         const real = window.fetch;
         window.fetch = (path, options) => {
             if (path === '/api/answer') window.sent.push(options.body);
             return real(path, options);
         };",
    );
    finds_while_typing(&browser);
    sends_marks_and_shows_originals(&browser);
    refuses_a_number(&browser);
}

fn finds_while_typing(browser: &Browser) {
    browser.run("document.getElementById('question').focus();");
    browser.press("山田太郎さん（090-8765-4321）の転出届は何日前から出せますか");
    browser.wait("document.querySelectorAll('.personal-item').length === 2");
    let shown = browser.run("return document.getElementById('personal').textContent;");
    let shown = shown.as_str().unwrap();
    for part in ["氏名、電話番号", "このまま送信できます", "送信するときに伏せます"]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let said = "return [...document.querySelectorAll('#ask [role=status]')].map((n) => n.textContent).join();";
    assert!(browser.run(said).as_str().unwrap().contains("個人情報が含まれています"));
    browser.run("document.querySelector('.personal-hide').click();");
    browser.wait("document.getElementById('question').value.startsWith('〔氏名1〕さん')");
    browser.wait("document.querySelector('.personal-show') !== null");
    browser.run("document.querySelector('.personal-show').click();");
    browser.wait("document.getElementById('question').value.startsWith('山田太郎さん')");
    browser.wait("document.querySelectorAll('.personal-hide').length === 2");
    browser.run("document.querySelector('.personal-hide').click();");
    browser.wait("document.getElementById('question').value.startsWith('〔氏名1〕さん')");
}

fn sends_marks_and_shows_originals(browser: &Browser) {
    browser.run("document.getElementById('send').click();");
    browser.wait(ANSWERED);
    let sent = browser.run("return window.sent.join();");
    let sent = sent.as_str().unwrap();
    assert!(sent.contains("〔氏名1〕さん（〔電話番号1〕）"), "{sent}");
    assert!(!sent.contains("山田") && !sent.contains("8765"), "{sent}");
    browser.wait(
        "document.querySelector('.asked').textContent.includes('山田太郎さん（090-8765-4321）')",
    );
    let stored = browser.run("return sessionStorage.getItem('kura-history');");
    assert!(!stored.as_str().unwrap().contains("山田"), "{stored}");
    let lasting = browser.run("return JSON.stringify(localStorage) + document.cookie;");
    assert!(!lasting.as_str().unwrap().contains("山田"), "{lasting}");
    // Back after a reload of the same tab, and gone with the history.
    let url = browser.run("return location.href;");
    browser.open(url.as_str().unwrap());
    browser.wait("document.documentElement.dataset.ready === 'true'");
    browser.wait("document.getElementById('history-list').textContent.includes('山田太郎')");
    browser.run("document.getElementById('history-clear').click();");
    let table = browser.run("return sessionStorage.getItem('kura-masked');");
    assert_eq!(table, "[]");
}

fn refuses_a_number(browser: &Browser) {
    browser.run(&format!(
        "window.sent = [];
         const box = document.getElementById('question');
         box.value = '個人番号：{REFUSED}の方の転出届';
         document.getElementById('send').click();"
    ));
    browser.wait("!document.getElementById('question-error').hidden");
    let error = browser.run("return document.getElementById('question-error').textContent;");
    assert!(error.as_str().unwrap().contains("送信できない個人情報"), "{error}");
    browser.wait("document.querySelector('.personal-refused') !== null");
    let asked = browser.run("return document.querySelectorAll('#history-list li').length;");
    assert_eq!(asked, 0, "nothing was sent");
}

#[tokio::test]
async fn whose_matter_it_is_does_not_turn_the_search_away() {
    let web = WebEnv::new();
    let router = web.router(WebOptions::default());
    for question in [
        "転出届は何日前から受け付けますか",
        "山田太郎さんの転出届は何日前から受け付けますか",
        "転出届は何日前から受け付けますか。連絡先はtaro@example.jpです",
        "転出届は何日前から受け付けますか。電話090-1234-5678",
    ] {
        let form = format!("question={}", percent(question));
        let page = send(&router, "POST", "/ask", &[FORM], &form).await;
        assert!(page.text.contains("14日前"), "{question}: {}", page.text);
    }
}
