//! The words of a question that say what it is about, and all that counts as having them: other
//! spellings, other endings, other words for the same.

use std::ops::Range;

use super::analysis;
use super::forms::Forms;
use super::rank::{Kind, Statistics, Terms, idf};
use super::synonyms;
use crate::text::{is_hiragana, is_kanji, is_katakana};

/// Weight of a synonym among the terms that are asked for, and its part of the word it is for.
const SYNONYM: f32 = 0.3;
const SYNONYM_PART: f32 = 0.8;
/// Part of a word that a text has with another ending: 燃やす for 燃える.
const STEM_PART: f32 = 0.5;
/// A word of less weight belongs to the form of the question.
const FORM_WEIGHT_MAX: f32 = 0.6;

/// A word that says what the question is about.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) text: String,
    /// Bytes of the question without its citations.
    pub(super) range: Range<usize>,
    pub(super) idf: f32,
    /// Its place among the words.
    pub(super) word: Option<usize>,
    /// The places of its bigrams, then of other spellings' and synonyms', with the share of its
    /// weight that each counts for.
    readings: Vec<(f32, Vec<usize>)>,
    /// The kanji of a word with an inflected ending.
    stem: Option<char>,
}

impl Content {
    /// A kanji with an inflected ending: 燃える, 届ける.
    pub(super) fn is_inflected(&self) -> bool {
        self.stem.is_some()
    }

    /// How much of it a text has that has not the word itself.
    pub(super) fn part(&self, text: &str, grams: &[f32]) -> f32 {
        let stem = self.stem.is_some_and(|stem| text.contains(stem));
        let read = self.readings.iter().map(|(weight, places)| {
            let found = places.iter().filter(|&&at| grams[at] > 0.0).count();
            weight * found as f32 / places.len().max(1) as f32
        });
        read.fold(if stem { STEM_PART } else { 0.0 }, f32::max)
    }
}

/// The content words of a folded question without its citations. The bigrams of synonyms are
/// added to those that are asked for.
pub(super) fn of(
    rest: &str,
    grams: &mut Terms,
    words: &Terms,
    statistics: &dyn Statistics,
) -> Vec<Content> {
    let forms = Forms::of(rest);
    let mut content: Vec<(Range<usize>, Content)> = Vec::new();
    analysis::words(rest, &mut |word, range| {
        let known = content.iter().any(|(_, known)| known.text == word);
        if known || !is_content(word) || forms.weight(rest, &range) < FORM_WEIGHT_MAX {
            return;
        }
        let (mut own, mut folded) = (Vec::new(), Vec::new());
        analysis::variants(word, &mut |gram, _| folded.extend(grams.at(gram)));
        analysis::grams(word, &mut |gram, _| own.extend(grams.at(gram)));
        own.retain(|at| !folded.contains(at));
        let word = Content {
            text: word.to_owned(),
            range: range.clone(),
            idf: idf(statistics.found_in(Kind::Word, word), statistics.passages()),
            word: words.at(word),
            readings: vec![(1.0, own), (1.0, folded)],
            stem: stem(word),
        };
        content.push((range, word));
    });
    // 空き家 may have been cut into 空き and 家: each is found with 空家.
    analysis::variants(rest, &mut |gram, range| {
        let Some(at) = grams.at(gram) else { return };
        let inside = content
            .iter_mut()
            .filter(|(word, _)| range.start <= word.start && word.end <= range.end);
        for (_, word) in inside {
            word.readings.push((1.0, vec![at]));
        }
    });
    add_synonyms(rest, &mut content, grams, statistics);
    content.into_iter().map(|(_, word)| word).collect()
}

/// The kanji of 燃 in 燃える, of 届 in 届ける.
fn stem(word: &str) -> Option<char> {
    let mut chars = word.chars();
    let first = chars.next().filter(|c| is_kanji(*c))?;
    chars.all(is_hiragana).then_some(first)
}

/// Other words for the question's: their bigrams are asked for, and stand for its content words.
fn add_synonyms(
    rest: &str,
    content: &mut [(Range<usize>, Content)],
    grams: &mut Terms,
    statistics: &dyn Statistics,
) {
    for synonyms in synonyms::find(rest) {
        for other in synonyms.others {
            let mut reading = Vec::new();
            analysis::grams(other, &mut |gram, _| {
                let at = grams.place(gram, Kind::Gram, true, statistics);
                if grams.list[at].added {
                    grams.list[at].count = SYNONYM;
                }
                reading.push(at);
            });
            let meant = content.iter_mut().filter(|(word, _)| {
                word.start < synonyms.range.end && synonyms.range.start < word.end
            });
            for (_, word) in meant {
                word.readings.push((SYNONYM_PART, reading.clone()));
            }
        }
    }
}

/// Words of questions and of official style that say nothing of the matter.
const EMPTY_WORDS: &[&str] = &[
    "教え",
    "教",
    "何",
    "誰",
    "方法",
    "場合",
    "必要",
    "内容",
    "規定",
    "要件",
    "説明",
    "次",
    "うち",
    "正しい",
    "正",
    "誤",
    "知",
    "知り",
    "下さい",
    "以下",
    "以上",
    "全文",
    "条文",
    "意味",
    "趣旨",
    "概要",
    "見せ",
    "見",
    "読",
    "示",
    "教示",
    "回答",
    "質問",
    "可能",
    "対象",
    "言",
    "思",
    "行",
    "者",
    "等",
    "的",
    "時",
    "中",
    "日",
    "月",
    "年",
    "分",
    "人",
    "件",
    "本",
    "当",
    "上記",
    "下記",
    "記載",
    "該当",
    "適切",
    "関",
    "際",
    "事",
    "物",
];

fn is_content(word: &str) -> bool {
    let says = |c: char| is_kanji(c) || is_katakana(c) || c.is_alphabetic() && !is_hiragana(c);
    let core = word.trim_matches(is_hiragana);
    core.chars().any(says) && !EMPTY_WORDS.contains(&core) && !word.starts_with('第')
}
