//! A saved answer read back: all of its visible text, line by line, and nothing interpreted.
//!
//! Other readers of this module look for what a document says, and leave out what repeats or
//! hides; here a line that is left out would be one that nobody compares. So everything counts:
//! headers, footnotes, tracked insertions, text boxes. What could show another text than it holds
//! (scripts, hidden elements, a style) is a line of its own.

use std::path::Path;

use scraper::{Html, Node};

use super::html::{self, BLOCKS, Visitor};
use super::office::package::Package;
use super::office::xml::Element;
use super::{IngestError, encoding};

/// First bytes of a zip container.
const ZIP_MAGIC: &[u8] = b"PK";

/// Parts beside the main one that hold text which is printed.
const PARTS: [&str; 4] = ["header", "footer", "footnotes", "endnotes"];

/// Before the style of a page, in the line that stands for it.
const STYLE_SIGN: &str = "style: ";

/// A line that stands for what a browser would show otherwise than it is written.
const DISGUISED: &str = "（この文書には、表示を変える記述が加えられています）";

/// Reads the lines of a saved answer. `name` tells Markdown and HTML from text.
///
/// # Errors
/// It is damaged, encrypted or no text.
pub fn lines(name: &str, bytes: &[u8]) -> Result<Vec<String>, IngestError> {
    if bytes.is_empty() {
        return Err(IngestError::Empty);
    }
    if bytes.starts_with(ZIP_MAGIC) {
        return docx(bytes);
    }
    let extension = Path::new(name).extension().and_then(|end| end.to_str()).unwrap_or_default();
    let extension = extension.to_ascii_lowercase();
    if matches!(extension.as_str(), "docx" | "docm") {
        return Package::open(bytes).and(Err(IngestError::Unsupported));
    }
    let declared = encoding::declared(bytes);
    let text = encoding::decode(bytes, declared.as_deref())?.text;
    let head = text.trim_start().get(..15).unwrap_or_default().to_ascii_lowercase();
    match extension.as_str() {
        "html" | "htm" => from_html(&text),
        _ if head.starts_with("<!doctype html") || head.starts_with("<html") => from_html(&text),
        "md" | "markdown" => Ok(text.lines().map(from_markdown).collect()),
        _ => Ok(text.lines().map(str::to_owned).collect()),
    }
}

fn docx(bytes: &[u8]) -> Result<Vec<String>, IngestError> {
    let mut package = Package::open(bytes)?;
    package.verify()?;
    let main = package.main_part()?;
    let mut lines = Vec::new();
    paragraphs(&package.required_xml(&main)?, &mut lines);
    for relation in package.relations(&main)? {
        if PARTS.contains(&relation.kind.as_str())
            && let Some(part) = package.xml(&relation.target)?
        {
            paragraphs(&part, &mut lines);
        }
    }
    Ok(lines)
}

/// Adds the paragraphs below an element, each as the lines that it shows.
fn paragraphs(parent: &Element, lines: &mut Vec<String>) {
    for child in parent.elements() {
        match child.name() {
            "p" => {
                let (mut text, mut boxes) = (String::new(), Vec::new());
                inline(child, &mut text, &mut boxes);
                lines.extend(text.split('\n').map(str::to_owned));
                for inner in boxes {
                    paragraphs(inner, lines);
                }
            }
            // What was deleted with changes tracked is not shown; what the fallback repeats is.
            "del" | "moveFrom" | "Fallback" => {}
            _ => paragraphs(child, lines),
        }
    }
}

fn inline<'e>(parent: &'e Element, text: &mut String, boxes: &mut Vec<&'e Element>) {
    for child in parent.elements() {
        match child.name() {
            "t" => text.push_str(&child.run_text()),
            "tab" | "ptab" => text.push(' '),
            "br" | "cr" => text.push('\n'),
            "noBreakHyphen" => text.push('-'),
            "txbxContent" => boxes.push(child),
            "pPr" | "rPr" | "del" | "moveFrom" | "Fallback" => {}
            _ => inline(child, text, boxes),
        }
    }
}

