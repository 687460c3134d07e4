//! Updates as a town gets them: packed, carried, imported by the real program, rolled back.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Child;
use std::time::Duration;

use kura::sync::bundle::{ArtifactRole, Kind};
use kura::sync::pack::Content;
use serde_json::{Value, json};

use crate::env::{sample, text};
use crate::publisher::{Appliance, OWNER, header, source};

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/kura-mini/kura-mini-q8_0.gguf");

const GOLDEN: &str = "threshold = 1.0\n[[question]]\nask = \"住民票の写しの手数料はいくらですか\"\n\
    source = \"fee.txt\"\n[[question]]\nask = \"市営バスの敬老乗車証は何歳からもらえますか\"\n\
    none = true\n";

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// The sample, and a second edition in which one document says something else.
fn two_editions(appliance: &Appliance) -> [std::path::PathBuf; 2] {
    let second = appliance.env.path("second");
    copy(&sample(), &second);
    let change = |name: &str, from: &str, to: &str| {
        let path = second.join(name);
        let old = std::fs::read_to_string(&path).unwrap();
        assert!(old.contains(from), "{name}");
        std::fs::write(path, old.replace(from, to)).unwrap();
    };
    change("dataset.toml", "edition = \"2026.04\"", "edition = \"2026.05\"");
    change("manual/gomi-shuushuu.md", "1頭につき2,000円", "1頭につき2,750円");
    [sample(), second]
}

/// Text of the first hit.
fn first_hit(appliance: &Appliance, question: &str) -> String {
    let found = appliance.json(&["search", question, "--json"]);
    found["sources"][0]["passage"]["text"].as_str().unwrap_or_default().to_owned()
}

fn events(appliance: &Appliance) -> Vec<String> {
    let ledger = appliance.json(&["ledger", "--json"]);
    let records = ledger["records"].as_array().unwrap();
    records.iter().map(|record| record["event"].as_str().unwrap().to_owned()).collect()
}

const PET: &str = "飼い犬や飼い猫の死骸はクリーンセンターで1頭いくらで引き取りますか";

