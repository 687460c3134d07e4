//! The OpenAI API: its errors in its form, and answers from data sets through the extension.

use kura::web::WebOptions;
use serde_json::{Value, json};

use crate::web_env::{WebEnv, get, post_json, send};

const CHATS: &str = "/v1/chat/completions";

/// A chat with these fields besides the two that every chat has.
fn chat(more: &Value) -> String {
    let mut chat = json!({"model": "default", "messages": [{"role": "user", "content": "会議室"}]});
    for (key, value) in more.as_object().unwrap() {
        chat[key] = value.clone();
    }
    chat.to_string()
}

/// Path, body, status and the parameter that is named.
fn wrong_requests() -> Vec<(&'static str, String, u16, &'static str)> {
    let large = chat(&json!({"user": "x".repeat(3000)}));
    vec![
        (CHATS, "{\"model\": \"default\",\n \"messages\": [}".to_owned(), 400, ""),
        (CHATS, "[]".to_owned(), 400, ""),
        (CHATS, "{}".to_owned(), 400, "messages"),
        (CHATS, json!({"messages": []}).to_string(), 400, "messages"),
        (CHATS, chat(&json!({"messages": [1]})), 400, "messages[0]"),
        (
            CHATS,
            chat(&json!({"messages": [{"role": "x", "content": ""}]})),
            400,
            "messages[0].role",
        ),
        (CHATS, chat(&json!({"messages": [{"role": "user"}]})), 400, "messages[0].content"),
        (CHATS, chat(&json!({"model": null})), 400, "model"),
        (CHATS, chat(&json!({"temperature": 2.1})), 400, "temperature"),
        (CHATS, chat(&json!({"temperature": "hot"})), 400, "temperature"),
        (CHATS, chat(&json!({"temperature": -0.1})), 400, "temperature"),
        (CHATS, chat(&json!({"top_p": -0.1})), 400, "top_p"),
        (CHATS, chat(&json!({"top_p": 0})), 400, "top_p"),
        (CHATS, chat(&json!({"top_p": 1e-300})), 400, "top_p"),
        (CHATS, chat(&json!({"top_p": 1.1})), 400, "top_p"),
        (CHATS, chat(&json!({"min_p": -0.1})), 400, "min_p"),
        (CHATS, chat(&json!({"min_p": 1.1})), 400, "min_p"),
        (CHATS, chat(&json!({"repetition_penalty": 0})), 400, "repetition_penalty"),
        (CHATS, chat(&json!({"max_tokens": 0})), 400, "max_tokens"),
        (CHATS, chat(&json!({"max_tokens": 1.5})), 400, "max_tokens"),
        (CHATS, chat(&json!({"max_completion_tokens": -1})), 400, "max_completion_tokens"),
        (CHATS, chat(&json!({"seed": 1.5})), 400, "seed"),
        (CHATS, chat(&json!({"stop": [""]})), 400, "stop"),
        (CHATS, chat(&json!({"stop": 5})), 400, "stop"),
        (CHATS, chat(&json!({"n": 2})), 400, "n"),
        (CHATS, chat(&json!({"presence_penalty": 0.5})), 400, "presence_penalty"),
        (CHATS, chat(&json!({"logprobs": true})), 400, "logprobs"),
        (CHATS, chat(&json!({"tools": [{"type": "function"}]})), 400, "tools"),
        (CHATS, chat(&json!({"response_format": {"type": "json_object"}})), 400, "response_format"),
        (CHATS, chat(&json!({"stream": "yes"})), 400, "stream"),
        (CHATS, chat(&json!({"stream_options": {"include_usage": true}})), 400, "stream_options"),
        (CHATS, chat(&json!({"best_of": 1})), 400, "best_of"),
        (CHATS, chat(&json!({"frobnicate": 1})), 400, "frobnicate"),
        (CHATS, chat(&json!({"kura": {}})), 400, "kura.datasets"),
        (CHATS, chat(&json!({"kura": {"datasets": "some"}})), 400, "kura.datasets"),
        (CHATS, chat(&json!({"kura": {"datasets": []}})), 400, "kura.datasets"),
        (CHATS, chat(&json!({"kura": {"datasets": ["none"]}})), 404, "kura.datasets"),
        (CHATS, chat(&json!({"kura": {"datasets": "all"}, "stop": "x"})), 400, "stop"),
        (CHATS, chat(&json!({"model": "gpt-9"})), 404, "model"),
        (CHATS, chat(&json!({})), 503, ""),
        (CHATS, large, 413, ""),
        ("/v1/completions", json!({"model": "default"}).to_string(), 400, "prompt"),
        (
            "/v1/completions",
            json!({"model": "default", "prompt": [1, 2]}).to_string(),
            400,
            "prompt",
        ),
        ("/v1/completions", json!({"model": "default", "prompt": ""}).to_string(), 400, "prompt"),
        ("/v1/completions", json!({"model": "default", "prompt": [""]}).to_string(), 400, "prompt"),
        ("/v1/completions", json!({"model": "default", "prompt": "a"}).to_string(), 503, ""),
        ("/v1/embeddings", json!({"model": "default", "input": "a"}).to_string(), 501, ""),
        ("/v1/images/generations", "{}".to_owned(), 404, ""),
        ("/v1/models", "{}".to_owned(), 405, ""),
    ]
}

