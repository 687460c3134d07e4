//! Collects headings, lines and tables, as a reader meets them, into sections under a heading path.

use crate::document::{Locator, Section};

/// Headings kept above a text; deeper ones replace the innermost.
const HEADINGS_MAX: usize = 8;

/// A document in the making. Blocks go in, in reading order; [`Outline::finish`] gives sections.
#[derive(Debug, Default)]
pub(crate) struct Outline {
    sections: Vec<Section>,
    /// Open headings with their levels, outermost first.
    path: Vec<(usize, String)>,
    /// True until something stands under the innermost heading.
    heading_bare: bool,
    lines: Vec<String>,
    first_heading: Option<String>,
}

impl Outline {
    /// Opens a heading; `level` counts from 1, smaller is further out.
    pub(crate) fn heading(&mut self, level: usize, text: &str) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        self.flush();
        self.keep_bare_heading(level);
        self.path.retain(|(open, _)| *open < level);
        self.path.truncate(HEADINGS_MAX - 1);
        self.path.push((level, text.to_owned()));
        self.heading_bare = true;
        self.first_heading.get_or_insert_with(|| text.to_owned());
    }

    /// Adds a block of text; a blank one is nothing.
    pub(crate) fn block(&mut self, text: &str) {
        let text = text.trim_matches(|c: char| c.is_ascii_whitespace());
        if !text.trim().is_empty() {
            self.lines.push(text.to_owned());
        }
    }

    /// Closes the section, so that what follows is another one under the same headings.
    pub(crate) fn flush(&mut self) {
        let text = std::mem::take(&mut self.lines).join("\n");
        self.push(text, false);
    }

    /// Adds a table, a line a row, as a section of its own.
    pub(crate) fn table(&mut self, lines: &[String]) {
        self.flush();
        self.push(lines.join("\n"), true);
    }

    /// The first heading that was opened.
    pub(crate) fn first_heading(&self) -> Option<&str> {
        self.first_heading.as_deref()
    }

    /// The sections. A heading with nothing under it is kept as a text, so that nothing is lost.
    pub(crate) fn finish(mut self) -> Vec<Section> {
        self.flush();
        self.keep_bare_heading(0);
        self.sections
    }

    fn push(&mut self, text: String, table: bool) {
        if text.is_empty() {
            return;
        }
        self.heading_bare = false;
        self.sections.push(Section {
            headings: self.path.iter().map(|(_, heading)| heading.clone()).collect(),
            locator: Locator::None,
            text,
            table,
            ..Section::default()
        });
    }

    /// A heading of `level` is about to replace the innermost one: keep that one as a text when
    /// nothing stood under it.
    fn keep_bare_heading(&mut self, level: usize) {
        let closes = self.path.last().is_some_and(|(open, _)| *open >= level);
        if !(closes && self.heading_bare) {
            return;
        }
        if let Some((_, heading)) = self.path.pop() {
            self.push(heading, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_nest_and_bare_ones_stay() {
        let mut outline = Outline::default();
        outline.heading(1, "手引");
        outline.heading(2, "空の節");
        outline.heading(2, "届出");
        outline.block("本文。");
        outline.block("　");
        outline.heading(1, "付録");
        let sections = outline.finish();
        let found: Vec<_> =
            sections.iter().map(|s| (s.headings.join(">"), s.text.as_str())).collect();
        assert_eq!(
            found,
            [
                ("手引".to_owned(), "空の節"),
                ("手引>届出".to_owned(), "本文。"),
                (String::new(), "付録")
            ]
        );
    }
}
