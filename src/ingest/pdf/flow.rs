//! Which way text runs on a page, and the frame in which all of it reads like a book set
//! horizontally.
//!
//! Vertical Japanese comes in two ways: fonts with a vertical CMap, and horizontal fonts
//! whose glyphs are placed one below the other (LibreOffice, some DTP programs). In both
//! cases the lines follow each other from right to left, as they do on a page that was
//! turned by 90°. So a [`Flow`] turns the page: `u` runs along the line, `v` from line to
//! line, and nothing after this module knows about directions.

use super::device::{Glyph, Rule};

/// The direction in which the characters of a line follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Flow {
    Right,
    Down,
    Left,
    Up,
}

/// A character in the frame of its flow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub(super) ch: char,
    /// Start and end along the line.
    pub(super) u0: f32,
    pub(super) u1: f32,
    /// Centre across the line.
    pub(super) v: f32,
    pub(super) size: f32,
}

/// A box in a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Area {
    pub(super) u0: f32,
    pub(super) u1: f32,
    pub(super) v0: f32,
    pub(super) v1: f32,
}

impl Area {
    /// The smallest box around both.
    pub(super) fn union(self, other: Self) -> Self {
        Self {
            u0: self.u0.min(other.u0),
            u1: self.u1.max(other.u1),
            v0: self.v0.min(other.v0),
            v1: self.v1.max(other.v1),
        }
    }
    pub(super) fn contains(&self, u: f32, v: f32, margin: f32) -> bool {
        (self.u0 - margin..=self.u1 + margin).contains(&u)
            && (self.v0 - margin..=self.v1 + margin).contains(&v)
    }
}

impl Flow {
    /// Page point (y down) → (u, v).
    pub(super) fn turn(self, x: f32, y: f32) -> (f32, f32) {
        match self {
            Self::Right => (x, y),
            Self::Down => (y, -x),
            Self::Left => (-x, -y),
            Self::Up => (-y, x),
        }
    }

    /// (u, v) → page point.
    fn turn_back(self, u: f32, v: f32) -> (f32, f32) {
        match self {
            Self::Right => (u, v),
            Self::Down => (-v, u),
            Self::Left => (-u, -v),
            Self::Up => (v, -u),
        }
    }

    /// A box of this frame, in another's.
    pub(super) fn area_in(self, other: Self, area: Area) -> Area {
        let corner = |u, v| {
            let (x, y) = self.turn_back(u, v);
            other.turn(x, y)
        };
        let (a, b) = (corner(area.u0, area.v0), corner(area.u1, area.v1));
        Area { u0: a.0.min(b.0), u1: a.0.max(b.0), v0: a.1.min(b.1), v1: a.1.max(b.1) }
    }

    /// A ruling in this frame: `horizontal` then means along the lines.
    pub(super) fn rule(self, rule: Rule) -> Rule {
        let ends = match rule.horizontal {
            true => [(rule.a, rule.at), (rule.b, rule.at)],
            false => [(rule.at, rule.a), (rule.at, rule.b)],
        };
        let [p, q] = ends.map(|(x, y)| self.turn(x, y));
        let horizontal = rule.horizontal == matches!(self, Self::Right | Self::Left);
        let (at, a, b) = if horizontal { (p.1, p.0, q.0) } else { (p.0, p.1, q.1) };
        Rule { horizontal, at, a: a.min(b), b: a.max(b) }
    }

    fn of_direction((dx, dy): (f32, f32)) -> Self {
        match (dx.abs() >= dy.abs(), dx >= 0.0, dy >= 0.0) {
            (true, true, _) => Self::Right,
            (true, false, _) => Self::Left,
            (false, _, true) => Self::Down,
            (false, _, false) => Self::Up,
        }
    }

    fn quarter_turn(self) -> Self {
        match self {
            Self::Right => Self::Down,
            Self::Down => Self::Left,
            Self::Left => Self::Up,
            Self::Up => Self::Right,
        }
    }

    /// The glyph in this frame.
    pub(super) fn mark(self, glyph: &Glyph) -> Mark {
        let (u, v) = self.turn(glyph.x, glyph.y);
        let drawn = Self::of_direction(glyph.dir);
        let along =
            matches!(drawn, Self::Right | Self::Left) == matches!(self, Self::Right | Self::Left);
        let half = if along { glyph.advance } else { glyph.size } / 2.0;
        Mark { ch: glyph.ch, u0: u - half, u1: u + half, v, size: glyph.size }
    }
}

