//! Conversations over HTTP and by the self-test model: kept, gone on with, and nobody else's.

use std::path::Path;

use axum::body::Body;
use axum::http::Request;
use kura::answer::{AnswerEvent, AnswerRequest, AnswerSummary, Earlier, Service, Source};
use kura::config::Config;
use kura::document::Role;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::env::{Env, sample, text};
use crate::office::Office;
use crate::web_env::{Reply, get, post_json, send};

const QUESTION: &str = "転出届は何日前から受け付けますか";

fn summary(reply: &Reply) -> Value {
    let last = reply.events().pop().unwrap();
    assert_eq!(last["type"], "finished", "{last}");
    last["summary"].clone()
}

#[tokio::test]
async fn an_answer_is_kept_and_a_question_goes_on_from_it() {
    let office = Office::new(false).await;
    let hanako = office.person("hanako", Role::Staff).await;
    let (first, id) = office.ask(&hanako, &json!({"question": QUESTION})).await;
    assert_eq!(first.status, 200);
    assert_eq!(first.events()[0]["type"], "sources", "clients of before read the same events");
    let page = office.get(&format!("/conversations/{id}"), &hanako).await;
    for part in [QUESTION, "14日前", "tenshutsu.md", "試験町のデータ", "生成情報", "続けて質問する"]
    {
        assert!(page.text.contains(part), "{part} is missing in {}", page.text);
    }
    let desk = office.get(&format!("/?conversation={id}"), &hanako).await;
    assert!(desk.text.contains(&format!("value=\"{id}\"")), "{}", desk.text);

    let more = json!({"question": "それは代理人でもよいですか", "conversation": id});
    let (second, same) = office.ask(&hanako, &more).await;
    assert_eq!(same, id);
    let notes = summary(&second)["notes"].to_string();
    assert!(notes.contains(QUESTION) && notes.contains("続きとして"), "{notes}");
    let sources = second.events()[0]["sources"].to_string();
    assert!(sources.contains("tenshutsu.md"), "{sources}");
    assert_eq!(office.list(&hanako).await[0]["turns"], 2);

    let alone = json!({"question": "会議室の使用料はいくらですか", "conversation": id});
    let (third, _) = office.ask(&hanako, &alone).await;
    assert!(!summary(&third)["notes"].to_string().contains("続きとして"), "a new subject");
}

#[tokio::test]
async fn nobody_reads_the_conversations_of_others() {
    let office = Office::new(false).await;
    let hanako = office.person("hanako", Role::Staff).await;
    let boss = office.person("boss", Role::Admin).await;
    let (_, id) = office.ask(&hanako, &json!({"question": QUESTION})).await;
    assert_eq!(office.list(&hanako).await.len(), 1);
    assert!(office.list(&boss).await.is_empty());
    for path in [format!("/conversations/{id}"), format!("/?conversation={id}")] {
        assert_eq!(office.get(&path, &boss).await.status, 404, "{path}");
        assert_eq!(office.get(&path, &hanako).await.status, 200, "{path}");
    }
    for what in ["rename", "delete"] {
        let path = format!("/conversations/{id}/{what}");
        assert_eq!(office.post(&path, &boss, "title=x").await.status, 404, "{what}");
    }
    let asked = json!({"question": "その期限は？", "conversation": id});
    assert_eq!(office.ask(&boss, &asked).await.0.status, 404);
    let form = format!("question=a&conversation={id}");
    assert_eq!(office.post("/ask", &boss, &form).await.status, 404);
    office.post("/conversations/delete", &boss, "").await;
    let export = office.get("/conversations/export", &boss).await.text;
    assert!(export.contains("会話：0件") && !export.contains(QUESTION), "{export}");
    for path in ["/conversations", "/people", "/status"] {
        assert!(!office.get(path, &boss).await.text.contains(QUESTION), "{path}");
    }
    assert_eq!(office.list(&hanako).await[0]["title"], QUESTION, "nothing changed");
    let nobody = send(&office.router, "GET", &format!("/conversations/{id}"), &[], "").await;
    assert_eq!(nobody.header("location"), "/login");
}