#[test]
fn a_data_set_goes_in_forward_and_back() {
    let appliance = Appliance::new();
    let [first, second] = two_editions(&appliance);
    let publisher = &appliance.publisher;
    let medium = appliance.medium("medium");
    let packed = publisher.dataset(&medium, &first, 1, true, None);

    let (code, reports) = appliance.sync(&medium, &["--dry-run"]);
    assert_eq!((code, &reports[0]["outcome"]), (Some(0), &"would-import".into()), "{reports}");
    assert_eq!(appliance.json(&["dataset", "list", "--json"]), json!([]));
    assert_eq!(events(&appliance), [""; 0]);

    let who = ["--operator", "佐藤", "--approver", "鈴木", "--media", "USB-07"];
    let (code, reports) = appliance.sync(&medium, &who);
    let report = &reports[0];
    assert_eq!((code, &report["outcome"]), (Some(0), &"imported".into()), "{reports}");
    assert_eq!((&report["golden"]["right"], &report["golden"]["of"]), (&15.into(), &15.into()));
    let bundle = &report["bundle"];
    let signer = json!({"key": publisher.key(), "owner": OWNER});
    assert_eq!((&bundle["signers"][0], &bundle["as_of"]), (&signer, &"2026-04-01".into()));
    assert_eq!((&bundle["bytes_read"], &bundle["bytes_kept"]), (&bundle["bytes"], &0.into()));
    assert!(first_hit(&appliance, PET).contains("2,000円"));

    let list = appliance.json(&["dataset", "list", "--json"]);
    assert_eq!((&list[0]["documents"], &list[0]["origin"]["counter"]), (&33.into(), &1.into()));
    assert_eq!(list[0]["origin"]["signers"], json!([publisher.key()]));
    assert_eq!(list[0]["update_due"], false);

    let (code, reports) = appliance.sync(&medium, &[]);
    assert_eq!((code, &reports[0]["outcome"]), (Some(0), &"unchanged".into()), "{reports}");
    assert_eq!(events(&appliance), ["begun", "imported", "begun", "unchanged"]);

    // The second edition, by what changed.
    let delta = appliance.medium("delta");
    publisher.dataset(&delta, &second, 2, false, Some(&packed));
    let (code, reports) = appliance.sync(&delta, &[]);
    let bundle = &reports[0]["bundle"];
    assert_eq!((code, &reports[0]["outcome"]), (Some(0), &"imported".into()), "{reports}");
    let (read, kept) = (bundle["bytes_read"].as_u64(), bundle["bytes_kept"].as_u64());
    assert!(read > Some(0) && kept > read, "{bundle}");
    assert!(first_hit(&appliance, PET).contains("2,750円"));

    // The first medium again: too old now, and nothing happens.
    let output =
        appliance.command(&["sync", text(&medium), "--approver", "鈴木"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("older than what was imported") && said.contains("rollback"), "{said}");
    let (code, reports) = appliance.sync(&medium, &[]);
    assert_eq!((code, &reports[0]["reason"]), (Some(1), &"rolled-back".into()), "{reports}");
    assert!(reports[0]["ja"].as_str().unwrap().contains("古いパッケージ"), "{reports}");
    assert!(first_hit(&appliance, PET).contains("2,750円"));

    back_and_forward(&appliance);
}

fn back_and_forward(appliance: &Appliance) {
    let listed = appliance.json(&["rollback", "--json"]);
    let entry = json!({
        "kind": "dataset", "id": "kurasaki-sample", "current": "2026.05", "previous": "2026.04",
    });
    assert_eq!(listed, json!([entry]));
    for (price, edition) in [("2,000円", "2026.04"), ("2,750円", "2026.05")] {
        let arguments = ["rollback", "dataset", "kurasaki-sample", "--json", "--operator", "佐藤"];
        assert_eq!(appliance.json(&arguments)["current"], edition);
        assert!(first_hit(appliance, PET).contains(price));
    }
    let ledger = appliance.json(&["ledger", "--json"]);
    let records = ledger["records"].as_array().unwrap();
    let last = records.last().unwrap();
    assert_eq!((&last["event"], &last["who"]["operator"]), (&"rolled-back".into(), &"佐藤".into()));
    assert_eq!(
        (&last["subject"]["edition"], &last["from"]),
        (&"2026.05".into(), &"2026.04".into())
    );
    let imported = &records[1];
    assert_eq!(imported["who"]["media"], "USB-07");

    let run = |arguments: &[&str]| appliance.command(arguments).output().unwrap();
    // A head from before the last records covers what was there then.
    let early = records[2]["before"].as_str().unwrap();
    let verified = run(&["ledger", "--verify", "--head", early]);
    let said = String::from_utf8(verified.stdout).unwrap();
    assert!(verified.status.success() && said.contains("The 2 record(s)"), "{said}");
    let stranger = "0".repeat(64);
    assert_eq!(run(&["ledger", "--verify", "--head", &stranger]).status.code(), Some(1));
    let path = appliance.env.data_dir().join("ledger.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("USB-07", "USB-08")).unwrap();
    assert_eq!(run(&["ledger", "--verify"]).status.code(), Some(1));
    let doctor = run(&["doctor", "--json"]);
    let findings: Value = serde_json::from_slice(&doctor.stdout).unwrap();
    let ledger = findings.as_array().unwrap().iter().find(|one| one["check"] == "ledger").unwrap();
    assert_eq!(ledger["verdict"], "bad");
    let unknown = run(&["rollback", "dataset", "nowhere"]);
    assert_eq!(unknown.status.code(), Some(1));
}

/// A small data set of one document, with golden questions.
fn town(appliance: &Appliance, name: &str, fee: &str, golden: Option<&str>) -> std::path::PathBuf {
    let dir = appliance.env.dataset(name, name, &[("fee.txt", fee)]);
    if let Some(golden) = golden {
        std::fs::write(dir.join("golden.toml"), golden).unwrap();
    }
    dir
}

#[test]
fn an_edition_that_lost_something_does_not_take_over() {
    let appliance = Appliance::new();
    let good = town(&appliance, "r8.1", "住民票の写しの手数料は、300円とする。\n", Some(GOLDEN));
    let lost = town(&appliance, "r8.2", "軽自動車税の納期は、5月とする。\n", Some(GOLDEN));
    let [one, two] = ["one", "two"].map(|name| appliance.medium(name));
    appliance.publisher.dataset(&one, &good, 1, true, None);
    appliance.publisher.dataset(&two, &lost, 2, true, None);
    assert_eq!(appliance.sync(&one, &[]).0, Some(0));

    let (code, reports) = appliance.sync(&two, &[]);
    assert_eq!((code, &reports[0]["reason"]), (Some(1), &"golden-questions".into()), "{reports}");
    let said = reports[0]["en"].as_str().unwrap();
    assert!(said.contains("1 of 2 wrong: 「住民票の写しの手数料はいくらですか」"), "{said}");
    assert!(first_hit(&appliance, "住民票の写しの手数料").contains("300円"));
    let staging = std::fs::read_dir(appliance.env.data_dir().join("staging")).unwrap();
    assert_eq!(staging.count(), 0, "what is no good is not kept");

    // A person at the keyboard is told, and goes on.
    let added = appliance.json(&["dataset", "add", text(&lost), "--json"]);
    assert_eq!(added["golden"]["failed"], json!(["住民票の写しの手数料はいくらですか"]));
    assert_eq!(added["documents"], 1, "the questions are no document");
    let list = appliance.json(&["dataset", "list", "--json"]);
    assert_eq!((&list[0]["info"]["edition"], &list[0]["origin"]), (&"r8.2".into(), &Value::Null));
    std::fs::write(lost.join("golden.toml"), "threshold = 9\n").unwrap();
    let added = appliance.json(&["dataset", "add", text(&lost), "--json"]);
    assert_eq!(added["warnings"][0]["path"], "golden.toml", "{added}");
}

#[test]
fn a_medium_may_hold_several() {
    let appliance = Appliance::new();
    let publisher = &appliance.publisher;
    let medium = appliance.medium("medium");
    let assistant = |prompt: &str| {
        let content = format!("title = \"議事録の要約\"\nprompt = \"{prompt}\"\n").into_bytes();
        vec![source("gijiroku.toml", ArtifactRole::Assistant, Content::Bytes(content))]
    };
    let office = header(Kind::Assistants, "office", "r8.1", 1);
    publisher.pack(&medium, office, &assistant(""), None);
    let town = town(&appliance, "r8.1", "住民票の写しの手数料は、300円とする。\n", None);
    publisher.dataset(&medium, &town, 1, false, None);
    let weights = source("model.gguf", ArtifactRole::Weights, Content::File(MODEL.into()));
    publisher.pack(&medium, header(Kind::Model, "mini", "1", 1), &[weights], None);

    let (code, reports) = appliance.sync(&medium, &[]);
    let told: Vec<_> =
        reports.as_array().unwrap().iter().map(|one| one["outcome"].as_str().unwrap()).collect();
    assert_eq!((code, told), (Some(1), vec!["imported", "imported", "refused"]), "{reports}");
    let kinds: Vec<_> = (0..2).map(|at| &reports[at]["bundle"]["kind"]).collect();
    assert_eq!(kinds, ["model", "dataset"]);
    assert_eq!(reports[2]["reason"], "unusable-content");
    assert!(reports[2]["en"].as_str().unwrap().contains("gijiroku.toml"), "{reports}");

    let models = appliance.json(&["model", "list", "--json"]);
    assert_eq!((&models[0]["id"], &models[0]["self_test"]), (&"mini".into(), &true.into()));
    let blake3 = models[0]["blake3"].as_str().unwrap();
    let home = appliance.env.data_dir().join("models").join(blake3);
    assert!(home.join("model.tiles").is_file(), "serving starts at once");
    assert!(appliance.command(&["model", "verify"]).status().unwrap().success());

    let better = appliance.medium("better");
    let office = header(Kind::Assistants, "office", "r8.2", 2);
    publisher.pack(&better, office, &assistant("次の会議録を要約してください。"), None);
    assert_eq!(appliance.sync(&better, &[]).0, Some(0));
    let place = "assistants/office/r8.2/assistants/gijiroku.toml";
    assert!(appliance.env.data_dir().join(place).is_file());
}

#[test]
fn releases_of_one_subject_come_in_their_order() {
    let appliance = Appliance::new();
    let medium = appliance.medium("medium");
    let first = town(&appliance, "r8.1", "住民票の写しの手数料は、300円とする。\n", None);
    let second = town(&appliance, "r8.2", "住民票の写しの手数料は、350円とする。\n", None);
    appliance.publisher.dataset(&medium, &first, 1, false, None);
    std::fs::rename(medium.join("kura-bundle"), medium.join("kura-bundle-z")).unwrap();
    appliance.publisher.dataset(&medium, &second, 2, false, None);
    let (code, reports) = appliance.sync(&medium, &[]);
    assert_eq!(code, Some(0), "{reports}");
    assert!(first_hit(&appliance, "住民票の写しの手数料").contains("350円"));
    let listed = appliance.json(&["rollback", "--json"]);
    assert_eq!(listed[0]["previous"], "r8.1", "{listed}");
}

#[test]
fn a_program_that_does_not_pass_its_check_stays_out() {
    let appliance = Appliance::new();
    let pack = |name: &str, counter: u64, script: &str| {
        let medium = appliance.medium(name);
        let content = Content::Bytes(format!("#!/bin/sh\n{script}\n").into_bytes());
        let program = source("kura", ArtifactRole::Program, content);
        let header = header(Kind::App, "kura", name, counter);
        appliance.publisher.pack(&medium, header, &[program], None);
        medium
    };
    let bad = pack("0.2.0", 1, "echo 'cannot read state.json' >&2; exit 1");
    let (code, reports) = appliance.sync(&bad, &[]);
    assert_eq!((code, &reports[0]["reason"]), (Some(1), &"app-check".into()), "{reports}");
    assert!(reports[0]["en"].as_str().unwrap().contains("cannot read state.json"), "{reports}");
    assert_eq!(appliance.json(&["rollback", "--json"]), json!([]));

    let answer = "[ \"$1\" = check-state ] && echo '{\"version\":\"0.3.0\",\"state_format\":2}'";
    let good = pack("0.3.0", 2, answer);
    let (code, reports) = appliance.sync(&good, &[]);
    assert_eq!((code, &reports[0]["outcome"]), (Some(0), &"imported".into()), "{reports}");
    let listed = appliance.json(&["rollback", "--json"]);
    assert_eq!((&listed[0]["kind"], &listed[0]["previous"]), (&"app".into(), &"package".into()));
    let back = appliance.json(&["rollback", "app", "--json"]);
    assert_eq!(back["current"], "package");
}

#[test]
fn nothing_is_taken_without_trust() {
    let appliance = Appliance::new();
    let town = town(&appliance, "r8.1", "手数料は、300円とする。\n", None);
    let medium = appliance.medium("medium");
    appliance.publisher.dataset(&medium, &town, 1, false, None);
    let who = ["--operator", "佐藤", "--approver", "鈴木"];
    let sync = |place| [&["sync", place], &who[..]].concat();
    let message = appliance.env.run(&sync(text(&medium)));
    assert_eq!(message.status.code(), Some(1));
    let said = String::from_utf8(message.stdout).unwrap();
    assert!(said.contains("sync.trusted_root"), "{said}");
    let stranger = crate::publisher::Publisher::new();
    let mut command = appliance.env.command(&[&sync(text(&medium))[..], &["--json"]].concat());
    let refused = command.env("KURA_SYNC_TRUSTED_ROOT", stranger.fingerprint()).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let reports: Value = serde_json::from_slice(&refused.stdout).unwrap();
    assert_eq!(reports[0]["reason"], "untrusted-root", "{reports}");
    // Nothing at that place is an attempt as well.
    assert!(appliance.env.fail(&sync("/nonexistent"), 1).contains("kura-bundle"));
    let ledger = appliance.json(&["ledger", "--json"]);
    let last = ledger["records"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["reason"], &last["place"]), (&"not-a-bundle".into(), &"/nonexistent".into()));
    let long = "名".repeat(101);
    let asked = ["sync", text(&medium), "--approver", "鈴木", "--operator", long.as_str()];
    assert!(appliance.env.fail(&asked, 2).contains("--operator"));
    assert_eq!(appliance.json(&["dataset", "list", "--json"]), json!([]));
}

/// Whatever the moment of Ctrl-C: the old generation answers or the new one, the record holds, and
/// running it again ends well.
#[test]
fn it_may_be_stopped_or_killed_at_any_moment() {
    let appliance = Appliance::new();
    let [old, new] = two_editions(&appliance);
    let [one, two] = ["one", "two"].map(|name| appliance.medium(name));
    appliance.publisher.dataset(&one, &old, 1, true, None);
    appliance.publisher.dataset(&two, &new, 2, false, None);
    assert_eq!(appliance.sync(&one, &[]).0, Some(0));
    for step in 0..20u64 {
        // Ctrl-C, and what a power cut looks like to a process.
        let signal = if step % 2 == 0 { "-INT" } else { "-KILL" };
        let mut child =
            appliance.command(&["sync", text(&two), "--approver", "鈴木"]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(step * step * 2));
        let id = child.id().to_string();
        // It may have ended already.
        let _ = std::process::Command::new("kill").args([signal, &id]).status();
        let status = child.wait().unwrap();
        assert_ne!(status.code(), Some(1), "stopped or done, never refused");
        let hit = first_hit(&appliance, PET);
        assert!(hit.contains("2,000円") || hit.contains("2,750円"), "{hit}");
        appliance.json(&["ledger", "--json"]);
    }
    assert_eq!(appliance.sync(&two, &[]).0, Some(0));
    assert!(first_hit(&appliance, PET).contains("2,750円"));
}

/// `kura serve` on a port of its own.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(appliance: &Appliance) -> Self {
        let mut command = appliance.command(&["serve", "--listen", "127.0.0.1:0"]);
        let mut child = command
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split_once("http://").unwrap().1.trim().trim_end_matches('/').to_owned();
        Self { child, address }
    }

    /// Asks, and gives the stream of events from its first one on.
    fn ask(&self, question: &str) -> (Value, BufReader<TcpStream>) {
        let body = json!({"question": question}).to_string();
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(300))).unwrap();
        write!(
            stream,
            "POST /api/answer HTTP/1.0\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .unwrap();
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        while !line.starts_with("data:") {
            line.clear();
            assert_ne!(reader.read_line(&mut line).unwrap(), 0, "no event came");
        }
        (serde_json::from_str(&line["data:".len()..]).unwrap(), reader)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already where the test failed on it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The last event of a stream.
fn last(mut reader: BufReader<TcpStream>) -> Value {
    let mut rest = String::new();
    reader.read_to_string(&mut rest).unwrap();
    let line = rest.lines().rev().find_map(|line| line.strip_prefix("data:")).unwrap();
    serde_json::from_str(line).unwrap()
}

#[test]
fn answers_end_on_the_edition_that_they_began_with() {
    let appliance = Appliance::new();
    let [old, new] = two_editions(&appliance);
    let [one, two] = ["one", "two"].map(|name| appliance.medium(name));
    appliance.publisher.dataset(&one, &old, 1, true, None);
    appliance.publisher.dataset(&two, &new, 2, true, None);
    assert_eq!(appliance.sync(&one, &[]).0, Some(0));
    assert!(appliance.command(&["model", "add", MODEL]).status().unwrap().success());
    let server = Server::start(&appliance);

    let (sources, under_way) = server.ask(PET);
    assert!(sources.to_string().contains("2,000円"), "{sources}");
    assert_eq!(appliance.sync(&two, &[]).0, Some(0));
    let edition = |event: &Value| event["summary"]["provenance"]["datasets"][0]["edition"].clone();
    let ended = last(under_way);
    assert_eq!((&ended["type"], edition(&ended)), (&"finished".into(), "2026.04".into()));

    let (sources, fresh) = server.ask(PET);
    assert!(sources.to_string().contains("2,750円"), "{sources}");
    assert_eq!(edition(&last(fresh)), "2026.05");

    let arguments = ["rollback", "dataset", "kurasaki-sample", "--json"];
    assert_eq!(appliance.json(&arguments)["current"], "2026.04");
    let (sources, back) = server.ask(PET);
    assert!(sources.to_string().contains("2,000円"), "{sources}");
    assert_eq!(edition(&last(back)), "2026.04");
}
