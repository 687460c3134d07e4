//! The day that a question is asked for: revisions, repealed laws, editions, through the command
//! line, the API and the page.

use axum::Router;
use kura::answer::Service;
use kura::config::Config;
use kura::web::{AppState, WebOptions, router};
use serde_json::{Value, json};

use crate::env::{Env, sample, text};
use crate::web_env::{get, post_json, send};

/// Of a law in three revisions in the sample: until 2025-03-31, from then on, from 2028-04-01.
const TERM: &str = "見守り協力員の任期は何年ですか";

/// Path of the first hit and the notes.
fn first(found: &Value) -> (String, Vec<String>) {
    let path = found["sources"][0]["passage"]["path"].as_str().unwrap_or_default().to_owned();
    let notes = found["notes"].as_array().unwrap().iter();
    (path, notes.map(|note| note.as_str().unwrap().to_owned()).collect())
}

fn paths(found: &Value) -> Vec<&str> {
    let sources = found["sources"].as_array().unwrap().iter();
    sources.map(|source| source["passage"]["path"].as_str().unwrap()).collect()
}

/// A data set of a law that is over, and of a manual that says nothing of its time.
fn repealed(env: &Env) {
    let dir = env.dataset(
        "repealed",
        "1",
        &[
            ("kiken.md", "# 旧危険物置場規則\n\n危険物置場の届出は、設置の七日前までに行う。\n"),
            ("kasa.md", "# 傘の貸出の手引\n\n傘の貸出は、庁舎の玄関で行う。\n"),
        ],
    );
    let manifest = dir.join("dataset.toml");
    let more = "[[document]]\npath = \"kiken.md\"\nauthority = \"ordinance\"\n\
                in_force_from = 2010-04-01\nin_force_until = 2024-03-31\nstatus = \"repealed\"\n\
                as_of = 2020-04-01\n";
    let old = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, format!("{old}{more}")).unwrap();
    env.succeed(&["dataset", "add", text(&dir)]);
}

fn serve(env: &Env) -> Router {
    let config = Config { data_dir: env.data_dir(), ..Config::default() };
    router(AppState::new(Service::open(&config).unwrap(), WebOptions::default()))
}

#[test]
fn the_revision_in_force_on_the_day_answers() {
    let env = Env::new();
    env.succeed(&["dataset", "add", text(&sample())]);
    let search = |arguments: &[&str]| env.json(&[&["search", "--json"], arguments].concat());
    // With a day far ahead of the sample's last revision, so that the clock decides nothing.
    for (day, expected, standing) in [
        ("2022-04-01", "law/mimamori-hou-r4.xml", "superseded"),
        ("令和7年3月31日", "law/mimamori-hou-r4.xml", "superseded"),
        ("R7.4.1", "law/mimamori-hou-r7.xml", ""),
        ("2028-03-31", "law/mimamori-hou-r7.xml", ""),
        ("2028-04-01", "law/mimamori-hou-r10.xml", ""),
    ] {
        let found = search(&[TERM, "--as-of", day]);
        let source = &found["sources"][0];
        assert_eq!(source["passage"]["path"], expected, "{day}");
        assert_eq!(source["time"]["standing"], "current", "{day}: {source}");
        if !standing.is_empty() {
            assert_eq!(source["time"]["standing_today"], standing, "{day}");
            assert_eq!(
                (&source["time"]["label"], &source["time"]["caution"]),
                (&json!("旧版"), &json!(true))
            );
        }
        let laws = paths(&found).iter().filter(|path| path.contains("mimamori")).count();
        let same = paths(&found).iter().filter(|path| **path == expected).count();
        assert_eq!(laws, same, "{day}: one revision, not two");
    }
    let noted = |day: &str, part: &str| {
        let (_, notes) = first(&search(&[TERM, "--as-of", day]));
        assert!(notes.iter().any(|note| note.contains(part)), "{day}: {notes:?}");
    };
    noted("R6.4.1", "令和6年4月1日時点の条文です（令和7年3月31日まで）。その後、改正されています");
    let cited = search(&["見守り協力員法第二条", "--as-of", "R6.4.1"]);
    assert_eq!(first(&cited).0, "law/mimamori-hou-r4.xml");
    assert_eq!(cited["unresolved"], json!([]));
    let before = search(&[TERM, "--as-of", "2022-03-31"]);
    assert!(!paths(&before).iter().any(|path| path.contains("mimamori")), "{before}");

    let asked = search(&["令和6年4月1日時点で、見守り協力員の任期は何年ですか"]);
    let (path, notes) = first(&asked);
    assert_eq!(path, "law/mimamori-hou-r4.xml");
    assert!(notes.contains(&"令和6年4月1日時点の内容として調べました。".to_owned()), "{notes:?}");
    assert_eq!(asked["selection"], json!({"as_of": "2024-04-01"}));
    // The question's own day counts before the chosen one, and that is said.
    let both = search(&["2024年4月1日現在の見守り協力員の任期は", "--as-of", "2026-04-01"]);
    let (path, notes) = first(&both);
    assert_eq!(path, "law/mimamori-hou-r4.xml");
    assert!(notes.iter().any(|note| note.contains("質問に書かれた時点")), "{notes:?}");
    let month = search(&["令和6年4月時点の見守り協力員の任期は"]);
    assert!(first(&month).1.iter().any(|note| note.contains("日を一つに決められない")), "{month}");
}

