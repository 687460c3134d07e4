//! `kura model fetch` against a hub on loopback. Run with
//! `cargo test --features connected --test it model_fetch`; `cargo test` alone leaves it out.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use kura::llm::testing::TestModel;

use crate::env::{Env, KURA, text};
use crate::hub_server::{Hub, HubServer};

/// An entry of the catalogue that names a file.
const ID: &str = "qwen3-4b-instruct-2507";
const REPOSITORY: &str = "unsloth/Qwen3-4B-Instruct-2507-GGUF";
const FILE: &str = "Qwen3-4B-Instruct-2507-Q4_K_M.gguf";

/// A hub, and a folder to fetch into.
struct Place {
    env: Env,
    server: HubServer,
}

impl Place {
    /// With a small model under the name of the catalogue's.
    fn new() -> Self {
        let env = Env::new();
        let path = env.path("model.gguf");
        TestModel::new("qwen3").write(&path).unwrap();
        let content = std::fs::read(&path).unwrap();
        Self::with(env, content)
    }

    fn with(env: Env, content: Vec<u8>) -> Self {
        let hub = Hub {
            repository: REPOSITORY.to_owned(),
            file: FILE.to_owned(),
            sha256: sha256(&env, &content),
            content,
            budget: None,
            ignores_ranges: false,
            refusal: None,
            seen: Vec::new(),
        };
        Self { env, server: HubServer::start(hub) }
    }

    fn folder(&self) -> PathBuf {
        self.env.path("stick")
    }

    fn target(&self) -> PathBuf {
        self.folder().join(FILE)
    }

    fn fetch(&self, lang: &str) -> Output {
        let folder = self.folder();
        let arguments = ["--lang", lang, "model", "fetch", ID, "--to", text(&folder)];
        self.with_hub(self.env.command(&arguments)).output().unwrap()
    }

    fn with_hub(&self, mut command: Command) -> Command {
        // The home is the test's own, so that no token of this machine is sent.
        command.env("HF_ENDPOINT", &self.server.endpoint).env("HOME", self.env.path("home"));
        command
    }

    /// Fetches, expects success, gives what was printed.
    fn succeed(&self) -> String {
        let output = self.fetch("en");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(std::fs::read(self.target()).unwrap(), self.server.hub().content);
        assert_eq!(self.left(), [FILE]);
        String::from_utf8(output.stdout).unwrap()
    }

    /// Fetches, expects failure and no file of that name, gives the message.
    fn fail(&self, lang: &str) -> String {
        let output = self.fetch(lang);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(!message.contains("panicked"), "{message}");
        assert!(!self.target().exists());
        message
    }

