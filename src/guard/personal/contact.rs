//! Telephone numbers and e-mail addresses.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::context::{Class, label, of_an_office, pattern, stands_alone};
use super::reading::Reading;
use super::{Hit, Kind};

/// Anything that is grouped as a number to call; `number` then counts its digits.
static CALL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?x)\+?\(?\+?[0-9]{1,5}\)?(?:\ ?[-.()の・/]\ ?|\ )?\(?[0-9]{1,5}\)?(?:\ ?[-.()の・/]\ ?|\ )?
        [0-9]{2,5}(?:(?:\ ?[-.]\ ?|\ )[0-9]{3,4})?",
    )
});
static EMAIL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?x)[A-Za-z0-9][A-Za-z0-9._%+/=!?$'-]*
        (?:@|\ ?[(\[{<]\ ?(?:at|AT|アット|アットマーク|@)\ ?[)\]}>]\ ?|(?:\ at\ |アットマーク|★|☆))
        [A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+",
    )
});

/// Local parts that stand for an office and nobody in it.
const ROLES: &[&str] = &[
    "info",
    "contact",
    "support",
    "webmaster",
    "postmaster",
    "admin",
    "office",
    "koho",
    "kouhou",
    "soumu",
    "kikaku",
    "shimin",
    "jumin",
    "juumin",
    "zeimu",
    "kaigo",
    "fukushi",
    "kosodate",
    "hisho",
    "somu",
    "kanzai",
    "doboku",
    "bousai",
    "kyoiku",
    "gikai",
    "madoguchi",
    "soudan",
    "noreply",
    "no-reply",
    "help",
    "helpdesk",
    "recruit",
    "saiyo",
    "jinji",
    "hoken",
    "nenkin",
];

/// Finds them in a numeric reading.
pub(super) fn find(reading: &Reading, hits: &mut Vec<Hit>) {
    for found in EMAIL.find_iter(&reading.text) {
        if !of_a_role(found.as_str()) {
            hits.push(Hit::new(Kind::Email, found.range()));
        }
    }
    let mut at = 0;
    while let Some(found) = CALL.find_at(&reading.text, at) {
        let range = trimmed(reading, found.range());
        let is_call = number(reading, &range);
        if is_call {
            hits.push(Hit::new(Kind::Phone, range.clone()));
        }
        // What only looked like one may begin one a little later.
        at = if is_call { range.end } else { next_digit(&reading.text, found.start()) };
    }
}

/// The start of the next group of digits.
fn next_digit(text: &str, from: usize) -> usize {
    let rest = &text[from..];
    let group = rest.trim_start_matches(|c: char| !c.is_ascii_digit());
    let after = group.trim_start_matches(|c: char| c.is_ascii_digit());
    text.len() - after.len()
}

/// Without a bracket that belongs to the sentence: `（03-1234-5678` of `（03-1234-5678）`.
fn trimmed(reading: &Reading, mut range: Range<usize>) -> Range<usize> {
    let opens = |text: &str| text.matches('(').count() as i32 - text.matches(')').count() as i32;
    if reading.text[range.clone()].starts_with('(') && opens(&reading.text[range.clone()]) > 0 {
        range.start += 1;
    }
    range
}

fn of_a_role(address: &str) -> bool {
    let local = address.split(['@', '(', '[', ' ']).next().unwrap_or("").to_ascii_lowercase();
    let base = local.trim_end_matches("-ka").trim_end_matches("-kakari");
    local.ends_with("-ka") || local.ends_with("_ka") || ROLES.contains(&base)
}

/// Whether a group of digits is a number to call, and somebody's own.
fn number(reading: &Reading, range: &Range<usize>) -> bool {
    let written = &reading.text[range.clone()];
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    let grouped = written.contains(['-', '(', ')', '.', ' ', 'の', '・', '/']);
    if !stands_alone_here(reading, range) {
        return false;
    }
    let label = label(reading, range.start);
    let near = label.filter(|label| label.direct || label.far <= 6);
    let labelled = near.is_some_and(|label| label.class == Class::Phone);
    if near.is_some_and(|label| label.direct && label.class != Class::Phone) {
        return false;
    }
    let groups = written.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty());
    let groups: Vec<usize> = groups.map(str::len).collect();
    let mobile = is_mobile(&digits);
    let called = match written.contains('+') {
        true => abroad(&digits),
        false => {
            mobile && (groups.len() == 1 || fits(&groups))
                || is_free(&digits) && (grouped && fits_free(&groups) || labelled)
                || is_fixed(&digits) && (grouped && fits(&groups) || labelled)
                || labelled && is_local(&digits, &groups)
        }
    };
    called && (mobile || !of_an_office(reading, range))
}

