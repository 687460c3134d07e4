//! Characters that take part in a text without being seen: they hide words from the reader, or
//! show them in another order than the one in which they are read by a machine.

use std::borrow::Cow;

/// True for a character that shows nothing and changes no glyph beside it. Variation selectors
/// stay: the forms of kanji in names are written with them.
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}'
        | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
        || is_bidi(c)
}

/// True for a control of the direction of writing.
pub fn is_bidi(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The letter that a tag character (U+E0020 to U+E007E) stands for.
pub fn tag_letter(c: char) -> Option<char> {
    let code = u32::from(c).checked_sub(0xe0000)?;
    (0x20..0x7f).contains(&code).then(|| char::from_u32(code)).flatten()
}

/// The text as a reader sees it.
pub fn seen(text: &str) -> Cow<'_, str> {
    match text.contains(is_invisible) {
        true => Cow::Owned(text.chars().filter(|c| !is_invisible(*c)).collect()),
        false => Cow::Borrowed(text),
    }
}

/// The same for a text with marked byte ranges, which move along.
pub fn seen_ranges(
    text: &str,
    ranges: &[std::ops::Range<usize>],
) -> (String, Vec<std::ops::Range<usize>>) {
    let lost = |end: usize| -> usize {
        let hidden = text.char_indices().filter(|(at, c)| *at < end && is_invisible(*c));
        hidden.map(|(_, c)| c.len_utf8()).sum()
    };
    let moved =
        ranges.iter().map(|range| range.start - lost(range.start)..range.end - lost(range.end));
    (seen(text).into_owned(), moved.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_taken_out_and_marks_move_along() {
        let text = "転\u{200b}出\u{202e}届\u{e0041}は";
        assert_eq!(seen(text), "転出届は");
        let word = text.find('届').unwrap();
        let (shown, ranges) = seen_ranges(text, std::slice::from_ref(&(word..word + "届".len())));
        assert_eq!(&shown[ranges[0].clone()], "届");
        assert_eq!(tag_letter('\u{e0041}'), Some('A'));
        assert_eq!(tag_letter('A'), None);
        // 葛 with a variation selector: a form that a family register asks for.
        assert!(matches!(seen("葛\u{e0100}城市"), Cow::Borrowed(_)));
    }
}
