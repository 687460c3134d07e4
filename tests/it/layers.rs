//! The two layers of an answer, the choice of data and the comparison, over HTTP.

use axum::Router;
use kura::web::WebOptions;
use serde_json::{Value, json};

use crate::web_env::{WebEnv, get, post_json, send};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const FEE: &str = "住民票の写しの交付手数料はいくらですか";

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

async fn ask(router: &Router, body: Value) -> Vec<Value> {
    let reply = post_json(router, "/api/answer", &body.to_string()).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.events()
}

fn summary(events: &[Value]) -> &Value {
    &events.last().unwrap()["summary"]
}

#[tokio::test]
async fn layers_are_kept_apart_and_their_difference_is_said() {
    let web = WebEnv::layered();
    let router = web.router(WebOptions::default());
    let events = ask(&router, json!({"question": FEE})).await;
    let sources = events[0]["sources"].as_array().unwrap();
    let scopes: Vec<&str> =
        sources.iter().map(|source| source["passage"]["scope"].as_str().unwrap()).collect();
    assert_eq!(scopes[0], "common", "{scopes:?}");
    assert!(scopes.is_sorted(), "the common layer comes first: {scopes:?}");
    let layers = &summary(&events)["layers"];
    let labels: Vec<&str> = layers["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["label"].as_str().unwrap())
        .collect();
    assert_eq!(labels, ["国の共通ルール", "本市の取扱い"], "{layers}");
    let difference = &layers["differences"][0];
    let said = |side: usize| {
        let side = &difference["sides"][side];
        let mark = &side["marks"][0];
        let at = |end: &str| usize::try_from(mark[end].as_u64().unwrap()).unwrap();
        side["text"].as_str().unwrap()[at("start")..at("end")].to_owned()
    };
    assert_eq!([said(0), said(1)], ["300円", "250円"], "{difference}");
    let notes = summary(&events)["notes"].to_string();
    assert!(notes.contains("違いがある可能性があります"), "{notes}");

    let page = format!("question={}", encoded(FEE));
    let page = send(&router, "POST", "/ask", &[FORM], &page).await;
    for part in [
        "<h3 class=\"difference-title\">国の共通ルールと本市の取扱いに違いがある可能性があります</h3>",
        "<mark>300円</mark>",
        "<mark>250円</mark>",
        "<h4 class=\"layer-title\">国の共通ルール</h4>",
        "<h3 class=\"layer-title\">本市の取扱い</h3>",
    ] {
        assert!(page.text.contains(part), "{part} is missing in {}", page.text);
    }
    assert!(!page.text.contains("id=\"source-1\" id="), "{}", page.text);
}

#[tokio::test]
async fn agreement_is_no_difference_and_one_layer_is_said() {
    let web = WebEnv::layered();
    let router = web.router(WebOptions::default());
    let agreed =
        ask(&router, json!({"question": "転入届は転入した日から何日以内に出しますか"})).await;
    assert_eq!(summary(&agreed)["layers"]["differences"], json!([]), "十四日 is 14日");
    let local = ask(&router, json!({"question": "敬老乗車証は何歳から交付されますか"})).await;
    let notes = summary(&local)["notes"].to_string();
    assert!(notes.contains("本市独自の取扱いのみに基づく回答です。"), "{notes}");
    let only_local = ask(&router, json!({"question": FEE, "scopes": ["local"]})).await;
    let sources = only_local[0]["sources"].as_array().unwrap();
    assert!(sources.iter().all(|source| source["passage"]["scope"] == "local"), "{sources:?}");
    assert_eq!(summary(&only_local)["selection"]["scopes"], json!(["local"]));
    let none = ask(&router, json!({"question": "量子重力理論の実験"})).await;
    assert_eq!(summary(&none)["layers"], json!({"groups": [], "differences": []}));
}

#[tokio::test]
async fn the_choice_is_a_form_without_script() {
    let web = WebEnv::layered();
    let router = web.router(WebOptions::default());
    let page = get(&router, "/").await.text;
    for field in ["as_of", "from", "until", "scopes", "authorities", "datasets"] {
        assert!(page.contains(&format!("name=\"{field}\"")), "{field}");
    }
    assert!(page.contains("<span id=\"choice-summary\">すべて・今日時点</span>"), "{page}");
    let body = format!("question={}&as_of=2026-04-01&scopes=common&from=&until=", encoded(FEE));
    let page = send(&router, "POST", "/ask", &[FORM], &body).await.text;
    assert!(page.contains("国の共通ルール・令和8年4月1日時点"), "{page}");
    assert!(page.contains("value=\"2026-04-01\"") && page.contains("300円"), "{page}");
    assert!(!page.contains("250円"), "what was not chosen is not shown");
    let wrong = format!("question={}&as_of=kyou", encoded(FEE));
    let wrong = send(&router, "POST", "/ask", &[FORM], &wrong).await;
    assert_eq!(wrong.status, 400, "{}", wrong.text);
}

#[tokio::test]
async fn two_choices_are_compared_as_they_stream() {
    let web = WebEnv::layered();
    let router = web.router(WebOptions::default());
    let body = json!({
        "question": FEE, "left": {"scopes": ["common"]}, "right": {"scopes": ["local"]},
    });
    let reply = post_json(&router, "/api/compare", &body.to_string()).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let events = reply.events();
    for (side, amount) in [("left", "300円"), ("right", "250円")] {
        let own: Vec<&Value> = events.iter().filter(|event| event["side"] == side).collect();
        assert_eq!(own[0]["event"]["type"], "sources");
        assert_eq!(own.last().unwrap()["event"]["type"], "finished");
        let text: String = own.iter().filter_map(|event| event["event"]["text"].as_str()).collect();
        assert!(text.contains(amount), "{side}: {text}");
    }
    let last = events.last().unwrap();
    assert_eq!(last["type"], "finished");
    let changed = |stretches: &Value| -> String {
        let all = stretches.as_array().unwrap().iter();
        all.filter(|stretch| stretch["changed"] == true)
            .map(|stretch| stretch["text"].as_str().unwrap())
            .collect()
    };
    let comparison = &last["comparison"];
    assert_eq!(comparison["same_answer"], false);
    let pair = &comparison["pairs"][0]["sides"];
    assert!(changed(&pair[0]["text"]).contains("300"), "{pair}");
    assert!(changed(&pair[1]["text"]).contains("250"), "{pair}");
    assert!(!changed(&pair[1]["text"]).contains("住民票"), "what both say is not marked: {pair}");

    for (body, status) in [
        (json!({"question": FEE}), 400),
        (json!({"question": " ", "left": {}, "right": {"scopes": ["local"]}}), 400),
        (json!({"question": FEE, "left": {"scope": ["common"]}}), 400),
        (json!({"question": FEE, "left": {"datasets": ["x"]}, "right": {}}), 404),
    ] {
        let refused = post_json(&router, "/api/compare", &body.to_string()).await;
        assert_eq!(refused.status, status, "{body}: {}", refused.text);
        assert!(refused.json()["error"]["message"].is_string());
    }
}

#[tokio::test]
async fn the_comparison_is_a_form_without_script() {
    let web = WebEnv::layered();
    let router = web.router(WebOptions::default());
    let page = get(&router, "/compare").await;
    assert_eq!(page.status, 200);
    let ticked = |page: &str, name: &str, value: &str| {
        let field = format!("name=\"{name}\" value=\"{value}\" form=\"compare\" checked");
        page.contains(&field)
    };
    assert!(ticked(&page.text, "left.scopes", "common"), "{}", page.text);
    assert!(ticked(&page.text, "right.scopes", "local"), "{}", page.text);
    let preset = format!("question={}&preset=dates&left.scopes=common", encoded(FEE));
    let preset = send(&router, "POST", "/compare", &[FORM], &preset).await;
    assert!(preset.text.contains(FEE) && !ticked(&preset.text, "left.scopes", "common"));
    let body =
        format!("question={}&left.scopes=common&right.scopes=local&left.as_of=", encoded(FEE));
    let both = send(&router, "POST", "/compare", &[FORM], &body).await;
    assert_eq!(both.status, 200, "{}", both.text);
    for part in
        ["削除：", "追加：", "条件A：国の共通ルール・今日時点", "条件Bの出典", "根拠になる文の比較"]
    {
        assert!(both.text.contains(part), "{part} is missing in {}", both.text);
    }
    let same = format!("question={}", encoded(FEE));
    let same = send(&router, "POST", "/compare", &[FORM], &same).await;
    assert_eq!(same.status, 400);
    assert!(same.text.contains("条件Aと条件Bが同じです。"), "{}", same.text);
}
