//! The packing machine: keys, root documents and bundles through the command line.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use kura::search::Index;
use kura::sync::bundle::{ArtifactRole, Kind, Manifest, Stick, unpack};
use kura::sync::pack::newest_root;
use kura::sync::trust::PublicKey;
use serde_json::Value;

use crate::env::{Env, sample, text};

const PASSWORD: &str = "正しい馬の電池と留め具";

/// A packing machine with its own home.
struct Desk {
    env: Env,
}

impl Desk {
    fn new() -> Self {
        let env = Env::new();
        fs::create_dir(env.path("stick")).unwrap();
        Self { env }
    }

    fn stick(&self) -> PathBuf {
        self.env.path("stick")
    }

    /// `~/.config/kura` of this machine.
    fn home(&self) -> PathBuf {
        self.env.path("config/kura")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.env.command(arguments);
        command.env("XDG_CONFIG_HOME", self.env.path("config"));
        command.env("KURA_KEY_PASSWORD", PASSWORD);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn fail(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && !errors.contains("panicked"),
            "{arguments:?}: {errors}"
        );
        errors
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.succeed(arguments)).unwrap()
    }

    fn new_keys(&self, names: &[&str]) {
        for name in names {
            self.succeed(&["key", "new", name]);
        }
    }

    /// Copies the public half of a key to another machine.
    fn hand_public_key(&self, name: &str, to: &Self) {
        let file = format!("{name}.pub");
        fs::create_dir_all(to.home().join("keys")).unwrap();
        fs::copy(self.home().join("keys").join(&file), to.home().join("keys").join(&file)).unwrap();
    }

    fn public_key(&self, name: &str) -> PublicKey {
        let text = fs::read_to_string(self.home().join(format!("keys/{name}.pub"))).unwrap();
        PublicKey::parse(text.lines().nth(1).unwrap()).unwrap()
    }

    fn opened(&self) -> (Stick, Manifest) {
        let stick = Stick::find(&self.stick()).unwrap().remove(0);
        let manifest = Manifest::parse(&stick.manifest().unwrap().bytes).unwrap();
        (stick, manifest)
    }

    /// Ids of the keys whose signatures count for what is on the stick.
    fn signers(&self) -> BTreeSet<String> {
        let (stick, manifest) = self.opened();
        let root = newest_root(&stick.roots().unwrap()).unwrap().root;
        let signed = stick.manifest().unwrap();
        root.check(root.role(manifest.kind), signed).unwrap().into_iter().collect()
    }
}

/// The sample, in a folder that may be changed.
fn copy_of_sample(env: &Env) -> PathBuf {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let (path, target) = (entry.path(), to.join(entry.file_name()));
            if path.is_dir() {
                copy(&path, &target);
            } else {
                fs::copy(&path, &target).unwrap();
            }
        }
    }
    let dir = env.path("sample");
    copy(&sample(), &dir);
    dir
}

fn edit(path: &Path, from: &str, to: &str) {
    let content = fs::read_to_string(path).unwrap();
    assert!(content.contains(from), "{from}");
    fs::write(path, content.replacen(from, to, 1)).unwrap();
}

/// A command line of two parts.
fn joined<'a>(one: &[&'a str], other: &[&'a str]) -> Vec<&'a str> {
    [one, other].concat()
}

fn bytes_of(stick: &Stick, artifact: &kura::sync::bundle::Artifact) -> Vec<u8> {
    let chunks = artifact.chunks.iter();
    let packed = |chunk| stick.chunk(chunk).unwrap().unwrap();
    chunks.flat_map(|chunk| unpack(chunk, &packed(chunk), b"").unwrap()).collect()
}

/// The plain tool agrees, where it is installed.
fn check_with_minisign(bundle: &Path, id: &str, key: &PublicKey) {
    let signature = format!("manifest.{id}.minisig");
    let mut tool = Command::new("minisign");
    tool.current_dir(bundle).args(["-Vm", "manifest.json", "-x", &signature, "-P", key.as_str()]);
    let Ok(output) = tool.output() else {
        let name = bundle.display();
        let said = format!("{name} is not compared: there is no minisign command\n");
        std::io::stderr().write_all(said.as_bytes()).unwrap();
        return;
    };
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("id:kurasaki-sample"), "{said}");
}