/// As [`stands_alone`], but a bracket that belongs to the number may be beside it.
fn stands_alone_here(reading: &Reading, range: &Range<usize>) -> bool {
    let named = ["TEL", "Tel", "tel", "FAX", "Fax", "fax"];
    let touches = named.iter().any(|name| reading.before(range.start, 3).ends_with(name));
    let alone = match touches {
        true => !reading.after(range.end, 1).starts_with(|c: char| c.is_ascii_alphanumeric()),
        false => stands_alone(reading, range),
    };
    alone
        && !reading.before(range.start, 1).contains(['+', '第', '¥', '\\', '$'])
        && !["円", "%", "人", "条", "号", "件", "年", "月"]
            .iter()
            .any(|unit| reading.after(range.end, 1).starts_with(unit))
}

/// 090, 080, 070, and 050 of the internet.
fn is_mobile(digits: &str) -> bool {
    let head =
        ["090", "080", "070", "060", "050", "020"].iter().any(|head| digits.starts_with(head));
    digits.len() == 11 && head
}

/// 0120, 0800, 0570, 0990.
fn is_free(digits: &str) -> bool {
    let ten = ["0120", "0570", "0990", "0180"].iter().any(|head| digits.starts_with(head));
    digits.len() == 10 && ten || digits.len() == 11 && digits.starts_with("0800")
}

/// Area code, exchange and number: ten digits.
fn is_fixed(digits: &str) -> bool {
    let mut digits_iter = digits.bytes();
    digits.len() == 10
        && digits_iter.next() == Some(b'0')
        && digits_iter.next().is_some_and(|second| (b'1'..=b'9').contains(&second))
}

/// Without its area code, as people of one town write it.
fn is_local(digits: &str, groups: &[usize]) -> bool {
    !digits.starts_with('0') && groups.len() == 2 && (2..=4).contains(&groups[0]) && groups[1] == 4
}

/// +81 and the number without its 0.
fn abroad(digits: &str) -> bool {
    let Some(rest) = digits.strip_prefix("81") else {
        return (8..=15).contains(&digits.len()) && !digits.starts_with('0');
    };
    let rest = rest.strip_prefix('0').unwrap_or(rest);
    (9..=10).contains(&rest.len())
}

/// Groups as area code, exchange and number have them.
fn fits(groups: &[usize]) -> bool {
    match groups {
        [all] => *all >= 10,
        [area, rest] => (2..=5).contains(area) && (*rest == 8 || *rest == 6 || *rest == 7),
        [area, exchange, number] => {
            (2..=5).contains(area) && (1..=4).contains(exchange) && *number == 4
        }
        _ => false,
    }
}

fn fits_free(groups: &[usize]) -> bool {
    matches!(groups, [4, 3, 3] | [4, 2, 4] | [4, 6] | [4, 3, 4] | [10] | [11] | [4, 7])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::personal::find_kinds;

    #[test]
    fn numbers_to_call_and_what_looks_like_them() {
        for text in [
            "090-1234-5678",
            "０９０−１２３４−５６７８に電話した",
            "携帯は09012345678です",
            "（03）1234-5678",
            "03(1234)5678",
            "自宅 0422-12-3456",
            "050-1234-5678",
            "0120-123-456にかけた",
            "+81 90-1234-5678",
            "+81-3-1234-5678",
            "〇三－一二三四－五六七八",
            "電話番号：0312345678",
            "電話 23-4567",
            "090 1234 5678",
        ] {
            assert_eq!(find_kinds(text), [Kind::Phone], "{text}");
        }
        for text in [
            "市民課（電話 03-1234-5678）",
            "お問い合わせ：福祉課 0422-12-3456",
            "受付番号 01-2345-6789",
            "2026-04-01",
            "第12-3号",
            "1,234,567円",
            "令和8年度 100-200-300",
            "10:30-11:45",
            "電話は3回した",
        ] {
            assert_eq!(find_kinds(text), [], "{text}");
        }
    }

    #[test]
    fn addresses_of_persons() {
        for text in [
            "yamada.taro@example.jp",
            "ｔａｒｏ＠ｅｘａｍｐｌｅ．ｃｏ．ｊｐ",
            "taro[at]example.com",
        ] {
            assert_eq!(find_kinds(&format!("連絡は{text}まで")), [Kind::Email], "{text}");
        }
        for text in ["info@town.example.jp", "shimin-ka@city.example.lg.jp", "@kura", "a@b"] {
            assert_eq!(find_kinds(text), [], "{text}");
        }
    }
}
