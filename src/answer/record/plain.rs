//! Blocks as text and as Markdown.

use std::fmt::Write;

use super::blocks::{Block, Style};

/// Characters that Markdown reads as signs wherever they stand.
const SIGNS: &str = "\\`*_[]<>#|~&";

/// Plain text: headings with ■, quotations indented.
pub(super) fn text(blocks: &[Block]) -> String {
    let mut out = String::new();
    for Block { style, text } in blocks {
        // Writing into a string cannot fail.
        let _ = match style {
            Style::Title | Style::Body | Style::Row | Style::Lead => writeln!(out, "{text}"),
            Style::Heading => writeln!(out, "\n■ {text}"),
            Style::SubHeading => writeln!(out, "\n・ {text}"),
            Style::Quote | Style::Note => writeln!(out, "　　{text}"),
            Style::Mark => writeln!(out, "\n{text}"),
        };
    }
    out
}

/// Markdown (CommonMark): a blank line between blocks, so that every line stays one.
pub(super) fn markdown(blocks: &[Block]) -> String {
    let mut out = String::new();
    for Block { style, text } in blocks {
        let sign = match style {
            Style::Title => "# ",
            Style::Heading => "## ",
            Style::SubHeading => "### ",
            Style::Row => "- ",
            Style::Quote => "> ",
            Style::Lead | Style::Body | Style::Note | Style::Mark => "",
        };
        let _ = writeln!(out, "{sign}{}\n", escaped(text));
    }
    out
}

/// Text that Markdown shows as it is.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    for (at, c) in text.chars().enumerate() {
        // A list begins with a sign, or with digits and one of these.
        let opens =
            (at == 0 && "-+=".contains(c)) || (digits > 0 && at == digits && ".)".contains(c));
        if opens || SIGNS.contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
