//! The blocks of a Word document in reading order: headings, paragraphs, tables.

use std::collections::HashMap;

use super::styles::{Kind, Styles};
use crate::ingest::office::table::{self, Cell, Row};
use crate::ingest::office::xml::Element;
use crate::ingest::office::{one_line, tidy_lines};

/// A "heading" longer than this is a paragraph in the wrong style (in characters).
const HEADING_CHARS_MAX: usize = 120;

/// A block.
#[derive(Debug)]
pub(super) enum Piece {
    /// Level (0 is the title) and text on one line.
    Heading(u8, String),
    /// Text, several lines where it has line breaks.
    Paragraph(String),
    Table(Vec<Row>),
}

/// Footnotes and endnotes by their id.
pub(super) struct Notes<'e> {
    footnotes: HashMap<String, &'e Element>,
    endnotes: HashMap<String, &'e Element>,
    /// Notes so far; the number that the reader sees.
    count: usize,
}

impl<'e> Notes<'e> {
    pub(super) fn new(
        footnotes: HashMap<String, &'e Element>,
        endnotes: HashMap<String, &'e Element>,
    ) -> Self {
        Self { footnotes, endnotes, count: 0 }
    }

    /// Marks the place of a note in the text and keeps it for after the paragraph.
    fn refer(&mut self, reference: &Element, inline: &mut Inline<'e>) {
        let notes = match reference.name() {
            "endnoteReference" => &self.endnotes,
            _ => &self.footnotes,
        };
        if let Some(note) = notes.get(reference.attr("id")) {
            self.count += 1;
            inline.text.push_str(&format!("（注{}）", self.count));
            inline.notes.push((self.count, note));
        }
    }
}

/// Walks the body. Lives as long as the trees of the parts.
pub(super) struct Body<'e> {
    styles: &'e Styles,
    notes: Notes<'e>,
    /// Texts of SmartArt by relation id.
    diagrams: &'e HashMap<String, String>,
    left_out: LeftOut,
}

/// What is not read, counted for the report.
#[derive(Clone, Copy, Default)]
struct LeftOut {
    hidden_runs: usize,
    embedded: usize,
    charts: usize,
}

/// A paragraph's text and what is anchored in it.
#[derive(Default)]
struct Inline<'e> {
    text: String,
    notes: Vec<(usize, &'e Element)>,
    boxes: Vec<&'e Element>,
    diagrams: Vec<&'e str>,
}

impl<'e> Body<'e> {
    pub(super) fn new(
        styles: &'e Styles,
        notes: Notes<'e>,
        diagrams: &'e HashMap<String, String>,
    ) -> Self {
        Self { styles, notes, diagrams, left_out: LeftOut::default() }
    }

    /// What was left out, for the report.
    pub(super) fn warnings(&self) -> Vec<String> {
        let LeftOut { hidden_runs, embedded, charts } = self.left_out;
        let hidden = format!(
            "隠し文字が{hidden_runs}か所あり、読みませんでした。必要なら表示に変えて保存し直してください。"
        );
        let embedded_files = format!(
            "埋め込まれた別文書が{embedded}件あり、読みませんでした。別のファイルとして保存してください。"
        );
        let graphs = format!(
            "グラフが{charts}個あり、数値は読みませんでした。必要なら表にして保存し直してください。"
        );
        let all = [(hidden_runs, hidden), (embedded, embedded_files), (charts, graphs)];
        all.into_iter().filter(|(count, _)| *count > 0).map(|(_, warning)| warning).collect()
    }

    /// Adds the blocks of a container: the body, a table cell, a text box, a note.
    pub(super) fn blocks(&mut self, container: &'e Element, pieces: &mut Vec<Piece>) {
        for block in container.elements() {
            match block.name() {
                "p" => self.paragraph(block, pieces),
                "tbl" => self.table(block, pieces),
                "sdt" | "sdtContent" | "ins" | "moveTo" | "customXml" | "smartTag" => {
                    self.blocks(block, pieces);
                }
                "AlternateContent" => {
                    if let Some(choice) = chosen(block) {
                        self.blocks(choice, pieces);
                    }
                }
                "altChunk" => self.left_out.embedded += 1,
                _ => {}
            }
        }
    }

    fn paragraph(&mut self, paragraph: &'e Element, pieces: &mut Vec<Piece>) {
        let kind = self.styles.kind(paragraph.child("pPr"));
        if kind == Kind::Contents {
            return; // Made from the headings, which are read where they stand.
        }
        let mut inline = Inline::default();
        self.inline(paragraph, &mut inline);
        let text = tidy_lines(&inline.text);
        let short = text.chars().count() <= HEADING_CHARS_MAX;
        match kind {
            _ if text.is_empty() => {}
            Kind::Heading(level) if short => pieces.push(Piece::Heading(level, one_line(&text))),
            _ => pieces.push(Piece::Paragraph(text)),
        }
        for (number, note) in inline.notes {
            let text = self.flat(note);
            if !text.is_empty() {
                pieces.push(Piece::Paragraph(format!("（注{number}）{text}")));
            }
        }
        for diagram in inline.diagrams.into_iter().filter(|text| !text.is_empty()) {
            pieces.push(Piece::Paragraph(diagram.to_owned()));
        }
        for text_box in inline.boxes {
            self.blocks(text_box, pieces);
        }
    }

