//! Running heads, running feet and page numbers: dropped where they repeat.

use std::collections::HashMap;

use super::layout::{Item, Line};

/// On so many pages a line at one place must repeat.
const REPEATS_MIN: usize = 3;
/// Lines from the top and from the bottom of a page that are looked at.
const DEPTH: usize = 3;
/// Share of the page's height, at the top and at the bottom, that is margin.
const MARGIN: f32 = 0.11;
/// The same for a number that counts with the pages.
const NUMBER_MARGIN: f32 = 0.2;
/// How far the place may differ between pages, as a share of the page's height.
const DRIFT: f32 = 0.012;

/// Where a line stands: page, index among the page's items, height on the page.
type Place = (usize, usize, f32);

/// Removes from every page the lines at its top and bottom that repeat on
/// [`REPEATS_MIN`] pages or more. A head in large type stays where it first stands: it may be
/// the title.
pub(super) fn remove(pages: &mut [Vec<Item>], body_size: f32) {
    let mut seen: HashMap<String, Vec<Place>> = HashMap::new();
    for (page, items) in pages.iter().enumerate() {
        for (index, line) in edge_lines(items) {
            seen.entry(pattern(&line.text, page)).or_default().push((page, index, line.height));
        }
    }
    let mut drop: Vec<Vec<usize>> = pages.iter().enumerate().map(own_number).collect();
    for places in seen.values() {
        for group in groups(places) {
            for (nth, (page, index, _)) in group.into_iter().enumerate() {
                let title =
                    matches!(&pages[page][index], Item::Line(line) if is_title(line, body_size));
                if nth > 0 || !title {
                    drop[page].push(index);
                }
            }
        }
    }
    for (items, dropped) in pages.iter_mut().zip(drop) {
        let mut index = 0;
        items.retain(|_| {
            index += 1;
            !dropped.contains(&(index - 1))
        });
    }
}

/// 「- 2 -」 at the edge of page 2 needs no other page to be known.
fn own_number((page, items): (usize, &Vec<Item>)) -> Vec<usize> {
    let own = format!("-{}-", page + 1);
    let folded = |text: &str| -> String {
        let text = crate::text::normalize(text);
        let bare = text.chars().filter(|c| !c.is_whitespace());
        bare.map(|c| if "‐‑–—―−ー".contains(c) { '-' } else { c }).collect()
    };
    let edges = edge_lines(items).into_iter();
    edges.filter(|(_, line)| folded(&line.text) == own).map(|(index, _)| index).collect()
}

fn is_title(line: &Line, body_size: f32) -> bool {
    line.size > 1.15 * body_size && !is_number(&line.text)
}

/// The lines in the margins, the outermost [`DEPTH`] of each; a sentence is body text.
fn edge_lines(items: &[Item]) -> Vec<(usize, &Line)> {
    let mut lines: Vec<(usize, &Line)> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        if let Item::Line(line) = item {
            lines.push((index, line));
        }
    }
    lines.sort_by(|a, b| a.1.height.total_cmp(&b.1.height));
    let margin = |line: &Line| {
        if is_number(&line.text) { NUMBER_MARGIN } else { MARGIN }
    };
    let top = lines.iter().take(DEPTH).filter(|(_, line)| line.height < margin(line));
    let bottom = lines.iter().rev().take(DEPTH);
    let bottom = bottom.filter(|(_, line)| line.height > 1.0 - margin(line));
    let edges = top.chain(bottom).filter(|(_, line)| !line.text.ends_with('。'));
    edges.copied().collect()
}

/// The text that must repeat. Of a page number that is its distance from the page's place in
/// the file: a table's numbers do not count with the pages.
fn pattern(text: &str, page: usize) -> String {
    let bare: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if !is_number(&bare) {
        return bare;
    }
    let folded = crate::text::normalize(&bare);
    let digits = folded.trim_start_matches(|c: char| !c.is_ascii_digit());
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    match digits[..end].parse::<usize>() {
        Ok(number) => format!("#{}", number.wrapping_sub(page)),
        Err(_) => "#roman".to_owned(),
    }
}

/// 「3」, 「- 3 -」, 「3 / 12」, 「3ページ」, 「p. 3」, 「iv」.
fn is_number(text: &str) -> bool {
    let folded = crate::text::normalize(text).to_lowercase();
    let bare = folded.replace("ページ", "").replace("page", "").replace('頁', "");
    let bare = bare.replace("of", "/");
    let digit = |c: char| c.is_ascii_digit();
    let roman = |c: char| matches!(c, 'i' | 'v' | 'x');
    let other = |c: char| c.is_whitespace() || "-‐‑–—―−~・|/().p".contains(c);
    let number = bare.chars().any(digit) && bare.chars().all(|c| digit(c) || other(c));
    let numeral = bare.chars().any(roman) && bare.chars().all(|c| roman(c) || "- ".contains(c));
    (number && bare.chars().filter(|c| digit(*c)).count() <= 8) || numeral
}

/// Places near each other on enough different pages.
fn groups(places: &[Place]) -> Vec<Vec<Place>> {
    let mut sorted = places.to_vec();
    sorted.sort_by(|a, b| a.2.total_cmp(&b.2));
    let mut groups: Vec<Vec<Place>> = Vec::new();
    for place in sorted {
        match groups.last_mut() {
            Some(group) if place.2 - group[group.len() - 1].2 <= DRIFT => group.push(place),
            _ => groups.push(vec![place]),
        }
    }
    for group in &mut groups {
        group.sort_by_key(|place| place.0);
    }
    groups.retain(|group| {
        let mut pages: Vec<usize> = group.iter().map(|place| place.0).collect();
        pages.dedup();
        pages.len() >= REPEATS_MIN
    });
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, v: f32) -> Item {
        let text = text.to_owned();
        let (u0, u1, left, right) = (0.0, 100.0, 0.0, 100.0);
        let height = v / 840.0;
        let stops = Vec::new();
        Item::Line(Line { text, u0, u1, v, size: 10.0, left, right, stops, column: 0, height })
    }

    fn texts(items: &[Item]) -> Vec<&str> {
        let text = |item| {
            if let &Item::Line(Line { ref text, .. }) = item { text } else { "" }
        };
        items.iter().map(text).collect()
    }

    #[test]
    fn heads_and_numbers_that_repeat_go() {
        let page = |n: usize| {
            vec![
                line("蔵市例規集", 20.0),
                line(&format!("本文その{n}"), 100.0),
                line("同じ本文", 120.0),
                line("さらに本文", 140.0 + n as f32 * 30.0),
                line(&format!("- {n} -"), 800.0),
            ]
        };
        let mut pages: Vec<Vec<Item>> = (1..=4).map(page).collect();
        pages[3].truncate(4);
        remove(&mut pages, 10.0);
        assert_eq!(texts(&pages[0])[0], "本文その1");
        assert!(pages.iter().all(|page| !texts(page).iter().any(|text| text.starts_with('-'))));
    }

    #[test]
    fn two_pages_keep_everything() {
        let mut pages = vec![vec![line("蔵市", 20.0)], vec![line("蔵市", 20.0)]];
        remove(&mut pages, 10.0);
        assert_eq!(pages[1].len(), 1);
    }

    #[test]
    fn page_numbers() {
        for number in ["3", "- 3 -", "－３－", "3 / 12", "３ページ", "p. 3", "iv"] {
            assert!(is_number(number), "{number}");
        }
        for other in ["第3章", "手順1", "R6.4.1改正", "vote"] {
            assert!(!is_number(other), "{other}");
        }
    }
}
