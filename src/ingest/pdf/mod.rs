//! PDF: pages → glyphs → lines, columns and ruled tables → paragraphs → sections.
//!
//! The way of a page: [`device`] collects its glyphs and rulings (characters of fonts without
//! a Unicode table by [`cid`] and [`sfnt`]), [`flow`] turns vertical pages, [`spans`] and
//! [`layout`] with [`columns`] put the glyphs into reading order with the ruled tables of
//! [`grid`] and [`table`] taken out, [`furniture`] removes running heads and page numbers,
//! [`paragraphs`] joins lines and [`outline`] makes sections with headings and pages.
//!
//! What could not be read is said: as an error for the whole file, as a warning that names
//! the pages otherwise.

mod chars;
mod cid;
mod columns;
mod device;
mod expansion;
mod flow;
mod furniture;
mod grid;
mod layout;
mod outline;
mod paragraphs;
mod sfnt;
mod spans;
mod table;
#[cfg(test)]
mod tests;
mod title;

use hayro_interpret::kurbo::{Affine, Rect};
use hayro_interpret::{Context, InterpreterCache, InterpreterSettings, interpret_page};
use hayro_syntax::page::Page;
use hayro_syntax::{LoadPdfError, Pdf};

use crate::document::Document;

use super::IngestError;
use cid::Fonts;
use device::{Collector, Glyph};
use layout::Item;

/// From this share of unreadable characters on, in percent, a page or file is garbled.
const GARBLED_MIN: usize = 30;
/// Glyphs of a whole document beyond this are left out, with a warning.
const GLYPHS_MAX: usize = 20_000_000;

/// Reads a PDF file. `name` is the title where the file has none.
pub(crate) fn read(bytes: &[u8], name: &str) -> Result<Document, IngestError> {
    let pdf = Pdf::new(bytes.to_vec()).map_err(|error| match error {
        LoadPdfError::Decryption(_) => IngestError::Encrypted,
        LoadPdfError::Invalid if has_no_pages(bytes) => IngestError::Empty,
        LoadPdfError::Invalid => IngestError::Damaged("PDF structure".to_owned()),
    })?;
    let fonts = Fonts::new(&pdf);
    let cache = InterpreterCache::new();
    let mut tally = Tally::default();
    let mut pages: Vec<Vec<Item>> = Vec::new();
    for (index, page) in pdf.pages().iter().enumerate() {
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        pages.push(read_page(page, number, &fonts, &cache, &mut tally));
    }
    tally.verdict(pages.len())?;
    let body_size = outline::body_size(&pages);
    furniture::remove(&mut pages, body_size);
    let numbered = (1u32..).zip(pages.into_iter().map(paragraphs::blocks)).collect();
    let outline = outline::Outline::of(numbered, body_size);
    if outline.sections.is_empty() {
        return Err(IngestError::Empty);
    }
    let title = pdf.metadata().title.as_deref().and_then(title::from_info);
    let title = title.or(outline.first_heading).unwrap_or_else(|| name.to_owned());
    Ok(Document { title, law: None, sections: outline.sections, warnings: tally.warnings() })
}

/// What was found and what was not, over all pages.
#[derive(Default)]
struct Tally {
    glyphs: usize,
    unreadable: usize,
    /// Pages without text that show something.
    pictures: Vec<u32>,
    garbled: Vec<(u32, usize)>,
    cut: Vec<u32>,
    unbounded: Vec<u32>,
    /// Pages whose text is the layer that a recognition program put over an image.
    recognized: Vec<u32>,
    /// Pages with some unreadable characters, and how many.
    marked: Vec<(u32, usize)>,
}

impl Tally {
    /// The error for the file as a whole, if there is one.
    fn verdict(&self, pages: usize) -> Result<(), IngestError> {
        if self.glyphs == 0 {
            return Err(match (self.pictures.is_empty(), self.unbounded.is_empty()) {
                (false, _) => IngestError::Scanned(u32::try_from(pages).unwrap_or(u32::MAX)),
                (true, false) => IngestError::Damaged("forms that draw themselves".to_owned()),
                (true, true) => IngestError::Empty,
            });
        }
        let share = self.unreadable * 100 / self.glyphs;
        if share >= GARBLED_MIN {
            return Err(IngestError::Garbled(u32::try_from(share).unwrap_or(100)));
        }
        Ok(())
    }

