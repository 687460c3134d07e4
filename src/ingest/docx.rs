//! DOCX: headings from styles, tables as rows, footnotes where they are referenced.
//!
//! Read as the reader of a printed copy sees it: insertions kept, deletions and hidden text out,
//! ruby without its reading, text boxes after the paragraph that anchors them. Page headers and
//! footers are left out: they repeat on each page.

mod body;
mod styles;

use std::collections::HashMap;

use self::body::{Body, Notes, Piece};
use self::styles::Styles;
use super::IngestError;
use super::office::package::Package;
use super::office::xml::Element;
use super::office::{self, drawing, table};
use crate::document::{Document, Section};

/// Reads a DOCX file; `name` is the title when the file has none.
pub(crate) fn read(bytes: &[u8], name: &str) -> Result<Document, IngestError> {
    let mut package = Package::open(bytes)?;
    let main = package.main_part()?;
    let document = package.required_xml(&main)?;
    let Some(content) = document.child("body") else {
        return Err(IngestError::Damaged(format!("{main}: not a Word document")));
    };
    let mut related = HashMap::new();
    let mut diagrams = HashMap::new();
    for relation in package.relations(&main)? {
        if relation.kind == "diagramData" {
            let text = drawing::diagram(&package.required_xml(&relation.target)?);
            diagrams.insert(relation.id, text);
        } else {
            related.entry(relation.kind).or_insert(relation.target);
        }
    }
    let mut part = |kind: &str| match related.get(kind) {
        Some(name) => package.required_xml(name).map(Some),
        None => Ok(None),
    };
    let styles = part("styles")?.map(|tree| Styles::of(&tree)).unwrap_or_default();
    let footnotes = part("footnotes")?;
    let endnotes = part("endnotes")?;
    let notes = Notes::new(numbered(footnotes.as_ref()), numbered(endnotes.as_ref()));
    let mut body = Body::new(&styles, notes, &diagrams);
    let mut pieces = Vec::new();
    body.blocks(content, &mut pieces);
    let warnings = body.warnings();

    let core = office::core_title(&mut package)?;
    let heading = |wanted: fn(u8) -> bool| {
        pieces.iter().find_map(|piece| match piece {
            Piece::Heading(level, text) if wanted(*level) => Some(text.clone()),
            _ => None,
        })
    };
    // A template's title often stays in core.xml, so one that stands in the text goes first.
    let title = heading(|level| level == 0)
        .or(core)
        .or_else(|| heading(|_| true))
        .unwrap_or_else(|| name.to_owned());
    let sections = sections(pieces, &title);
    match sections.is_empty() {
        true => Err(IngestError::Empty),
        false => Ok(Document { title, law: None, sections, warnings }),
    }
}

/// Notes by their id. Separators and their continuation are notes of a type, without text.
fn numbered(part: Option<&Element>) -> HashMap<String, &Element> {
    let notes = part.into_iter().flat_map(Element::elements);
    let real = notes.filter(|note| matches!(note.attr("type"), "" | "normal"));
    real.map(|note| (note.attr("id").to_owned(), note)).collect()
}

/// Cuts the pieces at headings and tables.
fn sections(pieces: Vec<Piece>, title: &str) -> Vec<Section> {
    let mut outline = Outline { title, ..Outline::default() };
    for piece in pieces {
        match piece {
            Piece::Heading(level, text) => outline.heading(level, text),
            Piece::Paragraph(text) => outline.lines.push(text),
            Piece::Table(rows) => {
                outline.flush();
                outline.push(table::lines(&rows).join("\n"), true);
            }
        }
    }
    outline.close(0);
    outline.sections
}

/// The sections so far and the headings that are open.
#[derive(Default)]
struct Outline<'a> {
    title: &'a str,
    /// Level and text, outermost first; the flag tells whether something stands under it.
    open: Vec<(u8, String, bool)>,
    lines: Vec<String>,
    sections: Vec<Section>,
}

impl Outline<'_> {
    fn heading(&mut self, level: u8, text: String) {
        self.close(level);
        if let Some((_, _, used)) = self.open.last_mut() {
            *used = true;
        }
        self.open.push((level, text, false));
    }

    /// Ends the headings of `level` and below; one with nothing under it becomes text itself.
    fn close(&mut self, level: u8) {
        self.flush();
        while self.open.last().is_some_and(|(open, _, _)| *open >= level) {
            let Some((_, text, used)) = self.open.pop() else {
                break;
            };
            if !used && text != self.title {
                self.push(text, false);
            }
        }
    }

    fn flush(&mut self) {
        let text = std::mem::take(&mut self.lines).join("\n");
        self.push(text, false);
    }

    fn push(&mut self, text: String, table: bool) {
        if text.is_empty() {
            return;
        }
        if let Some((_, _, used)) = self.open.last_mut() {
            *used = true;
        }
        let headings = self.open.iter().map(|(_, heading, _)| heading.clone());
        let headings = headings.filter(|heading| heading != self.title).collect();
        self.sections.push(Section { headings, text, table, ..Section::default() });
    }
}

#[cfg(test)]
mod tests;
