//! What decides in a sentence: amounts, periods, days, times, shares and counts, however they are
//! written, and what the sentence lets or makes people do.
//!
//! 三百円, 300円 and ３００円 are one amount; 2週間 and 14日 one period; 令和8年 and 2026年 one year.
//! Numbers that only name a place are no values: 第5条, the number of a law, 「1通につき」.

use std::ops::Range;

use crate::text::{leading_number, normalize, western_year};

/// Characters before which a number counts things. 条, 項 and 号 are addresses and not among them.
const COUNTERS: &str = "通件人名個本台枚階点匹頭戸棟校回倍歳";

/// What stands behind a number that only says what a price is for.
const PER: [&str; 4] = ["につき", "当たり", "あたり", "につい"];

/// What stands behind a number of days or months that is a period and no date.
const PERIOD_MARKS: [&str; 12] =
    ["以内", "間", "前", "後", "以上", "以下", "未満", "を超", "を経過", "を限", "目", "とする"];

/// What is free, or need not be paid.
const FREE: [&str; 8] =
    ["無料", "無償", "徴収しない", "免除する", "免除さ", "免除し", "は免除（", "は免除。"];

/// Values of one kind can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::answer) enum Kind {
    /// Yen.
    Money,
    /// A length of time.
    Period,
    /// A day, a month or a year of the calendar.
    Date,
    /// A time of day, in minutes.
    Clock,
    /// A part of a whole.
    Share,
    /// So many of what the character counts.
    Count(char),
}

/// A value of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::answer) struct Value {
    pub(in crate::answer) kind: Kind,
    /// Equal where the values are, whatever the writing.
    pub(in crate::answer) key: Key,
    /// Bytes of the sentence that say it.
    pub(in crate::answer) range: Range<usize>,
}

/// A value in its own unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::answer) enum Key {
    /// A number as a reduced fraction, of yen, minutes of a day, things or the whole.
    Number(u64, u64),
    Minutes(u64),
    Days(u64),
    Months(u64),
    /// Year, month, day; 0 where the sentence does not say it.
    Date(u64, u64, u64),
}

/// What a sentence makes of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::answer) enum Duty {
    Must,
    /// 努める, 望ましい
    Should,
    May,
    /// 要しない, 免除する, 〜することなく
    NeedNot,
    MustNot,
}

impl Duty {
    /// Whether two cannot both be followed as one rule. 義務 and できる stand side by side in
    /// most procedures (one must file, and may file by post), so they are no difference.
    pub(in crate::answer) fn contradicts(self, other: Self) -> bool {
        use Duty::{May, Must, MustNot, NeedNot, Should};
        let pairs = [
            (Must, NeedNot),
            (Must, Should),
            (Must, MustNot),
            (Should, NeedNot),
            (Should, MustNot),
            (May, MustNot),
        ];
        pairs.contains(&(self, other)) || pairs.contains(&(other, self))
    }
}

/// The duty of a sentence, by the words at which a reader would stop, with their bytes.
pub(in crate::answer) fn duty(sentence: &str) -> Option<(Duty, Range<usize>)> {
    const WORDS: [(Duty, &[&str]); 5] = [
        (
            Duty::MustNot,
            &["てはならない", "ではならない", "ことができない", "できません", "禁止する"],
        ),
        (
            Duty::NeedNot,
            &[
                "要しない",
                "必要としない",
                "不要と",
                "不要で",
                "必要はない",
                "必要はありません",
                "ことなく",
                "得ずに",
                "省略することができる",
            ],
        ),
        (Duty::Should, &["努め", "望ましい", "よう配慮"]),
        (
            Duty::Must,
            &[
                "なければならない",
                "なければなりません",
                "ものとする",
                "必要がある",
                "必要です",
                "必要とする",
                "義務",
            ],
        ),
        (Duty::May, &["ことができる", "ことができます", "てもよい", "差し支えない"]),
    ];
    WORDS.iter().find_map(|(duty, words)| {
        let places = words.iter().filter_map(|word| sentence.find(word).map(|at| (at, word.len())));
        places.min().map(|(at, length)| (*duty, at..at + length))
    })
}

