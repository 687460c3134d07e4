//! Cuts a long text into parts that fit: between lines, else between sentences, else anywhere.
//! Nothing is left out.

use crate::text::sentence_ranges;

/// The parts, each of at most `most` tokens as `tokens` counts them, unless a single character has
/// more. Put one after the other they are the text, but for blank lines at their borders.
pub(in crate::answer) fn split(
    text: &str,
    most: usize,
    tokens: impl Fn(&str) -> usize,
) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let (mut part, mut used) = (String::new(), 0);
    for piece in pieces(text, most, &tokens) {
        let count = tokens(piece);
        if used + count > most && !part.trim().is_empty() {
            parts.push(std::mem::take(&mut part).trim_matches('\n').to_owned());
            used = 0;
        }
        part.push_str(piece);
        used += count;
    }
    if !part.trim().is_empty() {
        parts.push(part.trim_matches('\n').to_owned());
    }
    parts
}

/// Pieces that fit by themselves; together they are the text.
fn pieces<'t>(text: &'t str, most: usize, tokens: &impl Fn(&str) -> usize) -> Vec<&'t str> {
    let mut pieces = Vec::new();
    for line in text.split_inclusive('\n') {
        if tokens(line) <= most {
            pieces.push(line);
            continue;
        }
        let ends = sentence_ranges(line).into_iter().map(|range| range.end);
        let mut start = 0;
        for end in ends.chain([line.len()]) {
            let Some(sentence) = line.get(start..end).filter(|text| !text.is_empty()) else {
                continue;
            };
            start = end;
            match tokens(sentence) <= most {
                true => pieces.push(sentence),
                false => pieces.extend(runs(sentence, most, tokens)),
            }
        }
    }
    pieces
}

/// A sentence without end, cut into halves until they fit.
fn runs<'t>(text: &'t str, most: usize, tokens: &impl Fn(&str) -> usize) -> Vec<&'t str> {
    let chars = text.chars().count();
    if chars < 2 || tokens(text) <= most {
        return vec![text];
    }
    let middle = text.char_indices().nth(chars / 2).map_or(text.len(), |(at, _)| at);
    let (first, second) = text.split_at(middle);
    [runs(first, most, tokens), runs(second, most, tokens)].concat()
}
