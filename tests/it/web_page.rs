//! The pages and the page's own JSON API.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use axum::body::Body;
use axum::http::Request;
use kura::answer::{AnswerRequest, Service};
use kura::web::WebOptions;
use tower::ServiceExt;

use crate::web_env::{Reply, WebEnv, get, post_json, send};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn check(reply: &Reply, status: u16, parts: &[&str]) {
    assert_eq!(reply.status, status, "{}", reply.text);
    for part in parts {
        assert!(reply.text.contains(part), "{part:?} is missing in {}", reply.text);
    }
}

#[tokio::test]
async fn the_page_offers_data_sets_and_sample_questions() {
    let web = WebEnv::new();
    let samples = vec!["転出届は何日前から出せますか".to_owned(), "<b>太字</b>".to_owned()];
    let router = web.router(WebOptions { sample_questions: samples, ..WebOptions::default() });
    let page = get(&router, "/").await;
    check(&page, 200, &["<html lang=\"ja\">", "試験町のデータ", "固有", "令和8年4月1日"]);
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(!page.text.contains("<b>"), "a sample question became markup");
    let from = page.text.find("<section class=\"desk-ask\"").unwrap();
    insta::assert_snapshot!("index", page.text[from..].split_once("</main>").unwrap().0);
    for path in ["/status", "/login", "/nowhere"] {
        let text = get(&router, path).await.text;
        assert!(!text.contains("http://") && !text.contains("https://"), "{path}");
    }
}

#[tokio::test]
async fn the_form_works_without_script() {
    let web = WebEnv::new();
    let router = web.router(WebOptions::default());
    let encoded = "question=%E8%BB%A2%E5%87%BA%E5%B1%8A%E3%81%AF%E4%BD%95%E6%97%A5%E5%89%8D\
                   %E3%81%8B%E3%82%89&datasets=town";
    let page = send(&router, "POST", "/ask", &[FORM], encoded).await;
    check(&page, 200, &["14日前", "href=\"#source-1\"", "id=\"source-1\"", "生成情報", "固有"]);
    check(&page, 200, &["tenshutsu.md", "試験町のデータ　版 1（基準日 令和8年4月1日）"]);
    check(&page, 200, &["使用なし（資料からの抜き出し）"]);
    let none = "question=%E9%87%8F%E5%AD%90%E9%87%8D%E5%8A%9B";
    let none = send(&router, "POST", "/ask", &[FORM], none).await;
    check(&none, 200, &["該当なし", "<dd>使用なし</dd>"]);
    let nothing = send(&router, "POST", "/ask", &[FORM], "question=+").await;
    check(&nothing, 400, &["質問を入力してください。"]);
    let unknown = send(&router, "POST", "/ask", &[FORM], "question=a&datasets=other").await;
    check(&unknown, 404, &["データセット「other」は登録されていません。"]);
    check(&send(&router, "POST", "/ask", &[], "question=a").await, 415, &["<html"]);
    let markup = "question=%3Cscript%3Ealert(1)%3C/script%3E%E7%B2%97%E5%A4%A7%E3%81%94%E3%81%BF";
    let page = send(&router, "POST", "/ask", &[FORM], markup).await;
    assert!(!page.text.contains("<script>alert") && !page.text.contains("<img"));
}