/// Runs a command where new files are for their owner alone.
fn strictly(command: &Command) -> Output {
    let mut shell = Command::new("sh");
    shell.args(["-c", "umask 077; exec \"$0\" \"$@\""]);
    shell.arg(command.get_program()).args(command.get_args()).env_clear();
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.output().unwrap()
}

/// What another user may do, of every file and folder.
fn all_may_read(path: &Path) {
    let mode = fs::metadata(path).unwrap().permissions().mode();
    let due = if path.is_dir() { 0o055 } else { 0o044 };
    assert_eq!(mode & due, due, "{} has {mode:o}", path.display());
    for entry in path.is_dir().then(|| fs::read_dir(path).unwrap()).into_iter().flatten() {
        all_may_read(&entry.unwrap().path());
    }
}

/// On ext4 the stick keeps owners and modes, and it is the user kura who imports.
#[test]
fn a_strict_umask_keeps_the_bundle_from_nobody() {
    let desk = Desk::new();
    desk.new_keys(&["hanako", "taro"]);
    let init = ["key", "root", "init", "--threshold", "2", "--key", "hanako", "--key", "taro"];
    desk.succeed(&init);
    let dir = desk.env.dataset("r8", "r8", &[("a.txt", "手数料は三百円とする。\n")]);
    let stick = desk.stick();
    let pack = ["pack", "dataset", text(&dir), "--out", text(&stick), "--key", "hanako"];
    let sign = ["key", "sign", text(&stick), "--key", "taro"];
    for arguments in [pack.as_slice(), &sign] {
        let output = strictly(&desk.command(arguments));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
    }
    assert_eq!(desk.signers().len(), 2);
    all_may_read(&stick.join("kura-bundle"));
}

#[test]
fn two_of_three_sign_a_data_set_and_its_next_edition() {
    let desk = Desk::new();
    desk.new_keys(&["hanako", "taro", "jiro"]);
    let init = ["key", "root", "init", "--threshold", "2", "--key", "hanako", "--key", "taro"];
    let made = desk.succeed(&[init.as_slice(), &["--key", "jiro"]].concat());
    let root = fs::read(desk.home().join("root/1.json")).unwrap();
    assert!(made.contains(blake3::hash(&root).to_hex().as_str()), "{made}");
    assert!(made.contains("2 (2 needed)"), "{made}");
    assert!(desk.fail(&[init.as_slice(), &["--key", "jiro"]].concat()).contains("rotate"));

    let dir = copy_of_sample(&desk.env);
    let stick = desk.stick();
    let pack = ["pack", "dataset", text(&dir), "--out", text(&stick)];
    let message = desk.fail(&pack);
    assert!(
        message.contains("r5-kairan-scan.pdf") && message.contains("--allow-unread"),
        "{message}"
    );
    assert_eq!(fs::read_dir(&stick).unwrap().count(), 0);

    let pack = [pack.as_slice(), &["--allow-unread", "--json"]].concat();
    let first = desk.json(&[pack.as_slice(), &["--key", "hanako", "--key", "taro"]].concat());
    assert_eq!(first["counter"], 1);
    assert_eq!(first["signers"].as_array().unwrap().len(), 2);
    let (hanako, taro) = (desk.public_key("hanako"), desk.public_key("taro"));
    let two = BTreeSet::from([hanako.id().unwrap(), taro.id().unwrap()]);
    assert_eq!(desk.signers(), two);
    check_with_minisign(&stick.join("kura-bundle"), &hanako.id().unwrap(), &hanako);
    check_content(&desk);

    // One document changes.
    edit(&dir.join("dataset.toml"), "edition = \"2026.04\"", "edition = \"2026.10\"");
    edit(&dir.join("manual/gomi-shuushuu.md"), "。", "。この文は改めました。");
    let unknown = desk.fail(&[pack.as_slice(), &["--since", "2025.04"]].concat());
    assert!(unknown.contains("2025.04") && unknown.contains("2026.04"), "{unknown}");
    let second = desk.json(&[pack.as_slice(), &["--since", "2026.04"]].concat());
    assert_eq!((&second["counter"], &second["edition"]), (&2.into(), &"2026.10".into()));
    let number = |value: &Value| value.as_u64().unwrap();
    let raw = number(&second["totals"]["raw"]);
    let carried = raw - number(&second["bytes_left_out"]);
    // The changed passage's chunk, its neighbour where the cut moved, and dataset.toml.
    assert!(carried < 3 * 64 * 1024 && carried * 3 < raw, "{carried} of {raw}");
    let (_, manifest) = desk.opened();
    assert!(manifest.artifact(ArtifactRole::Index).is_none());
    // What changed is packed against the passages that were kept of the edition before.
    let changed = &manifest.artifact(ArtifactRole::Passages).unwrap().chunks;
    assert!(changed.iter().any(|chunk| !chunk.base.is_empty()));
    let kept = |edition: &str| {
        desk.home().join(format!("packed/dataset/kurasaki-sample/{edition}.passages.jsonl"))
    };
    assert!(kept("2026.04").exists() && kept("2026.10").exists());

    // The third adds a signature at another machine.
    let added = desk.succeed(&["key", "sign", text(&stick), "--key", "jiro"]);
    assert!(added.contains("3 (2 needed)") && added.contains("counter:2"), "{added}");
    assert_eq!(desk.signers().len(), 3);
}

