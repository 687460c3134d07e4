//! Japanese normalization that every layer shares: width, numerals, article keys, sentences.

pub mod dates;

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;

/// The language of messages for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    Ja,
    En,
}

/// NFKC: full-width ASCII and half-width kana become one form, compatibility ideographs too.
pub fn normalize(text: &str) -> String {
    text.nfkc().collect()
}

/// Reads a whole number in kanji (`百二十三`, `一二三`, `〇`), Arabic or full-width digits.
/// `None` when a character is no numeral or the number does not fit.
pub fn parse_number(text: &str) -> Option<u64> {
    let normalized = normalize(text);
    if normalized.is_empty() {
        return None;
    }
    if normalized.chars().all(|c| c.is_ascii_digit()) {
        return normalized.parse().ok();
    }
    let (mut total, mut section, mut digits) = (0u64, 0u64, None::<u64>);
    for c in normalized.chars() {
        if let Some(digit) = kanji_digit(c) {
            digits = Some(digits.unwrap_or(0).checked_mul(10)?.checked_add(digit)?);
            continue;
        }
        let unit = match c {
            '十' => 10,
            '百' => 100,
            '千' => 1000,
            '万' => 10_000,
            '億' => 100_000_000,
            _ => return None,
        };
        if unit < 10_000 {
            section = section.checked_add(digits.take().unwrap_or(1).checked_mul(unit)?)?;
        } else {
            let count = section.checked_add(digits.take().unwrap_or(0))?.max(1);
            total = total.checked_add(count.checked_mul(unit)?)?;
            section = 0;
        }
    }
    total.checked_add(section)?.checked_add(digits.unwrap_or(0))
}

fn kanji_digit(c: char) -> Option<u64> {
    match c {
        '〇' | '零' => Some(0),
        '一' | '壱' => Some(1),
        '二' | '弐' => Some(2),
        '三' | '参' => Some(3),
        '四' => Some(4),
        '五' => Some(5),
        '六' => Some(6),
        '七' => Some(7),
        '八' => Some(8),
        '九' => Some(9),
        _ => c.to_digit(10).map(u64::from),
    }
}

