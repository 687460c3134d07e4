//! Paragraph styles of a DOCX file: which are headings, and of what level.

use std::collections::HashMap;

use crate::ingest::office::xml::Element;

/// Longest chain of styles that are based on each other.
const CHAIN_MAX: usize = 16;

/// What a paragraph is by its style.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The title of the document (level 0) or a heading from 1.
    Heading(u8),
    /// A line of the table of contents.
    Contents,
    Body,
}

#[derive(Debug, Default)]
struct Style {
    name: String,
    based_on: String,
    /// `w:outlineLvl`: 0 is the first heading level, 9 is body text.
    outline: Option<u8>,
    /// Set where the style itself, not each run, hides its text.
    hidden: bool,
}

/// The styles by their id.
#[derive(Debug, Default)]
pub(super) struct Styles {
    styles: HashMap<String, Style>,
    /// The style of a paragraph that names none.
    default: String,
}

impl Styles {
    /// Reads `word/styles.xml`.
    pub(super) fn of(tree: &Element) -> Self {
        let mut found = Self::default();
        for style in tree.elements().filter(|element| element.name() == "style") {
            let value = |name: &str| style.child(name).map(|e| e.attr("val")).unwrap_or_default();
            let id = style.attr("styleId").to_owned();
            if style.attr("type") == "paragraph" && matches!(style.attr("default"), "1" | "true") {
                found.default.clone_from(&id);
            }
            let parsed = Style {
                name: value("name").to_lowercase(),
                based_on: value("basedOn").to_owned(),
                outline: style.child("pPr").and_then(outline_level),
                hidden: style.child("rPr").is_some_and(is_hidden),
            };
            found.styles.insert(id, parsed);
        }
        found
    }

    /// What a paragraph with these properties is.
    pub(super) fn kind(&self, properties: Option<&Element>) -> Kind {
        let direct = properties.and_then(outline_level);
        let named = properties.and_then(|properties| properties.child("pStyle"));
        let id = named.map(|style| style.attr("val")).unwrap_or(&self.default);
        let chain = || self.chain(id);
        if chain().any(|style| is_contents(&style.name)) {
            return Kind::Contents;
        }
        if let Some(level) = direct {
            return level_kind(level);
        }
        for style in chain() {
            if let Some(level) = name_level(&style.name) {
                return Kind::Heading(level);
            }
            if let Some(level) = style.outline {
                return level_kind(level);
            }
        }
        // Without styles.xml the id is all there is, and by custom it is the English name.
        match self.styles.is_empty().then(|| name_level(&id.to_lowercase())).flatten() {
            Some(level) => Kind::Heading(level),
            None => Kind::Body,
        }
    }

    /// True where the character style named in run properties hides its text.
    pub(super) fn hides(&self, run_properties: &Element) -> bool {
        match run_properties.child("vanish") {
            Some(vanish) => vanish.is_on(),
            None => {
                let style = run_properties.child("rStyle").map(|style| style.attr("val"));
                style.is_some_and(|id| self.chain(id).any(|style| style.hidden))
            }
        }
    }

    fn chain(&self, id: &str) -> impl Iterator<Item = &Style> {
        let next = |style: &&Style| self.styles.get(&style.based_on);
        std::iter::successors(self.styles.get(id), next).take(CHAIN_MAX)
    }
}

fn is_hidden(run_properties: &Element) -> bool {
    run_properties.child("vanish").is_some_and(Element::is_on)
}

fn outline_level(paragraph_properties: &Element) -> Option<u8> {
    paragraph_properties.child("outlineLvl")?.attr("val").parse().ok()
}

fn level_kind(outline: u8) -> Kind {
    match outline {
        0..=8 => Kind::Heading(outline + 1),
        _ => Kind::Body,
    }
}

/// `heading 1`, `見出し 1` and their like, `title` and `表題`; the name is in lower case.
fn name_level(name: &str) -> Option<u8> {
    if matches!(name, "title" | "表題") {
        return Some(0);
    }
    let number = name.strip_prefix("heading").or_else(|| name.strip_prefix("見出し"))?;
    let number = crate::text::normalize(number.trim());
    number.parse().ok().filter(|level| (1..=9).contains(level))
}

fn is_contents(name: &str) -> bool {
    let rest = name.strip_prefix("toc").or_else(|| name.strip_prefix("目次"));
    rest.is_some_and(|rest| rest.trim().parse::<u8>().is_ok())
}
