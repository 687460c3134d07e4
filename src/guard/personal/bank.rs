//! Bank accounts: the number by its label, its kind of account, or its branch; ゆうちょ by 記号 and
//! 番号.

use std::sync::LazyLock;

use regex::Regex;

use super::context::pattern;
use super::reading::Reading;
use super::{Hit, Kind};

static ACCOUNT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?x)(?:口座番号|口座No\.?|口座(?:は|が|:|\ )|普通(?:預金|口座)?|当座(?:預金)?|貯蓄(?:預金)?|総合口座
        |銀行|信用金庫|信金|信用組合|信組|農協|農業協同組合|漁協|労働金庫|労金|ＪＡ|JA)
        (?P<between>[^0-9\n。]{0,24}?(?:[0-9]{3}\)?[^0-9\n。]{1,12}?)?)
        (?P<number>[0-9]{7,8}|[0-9]{3}[-\ ][0-9]{4}|[0-9](?:[\ |-][0-9]){6,7}|[0-9]{6})",
    )
});
static POST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?x)(?:記号[^0-9\n。]{0,8}(?P<mark>[01][0-9]{4}(?:-[0-9])?)[^0-9\n。]{0,12}(?P<number>[0-9]{2,8})
        |(?P<both>[01][0-9]{3}0(?:-[0-9])?\ ?-\ ?[0-9]{2,7}1))",
    )
});

/// Finds them in a numeric reading.
pub(super) fn find(reading: &Reading, hits: &mut Vec<Hit>) {
    for found in ACCOUNT.captures_iter(&reading.text) {
        let (Some(number), Some(between)) = (found.name("number"), found.name("between")) else {
            continue;
        };
        let free =
            !reading.after(number.end(), 2).starts_with(|c: char| c.is_ascii_digit() || c == ',')
                && !counted(reading, number.end());
        let other = ["番号札", "受付", "伝票", "電話", "TEL", "契約", "登録", "管理"];
        if free && !other.iter().any(|word| between.as_str().contains(word)) {
            hits.push(Hit::new(Kind::BankAccount, number.range()));
        }
    }
    for found in POST.captures_iter(&reading.text) {
        let Some(whole) = found.get(0) else { continue };
        let range = match (found.name("mark"), found.name("number")) {
            (Some(mark), Some(number)) => mark.start()..number.end(),
            _ => whole.range(),
        };
        let labelled = found.name("both").is_none()
            || ["記号", "ゆうちょ", "郵便貯金", "通帳", "口座"]
                .iter()
                .any(|word| reading.before(range.start, 24).contains(word));
        let after = reading.after(range.end, 1);
        if labelled && !after.starts_with(|c: char| c.is_ascii_digit()) {
            hits.push(Hit::new(Kind::BankAccount, range));
        }
    }
}

/// An amount, a share or a count: no account.
fn counted(reading: &Reading, at: usize) -> bool {
    let after = reading.after(at, 3).trim_start();
    ["円", "千円", "万", "人", "件", "%", "冊", "個", "年", "株", "世帯", "口"]
        .iter()
        .any(|unit| after.starts_with(unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::personal::find_kinds;

    #[test]
    fn accounts_and_what_looks_like_them() {
        for text in [
            "口座番号：1234567",
            "みずうみ銀行 本町支店 普通 1234567",
            "普通預金　１２３４５６７",
            "青空銀行本店（店番001）普通 7654321",
            "ゆうちょ銀行 記号12340 番号12345671",
            "記号番号：12340-12345671（ゆうちょ）",
        ] {
            let kinds = find_kinds(text);
            assert_eq!(kinds, [Kind::BankAccount], "{text}");
        }
        for text in [
            "普通交付税は1234567千円である",
            "銀行コードは0001、支店コードは123",
            "口座振替の申込みは12345件",
            "普通税 1,234,567円",
            "口座番号は7桁で書く",
        ] {
            assert_eq!(find_kinds(text), [], "{text}");
        }
    }
}
