//! What of a text is to be searched for: not whose matter it is.
//!
//! No document names the person who stands at the counter. A name, a telephone number and the word
//! that says what it is would only turn a search away from what is asked about them. An address may
//! stand in a document, and stays.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::context::pattern;
use super::{Kind, find};
use crate::text::{is_kanji, is_katakana};

/// A question that keeps less than this has nothing else to be searched for, in kanji and
/// katakana: 「090-1234-5678はどこの電話ですか」.
const CONTENT: usize = 3;

/// What stands before personal data and says what it is.
static LABEL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?x)(?:お|ご)?(?:電話番号|携帯電話|携帯番号|電話|携帯|連絡先|TEL|Tel|メールアドレス|メール|E-?mail
        |氏名|名前|生年月日|誕生日|マイナンバー|個人番号|口座番号|口座|運転免許証?(?:の?番号)?|免許証番号
        |基礎年金番号|年金番号|旅券番号|パスポート番号|在留カード番号)
        (?:は|が|の|:|：|\s)*$",
    )
});

/// What stands behind: an honorific, and the end of what was said.
static BEHIND: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:さん|さま|様|氏|くん|君|ちゃん|殿)?(?:の(?:人|方|者))?(?:です|になります|でした)?(?:の|が|は|、|。)?",
    )
});

/// The text without names, numbers and addresses of mail of persons, without their marks
/// (〔氏名1〕), and without the words that belong to them.
pub fn searchable(text: &str) -> String {
    let mut taken: Vec<Range<usize>> = find(text)
        .into_iter()
        .filter(|found| found.kind != Kind::Address)
        .map(|found| found.range)
        .chain(marks(text))
        .collect();
    taken.sort_by_key(|range| range.start);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for range in taken.into_iter().filter(|range| !range.is_empty()) {
        if range.start < at {
            at = at.max(range.end);
            continue;
        }
        out.push_str(&text[at..range.start]);
        if let Some(label) = LABEL.find(&out) {
            out.truncate(label.start());
        }
        out.push(' ');
        let behind = BEHIND.find(&text[range.end..]).map_or(0, |behind| behind.end());
        at = range.end + behind;
    }
    out.push_str(&text[at.min(text.len())..]);
    let content = out.chars().filter(|c| is_kanji(*c) || is_katakana(*c)).count();
    match content < CONTENT {
        true => text.to_owned(),
        false => out,
    }
}

/// Where marks stand, of the box and of its page.
fn marks(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(open) = text[from..].find('〔').map(|at| from + at) {
        let inside = open + '〔'.len_utf8();
        from = inside;
        let Some(close) = text[inside..].find('〕').map(|at| inside + at) else { break };
        if is_mark(&text[inside..close]) {
            from = close + '〕'.len_utf8();
            found.push(open..from);
        }
    }
    found
}

/// 「氏名1」, 「伏せた氏名1」
fn is_mark(inside: &str) -> bool {
    let label = inside.trim_end_matches(|c: char| c.is_ascii_digit());
    let own = label.strip_prefix("伏せた").unwrap_or(label);
    label.len() < inside.len() && Kind::ALL.iter().any(|kind| kind.label() == own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_matter_it_is_is_not_searched_for() {
        for (text, wanted) in [
            ("山田太郎さんの転入届の期限は", " 転入届の期限は"),
            ("〔氏名1〕さん（〔伏せた電話番号12〕）の転出届", " （ ）の転出届"),
            ("転入届はいつまでに。電話090-1234-5678", "転入届はいつまでに。 "),
            ("転入届の期限は。連絡先はtaro@example.jpです", "転入届の期限は。 "),
            ("マイナンバー〔伏せたマイナンバー1〕の人の転入届の期限は", " 転入届の期限は"),
            ("〔注〕と〔氏名〕と〔転出届", "〔注〕と〔氏名〕と〔転出届"),
            ("マイナンバーカードの有効期間", "マイナンバーカードの有効期間"),
        ] {
            assert_eq!(searchable(text), wanted, "{text}");
        }
    }

    #[test]
    fn what_asks_for_a_number_keeps_it() {
        let asked = "090-1234-5678は誰ですか";
        assert_eq!(searchable(asked), asked);
    }
}
