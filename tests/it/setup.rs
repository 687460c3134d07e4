//! `kura setup`: answers become settings that hold, and wrong ones are named.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;

use kura::config::{Config, Overrides};

use crate::env::{Env, text};

/// As a publisher writes a fingerprint down.
const FINGERPRINT: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A machine with nothing on it yet.
struct Fresh {
    env: Env,
    settings: PathBuf,
    systemd: PathBuf,
}

impl Fresh {
    fn new() -> Self {
        let env = Env::new();
        let (settings, systemd) = (env.path("etc/kura.toml"), env.path("systemd"));
        Self { env, settings, systemd }
    }

    fn arguments<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let own = ["setup", "--config", text(&self.settings), "--systemd-dir", text(&self.systemd)];
        [&own[..], more].concat()
    }

    fn answers(&self, answers: &str) -> PathBuf {
        let path = self.env.path("answers.toml");
        std::fs::write(&path, answers).unwrap();
        path
    }

    fn setup(&self, answers: &str, more: &[&str]) -> String {
        let file = self.answers(answers);
        let more = [&["--answers", text(&file)][..], more].concat();
        self.env.succeed(&self.arguments(&more))
    }

    fn refused(&self, answers: &str, status: i32) -> String {
        let file = self.answers(answers);
        let message = self.env.fail(&self.arguments(&["--answers", text(&file)]), status);
        assert!(!self.systemd.exists(), "a drop-in was written");
        message
    }

    fn load(&self) -> Config {
        let given = Overrides { file: Some(self.settings.clone()), ..Overrides::default() };
        Config::load(Config::default(), &given).unwrap()
    }

    fn dropin(&self, name: &str) -> String {
        std::fs::read_to_string(self.systemd.join(name)).unwrap()
    }
}

#[test]
fn answers_become_settings_that_load() {
    let fresh = Fresh::new();
    let answers = format!(
        "address = \"10.1.2.3:8480\"\nallow = [\"10.1.0.0/16\"]\n\
         administrator = \"総務課 \\\"山田\\\"\"\ntrusted_root = \"{}\"\n",
        FINGERPRINT.to_uppercase()
    );
    let said = fresh.setup(&answers, &[]);
    assert!(said.contains("systemctl") && said.contains("http://10.1.2.3:8480/"), "{said}");
    let config = fresh.load();
    assert_eq!(config.listen.to_string(), "10.1.2.3:8480");
    assert_eq!(config.sync.trusted_root.as_deref(), Some(FINGERPRINT));
    assert_eq!(config.sync.operator, "総務課 \"山田\"");
    let key = config.access_key.unwrap();
    assert!(key.len() >= 32, "{key}");
    assert!(!said.contains(&key), "the secret is not shown");
    let mode = std::fs::metadata(&fresh.settings).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    let socket = fresh.dropin("kura.socket.d/address.conf");
    let ends = "[Socket]\nListenStream=\nListenStream=10.1.2.3:8480\nIPAddressAllow=10.1.0.0/16\n";
    assert!(socket.ends_with(ends), "{socket}");
}

#[test]
fn what_is_there_is_replaced_only_by_force_and_kept() {
    let fresh = Fresh::new();
    fresh.setup("", &[]);
    let before = std::fs::read_to_string(&fresh.settings).unwrap();
    let file = fresh.answers("address = \"127.0.0.1:8481\"\n");
    let again = fresh.arguments(&["--answers", text(&file)]);
    assert!(fresh.env.fail(&again, 1).contains("--force"));
    assert_eq!(std::fs::read_to_string(&fresh.settings).unwrap(), before);
    fresh.setup("address = \"127.0.0.1:8481\"\n", &["--force"]);
    assert_eq!(fresh.load().listen.port(), 8481);
    let kept = fresh.settings.with_extension("toml.bak");
    assert_eq!(std::fs::read_to_string(kept).unwrap(), before);
    // Asked for settings elsewhere, it still finds the drop-in in its way.
    let elsewhere = fresh.env.path("other.toml");
    let mut arguments = fresh.arguments(&["--answers", text(&file)]);
    arguments[2] = text(&elsewhere);
    assert!(fresh.env.fail(&arguments, 1).contains("address.conf"));
    assert!(!elsewhere.exists());
}

#[test]
fn print_shows_and_writes_nothing() {
    let fresh = Fresh::new();
    let said = fresh.setup(
        "address = \"0.0.0.0:80\"\naccess_key = \"a-secret-of-twenty-letters\"\n",
        &["--print"],
    );
    for part in [text(&fresh.settings), "listen = \"0.0.0.0:80\"", "ListenStream=0.0.0.0:80"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("a-secret"), "{said}");
    assert!(!fresh.settings.exists() && !fresh.systemd.exists());
}

