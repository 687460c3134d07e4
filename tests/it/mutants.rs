//! A thousand damaged files over all formats: none takes the program down, each is named.

use std::path::PathBuf;

use crate::env::{Env, sample, text};

const MUTANTS: usize = 1000;

/// A small random number generator (xorshift64), so that every run damages the same bytes.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

/// Damages a file in one of six ways.
fn mutate(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let at = random.below(bytes.len());
    match random.below(6) {
        0 => bytes.truncate(at),
        1 => {
            for _ in 0..1 + random.below(20) {
                let place = random.below(bytes.len());
                bytes[place] ^= 1 << random.below(8);
            }
        }
        2 => {
            let end = (at + 1 + random.below(200)).min(bytes.len());
            bytes.drain(at..end);
        }
        3 => {
            let noise: Vec<u8> = (0..random.below(200)).map(|_| random.below(256) as u8).collect();
            bytes.splice(at..at, noise);
        }
        4 => {
            let end = (at + 1 + random.below(2000)).min(bytes.len());
            let copy = bytes[at..end].to_vec();
            bytes.splice(at..at, copy);
        }
        _ => {
            let end = (at + 1 + random.below(64)).min(bytes.len());
            bytes[at..end].fill(if random.below(2) == 0 { 0 } else { 0xff });
        }
    }
    bytes
}

fn files(dir: &std::path::Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension != "toml") {
            found.push(path);
        }
    }
}

#[test]
fn a_thousand_damaged_files() {
    let env = Env::new();
    let dir = env.dataset("mutants", "r8", &[]);
    let mut originals = Vec::new();
    files(&sample(), &mut originals);
    originals.sort();
    let mut random = Random(0x6b75_7261);
    for number in 0..MUTANTS {
        let original = &originals[number % originals.len()];
        let extension = original.extension().unwrap().to_str().unwrap();
        let damaged = mutate(&std::fs::read(original).unwrap(), &mut random);
        std::fs::write(dir.join(format!("{number:04}.{extension}")), damaged).unwrap();
    }
    let record = env.json(&["dataset", "add", text(&dir), "--json"]);
    let documents = record["documents"].as_u64().unwrap() as usize;
    let failures = record["failures"].as_array().unwrap();
    assert_eq!(documents + failures.len(), MUTANTS);
    for failure in failures {
        let (path, why) = (failure["path"].as_str().unwrap(), failure["en"].as_str().unwrap());
        assert!(!why.is_empty(), "{path}");
        // Asking for too much memory is an end that is foreseen; a crash or a hang is not.
        for sign in ["Reading stopped half-way", "was not read within"] {
            assert!(!why.contains(sign), "{path}: {why}");
        }
    }
}
