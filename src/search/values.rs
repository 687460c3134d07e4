//! The kinds of values that questions ask for, and whether a text holds one: an amount where it
//! says いくら, a number of days where it says 何日, an address where it ends with 住所.

use std::ops::Range;

use crate::text::{is_kanji, is_katakana, parse_number};

/// Units of what いつ asks for.
const WHEN: [&str; 6] = ["日", "月", "年", "週", "時", "曜"];

/// Kanji behind 何 that ask for no number: 何課, 何色, and 何種類, which a list answers.
const NO_UNITS: &str = "課色種事物者方語故";

/// Era names, behind which a number is no count of years.
const ERAS: [&str; 4] = ["令和", "平成", "昭和", "大正"];

/// What may follow the noun at the end of a question: 「…の住所を教えて」.
const CLOSINGS: [&str; 8] =
    ["を教えてください", "を教えて下さい", "を教えて", "を知りたい", "について", "は", "って", "?"];

/// Nouns at the end of a question that name a kind of value; longer ones first.
const NOUNS: [(&str, Noun); 26] = [
    ("電話番号", Noun::Phone),
    ("住所", Noun::Address),
    ("所在地", Noun::Address),
    ("場所", Noun::Address),
    ("値段", Noun::Money),
    ("料金", Noun::Money),
    ("金額", Noun::Money),
    ("費用", Noun::Money),
    ("手数料", Noun::Money),
    ("使用料", Noun::Money),
    ("限度額", Noun::Money),
    ("上限", Noun::Money),
    ("額", Noun::Money),
    ("料", Noun::Money),
    ("期限", Noun::Time),
    ("年限", Noun::Time),
    ("期間", Noun::Time),
    ("時期", Noun::Time),
    ("時間", Noun::Time),
    ("時間帯", Noun::Time),
    ("曜日", Noun::Time),
    ("開始日", Noun::Time),
    ("施行日", Noun::Time),
    ("適用日", Noun::Time),
    ("定員", Noun::Number),
    ("数", Noun::Number),
];

#[derive(Clone, Copy, Debug)]
enum Noun {
    Money,
    Time,
    Number,
    Address,
    Phone,
}

/// A kind of value that a question asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// A number before this unit.
    Count(String),
    /// Any number.
    Number,
    /// An amount of money, or that there is none to pay.
    Money,
    /// A day, a month, a period.
    Time,
    /// Where something lies: 2-14.
    Address,
    /// A telephone number, or an extension.
    Phone,
}

/// The values that a folded question asks for.
pub(super) fn wanted(folded: &str) -> Vec<Value> {
    let mut found = Vec::new();
    if folded.contains("いくら") || folded.contains("何円") {
        found.push(Value::Money);
    }
    if folded.contains("いつ") {
        found.push(Value::Time);
    }
    for (at, asks) in folded.match_indices('何') {
        let counted = folded[at + asks.len()..].trim_start_matches(['か', 'ヶ', '箇']);
        let kana = counted.find(|c: char| !is_katakana(c)).unwrap_or(counted.len());
        let first = counted.chars().next();
        if kana > 0 {
            found.push(Value::Count(counted[..kana].to_owned()));
        } else if let Some(c) = first.filter(|c| (is_kanji(*c) || *c == '%') && !is_no_unit(*c)) {
            found.push(Value::Count(c.to_string()));
        }
    }
    let noun = last_noun(folded).filter(|_| found.is_empty());
    found.extend(noun.map(|(_, noun)| match noun {
        Noun::Money => Value::Money,
        Noun::Time => Value::Time,
        Noun::Number => Value::Number,
        Noun::Address => Value::Address,
        Noun::Phone => Value::Phone,
    }));
    found
}

/// The bytes of the noun at the end of a folded question that names a kind of value.
pub(super) fn named(folded: &str) -> Option<Range<usize>> {
    last_noun(folded).map(|(range, _)| range)
}

fn last_noun(folded: &str) -> Option<(Range<usize>, Noun)> {
    let mut text = folded.trim_end_matches(['。', '?', ' ', '\n']);
    for closing in CLOSINGS {
        text = text.strip_suffix(closing).unwrap_or(text);
    }
    let found = NOUNS.iter().filter(|(noun, _)| text.ends_with(noun));
    let (noun, kind) = found.max_by_key(|(noun, _)| noun.len())?;
    // A question that is nothing but the noun asks about it, and for no value.
    (text.len() > noun.len()).then(|| (text.len() - noun.len()..text.len(), *kind))
}

