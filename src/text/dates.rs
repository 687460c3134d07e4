//! Dates as Japanese write them: 和暦 and 西暦, 漢数字 and full width, R6.4.1, years and 年度.
//!
//! [`find`] reads every date of a text; [`parse`] one that is the whole text; [`japanese`] writes
//! one. The eras change on their true days. A day that lies before its era began (令和元年4月1日)
//! is no date, since a guess might be wrong; one past its end (平成31年10月1日) is, since laws and
//! notices written before the change name such days. Days of 明治 before 6年 followed the moon and
//! are not read.

use std::ops::Range;

use jiff::civil::Date;

use super::{leading_number, normalize};

/// An era: its name, its letter, and its first day. The last one is the latest.
const ERAS: [(&str, char, Date); 5] = [
    ("明治", 'm', Date::constant(1868, 1, 25)),
    ("大正", 't', Date::constant(1912, 7, 30)),
    ("昭和", 's', Date::constant(1926, 12, 25)),
    ("平成", 'h', Date::constant(1989, 1, 8)),
    ("令和", 'r', Date::constant(2019, 5, 1)),
];

/// The first day that the calendar of today counts.
const SOLAR: Date = Date::constant(1873, 1, 1);

/// Years that are read as 西暦.
const WESTERN_YEARS: std::ops::RangeInclusive<u64> = 1868..=2299;

/// What a written date names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Day,
    Month,
    Year,
    /// 年度: from 1 April to 31 March.
    FiscalYear,
}

/// A date in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its bytes in the text.
    pub range: Range<usize>,
    pub unit: Unit,
    /// Its first day.
    pub from: Date,
    /// Its last day; the same for a day.
    pub until: Date,
}

/// The one day that the whole text names, in any of the forms; `None` for all else.
pub fn parse(text: &str) -> Option<Date> {
    let trimmed = text.trim();
    let mut found = find(trimmed).into_iter();
    let day = found.next()?;
    (day.unit == Unit::Day && day.range == (0..trimmed.len())).then_some(day.from)
}

/// Every date in a text, in its order.
pub fn find(text: &str) -> Vec<Written> {
    let plain = Plain::of(text);
    let mut found = Vec::new();
    let mut at = 0;
    while at < plain.text.len() {
        let rest = &plain.text[at..];
        if let Some((written, len)) = plain.starts_word(at).then(|| date_at(rest)).flatten() {
            let range = plain.start(at)..plain.end(at + len);
            found.extend(written.map(|(unit, from, until)| Written { range, unit, from, until }));
            at += len;
        } else {
            // A number is stepped over whole, so that no date begins inside it.
            at += leading_number(rest).map_or_else(|| first_len(rest), |(_, len)| len);
        }
    }
    found
}

/// 令和8年4月1日; a day before 明治6年 as 1872年4月1日.
pub fn japanese(date: Date) -> String {
    let (month, day) = (date.month(), date.day());
    match year_of(date) {
        Some(year) => format!("{year}{month}月{day}日"),
        None => format!("{}年{month}月{day}日", date.year()),
    }
}

/// 「令和8年」, 「令和元年」
fn year_of(date: Date) -> Option<String> {
    let era = ERAS.iter().rev().find(|(.., first)| date >= *first && date >= SOLAR);
    era.map(|(name, _, first)| match date.year() - first.year() + 1 {
        1 => format!("{name}元年"),
        year => format!("{name}{year}年"),
    })
}

/// A text after NFKC, with the way back to its bytes.
struct Plain {
    text: String,
    /// For each byte of `text`, where its character begins and ends in the original.
    origin: Vec<(usize, usize)>,
}

impl Plain {
    fn of(original: &str) -> Self {
        let mut plain = Self { text: String::new(), origin: Vec::new() };
        for (at, c) in original.char_indices() {
            let mut buffer = [0; 4];
            let folded = normalize(c.encode_utf8(&mut buffer)).to_lowercase();
            let folded = if c == '−' { "-" } else { folded.as_str() };
            plain.text.push_str(folded);
            plain.origin.resize(plain.text.len(), (at, at + c.len_utf8()));
        }
        plain
    }

    fn start(&self, at: usize) -> usize {
        self.origin[at].0
    }

    /// Where the character before `at` ends.
    fn end(&self, at: usize) -> usize {
        self.origin[at - 1].1
    }

    /// A letter of an era or a number may stand behind anything but letters and digits: the `r` of
    /// `pr6.4.1` is none.
    fn starts_word(&self, at: usize) -> bool {
        let before = self.text[..at].chars().next_back();
        let ascii = self.text[at..].starts_with(|c: char| c.is_ascii_alphanumeric());
        !(ascii && before.is_some_and(|c| c.is_ascii_alphanumeric() || ".-/".contains(c)))
    }
}

fn first_len(text: &str) -> usize {
    text.chars().next().map_or(1, char::len_utf8)
}

/// A year before the day in it is known.
#[derive(Clone, Copy)]
struct Year {
    western: i16,
    /// First day of its era; `None` for 西暦.
    era: Option<Date>,
}

type Named = (Unit, Date, Date);

