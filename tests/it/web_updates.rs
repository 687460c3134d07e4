//! The page of updates, going back, and the ledger in the browser.

use kura::sync::Installation;
use kura::web::WebOptions;

use crate::web_bundles::Publisher;
use crate::web_env::{Reply, WebEnv, get, send};
use crate::web_uploads::{bring, options};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn check(reply: &Reply, status: u16, parts: &[&str]) {
    assert_eq!(reply.status, status, "{}", reply.text);
    for part in parts {
        assert!(reply.text.contains(part), "{part:?} is missing in {}", reply.text);
    }
}

fn current(installation: &Installation) -> String {
    installation.state().unwrap().datasets["town"].current.clone()
}

#[tokio::test]
async fn the_page_says_what_is_installed() {
    let web = WebEnv::new();
    let router = web.router(options(&Publisher::new()));
    let page = get(&router, "/updates").await;
    check(&page, 200, &["<h1>更新</h1>", "試験町のデータ", "データセット", "令和8年4月1日（"]);
    check(&page, 200, &["日経過）", "プログラム", "設定された指紋", "記録はまだありません。"]);
    check(&page, 200, &["webkitdirectory", "<noscript>", "/assets/updates.js"]);
    assert!(!page.text.contains("更新の時期"), "nothing is stale");
    assert!(!page.text.contains("/updates/rollback"), "there is nothing to go back to");
    let desk = get(&router, "/").await;
    check(&desk, 200, &["href=\"/updates\""]);
}

#[tokio::test]
async fn without_a_judge_only_the_commands_update() {
    let web = WebEnv::new();
    let router = web.router(WebOptions::default());
    let page = get(&router, "/updates").await;
    check(&page, 200, &["画面からの更新を受け付けていません", "kura sync", "kura rollback"]);
    assert!(!page.text.contains("<script") && !page.text.contains("webkitdirectory"));
    let asked = "/updates/rollback?kind=dataset&id=town";
    check(&get(&router, asked).await, 403, &["kura sync"]);
    let body = "kind=dataset&id=town&from=1&operator=a";
    check(&send(&router, "POST", "/updates/rollback", &[FORM], body).await, 403, &["kura sync"]);
}

#[tokio::test]
async fn old_data_is_told_and_stays_in_use() {
    let web = WebEnv::new();
    let publisher = Publisher::new();
    let router = web.router(options(&publisher));
    bring(&router, &publisher.dataset("town", 2, "転入届は、14日以内に出す。")).await;
    let path = web.service.installation().state_path();
    let state = std::fs::read_to_string(&path).unwrap();
    let mut state: serde_json::Value = serde_json::from_str(&state).unwrap();
    let floor = &mut state["floors"]["dataset/town"];
    floor["issued_at"] = "2020-01-01T00:00:00+09:00".into();
    floor["stale_after_days"] = 30.into();
    std::fs::write(&path, state.to_string()).unwrap();
    let page = get(&router, "/updates").await;
    check(&page, 200, &["「試験町のデータ」は、更新の時期を過ぎています。使い続けられますが"]);
    check(&page, 200, &["badge-stale", "令和2年1月1日"]);
}

#[tokio::test]
async fn going_back_is_asked_done_and_noted() {
    let web = WebEnv::new();
    let publisher = Publisher::new();
    let router = web.router(options(&publisher));
    let installation = web.service.installation();
    bring(&router, &publisher.dataset("town", 2, "転入届は、14日以内に出す。")).await;
    assert_eq!(current(installation), "2");
    check(&get(&router, "/updates").await, 200, &["action=\"/updates/rollback\""]);

    let asked = get(&router, "/updates/rollback?kind=dataset&id=town").await;
    check(&asked, 200, &["試験町のデータ", "name=\"from\" value=\"2\"", "戻した後の世代"]);
    assert_eq!(current(installation), "2", "asking changes nothing");

    let nameless = "kind=dataset&id=town&from=2&operator=+";
    let reply = send(&router, "POST", "/updates/rollback", &[FORM], nameless).await;
    check(&reply, 400, &["作業者：入力してください。", "aria-invalid"]);
    let late = "kind=dataset&id=town&from=1&operator=a";
    let reply = send(&router, "POST", "/updates/rollback", &[FORM], late).await;
    check(&reply, 409, &["既に切り替わっています"]);
    assert_eq!(current(installation), "2");

    let body = "kind=dataset&id=town&from=2&operator=%E4%BD%90%E8%97%A4&approver=%3Cb%3E";
    let reply = send(&router, "POST", "/updates/rollback", &[FORM], body).await;
    assert_eq!((reply.status.as_u16(), reply.header("location")), (303, "/updates?done=rollback"));
    assert_eq!(current(installation), "1");
    let reply = send(&router, "POST", "/updates/rollback", &[FORM], body).await;
    check(&reply, 409, &["既に切り替わっています"]);
    assert_eq!(current(installation), "1", "sent twice, it does not come forward again");

    let page = get(&router, "/updates?done=rollback").await;
    check(&page, 200, &["前の世代に戻しました", "前の世代へ戻した", "佐藤"]);
    let printed = get(&router, "/updates/ledger").await;
    check(&printed, 200, &["版 2 から切り替えました。", "佐藤", "&lt;b&gt;"]);
    assert!(!printed.text.contains("<b>"));
}

