//! The transfer record as an office and an auditor meet it: who answers for what came in, what is
//! noticed when the record was tampered with, and how the office goes on.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::env::text;
use crate::publisher::Appliance;

const WHO: [&str; 6] = ["--operator", "佐藤", "--approver", "鈴木", "--media", "USB-07"];

struct Box {
    appliance: Appliance,
    medium: PathBuf,
}

impl Box {
    /// A box that took one data set.
    fn new() -> Self {
        let appliance = Appliance::new();
        let medium = appliance.medium("medium");
        let boxed = Self { appliance, medium };
        boxed.pack("r8.1", 1);
        let (code, reports) = boxed.appliance.sync(&boxed.medium, &WHO);
        assert_eq!(code, Some(0), "{reports}");
        boxed
    }

    fn pack(&self, edition: &str, counter: u64) {
        let fee = format!("{edition}の住民票の写しの手数料は、300円とする。\n");
        let dir = self.appliance.env.dataset(edition, edition, &[("fee.txt", &fee)]);
        self.appliance.publisher.dataset(&self.medium, &dir, counter, false, None);
    }

    fn ledger(&self) -> PathBuf {
        self.appliance.env.data_dir().join("ledger.jsonl")
    }

    fn said(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let mut command = self.appliance.command(arguments);
        let output = command.env("KURA_LANG", "ja").output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    }

    fn findings(&self) -> Vec<String> {
        let (_, said) = self.said(&["doctor"]);
        said.lines().filter(|line| line.contains("持込記録")).map(str::to_owned).collect()
    }
}

/// Deleted, cut or replaced: noticed without a head, by everything that looks at it; what was
/// turned away is not forgotten; nobody is told to remove evidence; and there is a way on.
#[test]
fn a_record_that_was_tampered_with_is_noticed_and_kept() {
    for tamper in [
        |path: &PathBuf| fs::remove_file(path).unwrap(),
        |path: &PathBuf| {
            let text = fs::read_to_string(path).unwrap();
            fs::write(path, text.split_inclusive('\n').next().unwrap()).unwrap();
        },
        |path: &PathBuf| {
            let text = fs::read_to_string(path).unwrap();
            fs::write(path, text.replace("USB-07", "USB-08")).unwrap();
        },
    ] {
        let boxed = Box::new();
        assert_eq!(boxed.said(&["ledger", "--verify"]).0, Some(0));
        tamper(&boxed.ledger());
        let (code, said) = boxed.said(&["ledger", "--verify"]);
        let told = |said: &str| {
            assert!(said.contains("情報セキュリティ担当者"), "{said}");
            assert!(!said.contains("入れ直") && !said.contains("line "), "{said}");
        };
        assert_eq!(code, Some(1), "{said}");
        told(&said);
        boxed.pack("r8.2", 2);
        let (code, said) = boxed.said(&[&["sync", text(&boxed.medium)][..], &WHO[..]].concat());
        assert_eq!(code, Some(1), "{said}");
        told(&said);
        let findings = boxed.findings().join("\n");
        told(&findings);
        assert!(findings.contains("受け付けなかった操作が1件") && findings.contains("佐藤"));

        let (code, said) = boxed.said(&["ledger", "--set-aside"]);
        assert!(code == Some(2) && said.contains("承認者"), "{said}");
        let who = ["ledger", "--set-aside", "--operator", "佐藤", "--approver", "鈴木"];
        let (code, said) = boxed.said(&who);
        assert_eq!(code, Some(0), "{said}");
        let (code, reports) = boxed.appliance.sync(&boxed.medium, &WHO);
        assert_eq!(code, Some(0), "{reports}");
        assert_eq!(boxed.said(&["ledger", "--verify"]).0, Some(0));
        let (code, said) = boxed.said(&who);
        assert!(code == Some(1) && said.contains("何もしませんでした"), "{said}");
    }
}

