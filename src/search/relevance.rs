//! How much single sentences say of a question: for those who cut a passage down to what matters.
//!
//! The same terms and the same rarity as in the ranking ([`rank`](super::rank)), but handed out
//! term by term, so that the caller can weigh what a text adds to another.

use super::analysis;
use super::rank::{Kind, Question, Statistics, Terms};
use crate::text::{fold, parse_number};

/// Units of what いつ asks for.
const WHEN: [char; 6] = ['日', '月', '年', '週', '時', '曜'];

/// Characters that follow 何 and are counted: 何日, 何通, 何人.
const COUNTERS: &str = "日月年時分秒週回通件人名歳割倍個本台枚度階点円匹頭戸棟項条号%";

/// A question taken apart, beside the passages that were found for it.
#[derive(Debug)]
pub struct Relevance {
    question: Question,
    /// Weight of each term: first the bigrams, then the words.
    weights: Vec<f32>,
    wanted: Vec<Value>,
}

/// A kind of value that a question asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    /// A number before this character.
    Count(char),
    /// An amount of money, or that there is none to pay.
    Money,
    /// A day, a month, a period.
    Time,
}

/// Statistics without a data set: every term is as rare as any other.
struct Nothing;

impl Statistics for Nothing {
    fn passages(&self) -> u64 {
        1
    }

    fn found_in(&self, _: Kind, _: &str) -> u64 {
        0
    }

    fn mean_length(&self, _: Kind) -> f32 {
        1.0
    }
}

impl Relevance {
    /// A question without word statistics, for where no data set is open.
    pub fn plain(question: &str) -> Self {
        let folded = fold(question);
        Self::new(Question::new(&folded, &folded, &Nothing), &folded)
    }

    pub(super) fn new(question: Question, folded: &str) -> Self {
        let of = |terms: &Terms| -> Vec<f32> {
            terms.list.iter().map(|term| term.idf * term.count.min(1.0)).collect()
        };
        let mut weights = of(&question.grams);
        weights.extend(of(&question.words));
        let whole: f32 = weights.iter().sum();
        if whole > 0.0 {
            weights.iter_mut().for_each(|weight| *weight /= whole);
        }
        Self { question, weights, wanted: wanted(folded) }
    }

    /// The terms of the question that a text has, each once, ascending; see [`Self::weight`].
    pub fn terms(&self, text: &str) -> Vec<usize> {
        let folded = fold(text);
        let mut found = Vec::new();
        let (grams, words) = (&self.question.grams, &self.question.words);
        analysis::grams(&folded, &mut |term, _| found.extend(grams.at(term)));
        let behind = grams.list.len();
        analysis::words(&folded, &mut |term, _| {
            found.extend(words.at(term).map(|at| at + behind));
        });
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Weight of a term: its rarity in the data sets. All terms of the question together have 1.
    pub fn weight(&self, term: usize) -> f32 {
        self.weights.get(term).copied().unwrap_or(0.0)
    }

    /// Share of the question that a text has, 0 to 1.
    pub fn share(&self, text: &str) -> f32 {
        self.terms(text).into_iter().map(|term| self.weight(term)).sum()
    }

    /// True when a text holds a value of the kind that is asked for: an amount where the question
    /// says いくら, a number of days where it says 何日.
    pub fn has_value(&self, text: &str) -> bool {
        !self.wanted.is_empty() && {
            let folded = fold(text);
            self.wanted.iter().any(|value| value.stands_in(&folded))
        }
    }
}

/// The values that a folded question asks for.
fn wanted(folded: &str) -> Vec<Value> {
    let mut found = Vec::new();
    if folded.contains("いくら") || folded.contains("何円") {
        found.push(Value::Money);
    }
    if folded.contains("いつ") {
        found.push(Value::Time);
    }
    for (at, asks) in folded.match_indices('何') {
        let counted = folded[at + asks.len()..].trim_start_matches(['か', 'ヶ', '箇']);
        let counted = counted.chars().next().filter(|c| COUNTERS.contains(*c));
        found.extend(counted.map(Value::Count));
    }
    found
}

impl Value {
    fn stands_in(self, folded: &str) -> bool {
        match self {
            Self::Count(unit) => counted(folded, unit),
            Self::Time => WHEN.iter().any(|unit| counted(folded, *unit)) || folded.contains("曜日"),
            // In a table the unit stands in the header: 手数料(円): 300.
            Self::Money => {
                (folded.contains('円') && folded.chars().any(is_numeral)) || folded.contains("無料")
            }
        }
    }
}

/// A number stands before the unit, with か or 箇 between them at most.
fn counted(folded: &str, unit: char) -> bool {
    folded.match_indices(unit).any(|(at, _)| {
        let before = folded[..at].trim_end_matches(['か', 'ヶ', '箇']);
        before.chars().next_back().is_some_and(is_numeral)
    })
}

fn is_numeral(c: char) -> bool {
    let mut buffer = [0; 4];
    parse_number(c.encode_utf8(&mut buffer)).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_seen() {
        for (question, text, expected) in [
            ("手数料はいくらですか", "手数料は、1通につき300円とする。", true),
            ("手数料はいくらですか", "窓口の手数料（円）: 750", true),
            ("手数料はいくらですか", "再設定の手数料は無料とする。", true),
            ("手数料はいくらですか", "手数料を徴収する。", false),
            ("何日以内に出しますか", "転入をした日から十四日以内に", true),
            ("何日以内に出しますか", "転入をした日に", false),
            ("何か月前から予約できますか", "3か月前の月の初日から", true),
            ("支払日はいつですか", "偶数月の10日とする。", true),
            ("収集日はいつですか", "びん・缶: 第1・第3月曜日", true),
            ("何を持って行きますか", "印鑑を1本持参する。", false),
        ] {
            let wanted = wanted(&fold(question));
            let found = wanted.iter().any(|value| value.stands_in(&fold(text)));
            assert_eq!(found, expected, "{question} {text} {wanted:?}");
        }
    }
}