    /// What a person should know, with the pages and what to do.
    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let mut add = |pages: &[u32], what: &str| {
            if !pages.is_empty() {
                warnings.push(format!("{}ページ: {what}", listed(pages)));
            }
        };
        add(
            &self.pictures,
            "画像だけで文字がないため読めません。OCRで文字を付けたPDFか、元の文書を用意してください。",
        );
        let garbled: Vec<u32> = self.garbled.iter().map(|(page, _)| *page).collect();
        let worst = self.garbled.iter().map(|(_, share)| *share).max().unwrap_or(0);
        add(
            &garbled,
            &format!(
                "判読できない文字が多い（最大{worst}%）ため除きました。元の文書からPDFを作り直してください。"
            ),
        );
        let marked: Vec<u32> = self.marked.iter().map(|(page, _)| *page).collect();
        let count: usize = self.marked.iter().map(|(_, count)| *count).sum();
        add(&marked, &format!("判読できない文字が{count}字あり、「〓」としました。"));
        add(
            &self.recognized,
            "画像に重ねた文字認識（OCR）の結果を読みました。誤字があるかもしれません。",
        );
        add(&self.cut, "文字が多すぎるため途中までしか読んでいません。ページを分けてください。");
        add(&self.unbounded, "図形の入れ子が深すぎるため読めません。PDFを作り直してください。");
        warnings
    }
}

/// 「3、5～7」.
fn listed(pages: &[u32]) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for page in pages {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *page => *last = *page,
            _ => ranges.push((*page, *page)),
        }
    }
    let written = ranges.iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}～{last}"),
    });
    written.collect::<Vec<_>>().join("、")
}

fn read_page<'p>(
    page: &Page<'p>,
    number: u32,
    fonts: &Fonts<'_>,
    cache: &InterpreterCache<'p>,
    tally: &mut Tally,
) -> Vec<Item> {
    if tally.glyphs > GLYPHS_MAX {
        tally.cut.push(number);
        return Vec::new();
    }
    if !expansion::is_bounded(page) {
        tally.unbounded.push(number);
        return Vec::new();
    }
    let (width, height) = page.render_dimensions();
    let to_page = Affine::new(page.initial_transform(true).as_coeffs());
    let area = Rect::new(0.0, 0.0, f64::from(width), f64::from(height));
    let settings = InterpreterSettings::default();
    let mut context = Context::new(to_page, area, cache, page.xref(), settings);
    let mut collector = Collector::new(fonts, (width, height));
    interpret_page(page, &mut context, &mut collector);
    if collector.overflow {
        tally.cut.push(number);
    }
    let Collector { mut glyphs, rules, pictures, invisible, .. } = collector;
    let recognized = pictures > 0 && invisible * 2 > glyphs.len();
    device::deduplicate(&mut glyphs);
    let visible = glyphs.iter().filter(|glyph| !glyph.ch.is_whitespace()).count();
    if visible == 0 {
        if pictures > 0 {
            tally.pictures.push(number);
        }
        return Vec::new();
    }
    let unreadable = mark_unreadable(&mut glyphs);
    tally.glyphs += visible;
    tally.unreadable += unreadable;
    let share = unreadable * 100 / visible;
    if share >= GARBLED_MIN {
        tally.garbled.push((number, share));
        return Vec::new();
    }
    if recognized {
        tally.recognized.push(number);
    }
    if unreadable > 0 {
        tally.marked.push((number, unreadable));
    }
    layout::read(&glyphs, &rules, height)
}

/// Unreadable characters get a mark that people know; returns how many there are.
fn mark_unreadable(glyphs: &mut [Glyph]) -> usize {
    let mut count = 0;
    for glyph in glyphs.iter_mut().filter(|glyph| glyph.ch == chars::UNKNOWN) {
        glyph.ch = chars::GETA;
        count += 1;
    }
    count
}

/// A sound file whose page tree is empty.
fn has_no_pages(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let squeezed: String = text.split_whitespace().collect();
    bytes.is_empty() || (squeezed.starts_with("%PDF-") && squeezed.contains("/Count0"))
}
