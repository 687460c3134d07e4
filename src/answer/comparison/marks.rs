//! Two texts compared word by word.
//!
//! The longest common run of words stays unmarked. Words are equal when they say the same in
//! another width or numeral: ３００, 300 and 三百. Words that only glue (の, は, 、) between two
//! changes are marked with them: marks in scraps say less than one that can be read.

use serde::Serialize;

use crate::search::segments;
use crate::text::{fold, is_hiragana, parse_number};

/// Words compared at most, each with each; beyond it a stretch counts as changed whole.
const CELLS_MAX: usize = 4_000_000;

/// With less than this share of characters in common, the texts are two and not one changed.
const COMMON_LEAST: f32 = 0.15;

/// What stands behind a number that counts something.
const COUNTED: &str = "円年月日人件通時分割歳か箇万倍%％";

/// A stretch of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stretch {
    /// True where the other text does not have it.
    pub changed: bool,
    pub text: String,
}

/// A word with the form in which it is compared; `None` for blanks and citations, which never
/// count as a change.
struct Word<'t> {
    text: &'t str,
    key: Option<String>,
}

/// Marks in each text what the other does not have.
pub(super) fn marked(one: &str, other: &str) -> [Vec<Stretch>; 2] {
    let (left, right) = (words(one), words(other));
    let keys = |words: &[Word<'_>]| -> Vec<String> {
        words.iter().filter_map(|word| word.key.clone()).collect()
    };
    let (left_keys, right_keys) = (keys(&left), keys(&right));
    let (mut kept_left, mut kept_right) = common(&left_keys, &right_keys);
    let (of_left, of_right) = (share(&left_keys, &kept_left), share(&right_keys, &kept_right));
    if of_left.max(of_right) < COMMON_LEAST {
        kept_left.fill(false);
        kept_right.fill(false);
    }
    glue(&left_keys, &mut kept_left);
    glue(&right_keys, &mut kept_right);
    [stretches(&left, &kept_left), stretches(&right, &kept_right)]
}

fn words(text: &str) -> Vec<Word<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('[') {
        let (before, from) = rest.split_at(at);
        found.extend(cut(before).into_iter().map(word));
        let digits = from[1..].bytes().take_while(u8::is_ascii_digit).count();
        let cites = digits > 0 && from[1 + digits..].starts_with(']');
        let length = if cites { digits + 2 } else { 1 };
        match cites {
            true => found.push(Word { text: &from[..length], key: None }),
            false => found.push(word(&from[..length])),
        }
        rest = &from[length..];
    }
    found.extend(cut(rest).into_iter().map(word));
    found
}

/// The words of a text, with numbers that count something whole: a dictionary cuts 三百円 as it
/// likes, and 300円 otherwise.
fn cut(text: &str) -> Vec<&str> {
    let numeral = |c: char| {
        c.is_ascii_digit()
            || ('０'..='９').contains(&c)
            || "〇一二三四五六七八九十百千,，".contains(c)
    };
    let (mut found, mut start, mut at) = (Vec::new(), 0, 0);
    while let Some(c) = text[at..].chars().next() {
        let run: usize = text[at..].chars().take_while(|c| numeral(*c)).map(char::len_utf8).sum();
        let counts = run > 0 && text[at + run..].starts_with(|c| COUNTED.contains(c));
        if counts {
            found.extend(segments(&text[start..at]));
            found.push(&text[at..at + run]);
            start = at + run;
        }
        at += run.max(c.len_utf8());
    }
    found.extend(segments(&text[start..]));
    found
}

fn word(text: &str) -> Word<'_> {
    let folded = fold(text);
    let key = match parse_number(&folded.replace(',', "")) {
        _ if folded.trim().is_empty() => None,
        Some(number) => Some(number.to_string()),
        None => Some(folded),
    };
    Word { text, key }
}

/// Which words of each are in the longest common run of both.
fn common(left: &[String], right: &[String]) -> (Vec<bool>, Vec<bool>) {
    let (mut kept_left, mut kept_right) = (vec![false; left.len()], vec![false; right.len()]);
    let head = left.iter().zip(right).take_while(|(one, other)| one == other).count();
    let most = left.len().min(right.len()) - head;
    let tail =
        (0..most).take_while(|at| left[left.len() - 1 - at] == right[right.len() - 1 - at]).count();
    for at in (0..head).chain(left.len() - tail..left.len()) {
        kept_left[at] = true;
    }
    for at in (0..head).chain(right.len() - tail..right.len()) {
        kept_right[at] = true;
    }
    let (left, right) = (&left[head..left.len() - tail], &right[head..right.len() - tail]);
    let width = right.len() + 1;
    if (left.len() + 1) * width > CELLS_MAX {
        return (kept_left, kept_right);
    }
    // Longest common run of each pair of ends, from the back.
    let mut longest = vec![0u32; (left.len() + 1) * width];
    for at in (0..left.len()).rev() {
        for to in (0..right.len()).rev() {
            longest[at * width + to] = match left[at] == right[to] {
                true => longest[(at + 1) * width + to + 1] + 1,
                false => longest[(at + 1) * width + to].max(longest[at * width + to + 1]),
            };
        }
    }
    let (mut at, mut to) = (0, 0);
    while at < left.len() && to < right.len() {
        if left[at] == right[to] {
            (kept_left[head + at], kept_right[head + to]) = (true, true);
            (at, to) = (at + 1, to + 1);
        } else if longest[(at + 1) * width + to] >= longest[at * width + to + 1] {
            at += 1;
        } else {
            to += 1;
        }
    }
    (kept_left, kept_right)
}