/// Whoever brings something in, and who approved it, stand in the record; and what came to nothing
/// stands there as far as it was known.
#[test]
fn who_answers_for_it_and_what_it_was() {
    let boxed = Box::new();
    let medium = text(&boxed.medium).to_owned();
    let (code, said) = boxed.said(&["sync", &medium]);
    assert!(code == Some(2) && said.contains("--approver") && said.contains("承認者"), "{said}");
    let mut nobody = boxed.appliance.command(&["sync", &medium, "--approver", "鈴木"]);
    let nobody = nobody.env_remove("KURA_SYNC_OPERATOR").output().unwrap();
    assert_eq!(nobody.status.code(), Some(2));
    assert!(String::from_utf8(nobody.stderr).unwrap().contains("--operator"));
    assert_eq!(boxed.said(&["sync", &medium, "--dry-run"]).0, Some(0), "looking needs nobody");
    assert_eq!(boxed.said(&["sync", &medium, "--unattended"]).0, Some(0));

    // Another channel is refused once its signatures were found right.
    boxed.pack("r8.2", 2);
    let mut other = boxed.appliance.command(&["sync", &medium, "--approver", "鈴木"]);
    other.env("KURA_SYNC_CHANNEL", "trial").env("KURA_LANG", "ja");
    let refused = String::from_utf8(other.output().unwrap().stdout).unwrap();
    assert!(refused.contains("この機器が受け付けるのは trial です"), "{refused}");

    let ledger = boxed.appliance.json(&["ledger", "--json"]);
    let records = ledger["records"].as_array().unwrap();
    let unattended = records.iter().find(|one| one["event"] == "unchanged").unwrap();
    assert_eq!(unattended["who"]["operator"], "USB自動取込");
    assert_eq!(unattended["who"]["approver"], "（承認者の確認が必要）");
    let refused = records.last().unwrap();
    assert_eq!(
        (&refused["event"], &refused["subject"]["edition"]),
        (&"refused".into(), &"r8.2".into())
    );
    let (_, table) = boxed.said(&["ledger"]);
    assert!(table.contains("この機器向けのパッケージではありません"), "{table}");
    assert!(!table.contains("not-for-this-box"), "{table}");
}

#[test]
fn the_record_goes_onto_paper_and_into_a_table_at_once() {
    let boxed = Box::new();
    let [page, table] = ["record.html", "record.csv"].map(|name| boxed.appliance.env.path(name));
    let both = ["ledger", "--html", text(&page), "--csv", text(&table)];
    assert_eq!(boxed.said(&both).0, Some(0));
    let (page, table) = (fs::read_to_string(page).unwrap(), fs::read_to_string(table).unwrap());
    for part in ["ファイルのハッシュ（BLAKE3）", "先頭ハッシュ（BLAKE3）"] {
        assert!(page.contains(part) && table.contains(part), "{part}");
    }
    assert!(page.contains("b3sum"));
    let at = table.lines().nth(1).unwrap().split("\",\"").nth(1).unwrap().to_owned();
    assert!(at.ends_with("UTC") || at.contains(" +") || at.contains(" -"), "{at} has no zone");
    let (code, said) = boxed.said(&["ledger", "--verify", "--head", "abc"]);
    assert!(code == Some(2) && said.contains("64桁"), "{said}");
}

/// A delta on a box that has not the edition that it builds on names both, and what to do.
#[test]
fn a_delta_without_its_base_says_which_edition_is_missing() {
    let boxed = Box::new();
    let env = &boxed.appliance.env;
    let fee = |edition: &str| format!("{edition}の手数料は、{}。\n", "300円とする".repeat(2000));
    let editions = ["r8.5", "r8.6"].map(|edition| {
        env.dataset(edition, edition, &[("fee.txt", &fee("同じ")), ("new.txt", &fee(edition))])
    });
    let publisher = &boxed.appliance.publisher;
    let base = publisher.dataset(&boxed.appliance.medium("base"), &editions[0], 5, false, None);
    let delta = boxed.appliance.medium("delta");
    publisher.dataset(&delta, &editions[1], 6, false, Some(&base));
    let (code, reports) = boxed.appliance.sync(&delta, &WHO);
    assert_eq!((code, &reports[0]["reason"]), (Some(1), &"missing-chunk".into()), "{reports}");
    let said = reports[0]["ja"].as_str().unwrap();
    for part in ["版 r8.6 は版 r8.5 からの差分", "入っているのは版 r8.1", "先に取り込むか"]
    {
        assert!(said.contains(part), "{said}");
    }
}

/// A wrong digit in the settings can be told from somebody else's stick.
#[test]
fn a_wrong_fingerprint_is_shown_beside_the_one_on_the_stick() {
    let boxed = Box::new();
    let wrong = "ab".repeat(32);
    let mut command =
        boxed.appliance.command(&["sync", text(&boxed.medium), "--json", "--unattended"]);
    let output = command.env("KURA_SYNC_TRUSTED_ROOT", &wrong).output().unwrap();
    let reports: Value = serde_json::from_slice(&output.stdout).unwrap();
    let said = reports[0]["ja"].as_str().unwrap();
    let own = boxed.appliance.publisher.fingerprint();
    assert!(said.contains(&wrong) && said.contains(&own), "{said}");
}
