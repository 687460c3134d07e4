//! Ruled grids: which rulings of a page form a table, and where its cells are.

use super::device::Rule;
use super::flow::Area;

/// Two rulings closer than this are one (double lines, a box beside its neighbour), points.
const SNAP: f32 = 2.5;
/// How far a ruling may stop short of the one it meets, points.
const REACH: f32 = 4.0;
/// More rulings of one direction than this are a drawing.
const LINES_MAX: usize = 800;
/// More cells than this are a drawing.
const CELLS_MAX: usize = 6_000;

/// A table's cells. Merged cells share one number.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    /// Column borders, left to right.
    pub(super) us: Vec<f32>,
    /// Row borders, top to bottom.
    pub(super) vs: Vec<f32>,
    /// Number of the cell at (row, column), row by row; `cells[r * columns + c]`.
    pub(super) cells: Vec<usize>,
}

impl Grid {
    pub(super) fn rows(&self) -> usize {
        self.vs.len() - 1
    }

    pub(super) fn columns(&self) -> usize {
        self.us.len() - 1
    }

    /// The number of the cell at a row and column.
    pub(super) fn cell(&self, row: usize, column: usize) -> usize {
        self.cells[row * self.columns() + column]
    }

    /// The whole table.
    pub(super) fn area(&self) -> Area {
        Area {
            u0: self.us[0],
            u1: self.us[self.columns()],
            v0: self.vs[0],
            v1: self.vs[self.rows()],
        }
    }

    /// The cell at a point and its extent, with what was merged into it.
    pub(super) fn cell_at(&self, u: f32, v: f32) -> Option<(usize, Area)> {
        let column = self.us.partition_point(|at| *at <= u).checked_sub(1)?;
        let row = self.vs.partition_point(|at| *at <= v).checked_sub(1)?;
        if column >= self.columns() || row >= self.rows() {
            return None;
        }
        let id = self.cell(row, column);
        let same = |r: usize, c: usize| self.cell(r, c) == id;
        let first = (0..=column).rev().take_while(|c| same(row, *c)).last().unwrap_or(column);
        let last = (column..self.columns()).take_while(|c| same(row, *c)).last().unwrap_or(column);
        let top = (0..=row).rev().take_while(|r| same(*r, column)).last().unwrap_or(row);
        let bottom = (row..self.rows()).take_while(|r| same(*r, column)).last().unwrap_or(row);
        let area = Area {
            u0: self.us[first],
            u1: self.us[last + 1],
            v0: self.vs[top],
            v1: self.vs[bottom + 1],
        };
        Some((id, area))
    }
}

/// The grids of a page with two rows or more, and as many columns. `rules` are in the frame
/// of the text: `horizontal` ones run along the lines.
pub(super) fn grids(rules: &[Rule]) -> Vec<Grid> {
    let along = merge(rules.iter().filter(|rule| rule.horizontal));
    let across = merge(rules.iter().filter(|rule| !rule.horizontal));
    if along.len().max(across.len()) > LINES_MAX {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (h, v) in components(&along, &across) {
        found.extend(grid(&h, &v));
    }
    // A box inside a cell of a larger table is that cell's business.
    let areas: Vec<Area> = found.iter().map(Grid::area).collect();
    let inside = |small: &Area, large: &Area| {
        small != large
            && large.contains(small.u0, small.v0, 1.0)
            && large.contains(small.u1, small.v1, 1.0)
    };
    found.retain(|grid| !areas.iter().any(|large| inside(&grid.area(), large)));
    found
}

/// Rulings on one line that touch become one.
fn merge<'r>(rules: impl Iterator<Item = &'r Rule>) -> Vec<Rule> {
    let mut rules: Vec<Rule> = rules.copied().collect();
    rules.sort_by(|p, q| p.at.total_cmp(&q.at));
    let mut bands: Vec<Vec<Rule>> = Vec::new();
    for rule in rules {
        match bands.last_mut() {
            Some(band) if rule.at - band[0].at <= SNAP => band.push(rule),
            _ => bands.push(vec![rule]),
        }
    }
    let mut merged = Vec::new();
    for mut band in bands {
        band.sort_by(|p, q| p.a.total_cmp(&q.a));
        let start = merged.len();
        for rule in band {
            match merged[start..].last_mut() {
                Some(Rule { b, .. }) if rule.a <= *b + SNAP => *b = b.max(rule.b),
                _ => merged.push(rule),
            }
        }
    }
    merged.retain(|rule| rule.b - rule.a >= 4.0);
    merged
}

/// Groups of rulings that meet each other.
fn components(along: &[Rule], across: &[Rule]) -> Vec<(Vec<Rule>, Vec<Rule>)> {
    let mut group: Vec<usize> = (0..along.len() + across.len()).collect();
    fn root(group: &mut [usize], mut at: usize) -> usize {
        while group[at] != at {
            group[at] = group[group[at]];
            at = group[at];
        }
        at
    }
    for (i, h) in along.iter().enumerate() {
        for (j, v) in across.iter().enumerate() {
            let meet = h.a - REACH <= v.at
                && v.at <= h.b + REACH
                && v.a - REACH <= h.at
                && h.at <= v.b + REACH;
            if meet {
                let (p, q) = (root(&mut group, i), root(&mut group, along.len() + j));
                group[p] = q;
            }
        }
    }
    let mut found: std::collections::BTreeMap<usize, (Vec<Rule>, Vec<Rule>)> =
        std::collections::BTreeMap::new();
    for (i, h) in along.iter().enumerate() {
        let key = root(&mut group, i);
        found.entry(key).or_default().0.push(*h);
    }
    for (j, v) in across.iter().enumerate() {
        let key = root(&mut group, along.len() + j);
        found.entry(key).or_default().1.push(*v);
    }
    found.into_values().collect()
}

