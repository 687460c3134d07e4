//! Whether a question is about a municipality by name: 「港南市の手数料」. Where no passage knows that
//! place, what is said of one's own town answers it wrongly, however well the other words fit.

use std::ops::Range;

use crate::text::is_kanji;

/// The last character of a municipality's name, or of a prefecture's.
const KINDS: &str = "市町村区都府県";

/// What follows the name of a place that is asked about. 「港南市に転出」 and 「港南市から」 are about
/// moving, and not about what holds there.
const PARTICLES: [&str; 4] = ["では", "の", "における", "は"];

/// Words that end like a name and are none; what ends with one of them is none either.
const COMMON: &[&str] = &[
    "都市",
    "政令市",
    "中核市",
    "特例市",
    "一般市",
    "市区",
    "市町",
    "市町村",
    "町村",
    "農村",
    "山村",
    "漁村",
    "下町",
    "門前町",
    "地区",
    "学区",
    "校区",
    "特別区",
    "行政区",
    "選挙区",
    "自治区",
    "政府",
    "内閣府",
    "行政府",
    "立法府",
    "司法府",
    "首都",
    "都府県",
    "道府県",
    "都道府県",
];

/// Kanji of a name before its last character.
const STEM: std::ops::RangeInclusive<usize> = 2..=4;

/// The names of places that a folded question is about, as ranges of its bytes.
pub(super) fn named(folded: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut begin = None;
    let ends = folded.char_indices().map(|(at, c)| (at, Some(c))).chain([(folded.len(), None)]);
    for (at, c) in ends {
        if c.is_some_and(is_kanji) {
            begin.get_or_insert(at);
            continue;
        }
        if let Some(from) = begin.take()
            && is_name(&folded[from..at])
            && PARTICLES.iter().any(|particle| folded[at..].starts_with(particle))
        {
            found.push(from..at);
        }
    }
    found
}

fn is_name(run: &str) -> bool {
    let stem = run.trim_end_matches(|c| KINDS.contains(c));
    run.chars().last().is_some_and(|last| KINDS.contains(last))
        && STEM.contains(&(run.chars().count() - 1))
        && !stem.is_empty()
        && !COMMON.iter().any(|common| run.ends_with(common))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_that_are_asked_about() {
        for (question, names) in [
            ("隣の港南市では粗大ごみの手数料はいくらですか", &["港南市"][..]),
            ("横浜市のごみ分別ルールを教えて", &["横浜市"]),
            ("東京都の国民健康保険料率は", &["東京都"]),
            ("名古屋市は有料ですか", &["名古屋市"]),
            ("札幌市に転出するときの届出", &[]),
            ("港南市から転入した人の手続", &[]),
            ("都市の緑化", &[]),
            ("政令市の事務", &[]),
            ("市町村の役割は", &[]),
            ("通学区の変更", &[]),
            ("市の施設", &[]),
            ("窓口の場所", &[]),
        ] {
            let found: Vec<&str> = named(question).into_iter().map(|at| &question[at]).collect();
            assert_eq!(found, names, "{question}");
        }
    }
}
