//! Whether a question is about a municipality by name: 「港南市の手数料」. Where no passage knows that
//! place, what is said of one's own town answers it wrongly, however well the other words fit.

use std::ops::Range;

use super::rank::Terms;
use crate::text::{fold, is_kanji};

/// The last character of a municipality's name, or of a prefecture's. 区 is left out: more words
/// end with it that are no place, 調査区 and 処理区, than wards are asked about.
const KINDS: &str = "市町村都府県";

/// What follows the name of a place that is asked about. 「港南市に転出」 and 「港南市から」 are about
/// moving, and not about what holds there.
const PARTICLES: [&str; 4] = ["では", "の", "における", "は"];

/// What may stand before the name where a question is about that place and no other.
const BEFORE: [&str; 5] = ["", "隣の", "お隣の", "近隣の", "近くの"];

/// One's own town: a question that has one of these compares, or goes on from another place.
const OWN: [&str; 6] = ["本市", "当市", "本町", "当町", "本村", "当村"];

/// Words that end like a name and are none; what ends with one of them is none either.
const COMMON: &[&str] = &[
    "都市",
    "政令市",
    "中核市",
    "特例市",
    "一般市",
    "見本市",
    "市町",
    "市町村",
    "町村",
    "農村",
    "山村",
    "漁村",
    "下町",
    "門前町",
    "政府",
    "内閣府",
    "行政府",
    "立法府",
    "司法府",
    "首都",
    "府県",
    "道府県",
];

/// Words of time and number that may run into 市 or 町 without a particle: 昨年度市の予算.
const GLUED: [&str; 10] =
    ["年度", "今回", "前回", "最近", "今年", "昨年", "来年", "毎年", "先日", "全国"];

/// Kanji of a name before its last character.
const STEM: std::ops::RangeInclusive<usize> = 2..=4;

/// Places that a question is about, and that no passage knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Elsewhere {
    /// As in the question.
    pub(super) names: Vec<String>,
    /// It begins with one of them, and one's own town is not in it.
    pub(super) leads: bool,
}

impl Elsewhere {
    /// `grams`: the bigrams of the folded question with what the data sets have of them; `known`:
    /// other texts in which one's own town stands.
    pub(super) fn of(folded: &str, grams: &Terms, known: &str) -> Self {
        let known = fold(known);
        let is_new = |name: &str| {
            let chars: Vec<char> = name.chars().collect();
            let mut pairs = chars.windows(2).map(String::from_iter);
            // What stands nowhere has a bigram that stands nowhere, or is taken for known.
            !known.contains(name) && pairs.any(|pair| grams.is_nowhere(&pair))
        };
        let found: Vec<Range<usize>> =
            named(folded).into_iter().filter(|at| is_new(&folded[at.clone()])).collect();
        let begins = found.first().is_some_and(|at| BEFORE.contains(&folded[..at.start].trim()));
        let leads = begins && !OWN.iter().any(|own| folded.contains(own));
        let names = found.into_iter().map(|at| folded[at].to_owned()).collect();
        Self { names, leads }
    }
}

/// The names of places that a folded question is about, as ranges of its bytes.
fn named(folded: &str) -> Vec<Range<usize>> {
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
    let Some((end, last)) = run.char_indices().next_back() else { return false };
    let stem = &run[..end];
    KINDS.contains(last)
        && STEM.contains(&stem.chars().count())
        && !COMMON.iter().any(|common| run.ends_with(common))
        && !GLUED.iter().any(|word| stem.ends_with(word))
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
            ("調査区の変更", &[]),
            ("昨年度市の予算は", &[]),
            ("内閣府の通知", &[]),
            ("市の施設", &[]),
            ("窓口の場所", &[]),
        ] {
            let found: Vec<&str> = named(question).into_iter().map(|at| &question[at]).collect();
            assert_eq!(found, names, "{question}");
        }
    }
}
