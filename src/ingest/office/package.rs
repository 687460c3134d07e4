//! The zip container of an Office file: parts and their relations, with limits on what is unpacked.
//!
//! Names inside the archive are only ever compared with each other, never used as file paths.

use std::collections::HashMap;
use std::io::{Cursor, ErrorKind, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use super::xml::{self, Element};
use crate::ingest::IngestError;

/// More entries than this is no document: real ones have some hundreds.
const ENTRIES_MAX: usize = 20_000;
/// What all parts that are read may come to when unpacked, in MiB.
const UNPACKED_MIB_MAX: u64 = 256;
/// First bytes of an OLE container: the old binary formats, and encrypted new ones.
const OLE_MAGIC: [u8; 8] = [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];

/// True when the bytes are an OLE container (.doc, .xls, .ppt, or an encrypted file).
pub(crate) fn is_ole(bytes: &[u8]) -> bool {
    bytes.starts_with(&OLE_MAGIC)
}

/// True when an OLE container holds an encrypted Office file (ECMA-376 part of MS-OFFCRYPTO).
pub(crate) fn is_encrypted_ole(bytes: &[u8]) -> bool {
    let name: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    is_ole(bytes) && bytes.windows(name.len()).any(|window| window == name)
}

/// One line of a `.rels` part whose target lies in the package.
pub(crate) struct Relation {
    /// Identifier that the part uses.
    pub(crate) id: String,
    /// Last segment of the type: `styles`, `slide`, `notesSlide`.
    pub(crate) kind: String,
    /// Name of the part, without a leading `/`.
    pub(crate) target: String,
}

/// An opened Office file.
pub(crate) struct Package<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    /// Entry by name; part names do not tell upper and lower case apart.
    entries: HashMap<String, usize>,
    /// Bytes that may still be unpacked.
    budget_bytes: u64,
}

impl<'a> Package<'a> {
    /// Opens the container. A file that was cut off has no directory and is `Damaged`.
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Self, IngestError> {
        if is_encrypted_ole(bytes) {
            return Err(IngestError::Encrypted);
        }
        if is_ole(bytes) {
            return Err(IngestError::Unsupported);
        }
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged("", &error))?;
        if archive.offset() != 0 {
            // The directory of an embedded file was found because the outer one is cut off.
            return Err(IngestError::Damaged("zip: the directory is not of this file".to_owned()));
        }
        if archive.len() > ENTRIES_MAX {
            return Err(IngestError::Damaged(format!("zip: more than {ENTRIES_MAX} entries")));
        }
        let mut entries = HashMap::with_capacity(archive.len());
        for index in 0..archive.len() {
            if let Some(Ok(name)) = archive.name_for_index(index) {
                entries.entry(key(&name)).or_insert(index);
            }
        }
        Ok(Self { archive, entries, budget_bytes: UNPACKED_MIB_MAX << 20 })
    }

    /// The unpacked bytes of a part, checked against its CRC; `None` when there is no such part.
    pub(crate) fn part(&mut self, name: &str) -> Result<Option<Vec<u8>>, IngestError> {
        let Some(&index) = self.entries.get(&key(name)) else {
            return Ok(None);
        };
        let entry = self.archive.by_index(index).map_err(|error| damaged(name, &error))?;
        let mut bytes = Vec::new();
        entry.take(self.budget_bytes + 1).read_to_end(&mut bytes).map_err(|error| {
            match error.kind() {
                ErrorKind::OutOfMemory => IngestError::OutOfMemory(UNPACKED_MIB_MAX),
                _ => IngestError::Damaged(format!("{name}: {error}")),
            }
        })?;
        let size = bytes.len() as u64;
        if size > self.budget_bytes {
            return Err(IngestError::OutOfMemory(UNPACKED_MIB_MAX));
        }
        self.budget_bytes -= size;
        Ok(Some(bytes))
    }

    /// Reads every XML part once, so that a damaged or oversized one is found before use.
    pub(crate) fn verify(&mut self) -> Result<(), IngestError> {
        let mut names: Vec<_> = self.entries.keys().cloned().collect();
        names.retain(|name| name.ends_with(".xml") || name.ends_with(".rels"));
        names.sort_unstable();
        for name in names {
            self.part(&name)?;
        }
        Ok(())
    }

    /// The tree of a part; `None` when there is no such part.
    pub(crate) fn xml(&mut self, name: &str) -> Result<Option<Element>, IngestError> {
        let Some(bytes) = self.part(name)? else {
            return Ok(None);
        };
        let tree = xml::parse(&bytes);
        tree.map(Some).map_err(|why| IngestError::Damaged(format!("{name}: {why}")))
    }

    /// The tree of a part that the file cannot do without.
    pub(crate) fn required_xml(&mut self, name: &str) -> Result<Element, IngestError> {
        let missing = || IngestError::Damaged(format!("{name}: not in the file"));
        self.xml(name)?.ok_or_else(missing)
    }

    /// Relations of a part (`""` is the package itself); none when it has no `.rels`.
    pub(crate) fn relations(&mut self, part: &str) -> Result<Vec<Relation>, IngestError> {
        let (folder, file) = part.rsplit_once('/').unwrap_or(("", part));
        let slash = if folder.is_empty() { "" } else { "/" };
        let Some(tree) = self.xml(&format!("{folder}{slash}_rels/{file}.rels"))? else {
            return Ok(Vec::new());
        };
        let inside = tree.elements().filter(|relation| relation.attr("TargetMode") != "External");
        let relation = |relation: &Element| Relation {
            id: relation.attr("Id").to_owned(),
            kind: relation.attr("Type").rsplit('/').next().unwrap_or_default().to_owned(),
            target: resolve(folder, relation.attr("Target")),
        };
        Ok(inside.map(relation).collect())
    }

    /// Name of the first part that `part` is related to by `kind`.
    pub(crate) fn related(
        &mut self,
        part: &str,
        kind: &str,
    ) -> Result<Option<String>, IngestError> {
        let relations = self.relations(part)?;
        Ok(relations.into_iter().find(|relation| relation.kind == kind).map(|found| found.target))
    }

    /// Name of the main part: `word/document.xml`, `ppt/presentation.xml`.
    pub(crate) fn main_part(&mut self) -> Result<String, IngestError> {
        let missing = || IngestError::Damaged("no Office document inside the zip".to_owned());
        self.related("", "officeDocument")?.ok_or_else(missing)
    }
}