#[tokio::test]
async fn errors_have_openais_form() {
    let web = WebEnv::new();
    let router = web.router(WebOptions { body_bytes_max: 2000, ..WebOptions::default() });
    let mut told = String::new();
    for (path, body, status, param) in wrong_requests() {
        let reply = post_json(&router, path, &body).await;
        let shown: String = body.chars().take(160).collect();
        assert_eq!(reply.status, status, "{path} {shown}: {}", reply.text);
        let error = &reply.json()["error"];
        assert_eq!(error["param"].as_str().unwrap_or(""), param, "{path} {shown}: {error}");
        let kind = error["type"].as_str().unwrap();
        // Why there is no model is the service's to say.
        let message = error["message"].to_string();
        let message = if status == 503 { "(why)" } else { &message };
        told.push_str(&format!("{status} {kind} {}: {message}\n", error["code"]));
    }
    insta::assert_snapshot!("errors_of_openai", told);
    assert_eq!(get(&router, "/v1/models").await.json()["object"], "list");
    assert_eq!(get(&router, "/v1/models/gpt-9").await.json()["error"]["code"], "model_not_found");
    assert_eq!(get(&router, "/v1/models/%ff").await.json()["error"]["code"], "not_found");
}

#[tokio::test]
async fn a_body_is_json_whatever_its_type_says() {
    let web = WebEnv::new();
    let router = web.router(WebOptions::default());
    let right = chat(&json!({"kura": {"datasets": "all"}}));
    for media_type in ["application/x-www-form-urlencoded", "text/plain", ""] {
        let headers = [("content-type", media_type), ("host", "kura.town")];
        let broken = send(&router, "POST", CHATS, &headers, "{bad").await;
        assert_eq!(broken.status, 400, "{media_type}");
        assert_eq!(broken.json()["error"]["code"], "invalid_json", "{media_type}");
        assert_eq!(send(&router, "POST", CHATS, &headers, &right).await.status, 200);
        for foreign in [("origin", "http://evil.example"), ("sec-fetch-site", "cross-site")] {
            let headers = [headers[0], headers[1], foreign];
            let refused = send(&router, "POST", CHATS, &headers, &right).await;
            assert_eq!(refused.status, 403, "{media_type} {foreign:?}");
        }
    }
}

#[tokio::test]
async fn data_sets_answer_through_the_extension() {
    let web = WebEnv::new();
    let router = web.router(WebOptions::default());
    let turns = json!([
        {"role": "system", "content": "短く"},
        {"role": "user", "content": [{"type": "text", "text": "会議室の使用料はいくらですか"}]},
    ]);
    let request = json!({"messages": turns, "kura": {"datasets": ["town"]}, "temperature": 0});
    let whole = post_json(&router, "/v1/chat/completions", &chat(&request)).await;
    assert_eq!(whole.status, 200, "{}", whole.text);
    let whole = whole.json();
    let content = whole["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(content.contains("300円"), "{whole}");
    assert_eq!(whole["object"], "chat.completion");
    assert_eq!(whole["choices"][0]["finish_reason"], "stop");
    assert_eq!(whole["kura"]["kind"], "excerpt");
    assert_eq!(whole["kura"]["citations"][0]["passage"]["path"], "kaigishitsu.md");
    let notes = whole["kura"]["notes"].to_string();
    assert!(notes.contains("最後の質問だけ"), "{notes}");

    let mut request = request;
    request["stream"] = json!(true);
    request["stream_options"] = json!({"include_usage": true});
    let reply = post_json(&router, "/v1/chat/completions", &chat(&request)).await;
    assert_eq!(reply.header("content-type"), "text/event-stream");
    let events = reply.events();
    let [.., ending, usage, done] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(events[0]["choices"][0]["delta"]["role"], "assistant");
    let found = &events[1]["kura"];
    assert_eq!(found["citations"], ending["kura"]["citations"], "said before any text");
    assert!(found["excerpt"][0]["text"].as_str().unwrap().contains("300円"), "{found}");
    let deltas = events.iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str());
    assert_eq!(deltas.collect::<String>(), content, "streamed and whole are the same");
    assert_eq!(ending["choices"][0]["finish_reason"], "stop");
    assert_eq!(ending["kura"]["provenance"]["datasets"][0]["id"], "town");
    assert_eq!(ending["usage"], Value::Null);
    assert!(usage["usage"]["total_tokens"].is_u64() && usage["choices"] == json!([]));
    assert_eq!(*done, "[DONE]");
}