#[tokio::test]
async fn without_a_data_set_the_page_says_so_and_answers_nothing() {
    const SAID: &str = "データセットがまだ登録されていません。情報担当者に知らせてください。";
    let web = WebEnv::empty();
    let router = web.router(WebOptions::default());
    check(&get(&router, "/").await, 200, &[SAID]);
    check(&get(&router, "/status").await, 200, &[SAID]);
    assert_eq!(get(&router, "/api/status").await.json()["banner"], SAID);
    let asked = send(&router, "POST", "/ask", &[FORM], "question=a").await;
    check(&asked, 503, &[SAID]);
    assert!(!asked.text.contains("該当なし"));
    for (path, body) in
        [("/api/answer", r#"{"question": "a"}"#), ("/api/search", r#"{"query": "a"}"#)]
    {
        let refused = post_json(&router, path, body).await;
        check(&refused, 503, &[SAID, "no_datasets"]);
    }
    let chat = r#"{"model": "default", "kura": {"datasets": "all"},
        "messages": [{"role": "user", "content": "a"}]}"#;
    check(&post_json(&router, "/v1/chat/completions", chat).await, 503, &["no_datasets"]);
}

#[tokio::test]
async fn an_answer_is_a_stream_of_events() {
    let web = WebEnv::new();
    let router = web.router(WebOptions::default());
    let question = r#"{"question": "会議室の使用料はいくらですか", "datasets": ["town"]}"#;
    let reply = post_json(&router, "/api/answer", question).await;
    check(&reply, 200, &[]);
    assert_eq!(reply.header("content-type"), "text/event-stream");
    let events = reply.events();
    assert_eq!(events[0]["type"], "sources");
    assert_eq!(events[0]["sources"][0]["dataset"]["id"], "town");
    let excerpt = &events[0]["excerpt"][0];
    assert!(excerpt["text"].as_str().unwrap().contains("300円"), "{excerpt}");
    let numbered = events[0]["sources"].as_array().unwrap().iter();
    let quoted = numbered.filter(|source| source["number"] == excerpt["number"]);
    let paths: Vec<_> = quoted.map(|source| &source["passage"]["path"]).collect();
    assert_eq!(paths, ["kaigishitsu.md"], "the excerpt names its passage");
    let last = events.last().unwrap();
    assert_eq!(last["type"], "finished", "{last}");
    assert_eq!(last["summary"]["kind"], "excerpt");
    assert_eq!(last["summary"]["provenance"]["datasets"][0]["edition"], "1");
    let text: String = events.iter().filter_map(|event| event["text"].as_str()).collect();
    assert!(text.contains("300円") && text.contains(&format!("[{}]", excerpt["number"])), "{text}");

    let none = post_json(&router, "/api/answer", r#"{"question": "量子重力理論の実験"}"#).await;
    assert_eq!(none.events().last().unwrap()["summary"]["kind"], "not-found");
}

#[tokio::test]
async fn wrong_requests_of_the_page_are_told_in_japanese() {
    let web = WebEnv::new();
    let router = web.router(WebOptions::default());
    let long = format!(r#"{{"question": "{}"}}"#, "長".repeat(4001));
    let large = format!(r#"{{"question": "{}"}}"#, "a".repeat(1024 * 1024));
    let cases = [
        ("/api/answer", "", 400, "invalid_json"),
        ("/api/answer", "[]", 400, "invalid_body"),
        ("/api/answer", "{}", 400, "invalid_parameter"),
        ("/api/answer", r#"{"question": " "}"#, 400, "invalid_parameter"),
        ("/api/answer", r#"{"question": 1}"#, 400, "invalid_parameter"),
        ("/api/answer", r#"{"question": "a", "dataset": []}"#, 400, "invalid_parameter"),
        ("/api/answer", r#"{"question": "a", "max_tokens": 0}"#, 400, "invalid_parameter"),
        ("/api/answer", r#"{"question": "a", "datasets": []}"#, 400, "invalid_parameter"),
        ("/api/answer", r#"{"question": "a", "datasets": ["x"]}"#, 404, "dataset_not_found"),
        ("/api/answer", long.as_str(), 400, "invalid_parameter"),
        ("/api/answer", large.as_str(), 413, "request_too_large"),
        ("/api/search", r#"{"query": ""}"#, 400, "invalid_parameter"),
        ("/api/search", r#"{"query": "a", "limit": 101}"#, 400, "invalid_parameter"),
        ("/api/nowhere", "{}", 404, "not_found"),
        ("/api/datasets", "{}", 405, "method_not_allowed"),
    ];
    let mut told = String::new();
    for (path, body, status, code) in cases {
        let reply = post_json(&router, path, body).await;
        let shown: String = body.chars().take(50).collect();
        assert_eq!(reply.status, status, "{path} {shown}: {}", reply.text);
        assert_eq!(reply.json()["error"]["code"], code, "{path} {shown}");
        told.push_str(&format!("{path} {shown}\n  {}\n", reply.json()["error"]["message"]));
    }
    insta::assert_snapshot!("errors_of_the_page", told);
    let plain = send(&router, "POST", "/api/answer", &[("content-type", "text/plain")], "{}").await;
    assert_eq!(plain.status, 415);
}

#[tokio::test]
async fn searches_passages_and_lists_are_json() {
    let web = WebEnv::new();
    let router = web.router(WebOptions::default());
    let path = "/api/search?q=%E4%BC%9A%E8%AD%B0%E5%AE%A4&datasets=town&limit=1";
    let found = get(&router, path).await.json();
    let source = &found["sources"][0];
    assert_eq!(found["sources"].as_array().unwrap().len(), 1);
    assert_eq!(source["passage"]["path"], "kaigishitsu.md");
    assert_eq!(source["scope_label"], "固有");
    let posted = post_json(&router, "/api/search", r#"{"query": "会議室", "limit": 1}"#).await;
    assert_eq!(posted.json()["sources"][0]["passage"]["id"], source["passage"]["id"]);

    let id = source["passage"]["id"].as_str().unwrap().replace('#', "%23");
    let passage = get(&router, &format!("/api/passage?dataset=town&id={id}")).await.json();
    assert_eq!(passage["passage"]["text"], source["passage"]["text"]);
    let missing = get(&router, "/api/passage?dataset=town&id=x%231").await;
    assert_eq!(missing.json()["error"]["code"], "passage_not_found");
    assert_eq!(get(&router, "/api/passage?dataset=town").await.status, 400);
    assert_eq!(get(&router, "/api/passage?dataset=x&id=y").await.status, 404);

    let datasets = get(&router, "/api/datasets").await.json();
    assert_eq!(datasets["datasets"][0]["id"], "town");
    assert!(get(&router, "/api/models").await.json()["models"].is_array());
    let status = get(&router, "/api/status").await.json();
    assert_eq!(status["health"]["search"], true);
    assert!(status["banner"].as_str().unwrap().contains("抜き出し"), "{status}");
}

#[tokio::test]
async fn health_metrics_and_assets_are_served() {
    let web = WebEnv::new();
    let router = web.router(WebOptions::default());
    let health = get(&router, "/healthz").await;
    assert_eq!((health.status.as_u16(), &health.json()["search"]), (200, &true.into()));
    get(&router, "/api/search?q=%E4%BC%9A%E8%AD%B0%E5%AE%A4").await;
    let metrics = get(&router, "/metrics").await;
    check(&metrics, 200, &["kura_build_info{version=", "kura_search_seconds_count 1"]);
    check(&metrics, 200, &[r#"kura_http_requests_total{route="/healthz",status="200"} 1"#]);

    let page = get(&router, "/").await.text;
    let style = get(&router, "/assets/kura.css").await;
    check(&style, 200, &[":root"]);
    assert_eq!(style.header("content-type"), "text/css; charset=utf-8");
    let tag = style.header("etag");
    let again = send(&router, "GET", "/assets/kura.css", &[("if-none-match", tag)], "").await;
    assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""));
    for part in page.split("\"/assets/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert_eq!(get(&router, &format!("/assets/{name}")).await.status, 200, "{name}");
    }
    assert_eq!(get(&router, "/assets/..%2Fmod.rs").await.status, 404);
}

#[tokio::test]
async fn a_client_that_leaves_is_counted_and_its_answer_ends() {
    let web = WebEnv::new();
    let router = web.router(WebOptions::default());
    let request = Request::post("/api/answer")
        .header("content-type", "application/json")
        .body(Body::from(r#"{"question": "会議室の使用料はいくらですか"}"#))
        .unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let active = get(&router, "/metrics").await.text;
    assert!(active.contains("kura_http_requests_active 2"), "the stream and this one: {active}");
    drop(response);
    let metrics = get(&router, "/metrics").await.text;
    assert!(metrics.contains(r#"kura_answers_total{end="abandoned"} 1"#), "{metrics}");
    assert!(metrics.contains("kura_http_requests_active 1"), "{metrics}");
    while get(&router, "/healthz").await.json()["active_requests"] != 0 {
        tokio::task::yield_now().await;
    }
}

/// A request that was admitted and goes no further, as long as the value lives.
async fn occupy(service: &Service) -> Pin<Box<dyn Future<Output = ()> + '_>> {
    loop {
        let mut waiting: Pin<Box<dyn Future<Output = ()> + '_>> = Box::pin(async {
            let question = "会議室".to_owned();
            let _ = service.answer(AnswerRequest { question, ..AnswerRequest::default() }).await;
        });
        let polled = poll_fn(|context| Poll::Ready(waiting.as_mut().poll(context))).await;
        if polled.is_pending() {
            return waiting;
        }
        while service.health().active_requests > 0 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_full_queue_says_when_to_come_back() {
    let web = WebEnv::with(|config| {
        config.engine.slots = 1;
        config.engine.queue = 0;
    });
    let router = web.router(WebOptions::default());
    let occupied = occupy(&web.service).await;
    let chat = r#"{"model": "default", "kura": {"datasets": "all"},
        "messages": [{"role": "user", "content": "会議室"}]}"#;
    let replies = [
        post_json(&router, "/api/answer", r#"{"question": "会議室"}"#).await,
        post_json(&router, "/v1/chat/completions", chat).await,
        send(&router, "POST", "/ask", &[FORM], "question=a").await,
    ];
    for (reply, part) in replies.iter().zip(["queue_full", "rate_limit_error", "混み合って"]) {
        check(reply, 429, &[part]);
        assert!(reply.header("retry-after").parse::<u64>().is_ok(), "{}", reply.text);
    }
    check(&get(&router, "/metrics").await, 200, &["kura_queue_refusals_total 3"]);
    let search = post_json(&router, "/api/search", r#"{"query": "会議室"}"#).await;
    assert_eq!(search.status, 200, "search goes on");
    drop(occupied);
    let answer = post_json(&router, "/api/answer", r#"{"question": "会議室"}"#).await;
    assert_eq!(answer.status, 200, "there is room again");
}