/// Writes a number as laws do: `123` becomes `百二十三`, 0 becomes `〇`.
pub fn to_kanji(number: u64) -> String {
    const DIGITS: [&str; 10] = ["〇", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    if number == 0 {
        return DIGITS[0].to_owned();
    }
    let mut written = String::new();
    for (unit, name) in [(100_000_000, "億"), (10_000, "万")] {
        let count = number / unit % 10_000;
        if count > 0 {
            written.push_str(&to_kanji(count));
            written.push_str(name);
        }
    }
    for (unit, name) in [(1000, "千"), (100, "百"), (10, "十")] {
        let digit = (number / unit % 10) as usize;
        if digit > 1 {
            written.push_str(DIGITS[digit]);
        }
        if digit > 0 {
            written.push_str(name);
        }
    }
    if !number.is_multiple_of(10) {
        written.push_str(DIGITS[(number % 10) as usize]);
    }
    written
}

/// The canonical key of an article, item or branch: `第十条の二`, `第10条の2`, `十の二` and `10_2`
/// all become `10-2`. `None` when it is not such a number.
pub fn article_key(text: &str) -> Option<String> {
    let normalized = normalize(text.trim());
    let bare = normalized.strip_prefix('第').unwrap_or(&normalized);
    let bare = bare.replace(['条', '項', '号', '章', '節', '款', '目', '編'], "");
    let parts: Vec<_> = bare.split(['の', 'ノ', '_', '-']).collect();
    let numbers: Option<Vec<String>> =
        parts.iter().map(|part| parse_number(part).map(|n| n.to_string())).collect();
    numbers.map(|numbers| numbers.join("-"))
}

/// The inverse of [`article_key`]: (`10-2`, `条`) becomes `第十条の二`.
pub fn article_label(key: &str, unit: &str) -> String {
    let mut parts = key.split('-').map(|part| match part.parse() {
        Ok(number) => to_kanji(number),
        Err(_) => part.to_owned(),
    });
    let head = parts.next().unwrap_or_default();
    parts.fold(format!("第{head}{unit}"), |label, branch| format!("{label}の{branch}"))
}

/// Cuts a text into sentences, each with its closing mark; line ends also close one.
/// No cut falls inside 「」, 『』 or （）. Blank sentences are left out.
pub fn sentences(text: &str) -> Vec<&str> {
    sentence_ranges(text).into_iter().map(|range| &text[range]).collect()
}

/// The same as byte ranges of the text, without the blanks around each.
pub fn sentence_ranges(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let (mut start, mut depth) = (0, 0usize);
    let mut push = |from: usize, to: usize| {
        let piece = &text[from..to];
        let sentence = piece.trim();
        if !sentence.is_empty() {
            let start = from + (piece.len() - piece.trim_start().len());
            found.push(start..start + sentence.len());
        }
    };
    for (at, c) in text.char_indices() {
        match c {
            '「' | '『' | '（' => depth += 1,
            '」' | '』' | '）' => depth = depth.saturating_sub(1),
            _ => {}
        }
        let ends = c == '\n' || (depth == 0 && matches!(c, '。' | '！' | '？' | '!' | '?'));
        if ends {
            let end = at + c.len_utf8();
            push(start, end);
            start = end;
            depth = 0;
        }
    }
    push(start, text.len());
    found
}

/// [`normalize`] and lowercase: the form in which texts are compared and searched.
pub fn fold(text: &str) -> String {
    normalize(text).to_lowercase()
}

/// The number at the start of a normalized text, with its length in bytes: `10条` is (10, 2),
/// `百二十三号` is (123, 12). Kanji and Arabic digits are not mixed, and commas between Arabic
/// digits are read over (`1,000円` is (1000, 5)). `None` when it starts with no number.
pub fn leading_number(text: &str) -> Option<(u64, usize)> {
    let bytes = text.as_bytes();
    if bytes.first()?.is_ascii_digit() {
        let mut end = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
        let mut digits = text[..end].to_owned();
        while let Some([b',', group @ ..]) = bytes.get(end..end + 4) {
            let longer = bytes.get(end + 4).is_some_and(u8::is_ascii_digit);
            if longer || !group.iter().all(u8::is_ascii_digit) {
                break;
            }
            digits.push_str(&text[end + 1..end + 4]);
            end += 4;
        }
        return digits.parse().ok().map(|number| (number, end));
    }
    let numeral = |c: &char| kanji_digit(*c).is_some() || "十百千万億".contains(*c);
    let end: usize =
        text.chars().take_while(|c| !c.is_ascii() && numeral(c)).map(char::len_utf8).sum();
    parse_number(&text[..end]).map(|number| (number, end))
}

/// The western year of a 和暦 year: (`令和`, 8) is 2026. `None` for an unknown era or year 0.
pub fn western_year(era: &str, year: u64) -> Option<u64> {
    let before_first = match era {
        "令和" => 2018,
        "平成" => 1988,
        "昭和" => 1925,
        "大正" => 1911,
        "明治" => 1867,
        _ => return None,
    };
    (1..=99).contains(&year).then_some(before_first + year)
}

/// True for hiragana.
pub fn is_hiragana(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{309f}')
}

/// True for kanji, with 々 and 〇.
pub fn is_kanji(c: char) -> bool {
    matches!(c, '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{323af}' | '々' | '〆' | '〇')
}

/// True for katakana with its long mark, without the middle dot.
pub fn is_katakana(c: char) -> bool {
    matches!(c, '\u{30a1}'..='\u{30fa}' | '\u{30fc}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_trip() {
        for number in [0, 1, 9, 10, 11, 19, 20, 99, 100, 101, 110, 123, 1000, 1900, 2026, 10_000] {
            assert_eq!(parse_number(&to_kanji(number)), Some(number), "{}", to_kanji(number));
        }
        for (written, number) in [("１２３", 123), ("一二三", 123), ("千九百", 1900), ("二〇", 20)]
        {
            assert_eq!(parse_number(written), Some(number), "{written}");
        }
        assert_eq!(parse_number("十条"), None);
        assert_eq!(parse_number(""), None);
    }

    #[test]
    fn article_keys() {
        for (written, key) in [
            ("第十条", "10"),
            ("第10条の2", "10-2"),
            ("第二百三十七条の二の三", "237-2-3"),
            ("10_2", "10-2"),
            ("第１０条", "10"),
        ] {
            assert_eq!(article_key(written).as_deref(), Some(key), "{written}");
        }
        assert_eq!(article_key("附則"), None);
        assert_eq!(article_label("10-2", "条"), "第十条の二");
    }

    #[test]
    fn sentences_keep_quotes_whole() {
        let text = "「はい。そうです。」と答えた。次の文（注。括弧）です。\n見出し\n終わり";
        assert_eq!(
            sentences(text),
            ["「はい。そうです。」と答えた。", "次の文（注。括弧）です。", "見出し", "終わり"]
        );
    }

    #[test]
    fn leading_numbers_and_years() {
        for (text, expected) in [
            ("10条", Some((10, 2))),
            ("百二十三号", Some((123, 12))),
            ("1,000円", Some((1000, 5))),
            ("1,2,3", Some((1, 1))),
            ("1,234,567人", Some((1_234_567, 9))),
            ("二0", Some((2, 3))),
            ("条", None),
            ("", None),
        ] {
            assert_eq!(leading_number(text), expected, "{text}");
        }
        assert_eq!(western_year("令和", 8), Some(2026));
        assert_eq!(western_year("昭和", 64), Some(1989));
        assert_eq!(western_year("令和", 0), None);
        assert_eq!(western_year("元号", 1), None);
        assert_eq!(fold("ＡＢＣ ｶﾞｽ"), "abc ガス");
    }
}
