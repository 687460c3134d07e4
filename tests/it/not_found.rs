//! 該当なし as staff meet it: what was searched, what to do next, how often the box errs, and the
//! nearest passages apart from the answer.

use kura::web::WebOptions;
use serde_json::{Value, json};

use crate::env::{Env, sample, text};
use crate::web_env::{WebEnv, get, post_json, send};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A near miss: the box has the insurance and its benefits, and no rate of the tax.
const NEAR: &str = "国民健康保険税の税率は何パーセントですか";

fn sample_env() -> Env {
    let env = Env::new();
    env.succeed(&["dataset", "add", text(&sample())]);
    env
}

/// The `finished` event of an answer, and its first event.
async fn answer(web: &WebEnv, question: &str) -> (Value, Value) {
    let router = web.router(WebOptions::default());
    let body = json!({ "question": question }).to_string();
    let mut events = post_json(&router, "/api/answer", &body).await.events();
    let last = events.pop().unwrap();
    (events.swap_remove(0), last)
}

#[tokio::test]
async fn a_near_miss_is_offered_apart_from_the_answer() {
    let web = WebEnv::over(sample_env(), |_| {});
    let (first, last) = answer(&web, NEAR).await;
    assert_eq!(first["sources"], json!([]), "nothing may look like a source");
    let summary = &last["summary"];
    assert_eq!((&summary["kind"], &summary["cited"]), (&json!("not-found"), &json!([])));
    let none = &summary["not_found"];
    assert_eq!(none["by"], "search");
    assert_eq!(none["searched"][0]["id"], "kurasaki-sample");
    assert!(none["measured"].as_str().unwrap().contains("答えがあるのに該当なしとする割合"));
    let nearest = none["nearest"].as_array().unwrap();
    assert!(!nearest.is_empty() && nearest.len() <= 3, "{nearest:?}");
    assert!(nearest[0]["passage"]["text"].as_str().unwrap().len() > 10);

    let router = web.router(WebOptions::default());
    let page = send(&router, "POST", "/ask", &[FORM], &format!("question={NEAR}")).await.text;
    let (before, details) = page.split_once("<details class=\"none-nearest\">").unwrap();
    assert!(details.starts_with('\n') && details.contains("質問への答えではない可能性があります"));
    for part in ["次にできること", "調べたデータセット：", "この機器での測定：", "担当課に確かめて"]
    {
        assert!(before.contains(part), "{part} is missing in {before}");
    }
    let quoted = nearest[0]["passage"]["text"].as_str().unwrap().lines().next().unwrap();
    assert!(!before.contains(quoted), "a near miss stands in the answer");
}

#[tokio::test]
async fn chit_chat_gets_no_passages_at_all() {
    let web = WebEnv::over(sample_env(), |_| {});
    for question in ["こんにちは", "何ができるの？"] {
        let (_, last) = answer(&web, question).await;
        let none = &last["summary"]["not_found"];
        assert_eq!((&none["by"], &none["nearest"]), (&json!("search"), &json!([])), "{question}");
    }
}

#[tokio::test]
async fn data_sets_that_were_not_chosen_are_named() {
    let env = sample_env();
    let other = env.dataset("other", "1", &[("a.txt", "転出届は14日前から受け付ける。")]);
    env.succeed(&["dataset", "add", text(&other)]);
    let web = WebEnv::over(env, |_| {});
    let router = web.router(WebOptions::default());
    let body = json!({ "question": "量子重力理論の実験", "datasets": ["town"] }).to_string();
    let last = post_json(&router, "/api/answer", &body).await.events().pop().unwrap();
    let none = &last["summary"]["not_found"];
    assert_eq!(none["others"], json!(["蔵崎市 業務文書（見本）"]));
    assert_eq!(none["measured"], "", "the other set's rates say nothing of this one");
}

#[tokio::test]
async fn what_the_box_measured_is_shown() {
    let env = sample_env();
    let golden = &env.json(&["dataset", "list", "--json"])[0]["measured"];
    assert_eq!((&golden["questions"], &golden["refused"]["of"]), (&json!("golden"), &json!(13)));
    let few = env.path("few.toml");
    let questions = "[[question]]\nask = '指定袋（中）の価格はいくらですか'\n\
                     source = 'ordinance/haikibutsu-kisoku.txt'\n\
                     [[question]]\nask = '量子重力理論の実験'\nnone = true\nsplit = 'b'\n";
    std::fs::write(&few, questions).unwrap();
    let arguments = ["eval", "retrieval", "--labelled", text(&few)];
    let told = env.succeed(&arguments);
    assert!(told.contains("0.0% (0 of 1;") && told.contains("95% interval"), "{told}");
    let kept = &env.json(&["dataset", "list", "--json"])[0]["measured"];
    assert_eq!((&kept["questions"], &kept["answered"]["of"]), (&json!("labelled"), &json!(1)));
    let web = WebEnv::over(env, |_| {});
    let status = get(&web.router(WebOptions::default()), "/status").await.text;
    assert!(
        status.contains("答えがないのに文書を示す割合 0.0%（1問中0問。質問が少ないため、"),
        "{status}"
    );
}

#[test]
fn a_labelled_file_that_cannot_be_asked_is_named() {
    let env = Env::new();
    let file = env.path("bad.toml");
    std::fs::write(&file, "[[question]]\nask = '転入届'\n").unwrap();
    let asked = ["eval", "retrieval", "--labelled", text(&file)];
    let why = env.fail(&asked, 1);
    assert!(why.contains("bad.toml") && why.contains("question 1"), "{why}");
    std::fs::write(&file, "[[question]]\nask = '転入届'\nnone = true\n").unwrap();
    assert!(env.fail(&asked, 1).contains("kura dataset add"));
    let gone = ["eval", "retrieval", "--labelled", "/nowhere.toml"];
    assert!(env.fail(&gone, 1).contains("/nowhere.toml"));
    env.fail(&["eval", "retrieval"], 2);
}
