//! Reads one step of a provision's address (「第十条の二」, 「2項」, 「第３号」) from normalized text.

use crate::text::{is_kanji, leading_number};

/// One step of an address: its unit and canonical key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// One of 条項号章節款編.
    pub(super) unit: char,
    /// Arabic numerals, branches joined by `-`.
    pub(super) key: String,
    /// Bytes read.
    pub(super) len: usize,
}

/// Which spellings count as a step.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// In running text: `第` is needed before kanji numerals (三条市 and 二条城 are no articles).
    Running,
    /// Right behind a law's name or another step: everything counts.
    Address,
}

const UNITS: [char; 7] = ['条', '項', '号', '章', '節', '款', '編'];

/// Characters behind a number that make it a count, not a branch: 第三条の二分の一, 第三条の一部.
const COUNTED: &str = "部般種分つ者人件回年月日円以名箇個割倍時定歳通方";

/// The step at the start of `text` (normalized), if there is one.
pub(super) fn step_at(text: &str, spelling: Spelling) -> Option<Step> {
    let marked = text.starts_with('第');
    let mut at = if marked { '第'.len_utf8() } else { 0 };
    let bare_kanji = !marked && !text.starts_with(|c: char| c.is_ascii_digit());
    if bare_kanji && spelling == Spelling::Running {
        return None;
    }
    let (number, len) = leading_number(&text[at..])?;
    at += len;
    let mut key = number.to_string();
    // 「第10の2条」 is written too; 「第10条の2」 is the rule.
    at += branches(&text[at..], &mut key, true);
    let unit = text[at..].chars().next().filter(|c| UNITS.contains(c))?;
    if !marked && spelling == Spelling::Running && !matches!(unit, '条' | '項' | '号') {
        return None;
    }
    at += unit.len_utf8();
    at += branches(&text[at..], &mut key, false);
    Some(Step { unit, key, len: at })
}

/// Reads `のN` as often as it comes, appends the numbers to the key, returns the bytes read.
fn branches(text: &str, key: &mut String, inner: bool) -> usize {
    let mut at = 0;
    while let Some(rest) = text[at..].strip_prefix(['の', 'ノ', '-']) {
        let sign = text[at..].len() - rest.len();
        let Some((number, len)) = leading_number(rest) else { break };
        let next = rest[len..].chars().next();
        let is_count = next.is_some_and(|c| COUNTED.contains(c));
        if is_count || (inner && !next.is_some_and(|c| c == '条' || c == 'の')) {
            break;
        }
        key.push('-');
        key.push_str(&number.to_string());
        at += sign + len;
    }
    at
}

/// True when `c` may be part of the same written word as the law name that follows it.
pub(super) fn joins_word(c: char) -> bool {
    (is_kanji(c) && !"及又並若同".contains(c)) || crate::text::is_katakana(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_in_every_spelling() {
        for (text, expected) in [
            ("第十条の二第一項", Some(('条', "10-2", 15))),
            ("第10条の2", Some(('条', "10-2", 12))),
            ("第237条の2の3及び", Some(('条', "237-2-3", 17))),
            ("10条", Some(('条', "10", 5))),
            ("第10の2条", Some(('条', "10-2", 12))),
            ("第三条の一部", Some(('条', "3", 9))),
            ("第三条の二分の一", Some(('条', "3", 9))),
            ("2項", Some(('項', "2", 4))),
            ("三条市", None),
            ("3章", None),
            ("第三章", Some(('章', "3", 9))),
            ("第三者", None),
            ("", None),
        ] {
            let found = step_at(text, Spelling::Running);
            let found = found.as_ref().map(|step| (step.unit, step.key.as_str(), step.len));
            assert_eq!(found, expected, "{text}");
        }
        assert_eq!(step_at("三条", Spelling::Address).map(|step| step.key).as_deref(), Some("3"));
    }
}
