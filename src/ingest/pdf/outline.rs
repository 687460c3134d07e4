//! From paragraphs to sections: headings by size, one section per page and heading at least.

use crate::document::{Locator, Section};

use super::chars;
use super::layout::Item;
use super::paragraphs::{Block, Paragraph};

/// A heading is this much larger than the body.
const LARGER: f32 = 1.14;
/// And no longer than this, in characters.
const HEADING_LENGTH_MAX: usize = 60;

/// Size of most characters of a document, tables left out unless there is nothing else.
pub(super) fn body_size(pages: &[Vec<Item>]) -> f32 {
    let mut weights: std::collections::BTreeMap<i32, usize> = std::collections::BTreeMap::new();
    let mut in_tables = weights.clone();
    for item in pages.iter().flatten() {
        let half_points = |size: f32| (size * 2.0).round() as i32;
        match item {
            Item::Line(line) => {
                *weights.entry(half_points(line.size)).or_default() += line.text.chars().count();
            }
            Item::Table(table) => *in_tables.entry(half_points(table.size)).or_default() += 1,
        }
    }
    let most = weights.into_iter().max_by_key(|(_, weight)| *weight);
    let found = most.or_else(|| in_tables.into_iter().max_by_key(|(_, weight)| *weight));
    found.map_or(10.0, |(half_points, _)| half_points as f32 / 2.0)
}

/// Sections in reading order, and the first large heading.
#[derive(Default)]
pub(super) struct Outline {
    pub(super) sections: Vec<Section>,
    pub(super) first_heading: Option<String>,
    /// Headings above the current place, with their sizes.
    stack: Vec<(f32, String)>,
    /// The innermost heading has no text yet; its page.
    bare: Option<u32>,
}

impl Outline {
    /// `pages`: number of each page, counted from 1, and what stands on it.
    pub(super) fn of(pages: Vec<(u32, Vec<Block>)>, body_size: f32) -> Self {
        let mut outline = Self::default();
        let mut last_page = 0;
        let mut pages = pages.into_iter().peekable();
        let mut continued: Option<Paragraph> = None;
        while let Some((page, mut blocks)) = pages.next() {
            if let Some(paragraph) = continued.take() {
                let mut whole = paragraph;
                if let Some(Block::Paragraph(next)) = blocks.first() {
                    whole.absorb(next);
                    blocks.remove(0);
                }
                outline.text(&whole.text, last_page, page, false);
            }
            if let (Some(Block::Paragraph(last)), Some((next_page, next))) =
                (blocks.last(), pages.peek())
                && let Some(Block::Paragraph(first)) = next.first()
                && *next_page == page + 1
                && !is_heading(last, body_size)
                && !is_heading(first, body_size)
                && last.continues_in(first)
            {
                continued = Some(last.clone());
                blocks.pop();
            }
            for block in blocks {
                outline.block(block, page, body_size);
            }
            last_page = page;
        }
        outline.close_bare();
        outline
    }

    fn block(&mut self, block: Block, page: u32, body_size: f32) {
        match block {
            Block::Paragraph(paragraph) if is_heading(&paragraph, body_size) => {
                self.heading(paragraph, page);
            }
            Block::Paragraph(paragraph) => self.text(&paragraph.text, page, page, false),
            Block::Table(table) => {
                for caption in &table.captions {
                    self.text(caption, page, page, false);
                }
                if !table.lines.is_empty() {
                    self.text(&table.lines.join("\n"), page, page, table.sure);
                }
            }
        }
    }

    fn heading(&mut self, paragraph: Paragraph, page: u32) {
        let Paragraph { text, size, .. } = paragraph;
        if let Some((above, heading)) = self.stack.last_mut()
            && self.bare == Some(page)
            && (0.96..=1.04).contains(&(size / *above))
            && heading.chars().count() + text.chars().count() <= HEADING_LENGTH_MAX
        {
            // A title over several lines.
            heading.push('\u{3000}');
            heading.push_str(&text);
            return;
        }
        if self.stack.last().is_some_and(|(above, _)| *above <= size * 1.04) {
            self.close_bare();
        }
        while self.stack.last().is_some_and(|(above, _)| *above <= size * 1.04) {
            self.stack.pop();
        }
        self.stack.push((size, text));
        self.bare = Some(page);
    }

    /// The innermost heading ends without text: it is then text itself, not to be lost.
    fn close_bare(&mut self) {
        if let (Some(page), Some((_, heading))) = (self.bare, self.stack.last().cloned()) {
            self.text(&heading, page, page, false);
        }
    }

    /// Adds text to the current section, or begins one.
    fn text(&mut self, text: &str, first: u32, last: u32, table: bool) {
        if text.trim().is_empty() {
            return;
        }
        if self.first_heading.is_none() {
            self.first_heading = self.stack.first().map(|(_, heading)| heading.clone());
        }
        self.bare = None;
        let headings: Vec<String> = self.stack.iter().map(|(_, text)| text.clone()).collect();
        let locator = Locator::Pages { first, last };
        match self.sections.last_mut() {
            Some(section)
                if !table
                    && !section.table
                    && section.locator == locator
                    && section.headings == headings =>
            {
                section.text.push('\n');
                section.text.push_str(text);
            }
            _ => self.sections.push(Section {
                headings,
                locator,
                text: text.to_owned(),
                table,
                ..Section::default()
            }),
        }
    }
}

/// Clearly larger than the body, short, and no sentence.
fn is_heading(paragraph: &Paragraph, body_size: f32) -> bool {
    let text = &paragraph.text;
    let count = text.chars().count();
    paragraph.size >= LARGER * body_size
        && (2..=HEADING_LENGTH_MAX).contains(&count)
        && paragraph.lines <= 3
        && !text.ends_with(['。', '、', '，', ','])
        && text.chars().filter(|c| c.is_alphabetic()).count() * 2 >= count
        && !text.starts_with(['・', '•', '●', '○', '–', '※', '■', '□', '◆', '➢', '⇒', '→', '◇'])
        && !text.contains(chars::GETA)
}
