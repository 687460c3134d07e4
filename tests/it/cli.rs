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