    /// Names in the folder.
    fn left(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

/// By the tool of the system, to hold kura's own against.
fn sha256(env: &Env, content: &[u8]) -> String {
    let path = env.path("content");
    std::fs::write(&path, content).unwrap();
    let output = Command::new("sha256sum").arg(&path).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

#[test]
fn a_model_comes_whole_and_can_be_added() {
    let place = Place::new();
    let printed = place.succeed();
    let hash = place.server.hub().sha256.clone();
    for part in [REPOSITORY, "Apache-2.0", "the hub says: apache-2.0", hash.as_str()] {
        assert!(printed.contains(part), "{part} is missing in {printed}");
    }
    let (_, command) = printed.split_once("kura model add ").unwrap();
    let mut arguments = vec!["model", "add"];
    arguments.extend(command.split_whitespace());
    assert!(place.env.succeed(&arguments).contains("installed"));

    assert_eq!(place.server.downloads().len(), 1);
    place.succeed();
    assert!(place.server.downloads().is_empty(), "the same file is not fetched again");
}

#[test]
fn a_broken_connection_is_taken_up_where_it_broke() {
    let place = Place::new();
    let size = place.server.hub().content.len();
    place.server.hub().budget = Some(size / 2);
    let message = place.fail("en");
    assert!(message.contains("broke off") && message.contains("run it again"), "{message}");
    assert_eq!(place.left().len(), 1);

    place.server.downloads();
    place.server.hub().budget = None;
    place.succeed();
    let downloads = place.server.downloads();
    assert_eq!(downloads, [format!("GET /blob HTTP/1.1 Some({})", size / 2)]);
}

#[test]
fn a_server_without_ranges_starts_anew() {
    let place = Place::new();
    let half = place.server.hub().content.len() / 2;
    place.server.hub().budget = Some(half);
    place.fail("en");
    place.server.hub().budget = None;
    place.server.hub().ignores_ranges = true;
    place.succeed();
}

#[test]
fn what_is_not_as_announced_is_thrown_away() {
    let place = Place::new();
    place.server.hub().sha256 = "0".repeat(64);
    let message = place.fail("ja");
    assert!(message.contains("SHA-256と違う") && message.contains("もう一度"), "{message}");
    assert!(place.left().is_empty());

    for (content, words) in [
        (
            &b"<!doctype html><title>Sign in to this network</title>"[..],
            "GGUFファイルではありません",
        ),
        (&b"GGUF\x03\x00\x00\x00 but no more"[..], "モデルとして使えない"),
    ] {
        let place = Place::with(Env::new(), content.to_vec());
        let message = place.fail("ja");
        assert!(message.contains(words), "{message}");
        assert!(place.left().is_empty(), "{:?}", place.left());
    }
}

#[test]
fn refusals_are_said_in_plain_words() {
    let place = Place::new();
    place.server.hub().file = "Qwen3-4B-Instruct-2507-Q4_K_S.gguf".to_owned();
    assert!(place.fail("en").contains("Q4_K_S.gguf"), "names the files that are there");

    place.server.hub().repository = "renamed/repository".to_owned();
    assert!(place.fail("ja").contains("リポジトリがありません"));
    for (status, words) in [
        ("401 Unauthorized", "HF_TOKEN"),
        ("403 Forbidden", "HF_TOKEN"),
        ("418 Strange", "418"),
        ("503 Service Unavailable", "503"),
    ] {
        place.server.hub().refusal = Some(status);
        let message = place.fail("ja");
        assert!(message.contains(words) && message.contains(REPOSITORY), "{message}");
    }

    let mut nobody = place.env.command(&["model", "fetch", ID, "--to", text(&place.folder())]);
    let output = nobody.env("HF_ENDPOINT", "http://127.0.0.1:1").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("cannot reach the hub"));
}

#[test]
fn entries_without_a_file_and_files_of_that_name_are_left_alone() {
    let place = Place::new();
    for (id, words) in
        [("kura-mini", "comes with"), ("nothing", "catalogue"), ("qwen3-swallow-8b-rl", "convert")]
    {
        assert!(place.env.fail(&["model", "fetch", id], 1).contains(words), "{id}");
    }
    std::fs::create_dir(place.folder()).unwrap();
    std::fs::write(place.target(), "mine").unwrap();
    let output = place.fetch("en");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("--to"));
    assert_eq!(std::fs::read(place.target()).unwrap(), b"mine");
    assert!(place.server.downloads().is_empty());
}

/// The bar appears where stderr is a terminal, which `script` (util-linux) provides.
#[test]
fn progress_is_shown_on_a_terminal() {
    let place = Place::new();
    let folder = place.folder();
    let command = format!("{KURA} --lang ja model fetch {ID} --to {}", text(&folder));
    let mut script = Command::new("script");
    script.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    script.env("TERM", "xterm").args(["-qec", &command, text(Path::new("/dev/null"))]);
    let Ok(output) = place.with_hub(script).output() else {
        let name = "progress_is_shown_on_a_terminal";
        writeln!(std::io::stderr(), "skipped {name}: there is no script command").unwrap();
        return;
    };
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{shown}");
    assert!(shown.contains("取得しています [") && shown.contains("残り"), "{shown}");
}
