//! A text as it is compared (one width, no blanks) that knows where each character came from.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

/// Text in the form of [`bare`](crate::answer::quotes::bare), with its way back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Folded {
    pub(super) chars: Vec<char>,
    /// The bytes of the text that each character came from.
    places: Vec<Range<usize>>,
}

impl Folded {
    pub(super) fn of(text: &str) -> Self {
        let (mut chars, mut places) = (Vec::new(), Vec::new());
        let mut starts =
            text.char_indices().filter(|(at, c)| *at > 0 && begins(*c)).map(|(at, _)| at);
        let mut start = (!text.is_empty()).then_some(0);
        while let Some(from) = start {
            start = starts.next();
            let place = from..start.unwrap_or(text.len());
            for c in text[place.clone()].nfkc().filter(|c| !c.is_whitespace()) {
                chars.push(c);
                places.push(place.clone());
            }
        }
        Self { chars, places }
    }

    /// Where a part of the characters stands in the text.
    pub(super) fn place(&self, part: Range<usize>) -> Range<usize> {
        match self.places.get(part) {
            Some([first, .., last]) => first.start..last.end,
            Some([only]) => only.clone(),
            Some([]) | None => 0..0,
        }
    }

    /// Whether `part` stands in it as one run; the place of the first.
    pub(super) fn find(&self, part: &[char]) -> Option<usize> {
        if part.is_empty() || part.len() > self.chars.len() {
            return None;
        }
        self.chars.windows(part.len()).position(|window| window == part)
    }
}

/// False for characters that normalization may join to the one before: accents, the voiced marks
/// of half-width kana, the later parts of a Hangul syllable.
fn begins(c: char) -> bool {
    let joins = matches!(c, '\u{ff9e}' | '\u{ff9f}' | '\u{1160}'..='\u{11ff}');
    canonical_combining_class(c) == 0 && !joins
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::quotes::bare;
    use proptest::prelude::*;

    #[test]
    fn characters_know_where_they_came_from() {
        let text = "料金 ｶﾞｽ㌢３０";
        let folded = Folded::of(text);
        assert_eq!(folded.chars.iter().collect::<String>(), "料金ガスセンチ30");
        let at = folded.find(&['ガ', 'ス']).unwrap();
        assert_eq!(&text[folded.place(at..at + 2)], "ｶﾞｽ");
        assert_eq!(&text[folded.place(0..3)], "料金 ｶﾞ");
        assert_eq!(folded.place(4..4), 0..0);
        assert_eq!(Folded::of("\u{3099}あ").chars.len(), 2, "a mark without a letter");
    }

    proptest! {
        /// The same text in any of Unicode's spellings is the same.
        #[test]
        fn equal_to_normalizing_the_whole(
            text in "[あかがｶﾊ゛\u{3099}\u{309a}ﾞﾟ Ａa１①㍿ﷺé\u{301}각\u{1100}\u{1161}\u{11a8}　\n…]{0,24}",
        ) {
            let fold = |text: &str| Folded::of(text).chars.iter().collect::<String>();
            let folded = fold(&text);
            prop_assert_eq!(&folded, &bare(&text));
            let composed: String = text.nfc().collect();
            for spelled in [composed, text.nfd().collect(), text.nfkd().collect()] {
                prop_assert_eq!(&fold(&spelled), &bare(&spelled));
                prop_assert_eq!(&fold(&spelled), &folded);
            }
        }
    }
}
