//! The output device: takes the glyphs, rulings and images of a page, draws nothing.

use std::collections::HashMap;

use hayro_interpret::font::{Glyph as FontGlyph, GlyphRun, PositionedGlyph};
use hayro_interpret::hayro_cmap::{BfString, WritingMode};
use hayro_interpret::kurbo::{Affine, BezPath, PathEl, Point, Rect, Shape};
use hayro_interpret::{
    BlendMode, ClipPath, Device, DrawMode, DrawProps, Image, ImageDrawProps, SoftMask,
};

use unicode_normalization::UnicodeNormalization;

use super::chars::{self, UNKNOWN};
use super::cid::Fonts;

/// Glyphs of one page beyond this are left out, with a warning.
const GLYPHS_MAX: usize = 150_000;
/// Lines of one page beyond this mean a drawing: it has no ruled tables.
const RULES_MAX: usize = 20_000;
/// A filled box thinner than this is a ruling, in points.
const RULE_THICKNESS_MAX: f64 = 3.0;

/// One character and where it stands; points, origin at the top left of the page, y down.
#[derive(Clone, Copy, Debug)]
pub(super) struct Glyph {
    /// In its ordinary form; [`UNKNOWN`] when it could not be made out.
    pub(super) ch: char,
    /// Centre of the character's box.
    pub(super) x: f32,
    pub(super) y: f32,
    /// Height of the em box.
    pub(super) size: f32,
    /// Width along the baseline.
    pub(super) advance: f32,
    /// Direction of the baseline as drawn, unit length.
    pub(super) dir: (f32, f32),
    /// The font is set vertically: the text runs across `dir`.
    pub(super) vertical: bool,
}

/// A straight horizontal or vertical line; `a` ≤ `b` along it, `at` across it, in points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rule {
    pub(super) horizontal: bool,
    pub(super) at: f32,
    pub(super) a: f32,
    pub(super) b: f32,
}

/// Collects one page.
pub(super) struct Collector<'f> {
    fonts: &'f Fonts<'f>,
    width: f32,
    height: f32,
    pub(super) glyphs: Vec<Glyph>,
    pub(super) rules: Vec<Rule>,
    /// Images of some size, and paths that are no rulings: something can be seen here.
    pub(super) pictures: usize,
    /// Glyphs that are not painted: the text layer over a scanned image.
    pub(super) invisible: usize,
    /// More glyphs came than are taken.
    pub(super) overflow: bool,
}

impl<'f> Collector<'f> {
    /// A page of `width` × `height` points.
    pub(super) fn new(fonts: &'f Fonts<'f>, (width, height): (f32, f32)) -> Self {
        Self {
            fonts,
            width,
            height,
            glyphs: Vec::new(),
            rules: Vec::new(),
            pictures: 0,
            invisible: 0,
            overflow: false,
        }
    }

    fn take(&mut self, glyph: &PositionedGlyph<'_>, to_page: Affine, vertical: bool) {
        let transform = to_page * glyph.transform();
        let origin = transform * Point::ZERO;
        let along = (transform * Point::new(1000.0, 0.0)) - origin;
        let up = (transform * Point::new(0.0, 1000.0)) - origin;
        let (width, size) = (along.hypot(), up.hypot());
        let visible = size > f64::from(self.height) / 2000.0 && width > 0.0 && size.is_finite();
        if !visible || !origin.x.is_finite() || !origin.y.is_finite() || !width.is_finite() {
            return;
        }
        let advance = if vertical { None } else { advance_em(glyph) };
        // A substituted font is stretched, a condensed one is set narrow: the smaller tells.
        let advance = advance.map_or(size, |em| (em * width.min(size)).clamp(0.0, 4.0 * size));
        let dir = along / width;
        let text = self.text_of(glyph);
        let count = text.len().max(1) as f64;
        for (index, ch) in text.into_iter().enumerate() {
            let share = advance / count;
            let centre = origin + dir * (share * (index as f64 + 0.5)) + up * 0.38;
            self.push(Glyph {
                ch,
                x: centre.x as f32,
                y: centre.y as f32,
                size: size as f32,
                advance: share as f32,
                dir: (dir.x as f32, dir.y as f32),
                vertical,
            });
        }
    }

    fn push(&mut self, glyph: Glyph) {
        let on_page = (-1.0..=self.width + 1.0).contains(&glyph.x)
            && (-1.0..=self.height + 1.0).contains(&glyph.y);
        if !on_page {
            return;
        }
        if self.glyphs.len() >= GLYPHS_MAX {
            self.overflow = true;
            return;
        }
        self.glyphs.push(glyph);
    }

    /// The characters of a glyph in their ordinary form, at least one.
    fn text_of(&self, glyph: &FontGlyph<'_>) -> Vec<char> {
        if let Some(c) = self.fonts.exact(glyph) {
            return vec![chars::ordinary(c)];
        }
        let found: Vec<char> = match glyph.as_unicode() {
            Some(BfString::Char(c)) => chars::expanded(c),
            Some(BfString::String(text)) => text.nfc().take(8).flat_map(chars::expanded).collect(),
            None => Vec::new(),
        };
        let found: Vec<char> = found.into_iter().map(chars::ordinary).collect();
        if !found.is_empty() && !found.contains(&UNKNOWN) {
            return found;
        }
        match self.fonts.lookup(glyph) {
            Some(c) => vec![chars::ordinary(c)],
            None if found.is_empty() => vec![UNKNOWN],
            None => found,
        }
    }