/// A revision of a law as e-Gov hands it out.
fn revision(attributes: &str, years: &str) -> String {
    format!(
        "<Law Era=\"Reiwa\" LawType=\"Act\" {attributes}><LawNum>令和二年法律第九百九号</LawNum>\
         <LawBody><LawTitle>灯台守法</LawTitle><MainProvision><Article Num=\"1\"><ArticleTitle>\
         第一条</ArticleTitle><Paragraph Num=\"1\"><ParagraphNum/><ParagraphSentence><Sentence>\
         灯台守の任期は、{years}とする。</Sentence></ParagraphSentence></Paragraph></Article>\
         </MainProvision></LawBody></Law>"
    )
}

/// Files of one law, told apart by attributes and by name; one whose day nobody has decided.
#[test]
fn what_is_to_come_is_named_and_left_out() {
    let env = Env::new();
    let now = revision("EnforcementDate=\"2020/04/01\" Status=\"CurrentEnforced\"", "二年");
    let later = revision("ScheduledEnforcementDate=\"2099/04/01\" Status=\"UnEnforced\"", "三年");
    let never = revision("ScheduledEnforcementDate=\"2999/12/31\" Status=\"UnEnforced\"", "四年");
    let name = "502AC0000000909_20990401_521AC0000000001.xml";
    let files = [("a.xml", now.as_str()), (name, later.as_str()), ("c.xml", never.as_str())];
    let dir = env.dataset("laws", "1", &files);
    env.succeed(&["dataset", "add", text(&dir)]);
    let search = |arguments: &[&str]| {
        env.json(&[&["search", "灯台守の任期は何年ですか", "--json"], arguments].concat())
    };
    let today = search(&[]);
    assert_eq!(paths(&today), ["a.xml"]);
    let note =
        "「灯台守法」には、このほか、未施行の改正があります（施行日：令和81年4月1日、未定）。";
    assert_eq!(first(&today).1, [note]);
    assert_eq!(today["sources"][0]["time"]["label"], "現行");
    assert_eq!(today["sources"][0]["time"]["words"], "施行日 令和2年4月1日、令和81年3月31日まで");
    let future = search(&["--as-of", "2099-04-01"]);
    assert_eq!(paths(&future), [name]);
    let (_, notes) = first(&future);
    assert!(
        notes.iter().any(|note| note.contains("令和81年4月1日から施行される条文")),
        "{notes:?}"
    );
    assert_eq!(future["sources"][0]["time"]["label"], "未施行");
    let printed = env.succeed(&["search", "灯台守の任期は何年ですか", "--as-of", "2099-04-01"]);
    assert!(printed.contains("未施行 施行日 令和81年4月1日"), "{printed}");
}

/// A rule that is over is named where it fits better than what is left.
#[test]
fn a_repealed_rule_is_named_beside_what_is_found() {
    let env = Env::new();
    let documents = [
        ("kiken.md", "# 旧危険物置場規則\n\n危険物置場の設置の届出は、設置の七日前までに行う。\n"),
        (
            "shobo.md",
            "# 消防の手引\n\n危険物の届出は、設置の場所を受け持つ消防署の窓口で受け付ける。\n",
        ),
    ];
    let dir = env.dataset("repealed", "1", &documents);
    let manifest = dir.join("dataset.toml");
    let old = std::fs::read_to_string(&manifest).unwrap();
    let more = "[[document]]\npath = \"kiken.md\"\nin_force_until = 2024-03-31\n\
                status = \"repealed\"\n";
    std::fs::write(&manifest, format!("{old}{more}")).unwrap();
    env.succeed(&["dataset", "add", text(&dir)]);
    let search = |question: &str| env.json(&["search", question, "--json"]);
    let over = search("危険物の設置の届出");
    assert_eq!(paths(&over), ["shobo.md"]);
    let note =
        "「旧危険物置場規則」に近い記載がありますが、令和6年3月31日限りで効力がなくなっています";
    assert!(first(&over).1[0].starts_with(note), "{over}");
    let other = search("消防署の窓口");
    assert_eq!((paths(&other), first(&other).1), (vec!["shobo.md"], Vec::new()));
}

