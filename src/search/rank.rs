//! Judges candidates on their text: how much of the question they cover, in how long pieces,
//! and whether that is enough to count as found at all.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use super::analysis::{self, Sink};
use super::schema;
use crate::document::Passage;
use crate::text::{is_hiragana, is_kanji, is_katakana};

pub(super) fn tune(name: &str, default: f32) -> f32 {
    static T: OnceLock<HashMap<String, f32>> = OnceLock::new();
    T.get_or_init(|| {
        std::env::var("KURA_TUNE")
            .unwrap_or_default()
            .split(',')
            .filter_map(|kv| kv.split_once('='))
            .map(|(k, v)| (k.to_owned(), v.parse().unwrap()))
            .collect()
    })
    .get(name)
    .copied()
    .unwrap_or(default)
}

/// One term of the question.
#[derive(Clone, Debug)]
pub(super) struct QueryTerm {
    pub(super) text: String,
    /// How often the question has it.
    pub(super) count: f32,
    /// Passages that hold it, over all chosen data sets.
    pub(super) found_in: u64,
    pub(super) idf: f32,
}

/// A question after analysis.
#[derive(Debug, Default)]
pub(super) struct Question {
    pub(super) grams: Vec<QueryTerm>,
    pub(super) words: Vec<QueryTerm>,
    /// Words that say what the question is about, with their IDF.
    content: Vec<(String, f32)>,
    /// Stretches of four characters with their weight.
    stretches: Vec<(String, f32)>,
}

/// How well a passage speaks of the question; each between 0 and 1.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Evidence {
    pub(super) grams: f32,
    pub(super) words: f32,
    pub(super) stretches: f32,
    /// Share of the content words' weight.
    pub(super) content: f32,
}

/// The classic BM25 weight of a term.
pub(super) fn idf(found_in: u64, passages: u64) -> f32 {
    let (found_in, passages) = (found_in as f32, passages as f32);
    (1.0 + (passages - found_in + 0.5).max(0.5) / (found_in + 0.5)).ln()
}

impl Question {
    /// Analyses a folded question. `found_in` says how many of `passages` hold a gram or a word.
    pub(super) fn new(
        folded: &str,
        rest: &str,
        passages: u64,
        found_in: &mut dyn FnMut(bool, &str) -> u64,
    ) -> Self {
        let mut question = Self {
            grams: terms(folded, analysis::grams, passages, |text| found_in(false, text)),
            words: terms(folded, analysis::words, passages, |text| found_in(true, text)),
            ..Self::default()
        };
        let mut seen = HashSet::new();
        analysis::words(rest, &mut |word, _| {
            if is_content(word) && seen.insert(word.to_owned()) {
                question.content.push((word.to_owned(), idf(found_in(true, word), passages)));
            }
        });
        let weights: HashMap<&str, f32> =
            question.grams.iter().map(|term| (term.text.as_str(), term.idf)).collect();
        let n = tune("n", 4.0) as usize;
        let mut stretches = HashMap::<String, f32>::new();
        for_stretches(folded, n, |stretch| {
            let mut weight = 0.0;
            analysis::grams(stretch, &mut |gram, _| weight += weights.get(gram).copied().unwrap_or(0.0));
            stretches.insert(stretch.to_owned(), weight);
        });
        question.stretches = stretches.into_iter().collect();
        question.stretches.sort_by(|left, right| left.0.cmp(&right.0));
        question
    }

    /// True when nothing but function words and question forms is left.
    pub(super) fn is_bare(&self) -> bool {
        self.content.is_empty()
    }

    /// Compares a passage with the question.
    pub(super) fn evidence(&self, passage: &Passage) -> Evidence {
        let text = schema::indexed_text(passage);
        let grams = term_set(&text, analysis::grams);
        let words = term_set(&text, analysis::words);
        let n = tune("n", 4.0) as usize;
        let mut stretches = HashSet::new();
        for_stretches(&text, n, |stretch| {
            stretches.insert(stretch);
        });
        let share_of = |terms: &[QueryTerm], set: &HashSet<String>| {
            share(terms.iter().map(|t| (t.idf, f32::from(u8::from(set.contains(&t.text))))))
        };
        let content = share(self.content.iter().map(|(word, idf)| {
            let mut covered = (0.0, 0.0);
            analysis::grams(word, &mut |gram, _| {
                covered.1 += 1.0;
                covered.0 += f32::from(u8::from(grams.contains(gram)));
            });
            let part = if words.contains(word) { 1.0 } else { covered.0 / f32::max(covered.1, 1.0) };
            (*idf, part)
        }));
        Evidence {
            grams: share_of(&self.grams, &grams),
            words: share_of(&self.words, &words),
            stretches: share(
                self.stretches
                    .iter()
                    .map(|(s, w)| (*w, f32::from(u8::from(stretches.contains(s.as_str()))))),
            ),
            content,
        }
    }
}

fn share(parts: impl Iterator<Item = (f32, f32)>) -> f32 {
    let (whole, part) =
        parts.fold((0.0, 0.0), |(whole, part), (weight, got)| (whole + weight, part + weight * got));
    if whole > 0.0 { part / whole } else { 0.0 }
}

fn terms(
    folded: &str,
    cut: fn(&str, Sink<'_>),
    passages: u64,
    mut found_in: impl FnMut(&str) -> u64,
) -> Vec<QueryTerm> {
    let mut terms: Vec<QueryTerm> = Vec::new();
    let mut places = HashMap::<String, usize>::new();
    cut(folded, &mut |text, _| match places.get(text) {
        Some(&at) => terms[at].count += 1.0,
        None => {
            let found_in = found_in(text);
            places.insert(text.to_owned(), terms.len());
            let idf = idf(found_in, passages);
            terms.push(QueryTerm { text: text.to_owned(), count: 1.0, found_in, idf });
        }
    });
    terms
}

fn term_set(folded: &str, cut: fn(&str, Sink<'_>)) -> HashSet<String> {
    let mut set = HashSet::new();
    cut(folded, &mut |term, _| {
        set.insert(term.to_owned());
    });
    set
}

fn for_stretches<'a>(folded: &'a str, n: usize, mut sink: impl FnMut(&'a str)) {
    let starts: Vec<usize> =
        folded.char_indices().map(|(at, _)| at).chain([folded.len()]).collect();
    for window in starts.windows(n + 1) {
        let stretch = &folded[window[0]..window[n]];
        if stretch.chars().all(char::is_alphanumeric) && !stretch.chars().all(is_hiragana) {
            sink(stretch);
        }
    }
}

/// Words of questions and of official style that say nothing of the matter.
const EMPTY_WORDS: &[&str] = &[
    "教え", "教", "何", "誰", "方法", "場合", "必要", "内容", "規定", "要件", "説明", "次", "うち",
    "正しい", "正", "誤", "知", "知り", "下さい", "以下", "以上", "全文", "条文", "意味", "趣旨", "概要", "見せ", "見", "読", "示",
    "教示", "回答", "質問", "可能", "対象", "言", "思", "行", "者", "等", "的", "時", "中", "日", "月", "年",
    "分", "人", "件", "本", "当", "上記", "下記", "記載", "該当", "適切", "関", "際", "事", "物",
];

fn is_content(word: &str) -> bool {
    let says = |c: char| is_kanji(c) || is_katakana(c) || c.is_alphabetic() && !is_hiragana(c);
    word.chars().any(says) && !EMPTY_WORDS.contains(&word) && !word.starts_with('第')
}