/// What is on the stick is what a box reads: passages by line, an index that opens.
fn check_content(desk: &Desk) {
    let (stick, manifest) = desk.opened();
    assert_eq!((manifest.kind, manifest.id.as_str()), (Kind::Dataset, "kurasaki-sample"));
    assert_eq!(manifest.stale_after_days, 365);
    let passages = bytes_of(&stick, manifest.artifact(ArtifactRole::Passages).unwrap());
    let passages = String::from_utf8(passages).unwrap();
    let as_of = jiff::civil::date(2026, 4, 1);
    let read = |line: &str| kura::document::Passage::from_line(line.as_bytes(), as_of).unwrap();
    let lines: Vec<kura::document::Passage> = passages.lines().map(read).collect();
    let index = tempfile::tempdir().unwrap();
    for artifact in manifest.artifacts.iter().filter(|a| a.role == ArtifactRole::Index) {
        fs::write(index.path().join(&artifact.id), bytes_of(&stick, artifact)).unwrap();
    }
    let index = Index::open(index.path()).unwrap();
    assert_eq!(index.passages(), lines.len() as u64);
    let info = bytes_of(&stick, manifest.artifact(ArtifactRole::Info).unwrap());
    assert_eq!(info, fs::read(sample().join("dataset.toml")).unwrap());
}

#[test]
fn keys_are_encrypted_private_and_never_overwritten() {
    let desk = Desk::new();
    let made = desk.succeed(&["key", "new", "hanako", "--owner", "総務課 情報係"]);
    let key = desk.public_key("hanako");
    assert!(made.contains(&key.id().unwrap()) && made.contains(key.as_str()), "{made}");
    let secret = desk.home().join("keys/hanako.key");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&secret), 0o600);
    assert_eq!(mode(&desk.home().join("keys")), 0o700);
    let before = fs::read(&secret).unwrap();
    assert!(desk.fail(&["key", "new", "hanako"]).contains("hanako.key"));
    assert_eq!(fs::read(&secret).unwrap(), before);
    assert!(desk.fail(&["key", "new", "../x"]).contains("name"));
    let list = desk.json(&["key", "list", "--json"]);
    assert_eq!(list[0]["owner"], "総務課 情報係");
    assert_eq!(list[0]["secret"], true);

    let init = ["key", "root", "init", "--threshold", "1", "--key", "hanako"];
    let mut wrong = desk.command(&init);
    let output = wrong.env("KURA_KEY_PASSWORD", "not this one").output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("password of key hanako"), "{message}");
    let output = desk.command(&["key", "new", "short"]).env("KURA_KEY_PASSWORD", "x").output();
    assert!(String::from_utf8(output.unwrap().stderr).unwrap().contains("8 characters"));
    assert!(!desk.home().join("root/1.json").exists());
    assert!(desk.fail(&[init.as_slice(), &["--key", "nobody"]].concat()).contains("nobody"));
    let message = desk.fail(&["key", "root", "init", "--threshold", "2", "--key", "hanako"]);
    assert!(message.contains("threshold"), "{message}");
    desk.succeed(&init);
    let shown = desk.json(&["key", "root", "show", "--json"]);
    assert_eq!(shown["root"]["keys"][0]["owner"], "総務課 情報係");
    assert_eq!(shown["signatures"][0]["signed"], 1);
}

