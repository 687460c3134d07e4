//! e-Gov 法令標準XML: a statute with its structure, bare (`<Law>`) or inside an answer of the API.
//!
//! Each paragraph (項) becomes a section of its own that knows its article; the chunker joins the
//! paragraphs of a short article again. Text is written as in print: 「第一条　…」, 「２　…」,
//! items on lines of their own.

mod revision;
mod tree;

use self::tree::Element;
use super::table::Grid;
use super::{IngestError, encoding};
use crate::document::{ArticleRef, Authority, Document, LawInfo, Section};
use crate::text::article_key;

/// Most articles that one element stands for (第五条から第九条まで 削除).
const ARTICLE_RANGE_MAX: u64 = 100;

/// Elements that divide a statute, each with a title of its own.
const DIVISIONS: [&str; 5] = ["Part", "Chapter", "Section", "Subsection", "Division"];

/// Elements that hold pictures.
const PICTURES: [&str; 2] = ["FigStruct", "Fig"];

/// Reads a statute; `name` is the title where it has none.
///
/// # Errors
/// [`IngestError::Damaged`] for XML that is broken, cut off, too deep or no statute;
/// [`IngestError::Garbled`].
pub(crate) fn read(bytes: &[u8], name: &str) -> Result<Document, IngestError> {
    let decoded = encoding::decode(bytes, encoding::declared(bytes).as_deref())?;
    let root = tree::parse(&decoded.text)?;
    let law = root.find("Law").ok_or_else(|| not_a_law(&root))?;
    let body = law.child("LawBody").ok_or_else(|| not_a_law(&root))?;
    let title = body.child("LawTitle").map(Element::text).unwrap_or_default();
    let mut statute = Statute::default();
    for part in body.children() {
        statute.part(part);
    }
    let mut warnings = decoded.warnings();
    if statute.pictures > 0 {
        warnings.push(format!("図や様式の画像{}点は読み取っていません。", statute.pictures));
    }
    Ok(Document {
        title: if title.is_empty() { name.to_owned() } else { title },
        law: Some(LawInfo {
            number: law.child("LawNum").map(Element::text).unwrap_or_default(),
            authority: authority(law.attribute("LawType")),
            abbreviations: abbreviations(&root, body),
            validity: revision::validity(&root, law, name),
        }),
        sections: statute.sections,
        warnings,
    })
}

fn not_a_law(root: &Element) -> IngestError {
    IngestError::Damaged(format!("XML of <{}> holds no <Law> with a <LawBody>", root.name))
}

fn authority(law_type: &str) -> Option<Authority> {
    match law_type {
        "Constitution" | "Act" => Some(Authority::Law),
        "CabinetOrder" | "ImperialOrder" => Some(Authority::CabinetOrder),
        "MinisterialOrdinance" | "Rule" => Some(Authority::MinisterialOrdinance),
        _ => None,
    }
}

/// 略称 as the statute or the API's answer around it gives them.
fn abbreviations(root: &Element, body: &Element) -> Vec<String> {
    let own = body.child("LawTitle").map(|title| title.attribute("Abbrev").to_owned());
    let answer = root.find("abbrev").map(Element::text);
    let mut found: Vec<String> = Vec::new();
    for list in own.into_iter().chain(answer) {
        for name in list.split([',', '，', '、', ';']).map(str::trim) {
            if !name.is_empty() && !found.iter().any(|known| known == name) {
                found.push(name.to_owned());
            }
        }
    }
    found
}

/// The walk through a statute: what stands above the current provision, and what was read.
#[derive(Default)]
struct Statute {
    headings: Vec<String>,
    /// Number of the amending law inside 附則.
    supplement: Option<String>,
    sections: Vec<Section>,
    pictures: usize,
}

impl Statute {
    /// A child of `<LawBody>`.
    fn part(&mut self, part: &Element) {
        match part.name.as_str() {
            "LawTitle" | "TOC" => {}
            "MainProvision" => self.provisions(part),
            "SupplProvision" => {
                self.supplement = Some(part.attribute("AmendLawNum").trim().to_owned());
                self.under("附則".to_owned(), |statute| statute.provisions(part));
                self.supplement = None;
            }
            "Preamble" => self.under("前文".to_owned(), |statute| statute.provisions(part)),
            name if is_appendix(name) => self.appendix(part),
            _ => {
                let lines = self.lines(part);
                self.push(&lines, "", None);
            }
        }
    }

