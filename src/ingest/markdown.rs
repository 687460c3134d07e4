//! Markdown (CommonMark with tables): headings, lists, tables; front matter is skipped.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::outline::Outline;
use super::table::table_lines;
use super::{IngestError, encoding, html};
use crate::document::Document;

/// Reads a Markdown file; `name` is the title where it has no heading.
///
/// # Errors
/// [`IngestError::Garbled`], or [`IngestError::Damaged`] where its HTML nests too deeply.
pub(crate) fn read(bytes: &[u8], name: &str) -> Result<Document, IngestError> {
    let decoded = encoding::decode(bytes, None)?;
    html::check_depth(&decoded.text)?;
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut walk = Walk::default();
    for event in Parser::new_ext(&decoded.text, options) {
        walk.event(event);
    }
    walk.end_block();
    let title = walk.outline.first_heading().unwrap_or(name).to_owned();
    let sections = walk.outline.finish();
    Ok(Document { title, law: None, sections, warnings: decoded.warnings() })
}

/// What is open at this point of the event stream.
#[derive(Default)]
struct Walk {
    outline: Outline,
    /// The block, heading or cell that is being collected.
    text: String,
    /// Rows of the open table.
    rows: Vec<Vec<String>>,
    /// Open lists, innermost last: the next number, or `None` for bullets.
    lists: Vec<Option<u64>>,
    /// Mark of a list item whose first text has not come yet.
    mark: Option<String>,
    /// Collected markup of an HTML block.
    markup: Option<String>,
    /// Inside front matter.
    skipping: bool,
    /// Open `<rt>` and `<rp>` of inline HTML.
    ruby: usize,
}

impl Walk {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Code(text) => self.push(&text),
            Event::InlineMath(text) | Event::DisplayMath(text) => self.push(&text),
            Event::SoftBreak | Event::HardBreak => self.push("\n"),
            Event::Html(html) => match &mut self.markup {
                Some(markup) => markup.push_str(&html),
                None => self.inline_html(&html),
            },
            Event::InlineHtml(html) => self.inline_html(&html),
            Event::FootnoteReference(label) => self.push(&format!("［注{label}］")),
            Event::TaskListMarker(done) => self.push(if done { "☑ " } else { "☐ " }),
            Event::Rule => self.end_block(),
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Paragraph | Tag::Heading { .. } | Tag::CodeBlock(_) | Tag::BlockQuote(_) => {
                self.end_block();
            }
            Tag::HtmlBlock => {
                self.end_block();
                self.markup = Some(String::new());
            }
            Tag::List(first) => {
                self.end_block();
                self.lists.push(*first);
            }
            Tag::Item => {
                self.end_block();
                self.mark = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        let mark = format!("{number}. ");
                        *number = number.saturating_add(1);
                        Some(mark)
                    }
                    _ => Some("・".to_owned()),
                };
            }
            Tag::FootnoteDefinition(label) => {
                self.end_block();
                self.mark = Some(format!("［注{label}］"));
            }
            Tag::Table(_) => {
                self.end_block();
                self.rows.clear();
            }
            Tag::TableHead | Tag::TableRow => self.rows.push(Vec::new()),
            Tag::MetadataBlock(_) => self.skipping = true,
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(level) => {
                let text = std::mem::take(&mut self.text).replace('\n', " ");
                self.outline.heading(level_number(level), &text);
            }
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.text);
                if let Some(row) = self.rows.last_mut() {
                    row.push(cell);
                }
            }
            TagEnd::Table => {
                self.outline.table(&table_lines(&std::mem::take(&mut self.rows), 1));
            }
            TagEnd::List(_) => {
                self.end_block();
                self.lists.pop();
            }
            TagEnd::HtmlBlock => {
                if let Some(markup) = self.markup.take() {
                    html::append(&markup, &mut self.outline);
                }
            }
            TagEnd::MetadataBlock(_) => self.skipping = false,
            TagEnd::Paragraph | TagEnd::CodeBlock | TagEnd::Item | TagEnd::BlockQuote(_) => {
                self.end_block();
            }
            _ => {}
        }
    }

    fn push(&mut self, text: &str) {
        if !self.skipping && self.ruby == 0 {
            if let Some(mark) = self.mark.take() {
                self.text.push_str(&mark);
            }
            self.text.push_str(text);
        }
    }

    /// Inline tags are dropped; a ruby reading goes with its tags, a `<br>` ends the line.
    fn inline_html(&mut self, html: &str) {
        let tag = html.trim_matches(['<', '>', '/', ' ']).to_ascii_lowercase();
        let name = tag.split_whitespace().next().unwrap_or_default();
        match (name, html.starts_with("</")) {
            ("rt" | "rp", false) => self.ruby += 1,
            ("rt" | "rp", true) => self.ruby = self.ruby.saturating_sub(1),
            ("br", _) => self.push("\n"),
            _ => {}
        }
    }

    fn end_block(&mut self) {
        self.ruby = 0;
        self.outline.block(&std::mem::take(&mut self.text));
    }
}

fn level_number(level: HeadingLevel) -> usize {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structure_survives() {
        let text = "---\ntitle: 前書き\n---\n\n# 手引\n\n<ruby>瑕疵<rt>かし</rt></ruby>の**通知**。\n続き\n\n\
                    ## 届出\n\n1. 申請書\n2. 証明書\n   - 写し\n\n\
                    | 区分 | 金額 |\n|---|---|\n| 一般 | 300 |\n| 学生 | |\n\n\
                    <table><tr><th>曜日</th><th>時間</th></tr><tr><td>月</td><td>9時</td></tr></table>\n";
        let document = read(text.as_bytes(), "file").unwrap();
        assert_eq!(document.title, "手引");
        let found: Vec<_> = document
            .sections
            .iter()
            .map(|s| (s.headings.join(">"), s.text.as_str(), s.table))
            .collect();
        assert_eq!(
            found,
            [
                ("手引".to_owned(), "瑕疵の通知。\n続き", false),
                ("手引>届出".to_owned(), "1. 申請書\n2. 証明書\n・写し", false),
                ("手引>届出".to_owned(), "区分: 一般 / 金額: 300\n区分: 学生", true),
                ("手引>届出".to_owned(), "曜日: 月 / 時間: 9時", true),
            ]
        );
    }

    #[test]
    fn deep_nesting_is_read() {
        let text = format!("{}本文", "> ".repeat(20_000));
        let document = read(text.as_bytes(), "深い").unwrap();
        assert_eq!(document.title, "深い");
        assert!(document.sections.iter().any(|section| section.text.contains("本文")));
    }
}
