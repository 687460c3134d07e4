//! What stands beside a number: the label that says what it is, and whose it is.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::reading::Reading;
use crate::text::is_hiragana;

/// A pattern of ours. A test compiles them all, so this does not fail in use.
pub(super) fn pattern(source: &str) -> Regex {
    Regex::new(source).expect("a pattern of our own compiles")
}

/// Characters before a number in which its label is looked for.
const REACH: usize = 40;

/// What a label says that a number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    MyNumber,
    Licence,
    Pension,
    Passport,
    Phone,
    Account,
    /// A number of something that is no person.
    Other,
}

/// The label that stands nearest before a number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Label {
    pub(super) class: Class,
    /// Nothing but marks lies between it and the number.
    pub(super) direct: bool,
    /// Characters between the two.
    pub(super) far: usize,
}

static LABEL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?x)[\p{Han}ァ-ヶーA-Za-z・]{0,12}(?:番号|ナンバー|コード|ID|No\.?)
        |マイナンバー|運転免許証?|年金手帳|旅券|パスポート|口座
        |電話|携帯|連絡先|TEL|Tel|tel|FAX|Fax|ファクシミリ|ファックス|ファクス|☎
        |ISBN|JAN|型番|伝票|案件",
    )
});

static MARKS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^(?:[\s:;=|/,、「『(\[【<)\]】>」』.\-]|は|が|の|も|No|[0-9]{1,2}桁)*$")
});

/// The nearest label before a place, in the same sentence.
pub(super) fn label(reading: &Reading, at: usize) -> Option<Label> {
    let before = reading.before(at, REACH);
    let sentence = before.rsplit('。').next().unwrap_or(before);
    let found = LABEL.find_iter(sentence).last()?;
    let gap = &sentence[found.end()..];
    let mut class = class(found.as_str());
    if matches!(found.as_str(), "番号" | "No" | "No." | "ナンバー" | "カード番号") {
        let head = &before[..before.len() - sentence.len() + found.start()];
        // 「お問い合わせ番号」 is a word of its own; 「免許証の番号」 and 「マイナンバーカードを失くした。
        // 番号は」 are of what was named before.
        class = match head.chars().next_back() {
            Some(c) if is_hiragana(c) && c != 'の' => Class::Other,
            _ => LABEL.find_iter(head).last().map(|named| self::class(named.as_str()))?,
        };
    }
    Some(Label { class, direct: MARKS.is_match(gap), far: gap.chars().count() })
}

/// What a label right behind a number says of it: `…（個人番号）`, `…が私のマイナンバーです`.
pub(super) fn label_behind(reading: &Reading, at: usize) -> Option<Class> {
    let after = reading.after(at, 12);
    let clause = after.split(['。', '\n', '、']).next().unwrap_or(after);
    LABEL.find(clause).map(|found| class(found.as_str()))
}

fn class(label: &str) -> Class {
    let has = |words: &[&str]| words.iter().any(|word| label.contains(word));
    if has(&["法人番号", "法人等番号", "カード番号"]) {
        Class::Other
    } else if has(&["マイナンバー", "個人番号"]) {
        Class::MyNumber
    } else if has(&["免許"]) && !has(&["教員", "医師", "看護", "宅建", "免許状", "狩猟", "調理"])
    {
        Class::Licence
    } else if has(&["年金"]) {
        Class::Pension
    } else if has(&["旅券", "パスポート"]) {
        Class::Passport
    } else if has(&["口座"]) {
        Class::Account
    } else if has(&["電話", "携帯", "連絡", "TEL", "Tel", "tel", "FAX", "Fax", "ファ", "☎"])
    {
        Class::Phone
    } else {
        Class::Other
    }
}

/// Stands for an office of whatever kind: its number and address are public.
static OFFICE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?x)(?:市|区|町|村|都|道|府|県)(?:役所|役場|庁)|庁舎|役場|支所|出張所|窓口|保健所|事務所|保育所|診療所|研究所|相談所
        |[\p{Han}ァ-ヶー・]{1,10}(?:課|係|局|署)(?:[\p{Han}ァ-ヶー]{1,8}(?:係|担当))?|[\p{Han}]{2,4}省
        |(?:総務|企画|財政|税務|市民|町民|福祉|健康|環境|建設|都市|教育|産業|経済|農林|土木|水道|管理)部
        |センター|ダイヤル|代表|問(?:い)?合(?:わ)?せ|消防|警察|ホットライン|学校|高校|病院|医院|相談室|企画室|対策室
        |公民館|図書館|会館|体育館|博物館|美術館|保育園|幼稚園|こども園|担当|商店|株式会社|有限会社",
    )
});

