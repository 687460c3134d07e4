//! What travels inside the binary: the sample data set, the self-test model and the catalogue.

use std::fs;
use std::path::Path;

use super::Failure;

include!(concat!(env!("OUT_DIR"), "/bundled.rs"));

/// `models/catalogue.toml`
pub(super) const CATALOGUE: &str = include_str!("../../models/catalogue.toml");

/// The self-test model, a GGUF file.
pub(super) const MODEL: &[u8] = include_bytes!("../../models/kura-mini/kura-mini-q8_0.gguf");

/// BLAKE3 of the self-test model, by which it is known under any name.
pub(super) fn model_hash() -> String {
    blake3::hash(MODEL).to_hex().to_string()
}

/// Id of the self-test model.
pub(super) const MODEL_ID: &str = "kura-mini";

/// Writes the sample data set (`dataset.toml` and documents) into a folder.
pub(super) fn write_sample(dir: &Path) -> Result<(), Failure> {
    for (name, bytes) in SAMPLE {
        let path = dir.join(name);
        let written =
            path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, bytes));
        written.map_err(|why| {
            Failure::new(
                format!("{}に書き込めません（{why}）。", path.display()),
                format!("cannot write {}: {why}", path.display()),
            )
        })?;
    }
    Ok(())
}

/// The beginnings of the longest documents of the sample data set that are plain text.
pub(super) fn texts(count: usize, chars: usize) -> Vec<String> {
    let mut texts: Vec<&str> =
        SAMPLE.iter().filter_map(|(_, bytes)| std::str::from_utf8(bytes).ok()).collect();
    texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    texts.iter().take(count).map(|text| text.chars().take(chars).collect()).collect()
}

/// BLAKE3 over the benchmark questions and the sample data set, which they are asked about.
pub(super) fn benchmark_hash() -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(BENCHMARK.as_bytes());
    // The golden questions are no content: figures from before them still compare.
    for (name, bytes) in SAMPLE.iter().filter(|(name, _)| *name != "golden.toml") {
        hasher.update(name.as_bytes()).update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    }
    hasher.finalize().to_hex().to_string()
}

/// The sample questions to try first.
pub(super) fn demo_questions() -> Vec<String> {
    let table: toml::Table = QUESTIONS.parse().unwrap_or_default();
    let questions = table.get("question").and_then(|list| list.as_array());
    questions
        .into_iter()
        .flatten()
        .filter(|question| question.get("demo").and_then(toml::Value::as_bool) == Some(true))
        .filter_map(|question| question.get("text")?.as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn three_questions_to_try() {
        assert_eq!(super::demo_questions().len(), 3);
    }
}
