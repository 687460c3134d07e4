//! Blocks as one HTML file that needs nothing else: to read, and to print on A4 or as a PDF.

use super::blocks::{Block, Style};

/// The only style of a saved file. No class of it hides anything, so that what is verified is what
/// is seen; a file with another style is one that was changed.
pub(super) const STYLE: &str = "\
@page { size: A4; margin: 20mm 18mm; }
body { max-width: 44rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; background: #fff;
  font: 400 1rem/1.8 'Noto Sans JP', 'Yu Gothic', 'Hiragino Sans', Meiryo, sans-serif;
  overflow-wrap: anywhere; }
h1 { margin: 0 0 .5rem; font-size: 1.5rem; line-height: 1.4; }
h2 { margin: 1.75rem 0 .5rem; padding-bottom: .25rem; border-bottom: 2px solid #00118f;
  font-size: 1.125rem; break-after: avoid; }
h3 { margin: 1rem 0 .25rem; font-size: 1rem; break-after: avoid; }
p { margin: .25rem 0; }
.lead { padding: .5rem .75rem; border: 1px solid #767676; border-left-width: .375rem; }
.row { padding: .125rem 0; border-bottom: 1px solid #e6e6e6; }
.quote { margin: .25rem 0 .25rem 1rem; padding-left: .75rem; border-left: 3px solid #949494; }
.note { color: #4d4d4d; font-size: .9375rem; }
.mark { margin-top: 1rem; font: .8125rem/1.6 monospace; word-break: break-all; }
@media print {
  body { max-width: none; margin: 0; padding: 0; font-size: 10.5pt; line-height: 1.65; }
  h1 { font-size: 16pt; } h2 { font-size: 12pt; } h3 { font-size: 10.5pt; }
  .note { font-size: 9.5pt; } .mark { font-size: 8pt; }
}";

/// Writes the file.
pub(super) fn write(blocks: &[Block]) -> String {
    let title = blocks.iter().find(|block| block.style == Style::Title);
    let title = escaped(title.map_or("kura", |block| &block.text));
    let mut out = format!(
        "<!doctype html>\n<html lang=\"ja\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}\n</style>\n</head>\n<body>\n"
    );
    for Block { style, text } in blocks {
        let (open, close) = match style {
            Style::Title => ("<h1>", "</h1>"),
            Style::Heading => ("<h2>", "</h2>"),
            Style::SubHeading => ("<h3>", "</h3>"),
            Style::Body => ("<p>", "</p>"),
            Style::Lead => ("<p class=\"lead\">", "</p>"),
            Style::Quote => ("<p class=\"quote\">", "</p>"),
            Style::Row => ("<p class=\"row\">", "</p>"),
            Style::Note => ("<p class=\"note\">", "</p>"),
            Style::Mark => ("<p class=\"mark\">", "</p>"),
        };
        out.push_str(open);
        out.push_str(&escaped(text));
        out.push_str(close);
        out.push('\n');
    }
    out.push_str("</body>\n</html>\n");
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
