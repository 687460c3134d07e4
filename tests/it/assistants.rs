//! 業務アシスタント by the command line, and the whole starting set on the real way with the
//! self-test model.

use std::fs;
use std::sync::Arc;

use kura::answer::assistant::{Filled, built_in};
use kura::answer::{AnswerEvent, AnswerKind, AnswerRequest, AnswerSummary, FinishReason, Service};
use kura::config::Config;

use crate::env::{Env, sample, text};

/// What came out of one run.
struct Run {
    text: String,
    summary: AnswerSummary,
    parts: usize,
}

async fn run(service: &Service, filled: Filled, max_tokens: usize) -> Result<Run, String> {
    let request = AnswerRequest {
        assistant: Some(Arc::new(filled)),
        max_tokens: Some(max_tokens),
        ..AnswerRequest::default()
    };
    let mut events = service.answer(request).await.map_err(|why| why.to_string())?;
    let (mut text, mut most) = (String::new(), 0);
    while let Some(event) = events.recv().await {
        match event {
            AnswerEvent::Text { text: more } => text.push_str(&more),
            AnswerEvent::Progress { parts, .. } => most = most.max(parts),
            AnswerEvent::Failed { message } => return Err(message),
            AnswerEvent::Finished { summary } => {
                return Ok(Run { text, summary: *summary, parts: most });
            }
            AnswerEvent::Sources { .. } | AnswerEvent::Queued { .. } => {}
        }
    }
    Err("the stream ended".to_owned())
}

/// A service over the sample data and the self-test model.
fn service(env: &Env) -> Service {
    env.succeed(&["dataset", "add", text(&sample())]);
    let model = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("models/kura-mini/kura-mini-q8_0.gguf");
    env.succeed(&["model", "add", text(&model), "--id", "kura-mini"]);
    let config = Config { data_dir: env.data_dir(), ..Config::default() };
    Service::open(&config).unwrap()
}

#[tokio::test]
async fn every_example_of_the_starting_set_runs_to_its_end() {
    let env = Env::new();
    let service = service(&env);
    for assistant in built_in() {
        for at in 0..assistant.examples.len() {
            let id = &assistant.id;
            let example = Filled::example(assistant.clone(), at).unwrap();
            let value = |field: &str| Some(example.value(field));
            let filled = Filled::new(assistant.clone(), value).unwrap_or_else(|gaps| {
                panic!("{id}: the example fills in too little: {gaps:?}");
            });
            let run = run(&service, filled, 24).await.unwrap_or_else(|why| panic!("{id}: {why}"));
            let summary = &run.summary;
            let named = summary.provenance.assistant.as_ref().unwrap();
            assert_eq!((&named.id, named.version), (id, assistant.version));
            assert!(summary.provenance.model.as_ref().is_none_or(|model| model.self_test));
            let checks = &assistant.checks;
            match (assistant.uses_data(), summary.kind) {
                (true, AnswerKind::Generated) | (false, AnswerKind::Plain) => {
                    assert!(!run.text.is_empty(), "{id}");
                    assert!(!summary.checks.is_empty(), "{id}: {checks:?}");
                }
                (true, AnswerKind::NotFound) => assert!(summary.checks.is_empty(), "{id}"),
                (_, kind) => panic!("{id}: {kind:?}"),
            }
            let drafted = summary.notes.iter().any(|note| note.contains("資料を使わない下書き"));
            assert_eq!(drafted, !assistant.uses_data(), "{id}: {:?}", summary.notes);
        }
    }
}

#[tokio::test]
async fn a_long_input_is_worked_on_in_parts_and_said_to_be() {
    let env = Env::new();
    let service = service(&env);
    let line = "田中　次の会議は6月20日に開き、窓口の待ち時間を話し合うことにします。\n";
    for (id, lines, said) in
        [("gijiroku", 60, "要点を書き出し"), ("yasashii", 20, "順につなぎました")]
    {
        let assistant = built_in().iter().find(|each| each.id == id).unwrap();
        let long = line.repeat(lines);
        let value = |field: &str| match field {
            "text" => Some(long.as_str()),
            "meeting" => Some("窓口の会議"),
            _ => None,
        };
        let filled = Filled::new(assistant.clone(), value).unwrap();
        let run = run(&service, filled, 60).await.unwrap();
        assert!(run.parts > 1, "{id}: {} parts", run.parts);
        assert_eq!(run.summary.kind, AnswerKind::Plain);
        assert_ne!(run.summary.finish, FinishReason::Cancelled);
        let notes = run.summary.notes.join("\n");
        assert!(notes.contains(said), "{id}: {notes}");
        assert!(!run.text.is_empty());
    }
    // Where it cannot be split, it is refused as a whole, in plain words.
    let assistant = built_in().iter().find(|each| each.id == "bunsho").unwrap();
    let long = line.repeat(60);
    let value = |field: &str| match field {
        "points" => Some(long.as_str()),
        "type" => Some("通知"),
        _ => Some("会議"),
    };
    let refused = run(&service, Filled::new(assistant.clone(), value).unwrap(), 60).await;
    let message = refused.err().unwrap();
    assert!(
        message.contains("入力が長すぎます") && message.contains("何も処理していません"),
        "{message}"
    );
}

