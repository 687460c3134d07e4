//! Office files for tests: written part by part, and damaged on purpose, the same way each time.

use std::io::{Cursor, Write};

use zip::write::{SimpleFileOptions, ZipWriter};

use crate::document::Document;
use crate::ingest::IngestError;

/// A zip of named parts.
pub(crate) fn package(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A `.rels` part from (id, kind, target).
pub(crate) fn relations(relations: &[(&str, &str, &str)]) -> String {
    let lines = relations.iter().map(|(id, kind, target)| {
        format!("<Relationship Id='{id}' Type='http://x/relationships/{kind}' Target='{target}'/>")
    });
    let lines: String = lines.collect();
    format!("<?xml version='1.0' encoding='UTF-8'?><Relationships>{lines}</Relationships>")
}

/// `docProps/core.xml` with a title.
pub(crate) fn core(title: &str) -> String {
    let open = "<cp:coreProperties xmlns:cp='c' xmlns:dc='d'>";
    format!("{open}<dc:title>{title}</dc:title></cp:coreProperties>")
}

type Read = fn(&[u8], &str) -> Result<Document, IngestError>;

/// No mutant makes `read` panic, and none without its end is read: 50 with bytes changed in the
/// container, 50 with a part changed before packing, and every length in twenty steps.
pub(crate) fn survives_mutation(read: Read, parts: &[(&str, &str)]) {
    let whole = package(parts);
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for _ in 0..50 {
        let mut mutant = whole.clone();
        for _ in 0..=random.below(8) {
            let at = random.below(mutant.len());
            mutant[at] = random.below(256) as u8;
        }
        let _ = read(&mutant, "mutant");
    }
    for round in 0..50 {
        let chosen = round % parts.len();
        let mutated = mutate(parts[chosen].1, &mut random);
        let mut parts = parts.to_vec();
        parts[chosen].1 = &mutated;
        let _ = read(&package(&parts), "mutant");
    }
    for step in 0..20 {
        let cut = &whole[..whole.len() * step / 20];
        let result = read(cut, "cut off");
        assert!(matches!(result, Err(IngestError::Damaged(_))), "{step}/20: {result:?}");
    }
}

/// Moves, doubles, drops and replaces pieces of a text at character ends.
fn mutate(text: &str, random: &mut Random) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..=random.below(4) {
        if chars.is_empty() {
            break;
        }
        let from = random.below(chars.len());
        let to = (from + 1 + random.below(40)).min(chars.len());
        let piece: Vec<char> = chars[from..to].to_vec();
        match random.below(4) {
            0 => drop(chars.drain(from..to)),
            1 => drop(chars.splice(from..from, piece)),
            2 => {
                let at = random.below(chars.len());
                drop(chars.splice(at..at, piece));
            }
            _ => {
                let digit = char::from(b'0' + random.below(10) as u8);
                for c in &mut chars[from..to] {
                    if c.is_ascii_digit() {
                        *c = digit;
                    }
                }
                chars.splice(from..from, "999999999".chars());
            }
        }
    }
    chars.into_iter().collect()
}

/// xorshift: the same mutants on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}