#[test]
fn a_rotation_needs_both_sides_on_two_machines() {
    let (one, other) = (Desk::new(), Desk::new());
    one.new_keys(&["hanako"]);
    other.new_keys(&["taro", "jiro"]);
    other.hand_public_key("taro", &one);
    other.hand_public_key("jiro", &one);
    one.hand_public_key("hanako", &other);
    let rule = "app=1:hanako";
    one.succeed(&["key", "root", "init", "--threshold", "1", "--key", "hanako", "--role", rule]);

    // Two new keys, both of which must sign from then on; only hanako is here.
    let rotate = ["key", "rotate", "--add", "taro", "--add", "jiro", "--threshold", "2"];
    let told = one.succeed(&[rotate.as_slice(), &["--role", rule]].concat());
    assert!(
        told.contains("root 1): 1 (1 needed)") && told.contains("root 2): 1 (2 needed)"),
        "{told}"
    );
    let stick = one.stick();
    let program = ["pack", "app", "/bin/true", "--edition", "0.9.0", "--out", text(&stick)];
    let told = one.fail(&program);
    assert!(
        told.contains("kura key sign 2.json"),
        "an unfinished root is not packed under: {told}"
    );
    assert!(told.contains("jiro, taro"), "{told}");

    let second = one.home().join("root/2.json");
    let sent = other.env.path("root");
    fs::create_dir(&sent).unwrap();
    for name in ["1.json", "2.json"] {
        fs::copy(one.home().join("root").join(name), sent.join(name)).unwrap();
    }
    other.new_keys(&["stranger"]);
    let message = other.fail(&["key", "sign", text(&sent.join("2.json")), "--key", "stranger"]);
    assert!(message.contains("do not count"), "{message}");
    other.succeed(&["key", "sign", text(&sent.join("2.json")), "--key", "taro"]);
    let id = other.public_key("taro").id().unwrap();
    let signature = format!("2.{id}.minisig");
    fs::copy(sent.join(&signature), second.with_file_name(&signature)).unwrap();

    let told = one.succeed(&program);
    assert!(told.contains("0.9.0"), "{told}");
    assert_eq!(one.signers(), BTreeSet::from([one.public_key("hanako").id().unwrap()]));
    let (_, manifest) = one.opened();
    assert_eq!(manifest.root_version, 2);

    // A key that was removed signs nothing any more.
    let remove = ["key", "rotate", "--remove", "hanako", "--role", "app=1:taro"];
    let told = one.succeed(&remove);
    assert!(told.contains("root 3): 0 (2 needed)"), "{told}");
    let shown = one.json(&["key", "root", "show", "--json"]);
    assert_eq!(shown["root"]["keys"].as_array().unwrap().len(), 2);
    assert_eq!(shown["root"]["app"]["keys"].as_array().unwrap().len(), 1);
}