/// The flow of every glyph, in the order of the glyphs.
pub(super) fn flows(glyphs: &[Glyph]) -> Vec<Flow> {
    let mut flows: Vec<Flow> = glyphs
        .iter()
        .map(|glyph| {
            let drawn = Flow::of_direction(glyph.dir);
            if glyph.vertical { drawn.quarter_turn() } else { drawn }
        })
        .collect();
    let stacked = stacked_runs(glyphs);
    let tall: usize = stacked.iter().map(|(start, end)| end - start).sum();
    // A few stacked characters on a page are a table's narrow column; they need a longer run.
    let mainly_vertical = tall * 2 > glyphs.len();
    for (start, end) in stacked {
        if end - start >= if mainly_vertical { 2 } else { 4 } {
            flows[start..end].fill(Flow::Down);
        }
    }
    if mainly_vertical {
        adopt_neighbours(glyphs, &mut flows);
    }
    flows
}

/// Runs of glyphs of horizontal fonts that stand one below the other, in drawing order.
fn stacked_runs(glyphs: &[Glyph]) -> Vec<(usize, usize)> {
    let upright = |glyph: &Glyph| {
        let drawn = Flow::of_direction(glyph.dir);
        !glyph.vertical && matches!(drawn, Flow::Right | Flow::Down)
    };
    let below = |a: &Glyph, b: &Glyph| {
        let size = a.size.max(b.size);
        let step = (b.y - a.y) / size;
        let straight = (b.x - a.x).abs() <= 0.35 * size && a.size.min(b.size) > 0.6 * size;
        let drawn = [a, b].map(|glyph| Flow::of_direction(glyph.dir));
        // Turned glyphs that follow each other are a turned line, which `dir` tells already.
        upright(a)
            && upright(b)
            && straight
            && (0.3..=1.3).contains(&step)
            && (drawn != [Flow::Down; 2])
            && !(a.ch.is_ascii_digit() && b.ch.is_ascii_digit())
    };
    let mut runs = Vec::new();
    let mut start = 0;
    for index in 1..=glyphs.len() {
        if index == glyphs.len() || !below(&glyphs[index - 1], &glyphs[index]) {
            if index - start >= 2 {
                runs.push((start, index));
            }
            start = index;
        }
    }
    runs
}

/// On a vertical page, single upright characters between stacked ones (a number of two
/// digits side by side, 縦中横) belong to the column in which they stand.
fn adopt_neighbours(glyphs: &[Glyph], flows: &mut [Flow]) {
    let mut start = 0;
    while start < flows.len() {
        if flows[start] != Flow::Right {
            start += 1;
            continue;
        }
        let length = flows[start..].iter().take_while(|flow| **flow == Flow::Right).count();
        let end = start + length;
        let joins = |neighbour: usize, own: usize| {
            let (a, b) = (&glyphs[neighbour], &glyphs[own]);
            let size = a.size.max(b.size);
            flows[neighbour] == Flow::Down
                && (a.x - b.x).abs() <= 0.8 * size
                && (a.y - b.y).abs() <= 2.5 * size
        };
        let before = start > 0 && joins(start - 1, start);
        let after = end < flows.len() && joins(end, end - 1);
        if length <= 4 && (before || after) {
            flows[start..end].fill(Flow::Down);
        }
        start = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glyph(ch: char, x: f32, y: f32) -> Glyph {
        Glyph { ch, x, y, size: 10.0, advance: 10.0, dir: (1.0, 0.0), vertical: false }
    }

    #[test]
    fn stacked_glyphs_run_down() {
        let column: Vec<_> = "縦に並ぶ文字"
            .chars()
            .enumerate()
            .map(|(index, c)| glyph(c, 100.0, 50.0 + index as f32 * 11.0))
            .collect();
        assert!(flows(&column).iter().all(|flow| *flow == Flow::Down));
        let line: Vec<_> = "横に並ぶ文字"
            .chars()
            .enumerate()
            .map(|(index, c)| glyph(c, 50.0 + index as f32 * 10.0, 100.0))
            .collect();
        assert!(flows(&line).iter().all(|flow| *flow == Flow::Right));
    }

    #[test]
    fn frames_turn_there_and_back() {
        let area = Area { u0: 1.0, u1: 5.0, v0: 2.0, v1: 3.0 };
        for flow in [Flow::Right, Flow::Down, Flow::Left, Flow::Up] {
            let page = flow.area_in(Flow::Right, area);
            assert_eq!(Flow::Right.area_in(flow, page), area, "{flow:?}");
        }
    }
}