fn from_html(markup: &str) -> Result<Vec<String>, IngestError> {
    html::check_depth(markup)?;
    let mut walk = Walk { lines: vec![String::new()], disguised: false, style: false };
    html::visit(&Html::parse_document(markup), &mut walk);
    if walk.disguised {
        walk.lines.push(DISGUISED.to_owned());
    }
    Ok(walk.lines)
}

struct Walk {
    /// The last one is under way.
    lines: Vec<String>,
    disguised: bool,
    /// Inside of a style element.
    style: bool,
}

fn breaks(name: &str) -> bool {
    let heading = name.len() == 2 && name.starts_with('h');
    heading || BLOCKS.contains(&name) || matches!(name, "br" | "td" | "th" | "option")
}

impl Visitor for Walk {
    fn open(&mut self, node: &Node) -> bool {
        match node {
            // Which style is the right one is not known here.
            Node::Text(text) if self.style => {
                self.lines.push(format!("{STYLE_SIGN}{}", text.replace('\n', " ")));
                self.lines.push(String::new());
            }
            Node::Text(text) => {
                if let Some(line) = self.lines.last_mut() {
                    line.push_str(text);
                }
            }
            Node::Element(element) => {
                let name = element.name();
                self.style = name == "style";
                self.disguised |= matches!(
                    name,
                    "script" | "svg" | "img" | "iframe" | "object" | "link" | "canvas" | "input"
                );
                self.disguised |=
                    element.attr("style").is_some() || element.attr("hidden").is_some();
                if breaks(name) {
                    self.lines.push(String::new());
                }
                return !matches!(name, "title" | "script");
            }
            _ => {}
        }
        true
    }

    fn close(&mut self, node: &Node) {
        if let Node::Element(element) = node {
            self.style = false;
            if breaks(element.name()) {
                self.lines.push(String::new());
            }
        }
    }
}

/// Takes the sign off the beginning of a line, and the backslashes off what they protect.
fn from_markdown(line: &str) -> String {
    let line = line.trim();
    let hashes = line.trim_start_matches('#');
    let bare = match hashes.strip_prefix(' ') {
        Some(rest) => rest,
        None => line.strip_prefix("- ").or_else(|| line.strip_prefix("> ")).unwrap_or(line),
    };
    let mut out = String::with_capacity(bare.len());
    let mut characters = bare.chars().peekable();
    while let Some(c) = characters.next() {
        match characters.peek() {
            Some(next) if c == '\\' && next.is_ascii_punctuation() => {
                out.extend(characters.next());
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> Vec<String> {
        let mut lines = lines(name, text.as_bytes()).unwrap();
        lines.retain(|line| !line.trim().is_empty());
        lines
    }

    #[test]
    fn every_visible_line_is_read() {
        assert_eq!(read("a.txt", "■ 回答\n\n300円\n"), ["■ 回答", "300円"]);
        assert_eq!(read("a.md", "## 回答\n\n> 1\\. \\[2\\] \\\\\n"), ["回答", "1. [2] \\"]);
        let page = "<!doctype html><title>x</title><style>p { margin: 0 }</style>\
             <h1>回答</h1><p>300<b>円</b><div>追加</div><table><tr><td>甲<td>乙</table>";
        assert_eq!(
            read("a", page),
            ["style: p { margin: 0 }", "回答", "300円", "追加", "甲", "乙"]
        );
    }

    #[test]
    fn what_shows_another_text_is_a_line() {
        for part in ["<script>1</script>", "<p style='display:none'>", "<p hidden>", "<img src=a>"]
        {
            let page = format!("<!doctype html><p>300円</p>{part}");
            assert!(read("a.html", &page).iter().any(|line| line == DISGUISED), "{part}");
        }
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert!(lines("a.txt", b"").is_err());
        assert!(lines("a.docx", b"PK\x03\x04").is_err());
        assert!(lines("a.docx", b"300").is_err());
    }
}
