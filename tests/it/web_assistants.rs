//! 業務アシスタント over HTTP: the list, a run, the form, versions, and the exchange.

use axum::Router;
use kura::document::Role;
use kura::store::{NewAccount, Store};
use kura::web::WebOptions;

use crate::env::{Env, text};
use crate::web_env::{Reply, WebEnv, get, post_json, send};

fn check(reply: &Reply, status: u16, parts: &[&str]) {
    assert_eq!(reply.status, status, "{}", reply.text);
    for part in parts {
        assert!(reply.text.contains(part), "{part:?} is missing in {}", reply.text);
    }
}

/// A form as a browser sends it.
async fn post_form(router: &Router, path: &str, fields: &[(&str, &str)]) -> Reply {
    let escape = |text: &str| -> String {
        text.bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => {
                    char::from(byte).to_string()
                }
                byte => format!("%{byte:02X}"),
            })
            .collect()
    };
    let pairs: Vec<String> =
        fields.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
    let header = ("content-type", "application/x-www-form-urlencoded");
    send(router, "POST", path, &[header], &pairs.join("&")).await
}

const NEW: [(&str, &str); 9] = [
    ("title", "校閲<b>"),
    ("id", "kouetsu"),
    ("prompt", "文章を校閲してください。"),
    ("data", "none"),
    ("f1-id", ""),
    ("f1-label", "文章"),
    ("f1-required", "on"),
    ("f1-example", "会議わ明日です。"),
    ("check-max", "100"),
];

fn with<'f>(fields: &[(&'f str, &'f str)], more: &[(&'f str, &'f str)]) -> Vec<(&'f str, &'f str)> {
    let kept = fields.iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
    kept.chain(more).copied().collect()
}

/// The value of a hidden input of a page.
fn hidden<'p>(page: &'p str, name: &str) -> &'p str {
    let at = page.find(&format!("name=\"{name}\" value=\"")).unwrap();
    let rest = &page[at..];
    rest.split("value=\"").nth(1).unwrap().split('"').next().unwrap()
}

#[tokio::test]
async fn the_list_and_each_page_are_served() {
    let web = WebEnv::new();
    let router = web.router(WebOptions::default());
    let page = get(&router, "/assistants").await;
    check(&page, 200, &["議事録整理", "やさしい日本語", "資料を使う", "href=\"/assistants/mail\""]);
    let listed = get(&router, "/api/assistants").await.json();
    for assistant in listed["assistants"].as_array().unwrap() {
        let id = assistant["id"].as_str().unwrap();
        let page = get(&router, &format!("/assistants/{id}?example=1")).await;
        check(&page, 200, &[assistant["title"].as_str().unwrap(), "モデルに送る指示", "記入例"]);
        assert!(!page.text.contains("http://"), "{id}");
        check(&get(&router, &format!("/assistants/{id}/edit")).await, 200, &["保存する"]);
        check(
            &get(&router, &format!("/assistants/{id}/versions")).await,
            200,
            &["変更していません"],
        );
    }
    let none = get(&router, "/assistants/nothing").await;
    check(&none, 404, &["業務アシスタント「nothing」はありません。"]);
    let filled = get(&router, "/assistants/mail?example=1").await;
    check(&filled, 200, &["value=\"総務課　佐藤\"", "selected>庁内</option>"]);
}

#[tokio::test]
async fn a_run_answers_from_data_and_names_the_assistant() {
    let web = WebEnv::new();
    let router = web.router(WebOptions::default());
    let body = r#"{"inputs": {"question": "転出届は何日前から出せますか"}}"#;
    let reply = post_json(&router, "/api/assistants/shitsumon/run", body).await;
    check(&reply, 200, &[]);
    let events = reply.events();
    assert_eq!(events[0]["type"], "sources");
    let last = events.last().unwrap();
    assert_eq!(last["summary"]["kind"], "excerpt", "{last}");
    let named = &last["summary"]["provenance"]["assistant"];
    assert_eq!((&named["id"], &named["version"]), (&"shitsumon".into(), &1.into()));

    let form = [("input-question", "転出届は何日前から出せますか")];
    let page = post_form(&router, "/assistants/shitsumon", &form).await;
    check(&page, 200, &["14日前", "質問する（第1版）", "生成情報"]);
    let blank = post_form(&router, "/assistants/shitsumon", &[("input-question", " ")]).await;
    check(&blank, 400, &["入力してください。", "aria-invalid=\"true\""]);

    // Without a model there is nobody to write a draft.
    let draft = r#"{"inputs": {"text": "短い文章です。", "length": "200文字くらい"}}"#;
    let reply = post_json(&router, "/api/assistants/youyaku/run", draft).await;
    check(&reply, 503, &["no_model"]);
    let page =
        post_form(&router, "/assistants/kousei", &[("input-text", "会議わ明日です。")]).await;
    check(&page, 503, &["モデルを使えません", "会議わ明日です。"]);
}