/// All values of a sentence, in its order.
pub(in crate::answer) fn values(sentence: &str) -> Vec<Value> {
    let folded = Folded::new(sentence);
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = folded.text[at..].chars().next() {
        let length = match reading(&folded.text, at) {
            Some((value, length)) => {
                found.extend(value.map(|(kind, key)| Value {
                    kind,
                    key,
                    range: folded.range(at..at + length),
                }));
                length
            }
            None => c.len_utf8(),
        };
        at += length;
    }
    for word in FREE {
        found.extend(sentence.match_indices(word).map(|(at, word)| Value {
            kind: Kind::Money,
            key: Key::Number(0, 1),
            range: at..at + word.len(),
        }));
    }
    found
}

/// A text in one width, with the place of each byte in the text as written.
struct Folded {
    text: String,
    places: Vec<usize>,
}

impl Folded {
    fn new(written: &str) -> Self {
        let (mut text, mut places) = (String::with_capacity(written.len()), Vec::new());
        for (at, c) in written.char_indices() {
            let mut buffer = [0; 4];
            text.push_str(&normalize(c.encode_utf8(&mut buffer)));
            places.resize(text.len(), at);
        }
        places.push(written.len());
        Self { text, places }
    }

    fn range(&self, folded: Range<usize>) -> Range<usize> {
        self.places[folded.start]..self.places[folded.end]
    }
}

/// What begins at `at`: a value, or a number that is none, with its bytes. `None` where no number
/// begins.
fn reading(text: &str, at: usize) -> Option<(Option<(Kind, Key)>, usize)> {
    let rest = &text[at..];
    if let Some((key, length)) = clock(text, at) {
        return Some((Some((Kind::Clock, key)), length));
    }
    if let Some((key, length)) = date(text, at) {
        return Some((key.map(|key| (Kind::Date, key)), length));
    }
    let (number, digits) = number(rest)?;
    // What a price is for is no value: 単位: 1通.
    if text[..at].trim_end().ends_with("単位:") {
        return Some((None, digits));
    }
    if text[..at].ends_with('第') {
        return Some((None, digits + address(&rest[digits..])));
    }
    let unit = &rest[digits..];
    let Some((kind, key, length)) = unit_of(text, at, number, unit) else {
        return Some((None, digits));
    };
    let behind = &unit[length..];
    let per = PER.iter().any(|word| behind.starts_with(word));
    Some(((!per).then_some((kind, key)), digits + length))
}

/// The rest of 「第十条の二第二項」 behind a number: its unit and its branches.
fn address(rest: &str) -> usize {
    let mut length = rest.chars().next().map_or(0, char::len_utf8);
    while let Some(branch) = rest[length..].strip_prefix('の') {
        let Some((_, digits)) = leading_number(branch) else { break };
        length += 'の'.len_utf8() + digits;
    }
    length
}

/// A number at the start of a text in one width, with 万 and 億 behind Arabic digits and one
/// decimal point: (numerator, denominator), bytes.
fn number(text: &str) -> Option<((u64, u64), usize)> {
    let (mut whole, mut length) = leading_number(text)?;
    if let Some(fraction) = text[length..].strip_prefix('.') {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if (1..=4).contains(&digits) {
            let scale = 10u64.pow(u32::try_from(digits).unwrap_or(1));
            let part: u64 = fraction[..digits].parse().ok()?;
            let numerator = whole.checked_mul(scale)?.checked_add(part)?;
            return Some((reduced(numerator, scale), length + 1 + digits));
        }
    }
    for (unit, times) in [('億', 100_000_000), ('万', 10_000), ('千', 1000)] {
        let Some(behind) = text[length..].strip_prefix(unit) else { continue };
        if unit == '千' && !behind.starts_with('円') {
            continue;
        }
        whole = whole.checked_mul(times)?;
        length += unit.len_utf8();
        if let Some((more, digits)) = leading_number(behind).filter(|(more, _)| *more < times) {
            whole = whole.checked_add(more)?;
            length += digits;
        }
    }
    Some(((whole, 1), length))
}

