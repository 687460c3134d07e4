//! PPTX: slides in the order of the presentation, title as heading, tables as rows, notes apart.

use std::collections::HashMap;

use super::IngestError;
use super::office::drawing::{self, paragraphs};
use super::office::package::{Package, Relation};
use super::office::table::{self, Cell, Row};
use super::office::xml::Element;
use super::office::{self, one_line};
use crate::document::{Document, Locator, Section};

/// What stands before the text of the speaker's notes.
const NOTES_MARK: &str = "ノート: ";

/// Reads a PPTX file; `name` is the title when the file has none.
pub(crate) fn read(bytes: &[u8], name: &str) -> Result<Document, IngestError> {
    let mut package = Package::open(bytes)?;
    let main = package.main_part()?;
    let presentation = package.required_xml(&main)?;
    if presentation.name() != "presentation" {
        return Err(IngestError::Damaged(format!("{main}: not a PowerPoint presentation")));
    }
    let targets = by_id(package.relations(&main)?);
    let ids = presentation.child("sldIdLst").into_iter().flat_map(Element::elements);
    let mut deck = Deck::default();
    for (id, number) in ids.zip(1..) {
        let id = id.attr_prefixed("id");
        let Some(part) = targets.get(id) else {
            return Err(IngestError::Damaged(format!("{main}: slide {number} ({id}) is missing")));
        };
        deck.slide(&mut package, part, number)?;
    }
    let core = office::core_title(&mut package)?;
    let warnings = deck.warnings();
    let title = core.or(deck.first_title).unwrap_or_else(|| name.to_owned());
    if deck.sections.is_empty() {
        return Err(IngestError::Empty);
    }
    Ok(Document { title, law: None, sections: deck.sections, warnings })
}

fn by_id(relations: Vec<Relation>) -> HashMap<String, String> {
    relations.into_iter().map(|relation| (relation.id, relation.target)).collect()
}

/// What was read of the slides so far.
#[derive(Default)]
struct Deck {
    sections: Vec<Section>,
    first_title: Option<String>,
    hidden: Vec<u32>,
    without_text: Vec<u32>,
    charts: Vec<u32>,
}

impl Deck {
    fn warnings(&self) -> Vec<String> {
        let kinds: [(&[u32], &str, &str); 3] = [
            (
                &self.hidden,
                "は非表示なので読みませんでした。",
                "必要なら再表示して保存し直してください。",
            ),
            (
                &self.without_text,
                "には文字がありません（画像だけです）。",
                "文字を入れて保存し直してください。",
            ),
            (
                &self.charts,
                "のグラフの数値は読みませんでした。",
                "必要なら表にして保存し直してください。",
            ),
        ];
        let found = kinds.iter().filter(|(numbers, _, _)| !numbers.is_empty());
        let warning = |(numbers, what, advice): &(&[u32], &str, &str)| {
            let numbers: Vec<_> = numbers.iter().map(u32::to_string).collect();
            format!("スライド{}{what}{advice}", numbers.join("、"))
        };
        found.map(warning).collect()
    }

    fn slide(
        &mut self,
        package: &mut Package<'_>,
        part: &str,
        number: u32,
    ) -> Result<(), IngestError> {
        let slide = package.required_xml(part)?;
        if matches!(slide.attr("show"), "0" | "false") {
            self.hidden.push(number);
            return Ok(());
        }
        let mut shapes = Shapes::default();
        if let Some(tree) = slide.path(&["cSld", "spTree"]) {
            shapes.walk(tree);
        }
        let relations = package.relations(part)?;
        let target = |wanted: &dyn Fn(&Relation) -> bool| {
            relations.iter().find(|relation| wanted(relation)).map(|found| found.target.as_str())
        };
        for id in std::mem::take(&mut shapes.diagrams) {
            if let Some(data) = target(&|relation| relation.id == id) {
                let text = drawing::diagram(&package.required_xml(data)?);
                shapes.blocks.extend(Some((text, false)).filter(|(text, _)| !text.is_empty()));
            }
        }
        if shapes.charts > 0 {
            self.charts.push(number);
        }
        let mut notes = Shapes { only_body: true, ..Shapes::default() };
        if let Some(part) = target(&|relation| relation.kind == "notesSlide") {
            let page = package.required_xml(part)?;
            if let Some(tree) = page.path(&["cSld", "spTree"]) {
                notes.walk(tree);
            }
        }
        self.add(number, shapes, &notes);
        Ok(())
    }