#[test]
fn authority_scope_and_period_choose_and_wrong_values_are_named() {
    let env = Env::new();
    env.succeed(&["dataset", "add", text(&sample())]);
    let search = |arguments: &[&str]| env.json(&[&["search", "--json"], arguments].concat());
    let laws = search(&["地域公文書の保存期間", "--authority", "law"]);
    assert!(!paths(&laws).is_empty());
    assert!(paths(&laws).iter().all(|path| path.starts_with("law/")), "{laws}");
    let local = search(&["保存期間", "--scope", "local", "--limit", "50"]);
    assert!(!paths(&local).is_empty());
    let scopes = local["sources"].as_array().unwrap().iter();
    assert!(scopes.into_iter().all(|source| source["passage"]["scope"] == "local"));
    let period = ["--from", "2024-01-01", "--until", "令和6年12月31日", "--limit", "50"];
    let dated = search(&[&["手数料"], &period[..]].concat());
    let days = dated["sources"].as_array().unwrap().iter();
    let days: Vec<_> = days.map(|source| source["passage"]["as_of"].as_str().unwrap()).collect();
    assert!(!days.is_empty() && days.iter().all(|day| day.starts_with("2024")), "{days:?}");

    for (arguments, parts) in [
        (&["search", "a", "--as-of", "去年"], ["as_of", "no day"]),
        (&["search", "a", "--scope", "town"], ["scopes", "common, local"]),
        (&["search", "a", "--authority", "gesetz"], ["authorities", "cabinet-order"]),
        (&["search", "a", "--edition", "town"], ["editions", "ID=EDITION"]),
        (&["search", "a", "--edition", "town=1"], ["town", "not installed"]),
        (&["search", "a", "--edition", "kurasaki-sample=1"], ["editions", "2026.04"]),
    ] {
        let message = env.fail(arguments, 1);
        assert!(parts.iter().all(|part| message.contains(part)), "{arguments:?}: {message}");
    }
}

#[test]
fn the_edition_before_can_be_asked() {
    let env = Env::new();
    let old = env.dataset("old", "r7", &[("fee.txt", "駐輪場の使用料は、一日百円とする。\n")]);
    env.succeed(&["dataset", "add", text(&old)]);
    let new = env.dataset("new", "r8", &[("fee.txt", "駐輪場の使用料は、一日百五十円とする。\n")]);
    env.succeed(&["dataset", "add", text(&new)]);
    let fee = |arguments: &[&str]| {
        let found = env.json(&[&["search", "駐輪場の使用料", "--json"], arguments].concat());
        let source = &found["sources"][0];
        let text = source["passage"]["text"].as_str().unwrap().to_owned();
        (
            text,
            source["dataset"]["edition"].as_str().unwrap().to_owned(),
            found["selection"].clone(),
        )
    };
    let (text, edition, _) = fee(&[]);
    assert!(text.contains("百五十円") && edition == "r8", "{text} {edition}");
    let (text, edition, selection) = fee(&["--edition", "town=r7"]);
    assert!(text.contains("一日百円") && edition == "r7", "{text} {edition}");
    assert_eq!(selection["editions"], json!({"town": "r7"}));
    let (_, edition, _) = fee(&["--edition", "town=r8"]);
    assert_eq!(edition, "r8", "the current one by its name");
    let message = env.fail(&["search", "駐輪場", "--edition", "town=r6"], 1);
    assert!(message.contains("installed are r8, r7"), "{message}");
}

