//! Quality on the shared sample files: character-bigram F1 and character recall, whitespace
//! left out, against the known text or (real files) against pdftotext.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::document::{Document, Section};
use crate::ingest::IngestError;

fn folder(name: &str) -> Option<PathBuf> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/documents").join(name);
    if !shared.is_dir() {
        println!("skipped: {} does not exist", shared.display());
        return None;
    }
    Some(shared)
}

fn pdfs(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|e| e == "pdf")).collect();
    found.sort();
    found
}

/// Everything a reader of the document sees once: headings where they change, table headers
/// in the first row only.
pub(super) fn shown(document: &Document) -> String {
    let mut text = String::new();
    let mut headings: &[String] = &[];
    for section in &document.sections {
        let same = section.headings.iter().zip(headings).take_while(|(a, b)| a == b).count();
        for heading in &section.headings[same..] {
            text.push_str(heading);
            text.push('\n');
        }
        headings = &section.headings;
        text.push_str(&if section.table { table_once(section) } else { section.text.clone() });
        text.push('\n');
    }
    text
}

fn table_once(section: &Section) -> String {
    let mut seen: Vec<&str> = Vec::new();
    let mut headers = String::new();
    let mut values = String::new();
    for part in section.text.lines().flat_map(|line| line.split(" / ")) {
        match part.split_once(": ") {
            Some((header, value)) => {
                if !seen.contains(&header) {
                    seen.push(header);
                    headers.push_str(header);
                }
                values.push_str(value);
            }
            None => values.push_str(part),
        }
    }
    headers + "\n" + &values
}

fn counts<T: std::hash::Hash + Eq>(items: impl Iterator<Item = T>) -> HashMap<T, usize> {
    let mut counts = HashMap::new();
    items.for_each(|item| *counts.entry(item).or_default() += 1);
    counts
}

fn overlap<T: std::hash::Hash + Eq>(a: &HashMap<T, usize>, b: &HashMap<T, usize>) -> f64 {
    a.iter().map(|(key, n)| *n.min(b.get(key).unwrap_or(&0)) as f64).sum()
}

/// (bigram F1, character recall) over Japanese characters.
fn score(found: &str, truth: &str) -> (f64, f64) {
    let japanese = |text: &str| -> Vec<char> {
        text.chars().filter(|c| super::super::chars::is_japanese(*c) && *c != '\u{3000}').collect()
    };
    let (found, truth) = (japanese(found), japanese(truth));
    let pairs = |text: &[char]| counts(text.windows(2).map(|pair| (pair[0], pair[1])));
    let (a, b) = (pairs(&found), pairs(&truth));
    let total = (found.len().max(1) + truth.len().max(1) - 2).max(1) as f64;
    let (a1, b1) = (counts(found.iter()), counts(truth.iter()));
    (2.0 * overlap(&a, &b) / total, overlap(&a1, &b1) / truth.len().max(1) as f64)
}

fn mean(scores: &[(f64, f64)]) -> (f64, f64) {
    let count = scores.len().max(1) as f64;
    let sum = scores.iter().fold((0.0, 0.0), |sum, score| (sum.0 + score.0, sum.1 + score.1));
    (sum.0 / count, sum.1 / count)
}

fn read(path: &Path) -> Result<Document, IngestError> {
    super::super::read(&std::fs::read(path).unwrap(), "名前")
}

#[test]
fn known_texts_are_read_as_they_are() {
    let (Some(made), Some(truths)) = (folder("made"), folder("truth")) else {
        return;
    };
    let mut scores = Vec::new();
    for path in pdfs(&made) {
        let truth = truths.join(path.file_name().unwrap()).with_extension("txt");
        let text = shown(&read(&path).unwrap());
        let score = score(&text, &std::fs::read_to_string(truth).unwrap());
        println!("{:.4} {:.4} {}", score.0, score.1, path.file_name().unwrap().display());
        // The cells of this sheet were cut off when it was printed: the file lacks the text.
        if !path.ends_with("ryokin.pdf") {
            scores.push(score);
        }
    }
    let (f1, recall) = mean(&scores);
    println!("known truth: bigram F1 {f1:.4}, recall {recall:.4}");
    assert!(f1 >= 0.985 && recall >= 0.994, "{f1} {recall}");
}

#[test]
fn real_files_are_read_as_pdftotext_reads_them() {
    let Some(real) = folder("real") else { return };
    let mut scores = Vec::new();
    for path in pdfs(&real) {
        let result = read(&path);
        if path.to_string_lossy().contains("password") {
            assert_eq!(result.unwrap_err(), IngestError::Encrypted);
            continue;
        }
        let text = match result {
            Ok(document) => {
                document.warnings.iter().for_each(|warning| println!("{warning}"));
                shown(&document)
            }
            Err(error) => format!("{error}"),
        };
        let output = std::process::Command::new("pdftotext").arg(&path).arg("-").output();
        let Ok(output) = output else {
            println!("skipped: pdftotext is not installed");
            return;
        };
        let truth = String::from_utf8_lossy(&output.stdout).into_owned();
        if truth.chars().filter(|c| super::super::chars::is_japanese(*c)).count() < 2 {
            println!("no Japanese: {text:?} in {}", path.file_name().unwrap().display());
            continue;
        }
        let score = score(&text, &truth);
        println!("{:.4} {:.4} {}", score.0, score.1, path.file_name().unwrap().display());
        scores.push(score);
    }
    let (f1, recall) = mean(&scores);
    println!("real files: bigram F1 {f1:.4}, recall {recall:.4}");
    assert!(f1 >= 0.975 && recall >= 0.99, "{f1} {recall}");
}

#[test]
fn damaged_samples_never_panic() {
    let (Some(made), Some(real)) = (folder("made"), folder("real")) else {
        return;
    };
    let mut state = 7;
    for path in pdfs(&made).into_iter().chain(pdfs(&real)) {
        let whole = std::fs::read(&path).unwrap();
        if whole.len() > 300_000 {
            continue;
        }
        for _ in 0..5 {
            let mut bytes = whole.clone();
            for _ in 0..20 {
                let at = super::next(&mut state) % bytes.len();
                bytes[at] = super::next(&mut state) as u8;
            }
            let _ = super::super::read(&bytes, "");
        }
    }
}