#[tokio::test]
async fn forms_do_all_of_it_without_script() {
    let office = Office::new(false).await;
    let hanako = office.person("hanako", Role::Staff).await;
    let encoded = "question=%E8%BB%A2%E5%87%BA%E5%B1%8A%E3%81%AF%E4%BD%95%E6%97%A5%E5%89%8D\
                   %E3%81%8B%E3%82%89&datasets=town&conversation=";
    let page = office.post("/ask", &hanako, encoded).await;
    let id = office.list(&hanako).await[0]["id"].as_str().unwrap().to_owned();
    assert!(page.text.contains(&format!("name=\"conversation\" value=\"{id}\"")), "{}", page.text);
    let again = office.post("/ask", &hanako, &format!("{encoded}{id}")).await;
    assert_eq!(again.status, 200);
    assert_eq!(office.list(&hanako).await[0]["turns"], 2, "it went on");

    let path = format!("/conversations/{id}/rename");
    let renamed = office.post(&path, &hanako, "title=%3Cb%3E%E7%AA%93%E5%8F%A3").await;
    assert_eq!(renamed.header("location"), format!("/conversations/{id}"));
    let found = office.get("/conversations?q=%E7%AA%93%E5%8F%A3", &hanako).await;
    assert!(found.text.contains(&id) && !found.text.contains("<b>"), "{}", found.text);
    let none = office.get("/conversations?q=%E7%84%A1%E3%81%84", &hanako).await;
    assert!(none.text.contains("見つかりませんでした"), "{}", none.text);

    let export = office.get("/conversations/export", &hanako).await;
    assert!(export.header("content-disposition").starts_with("attachment"));
    for part in ["山田 花子", "【質問】", "【回答】", "【出典】", "14日前", "【生成情報】"]
    {
        assert!(export.text.contains(part), "{part} is missing in {}", export.text);
    }
    let wrong = office.post("/conversations/keep", &hanako, "days=5").await;
    assert_eq!(wrong.status, 400);
    office.post("/conversations/keep", &hanako, "days=30").await;
    let page = office.get("/conversations", &hanako).await;
    assert!(page.text.contains("30日たつと"), "{}", page.text);

    let gone = office.post(&format!("/conversations/{id}/delete"), &hanako, "").await;
    assert_eq!(gone.header("location"), "/conversations?done=deleted");
    assert_eq!(office.get(&format!("/conversations/{id}"), &hanako).await.status, 404);
    office.post("/ask", &hanako, encoded).await;
    office.post("/conversations/delete", &hanako, "").await;
    assert!(office.list(&hanako).await.is_empty());
}

#[tokio::test]
async fn what_is_deleted_is_in_no_file_of_the_store() {
    let office = Office::new(false).await;
    let hanako = office.person("hanako", Role::Staff).await;
    let root = office.web.service.installation().root().to_owned();
    let holds = |words: &str| {
        std::fs::read_dir(&root).unwrap().any(|entry| {
            let path = entry.unwrap().path();
            let ours = path.to_str().unwrap().contains(kura::store::FILE);
            ours && contains(&std::fs::read(path).unwrap(), words)
        })
    };
    let (_, id) = office.ask(&hanako, &json!({"question": QUESTION})).await;
    // A title that is nowhere else: the record of the answer stays, so that it can be verified.
    let title = "title=zzz-only-here-zzz";
    office.post(&format!("/conversations/{id}/rename"), &hanako, title).await;
    assert!(holds("zzz-only-here-zzz"), "the test looks where it is kept");
    office.post(&format!("/conversations/{id}/delete"), &hanako, "").await;
    assert!(!holds("zzz-only-here-zzz"));
}

fn contains(bytes: &[u8], words: &str) -> bool {
    bytes.windows(words.len()).any(|part| part == words.as_bytes())
}

#[tokio::test]
async fn what_was_masked_stays_masked_and_what_is_refused_is_not_kept() {
    let office = Office::new(false).await;
    let hanako = office.person("hanako", Role::Staff).await;
    let masked = json!({"question": "転出届の件で090-1234-5678に電話する手順は"});
    let (_, id) = office.ask(&hanako, &masked).await;
    let page = office.get(&format!("/conversations/{id}"), &hanako).await.text;
    assert!(page.contains("〔伏せた電話番号1〕") && !page.contains("090-1234"), "{page}");
    let refused = json!({"question": "個人番号：123456789018の手続きは"});
    let (reply, _) = office.ask(&hanako, &refused).await;
    assert_ne!(reply.status, 200, "{}", reply.text);
    let unknown = json!({"question": "質問", "datasets": ["nowhere"]});
    assert_eq!(office.ask(&hanako, &unknown).await.0.status, 404);
    assert_eq!(office.list(&hanako).await.len(), 1, "what was not answered is not kept");
}

