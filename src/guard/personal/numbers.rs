//! Numbers that stand for one person: マイナンバー, driving licence, basic pension, passport,
//! residence card.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::context::{Class, label, label_behind, pattern, stands_alone};
use super::reading::Reading;
use super::{Hit, Kind};

/// Characters that may lie between a label and its number.
const NEAR: usize = 12;

static TWELVE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?x)[0-9]{4}(?:\ ?[-.・]\ ?|\ {1,2})[0-9]{4}(?:\ ?[-.・]\ ?|\ {1,2})[0-9]{4}|[0-9]{12}
        |[0-9]{3}(?:[-\ ][0-9]{3}){3}|[0-9](?:[\ |/-][0-9]){11}",
    )
});
static TEN: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"[0-9]{4}(?: ?- ?| )?[0-9]{6}(?:[- ][0-9]{4})?"));
static PASSPORT: LazyLock<Regex> = LazyLock::new(|| pattern(r"[A-Z]{2}[ -]?[0-9]{7}"));
static RESIDENCE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"[A-Z]{2}[ -]?[0-9]{8}[ -]?[A-Z]{2}"));

/// Finds them in a numeric reading.
pub(super) fn find(reading: &Reading, hits: &mut Vec<Hit>) {
    for found in TWELVE.find_iter(&reading.text) {
        let kind = twelve(reading, &found.range());
        hits.extend(kind.map(|kind| Hit::new(kind, found.range())));
    }
    for found in TEN.find_iter(&reading.text) {
        let near = label(reading, found.start()).is_some_and(|label| {
            label.class == Class::Pension && (label.direct || label.far <= NEAR)
        });
        let behind = || label_behind(reading, found.end()) == Some(Class::Pension);
        if stands_alone(reading, &found.range()) && (near || behind()) {
            hits.push(Hit::new(Kind::Pension, found.range()));
        }
    }
    for found in RESIDENCE.find_iter(&reading.text) {
        if stands_alone(reading, &found.range()) {
            hits.push(Hit::new(Kind::ResidenceCard, found.range()));
        }
    }
    for found in PASSPORT.find_iter(&reading.text) {
        let labelled = label(reading, found.start())
            .is_some_and(|label| label.class == Class::Passport)
            || label_behind(reading, found.end()) == Some(Class::Passport);
        if stands_alone(reading, &found.range()) && labelled {
            hits.push(Hit::new(Kind::Passport, found.range()));
        }
    }
}

/// What twelve digits are, if they are a person's.
///
/// A label decides first. A number right behind 「個人番号」 counts although its check digit is
/// wrong: mistyped by one digit, it still gives away the other eleven. Without a label only the
/// check digit speaks, so it has to be right, and the number no time, amount or code.
fn twelve(reading: &Reading, range: &Range<usize>) -> Option<Kind> {
    let written = &reading.text[range.clone()];
    let digits: Vec<u32> = written.chars().filter_map(|c| c.to_digit(10)).collect();
    if digits.len() != 12 || !stands_alone(reading, range) {
        return None;
    }
    if written.contains(' ') && follows_blank(reading, range) {
        return None;
    }
    let near = label(reading, range.start);
    let behind = label_behind(reading, range.end);
    match near.filter(|label| label.direct || label.far <= NEAR) {
        Some(label) => match label.class {
            Class::MyNumber => (is_my_number(&digits) || label.direct).then_some(Kind::MyNumber),
            Class::Licence => (is_licence(&digits) || label.direct).then_some(Kind::DrivingLicence),
            _ if label.direct => None,
            _ => bare(reading, range, &digits, behind),
        },
        None => bare(reading, range, &digits, behind),
    }
}

/// Four digits more behind a blank: it is a number of sixteen.
fn follows_blank(reading: &Reading, range: &Range<usize>) -> bool {
    let after = reading.after(range.end, 6);
    let more = after.strip_prefix(' ').unwrap_or("");
    more.chars().take_while(char::is_ascii_digit).count() == 4
}

fn bare(
    reading: &Reading,
    range: &Range<usize>,
    digits: &[u32],
    behind: Option<Class>,
) -> Option<Kind> {
    match behind {
        Some(Class::MyNumber) => return Some(Kind::MyNumber),
        Some(Class::Licence) => return Some(Kind::DrivingLicence),
        Some(_) => return None,
        None => {}
    }
    let after = reading.after(range.end, 3).trim_start();
    let unit = ["円", "千円", "件", "人", "個", "冊", "%", "バイト", "号", "株", "kg", "番"];
    let counted = unit.iter().any(|unit| after.starts_with(unit));
    let amount = reading.before(range.start, 2).contains(['¥', '\\', '$', '#', '第']);
    let plain = !counted && !amount && !is_time(digits);
    (plain && is_my_number(digits)).then_some(Kind::MyNumber)
}

/// 検査用数字 of a マイナンバー: the rest of the weighted sum by 11, from 11, where 10 and 11 are 0.
fn is_my_number(digits: &[u32]) -> bool {
    let weights = [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2];
    let different = digits.iter().any(|digit| *digit != digits[0]);
    different && checks(&digits[..11], &weights, digits[11])
}

/// A licence: its first two digits are a public safety commission, the eleventh checks the ten
/// before it, the last counts re-issues.
fn is_licence(digits: &[u32]) -> bool {
    let weights = [5, 4, 3, 2, 7, 6, 5, 4, 3, 2];
    (1..=9).contains(&digits[0]) && checks(&digits[..10], &weights, digits[10])
}

fn checks(digits: &[u32], weights: &[u32], check: u32) -> bool {
    let sum: u32 = digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum();
    let expected = match sum % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    };
    expected == check
}

/// 202604011530 and the like.
fn is_time(digits: &[u32]) -> bool {
    let pair = |at: usize| digits[at] * 10 + digits[at + 1];
    matches!(pair(0), 19 | 20)
        && (1..=12).contains(&pair(4))
        && (1..=31).contains(&pair(6))
        && pair(8) < 24
        && pair(10) < 60
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::personal::find_kinds;

    #[test]
    fn numbers_need_their_label_or_their_check_digit() {
        for (text, kinds) in [
            ("個人番号：123456789018", vec![Kind::MyNumber]),
            ("１２３４　５６７８　９０１８", vec![Kind::MyNumber]),
            ("マイナンバー 1 2 3 4 5 6 7 8 9 0 1 8", vec![Kind::MyNumber]),
            ("一二三四五六七八九〇一八（個人番号）", vec![Kind::MyNumber]),
            ("個人番号は123456789012です", vec![Kind::MyNumber]),
            ("123456789012", vec![]),
            ("法人番号：1234567890185", vec![]),
            ("法人番号：123456789018", vec![]),
            ("受付番号 123456789018", vec![]),
            ("123456789018円", vec![]),
            ("202604011530に更新", vec![]),
            ("運転免許証番号：305212345670", vec![Kind::DrivingLicence]),
            ("基礎年金番号 1234-567890", vec![Kind::Pension]),
            ("1234-567890", vec![]),
            ("パスポート（TK1234567）", vec![Kind::Passport]),
            ("型番TK1234567", vec![]),
            ("在留カード AB12345678CD", vec![Kind::ResidenceCard]),
        ] {
            assert_eq!(find_kinds(text), kinds, "{text}");
        }
    }
}
