//! Embeds the sample data set and the bundled model, so that one binary can show and test itself.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").expect("set by cargo"));
    let out = PathBuf::from(std::env::var("OUT_DIR").expect("set by cargo")).join("bundled.rs");
    let sample = root.join("index/sample");
    println!("cargo::rerun-if-changed={}", sample.display());
    let mut files = Vec::new();
    walk(&sample, &mut files);
    files.sort();
    let mut code = String::from("pub(super) const SAMPLE: &[(&str, &[u8])] = &[\n");
    for path in files {
        let name = path.strip_prefix(&sample).expect("below the sample").display().to_string();
        writeln!(code, "    ({name:?}, include_bytes!({path:?})),").expect("a String takes all");
    }
    code.push_str("];\n");
    let questions = root.join("index/sample-questions.toml");
    println!("cargo::rerun-if-changed={}", questions.display());
    writeln!(code, "pub(super) const QUESTIONS: &str = include_str!({questions:?});")
        .expect("a String takes all");
    let benchmark = root.join("index/sample-benchmark.toml");
    println!("cargo::rerun-if-changed={}", benchmark.display());
    writeln!(code, "pub(super) const BENCHMARK: &str = include_str!({benchmark:?});")
        .expect("a String takes all");
    std::fs::write(&out, code).expect("OUT_DIR can be written");
}

fn walk(dir: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            walk(&path, files);
        } else {
            files.push(path);
        }
    }
}
