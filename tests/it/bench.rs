//! `kura bench`: every scenario gives figures, the picture is drawn, mistakes are named. No time
//! decides a test.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use kura::llm::testing::TestModel;
use serde_json::Value;

use crate::env::{Env, sample, text};

/// A model with room for the longest context, quick to compute.
fn model(env: &Env) -> std::path::PathBuf {
    let path = env.path("long.gguf");
    let model = TestModel { layers: 1, context_tokens: 4608, ..TestModel::new("qwen3") };
    model.write(&path).unwrap();
    path
}

/// The spread of a figure of the report.
fn figure<'r>(report: &'r Value, key: &str) -> &'r Value {
    let figures = report["figures"].as_array().unwrap();
    figures.iter().find(|one| one["key"] == key).unwrap_or_else(|| panic!("{key}: {report}"))
}

#[test]
fn a_quick_run_gives_all_scenarios_and_a_picture() {
    let env = Env::new();
    env.succeed(&["dataset", "add", text(&sample())]);
    let (model, plot) = (model(&env), env.path("roof.svg"));
    let asked = ["bench", "--quick", "--json", "--model", text(&model), "--plot", text(&plot)];
    let report = env.json(&asked);
    assert_eq!(report["complete"], true);
    for key in [
        "prefill_128",
        "prefill_512",
        "decode_0",
        "decode_1024",
        "users_1_sum",
        "users_4_sum",
        "users_8_sum",
        "users_16_sum",
        "users_16_slowest",
        "rag_cold",
        "rag_other_question",
        "rag_other_order",
        "rag_half_shared",
        "copy_plain",
        "load",
        "load_and_token",
        "memory_decode",
        "memory_users",
    ] {
        let spread = &figure(&report, key)["kura"];
        let of = |name: &str| spread[name].as_f64().unwrap();
        assert!(0.0 < of("least") && of("least") <= of("median"), "{key}: {spread}");
        assert!(of("median") <= of("most"), "{key}: {spread}");
    }
    assert!(report["search"]["p99_ms"].as_f64().unwrap() > 0.0);
    assert!(report["machine"]["read_gb_per_s"].as_f64().unwrap() > 0.0);
    let points = report["roofline"].as_array().unwrap();
    assert!(points.iter().any(|point| point["key"] == "users_16_sum"));
    assert!(points.iter().all(|point| point["roof_gop_per_s"].as_f64().unwrap() > 0.0));
    let left: Vec<&str> = report["plan"]["left_out"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l["what"].as_str().unwrap())
        .collect();
    assert!(left.contains(&"prefill 2048") && left.contains(&"decode 4096"), "{left:?}");
    check_picture(&plot, points.len());
}

/// Well-formed, with the roof and a mark for each figure but the longer contexts.
fn check_picture(path: &Path, points: usize) {
    let svg = std::fs::read_to_string(path).unwrap();
    let mut reader = quick_xml::Reader::from_str(&svg);
    while reader.read_event().unwrap() != quick_xml::events::Event::Eof {}
    assert_eq!(svg.matches("class='roof'").count(), 2);
    // One context beyond the start is not drawn, the legend has a mark of its own.
    assert_eq!(svg.matches("class='kura'").count(), points);
    assert!(svg.contains("prefill 512") && svg.contains("16 users"));
}

#[test]
fn the_self_test_model_is_measured_as_far_as_its_context_goes() {
    let env = Env::new();
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/kura-mini/kura-mini-q8_0.gguf");
    env.succeed(&["model", "add", text(&model)]);
    let words = env.succeed(&["bench", "--quick", "--only", "decode,load,search", "--lang", "ja"]);
    assert!(words.contains("生成 文脈0"), "{words}");
    assert!(words.contains("decode 1024 (モデルの文脈に収まりません)"), "{words}");
    assert!(words.contains("search (データセットがありません)"), "{words}");
    assert!(!words.contains("入力の処理"), "{words}");
}

#[test]
fn what_cannot_be_done_is_said_in_plain_words() {
    let env = Env::new();
    let model = model(&env);
    let message = env.fail(&["bench", "--only", "prefil", "--model", text(&model)], 2);
    assert!(message.contains("prefil:") && message.contains("prefill, decode"), "{message}");
    assert!(env.fail(&["bench"], 1).contains("--model"));
    assert!(env.fail(&["bench", "--model", text(&env.path("none.gguf"))], 1).contains("none.gguf"));
    let asked = ["bench", "--quick", "--only", "load", "--model", text(&model)];
    let none = [&asked[..], &["--against", "llama-cpp", "--python", "/none/python"]].concat();
    let message = env.fail(&none, 1);
    assert!(message.contains("/none/python") && message.contains("--python"), "{message}");
    assert!(env.fail(&[&asked[..], &["--against", "other"]].concat(), 2).contains("llama-cpp"));
}

#[test]
fn an_interrupt_prints_what_was_measured() {
    let env = Env::new();
    let model = model(&env);
    let asked = ["bench", "--quick", "--only", "load,prefill", "--repeat", "100000", "--json"];
    let child = env.spawn(&[&asked[..], &["--model", text(&model)]].concat());
    let children = format!("/proc/{0}/task/{0}/children", child.id());
    // The first process warms up, the second measures prompts; with the third that is done.
    let mut seen = Vec::new();
    while seen.len() < 3 {
        let now = std::fs::read_to_string(&children).unwrap();
        let new = now.split_whitespace().map(str::to_owned);
        seen.extend(new.filter(|id| !seen.contains(id)).collect::<Vec<_>>());
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let interrupt = rustix::process::Signal::INT;
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, interrupt).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.status.signal()), (Some(130), None));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["complete"], false);
    assert!(figure(&report, "prefill_128")["kura"]["median"].as_f64().unwrap() > 0.0);
}

#[test]
fn updates_are_measured_where_they_are_named() {
    let env = Env::new();
    let report = env.json(&["bench", "--quick", "--only", "sync", "--json"]);
    let sync = &report["sync"];
    for import in [&sync["model"], &sync["dataset"]] {
        for rate in ["pack_mb_per_s", "copy_mb_per_s", "seconds"] {
            assert!(import[rate].as_f64().unwrap() > 0.0, "{rate}: {import}");
        }
        for (step, rate) in import["steps"].as_object().unwrap() {
            assert!(rate.as_f64().unwrap() > 0.0, "{step}: {import}");
        }
    }
    assert_eq!(sync["dataset"]["index"]["passages"], 4_000);
    // One document in a hundred changed: the rest is not carried again.
    let documents = &sync["editions"][0];
    assert_eq!(documents["changed"], "documents");
    assert!(documents["carried_percent"].as_f64().unwrap() <= 5.0, "{documents}");
    assert!(documents["stored_percent"].as_f64().unwrap() <= 5.0, "{documents}");
    let words = env.succeed(&["bench", "--quick", "--only", "sync", "--lang", "ja"]);
    assert!(words.contains("更新の取り込み") && words.contains("展開と照合"), "{words}");
}