#[test]
fn the_command_line_lists_shows_checks_and_exchanges() {
    let env = Env::new();
    let listed = env.json(&["assistant", "list", "--json"]);
    let ids: Vec<&str> = listed["assistants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| each["id"].as_str().unwrap())
        .collect();
    for id in ["shitsumon", "hourei", "bunsho", "aisatsu", "mail", "youyaku", "gijiroku"] {
        assert!(ids.contains(&id), "{id}: {ids:?}");
    }
    let shown = env.succeed(&["--lang", "ja", "assistant", "show", "hourei"]);
    assert!(shown.contains("そのまま引いて") && shown.contains("[1]のように"), "{shown}");
    assert!(env.fail(&["assistant", "show", "nothing"], 1).contains("no assistant"));

    let file = env.path("set.toml");
    env.succeed(&["assistant", "export", "--out", text(&file)]);
    assert!(env.succeed(&["assistant", "check", text(&file)]).contains("no mistakes"));
    let planned = env.succeed(&["assistant", "import", text(&file), "--dry-run"]);
    assert_eq!(planned.matches("is there already").count(), ids.len(), "{planned}");

    // Another municipality changes one, and sends it.
    let one = env.path("mail.toml");
    env.succeed(&["assistant", "export", "mail", "--out", text(&one)]);
    let changed = fs::read_to_string(&one).unwrap().replace("メール文案", "庁外メール");
    fs::write(&one, &changed).unwrap();
    let other = Env::new();
    let dry = other.succeed(&["assistant", "import", text(&one), "--dry-run"]);
    assert!(dry.contains("in place of the one of the starting set"), "{dry}");
    assert!(!other.data_dir().exists(), "a dry run makes nothing");
    let done = other.succeed(&["assistant", "import", text(&one), "--author", "佐藤"]);
    assert!(done.contains("1 imported"), "{done}");
    let again = other.succeed(&["assistant", "import", text(&one)]);
    assert!(again.contains("is there already") && again.contains("0 imported"), "{again}");
    let back = other.succeed(&["assistant", "export", "mail"]);
    assert_eq!(back, changed.replace("version = 1", "version = 2"));

    fs::write(&one, "title = \"x\"\nprompt = \"y\"\nform = \"z\"\nwrong = 1\n").unwrap();
    let wrong = env.fail(&["assistant", "check", text(&one), text(&file)], 1);
    for part in ["mail.toml", "line 3: `form`", "line 4: unknown key `wrong`"] {
        assert!(wrong.contains(part), "{part}: {wrong}");
    }
    assert!(env.fail(&["assistant", "import", text(&one)], 1).contains("line 3"));
}

#[tokio::test]
async fn assistants_of_an_update_cover_the_starting_set() {
    use kura::answer::assistant::{Cabinet, Origin};
    use kura::sync::Installation;

    let env = Env::new();
    let dir = env.data_dir().join("assistants/ken/r8/assistants");
    fs::create_dir_all(&dir).unwrap();
    let text = "title = \"県のメール\"\nprompt = \"書く\"\nlater = \"a newer key\"\n";
    fs::write(dir.join("mail.toml"), text).unwrap();
    fs::write(dir.join("damaged.toml"), "title = ").unwrap();
    let state = r#"{"format": 2, "assistants": {"ken": {"current": "r8"}}}"#;
    fs::write(env.data_dir().join("state.json"), state).unwrap();
    let cabinet = Cabinet::new(&Installation::new(&env.data_dir()));
    let entry = cabinet.get("mail").await.unwrap();
    assert_eq!(entry.assistant.title, "県のメール");
    assert_eq!(entry.origin, Origin::Bundle { collection: "ken".to_owned() });
    let problems = cabinet.list().await.problems;
    assert!(problems.len() == 1 && problems[0].contains("damaged.toml"), "{problems:?}");
}