#[tokio::test]
async fn the_api_tells_what_it_looked_in() {
    let env = Env::new();
    repealed(&env);
    let router = serve(&env);
    let ask = async |body: Value| post_json(&router, "/api/answer", &body.to_string()).await;
    let question = "危険物置場の届出はいつまでですか";

    let today = ask(json!({"question": question})).await.events();
    let summary = &today.last().unwrap()["summary"];
    assert_eq!(summary["kind"], "not-found");
    let notes = summary["notes"].to_string();
    assert!(notes.contains("令和6年3月31日限りで効力がなくなっています"), "{notes}");
    assert!(summary["selection"]["as_of"].is_string(), "{summary}");

    let past = ask(json!({"question": question, "as_of": "令和6年3月31日", "datasets": ["town"]}));
    let past = past.await.events();
    let mut sources = past[0]["sources"].as_array().unwrap().iter();
    let source = sources.find(|source| source["passage"]["path"] == "kiken.md").unwrap();
    assert_eq!(source["time"]["standing"], "current");
    assert_eq!(source["time"]["standing_today"], "repealed");
    assert_eq!(source["time"]["words"], "施行日 平成22年4月1日、令和6年3月31日限りで廃止");
    let summary = &past.last().unwrap()["summary"];
    assert_eq!(summary["kind"], "excerpt");
    assert_eq!(summary["selection"], json!({"datasets": ["town"], "as_of": "2024-03-31"}));
    let notes = summary["notes"].to_string();
    assert!(notes.contains("令和6年3月31日時点の内容として調べました"), "{notes}");
    assert!(notes.contains("その後、廃止されています"), "{notes}");

    let chat = json!({
        "model": "default",
        "kura": {"datasets": "all", "as_of": "R6.3.31", "scopes": ["local"]},
        "messages": [{"role": "user", "content": question}],
    });
    let reply = post_json(&router, "/v1/chat/completions", &chat.to_string()).await;
    let told = &reply.json()["kura"];
    assert_eq!(told["selection"], json!({"as_of": "2024-03-31", "scopes": ["local"]}));
    assert_eq!(told["citations"].as_array().map(Vec::is_empty), Some(false), "{told}");

    let silent = ask(json!({"question": "傘の貸出はどこで行いますか", "as_of": "2024-03-31"}));
    let notes = silent.await.events().last().unwrap()["summary"]["notes"].to_string();
    assert!(notes.contains("施行日の情報がない資料"), "{notes}");

    for (field, value) in [
        ("as_of", json!("来月")),
        ("as_of", json!(20240401)),
        ("scopes", json!(["town"])),
        ("authorities", json!("law")),
        ("editions", json!({"town": "9"})),
        ("editions", json!(["town"])),
        ("period", json!({"from": "2025-04-01", "until": "2024-04-01"})),
        ("period", json!({"since": "2025-04-01"})),
    ] {
        let reply = ask(json!({"question": question, field: value})).await;
        assert_eq!(reply.status, 400, "{field} {value}: {}", reply.text);
    }
    let query = "/api/search?q=%E5%8D%B1%E9%99%BA%E7%89%A9&as_of=2024-03-31&scopes=local";
    let found = get(&router, query).await.json();
    assert_eq!(paths(&found), ["kiken.md"]);
    let datasets = get(&router, "/api/datasets").await.json();
    assert_eq!(datasets["datasets"][0]["older"], json!([]));
}

#[tokio::test]
async fn the_page_without_script_marks_what_is_over() {
    let env = Env::new();
    repealed(&env);
    let router = serve(&env);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let ask = async |more: &str| {
        let question =
            "question=%E5%8D%B1%E9%99%BA%E7%89%A9%E7%BD%AE%E5%A0%B4%E3%81%AE%E5%B1%8A%E5%87%BA";
        send(&router, "POST", "/ask", &form, &format!("{question}{more}")).await.text
    };
    let past = ask("&as_of=2024-03-31").await;
    for part in [
        "<span class=\"badge badge-time\">廃止</span>",
        "施行日 平成22年4月1日、令和6年3月31日限りで廃止",
        "令和6年3月31日時点の内容として調べました。",
    ] {
        assert!(past.contains(part), "{part}: {past}");
    }
    let today = ask("").await;
    assert!(today.contains("効力がなくなっています"), "{today}");
    assert!(!today.contains("badge-time"), "{today}");
    let wrong = ask("&as_of=%E6%9D%A5%E6%9C%88").await;
    assert!(wrong.contains("「来月」は日付ではありません"), "{wrong}");
}

#[tokio::test]
async fn stale_data_is_told_at_the_top_of_the_page() {
    let env = Env::new();
    let dir = env.dataset("town", "1", &[("fee.txt", "駐輪場の使用料は、一日百円とする。\n")]);
    let manifest = dir.join("dataset.toml");
    let fresh = std::fs::read_to_string(&manifest).unwrap();
    let old = fresh.replace("2026-04-01", "2010-04-01").replace("36500", "365");
    std::fs::write(&manifest, old).unwrap();
    env.succeed(&["dataset", "add", text(&dir)]);
    let router = serve(&env);
    let page = get(&router, "/").await.text;
    assert!(page.contains("基準日から時間が経ったデータセットがあります"), "{page}");
    assert!(page.contains("「試験町のデータ」（基準日 平成22年4月1日）"), "{page}");
    let found = get(&router, "/api/search?q=%E9%A7%90%E8%BC%AA%E5%A0%B4").await.json();
    assert_eq!(found["sources"][0]["time"]["stale"], true, "{found}");
}
