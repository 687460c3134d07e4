//! `kura user` and `kura apikey`, and that a running service heeds them at once.

use std::io::Write;
use std::process::Stdio;

use crate::env::{Env, text};

const PASSWORD: &str = "asa-wa-rokuji-ni-inu-to-aruku";

fn add<'a>(login: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let own = ["user", "add", login, "--name", "山田 花子", "--section", "総務課"];
    [&own[..], more].concat()
}

#[test]
fn people_are_added_listed_and_changed() {
    let env = Env::new();
    assert!(env.succeed(&["user", "list"]).contains("no people"));
    let file = env.path("password");
    std::fs::write(&file, format!("{PASSWORD}\n")).unwrap();
    let given = ["--role", "admin", "--password-file", text(&file)];
    let said = env.succeed(&add("hanako", &given));
    assert!(said.contains("hanako (admin)") && !said.contains(PASSWORD), "{said}");
    let said = env.succeed(&add("taro", &["--generate"]));
    assert!(said.contains("One-time password (taro): "), "{said}");

    let listed = env.json(&["user", "list", "--json"]);
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert_eq!(listed[0]["login"], "hanako");
    assert_eq!(listed[0]["must_change_password"], true);
    assert!(!listed.to_string().contains("argon2"));

    env.succeed(&["user", "role", "taro", "reviewer"]);
    env.succeed(&["user", "disable", "taro"]);
    let listed = env.json(&["user", "list", "--json"]);
    assert_eq!((&listed[1]["role"], &listed[1]["disabled"]), (&"reviewer".into(), &true.into()));
    env.succeed(&["user", "enable", "taro"]);
    let again = env.succeed(&["user", "reset", "taro", "--generate"]);
    assert!(again.contains("One-time password"), "{again}");
    let table = env.succeed(&["--lang", "ja", "user", "list"]);
    assert!(table.contains("確認者") && table.contains("一時パスワード"), "{table}");
}

#[test]
fn what_cannot_be_is_said() {
    let env = Env::new();
    assert!(env.fail(&add("花子", &["--generate"]), 1).contains("a login has"));
    assert!(env.fail(&["user", "disable", "nobody"], 1).contains("no account"));
    env.succeed(&add("hanako", &["--role", "admin", "--generate"]));
    assert!(env.fail(&add("hanako", &["--generate"]), 1).contains("already"));
    assert!(env.fail(&["user", "disable", "hanako"], 1).contains("last administrator"));
    assert!(env.fail(&["user", "role", "hanako", "staff"], 1).contains("last administrator"));
    assert!(env.fail(&["user", "role", "hanako", "king"], 2).contains("king"));
    assert!(env.fail(&["apikey", "revoke", "x"], 1).contains("no good API key"));
    assert!(env.fail(&["apikey", "add", " "], 2).contains("name of a system"));
}

#[test]
fn a_password_comes_from_the_standard_input_and_is_checked() {
    let env = Env::new();
    let run = |line: &str| {
        let mut command = env.command(&add("hanako", &["--password-file", "-"]));
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = pipes.spawn().unwrap();
        child.stdin.take().unwrap().write_all(line.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    for (line, why) in
        [("short\n", "at least 12"), ("password1234\n", "common words"), ("", "at least 12")]
    {
        let output = run(line);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(why), "{line}: {said}");
    }
    assert!(run(&format!("{PASSWORD}\n")).status.success());
}

#[test]
fn api_keys_are_shown_once() {
    let env = Env::new();
    let said = env.succeed(&["apikey", "add", "文書管理"]);
    let key = said.split("API key: ").nth(1).unwrap().lines().next().unwrap();
    assert!(key.starts_with("kura-"), "{said}");
    let listed = env.json(&["apikey", "list", "--json"]);
    assert_eq!(listed[0]["system"], "文書管理");
    assert!(!listed.to_string().contains(key));
    let id = listed[0]["id"].as_str().unwrap().to_owned();
    env.succeed(&["apikey", "revoke", &id]);
    assert!(env.succeed(&["apikey", "list"]).contains("revoked"));
    env.fail(&["apikey", "revoke", &id], 1);
}
