//! Where sources differ: the sentences that answer best are compared by what decides in them.
//!
//! Of each document the best statement counts, and only where it answers about as well as the best
//! of all. Two statements differ when they give other values of the kind that is asked for (300円
//! and 無料 for いくら, 10年 and 30年 for 何年), or lay another duty on the same thing. A value more
//! on one side is no difference: one text may say more than the other. What is found is said as a
//! possibility, with both sentences, because only a person can tell whether both speak of one case.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::Serialize;

use super::values::{self, Kind, Value};
use super::{COMMON, LOCAL, scope_title};
use crate::answer::trim::{LONG_CHARS, units};
use crate::answer::types::Source;
use crate::document::Scope;
use crate::search::Relevance;
use crate::text::{fold, is_kanji, is_katakana};

/// A statement answers when it has this share of the best one's score.
const ANSWERS: f32 = 0.5;

/// … and this share of the question.
const SHARE_LEAST: f32 = 0.2;

/// What a value of the kind asked for adds to a statement's score.
const VALUE: f32 = 0.1;

/// Two statements speak of the same thing when so much of what either has of the question stands
/// in both: less between the layers, which word the same matter differently, more inside one,
/// where neighbours in a list differ by a word.
const SAME_ACROSS: f32 = 0.5;
const SAME_WITHIN: f32 = 0.85;

/// Pairs of kanji that both statements and the question share, at least, before a duty counts.
const SHARED_PAIRS: usize = 2;

/// A longer sentence is shown in part, in characters.
const SHOWN_CHARS: usize = 300;

/// Two sources that may differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// True between 国の共通ルール and 本市の取扱い, false between two sources of one layer.
    pub between_layers: bool,
    /// What is said to the reader.
    pub message: String,
    /// The common rule first; inside a layer the higher authority, then the newer one.
    pub sides: [Side; 2],
}

/// One side of a difference: a statement, word for word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Side {
    /// Number of the source.
    pub number: usize,
    /// 国の共通ルール or 本市の取扱い
    pub layer: &'static str,
    pub citation: String,
    /// 法律, 通知, …
    pub authority_label: &'static str,
    /// 基準日 of the document.
    pub as_of: jiff::civil::Date,
    pub text: String,
    /// Bytes of `text` that decide, in order.
    pub marks: Vec<Range<usize>>,
}

/// What a source says to the question.
#[derive(Clone, Debug)]
pub(super) struct Statement<'s> {
    pub(super) source: &'s Source,
    pub(super) score: f32,
    pub(super) text: String,
    /// With what stands above it: a heading often names the matter that the sentence leaves out.
    context: String,
}

impl Statement<'_> {
    fn scope(&self) -> Scope {
        self.source.passage.scope
    }
}

/// The best statement of each document that answers, best first.
pub(super) fn statements<'s>(
    question: &str,
    relevance: &Relevance,
    sources: impl Iterator<Item = &'s Source>,
) -> Vec<Statement<'s>> {
    let wanted = Wanted::of(question);
    let mut found: Vec<Statement<'s>> = Vec::new();
    for source in sources {
        let Some(best) = best_statement(&wanted, relevance, source) else { continue };
        let same = |other: &Statement<'_>| {
            other.source.dataset.id == source.dataset.id
                && other.source.passage.path == source.passage.path
        };
        match found.iter_mut().find(|other| same(other)) {
            Some(other) if other.score >= best.score => {}
            Some(other) => *other = best,
            None => found.push(best),
        }
    }
    found.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.source.rank.cmp(&b.source.rank)));
    let most = found.first().map_or(0.0, |best| best.score);
    found.retain(|statement| statement.score >= most * ANSWERS);
    found
}

/// The sentence, item or row that answers best, with what it leans on.
fn best_statement<'s>(
    wanted: &Wanted,
    relevance: &Relevance,
    source: &'s Source,
) -> Option<Statement<'s>> {
    let text = &source.passage.text;
    let units = units(text, LONG_CHARS.max(SHOWN_CHARS));
    let scored = units.iter().map(|unit| {
        let mut needs: Vec<Range<usize>> =
            unit.needs.iter().map(|need| units[*need].range.clone()).collect();
        needs.push(unit.range.clone());
        needs.sort_by_key(|range| range.start);
        let said = joined(text, &needs);
        let share = relevance.share(&format!("{}\n{said}", source.citation));
        let brevity = 1.0 / (1.0 + said.chars().count() as f32 / 400.0);
        let value = if wanted.stands_in(&said) { VALUE } else { 0.0 };
        ((share + value) * brevity, share, said)
    });
    let best = scored.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
    let (score, share, text) = best;
    let context = format!("{}\n{text}", source.citation);
    (share >= SHARE_LEAST).then_some(Statement { source, score, text, context })
}

