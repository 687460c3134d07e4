//! The design holds: imports go down only, each outside crate has one home, files stay small.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Module → modules it may import besides itself.
const ARROWS: &[(&str, &[&str])] = &[
    ("text", &[]),
    ("document", &["text"]),
    ("config", &["text", "document"]),
    ("llm", &["config", "document", "text"]),
    ("search", &["config", "document", "text"]),
    ("ingest", &["config", "document", "text"]),
    ("sync", &["config", "document", "text"]),
    ("guard", &["config", "document", "text"]),
    ("store", &["config", "document", "text"]),
    ("answer", &["llm", "search", "sync", "guard", "store", "config", "document", "text"]),
    ("web", &["answer", "sync", "ingest", "guard", "store", "config", "document", "text"]),
    ("cli", &["config", "text"]),
];

/// Crate → modules that may name it.
const HOMES: &[(&str, &[&str])] = &[
    ("clap", &["cli", "commands"]),
    ("clap_complete", &["cli", "commands"]),
    ("axum", &["web"]),
    ("askama", &["web"]),
    ("prometheus", &["web"]),
    ("candle_core", &["llm"]),
    ("candle_transformers", &[]),
    ("tokenizers", &["llm"]),
    ("minijinja", &["llm"]),
    ("tantivy", &["search"]),
    ("icu_segmenter", &["search"]),
    ("calamine", &["ingest"]),
    ("chardetng", &["ingest"]),
    ("csv", &["ingest"]),
    ("encoding_rs", &["ingest"]),
    ("hayro_interpret", &["ingest"]),
    ("hayro_syntax", &["ingest"]),
    ("pulldown_cmark", &["ingest"]),
    ("quick_xml", &["ingest"]),
    ("scraper", &["ingest"]),
    ("zip", &["ingest"]),
    ("minisign_verify", &["sync"]),
    ("ct_codecs", &["sync"]),
    ("fastcdc", &["sync"]),
    ("zstd", &["sync"]),
    ("sha2", &["sync", "commands"]),
    ("tokio_rustls", &["web"]),
    ("hf_hub", &["commands"]),
    ("indicatif", &["commands"]),
    ("listenfd", &["commands"]),
    ("sd_notify", &["commands"]),
    ("minisign", &["commands", "sync"]),
    ("sqlx", &["store"]),
    ("argon2", &["store"]),
    ("docx_rs", &["answer"]),
];

/// Modules that may hold `unsafe`: kernels and memory maps.
const UNSAFE: &[&str] = &["src/llm/kernels", "src/llm/gguf", "src/llm/prepared", "src/llm/weights"];

const MOST_LINES: usize = 800;

/// Path below the repository and text of every source file.
fn sources() -> Vec<(String, String)> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    walk(&root.join("src"), &mut paths);
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            (path.strip_prefix(root).unwrap().to_string_lossy().into_owned(), text)
        })
        .collect()
}

/// `llm` of `src/llm/decoder.rs`, `config` of `src/config.rs`.
fn module(path: &str) -> &str {
    let below = path.strip_prefix("src/").unwrap();
    below.split('/').next().unwrap().trim_end_matches(".rs")
}

/// Names that follow `prefix` in code lines: `crate::llm::…` gives `llm`.
fn names_after<'t>(text: &'t str, prefix: &'t str) -> impl Iterator<Item = &'t str> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(move |line| line.split(prefix).skip(1))
        .map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or(""))
}

#[test]
fn imports_go_down_only() {
    let arrows: BTreeMap<_, _> = ARROWS.iter().copied().collect();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let from = module(&path);
        let Some(allowed) = arrows.get(from) else { continue };
        for to in names_after(&text, "crate::") {
            let is_module = arrows.contains_key(to) || to == "commands";
            if is_module && to != from && !allowed.contains(&to) {
                wrong.push(format!("{path}: {from} imports {to}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_module_has_its_arrows() {
    let known = |name: &str| {
        ARROWS.iter().any(|(module, _)| *module == name)
            || matches!(name, "main" | "lib" | "commands")
    };
    let unknown: Vec<_> = sources().into_iter().filter(|(path, _)| !known(module(path))).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
}

#[test]
fn each_crate_has_its_home() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        for (name, homes) in HOMES {
            let test_only = path.ends_with("tests.rs") || path.contains("/tests/");
            if homes.contains(&module(&path)) || test_only {
                continue;
            }
            let code = text.split("#[cfg(test)]").next().unwrap_or("");
            let named =
                code.lines().filter(|line| !line.trim_start().starts_with("//")).any(|line| {
                    line.contains(&format!("use {name}::"))
                        || line.contains(&format!(" {name}::"))
                        || line.contains(&format!("<{name}::"))
                        || line.contains(&format!("({name}::"))
                });
            if named {
                wrong.push(format!("{path} names {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn unsafe_has_its_place() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let allowed = UNSAFE.iter().any(|place| path.starts_with(place));
        if !allowed && text.lines().any(|line| line.contains("unsafe {")) {
            wrong.push(path);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn files_are_small_and_open_with_their_job() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let lines = text.lines().count();
        if lines > MOST_LINES {
            wrong.push(format!("{path}: {lines} lines"));
        }
        let is_test = path.ends_with("tests.rs") || path.contains("/tests/");
        if !text.starts_with("//!") && !is_test {
            wrong.push(format!("{path}: does not open with its job"));
        }
        for (at, line) in text.lines().enumerate() {
            if line.chars().count() > 100 && !line.contains('"') {
                wrong.push(format!("{path}:{}: over 100 columns", at + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn nothing_is_left_for_later() {
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX:"), "#[ignore"];
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        for mark in marks {
            if text.contains(mark) {
                wrong.push(format!("{path}: {mark}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Invariant 1: what serves has no code that could call out.
#[test]
fn no_http_client_is_linked() {
    let tree = std::process::Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "-e", "normal", "--prefix", "none"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).unwrap();
    let names: Vec<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(names.contains(&"axum"), "{names:?}");
    // rustls serves https; what a client would trust is not there.
    let clients = ["reqwest", "ureq", "hf-hub", "curl", "isahc", "attohttpc", "hyper-rustls"];
    let trust = ["rustls-native-certs", "rustls-platform-verifier", "webpki-roots", "aws-lc-rs"];
    for name in clients.iter().chain(&trust) {
        assert!(!names.contains(name), "{name} is linked");
    }
}