fn grid(along: &[Rule], across: &[Rule]) -> Option<Grid> {
    if along.len() < 2 || across.is_empty() {
        return None;
    }
    // Tables without outer side lines end where their rows' lines end.
    let ends = along.iter().flat_map(|h| [h.a, h.b]);
    let us = borders(across.iter().map(|v| v.at), ends);
    let ends = across.iter().flat_map(|v| [v.a, v.b]);
    let vs = borders(along.iter().map(|h| h.at), ends);
    let (rows, columns) = (vs.len().checked_sub(1)?, us.len().checked_sub(1)?);
    if rows < 2 || columns < 2 || rows * columns > CELLS_MAX {
        return None;
    }
    let mut cells: Vec<usize> = (0..rows * columns).collect();
    let wall = |rules: &[Rule], at: f32, middle: f32| {
        rules
            .iter()
            .any(|rule| (rule.at - at).abs() <= SNAP * 1.5 && rule.a <= middle && middle <= rule.b)
    };
    for row in 0..rows {
        for column in 0..columns {
            let own = row * columns + column;
            let (u, v) = (middle(&us, column), middle(&vs, row));
            if column + 1 < columns && !wall(across, us[column + 1], v) {
                unite(&mut cells, own, own + 1);
            }
            if row + 1 < rows && !wall(along, vs[row + 1], u) {
                unite(&mut cells, own, own + columns);
            }
        }
    }
    Some(Grid { us, vs, cells })
}

fn middle(borders: &[f32], index: usize) -> f32 {
    (borders[index] + borders[index + 1]) / 2.0
}

fn unite(cells: &mut [usize], a: usize, b: usize) {
    let (from, to) = (cells[b].max(cells[a]), cells[b].min(cells[a]));
    if from != to {
        for cell in cells.iter_mut().filter(|cell| **cell == from) {
            *cell = to;
        }
    }
}

/// Distinct positions of rulings, plus the outermost ends of the rulings across them.
fn borders(at: impl Iterator<Item = f32>, ends: impl Iterator<Item = f32>) -> Vec<f32> {
    let mut positions: Vec<f32> = at.collect();
    positions.sort_by(f32::total_cmp);
    positions.dedup_by(|b, a| *b - *a <= SNAP);
    let (low, high) = ends.fold((f32::MAX, f32::MIN), |(l, h), end| (l.min(end), h.max(end)));
    // An open side is worth a column only where text fits beside the first ruling.
    if positions.first().is_some_and(|first| low < first - 8.0) {
        positions.insert(0, low);
    }
    if positions.last().is_some_and(|last| high > last + 8.0) {
        positions.push(high);
    }
    positions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn h(at: f32, a: f32, b: f32) -> Rule {
        Rule { horizontal: true, at, a, b }
    }

    fn v(at: f32, a: f32, b: f32) -> Rule {
        Rule { horizontal: false, at, a, b }
    }

    #[test]
    fn a_grid_with_a_merged_header() {
        let mut rules = vec![h(0.0, 0.0, 90.0), h(20.0, 0.0, 90.0), h(40.0, 0.0, 90.0)];
        rules.extend([v(0.0, 0.0, 40.0), v(30.0, 0.0, 40.0), v(90.0, 0.0, 40.0)]);
        rules.push(v(60.0, 20.0, 40.0));
        let [grid] = &grids(&rules)[..] else { panic!("one grid") };
        assert_eq!((grid.rows(), grid.columns()), (2, 3));
        assert_eq!(grid.cell(0, 1), grid.cell(0, 2));
        assert_ne!(grid.cell(1, 1), grid.cell(1, 2));
        let (_, area) = grid.cell_at(70.0, 10.0).unwrap();
        assert_eq!(area, Area { u0: 30.0, u1: 90.0, v0: 0.0, v1: 20.0 });
    }

    #[test]
    fn a_frame_or_underlines_are_no_grid() {
        let frame = [h(0.0, 0.0, 90.0), h(90.0, 0.0, 90.0), v(0.0, 0.0, 90.0), v(90.0, 0.0, 90.0)];
        assert!(grids(&frame).is_empty());
        assert!(grids(&[h(0.0, 0.0, 50.0), h(20.0, 0.0, 50.0)]).is_empty());
    }

    #[test]
    fn open_sides_still_make_columns() {
        let mut rules: Vec<Rule> = (0..4).map(|row| h(row as f32 * 20.0, 0.0, 90.0)).collect();
        rules.push(v(30.0, 0.0, 60.0));
        let [grid] = &grids(&rules)[..] else { panic!("one grid") };
        assert_eq!((grid.rows(), grid.columns()), (3, 2));
    }
}