fn key(name: &str) -> String {
    name.trim_start_matches('/').replace('\\', "/").to_ascii_lowercase()
}

fn damaged(name: &str, error: &ZipError) -> IngestError {
    match error {
        ZipError::InvalidPassword => IngestError::Encrypted,
        ZipError::UnsupportedArchive(why) if *why == ZipError::PASSWORD_REQUIRED => {
            IngestError::Encrypted
        }
        error if name.is_empty() => IngestError::Damaged(format!("zip: {error}")),
        error => IngestError::Damaged(format!("{name}: {error}")),
    }
}

/// Joins a target to the folder of the part that names it; `..` never leaves the package.
fn resolve(folder: &str, target: &str) -> String {
    let mut path: Vec<&str> = match target.starts_with('/') {
        true => Vec::new(),
        false => folder.split('/').filter(|segment| !segment.is_empty()).collect(),
    };
    for segment in target.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(path.pop()),
            segment => path.push(segment),
        }
    }
    path.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_resolved_inside_the_package() {
        for (folder, target, name) in [
            ("word", "styles.xml", "word/styles.xml"),
            ("ppt/slides", "../notesSlides/n1.xml", "ppt/notesSlides/n1.xml"),
            ("word", "/word/footnotes.xml", "word/footnotes.xml"),
            ("word", "../../../etc/passwd", "etc/passwd"),
            ("", "word/./document.xml", "word/document.xml"),
        ] {
            assert_eq!(resolve(folder, target), name);
        }
    }

    #[test]
    fn what_is_no_zip_is_named() {
        assert!(matches!(Package::open(b"PK\x03\x04"), Err(IngestError::Damaged(_))));
        let mut ole = OLE_MAGIC.to_vec();
        assert!(matches!(Package::open(&ole), Err(IngestError::Unsupported)));
        ole.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
        assert!(matches!(Package::open(&ole), Err(IngestError::Encrypted)));
    }
}