    fn add(&mut self, number: u32, shapes: Shapes, notes: &Shapes) {
        let mut blocks = shapes.blocks;
        let mut headings: Vec<String> = shapes.title.into_iter().collect();
        if self.first_title.is_none() {
            self.first_title = headings.first().cloned();
        }
        let notes: Vec<_> = notes.blocks.iter().map(|(text, _)| text.as_str()).collect();
        if blocks.is_empty() && notes.is_empty() {
            // A slide of a title alone: the title is its text.
            blocks.extend(headings.pop().map(|title| (title, false)));
        }
        if blocks.is_empty() && notes.is_empty() && shapes.charts == 0 {
            self.without_text.push(number);
        }
        let mut push = |text: String, table: bool| {
            let (headings, locator) = (headings.clone(), Locator::Slide { number });
            self.sections.push(Section { headings, locator, text, table, ..Section::default() });
        };
        // Paragraphs of neighbouring shapes belong together; a table stands alone.
        let mut lines: Vec<String> = Vec::new();
        for (text, table) in blocks {
            if table {
                if !lines.is_empty() {
                    push(std::mem::take(&mut lines).join("\n"), false);
                }
                push(text, true);
            } else {
                lines.push(text);
            }
        }
        if !lines.is_empty() {
            push(lines.join("\n"), false);
        }
        if !notes.is_empty() {
            push(format!("{NOTES_MARK}{}", notes.join("\n")), false);
        }
    }
}

/// The texts of a slide's shapes in the order of the file, which is the reading order.
#[derive(Default)]
struct Shapes {
    title: Option<String>,
    /// Text, and whether it is a table.
    blocks: Vec<(String, bool)>,
    /// For notes pages, which also carry a picture of the slide, a header and a date.
    only_body: bool,
    /// Relation ids of the texts of SmartArt.
    diagrams: Vec<String>,
    charts: usize,
}

impl Shapes {
    fn walk(&mut self, tree: &Element) {
        for shape in tree.elements() {
            match shape.name() {
                "sp" => self.shape(shape),
                "graphicFrame" if !self.only_body && !is_hidden(shape) => self.frame(shape),
                "grpSp" if !is_hidden(shape) => self.walk(shape),
                "AlternateContent" => {
                    let choice = shape.child("Choice").or_else(|| shape.child("Fallback"));
                    if let Some(choice) = choice {
                        self.walk(choice);
                    }
                }
                _ => {}
            }
        }
    }

    fn shape(&mut self, shape: &Element) {
        let placeholder = shape.path(&["nvSpPr", "nvPr", "ph"]);
        let kind = placeholder.map(|placeholder| placeholder.attr_opt("type").unwrap_or("body"));
        let Some(body) = shape.child("txBody").filter(|_| !is_hidden(shape)) else {
            return;
        };
        let text = paragraphs(body);
        if text.is_empty() || matches!(kind, Some("dt" | "ftr" | "hdr" | "sldNum" | "sldImg")) {
            return;
        }
        match kind {
            Some("title" | "ctrTitle") if self.title.is_none() && !self.only_body => {
                self.title = Some(one_line(&text));
            }
            kind if self.only_body && kind != Some("body") => {}
            _ => self.blocks.push((text, false)),
        }
    }

    fn frame(&mut self, frame: &Element) {
        let Some(data) = frame.path(&["graphic", "graphicData"]) else {
            return;
        };
        self.charts += usize::from(data.child("chart").is_some());
        self.diagrams.extend(data.child("relIds").map(|ids| ids.attr("dm").to_owned()));
        let Some(table) = data.child("tbl") else {
            return;
        };
        let mut rows: Vec<Row> =
            table.elements().filter(|row| row.name() == "tr").map(row).collect();
        let first_is_header =
            table.child("tblPr").is_some_and(|p| matches!(p.attr("firstRow"), "1" | "true"));
        if let Some(first) = rows.first_mut().filter(|_| first_is_header) {
            first.header = true;
        }
        // One column is a frame around text.
        if rows.iter().all(|row| row.cells.len() < 2) {
            let cells = rows.into_iter().flat_map(|row| row.cells).map(|cell| cell.text);
            let text = cells.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n");
            self.blocks.extend(Some((text, false)).filter(|(text, _)| !text.is_empty()));
            return;
        }
        let text = table::lines(&rows).join("\n");
        if !text.is_empty() {
            self.blocks.push((text, true));
        }
    }
}

fn row(row: &Element) -> Row {
    let is_set = |cell: &Element, name: &str| matches!(cell.attr(name), "1" | "true");
    // A cell that goes on the one to its left is covered by that one's span.
    let cells = row.elements().filter(|cell| cell.name() == "tc" && !is_set(cell, "hMerge"));
    let cell = |cell: &Element| Cell {
        text: cell.child("txBody").map(|body| one_line(&paragraphs(body))).unwrap_or_default(),
        span: cell.attr("gridSpan").parse().unwrap_or(1),
        continues: is_set(cell, "vMerge"),
        shaded: false,
    };
    Row { cells: cells.map(cell).collect(), ..Row::default() }
}

fn is_hidden(shape: &Element) -> bool {
    let named = shape.elements().find(|child| child.name().starts_with("nv"));
    let properties = named.and_then(|named| named.child("cNvPr"));
    properties.is_some_and(|properties| matches!(properties.attr("hidden"), "1" | "true"))
}

#[cfg(test)]
mod tests;