fn reduced(numerator: u64, denominator: u64) -> (u64, u64) {
    let (mut a, mut b) = (numerator, denominator);
    while b > 0 {
        (a, b) = (b, a % b);
    }
    let divisor = a.max(1);
    (numerator / divisor, denominator / divisor)
}

/// The unit behind a number: what is said, and the bytes of the unit.
fn unit_of(
    text: &str,
    at: usize,
    (numerator, denominator): (u64, u64),
    unit: &str,
) -> Option<(Kind, Key, usize)> {
    let plain = Key::Number(numerator, denominator);
    if unit.starts_with('円') {
        return Some((Kind::Money, plain, '円'.len_utf8()));
    }
    if let Some(found) = share(numerator, denominator, unit) {
        return Some(found);
    }
    if let Some((key, length)) = period(&text[..at], numerator, denominator, unit) {
        return Some((Kind::Period, key, length));
    }
    let counted = unit.chars().next().filter(|c| COUNTERS.contains(*c));
    if let Some(counter) = counted {
        return Some((Kind::Count(counter), plain, counter.len_utf8()));
    }
    // In a table the unit stands in the header: 手数料(円): 300.
    let header = text[..at].trim_end();
    let ends = unit.chars().next().is_none_or(|c| c.is_whitespace() || "/、。)".contains(c));
    (header.ends_with("円):") && ends).then_some((Kind::Money, plain, 0))
}

/// 2分の1, 3割, 50%, 50パーセント
fn share(numerator: u64, denominator: u64, unit: &str) -> Option<(Kind, Key, usize)> {
    let of = |over: u64| {
        let (n, d) = reduced(numerator, denominator.saturating_mul(over));
        Key::Number(n, d)
    };
    for (word, over) in [("割", 10), ("%", 100), ("パーセント", 100)] {
        if unit.starts_with(word) {
            return Some((Kind::Share, of(over), word.len()));
        }
    }
    let behind = unit.strip_prefix("分の")?;
    let ((part, scale), digits) = number(behind)?;
    let (n, d) = reduced(part.checked_mul(denominator)?, numerator.checked_mul(scale)?);
    Some((Kind::Share, Key::Number(n, d), "分の".len() + digits))
}

/// A length of time; `before` is the text before the number.
fn period(before: &str, number: u64, scale: u64, unit: &str) -> Option<(Key, usize)> {
    if scale != 1 {
        return None;
    }
    let marked = |length: usize| PERIOD_MARKS.iter().any(|mark| unit[length..].starts_with(mark));
    for month in ["か月", "ヶ月", "ケ月", "カ月", "ヵ月", "箇月"] {
        if unit.starts_with(month) {
            return Some((Key::Months(number), month.len()));
        }
    }
    for (word, key) in [
        ("時間", Key::Minutes(number.saturating_mul(60))),
        ("週間", Key::Days(number.saturating_mul(7))),
        ("日間", Key::Days(number)),
        ("年間", Key::Months(number.saturating_mul(12))),
        ("分間", Key::Minutes(number)),
        ("週", Key::Days(number.saturating_mul(7))),
    ] {
        if unit.starts_with(word) {
            return Some((key, word.len()));
        }
    }
    let length = '日'.len_utf8();
    match unit.chars().next()? {
        '日' if !before.ends_with(['月', '第']) && !before.ends_with("月の") => {
            Some((Key::Days(number), length))
        }
        // 6月以内 is half a year, 6月 alone is June.
        '月' if marked(length) => Some((Key::Months(number), length)),
        '年' if !unit.starts_with("年度") && number < 1000 => {
            Some((Key::Months(number.saturating_mul(12)), length))
        }
        '分' if marked(length) && !before.ends_with(['時', '第']) => {
            Some((Key::Minutes(number), length))
        }
        _ => None,
    }
}