    /// The articles, divisions or bare paragraphs of a part.
    fn provisions(&mut self, part: &Element) {
        let paragraphs = part.children().filter(|child| child.name == "Paragraph").count();
        for (at, child) in part.children().enumerate() {
            let name = child.name.as_str();
            if DIVISIONS.contains(&name) {
                let title = child.child(&format!("{name}Title")).map(Element::text);
                let title = title.unwrap_or_default();
                self.under(title, |statute| statute.provisions(child));
            } else if name == "Article" {
                self.article(child);
            } else if name == "Paragraph" {
                let article = self.supplement.is_some().then(|| self.reference(String::new()));
                let number = (paragraphs > 1).then(|| paragraph_number(child, at));
                self.paragraph(child, "", "", number, article.as_slice());
            } else if is_appendix(name) {
                self.appendix(child);
            } else if !name.ends_with("Title") && !name.ends_with("Label") {
                let lines = self.lines(child);
                self.push(&lines, "", None);
            }
        }
    }

    fn article(&mut self, article: &Element) {
        let title = article.child("ArticleTitle").map(Element::text).unwrap_or_default();
        let caption = article.child("ArticleCaption").map(Element::text).unwrap_or_default();
        let references: Vec<_> = article_keys(article.attribute("Num"), &title)
            .into_iter()
            .map(|key| self.reference(key))
            .collect();
        let paragraphs = article.children().filter(|child| child.name == "Paragraph").count();
        let mut nth = 0;
        for child in article.children() {
            match child.name.as_str() {
                "ArticleTitle" | "ArticleCaption" => {}
                "Paragraph" => {
                    let label = if nth == 0 { title.as_str() } else { "" };
                    let number = (paragraphs > 1).then(|| paragraph_number(child, nth));
                    self.paragraph(child, label, &caption, number, &references);
                    nth += 1;
                }
                _ => {
                    let lines = self.lines(child);
                    self.push(&lines, &bare(&caption), references.first());
                }
            }
        }
        if nth == 0 {
            let lines = vec![Line { text: title, table: false }];
            self.push(&lines, &bare(&caption), references.first());
        }
    }

    /// One 項: a section for each article that it stands for (several for a range of deleted ones).
    fn paragraph(
        &mut self,
        paragraph: &Element,
        label: &str,
        caption: &str,
        number: Option<u32>,
        articles: &[ArticleRef],
    ) {
        let own = paragraph.child("ParagraphCaption").map(Element::text).unwrap_or_default();
        let caption = bare(if own.is_empty() { caption } else { &own });
        let mut lines = self.lines(paragraph);
        if let (false, Some(first)) = (label.is_empty(), lines.first_mut()) {
            first.text = format!("{label}　{}", first.text);
        }
        for article in articles {
            let article = ArticleRef { paragraph: number, ..article.clone() };
            self.push(&lines, &caption, Some(&article));
        }
        if articles.is_empty() {
            self.push(&lines, &caption, None);
        }
    }

    /// 別表, 様式 and the like, under a heading of its own.
    fn appendix(&mut self, appendix: &Element) {
        let titled =
            |child: &&Element| child.name.ends_with("Title") || child.name == "RelatedArticleNum";
        let title: String = appendix.children().filter(titled).map(Element::text).collect();
        self.under(title, |statute| {
            let mut lines = Vec::new();
            for child in appendix.children().filter(|child| !titled(child)) {
                statute.collect(child, &mut lines);
            }
            statute.push(&lines, "", None);
        });
    }

    fn under(&mut self, heading: String, read: impl FnOnce(&mut Self)) {
        let depth = self.headings.len();
        self.headings.extend((!heading.is_empty()).then_some(heading));
        read(self);
        self.headings.truncate(depth);
    }

    fn reference(&self, article: String) -> ArticleRef {
        ArticleRef { article, supplement: self.supplement.clone(), ..ArticleRef::default() }
    }

    /// Makes sections of lines: one a run of text, one a table.
    fn push(&mut self, lines: &[Line], caption: &str, article: Option<&ArticleRef>) {
        for run in lines.chunk_by(|one, next| one.table == next.table) {
            let text = run.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n");
            self.sections.push(Section {
                headings: self.headings.clone(),
                caption: caption.to_owned(),
                article: article.cloned(),
                table: run.first().is_some_and(|line| line.table),
                text,
                ..Section::default()
            });
        }
    }

    fn lines(&mut self, element: &Element) -> Vec<Line> {
        let mut lines = Vec::new();
        self.collect(element, &mut lines);
        lines
    }