/// Pieces of a text in its order, with 「…」 where something between them is left out.
fn joined(text: &str, pieces: &[Range<usize>]) -> String {
    let (mut said, mut end) = (String::new(), None);
    for piece in pieces {
        if let Some(end) = end.filter(|end| *end < piece.start) {
            let between = &text[end..piece.start];
            said.push_str(if between.trim().is_empty() { between } else { "…" });
        }
        said.push_str(&text[piece.clone()]);
        end = Some(piece.end);
    }
    said
}

/// The differences among statements: at most one between the layers and one inside a layer.
pub(super) fn differences(question: &str, statements: &[Statement<'_>]) -> Vec<Difference> {
    let wanted = Wanted::of(question);
    let mut found: [Option<(f32, Difference)>; 2] = [None, None];
    for (at, one) in statements.iter().enumerate() {
        for other in &statements[at + 1..] {
            let across = one.scope() != other.scope();
            let score = one.score * other.score;
            let place = &mut found[usize::from(!across)];
            if place.as_ref().is_some_and(|(best, _)| *best >= score) {
                continue;
            }
            if let Some(marks) = conflict(&wanted, one, other, across) {
                *place = Some((score, difference(one, other, marks, across)));
            }
        }
    }
    found.into_iter().flatten().map(|(_, difference)| difference).collect()
}

type Marks = [Vec<Range<usize>>; 2];

/// What differs, as bytes of each statement; `None` where nothing that decides does.
fn conflict(
    wanted: &Wanted,
    one: &Statement<'_>,
    other: &Statement<'_>,
    across: bool,
) -> Option<Marks> {
    let least = if across { SAME_ACROSS } else { SAME_WITHIN };
    let (shared, likeness) = wanted.shared(&one.context, &other.context);
    if likeness < least {
        return None;
    }
    let (left, right) = (values::values(&one.text), values::values(&other.text));
    let kinds: BTreeSet<Kind> = left.iter().map(|value| value.kind).collect();
    let mut marks = Marks::default();
    for kind in kinds.into_iter().filter(|kind| wanted.takes(*kind)) {
        let of = |all: &[Value]| -> Vec<Value> {
            all.iter().filter(|value| value.kind == kind).cloned().collect()
        };
        let (left, right) = (of(&left), of(&right));
        let within = |some: &[Value], all: &[Value]| {
            some.iter().all(|value| all.iter().any(|other| other.key == value.key))
        };
        if right.is_empty() || within(&left, &right) || within(&right, &left) {
            continue;
        }
        let only = |some: &[Value], all: &[Value]| -> Vec<Range<usize>> {
            let own = some.iter().filter(|value| !all.iter().any(|each| each.key == value.key));
            own.map(|value| value.range.clone()).collect()
        };
        marks[0].extend(only(&left, &right));
        marks[1].extend(only(&right, &left));
    }
    if marks[0].is_empty() && wanted.kinds.is_empty() {
        let (left, right) = (values::duty(&one.text)?, values::duty(&other.text)?);
        if left.0.contradicts(right.0) && shared >= SHARED_PAIRS {
            marks = [vec![left.1], vec![right.1]];
        }
    }
    marks.iter_mut().for_each(|side| side.sort_by_key(|range| range.start));
    (!marks[0].is_empty() && !marks[1].is_empty()).then_some(marks)
}

fn difference(
    one: &Statement<'_>,
    other: &Statement<'_>,
    marks: Marks,
    across: bool,
) -> Difference {
    let [left, right] = marks;
    let mut pair = [(one, left), (other, right)];
    pair.sort_by_key(|(statement, _)| {
        let passage = &statement.source.passage;
        (passage.scope == Scope::Local, passage.authority, std::cmp::Reverse(passage.as_of))
    });
    let numbers = [0, 1].map(|at| pair[at].0.source.number);
    let message = match across {
        true => format!(
            "{COMMON}[{}]と{LOCAL}[{}]に違いがある可能性があります。両方の原文を確かめてください。",
            numbers[0], numbers[1]
        ),
        false => format!(
            "資料[{}]と資料[{}]の記載に違いがある可能性があります。両方の原文を確かめてください。",
            numbers[0], numbers[1]
        ),
    };
    let sides = pair.map(|(statement, marks)| side(statement, marks));
    Difference { between_layers: across, message, sides }
}

fn side(statement: &Statement<'_>, mut marks: Vec<Range<usize>>) -> Side {
    let source = statement.source;
    let mut text = statement.text.clone();
    if let Some((end, _)) = text.char_indices().nth(SHOWN_CHARS) {
        marks.retain(|mark| mark.end <= end);
        text.truncate(end);
        text.push('…');
    }
    Side {
        number: source.number,
        layer: scope_title(source.passage.scope),
        citation: source.citation.clone(),
        authority_label: source.authority_label,
        as_of: source.passage.as_of,
        text,
        marks,
    }
}

/// What a question asks for.
#[derive(Debug)]
struct Wanted {
    /// Kinds of values; empty where it asks for none.
    kinds: Vec<Kind>,
    pairs: BTreeSet<[char; 2]>,
}

impl Wanted {
    fn of(question: &str) -> Self {
        let folded = fold(question);
        let mut kinds = asked_by_word(&folded);
        if kinds.is_empty() {
            kinds = asked_by_subject(&folded);
        }
        Self { kinds, pairs: pairs(&folded) }
    }

    /// Whether values of a kind can make a difference. A question that asks for no value is not
    /// answered by a date: two texts seldom name the same ones.
    fn takes(&self, kind: Kind) -> bool {
        match self.kinds.is_empty() {
            true => !matches!(kind, Kind::Date | Kind::Clock | Kind::Count(_)),
            false => self.kinds.contains(&kind),
        }
    }

    fn stands_in(&self, text: &str) -> bool {
        !self.kinds.is_empty()
            && values::values(text).iter().any(|value| self.kinds.contains(&value.kind))
    }

    /// How many pairs of kanji the question and both texts share, and what part that is of those
    /// that the one which has more of them shares with the question.
    fn shared(&self, one: &str, other: &str) -> (usize, f32) {
        let (one, other) = (pairs(&fold(one)), pairs(&fold(other)));
        let of = |text: &BTreeSet<[char; 2]>| self.pairs.intersection(text).count();
        let both = self.pairs.iter().filter(|pair| one.contains(*pair) && other.contains(*pair));
        let shared = both.count();
        (shared, shared as f32 / of(&one).max(of(&other)).max(1) as f32)
    }
}

/// Kinds that the question asks for by a word of asking.
fn asked_by_word(folded: &str) -> Vec<Kind> {
    let mut kinds = Vec::new();
    if ["いくら", "何円", "上限額"].iter().any(|word| folded.contains(word)) {
        kinds.push(Kind::Money);
    }
    if folded.contains("いつ") {
        kinds.extend([Kind::Date, Kind::Period]);
    }
    for (at, asks) in folded.match_indices('何') {
        let counted = &folded[at + asks.len()..];
        let Some(first) = counted.chars().next() else { continue };
        kinds.extend(match first {
            '割' | '%' => vec![Kind::Share],
            '時' if !counted.starts_with("時間") => vec![Kind::Clock],
            '月' => vec![Kind::Date],
            '日' | '年' => vec![Kind::Period, Kind::Date],
            '分' if counted.starts_with("分の") => vec![Kind::Share],
            '週' | 'か' | 'ヶ' | '箇' | '時' | '分' => vec![Kind::Period],
            c => vec![Kind::Count(c)],
        });
    }
    kinds
}

/// Kinds that lie in the subject of a question without such a word: 手数料はかかりますか.
fn asked_by_subject(folded: &str) -> Vec<Kind> {
    const SUBJECTS: [(&str, &[Kind]); 11] = [
        ("手数料", &[Kind::Money]),
        ("使用料", &[Kind::Money]),
        ("料金", &[Kind::Money]),
        ("金額", &[Kind::Money]),
        ("費用", &[Kind::Money]),
        ("保存期間", &[Kind::Period]),
        ("期間", &[Kind::Period, Kind::Date]),
        ("期限", &[Kind::Period, Kind::Date]),
        ("受付時間", &[Kind::Clock]),
        ("割合", &[Kind::Share]),
        ("補助率", &[Kind::Share]),
    ];
    let named = SUBJECTS.iter().filter(|(word, _)| folded.contains(word));
    named.flat_map(|(_, kinds)| kinds.iter().copied()).collect()
}

/// Pairs of neighbouring kanji or katakana.
fn pairs(folded: &str) -> BTreeSet<[char; 2]> {
    let chars: Vec<char> = folded.chars().collect();
    let telling = |c: char| is_kanji(c) || is_katakana(c);
    let neighbours = chars.windows(2).filter(|pair| telling(pair[0]) && telling(pair[1]));
    neighbours.map(|pair| [pair[0], pair[1]]).collect()
}
