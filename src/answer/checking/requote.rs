//! A quotation that is nearly right, quoted anew: the stretch of a passage that it comes closest
//! to.

use std::ops::Range;

use super::folded::Folded;
use crate::answer::quotes::SHORTEST;

/// Characters that may be wrong, missing or too many, of those of the quotation.
const WRONG: f32 = 0.2;

/// Where more is wrong, the longest right part is quoted if it is this much of the quotation.
const PART: f32 = 0.6;

/// Longer quotations are compared by their right parts only, in characters: it takes the product
/// of both lengths.
const LONGEST: usize = 800;

/// The stretch of a passage closest to a quotation that is not in it, and how far off it is, from
/// 0 to 1. `None` where nothing comes close.
pub(super) fn closest(quote: &[char], passage: &Folded) -> Option<(Range<usize>, f32)> {
    let length = quote.len();
    if length < SHORTEST {
        return None;
    }
    let aligned = (length <= LONGEST).then(|| align(quote, &passage.chars)).flatten();
    let close = aligned.filter(|(stretch, wrong)| {
        *wrong as f32 <= WRONG * length as f32 && stretch.len() >= SHORTEST
    });
    if let Some((stretch, wrong)) = close {
        return Some((passage.whole_numbers(stretch), wrong as f32 / length as f32));
    }
    let (stretch, right) = longest_part(quote, &passage.chars);
    let enough = right >= SHORTEST && right as f32 >= PART * length as f32;
    enough.then(|| (passage.whole_numbers(stretch), 1.0 - right as f32 / length as f32))
}

/// The stretch of `text` that needs the fewest changes to become `quote`, the first of equals, and
/// how many those are: edit distance, free to begin and end anywhere in `text`.
fn align(quote: &[char], text: &[char]) -> Option<(Range<usize>, usize)> {
    // For each length of the quotation's beginning: changes, and where the stretch begins.
    let mut row: Vec<(usize, usize)> = (0..=quote.len()).map(|changes| (changes, 0)).collect();
    let mut best: Option<(Range<usize>, usize)> = None;
    for (at, c) in text.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = (0, at + 1);
        for (i, q) in quote.iter().enumerate() {
            let above = row[i + 1];
            let same = (diagonal.0 + usize::from(q != c), diagonal.1);
            let inserted = (above.0 + 1, above.1);
            let left_out = (row[i].0 + 1, row[i].1);
            row[i + 1] = [same, inserted, left_out].into_iter().min_by_key(|way| way.0)?;
            diagonal = above;
        }
        let (changes, from) = row[quote.len()];
        if best.as_ref().is_none_or(|(_, fewest)| changes < *fewest) {
            best = Some((from..at + 1, changes));
        }
    }
    best.filter(|(stretch, _)| !stretch.is_empty())
}

/// The longest run that both have, where it stands in `text`, and its length.
fn longest_part(quote: &[char], text: &[char]) -> (Range<usize>, usize) {
    let mut row = vec![0usize; quote.len() + 1];
    let mut best = (0..0, 0);
    for (at, c) in text.iter().enumerate() {
        for i in (0..quote.len()).rev() {
            row[i + 1] = if quote[i] == *c { row[i] + 1 } else { 0 };
            if row[i + 1] > best.1 {
                best = (at + 1 - row[i + 1]..at + 1, row[i + 1]);
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requoted(quote: &str, passage: &str) -> Option<String> {
        let (quote, folded) = (Folded::of(quote), Folded::of(passage));
        let (stretch, _) = closest(&quote.chars, &folded)?;
        Some(passage[folded.place(stretch)].to_owned())
    }

    #[test]
    fn the_nearest_stretch_is_quoted() {
        let passage =
            "第二条　手数料は、一通につき３００円とする。ただし、市長が認めるときは、免除する。";
        for (quote, expected) in [
            ("手数料は、一通につき400円とする。", Some("手数料は、一通につき３００円とする。")),
            ("手数料は一通につき300円とする。", Some("手数料は、一通につき３００円とする。")),
            ("手数料は、一通につき300円。", Some("手数料は、一通につき３００円")),
            ("ただし、市長が認めるときは、徴収しないものとすることができる", None),
            (
                "手数料は、一通につき300円とする。詳しくは窓口へ。",
                Some("手数料は、一通につき３００円とする。"),
            ),
            ("転入をした日から十四日以内に届け出る。", None),
            ("手数料は", None),
        ] {
            assert_eq!(requoted(quote, passage).as_deref(), expected, "{quote}");
        }
    }

    #[test]
    fn nothing_to_quote_from() {
        assert_eq!(requoted("手数料は、一通につき300円とする。", ""), None);
        assert_eq!(requoted("", "手数料"), None);
    }
}