#[test]
fn programs_models_and_assistants_are_packed_as_what_they_are() {
    let desk = Desk::new();
    desk.new_keys(&["hanako"]);
    desk.succeed(&["key", "root", "init", "--threshold", "1", "--key", "hanako"]);
    let stick = desk.stick();
    let to = ["--out", text(&stick), "--json"];

    let script = desk.env.path("kura");
    fs::write(&script, "#!/bin/sh\necho kura 1.2.3\n").unwrap();
    assert!(desk.fail(&joined(&["pack", "app", text(&script)], &to)).contains("no program"));
    assert!(desk.fail(&joined(&["pack", "app", "/bin/true"], &to)).contains("--edition"));

    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/kura-mini/kura-mini-q8_0.gguf");
    let arguments =
        joined(&["pack", "model", text(&model), "--edition", "1", "--licence", "MIT"], &to);
    let packed = desk.json(&arguments);
    assert_eq!((&packed["kind"], &packed["id"]), (&"model".into(), &"kura-mini-q8_0".into()));
    let (opened, manifest) = desk.opened();
    let weights = manifest.artifact(ArtifactRole::Weights).unwrap();
    assert_eq!(weights.licence, "MIT");
    assert!(bytes_of(&opened, weights) == fs::read(&model).unwrap());
    assert!(desk.fail(&joined(&["pack", "model", text(&script)], &to)).contains("cannot be used"));
    assert!(
        desk.fail(&joined(&["pack", "model", "nothing-of-this-name"], &to)).contains("nothing-of")
    );

    let dir = desk.env.path("minutes");
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("gijiroku.toml"), "title = \"議事録\"\nprompt = \"要約する\"\n").unwrap();
    let arguments = joined(&["pack", "assistants", text(&dir), "--title", "議事録の支援"], &to);
    let packed = desk.json(&arguments);
    assert_eq!((&packed["kind"], &packed["id"]), (&"assistants".into(), &"minutes".into()));
    let place = PathBuf::from(packed["path"].as_str().unwrap());
    assert_eq!(place, stick.join("kura-bundle-assistants-minutes"), "the model stays");
    let again = [arguments.as_slice(), &["--counter", "1"]].concat();
    assert!(desk.fail(&again).contains("above 1"));
    assert_eq!(desk.json(&arguments)["counter"], 2);
    // One edition is one content.
    fs::write(dir.join("gijiroku.toml"), "title = \"議事録\"\nprompt = \"まとめる\"\n").unwrap();
    let told = desk.fail(&arguments);
    assert!(told.contains("other content") && told.contains("another edition"), "{told}");
    let next = [arguments.as_slice(), &["--edition", "r8.2"]].concat();
    assert_eq!(desk.json(&next)["counter"], 3, "what was refused took no number");
    // A folder is made where only its name is missing.
    let fresh = desk.env.path("fresh");
    let to_fresh = ["pack", "assistants", text(&dir), "--edition", "r8.2", "--out", text(&fresh)];
    desk.succeed(&to_fresh);
    assert!(fresh.join("kura-bundle/manifest.json").is_file());
    assert!(
        desk.fail(&["pack", "assistants", text(&dir), "--out", "/nonexistent/usb"])
            .contains("stick")
    );
}

/// The password is asked where stdin is no terminal but one is there, and typed unseen; `script`
/// (util-linux) provides the terminal.
#[test]
fn passwords_are_asked_twice_in_a_terminal() {
    let desk = Desk::new();
    let command = format!("{} --lang en key new hanako", crate::env::KURA);
    let mut script = Command::new("script");
    script.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    script.env("XDG_CONFIG_HOME", desk.env.path("config")).env("TERM", "xterm");
    script.args(["-qec", &command, "/dev/null"]).stdin(std::process::Stdio::piped());
    let started = script.stdout(std::process::Stdio::piped()).spawn();
    let Ok(mut child) = started else {
        let name = "passwords_are_asked_twice_in_a_terminal";
        writeln!(std::io::stderr(), "skipped {name}: there is no script command").unwrap();
        return;
    };
    let mut typed = child.stdin.take().unwrap();
    typed.write_all("typed secretX\x7f\ntyped secret\n".as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    drop(typed);
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{shown}");
    assert!(shown.contains("new password") && shown.contains("once more"), "{shown}");
    let list = desk.json(&["key", "list", "--json"]);
    assert_eq!(list[0]["name"], "hanako");
    let init = ["key", "root", "init", "--threshold", "1", "--key", "hanako"];
    assert!(desk.fail(&init).contains("password of key"), "another password than the one typed");
    let mut right = desk.command(&init);
    assert!(right.env("KURA_KEY_PASSWORD", "typed secret").output().unwrap().status.success());
}
