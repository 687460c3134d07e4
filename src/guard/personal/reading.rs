//! A text as the detectors read it: one form of letters, digits, hyphens and blanks, and the way
//! back to the places of the original.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;

use crate::guard::invisible::is_invisible;

/// A character of the reading and the bytes of the original that it stands for.
#[derive(Clone, Copy)]
struct Mark {
    shown: char,
    start: usize,
    end: usize,
}

/// The folded text.
pub(super) struct Reading {
    pub(super) text: String,
    /// Of every byte of the reading: where its character begins and ends in the original.
    starts: Vec<usize>,
    ends: Vec<usize>,
}

impl Reading {
    /// Width, hyphens and blanks in one form; what is invisible is not there.
    pub(super) fn plain(text: &str) -> Self {
        Self::of(&with_hyphens(marks(text)))
    }

    /// The same, with numbers of two and more kanji digits (`〇三`, but not `十二`) as digits.
    pub(super) fn numeric(text: &str) -> Self {
        Self::of(&with_hyphens(with_digits(marks(text))))
    }

    fn of(marks: &[Mark]) -> Self {
        let mut reading = Self { text: String::new(), starts: Vec::new(), ends: Vec::new() };
        for mark in marks {
            reading.text.push(mark.shown);
            reading.starts.resize(reading.text.len(), mark.start);
            reading.ends.resize(reading.text.len(), mark.end);
        }
        reading
    }

    /// The bytes of the original that a range of the reading stands for; the range is not empty.
    pub(super) fn original(&self, range: &Range<usize>) -> Range<usize> {
        self.starts[range.start]..self.ends[range.end - 1]
    }

    /// What stands before a place, at most `chars` characters of it.
    pub(super) fn before(&self, at: usize, chars: usize) -> &str {
        let head = &self.text[..at];
        let from = head.char_indices().rev().take(chars).last().map_or(at, |(from, _)| from);
        &head[from..]
    }

    /// What follows a place, at most `chars` characters of it.
    pub(super) fn after(&self, at: usize, chars: usize) -> &str {
        let tail = &self.text[at..];
        let to = tail.char_indices().nth(chars).map_or(tail.len(), |(to, _)| to);
        &tail[..to]
    }
}

fn marks(text: &str) -> Vec<Mark> {
    let mut marks = Vec::with_capacity(text.len() / 2);
    let mut chars = text.char_indices().peekable();
    while let Some((start, c)) = chars.next() {
        let mut end = start + c.len_utf8();
        if is_invisible(c) {
            continue;
        }
        if let Some(shown) = folded(c) {
            marks.push(Mark { shown, start, end });
            continue;
        }
        // Half-width kana carry their voicing in a character of its own.
        let mut written = c.to_string();
        if let Some((at, voiced)) = chars.next_if(|(_, next)| matches!(next, 'ﾞ' | 'ﾟ')) {
            written.push(voiced);
            end = at + voiced.len_utf8();
        }
        marks.extend(written.nfkc().map(|shown| Mark { shown, start, end }));
    }
    marks
}

/// The one character that stands for this one; `None` where it takes a closer look.
fn folded(c: char) -> Option<char> {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0),
        '\t' | '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => {
            Some(' ')
        }
        '\r' => Some('\n'),
        '\u{2010}'..='\u{2014}' | '\u{2212}' | '\u{fe63}' | '\u{2043}' | '\u{2d7}' | '\u{fe58}' => {
            Some('-')
        }
        '\u{2e3a}' | '\u{2e3b}' => Some('-'),
        '\u{2121}' | '\u{ff61}'..='\u{ff9f}' => None,
        c => Some(c),
    }
}

/// Marks that are a hyphen only behind a digit: the long mark of kana, dashes, rules.
fn with_hyphens(mut marks: Vec<Mark>) -> Vec<Mark> {
    for at in 1..marks.len() {
        let behind = marks[at - 1].shown;
        let may = matches!(marks[at].shown, 'ー' | '―' | '─' | '━' | '~' | '〜');
        if may && (behind.is_ascii_digit() || is_kanji_digit(behind) || behind == ')') {
            let next = marks.get(at + 1).map_or(' ', |mark| mark.shown);
            if next.is_ascii_digit() || is_kanji_digit(next) {
                marks[at].shown = '-';
            }
        }
    }
    marks
}

fn with_digits(mut marks: Vec<Mark>) -> Vec<Mark> {
    let mut at = 0;
    while at < marks.len() {
        let run = marks[at..].iter().take_while(|mark| is_kanji_digit(mark.shown)).count();
        let unit = |mark: Option<&Mark>| mark.is_some_and(|mark| "十百千万億".contains(mark.shown));
        let beside_unit = unit(marks.get(at + run)) || at > 0 && unit(marks.get(at - 1));
        if run >= 2 && !beside_unit {
            for mark in &mut marks[at..at + run] {
                mark.shown = digit(mark.shown);
            }
        }
        at += run.max(1);
    }
    marks
}

fn is_kanji_digit(c: char) -> bool {
    "〇零一二三四五六七八九".contains(c)
}

fn digit(c: char) -> char {
    let at = "〇一二三四五六七八九".chars().position(|kanji| kanji == c).unwrap_or(0);
    char::from_digit(at as u32, 10).unwrap_or('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_become_one_and_the_way_back_is_known() {
        for (written, read) in [
            ("０３－１２３４ー５６７８", "03-1234-5678"),
            ("03–1234−5678　で", "03-1234-5678 で"),
            ("ﾔﾏﾀﾞ ﾀﾛｳ", "ヤマダ タロウ"),
            ("ヤマダー", "ヤマダー"),
            ("12\u{200b}34", "1234"),
            ("（ａ＠ｂ．ｊｐ）", "(a@b.jp)"),
            ("℡", "TEL"),
        ] {
            assert_eq!(Reading::plain(written).text, read, "{written}");
        }
        let text = "電話は〇三－一二三四です";
        let reading = Reading::numeric(text);
        assert_eq!(reading.text, "電話は03-1234です");
        let at = reading.text.find("03-1234").unwrap();
        assert_eq!(&text[reading.original(&(at..at + 7))], "〇三－一二三四");
        assert_eq!(Reading::numeric("三十二条").text, "三十二条");
        let kana = "ﾔﾏﾀﾞ";
        let reading = Reading::plain(kana);
        assert_eq!(reading.original(&(0..reading.text.len())), 0..kana.len());
    }

    #[test]
    fn what_is_beside_a_place_is_cut_at_characters() {
        let reading = Reading::plain("氏名は山田です");
        let at = reading.text.find('山').unwrap();
        assert_eq!((reading.before(at, 2), reading.after(at, 2)), ("名は", "山田"));
        assert_eq!((reading.before(0, 5), reading.after(at, 50)), ("", "山田です"));
    }
}
