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

    /// Whether `part` stands in it as one run; the place of the first. A run that begins or ends
    /// inside of a number is none: 「1000」 is not what 10000円 says.
    pub(super) fn find(&self, part: &[char]) -> Option<usize> {
        if part.is_empty() || part.len() > self.chars.len() {
            return None;
        }
        let stands = |at: &usize| self.chars[*at..].starts_with(part);
        let whole = |at: &usize| !self.is_split(*at) && !self.is_split(*at + part.len());
        (0..=self.chars.len() - part.len()).filter(stands).find(whole)
    }

    /// A part made as long as the numbers at its ends.
    pub(super) fn whole_numbers(&self, part: Range<usize>) -> Range<usize> {
        let (mut start, mut end) = (part.start, part.end);
        while part.start < part.end && self.is_split(start) {
            start -= 1;
        }
        while part.start < part.end && self.is_split(end) {
            end += 1;
        }
        start..end
    }

    /// Whether a place lies inside of a number.
    fn is_split(&self, at: usize) -> bool {
        let digit = |at: usize| self.chars.get(at).is_some_and(char::is_ascii_digit);
        at > 0 && digit(at - 1) && digit(at)
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

    #[test]
    fn a_number_is_found_whole_or_not_at_all() {
        let folded = Folded::of("小ホール（午後）は１００００円、会議室は1000円");
        let find = |part: &str| folded.find(&part.chars().collect::<Vec<_>>());
        assert_eq!(find("1000"), Some(20), "the one that is whole");
        assert_eq!(find("は1000"), Some(19));
        assert_eq!(find("(午後)は1000"), None);
        assert_eq!(find("0000円"), None);
        assert_eq!(folded.whole_numbers(4..12), 4..14);
        assert_eq!(folded.whole_numbers(11..11), 11..11, "nothing stays nothing");
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
