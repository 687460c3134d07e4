mod hostile;
mod properties;

use super::*;
use crate::document::{Authority, DatasetInfo, Scope};

mod disk_full;
mod power_cut;
mod unplugged;

fn record(edition: &str) -> GenerationRecord {
    GenerationRecord {
        info: DatasetInfo {
            id: "town".into(),
            title: "町".into(),
            scope: Scope::Local,
            authority: Authority::Manual,
            as_of: jiff::civil::date(2026, 4, 1),
            edition: edition.into(),
            publisher: "町".into(),
            licence: "MIT".into(),
            stale_after_days: 365,
            documents: Vec::new(),
        },
        content_blake3: "00".into(),
        documents: 1,
        passages: 1,
        failures: Vec::new(),
        warnings: Vec::new(),
        added_at: "2026-04-01T00:00:00+09:00".into(),
        kura_version: "0".into(),
    }
}

fn add(installation: &Installation, edition: &str) -> String {
    let mut writer = installation.writer().unwrap();
    let staging = writer.stage().unwrap();
    std::fs::create_dir(staging.path().join("index")).unwrap();
    std::fs::write(staging.path().join("index/segment"), edition).unwrap();
    writer.commit_dataset(staging, &record(edition)).unwrap()
}

#[test]
fn two_generations_stay() {
    let dir = tempfile::tempdir().unwrap();
    let installation = Installation::new(dir.path());
    assert_eq!(add(&installation, "r8.1"), "r8.1");
    assert_eq!(add(&installation, "r8.2"), "r8.2");
    assert_eq!(add(&installation, "r8.2"), "r8.2-2");
    let state = installation.state().unwrap();
    let entry = &state.datasets["town"];
    assert_eq!(entry.current, "r8.2-2");
    assert_eq!(entry.previous.as_deref(), Some("r8.2"));
    assert!(!installation.generation_dir("town", "r8.1").exists());
    assert!(installation.index_dir("town", "r8.2").join("segment").exists());
    assert_eq!(installation.generation("town", "r8.2-2").unwrap(), record("r8.2"));

    installation.writer().unwrap().remove_dataset("town").unwrap();
    assert!(installation.state().unwrap().datasets.is_empty());
    assert!(!dir.path().join("datasets/town").exists());
    let missing = installation.writer().unwrap().remove_dataset("town");
    assert!(matches!(missing, Err(SyncError::UnknownDataset(_))));
}

#[test]
fn what_was_cut_off_is_swept() {
    let dir = tempfile::tempdir().unwrap();
    let installation = Installation::new(dir.path());
    add(&installation, "r8.1");
    std::fs::create_dir_all(dir.path().join("staging/build-x/index")).unwrap();
    std::fs::create_dir_all(installation.generation_dir("town", "r8.9")).unwrap();
    drop(installation.writer().unwrap());
    assert!(!dir.path().join("staging/build-x").exists());
    assert!(!installation.generation_dir("town", "r8.9").exists());
    assert!(installation.generation_dir("town", "r8.1").exists());
}

#[test]
fn one_writer_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let installation = Installation::new(dir.path());
    let first = installation.writer().unwrap();
    assert!(matches!(installation.writer(), Err(SyncError::Locked { .. })));
    drop(first);
    installation.writer().unwrap();
}

#[test]
fn a_damaged_state_is_named_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let installation = Installation::new(dir.path());
    add(&installation, "r8.1");
    std::fs::write(installation.state_path(), "{").unwrap();
    let error = installation.writer().unwrap_err().to_string();
    assert!(error.contains("state.json"), "{error}");
    assert!(installation.generation_dir("town", "r8.1").exists());
}

fn evaluation() -> Evaluation {
    Evaluation {
        questions: 90,
        questions_blake3: "00".into(),
        choices: Share { right: 41, of: 66 },
        cited: Share { right: 60, of: 66 },
        verbatim: Share::default(),
        none_recall: Share { right: 12, of: 24 },
        none_precision: Share { right: 12, of: 12 },
        prefill_tokens_per_s: 60.5,
        decode_tokens_per_s: 20.25,
        kura_version: "0".into(),
        evaluated_at: "2026-04-01T00:00:00+09:00".into(),
    }
}

#[test]
fn an_evaluation_in_one_line() {
    assert_eq!(
        evaluation().label(),
        "見本データによる90問：四択の正答62%（41/66）、正しい出典91%（60/66）、\
         答えのない質問への該当なし50%（12/24）、該当なしの正しさ100%（12/12）"
    );
}

#[test]
fn the_last_model_leaves_none_in_use() {
    let dir = tempfile::tempdir().unwrap();
    let installation = Installation::new(dir.path());
    for (id, blake3) in [("a", "aa"), ("b", "bb")] {
        let mut writer = installation.writer().unwrap();
        let staging = writer.stage().unwrap();
        std::fs::write(staging.path().join("model.gguf"), id).unwrap();
        let record = ModelRecord {
            id: id.into(),
            name: id.into(),
            blake3: blake3.into(),
            quantization: "F16".into(),
            architecture: "llama".into(),
            size_bytes: 1,
            context_tokens: 512,
            licence: String::new(),
            self_test: false,
            added_at: String::new(),
        };
        writer.commit_model(staging, &record).unwrap();
    }
    assert_eq!(installation.evaluation("aa").unwrap(), None);
    let measured = evaluation();
    installation.writer().unwrap().record_evaluation("aa", &measured).unwrap();
    assert_eq!(installation.evaluation("aa").unwrap(), Some(measured));
    let ids: Vec<_> = installation.models().unwrap().into_iter().map(|model| model.id).collect();
    assert_eq!(ids, ["a", "b"]);
    let mut writer = installation.writer().unwrap();
    assert_eq!(writer.state().model.as_deref(), Some("a"));
    writer.use_model("b").unwrap();
    writer.remove_model("b").unwrap();
    assert_eq!(writer.state().model.as_deref(), Some("a"));
    assert!(!installation.model_path("bb").exists());
    writer.remove_model("a").unwrap();
    assert_eq!(writer.state().model, None);
}

#[test]
fn an_update_is_due_after_the_days_that_its_publisher_says() {
    let floor = |issued_at: &str, stale_after_days| Floor {
        counter: 1,
        manifest: String::new(),
        security_floor: 0,
        issued_at: issued_at.to_owned(),
        stale_after_days,
        attempt: 0,
    };
    for (issued_at, days, today, due) in [
        ("2026-04-01T09:00:00+09:00", 30, (2026, 5, 1), false),
        ("2026-04-01T09:00:00+09:00", 30, (2026, 5, 2), true),
        ("2026-04-01T09:00:00+09:00", 0, (2036, 5, 2), false),
        ("2024-04-01T09:00:00+09:00", 730, (2026, 4, 2), true),
        ("someday", 1, (2036, 5, 2), false),
    ] {
        let today = jiff::civil::date(today.0, today.1, today.2);
        assert_eq!(floor(issued_at, days).is_due(today), due, "{issued_at} {days} {today}");
    }
}