#[tokio::test]
async fn going_back_to_nothing_is_refused() {
    let web = WebEnv::new();
    let router = web.router(options(&Publisher::new()));
    for (query, status) in [
        ("kind=dataset&id=town", 409),
        ("kind=app&id=kura", 409),
        ("kind=dataset&id=other", 404),
        ("kind=dataset&id=..%2f..%2fetc", 404),
        ("kind=root&id=town", 404),
        ("", 404),
    ] {
        let path = format!("/updates/rollback?{query}");
        assert_eq!(get(&router, &path).await.status, status, "{query}");
        let body = format!("{query}&from=1&operator=a");
        let reply = send(&router, "POST", "/updates/rollback", &[FORM], &body).await;
        assert_eq!(reply.status, status, "{query}: {}", reply.text);
    }
}

#[tokio::test]
async fn the_ledger_is_printed_and_saved() {
    let web = WebEnv::new();
    let publisher = Publisher::new();
    let router = web.router(options(&publisher));
    bring(&router, &publisher.dataset("town", 2, "転入届は、14日以内に出す。")).await;
    let printed = get(&router, "/updates/ledger").await;
    check(&printed, 200, &["<h1>持込記録</h1>", "USB-07", "鈴木", "取込", "先頭ハッシュ"]);
    check(&printed, 200, &["href=\"/assets/ledger.css\""]);
    assert!(!printed.text.contains("<style") && !printed.text.contains("style="), "CSP forbids it");
    let style = get(&router, "/assets/ledger.css").await;
    check(&style, 200, &["A4 landscape"]);
    let table = get(&router, "/updates/ledger.csv").await;
    check(&table, 200, &["\u{feff}\"番号\",\"日時\"", "\"USB-07\",\"佐藤\",\"鈴木\""]);
    assert_eq!(table.header("content-type"), "text/csv; charset=utf-8");
    assert!(table.header("content-disposition").contains("kura-ledger.csv"));

    let path = web.service.installation().root().join("ledger.jsonl");
    let ledger = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, ledger.replace("佐藤", "田中")).unwrap();
    check(
        &get(&router, "/updates/ledger").await,
        500,
        &["検証できません", "情報セキュリティ担当者"],
    );
    check(&get(&router, "/updates").await, 200, &["検証できません", "試験町のデータ"]);
}

#[tokio::test]
async fn all_of_it_needs_the_key() {
    let web = WebEnv::new();
    let key = Some("open-sesame".to_owned());
    let router = web.router(WebOptions { access_key: key, ..options(&Publisher::new()) });
    for path in ["/updates", "/updates/ledger", "/updates/ledger.csv", "/updates/rollback"] {
        let reply = get(&router, path).await;
        assert_eq!((reply.status.as_u16(), reply.header("location")), (303, "/login"), "{path}");
    }
    for (method, path) in [
        ("POST", "/api/updates"),
        ("PUT", "/api/updates/0123456789abcdef/chunks/00"),
        ("POST", "/api/updates/0123456789abcdef/commit"),
        ("POST", "/updates/rollback"),
    ] {
        let reply = send(&router, method, path, &[], "").await;
        assert_eq!(reply.status, 401, "{path}");
        let foreign = [
            ("authorization", "Bearer open-sesame"),
            ("host", "kura.town"),
            ("origin", "http://evil.example"),
        ];
        let reply = send(&router, method, path, &foreign, "").await;
        assert_eq!(reply.status, 403, "{path}: {}", reply.text);
    }
}

#[tokio::test]
async fn updates_are_counted_by_few_labels() {
    let web = WebEnv::new();
    let router = web.router(options(&Publisher::new()));
    get(&router, "/updates").await;
    send(&router, "PUT", "/api/updates/0123456789abcdef/chunks/00", &[], "").await;
    send(&router, "POST", "/api/updates/0123456789abcdef/commit", &[], "").await;
    let metrics = get(&router, "/metrics").await;
    for label in ["/updates", "/api/updates/chunks", "/api/updates/commit"] {
        check(&metrics, 200, &[&format!("route=\"{label}\"")]);
    }
    assert!(!metrics.text.contains("0123456789abcdef"));
}