    /// Adds the text of runs; descends into everything that is not known to be left out.
    fn inline(&mut self, parent: &'e Element, inline: &mut Inline<'e>) {
        for child in parent.elements() {
            match child.name() {
                "t" => inline.text.push_str(&child.run_text()),
                "tab" | "ptab" => inline.text.push(' '),
                "br" | "cr" => inline.text.push('\n'),
                "noBreakHyphen" => inline.text.push('-'),
                "sym" => inline.text.push(symbol(child)),
                "footnoteReference" | "endnoteReference" => self.notes.refer(child, inline),
                "relIds" => {
                    inline.diagrams.extend(self.diagrams.get(child.attr("dm")).map(|t| &**t))
                }
                "chart" => self.left_out.charts += 1,
                "txbxContent" => inline.boxes.push(child),
                "AlternateContent" => {
                    if let Some(choice) = chosen(child) {
                        self.inline(choice, inline);
                    }
                }
                "r" if child.child("rPr").is_some_and(|props| self.styles.hides(props)) => {
                    self.left_out.hidden_runs += usize::from(child.child("t").is_some());
                }
                "pPr" | "rPr" | "rt" | "rubyPr" | "del" | "moveFrom" | "delText" | "instrText" => {}
                _ => self.inline(child, inline),
            }
        }
    }

    /// A table of one column is a frame around text, not a table.
    fn table(&mut self, table: &'e Element, pieces: &mut Vec<Piece>) {
        let mut found = Vec::new();
        gather(table, "tr", &mut found);
        let rows: Vec<(&Element, Vec<&Element>)> = found
            .into_iter()
            .filter(|row| row.path(&["trPr", "del"]).is_none())
            .map(|row| {
                let mut cells = Vec::new();
                gather(row, "tc", &mut cells);
                (row, cells)
            })
            .collect();
        if rows.iter().all(|(_, cells)| cells.len() < 2) {
            for cell in rows.into_iter().flat_map(|(_, cells)| cells) {
                self.blocks(cell, pieces);
            }
            return;
        }
        let rows = rows.into_iter().map(|(row, cells)| self.row(row, &cells)).collect();
        pieces.push(Piece::Table(rows));
    }

    fn row(&mut self, row: &Element, cells: &[&'e Element]) -> Row {
        let property = |name: &str| row.path(&["trPr", name]);
        let cells = cells.iter().map(|cell| {
            let property = |name: &str| cell.path(&["tcPr", name]);
            let merge = property("vMerge");
            let fill = property("shd").map(|shade| shade.attr("fill")).unwrap_or_default();
            Cell {
                text: self.flat(cell),
                span: property("gridSpan").map_or(1, number),
                continues: merge.is_some_and(|merge| merge.attr("val") != "restart"),
                shaded: !matches!(fill, "" | "auto" | "FFFFFF" | "ffffff"),
            }
        });
        Row {
            cells: cells.collect(),
            indent: property("gridBefore").map_or(0, number),
            header: property("tblHeader").is_some_and(Element::is_on),
        }
    }

    /// All text of a cell or note on one line.
    fn flat(&mut self, container: &'e Element) -> String {
        let mut pieces = Vec::new();
        self.blocks(container, &mut pieces);
        let texts: Vec<_> = pieces
            .into_iter()
            .map(|piece| match piece {
                Piece::Heading(_, text) | Piece::Paragraph(text) => text,
                Piece::Table(rows) => table::lines(&rows).join(" "),
            })
            .collect();
        one_line(&texts.join(" "))
    }
}

/// Rows of a table or cells of a row, also those inside content controls and insertions.
fn gather<'e>(parent: &'e Element, name: &str, found: &mut Vec<&'e Element>) {
    for child in parent.elements() {
        match child.name() {
            own if own == name => found.push(child),
            "sdt" | "sdtContent" | "ins" | "moveTo" | "customXml" => gather(child, name, found),
            _ => {}
        }
    }
}

/// The alternative that is meant for today's programs; the fallback repeats it for old ones.
fn chosen(alternatives: &Element) -> Option<&Element> {
    alternatives.child("Choice").or_else(|| alternatives.child("Fallback"))
}

fn number(element: &Element) -> usize {
    element.attr("val").parse().unwrap_or(1)
}

/// A character of a symbol font: the check boxes that forms use; 〓 stands for any other.
fn symbol(element: &Element) -> char {
    let code = u32::from_str_radix(element.attr("char"), 16).unwrap_or(0);
    let private = (0xF000..=0xF0FF).contains(&code);
    match (element.attr("font"), code & 0xFF) {
        ("Wingdings", 0x6F | 0x71 | 0xA8) => '□',
        ("Wingdings", 0xFE) | ("Wingdings 2", 0x52) => '☑',
        ("Wingdings", 0xFD | 0x78) | ("Wingdings 2", 0x51) => '☒',
        ("Wingdings", 0xFC) | ("Wingdings 2", 0x50) => '✓',
        ("Wingdings", 0x6C | 0x9F) | ("Symbol", 0xB7) => '・',
        ("Wingdings 2", 0xA3) => '□',
        _ if private => '〓',
        _ => char::from_u32(code).filter(|c| !c.is_control()).unwrap_or('〓'),
    }
}