#[tokio::test]
async fn wrong_inputs_are_told() {
    let web = WebEnv::new();
    let router = web.router(WebOptions::default());
    for (path, body, status, part) in [
        ("shitsumon", "{}", 400, "質問：入力してください。"),
        ("shitsumon", r#"{"inputs": {"other": "x"}}"#, 400, "inputs.other"),
        ("shitsumon", r#"{"inputs": {"question": 1}}"#, 400, "文字列"),
        ("shitsumon", r#"{"inputs": 1}"#, 400, "オブジェクト"),
        ("shitsumon", r#"{"question": "x"}"#, 400, "この項目はありません"),
        ("nothing", r#"{"inputs": {}}"#, 404, "assistant_not_found"),
        (
            "shitsumon",
            r#"{"inputs": {"question": "x"}, "datasets": ["gone"]}"#,
            404,
            "「gone」は登録されていません",
        ),
        ("gikai-touben", r#"{"inputs": {"question": "x", "answerer": "町長"}}"#, 400, "選択肢から"),
    ] {
        let reply = post_json(&router, &format!("/api/assistants/{path}/run"), body).await;
        check(&reply, status, &[part]);
    }
}

#[tokio::test]
async fn one_is_made_changed_and_put_back() {
    let web = WebEnv::new();
    let router = web.router(WebOptions::default());
    check(&get(&router, "/assistants/new").await, 200, &["業務アシスタントを作る"]);
    let preview =
        post_form(&router, "/assistants/new", &with(&NEW, &[("action", "preview")])).await;
    check(&preview, 200, &["モデルに送る内容", "文章を校閲してください。", "会議わ明日です。"]);
    assert!(!preview.text.contains("校閲<b>"), "a title became markup");
    let tried = post_form(&router, "/assistants/new", &with(&NEW, &[("action", "try")])).await;
    check(&tried, 200, &["モデルを使えません"]);
    let wrong = with(&NEW, &[("action", "save"), ("prompt", " "), ("check-max", "多い")]);
    let wrong = post_form(&router, "/assistants/new", &wrong).await;
    check(&wrong, 400, &["指示文がありません。", "文字数の上限は、数字で", "会議わ明日です。"]);

    let saved = post_form(&router, "/assistants/new", &with(&NEW, &[("action", "save")])).await;
    assert_eq!(
        (saved.status.as_u16(), saved.header("location")),
        (303, "/assistants/kouetsu?done=saved")
    );
    let page = get(&router, "/assistants/kouetsu?done=saved").await;
    check(
        &page,
        200,
        &["保存しました。", "この庁", "第1版", "100文字"].map(|part| match part {
            "100文字" => "校閲&#60;b&#62;",
            part => part,
        }),
    );
    let taken = post_form(&router, "/assistants/new", &with(&NEW, &[("action", "save")])).await;
    check(&taken, 400, &["既に使われています。"]);

    let open = get(&router, "/assistants/kouetsu/edit").await;
    let base = hidden(&open.text, "base").to_owned();
    let change =
        [("action", "save"), ("base", base.as_str()), ("source", "kouetsu"), ("title", "校閲2")];
    let changed = with(&NEW, &change);
    let saved = post_form(&router, "/assistants/kouetsu/edit", &changed).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    let late = post_form(&router, "/assistants/kouetsu/edit", &changed).await;
    check(&late, 400, &["ほかの人が変更しました"]);

    let versions = get(&router, "/assistants/kouetsu/versions").await;
    check(&versions, 200, &["第1版", "第2版", "使用中", "この版に戻す"]);
    let back = [("revision", "1"), ("base", hidden(&versions.text, "base"))];
    let back = post_form(&router, "/assistants/kouetsu/restore", &back).await;
    assert_eq!(back.status, 303, "{}", back.text);
    check(&get(&router, "/assistants/kouetsu").await, 200, &["校閲&#60;b&#62;", "第3版"]);
    let gone = post_form(&router, "/assistants/kouetsu/remove", &[("base", "3")]).await;
    assert_eq!(gone.header("location"), "/assistants?done=removed", "{}", gone.text);
    assert_eq!(get(&router, "/assistants/kouetsu").await.status, 404);
    check(
        &get(&router, "/assistants/kouetsu/versions").await,
        200,
        &["取り除いた", "この版に戻す"],
    );
}

#[tokio::test]
async fn the_starting_set_is_covered_but_never_changed() {
    let web = WebEnv::new();
    let router = web.router(WebOptions::default());
    let open = get(&router, "/assistants/mail/edit").await;
    assert_eq!(hidden(&open.text, "base"), "0");
    let fields = with(&NEW, &[("action", "save"), ("base", "0"), ("title", "庁のメール")]);
    let saved = post_form(&router, "/assistants/mail/edit", &fields).await;
    assert_eq!(saved.header("location"), "/assistants/mail?done=saved", "{}", saved.text);
    check(&get(&router, "/assistants/mail").await, 200, &["庁のメール", "この庁", "第2版"]);
    let versions = get(&router, "/assistants/mail/versions").await;
    check(&versions, 200, &["元の版（標準・更新パッケージ）に戻す"]);
    let base = hidden(&versions.text, "base");
    post_form(&router, "/assistants/mail/remove", &[("base", base)]).await;
    check(&get(&router, "/assistants/mail").await, 200, &["メール文案", "標準", "第1版"]);
}

#[tokio::test]
async fn one_goes_out_and_comes_in_after_a_look() {
    let (web, other) = (WebEnv::new(), WebEnv::new());
    let router = web.router(WebOptions::default());
    post_form(&router, "/assistants/new", &with(&NEW, &[("action", "save")])).await;
    let file = get(&router, "/assistants/kouetsu/export").await;
    assert_eq!(
        file.header("content-disposition"),
        "attachment; filename=\"kura-assistant-kouetsu.toml\""
    );
    let env = Env::new();
    let path = env.path("kouetsu.toml");
    std::fs::write(&path, &file.text).unwrap();
    assert!(env.succeed(&["assistant", "check", text(&path)]).contains("no mistakes"));
    let office = get(&router, "/assistants/export?which=office").await;
    assert_eq!(office.text.matches("[[assistant]]").count(), 1);

    let there = other.router(WebOptions::default());
    let look = [("content", file.text.as_str()), ("action", "look")];
    let page = post_form(&there, "/assistants/import", &look).await;
    check(&page, 200, &["追加します", "文章を校閲してください。", "校閲&#60;b&#62;"]);
    assert_eq!(get(&there, "/assistants/kouetsu").await.status, 404, "a look changes nothing");
    let seen = hidden(&page.text, "seen").to_owned();
    let take = |seen| [("content", file.text.as_str()), ("action", "import"), ("seen", seen)];
    check(
        &post_form(&there, "/assistants/import", &take("other")).await,
        409,
        &["もう一度確かめて"],
    );
    let taken = post_form(&there, "/assistants/import", &take(&seen)).await;
    assert_eq!(taken.header("location"), "/assistants?done=imported&count=1", "{}", taken.text);
    assert_eq!(get(&there, "/assistants/kouetsu/export").await.text, file.text);
    let again = post_form(&there, "/assistants/import", &look).await;
    check(&again, 200, &["何もしません"]);

    let broken = [("content", "title = \"x\"\nprompt = 1\nodd = 2\n"), ("name", "x")];
    let broken = post_form(&there, "/assistants/import", &broken).await;
    check(&broken, 400, &["2行目：", "3行目：oddという項目はありません", "何も変更していません"]);
    check(&post_form(&there, "/assistants/import", &[]).await, 400, &["貼り付けてください"]);
}

#[tokio::test]
async fn an_assistant_is_a_model_of_the_openai_api() {
    let web = WebEnv::new();
    let router = web.router(WebOptions::default());
    let models = get(&router, "/v1/models").await.json();
    let models = models["data"].as_array().unwrap();
    let ids: Vec<&str> = models.iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert!(ids.contains(&"kura/shitsumon") && ids.contains(&"kura/kousei"), "{ids:?}");
    assert!(!ids.contains(&"kura/bunsho"), "it asks for more than a message can fill in");
    let one = get(&router, "/v1/models/kura/shitsumon").await.json();
    assert_eq!(one["kura"]["assistant"]["title"], "質問する");
    assert_eq!(get(&router, "/v1/models/kura/nothing").await.status, 404);
    let ask = |model: &str, more: &str| {
        format!(
            r#"{{"model": "{model}"{more},
            "messages": [{{"role": "user", "content": "転出届は何日前から出せますか"}}]}}"#
        )
    };
    let path = "/v1/chat/completions";
    let reply = post_json(&router, path, &ask("kura/shitsumon", "")).await;
    check(&reply, 200, &["14日前"]);
    assert_eq!(
        reply.json()["kura"]["provenance"]["assistant"]["id"],
        "shitsumon",
        "{}",
        reply.text
    );
    for (model, more, status, part) in [
        ("kura/nothing", "", 404, "model_not_found"),
        ("kura/bunsho", "", 400, "several fields"),
        ("kura/kousei", "", 503, "no_model"),
        ("kura/shitsumon", r#", "kura": {"datasets": "all"}"#, 400, "without 'kura.datasets'"),
        ("kura/shitsumon", r#", "stop": "x""#, 400, "cannot be used"),
    ] {
        check(&post_json(&router, path, &ask(model, more)).await, status, &[part]);
    }
}

/// Whoever has an account uses them; 確認者 and 管理者 change them, under their names.
#[tokio::test]
async fn staff_use_them_and_reviewers_change_them() {
    const PASSWORD: &str = "asa-wa-rokuji-ni-inu-to-aruku";
    let web = WebEnv::new();
    let store = Store::open(web.service.installation().root()).await.unwrap();
    let options = WebOptions { store: Some(store.clone()), ..WebOptions::default() };
    let router = web.router(options);
    let mut cookies = Vec::new();
    for (login, role) in [("hanako", Role::Staff), ("jiro", Role::Reviewer)] {
        let account = NewAccount {
            login: login.to_owned(),
            name: "山田 次郎".to_owned(),
            section: "総務課".to_owned(),
            role,
            password: PASSWORD.to_owned(),
            must_change: false,
        };
        let person = store.add_account(account).await.unwrap();
        store.confirm_guide(&person.id).await.unwrap();
        let body = [("login", login), ("password", PASSWORD)];
        let reply = post_form(&router, "/login", &body).await;
        cookies.push(reply.header("set-cookie").split(';').next().unwrap().to_owned());
    }
    let ask = async |at: usize, method: &str, path: &str, body: &str| {
        let form = ("content-type", "application/x-www-form-urlencoded");
        send(&router, method, path, &[form, ("cookie", cookies[at].as_str())], body).await
    };
    let list = ask(0, "GET", "/assistants", "").await;
    check(&list, 200, &["議事録整理", "確認者と管理者です"]);
    assert!(!list.text.contains("/assistants/new"), "what is not allowed is not offered");
    check(&ask(0, "GET", "/assistants/mail?example=1", "").await, 200, &["総務課　佐藤"]);
    let body = "title=x&id=own&prompt=y&data=none&f1-label=z&action=save";
    for (method, path) in [
        ("GET", "/assistants/new"),
        ("GET", "/assistants/mail/edit"),
        ("GET", "/assistants/import"),
        ("POST", "/assistants/new"),
        ("POST", "/assistants/mail/edit"),
        ("POST", "/assistants/import"),
        ("POST", "/assistants/mail/restore"),
        ("POST", "/assistants/mail/remove"),
    ] {
        let refused = ask(0, method, path, body).await;
        assert_eq!(refused.status, 403, "{method} {path}: {}", refused.text);
    }
    let saved = ask(1, "POST", "/assistants/new", body).await;
    assert_eq!(saved.header("location"), "/assistants/own?done=saved", "{}", saved.text);
    check(&ask(1, "GET", "/assistants/own/versions", "").await, 200, &["総務課 山田 次郎"]);
}
