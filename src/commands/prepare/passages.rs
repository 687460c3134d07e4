//! Reads `passages.jsonl` line by line: each of bounded length, each passage complete.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use jiff::civil::Date;

use super::{cancelled, failed, unusable};
use crate::document::Passage;
use crate::sync::{Reason, Refusal};

/// A line is at most so long, in bytes: a hundred times what our own cutting makes.
const LINE_BYTES_MAX: u64 = 1024 * 1024;
/// Passages of a data set at most: their hashes stay in memory while they are told apart.
const PASSAGES_MAX: u64 = 5_000_000;
/// Characters of id and path at most.
const NAME_CHARS_MAX: usize = 1_000;
/// Lines between two looks at the interrupt flag.
const STEP: u64 = 1_024;

/// What the file holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Survey {
    pub(super) passages: u64,
    /// Distinct paths.
    pub(super) documents: usize,
}

/// The passages of the file, in order. The first bad line ends it.
pub(super) struct Lines {
    reader: BufReader<File>,
    line: Vec<u8>,
    number: u64,
    /// Of passages that do not say otherwise.
    as_of: Date,
}

impl Lines {
    /// # Errors
    /// The file cannot be opened.
    pub(super) fn open(path: &Path, as_of: Date) -> Result<Self, Refusal> {
        let file = File::open(path).map_err(|why| failed("passages.jsonl", &why))?;
        Ok(Self { reader: BufReader::new(file), line: Vec::new(), number: 0, as_of })
    }

    fn passage(&self) -> Result<Passage, Refusal> {
        let wrong = |why: String| {
            let line = self.number;
            let ja = format!("passages.jsonlの{line}行目が正しくありません。技術情報：{why}");
            let en = format!("passages.jsonl, line {line}: {why}");
            Refusal::told(Reason::UnusableContent, ja, en)
        };
        if self.line.len() as u64 > LINE_BYTES_MAX {
            return Err(wrong(format!("longer than {LINE_BYTES_MAX} bytes")));
        }
        let passage: Passage =
            Passage::from_line(&self.line, self.as_of).map_err(|why| wrong(why.to_string()))?;
        check(&passage).map_err(|why| wrong(why.to_owned()))?;
        Ok(passage)
    }
}

impl Iterator for Lines {
    type Item = Result<Passage, Refusal>;

    fn next(&mut self) -> Option<Self::Item> {
        self.line.clear();
        let limited = &mut (&mut self.reader).take(LINE_BYTES_MAX + 1);
        match limited.read_until(b'\n', &mut self.line) {
            Ok(0) => None,
            Ok(_) => {
                self.number += 1;
                Some(self.passage())
            }
            Err(why) => Some(Err(failed("passages.jsonl", &why))),
        }
    }
}

/// What a reader of a data set may rely on: see [`Passage`].
fn check(passage: &Passage) -> Result<(), &'static str> {
    let is_name =
        |text: &str| text.chars().count() <= NAME_CHARS_MAX && !text.chars().any(char::is_control);
    let is_inside = |path: &str| {
        !path.contains(['\\', ':'])
            && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
    };
    if !is_name(&passage.path) || !is_inside(&passage.path) {
        return Err("`path` is no relative path with '/'");
    }
    let number = passage.id.strip_prefix(&passage.path).and_then(|rest| rest.strip_prefix('#'));
    if number.and_then(|number| number.parse::<u32>().ok()).is_none() {
        return Err("`id` is not the path, '#' and a number");
    }
    if passage.title.trim().is_empty() || !is_name(&passage.title) {
        return Err("`title` is blank, too long, or has control characters");
    }
    match passage.text.trim().is_empty() {
        true => Err("`text` is blank"),
        false => Ok(()),
    }
}