#[tokio::test]
async fn the_choice_of_data_is_remembered_for_each_person() {
    let office = Office::new(false).await;
    let hanako = office.person("hanako", Role::Staff).await;
    let taro = office.person("taro", Role::Staff).await;
    let asked = json!({"question": QUESTION, "scopes": ["local"], "as_of": "2026-05-01"});
    office.ask(&hanako, &asked).await;
    let day = "name=\"as_of\" value=\"2026-05-01\"";
    let desk = office.get("/", &hanako).await.text;
    assert!(desk.contains(day) && desk.contains("本市の取扱い"), "{desk}");
    assert!(!office.get("/", &taro).await.text.contains(day));
    office.ask(&hanako, &json!({"question": QUESTION})).await;
    assert!(!office.get("/", &hanako).await.text.contains(day), "the last question counts");
}

#[tokio::test]
async fn a_reader_who_leaves_finds_what_was_asked() {
    let office = Office::new(false).await;
    let hanako = office.person("hanako", Role::Staff).await;
    let request = Request::post("/api/answer")
        .header("content-type", "application/json")
        .header("cookie", &hanako)
        .body(Body::from(json!({"question": QUESTION}).to_string()))
        .unwrap();
    let response = office.router.clone().oneshot(request).await.unwrap();
    let id = response.headers()["kura-conversation"].to_str().unwrap().to_owned();
    drop(response);
    while office.list(&hanako).await.is_empty() {
        tokio::task::yield_now().await;
    }
    let page = office.get(&format!("/conversations/{id}"), &hanako).await.text;
    assert!(page.contains("途中で停止") && page.contains(QUESTION), "{page}");
}

#[tokio::test]
async fn a_demo_keeps_them_and_a_box_without_accounts_does_not() {
    let demo = Office::new(true).await;
    let (_, id) = demo.ask("", &json!({"question": QUESTION})).await;
    assert!(!id.is_empty());
    demo.store.confirm_guide(kura::store::TRIAL).await.unwrap();
    let page = demo.get("/conversations", "").await.text;
    assert!(page.contains(QUESTION) && page.contains("試用中"), "{page}");

    let open = Office::new(false).await;
    let (reply, id) = open.ask("", &json!({"question": QUESTION})).await;
    assert_eq!((reply.status.as_u16(), id.as_str()), (200, ""));
    assert_eq!(open.get("/conversations", "").await.status, 404);
    assert!(!get(&open.router, "/").await.text.contains("あなたの会話"));
    let named = json!({"question": QUESTION, "conversation": "x"}).to_string();
    assert_eq!(post_json(&open.router, "/api/answer", &named).await.status, 404);
}

/// One answer of the self-test model.
async fn answered(service: &Service, request: AnswerRequest) -> (Vec<Source>, AnswerSummary) {
    let mut events = service.answer(request).await.unwrap();
    let mut found = Vec::new();
    while let Some(event) = events.recv().await {
        match event {
            AnswerEvent::Sources { sources, .. } => found = sources,
            AnswerEvent::Finished { summary } => return (found, *summary),
            AnswerEvent::Failed { message } => panic!("{message}"),
            AnswerEvent::Queued { .. }
            | AnswerEvent::Progress { .. }
            | AnswerEvent::Text { .. } => {}
        }
    }
    panic!("the stream ended");
}

#[tokio::test]
async fn a_follow_up_is_answered_from_what_it_refers_to() {
    let env = Env::new();
    env.succeed(&["dataset", "add", text(&sample())]);
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/kura-mini/kura-mini-q8_0.gguf");
    env.succeed(&["model", "add", text(&model), "--id", "kura-mini"]);
    let config = Config { data_dir: env.data_dir(), ..Config::default() };
    let service = Service::open(&config).unwrap();
    service.model_settled().await;
    let asked = |question: &str, earlier: Vec<Earlier>| AnswerRequest {
        question: question.to_owned(),
        earlier,
        max_tokens: Some(48),
        ..AnswerRequest::default()
    };
    let best = |sources: &[Source]| {
        let best = sources.iter().find(|source| source.rank == 1);
        best.map(|source| source.passage.path.clone())
    };
    let question = "国民健康保険の葬祭費はいくらですか";
    let (first, _) = answered(&service, asked(question, Vec::new())).await;
    let subject = best(&first).expect("the sample data has it");
    let answer = "葬祭費は、5万円です[1]。".to_owned();
    let earlier = vec![Earlier { question: question.to_owned(), answer }];
    let (alone, _) = answered(&service, asked("その届出に必要なものは？", Vec::new())).await;
    let (followed, summary) = answered(&service, asked("その届出に必要なものは？", earlier)).await;
    assert_eq!(best(&followed), Some(subject.clone()));
    assert_ne!(best(&alone), Some(subject), "the question alone does not lead there");
    let said = format!("前の質問「{question}」の続きとして調べました。");
    assert!(summary.notes.contains(&said), "{:?}", summary.notes);
    assert!(summary.provenance.model.is_some(), "{:?}", summary.notes);
}