    fn rule(&mut self, from: Point, to: Point) {
        let (dx, dy) = ((to.x - from.x).abs(), (to.y - from.y).abs());
        if !(dx + dy).is_finite() || dx.max(dy) < 3.0 || dx.min(dy) > 0.6 {
            return;
        }
        if self.rules.len() >= RULES_MAX {
            return;
        }
        let horizontal = dx > dy;
        let (at, a, b) = match horizontal {
            true => ((from.y + to.y) / 2.0, from.x.min(to.x), from.x.max(to.x)),
            false => ((from.x + to.x) / 2.0, from.y.min(to.y), from.y.max(to.y)),
        };
        self.rules.push(Rule { horizontal, at: at as f32, a: a as f32, b: b as f32 });
    }

    fn stroke(&mut self, path: &BezPath) {
        let (mut start, mut last) = (Point::ZERO, Point::ZERO);
        let mut curved = false;
        for element in path.elements() {
            match *element {
                PathEl::MoveTo(p) => (start, last) = (p, p),
                PathEl::LineTo(p) => {
                    self.rule(last, p);
                    last = p;
                }
                PathEl::ClosePath => {
                    self.rule(last, start);
                    last = start;
                }
                PathEl::QuadTo(_, p) | PathEl::CurveTo(_, _, p) => {
                    curved = true;
                    last = p;
                }
            }
        }
        self.pictures += usize::from(curved);
    }

    /// A filled thin box is a ruling; so is each thin box of a path made of many.
    fn fill(&mut self, path: &BezPath) {
        let mut part = BezPath::new();
        for element in path.elements() {
            if matches!(element, PathEl::MoveTo(_)) && !part.elements().is_empty() {
                self.fill_box(part.bounding_box());
                part.truncate(0);
            }
            part.push(*element);
        }
        if !part.elements().is_empty() {
            self.fill_box(part.bounding_box());
        }
    }

    fn fill_box(&mut self, area: Rect) {
        let centre = area.center();
        if area.height() <= RULE_THICKNESS_MAX && area.width() > area.height() * 2.0 {
            self.rule(Point::new(area.x0, centre.y), Point::new(area.x1, centre.y));
        } else if area.width() <= RULE_THICKNESS_MAX && area.height() > area.width() * 2.0 {
            self.rule(Point::new(centre.x, area.y0), Point::new(centre.x, area.y1));
        } else {
            self.pictures += 1;
        }
    }
}

/// Width in ems as the font states it; `None` where it states none.
fn advance_em(glyph: &FontGlyph<'_>) -> Option<f64> {
    let width = match glyph {
        FontGlyph::Outline(outline) => outline.advance_width(),
        FontGlyph::Type3(glyph) => glyph.advance_width(),
    };
    width.map(|width| f64::from(width) / 1000.0).filter(|em| em.is_finite())
}

impl<'a> Device<'a> for Collector<'_> {
    fn draw_path(&mut self, path: &BezPath, props: DrawProps<'a>, mode: &DrawMode) {
        let path = props.transform * path;
        match mode {
            DrawMode::Fill(_) => self.fill(&path),
            DrawMode::Stroke(_) | DrawMode::FillAndStroke(..) => self.stroke(&path),
            DrawMode::Invisible => {}
        }
    }

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, mode: &DrawMode) {
        if matches!(mode, DrawMode::Invisible) {
            self.invisible += run.glyphs().len();
        }
        let vertical = run.writing_mode() == WritingMode::Vertical;
        for glyph in run.glyphs() {
            self.take(glyph, props.transform, vertical);
        }
    }

    fn draw_image(&mut self, image: Image<'a, '_>, _: ImageDrawProps<'a>) {
        // A scanned page comes as few large images or as many strips; a pixel is a spacer.
        self.pictures += usize::from(image.width() > 4 && image.height() > 4);
    }

    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}

/// Drops a character that was printed twice at one place (bold by double printing, an OCR
/// layer over real text); the first stays.
pub(super) fn deduplicate(glyphs: &mut Vec<Glyph>) {
    /// Side of a bucket in points, and how many glyphs of one character it remembers.
    const BUCKET: (f32, usize) = (8.0, 64);
    let mut places: HashMap<(char, i32, i32), Vec<Glyph>> = HashMap::new();
    glyphs.retain(|glyph| {
        if glyph.ch.is_whitespace() {
            return true;
        }
        let near = |other: &Glyph| {
            let reach = glyph.size.min(other.size) * 0.13;
            (glyph.x - other.x).abs() <= reach
                && (glyph.y - other.y).abs() <= reach
                && (0.8..=1.25).contains(&(glyph.size / other.size))
        };
        let bucket = |value: f32| (value / BUCKET.0).floor() as i32;
        let (column, row) = (bucket(glyph.x), bucket(glyph.y));
        let around = (-1..=1).flat_map(|dx| (-1..=1).map(move |dy| (dx, dy)));
        for (dx, dy) in around {
            let others = places.get(&(glyph.ch, column + dx, row + dy));
            if others.is_some_and(|others| others.iter().any(near)) {
                return false;
            }
        }
        let seen = places.entry((glyph.ch, column, row)).or_default();
        if seen.len() < BUCKET.1 {
            seen.push(*glyph);
        }
        true
    });
}
