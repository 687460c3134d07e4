//! The mark at the end of a saved document: `KURA1-BOX-CODE-STEPS-HASH-MAC`.
//!
//! BOX names the box, CODE the record, STEPS how many lines the trail had, HASH the text of the
//! document (below), and MAC binds them to the box's secret. HASH is of the lines of the document
//! as [`key`] makes them, joined by `\n`, without the line of the mark itself. So it is the same
//! in every format, and stays so when a word processor saves the file again.

use super::code::Code;
use super::seal::{Seal, short_hash};

/// First part of every mark, with the version of its form.
const HEAD: &str = "KURA1";

/// Keeps marks apart from the box's other MACs.
const PURPOSE: &str = "mark";

/// What stands at the beginning of lines in the plain formats.
const DECORATIONS: [&str; 2] = ["■ ", "・ "];

/// A mark as it was read. Only [`Mark::is_of`] says whether it is genuine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Id of the box that it names.
    pub box_id: String,
    pub code: Code,
    /// Lines of the trail that the document holds.
    pub steps: usize,
    hash: String,
    mac: String,
}

impl Mark {
    /// The mark of lines that this box puts into a document.
    pub(super) fn new(seal: &Seal, code: &Code, steps: usize, lines: &[String]) -> Self {
        let (box_id, hash) = (seal.id().to_owned(), short_hash(&joined(lines)));
        let mac = seal.mac(PURPOSE, &[code.plain(), &steps.to_string(), &hash]);
        Self { box_id, code: code.clone(), steps, hash, mac }
    }

    /// Whether this box made it.
    pub fn is_of(&self, seal: &Seal) -> bool {
        let parts = [self.code.plain(), &self.steps.to_string(), &self.hash];
        self.box_id == seal.id() && seal.knows(&self.mac, PURPOSE, &parts)
    }

    /// Whether these are the lines that it was made for.
    pub(super) fn holds(&self, lines: &[String]) -> bool {
        self.hash == short_hash(&joined(lines))
    }

    /// As it is written.
    pub(super) fn line(&self) -> String {
        let Self { box_id, code, steps, hash, mac } = self;
        format!("{HEAD}-{box_id}-{}-{steps}-{hash}-{mac}", code.plain())
    }

    /// Reads the mark that a line holds, whatever stands before and behind it.
    pub(super) fn find(line: &str) -> Option<Self> {
        let written = &line[line.find(&format!("{HEAD}-"))?..];
        let end = written.find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        let parts: Vec<&str> = written[..end.unwrap_or(written.len())].split('-').collect();
        let [_, box_id, code, steps, hash, mac] = parts[..] else { return None };
        Some(Self {
            box_id: box_id.to_owned(),
            code: Code::parse(code)?,
            steps: steps.parse().ok()?,
            hash: hash.to_owned(),
            mac: mac.to_owned(),
        })
    }
}

/// A line as it is compared: without the sign that marks headings in the plain formats, and with
/// white space as programs leave it. Everything else counts.
pub(super) fn key(line: &str) -> String {
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let bare = DECORATIONS.iter().find_map(|sign| line.strip_prefix(sign));
    bare.map(str::to_owned).unwrap_or(line)
}

fn joined(lines: &[String]) -> String {
    lines
        .iter()
        .map(|line| key(line))
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}
