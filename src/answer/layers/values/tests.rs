use super::*;

/// Kinds and keys of a sentence, with what says them.
fn read(sentence: &str) -> Vec<(Kind, Key, &str)> {
    values(sentence)
        .into_iter()
        .map(|value| (value.kind, value.key, &sentence[value.range]))
        .collect()
}

fn one(sentence: &str, kind: Kind, key: Key) {
    let found: Vec<_> = read(sentence).into_iter().map(|(kind, key, _)| (kind, key)).collect();
    assert_eq!(found, [(kind, key)], "{sentence}");
}

#[test]
fn amounts_are_one_however_they_are_written() {
    for written in
        ["300円", "３００円", "三百円", "手数料（円）: 300", "手数料(円):300 / 備考: なし"]
    {
        one(written, Kind::Money, Key::Number(300, 1));
    }
    for written in ["50万円", "五十万円", "500,000円", "５０万円", "50万0円"] {
        one(written, Kind::Money, Key::Number(500_000, 1));
    }
    one("5万2,000円", Kind::Money, Key::Number(52_000, 1));
    one("5千円", Kind::Money, Key::Number(5000, 1));
    for written in ["手数料は無料とする。", "手数料を免除する。", "手数料は徴収しない。"]
    {
        one(written, Kind::Money, Key::Number(0, 1));
    }
    assert_eq!(read("住民票は1通につき300円とする。")[0].2, "300円");
    assert_eq!(read("住民票は1通につき300円とする。").len(), 1, "what it is for is no value");
}

#[test]
fn periods_are_one_however_they_are_written() {
    for written in ["14日以内", "十四日以内", "２週間", "14日間"] {
        one(written, Kind::Period, Key::Days(14));
    }
    for written in ["6か月", "六箇月", "6月以内", "６ヶ月", "六月を経過"] {
        one(written, Kind::Period, Key::Months(6));
    }
    for written in ["30年間", "三十年", "30年"] {
        one(written, Kind::Period, Key::Months(360));
    }
    one("2時間", Kind::Period, Key::Minutes(120));
    one("30分を超えるとき", Kind::Period, Key::Minutes(30));
    assert_ne!(values("30日以内")[0].key, values("1月以内")[0].key, "a month is not 30 days");
}

#[test]
fn days_of_the_calendar() {
    for written in ["令和8年4月1日", "2026年4月1日", "令和八年四月一日", "２０２６年４月１日"]
    {
        one(written, Kind::Date, Key::Date(2026, 4, 1));
    }
    one("令和元年度", Kind::Date, Key::Date(2019, 0, 0));
    one("9月30日まで", Kind::Date, Key::Date(0, 9, 30));
    one("6月", Kind::Date, Key::Date(0, 6, 0));
    one("毎月10日に支払う", Kind::Date, Key::Date(0, 0, 10));
    one("偶数月の10日", Kind::Date, Key::Date(0, 0, 10));
    let keys: Vec<Key> =
        values("毎年度4月1日から9月30日までの間").into_iter().map(|value| value.key).collect();
    assert_eq!(keys, [Key::Date(0, 4, 1), Key::Date(0, 9, 30)]);
}

#[test]
fn times_of_day_shares_and_counts() {
    for written in ["午後5時15分", "17時15分", "１７：１５"] {
        one(written, Kind::Clock, Key::Number(17 * 60 + 15, 1));
    }
    one("午前8時半", Kind::Clock, Key::Number(8 * 60 + 30, 1));
    for written in ["2分の1", "二分の一", "5割", "50%", "５０パーセント", "50.0%"] {
        one(written, Kind::Share, Key::Number(1, 2));
    }
    one("3通を限度とする", Kind::Count('通'), Key::Number(3, 1));
    one("満18歳に達する日", Kind::Count('歳'), Key::Number(18, 1));
    one("1.5倍", Kind::Count('倍'), Key::Number(3, 2));
}

#[test]
fn addresses_are_no_values() {
    for written in [
        "第5条第2項第3号の規定による",
        "第十条の二第一項",
        "地方自治法（昭和22年法律第67号）",
        "令和七年四月一日条例第八号",
        "第1回",
        "十分な説明を一時的に行う",
    ] {
        assert_eq!(read(written), [], "{written}");
    }
}

#[test]
fn duties() {
    for (sentence, expected) in [
        ("届け出なければならない。", Some(Duty::Must)),
        ("同意を得るよう努めなければならない。", Some(Duty::Should)),
        ("所有者の同意を得るよう努めることが望ましい。", Some(Duty::Should)),
        ("同意を得ることなく、措置をとることができる。", Some(Duty::NeedNot)),
        ("委任状は要しない。", Some(Duty::NeedNot)),
        ("他の目的に使ってはならない。", Some(Duty::MustNot)),
        ("郵送で請求することができる。", Some(Duty::May)),
        ("窓口は1階にある。", None),
    ] {
        assert_eq!(duty(sentence).map(|(duty, _)| duty), expected, "{sentence}");
    }
    assert!(Duty::Should.contradicts(Duty::NeedNot) && Duty::NeedNot.contradicts(Duty::Must));
    assert!(!Duty::Must.contradicts(Duty::May) && !Duty::Must.contradicts(Duty::Must));
}