/// A time of day: 午後5時15分, 17時, 17:15.
fn clock(text: &str, at: usize) -> Option<(Key, usize)> {
    let rest = &text[at..];
    let (offset, word) = match rest {
        _ if rest.starts_with("午前") => (0, "午前".len()),
        _ if rest.starts_with("午後") => (12, "午後".len()),
        _ => (0, 0),
    };
    // 一時 and 十分 are words before they are times.
    if word == 0 && !rest.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (hour, digits) = leading_number(&rest[word..])?;
    let mut length = word + digits;
    let behind = &rest[length..];
    let mut minutes = (hour.checked_add(offset)?).checked_mul(60)?;
    if let Some(after) = behind.strip_prefix('時') {
        if after.starts_with('間') || hour > 24 {
            return None;
        }
        length += '時'.len_utf8();
        if after.starts_with('半') {
            return Some((Key::Number(minutes + 30, 1), length + '半'.len_utf8()));
        }
        if let Some((more, digits)) = leading_number(after)
            && after[digits..].starts_with('分')
            && !after[digits..].starts_with("分の")
        {
            minutes += more;
            length += digits + '分'.len_utf8();
        }
        return Some((Key::Number(minutes, 1), length));
    }
    let after = behind.strip_prefix(':')?;
    let (more, digits) = leading_number(after)?;
    (digits == 2 && more < 60 && hour <= 24)
        .then(|| (Key::Number(minutes + more, 1), length + 1 + digits))
}

/// A day, month or year of the calendar; the inner `None` is the date of a law's number, which
/// is an address: 昭和22年法律第67号.
fn date(text: &str, at: usize) -> Option<(Option<Key>, usize)> {
    let rest = &text[at..];
    let (year, mut length) = year(rest).unwrap_or((0, 0));
    let (mut month, mut day) = (0, 0);
    if let Some((number, digits)) = part(&rest[length..], '月', 12) {
        // Without a year, what reads as a month may be a period: 6月以内.
        let behind = &rest[length + digits..];
        if year == 0 && PERIOD_MARKS.iter().any(|mark| behind.starts_with(mark)) {
            return None;
        }
        (month, length) = (number, length + digits);
        if let Some((number, digits)) = part(&rest[length..], '日', 31) {
            (day, length) = (number, length + digits);
        } else if rest[length..].starts_with("末日") {
            (day, length) = (31, length + "末日".len());
        }
    } else if year == 0 {
        let (number, digits) = part(rest, '日', 31)?;
        let before = &text[..at];
        let of_month = ["毎月", "月の", "翌月", "同月"].iter().any(|word| before.ends_with(word));
        return of_month.then_some((Some(Key::Date(0, 0, number)), digits));
    }
    let behind = &rest[length..];
    let numbered = ["法律", "政令", "省令", "条例", "規則", "告示", "訓令"]
        .iter()
        .any(|kind| behind.trim_start().starts_with(kind) && behind.contains('第'));
    Some(((!numbered).then_some(Key::Date(year, month, day)), length))
}

/// 令和8年, 2026年, 令和8年度
fn year(rest: &str) -> Option<(u64, usize)> {
    let era = rest.get(..6).filter(|_| rest.is_char_boundary(6));
    let known = era.filter(|era| western_year(era, 1).is_some());
    let (number, length) = match known {
        Some(era) => {
            let (count, digits) = match rest[6..].strip_prefix('元') {
                Some(_) => (1, '元'.len_utf8()),
                None => leading_number(&rest[6..])?,
            };
            (western_year(era, count)?, 6 + digits)
        }
        None => leading_number(rest).filter(|(number, _)| (1868..=2200).contains(number))?,
    };
    let unit = if rest[length..].starts_with("年度") { "年度" } else { "年" };
    rest[length..].starts_with(unit).then_some((number, length + unit.len()))
}

/// A number up to `most` before `unit`.
fn part(text: &str, unit: char, most: u64) -> Option<(u64, usize)> {
    let (number, digits) = leading_number(text)?;
    let known = (1..=most).contains(&number) && text[digits..].starts_with(unit);
    known.then_some((number, digits + unit.len_utf8()))
}

#[cfg(test)]
mod tests;
