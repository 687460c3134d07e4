//! What an answer was looked up in, as rows of 生成情報.

use super::answer::Row;
use super::japanese_date;
use crate::answer::Selection;

/// The day always; the rest where it was chosen. Data sets and editions have rows of their own.
pub(super) fn rows(selection: &Selection) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut push = |name, value| rows.push(Row { name, value });
    if let Some(day) = selection.as_of {
        push("時点", japanese_date(day));
    }
    if let Some(list) = &selection.authorities {
        let labels: Vec<_> = list.iter().map(|authority| authority.label()).collect();
        push("位置付けの指定", labels.join("、"));
    }
    if let Some(list) = &selection.scopes {
        let labels: Vec<_> = list.iter().map(|scope| scope.label()).collect();
        push("区分の指定", labels.join("、"));
    }
    if let Some(period) = selection.period {
        let end = |day: Option<_>| day.map(japanese_date).unwrap_or_default();
        push("基準日の期間", format!("{}～{}", end(period.from), end(period.until)));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Choice;

    #[test]
    fn what_was_chosen_is_told() {
        let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
        let choice = Choice {
            as_of: "2024-04-01".to_owned(),
            authorities: words(&["law", "ordinance"]),
            scopes: words(&["local"]),
            from: "2023-04-01".to_owned(),
            ..Choice::default()
        };
        let rows = rows(&choice.read().unwrap());
        let shown: Vec<_> = rows.iter().map(|row| (row.name, row.value.as_str())).collect();
        assert_eq!(
            shown,
            [
                ("時点", "令和6年4月1日"),
                ("位置付けの指定", "法律、条例・規則"),
                ("区分の指定", "固有"),
                ("基準日の期間", "令和5年4月1日～"),
            ]
        );
    }
}