impl Value {
    /// Whether a folded text holds such a value.
    pub(super) fn stands_in(&self, folded: &str) -> bool {
        match self {
            Self::Count(unit) => match unit.as_str() {
                "曜" | "週" => counted(folded, unit) || folded.contains('曜'),
                "円" => Self::Money.stands_in(folded),
                "パーセント" | "%" => {
                    ["%", "パーセント", "割"].iter().any(|u| counted(folded, u))
                }
                unit => counted(folded, unit) || headed(folded, unit),
            },
            Self::Number => folded.chars().any(is_numeral),
            Self::Time => WHEN.iter().any(|unit| counted(folded, unit)) || folded.contains("曜日"),
            // In a table the unit stands in the header: 手数料(円): 300.
            Self::Money => {
                (folded.contains('円') && folded.chars().any(is_numeral)) || folded.contains("無料")
            }
            Self::Address => {
                let joined = |at: usize| {
                    let (before, after) = (&folded[..at], &folded[at + 1..]);
                    before.ends_with(|c: char| c.is_ascii_digit())
                        && after.starts_with(|c: char| c.is_ascii_digit())
                };
                folded.match_indices('-').any(|(at, _)| joined(at)) || folded.contains("番地")
            }
            Self::Phone => {
                let mut digits = folded.split(|c: char| !(c.is_ascii_digit() || c == '-'));
                let told = folded.contains("電話") || folded.contains("内線");
                told && digits.any(|run| run.chars().filter(char::is_ascii_digit).count() >= 4)
            }
        }
    }
}

/// A number stands before the unit, with か or 箇 between them at most, and is no part of a date.
fn counted(folded: &str, unit: &str) -> bool {
    folded.match_indices(unit).any(|(at, _)| {
        let before = folded[..at].trim_end_matches(['か', 'ヶ', '箇']);
        let head = before.trim_end_matches(is_numeral);
        head.len() < before.len() && !(unit == "年" && ERAS.iter().any(|era| head.ends_with(era)))
    })
}

/// The unit stands in the header of a table that holds numbers: 収容人数(人): 620.
fn headed(folded: &str, unit: &str) -> bool {
    folded.contains(&format!("({unit})")) && folded.chars().any(is_numeral)
}

fn is_no_unit(c: char) -> bool {
    NO_UNITS.contains(c)
}

fn is_numeral(c: char) -> bool {
    let mut buffer = [0; 4];
    parse_number(c.encode_utf8(&mut buffer)).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::fold;

    #[test]
    fn what_is_asked_for_is_seen() {
        for (question, text, expected) in [
            ("手数料はいくらですか", "手数料は、1通につき300円とする。", true),
            ("手数料はいくらですか", "窓口の手数料（円）: 750", true),
            ("手数料はいくらですか", "再設定の手数料は無料とする。", true),
            ("手数料はいくらですか", "手数料を徴収する。", false),
            ("何日以内に出しますか", "転入をした日から十四日以内に", true),
            ("何日以内に出しますか", "転入をした日に", false),
            ("何か月前から予約できますか", "3か月前の月の初日から", true),
            ("支払日はいつですか", "偶数月の10日とする。", true),
            ("収集日はいつですか", "びん・缶: 第1・第3月曜日", true),
            ("海抜は何メートルですか", "第3会議室の定員は20人", false),
            ("有効期間は何年ですか", "令和8年4月1日改訂", false),
            ("何人まで入れますか", "収容人数(人): 620", true),
            ("公民館の住所を教えて", "所在地: 蔵崎市山手2-14", true),
            ("市民課の電話番号", "受付の窓口は3番", false),
            ("カード再発行の手数料", "カード800円", true),
            ("何を持って行きますか", "印鑑を1本持参する。", false),
        ] {
            let wanted = wanted(&fold(question));
            let found = wanted.iter().any(|value| value.stands_in(&fold(text)));
            assert_eq!(found, expected, "{question} {text} {wanted:?}");
        }
    }
}