    /// An element as lines: its own label and sentence on one, then what it holds.
    fn collect(&mut self, element: &Element, lines: &mut Vec<Line>) {
        let name = element.name.as_str();
        if name == "Table" {
            let rows = self.table(element);
            lines.extend(rows.into_iter().map(|text| Line { text, table: true }));
            return;
        }
        if PICTURES.contains(&name) {
            self.pictures += usize::from(name == "Fig" || element.child("Fig").is_none());
        }
        let (mut label, mut own) = (String::new(), false);
        for child in element.children() {
            if is_caption(&child.name) {
                continue;
            }
            if is_label(&child.name) {
                label.push_str(&child.text());
            } else if is_inline(&child.name) {
                // All that stands inline makes one line, where the first of it stands.
                if !std::mem::replace(&mut own, true) {
                    add_line(std::mem::take(&mut label), lines);
                    add_line(element.text_of(is_inline), lines);
                }
            } else if child.name.ends_with("Sentence") {
                let sentence = child.text();
                let gap = if label.is_empty() || sentence.is_empty() { "" } else { "　" };
                add_line(format!("{}{gap}{sentence}", std::mem::take(&mut label)), lines);
            } else {
                add_line(std::mem::take(&mut label), lines);
                self.collect(child, lines);
            }
        }
        add_line(label, lines);
        if element.children().next().is_none() {
            add_line(element.text(), lines);
        }
    }

    fn table(&mut self, table: &Element) -> Vec<String> {
        let mut grid = Grid::default();
        for row in table.children().filter(|row| row.name.ends_with("Row")) {
            grid.row();
            for column in row.children() {
                let span = |name| column.attribute(name).parse().unwrap_or(1);
                let lines: Vec<_> = self.lines(column).into_iter().map(|line| line.text).collect();
                let header = column.name == "TableHeaderColumn";
                grid.cell(&lines.join("\n"), span("colspan"), span("rowspan"), header);
            }
        }
        grid.lines(false)
    }
}

/// A line of text or a row of a table.
#[derive(Clone, Debug)]
struct Line {
    text: String,
    table: bool,
}

fn add_line(text: String, lines: &mut Vec<Line>) {
    if !text.trim().is_empty() {
        lines.push(Line { text, table: false });
    }
}

fn is_appendix(name: &str) -> bool {
    name.starts_with("Appdx") || name.starts_with("SupplProvisionAppdx")
}

fn is_caption(name: &str) -> bool {
    matches!(name, "ParagraphCaption")
}

/// 号, 項 and other numbers, and titles: what stands before a sentence on its line.
fn is_label(name: &str) -> bool {
    name.ends_with("Title") || name.ends_with("Num") || name.ends_with("Label")
}

/// What stands inside a sentence.
fn is_inline(name: &str) -> bool {
    matches!(name, "Sentence" | "Column" | "Ruby" | "Rt" | "Line" | "Sup" | "Sub" | "ArithFormula")
}

/// A caption without its parentheses.
fn bare(caption: &str) -> String {
    let caption = caption.trim();
    let inner = caption.strip_prefix('（').and_then(|rest| rest.strip_suffix('）'));
    inner.unwrap_or(caption).to_owned()
}

/// The number of a 項; its place where the attribute says none.
fn paragraph_number(paragraph: &Element, at: usize) -> u32 {
    let place = u32::try_from(at + 1).unwrap_or(u32::MAX);
    paragraph.attribute("Num").parse().unwrap_or(place)
}

/// The keys that an article stands for: one, or those of a deleted range (`5:9`, `10_2:10_4`).
fn article_keys(number: &str, title: &str) -> Vec<String> {
    let key = |part: &str| article_key(part).filter(|key| !key.is_empty());
    let Some((first, last)) = number.split_once(':') else {
        let found = key(number).or_else(|| key(title));
        return vec![found.unwrap_or_else(|| number.trim().to_owned())];
    };
    let (Some(first), Some(last)) = (key(first), key(last)) else {
        return vec![number.trim().to_owned()];
    };
    let split = |key: &str| -> (String, Option<u64>) {
        let at = key.rfind('-').map_or(0, |at| at + 1);
        (key[..at].to_owned(), key[at..].parse().ok())
    };
    match (split(&first), split(&last)) {
        ((stem, Some(from)), (other, Some(to)))
            if stem == other && from < to && to - from < ARTICLE_RANGE_MAX =>
        {
            (from..=to).map(|number| format!("{stem}{number}")).collect()
        }
        _ => vec![first, last],
    }
}

#[cfg(test)]
mod tests;
