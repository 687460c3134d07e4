//! The day as of which a question wants its answer, where the question says so itself.
//!
//! Only what is unambiguous counts: a day with 時点 or 現在 behind it (「令和6年4月1日時点で」), or
//! the end or beginning of a month, year or 年度 (「令和5年度末時点」, 「昨年度末現在」). It is taken out
//! of what is searched, since no passage speaks of it.

use std::ops::Range;

use jiff::civil::Date;

use crate::text::dates::{self, Unit, Written};

/// What stands behind a date that names a point in time.
const POINTS: [&str; 4] = ["の時点", "時点", "現在", "付け時点"];

/// Particles behind it that go with it, longest first.
const PARTICLES: [&str; 14] = [
    "においては、",
    "においては",
    "における",
    "において",
    "での",
    "では",
    "でも",
    "で",
    "には",
    "に",
    "の",
    "は",
    "、",
    "，",
];

/// Years that are told by their distance from the current one.
const RELATIVE_YEARS: [(&str, i16); 6] =
    [("一昨年度", -2), ("昨年度", -1), ("前年度", -1), ("今年度", 0), ("本年度", 0), ("来年度", 1)];

/// A question taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// The day, where the question names one and only one.
    pub(super) day: Option<Date>,
    /// What is left to search for.
    pub(super) rest: String,
    /// Words that speak of a time and name no single day, for a note to the reader.
    pub(super) unclear: Option<String>,
}

/// Reads a question; `today` is what 昨年度 and the like are counted from.
pub(super) fn read(question: &str, today: Date) -> Moment {
    let mut points = Vec::new();
    let mut unclear = None;
    for written in dates::find(question).into_iter().chain(relative(question, today)) {
        match point(question, &written) {
            Some(Point::Day(day, range)) => points.push((day, range)),
            Some(Point::Unclear(range)) => unclear = unclear.or(Some(question[range].to_owned())),
            None => {}
        }
    }
    points.sort_by_key(|(_, range)| range.start);
    let whole = |unclear| Moment { day: None, rest: question.to_owned(), unclear };
    let Some(&(day, ref first)) = points.first() else { return whole(unclear) };
    if points.iter().any(|(other, _)| *other != day) {
        let last = points.last().map_or(first.end, |(_, range)| range.end);
        return whole(Some(question[first.start..last].to_owned()));
    }
    let rest = without(question, &points);
    // A question of nothing but a day stays as it is.
    let rest = if rest.is_empty() { question.to_owned() } else { rest };
    Moment { day: Some(day), rest, unclear }
}

enum Point {
    Day(Date, Range<usize>),
    Unclear(Range<usize>),
}

/// Whether a date in a question is the point in time that it asks for.
fn point(question: &str, written: &Written) -> Option<Point> {
    let behind = &question[written.range.end..];
    let (day, edge) = match written.unit {
        Unit::Day => (Some(written.from), 0),
        _ => {
            let edges = [
                ("末日", written.until),
                ("の末", written.until),
                ("末", written.until),
                ("当初", written.from),
                ("初日", written.from),
                ("の初め", written.from),
            ];
            let edge = edges.iter().find(|(word, _)| behind.starts_with(word));
            (edge.map(|(_, day)| *day), edge.map_or(0, |(word, _)| word.len()))
        }
    };
    let named = POINTS.iter().find(|word| behind[edge..].starts_with(**word))?;
    let mut end = written.range.end + edge + named.len();
    let Some(day) = day else { return Some(Point::Unclear(written.range.start..end)) };
    let particle = PARTICLES.iter().find(|word| question[end..].starts_with(**word));
    end += particle.map_or(0, |word| word.len());
    // 「時点で、」
    end += if question[end..].starts_with('、') { '、'.len_utf8() } else { 0 };
    Some(Point::Day(day, written.range.start..end))
}

/// 昨年度 and the like as written dates.
fn relative(question: &str, today: Date) -> Vec<Written> {
    let current = today.year() - i16::from(today.month() < 4);
    let mut found: Vec<Written> = Vec::new();
    for (word, distance) in RELATIVE_YEARS {
        for (at, _) in question.match_indices(word) {
            let range = at..at + word.len();
            let inside = found.iter().any(|known| known.range.end == range.end);
            let span = Date::new(current + distance, 4, 1)
                .and_then(|from| Ok((from, Date::new(current + distance + 1, 3, 31)?)));
            if let (Ok((from, until)), false) = (span, inside) {
                found.push(Written { range, unit: Unit::FiscalYear, from, until });
            }
        }
    }
    found
}

fn without(question: &str, points: &[(Date, Range<usize>)]) -> String {
    let mut rest = String::with_capacity(question.len());
    let mut at = 0;
    for (_, range) in points {
        rest.push_str(&question[at..range.start.max(at)]);
        at = range.end.max(at);
    }
    rest.push_str(&question[at..]);
    rest.trim().trim_start_matches(['、', '，', '　', ' ']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    const TODAY: Date = Date::constant(2026, 11, 24);

    #[test]
    fn a_day_in_the_question_counts_and_is_taken_out() {
        for (question, day, rest) in [
            ("令和6年4月1日時点で、手数料はいくらですか", date(2024, 4, 1), "手数料はいくらですか"),
            ("2024年4月1日現在の手数料は？", date(2024, 4, 1), "手数料は？"),
            ("手数料はR6.4.1時点でいくらか", date(2024, 4, 1), "手数料はいくらか"),
            ("令和六年四月一日の時点における保存期間", date(2024, 4, 1), "保存期間"),
            ("令和5年度末時点の保存期間は", date(2024, 3, 31), "保存期間は"),
            ("令和6年3月末現在の保存期間は", date(2024, 3, 31), "保存期間は"),
            ("昨年度末時点での保存期間は", date(2026, 3, 31), "保存期間は"),
            ("一昨年度当初時点での保存期間は", date(2024, 4, 1), "保存期間は"),
            ("令和6年4月1日時点", date(2024, 4, 1), "令和6年4月1日時点"),
        ] {
            let moment = read(question, TODAY);
            assert_eq!((moment.day, moment.rest.as_str()), (Some(day), rest), "{question}");
            assert_eq!(moment.unclear, None, "{question}");
        }
    }

    #[test]
    fn what_is_not_clear_is_left_and_named() {
        for (question, unclear) in [
            ("令和6年4月1日に転入した人の手続は", None),
            ("令和6年度の手数料は", None),
            ("昨年度の手数料は", None),
            ("現在の手数料は", None),
            ("4月1日現在の手数料は", None),
            ("令和6年4月時点の手数料は", Some("令和6年4月時点")),
            (
                "令和5年4月1日時点と令和6年4月1日時点の違いは",
                Some("令和5年4月1日時点と令和6年4月1日時点の"),
            ),
        ] {
            let moment = read(question, TODAY);
            assert_eq!((moment.day, moment.rest.as_str()), (None, question));
            assert_eq!(moment.unclear.as_deref(), unclear, "{question}");
        }
        // Before April, the year that began last April is the current one.
        let march = read("昨年度末時点の件数", date(2027, 3, 31));
        assert_eq!(march.day, Some(date(2026, 3, 31)));
    }
}