#[test]
fn every_wrong_answer_is_named_at_once() {
    let fresh = Fresh::new();
    let missing = fresh.env.path("missing.pem");
    let answers = format!(
        "address = \"town hall\"\nallow = [\"10.0.0.0/99\"]\ntrusted_root = \"abc\"\n\
         certificate = \"{0}\"\nkey = \"{0}\"\nadministrator = \"a\\nb\"\naccess_key = \"short\"\n",
        text(&missing)
    );
    let message = fresh.refused(&answers, 2);
    for part in [
        "7 answer(s)",
        "\n  address: ",
        "\n  allow: \"10.0.0.0/99\"",
        "\n  trusted_root: ",
        "64 hexadecimal digits",
        "\n  certificate: cannot read",
        "\n  key: cannot read",
        "\n  administrator: ",
        "\n  access_key: ",
        "missing.pem",
    ] {
        assert!(message.contains(part), "{part:?} is missing in {message}");
    }
    assert!(!fresh.settings.exists());
}

#[test]
fn a_certificate_needs_its_key_and_the_form_of_one() {
    let fresh = Fresh::new();
    let certificate = fresh.env.path("tls.crt");
    std::fs::write(&certificate, "not a certificate").unwrap();
    let answers = format!("certificate = \"{}\"\n", text(&certificate));
    let message = fresh.refused(&answers, 2);
    assert!(message.contains("\n  key: the private key"), "{message}");
    assert!(message.contains("BEGIN CERTIFICATE"), "{message}");
    assert!(fresh.refused("adress = \"x\"\n", 2).contains("adress"));
}

#[test]
fn a_person_is_asked_again_until_the_answer_holds() {
    let fresh = Fresh::new();
    let mut child = fresh
        .env
        .command(&fresh.arguments(&["--lang", "ja"]))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines =
        format!("office\n10.1.2.3:8480\n\n\n総務課 山田\nやまだ\nyamada\nabc\n{FINGERPRINT}\n");
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said.matches("待ち受けるアドレスとポート").count(), 2, "{said}");
    assert_eq!(said.matches("ログインに使う名前").count(), 2, "{said}");
    assert_eq!(said.matches("配布元の鍵の指紋").count(), 2, "{said}");
    assert_eq!(said.matches("秘密鍵").count(), 0, "without a certificate there is no key: {said}");
    let config = fresh.load();
    assert_eq!(config.sync.operator, "総務課 山田");
    assert_eq!(config.sync.trusted_root.as_deref(), Some(FINGERPRINT));
    assert!(fresh.dropin("kura.socket.d/address.conf").contains("IPAddressAllow=10.0.0.0/8"));
}

#[test]
fn an_end_of_input_writes_nothing() {
    let fresh = Fresh::new();
    let message = fresh.env.fail(&fresh.arguments(&[]), 2);
    assert!(message.contains("address") && message.contains("--answers"), "{message}");
    assert!(!fresh.settings.exists());
}

#[test]
fn a_certificate_comes_with_a_key_that_root_alone_reads() {
    let fresh = Fresh::new();
    let (certificate, key) = (fresh.env.path("tls.crt"), fresh.env.path("tls 100%.key"));
    let made = rcgen::generate_simple_self_signed(["kura.example".to_owned()]).unwrap();
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let answers = format!(
        "address = \"127.0.0.1:8443\"\ncertificate = \"{}\"\nkey = \"{}\"\n",
        text(&certificate),
        text(&key)
    );
    let said = fresh.setup(&answers, &[]);
    assert!(said.contains("https://127.0.0.1:8443/"), "{said}");
    let config = fresh.load();
    assert!(config.tls_certificate.is_some() && config.tls_key.is_some());
    let settings = std::fs::read_to_string(&fresh.settings).unwrap();
    assert!(settings.contains("tls_key = \"credential:tls.key\""), "{settings}");
    let service = fresh.dropin("kura.service.d/tls.conf");
    let escaped = text(&key).replace('%', "%%");
    assert!(service.ends_with(&format!("\nLoadCredential=tls.key:{escaped}\n")), "{service}");
}

#[test]
fn the_first_administrator_gets_an_account() {
    let fresh = Fresh::new();
    std::fs::create_dir(fresh.env.data_dir()).unwrap();
    let answers = "administrator = \"総務課 山田\"\nadministrator_login = \"yamada\"\n";
    let said = fresh.setup(answers, &[]);
    let password = said.split("one-time password ").nth(1).unwrap();
    assert_eq!(password.split(' ').next().unwrap().len(), 19, "{said}");
    let listed = fresh.env.json(&["user", "list", "--json"]);
    for (key, value) in
        [("login", "yamada"), ("name", "山田"), ("section", "総務課"), ("role", "admin")]
    {
        assert_eq!(listed[0][key], value, "{listed}");
    }
    assert_eq!(listed[0]["must_change_password"], true);
    // Asked again, the account stays as it is.
    let again = fresh.setup(answers, &["--force"]);
    assert!(again.contains("has an account already"), "{again}");
    // Without the service's folder there is nowhere to keep one.
    let bare = Fresh::new();
    assert!(bare.setup(answers, &[]).contains("kura user add yamada"));
    assert!(!bare.env.data_dir().exists());
}