/// What is written at the start of a text, with its length: `None` where it is no date, and inside
/// `None` where it has the form of one and no such day exists.
fn date_at(text: &str) -> Option<(Option<Named>, usize)> {
    let (year, year_len) = year_at(text)?;
    let rest = &text[year_len..];
    let gap = blank(rest);
    if let Some(after) = rest[gap..].strip_prefix('年') {
        let done = year_len + gap + '年'.len_utf8();
        if let Some(behind) = after.strip_prefix('度') {
            return Some((fiscal(year), done + after.len() - behind.len()));
        }
        let Some((month, len)) = counted(after, '月') else {
            return Some((whole_year(year), done));
        };
        return Some(match counted(&after[len..], '日') {
            Some((day, day_len)) => (on_day(year, month, day), done + len + day_len),
            None => (whole_month(year, month), done + len),
        });
    }
    separated(year, rest).map(|(written, len)| (written, year_len + len))
}

/// `/4/1`, `.4.1`, `-04-01` behind a year; the two marks are the same.
fn separated(year: Year, rest: &str) -> Option<(Option<Named>, usize)> {
    let mark = rest.chars().next().filter(|c| "./-".contains(*c))?;
    let (month, month_len) = digits(&rest[1..])?;
    let after = &rest[1 + month_len..];
    let day = after.strip_prefix(mark).and_then(digits);
    let Some((day, day_len)) = day else {
        // 2024/4 may be a fraction; R6.4 may not.
        let len = 1 + month_len;
        return year.era.map(|_| (whole_month(year, month), len));
    };
    let len = 2 + month_len + day_len;
    let goes_on = rest[len..].starts_with(|c: char| c == mark || c.is_ascii_alphanumeric());
    (!goes_on).then(|| (on_day(year, month, day), len))
}

/// The year at the start of a text: an era with its count, or four digits.
fn year_at(text: &str) -> Option<(Year, usize)> {
    for (name, letter, first) in ERAS {
        let Some(rest) = text.strip_prefix(name) else {
            if let Some(rest) = text.strip_prefix(letter) {
                let (count, len) = digits(rest)?;
                return Some((era_year(first, count)?, 1 + len));
            }
            continue;
        };
        let gap = blank(rest);
        let (count, len) = match rest[gap..].strip_prefix('元') {
            Some(_) => (1, '元'.len_utf8()),
            None => leading_number(&rest[gap..])?,
        };
        return Some((era_year(first, count)?, name.len() + gap + len));
    }
    let prefix = if text.starts_with("西暦") { "西暦".len() } else { 0 };
    let gap = prefix + blank(&text[prefix..]) * usize::from(prefix > 0);
    let (year, len) = leading_number(&text[gap..]).filter(|(_, len)| {
        // 1,955 is no year.
        !text[gap..gap + len].contains(',')
    })?;
    let western = i16::try_from(Some(year).filter(|year| WESTERN_YEARS.contains(year))?).ok()?;
    Some((Year { western, era: None }, gap + len))
}

fn era_year(first: Date, count: u64) -> Option<Year> {
    let count = i16::try_from(count).ok().filter(|count| (1..=999).contains(count))?;
    Some(Year { western: first.year() - 1 + count, era: Some(first) })
}

/// One or two Arabic digits.
fn digits(text: &str) -> Option<(u64, usize)> {
    let len = text.bytes().take_while(u8::is_ascii_digit).count();
    (1..=2).contains(&len).then(|| text[..len].parse().ok().map(|number| (number, len)))?
}

/// A number and its unit, with blanks before either: ` 4 月`.
fn counted(text: &str, unit: char) -> Option<(u64, usize)> {
    let gap = blank(text);
    let (number, len) = leading_number(&text[gap..])?;
    let behind = gap + len + blank(&text[gap + len..]);
    text[behind..].starts_with(unit).then_some((number, behind + unit.len_utf8()))
}

/// Bytes of the blanks at the start of a text.
fn blank(text: &str) -> usize {
    text.len() - text.trim_start_matches(' ').len()
}

fn on_day(year: Year, month: u64, day: u64) -> Option<Named> {
    let date = date(year, month, day)?;
    Some((Unit::Day, date, date))
}

fn date(year: Year, month: u64, day: u64) -> Option<Date> {
    let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    let date = Date::new(year.western, month, day).ok()?;
    (year.era.is_none_or(|first| date >= first) && date >= SOLAR).then_some(date)
}

fn whole_month(year: Year, month: u64) -> Option<Named> {
    let first = Date::new(year.western, i8::try_from(month).ok()?, 1).ok()?;
    clipped(year, Unit::Month, first, first.last_of_month())
}

fn whole_year(year: Year) -> Option<Named> {
    let first = Date::new(year.western, 1, 1).ok()?;
    clipped(year, Unit::Year, first, first.last_of_year())
}

/// 令和元年度 is all of 平成31年度: its first days lie before the era.
fn fiscal(year: Year) -> Option<Named> {
    let first = Date::new(year.western, 4, 1).ok()?;
    let last = Date::new(year.western.checked_add(1)?, 3, 31).ok()?;
    Some((Unit::FiscalYear, first, last))
}

/// A span from the first day of its era on.
fn clipped(year: Year, unit: Unit, from: Date, until: Date) -> Option<Named> {
    let from = year.era.map_or(from, |first| from.max(first));
    (from <= until).then_some((unit, from, until))
}

#[cfg(test)]
mod tests;
