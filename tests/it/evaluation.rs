//! `kura eval model` with the bundled model: every question is asked, and the result stays with it.

use std::path::Path;

use serde_json::Value;

use crate::env::Env;

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/kura-mini/kura-mini-q8_0.gguf");

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn the_result_stands_beside_the_name() {
    let env = Env::new();
    let nothing = env.fail(&["eval", "model"], 1);
    assert!(nothing.contains("there is no model"), "{nothing}");
    assert!(Path::new(MODEL).is_file());
    env.succeed(&["model", "add", MODEL]);
    let unknown = env.fail(&["eval", "model", "--id", "other"], 1);
    assert!(unknown.contains("other"), "{unknown}");

    let part = json(&env.succeed(&["eval", "model", "--limit", "5", "--json"]));
    assert_eq!((&part["kept"], &part["evaluation"]["questions"]), (&false.into(), &5.into()));
    let listed = json(&env.succeed(&["model", "list", "--json"]));
    assert_eq!(listed[0]["evaluation"], Value::Null);

    let answers = env.path("answers.jsonl");
    let arguments = ["eval", "model", "--json", "--answers", answers.to_str().unwrap()];
    let whole = json(&env.succeed(&arguments));
    let evaluation = &whole["evaluation"];
    assert_eq!(whole["kept"], true);
    let asked = evaluation["questions"].as_u64().unwrap();
    let count = |name: &str| evaluation[name]["of"].as_u64().unwrap();
    assert!(count("choices") >= 60, "{evaluation}");
    assert_eq!(count("cited") + count("none_recall"), asked);
    assert!(evaluation["decode_tokens_per_s"].as_f64().unwrap() > 0.0);
    let lines = std::fs::read_to_string(&answers).unwrap();
    let right = |line: &&str| json(line)["verdict"]["cited"] == true;
    let cited = lines.lines().filter(right).count() as u64;
    assert_eq!(lines.lines().count() as u64, asked);
    assert_eq!(evaluation["cited"]["right"].as_u64(), Some(cited));

    let listed = json(&env.succeed(&["model", "list", "--json"]));
    assert_eq!(&listed[0]["evaluation"], evaluation);
    assert!(env.succeed(&["model", "list"]).contains('%'));
}
