//! What a quotation is, and the form in which it is compared with a passage: character by
//! character but for width and blanks.

use crate::text::normalize;

/// Shorter quotations are words, not evidence, in characters.
pub(super) const SHORTEST: usize = 8;

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

/// The longest part of a text whose 「」 come in pairs, the first of equals.
pub(super) fn paired_part(text: &str) -> &str {
    let mut open = Vec::new();
    let mut alone = Vec::new();
    for (at, c) in text.char_indices() {
        match c {
            '「' => open.push(at),
            '」' if open.pop().is_none() => alone.push(at),
            _ => {}
        }
    }
    alone.extend(open);
    alone.sort_unstable();
    let mut from = 0;
    let mut longest = "";
    for at in alone.into_iter().chain([text.len()]) {
        let part = &text[from..at];
        if part.len() > longest.len() {
            longest = part;
        }
        from = (at + '「'.len_utf8()).min(text.len());
    }
    longest
}

/// Text without blanks, in one width.
pub(super) fn bare(text: &str) -> String {
    normalize(text).chars().filter(|c| !c.is_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quotation_ends_at_its_own_bracket() {
        for (opened, end) in
            [("特例」を", Some(6)), ("市長は「特例」を」[1]", Some(24)), ("途中「あ」", None)]
        {
            assert_eq!(closing(opened), end, "{opened}");
        }
        assert_eq!(paired_part("あ「い」う「え"), "あ「い」う");
        assert_eq!(bare("３００ 円\n　ｶﾞ"), "300円ガ");
    }
}