/// Share of the characters that are kept; 1 for an empty text.
fn share(keys: &[String], kept: &[bool]) -> f32 {
    let count = |key: &String| key.chars().filter(|c| c.is_alphanumeric()).count();
    let whole: usize = keys.iter().map(count).sum();
    let part: usize =
        keys.iter().zip(kept).filter(|(_, kept)| **kept).map(|(key, _)| count(key)).sum();
    if whole == 0 { 1.0 } else { part as f32 / whole as f32 }
}

/// Marks single words that only glue between two changes, and the unit behind a changed number:
/// 10年 and 30年 differ, not 10 and 30.
fn glue(keys: &[String], kept: &mut [bool]) {
    let glues = |key: &str| {
        key.chars().all(|c| !c.is_alphanumeric()) && key != "。"
            || key.chars().count() <= 2 && key.chars().all(is_hiragana)
    };
    for at in 1..keys.len().saturating_sub(1) {
        if kept[at] && !kept[at - 1] && !kept[at + 1] && glues(&keys[at]) {
            kept[at] = false;
        }
    }
    let mut unit = [0; 4];
    for at in 1..keys.len() {
        let counted = !kept[at - 1] && keys[at - 1].bytes().all(|byte| byte.is_ascii_digit());
        let is_unit = COUNTED.chars().any(|c| keys[at] == *c.encode_utf8(&mut unit));
        if counted && is_unit {
            kept[at] = false;
        }
    }
}

fn stretches(words: &[Word<'_>], kept: &[bool]) -> Vec<Stretch> {
    let mut found: Vec<Stretch> = Vec::new();
    let mut kept = kept.iter();
    for word in words {
        let changed = word.key.is_some() && !kept.next().copied().unwrap_or(true);
        match found.last_mut() {
            Some(last) if last.changed == changed => last.text.push_str(word.text),
            _ => found.push(Stretch { changed, text: word.text.to_owned() }),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The text with its changes in braces.
    fn shown(stretches: &[Stretch]) -> String {
        let piece = |stretch: &Stretch| match stretch.changed {
            true => format!("{{{}}}", stretch.text),
            false => stretch.text.clone(),
        };
        stretches.iter().map(piece).collect()
    }

    #[test]
    fn what_differs_is_marked() {
        for (one, other, expected) in [
            (
                "保存期間は10年です。",
                "保存期間は30年です。",
                ["保存期間は{10年}です。", "保存期間は{30年}です。"],
            ),
            (
                "手数料は三百円です。[1]",
                "手数料は３００円です。[2]",
                ["手数料は三百円です。[1]", "手数料は３００円です。[2]"],
            ),
            ("", "手数料。", ["", "{手数料。}"]),
            ("", "", ["", ""]),
            (
                "申請書が必要です。",
                "申請書が必要です。印鑑も必要です。",
                ["申請書が必要です。", "申請書が必要です。{印鑑も必要です。}"],
            ),
        ] {
            let found = marked(one, other).map(|side| shown(&side));
            assert_eq!(found, expected.map(str::to_owned), "{one} {other}");
        }
    }

    #[test]
    fn texts_without_a_common_matter_are_marked_whole() {
        let [one, other] = marked("住民票の写しを交付する。", "保育園に入園できる");
        assert!(one.iter().chain(&other).all(|stretch| stretch.changed), "{one:?} {other:?}");
    }

    proptest! {
        #[test]
        fn no_character_is_lost(one in "[あ火水0-9\\[\\]、。 ]{0,40}", other in "[あ火水0-9\\[\\]、。 ]{0,40}") {
            let [left, right] = marked(&one, &other);
            let text = |side: &[Stretch]| side.iter().map(|s| s.text.as_str()).collect::<String>();
            prop_assert_eq!(text(&left), one.clone());
            prop_assert_eq!(text(&right), other);
            let [same, again] = marked(&one, &one);
            prop_assert!(same.iter().chain(&again).all(|stretch| !stretch.changed));
        }
    }
}