/// Reads the whole file once: every line is good, every id stands once.
///
/// # Errors
/// The first line that is not, by its number; [`crate::sync::Reason::Cancelled`].
pub(super) fn survey(
    path: &Path,
    as_of: Date,
    is_cancelled: impl Fn() -> bool,
    mut on_progress: impl FnMut(u64),
) -> Result<Survey, Refusal> {
    let (mut ids, mut paths) = (HashSet::new(), HashSet::new());
    let mut count = 0;
    for passage in Lines::open(path, as_of)? {
        let passage = passage?;
        count += 1;
        if !ids.insert(short_hash(&passage.id)) {
            let id = &passage.id;
            let ja = format!("passages.jsonl、{count}行目：ID「{id}」が2回あります");
            let en = format!("passages.jsonl, line {count}: the id {id:?} stands twice");
            return Err(Refusal::told(Reason::UnusableContent, ja, en));
        }
        paths.insert(short_hash(&passage.path));
        if count > PASSAGES_MAX {
            return Err(unusable(format!("passages.jsonl has more than {PASSAGES_MAX} lines")));
        }
        if count % STEP == 0 {
            if is_cancelled() {
                return Err(cancelled());
            }
            on_progress(count);
        }
    }
    match count {
        0 => {
            let ja = "passages.jsonlに該当箇所がありません";
            Err(Refusal::told(Reason::UnusableContent, ja, "passages.jsonl holds no passage"))
        }
        _ => Ok(Survey { passages: count, documents: paths.len() }),
    }
}

/// Half a hash tells names apart in half the memory of most names.
fn short_hash(text: &str) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::Reason;

    fn line(change: &[(&str, serde_json::Value)]) -> String {
        let mut passage = serde_json::json!({
            "id": "a/b.md#1", "path": "a/b.md", "title": "手引", "law_number": "",
            "headings": [], "caption": "", "article": null, "locator": {"kind": "none"},
            "text": "手数料は300円とする。", "authority": "manual", "scope": "local",
            "as_of": "2026-04-01",
        });
        for (key, value) in change {
            passage[*key] = value.clone();
        }
        format!("{passage}\n")
    }

    fn read(text: &str) -> Result<Survey, Refusal> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("passages.jsonl");
        std::fs::write(&path, text).unwrap();
        survey(&path, jiff::civil::date(2026, 4, 1), || false, |_| ())
    }

    #[test]
    fn good_lines_are_counted() {
        let second = line(&[("id", "a/b.md#2".into())]);
        let other = line(&[("id", "c.md#1".into()), ("path", "c.md".into())]);
        let text = line(&[]) + &second + other.trim_end();
        assert_eq!(read(&text), Ok(Survey { passages: 3, documents: 2 }));
    }

    #[test]
    fn a_bad_line_is_named_by_its_number() {
        let long = line(&[("id", "a/b.md#2".into()), ("text", "あ".repeat(400_000).into())]);
        for (bad, why) in [
            ("{\"id\": 1}\n".to_owned(), "id"),
            ("\n".to_owned(), "EOF"),
            (line(&[]), "stands twice"),
            (line(&[("id", "a/b.md".into())]), "`id`"),
            (line(&[("id", "c.md#2".into())]), "`id`"),
            (line(&[("id", "a/b.md#x".into())]), "`id`"),
            (line(&[("path", "../b.md".into()), ("id", "../b.md#2".into())]), "`path`"),
            (line(&[("path", "/b.md".into()), ("id", "/b.md#2".into())]), "`path`"),
            (line(&[("id", "a/b.md#2".into()), ("text", " \n".into())]), "`text`"),
            (line(&[("id", "a/b.md#2".into()), ("title", "".into())]), "`title`"),
            (line(&[("id", "a/b.md#2".into()), ("scope", "town".into())]), "town"),
            (long, "longer than"),
        ] {
            let refusal = read(&(line(&[]) + &bad)).unwrap_err();
            assert_eq!(refusal.reason, Reason::UnusableContent);
            assert!(refusal.detail.contains("line 2"), "{refusal}");
            assert!(refusal.detail.contains(why), "{why}: {refusal}");
        }
        assert!(read("").unwrap_err().detail.contains("no passage"));
    }

    #[test]
    fn a_person_may_stop_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("passages.jsonl");
        let lines = (1..=STEP).map(|n| line(&[("id", format!("a/b.md#{n}").into())]));
        std::fs::write(&path, lines.collect::<String>()).unwrap();
        let stopped = survey(&path, jiff::civil::date(2026, 4, 1), || true, |_| ()).unwrap_err();
        assert_eq!(stopped.reason, Reason::Cancelled);
    }
}
