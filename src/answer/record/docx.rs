//! Blocks as a Word file. The only module that names docx-rs.

use std::io::{Cursor, Error};

use docx_rs::{
    Docx, LineSpacing, PageMargin, Paragraph, Run, RunFonts, Style as DocxStyle, StyleType,
};

use super::blocks::{Block, Style};

/// A4 in twentieths of a point.
const PAGE: (u32, u32) = (11_906, 16_838);

/// Margin on every side, in twentieths of a point: 20 mm.
const MARGIN: i32 = 1134;

/// Writes the file.
///
/// # Errors
/// It cannot be put together.
pub(super) fn write(blocks: &[Block]) -> std::io::Result<Vec<u8>> {
    let font = || RunFonts::new().ascii("Yu Gothic").hi_ansi("Yu Gothic").east_asia("游ゴシック");
    let margin = PageMargin::new().top(MARGIN).bottom(MARGIN).left(MARGIN).right(MARGIN);
    let mut docx = Docx::new()
        .default_fonts(font())
        .default_size(21)
        .page_size(PAGE.0, PAGE.1)
        .page_margin(margin)
        .add_style(heading("Title", "Title", 32, None))
        .add_style(heading("Heading1", "heading 1", 26, Some(0)))
        .add_style(heading("Heading2", "heading 2", 22, Some(1)));
    for block in blocks {
        docx = docx.add_paragraph(paragraph(block));
    }
    let mut file = Cursor::new(Vec::new());
    docx.pack(&mut file).map_err(Error::other)?;
    Ok(file.into_inner())
}

/// `size` in half points.
fn heading(id: &str, name: &str, size: usize, level: Option<usize>) -> DocxStyle {
    let style = DocxStyle::new(id, StyleType::Paragraph).name(name).size(size).bold();
    level.map_or(style.clone(), |level| style.outline_lvl(level))
}

fn paragraph(Block { style, text }: &Block) -> Paragraph {
    let run = Run::new().add_text(text.as_str());
    let plain = |run| Paragraph::new().add_run(run);
    let spaced = |paragraph: Paragraph, before| {
        paragraph.line_spacing(LineSpacing::new().before(before).after(80))
    };
    match style {
        Style::Title => spaced(plain(run).style("Title"), 0),
        Style::Heading => spaced(plain(run).style("Heading1"), 320).keep_next(true),
        Style::SubHeading => spaced(plain(run).style("Heading2"), 200).keep_next(true),
        Style::Lead => spaced(plain(run.bold()), 0),
        Style::Body | Style::Row => spaced(plain(run), 0),
        Style::Quote => spaced(plain(run).indent(Some(480), None, None, None), 0),
        Style::Note => spaced(plain(run.size(19).color("4D4D4D")), 0),
        Style::Mark => spaced(plain(run.size(15)), 0),
    }
}
