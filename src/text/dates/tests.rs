use jiff::civil::date;
use proptest::prelude::*;

use super::*;

#[test]
fn one_day_in_many_spellings() {
    for written in [
        "令和6年4月1日",
        "令和６年４月１日",
        "令和六年四月一日",
        "㋿6年4月1日",
        "令和 6年 4月 1日",
        "R6.4.1",
        "Ｒ６．４．１",
        "r06/04/01",
        "2024年4月1日",
        "西暦2024年4月1日",
        "二〇二四年四月一日",
        "2024/4/1",
        "2024-04-01",
        "２０２４．４．１",
        "　平成36年4月1日 ",
    ] {
        assert_eq!(parse(written), Some(date(2024, 4, 1)), "{written}");
    }
    assert_eq!(parse("昭和六十三年十二月三十一日"), Some(date(1988, 12, 31)));
    assert_eq!(parse("令和元年五月一日"), Some(date(2019, 5, 1)));
}

#[test]
fn what_names_no_day_is_not_read() {
    for written in [
        "",
        "令和6年4月",
        "令和6年",
        "令和6年2月30日",
        "令和0年4月1日",
        "令和元年4月30日",
        "明治5年4月1日",
        "2024/4",
        "12024/4/1",
        "2024/4/1/2",
        "PR6.4.1",
        "4月1日",
        "1.2.3",
        "令和6年4月1日時点",
    ] {
        assert_eq!(parse(written), None, "{written}");
    }
}

#[test]
fn eras_change_on_their_days() {
    for (day, written) in [
        (date(1873, 1, 1), "明治6年1月1日"),
        (date(1912, 7, 29), "明治45年7月29日"),
        (date(1912, 7, 30), "大正元年7月30日"),
        (date(1926, 12, 24), "大正15年12月24日"),
        (date(1926, 12, 25), "昭和元年12月25日"),
        (date(1989, 1, 7), "昭和64年1月7日"),
        (date(1989, 1, 8), "平成元年1月8日"),
        (date(2019, 4, 30), "平成31年4月30日"),
        (date(2019, 5, 1), "令和元年5月1日"),
        (date(2026, 4, 1), "令和8年4月1日"),
    ] {
        assert_eq!(japanese(day), written);
        assert_eq!(parse(written), Some(day));
    }
    // The last days of 明治 and 大正 are the first of the next era as well.
    assert_eq!(parse("明治45年7月30日"), parse("大正元年7月30日"));
    assert_eq!(parse("大正15年12月25日"), parse("昭和元年12月25日"));
    assert_eq!(japanese(date(1872, 12, 31)), "1872年12月31日");
}

#[test]
fn dates_are_found_where_they_stand() {
    let text = "平成31年度から令和6年４月まで、R7.4.1改正、2025年に1,955件、第2024条、3/4。";
    let shown: Vec<_> = find(text)
        .into_iter()
        .map(|found| (&text[found.range], found.unit, found.from, found.until))
        .collect();
    assert_eq!(
        shown,
        [
            ("平成31年度", Unit::FiscalYear, date(2019, 4, 1), date(2020, 3, 31)),
            ("令和6年４月", Unit::Month, date(2024, 4, 1), date(2024, 4, 30)),
            ("R7.4.1", Unit::Day, date(2025, 4, 1), date(2025, 4, 1)),
            ("2025年", Unit::Year, date(2025, 1, 1), date(2025, 12, 31)),
        ]
    );
    let first_year = &find("令和元年に")[0];
    assert_eq!((first_year.from, first_year.until), (date(2019, 5, 1), date(2019, 12, 31)));
}

/// From the first day of the solar calendar for five hundred years.
fn days() -> impl Strategy<Value = Date> {
    (0i64..150_000).prop_map(|days| SOLAR + jiff::Span::new().days(days))
}

proptest! {
    #[test]
    fn a_written_day_is_read_again(day in days()) {
        prop_assert_eq!(parse(&japanese(day)), Some(day));
        let kanji = |number: i8| crate::text::to_kanji(u64::try_from(number).unwrap());
        let year = year_of(day).unwrap();
        let count: String = year.chars().filter(char::is_ascii_digit).collect();
        if let Ok(number) = count.parse() {
            let year = year.replace(&count, &crate::text::to_kanji(number));
            let written = format!("{year}{}月{}日", kanji(day.month()), kanji(day.day()));
            prop_assert_eq!(parse(&written), Some(day), "{}", written);
        }
        if day.year() < 2300 {
            for written in [
                day.to_string(),
                format!("{}/{}/{}", day.year(), day.month(), day.day()),
                format!("西暦{}年{}月{}日", day.year(), day.month(), day.day()),
            ] {
                prop_assert_eq!(parse(&written), Some(day), "{}", written);
            }
        }
    }

    #[test]
    fn any_text_is_read_without_harm(text in "[令和平成元年度月日0-9０-９一二十RHrh./−-ａ㋿ ]{0,24}") {
        let mut end = 0;
        for found in find(&text) {
            prop_assert!(found.range.start >= end && text.get(found.range.clone()).is_some());
            prop_assert!(found.from <= found.until);
            end = found.range.end;
        }
    }
}
