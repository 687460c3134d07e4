//! The command line: help in two languages, completions, wrong settings, doctor.

use crate::env::{Env, text};

#[test]
fn help_speaks_both_languages() {
    let env = Env::new();
    assert!(env.succeed(&["--help"]).contains("Answer a question here"));
    assert!(env.succeed(&["--lang", "ja", "--help"]).contains("出典を付けて"));
    let ja = env.command(&["dataset", "add", "--help"]).env("LANG", "ja_JP.UTF-8").output();
    assert!(String::from_utf8(ja.unwrap().stdout).unwrap().contains("フォルダー"));
}

#[test]
fn completions_for_every_shell() {
    let env = Env::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(env.succeed(&["completions", shell]).contains("dataset"), "{shell}");
    }
}

#[test]
fn wrong_settings_are_named_with_their_lines() {
    let env = Env::new();
    let path = env.path("kura.toml");
    std::fs::write(&path, "log = \"info\"\nlisten = \"here\"\n[engine]\nthread = 2\n").unwrap();
    let message = env.fail(&["dataset", "list", "--config", text(&path)], 2);
    assert!(message.contains("kura.toml:2"), "{message}");
    assert!(message.contains("kura.toml:4"), "{message}");
    assert!(message.contains("engine.threads"), "{message}");
    let message = env.fail(&["serve", "--listen", "0.0.0.0:8480"], 2);
    assert!(message.contains("access_key"), "{message}");
}

#[test]
fn doctor_names_what_is_wrong() {
    let env = Env::new();
    assert!(env.run(&["doctor"]).status.code() == Some(1));
    let dir = env.dataset("r8", "r8", &[("a.txt", "手数料は三百円とする。\n")]);
    env.succeed(&["dataset", "add", text(&dir)]);
    let findings = env.json(&["doctor", "--json"]);
    let of = |check: &str| {
        let list = findings.as_array().unwrap();
        list.iter().find(|finding| finding["check"] == check).unwrap()["verdict"].clone()
    };
    assert_eq!(of("data folder"), "good");
    assert_eq!(of("data set"), "good");
    assert_eq!(of("model"), "warning");

    let index = env.data_dir().join("datasets/town/r8/index");
    std::fs::remove_dir_all(index).unwrap();
    let message = String::from_utf8(env.run(&["doctor"]).stdout).unwrap();
    assert!(message.contains("dataset add"), "{message}");
}

#[test]
fn a_file_that_is_no_model_is_refused() {
    let env = Env::new();
    let path = env.path("x.gguf");
    std::fs::write(&path, b"GGUF but not really").unwrap();
    let message = env.fail(&["model", "add", text(&path)], 1);
    assert!(message.contains("x.gguf"), "{message}");
    assert!(env.fail(&["model", "use", "x"], 1).contains('x'));
}

/// The self-test model of the repository.
fn model() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("models/kura-mini/kura-mini-q8_0.gguf")
}

#[test]
fn one_file_may_have_two_names() {
    let env = Env::new();
    for id in ["a", "b"] {
        env.succeed(&["model", "add", text(&model()), "--id", id]);
    }
    let list = env.json(&["model", "list", "--json"]);
    assert_eq!((&list[0]["id"], &list[1]["id"]), (&"a".into(), &"b".into()));
    assert_eq!(list[0]["self_test"], true, "known by its content, whatever its name");
    env.succeed(&["model", "remove", "a"]);
    assert!(env.succeed(&["model", "verify"]).contains("b: OK"));

    let other = env.path("b.gguf");
    kura::llm::testing::TestModel::new("llama").write(&other).unwrap();
    assert!(env.fail(&["model", "add", text(&other)], 1).contains("--id"));
    env.succeed(&["model", "add", text(&other), "--id", "c"]);
    std::fs::write(env.data_dir().join("models").join(hash_of(&env, "c")).join("model.gguf"), "x")
        .unwrap();
    assert!(env.run(&["model", "verify"]).status.code() == Some(1));
}

fn hash_of(env: &Env, id: &str) -> String {
    let list = env.json(&["model", "list", "--json"]);
    let list = list.as_array().unwrap();
    list.iter().find(|model| model["id"] == id).unwrap()["blake3"].as_str().unwrap().to_owned()
}

#[test]
fn a_reader_that_goes_away_is_no_crash() {
    let env = Env::new();
    for arguments in [&["model", "catalogue"][..], &["completions", "bash"], &["--help"]] {
        let mut child = env.spawn(arguments);
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(!errors.contains("panicked"), "{arguments:?}: {errors}");
        assert_ne!(output.status.code(), Some(101));
    }
}

#[test]
fn looking_makes_nothing() {
    let env = Env::new();
    env.succeed(&["dataset", "list"]);
    env.succeed(&["model", "list"]);
    env.succeed(&["user", "list"]);
    env.succeed(&["apikey", "list"]);
    env.run(&["doctor"]);
    assert!(!env.data_dir().exists());
    assert!(env.fail(&["dataset", "list", "--log", "loud"], 2).contains("loud"));
}