/// Words that end as offices do.
const NO_OFFICE: &[&str] = &["関係", "結局", "省略"];

/// Says that what follows is a person's own.
static OWN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"さん|様|さま|氏(?:[^名]|$)|自宅|本人|申請者|届出人|届出者|世帯主|代理人|緊急|携帯|保護者|氏名|住民|相談者|実家|私の|当方|住所|請求者|利用者",
    )
});

/// Whether a number or an address belongs to an office: the nearest word before it that names
/// somebody names one.
pub(super) fn of_an_office(reading: &Reading, range: &Range<usize>) -> bool {
    let before = reading.before(range.start, 30);
    let line = before.rsplit('\n').next().unwrap_or(before);
    let office = OFFICE
        .find_iter(line)
        .filter(|found| !NO_OFFICE.iter().any(|word| found.as_str().ends_with(word)));
    let office = office.last().map(|found| found.end());
    let own = OWN.find_iter(line).last().map(|found| found.end());
    match (office, own) {
        (Some(office), Some(own)) => office > own,
        (Some(_), None) => true,
        _ => false,
    }
}

/// Whether an office is named on the line behind a place, further on: behind an address.
pub(super) fn office_on_line(reading: &Reading, at: usize) -> bool {
    let after = reading.after(at, 60);
    let line = after.split('\n').next().unwrap_or(after);
    OFFICE.is_match(line) && !OWN.is_match(line)
}

/// Whether the first words behind a place name an office: 「…1-1 市役所本庁舎」.
pub(super) fn office_follows(reading: &Reading, at: usize) -> bool {
    let after = reading.after(at, 14);
    let line = after.split(['\n', '。', '、', '電']).next().unwrap_or(after);
    OFFICE.find(line).is_some_and(|found| found.start() <= 24)
}

/// True where no digit or letter touches the range, with or without a mark between.
pub(super) fn stands_alone(reading: &Reading, range: &Range<usize>) -> bool {
    let mut before = reading.text[..range.start].chars().rev();
    let mut after = reading.text[range.end..].chars();
    let (b1, b2) = (before.next().unwrap_or(' '), before.next().unwrap_or(' '));
    let (a1, a2) = (after.next().unwrap_or(' '), after.next().unwrap_or(' '));
    let joins = |mark: char| matches!(mark, '-' | '.' | ',' | '/' | '_');
    let touches = |near: char, far: char| {
        near.is_ascii_alphanumeric() || joins(near) && far.is_ascii_alphanumeric()
    };
    let named = ["No.", "No", "no.", "TEL.", "Tel.", "tel.", "FAX.", "Fax."];
    let label = named.iter().any(|name| reading.before(range.start, 4).ends_with(name));
    (label || !touches(b1, b2)) && !touches(a1, a2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_compile_and_labels_are_told_apart() {
        for regex in [&LABEL, &MARKS, &OFFICE, &OWN] {
            assert!(!regex.as_str().is_empty());
        }
        for (text, expected, direct) in [
            ("申請者の個人番号：", Class::MyNumber, true),
            ("マイナンバー（12桁）は", Class::MyNumber, true),
            ("国税庁の法人番号 ", Class::Other, true),
            ("運転免許証番号　", Class::Licence, true),
            ("基礎年金番号が", Class::Pension, true),
            ("電話で申し込んだ受付番号の控え ", Class::Other, false),
        ] {
            let reading = Reading::numeric(&format!("{text}1234"));
            let at = reading.text.find("1234").unwrap();
            let label = label(&reading, at).unwrap();
            assert_eq!((label.class, label.direct), (expected, direct), "{text}");
        }
    }

    #[test]
    fn an_office_is_told_from_a_person() {
        for (text, office) in [
            ("市民課（電話 1234", true),
            ("お問い合わせ先：福祉課 1234", true),
            ("市民課に来た山田さんの電話 1234", false),
            ("申請者の連絡先 1234", false),
            ("電話番号：1234", false),
        ] {
            let reading = Reading::numeric(text);
            let at = reading.text.find("1234").unwrap();
            assert_eq!(of_an_office(&reading, &(at..at + 4)), office, "{text}");
        }
    }
}
