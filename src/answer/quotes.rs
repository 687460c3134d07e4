//! Quotations in an answer: 「…」 followed by `[n]` must stand in passage n, character by character
//! but for width and blanks; of a quotation with 「…」 in it each part must, in order. What does not
//! is counted and said to the reader.

use crate::text::normalize;

/// Shorter quotations are words, not evidence, in characters.
pub(super) const SHORTEST: usize = 8;

/// How many quotations with a citation are not in the passage that they cite.
/// `passages` are the texts given, numbered from 1.
pub(super) fn misquoted(answer: &str, passages: &[&str]) -> usize {
    let plain: Vec<String> = passages.iter().map(|text| bare(text)).collect();
    let mut wrong = 0;
    for (at, _) in answer.match_indices("」[") {
        let Some(quote) = quoted_before(&answer[..at]) else { continue };
        if bare(quote).chars().count() < SHORTEST {
            continue;
        }
        let cited = numbers(&answer[at + '」'.len_utf8()..]);
        let found = cited
            .iter()
            .filter_map(|number| plain.get(number - 1))
            .any(|passage| stands_in(quote, passage));
        wrong += usize::from(!found && !cited.is_empty());
    }
    wrong
}

/// Whether a quotation stands in a passage without blanks: all of it, or what its 「…」 leave.
fn stands_in(quote: &str, passage: &str) -> bool {
    let mut rest = passage;
    quote.split('…').map(bare).filter(|part| !part.is_empty()).all(|part| {
        let found = rest.find(&part);
        if let Some(at) = found {
            rest = &rest[at + part.len()..];
        }
        found.is_some()
    })
}

/// The text since the 「 that the end of `text` would close.
fn quoted_before(text: &str) -> Option<&str> {
    let mut depth = 0usize;
    for (at, c) in text.char_indices().rev() {
        match c {
            '」' => depth += 1,
            '「' if depth == 0 => return Some(&text[at + c.len_utf8()..]),
            '「' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Where the 」 stands that closes what has just been opened.
pub(super) fn closing(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '「' => depth += 1,
            '」' if depth == 0 => return Some(at),
            '」' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The numbers of the citations at the head of a text: `[1][2]…`, each 1 or more.
fn numbers(mut text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    while let Some((inner, rest)) = text.strip_prefix('[').and_then(|t| t.split_once(']')) {
        let Ok(number @ 1..) = inner.parse::<usize>() else { break };
        found.push(number);
        text = rest;
    }
    found
}

/// Text without blanks, in one width.
pub(super) fn bare(text: &str) -> String {
    normalize(text).chars().filter(|c| !c.is_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::misquoted;

    #[test]
    fn quotations_are_looked_up() {
        let passages =
            ["手数料は、一通につき３００円とする。", "市長は「特例」を定めることができる。"];
        for (answer, wrong) in [
            ("「手数料は、一通につき300円とする。」[1]", 0),
            ("「手数料は、一通につき400円とする。」[1]", 1),
            ("「手数料は、一通につき300円とする。」[2]", 1),
            ("「手数料は、一通につき300円とする。」[2][1]", 0),
            ("「市長は「特例」を定めることができる。」[2]", 0),
            ("「手数料は、…300円とする。」[1]", 0),
            ("「300円とする。…手数料は」[1]", 1),
            ("「手数料」[2]です。", 0),
            ("手数料は300円です。[1]", 0),
            ("」[1]", 0),
        ] {
            assert_eq!(misquoted(answer, &passages), wrong, "{answer}");
        }
    }
}
