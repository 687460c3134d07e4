//! The two layers of an answer: 国の共通ルール (通例) and 本市の取扱い (固有).
//!
//! What a person uploaded stands apart from both, as アップロードした資料.
//!
//! [`Layers`] is made when sources have been found. It knows which of them answer and where they
//! differ, and sums up a finished answer: its sentences under the layer whose sources they cite,
//! the differences that touch what is cited, and a note where the answer stands on the
//! municipality's own handling alone. All of it is decided in code from the sources, not by the
//! model: a model that overlooks a difference does not hide it.

mod differences;
mod values;

use std::ops::Range;

use serde::Serialize;

use super::checking::MARK;
use super::types::{AnswerKind, Source};
use crate::document::Scope;
use crate::search::Relevance;
use crate::text::sentence_ranges;
pub use differences::{Difference, Side};

/// The layers as the interface names them.
pub(super) const COMMON: &str = "国の共通ルール";
pub(super) const LOCAL: &str = "本市の取扱い";
const UPLOAD: &str = "アップロードした資料";
const BOTH: &str = "両方に関わること";

/// Words by which a local rule says that it is an exception.
const EXCEPTION: [&str; 8] =
    ["かかわらず", "ただし", "免除", "特例", "除く", "適用しない", "この限りでない", "ことなく"];

/// The name of a layer in the interface.
pub fn scope_title(scope: Scope) -> &'static str {
    match scope {
        Scope::Common => COMMON,
        Scope::Local => LOCAL,
        Scope::Upload => UPLOAD,
    }
}

/// How an answer stands on the two layers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LayerSummary {
    /// The answer's sentences by layer, the common one first; empty where the answer cites one
    /// layer only, and then the text stands as it was written.
    pub groups: Vec<LayerGroup>,
    /// Where sources may differ: between the layers, or among sources of which the answer cites
    /// one at least.
    pub differences: Vec<Difference>,
}

/// Sentences of an answer that rest on one layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LayerGroup {
    /// `None` for sentences that cite both layers.
    pub scope: Option<Scope>,
    pub label: &'static str,
    pub text: String,
}

/// What is known of the sources of one question.
#[derive(Debug, Default)]
pub(super) struct Layers {
    /// Number and scope of each source.
    scopes: Vec<(usize, Scope)>,
    /// Number of the source of the common rule that answers best.
    common: Option<usize>,
    /// Numbers of local sources whose statement reads as an exception.
    exceptions: Vec<usize>,
    differences: Vec<Difference>,
    /// Whether the choice of data leaves the common layer out.
    without_common: bool,
}

impl Layers {
    /// `scopes`: those that the choice of data takes; `None` is all.
    pub(super) fn of(
        question: &str,
        relevance: &Relevance,
        sources: &[Source],
        scopes: Option<&[Scope]>,
    ) -> Self {
        // An upload is whatever it is: that it differs from a rule is no news.
        let ruled = sources.iter().filter(|source| source.passage.scope != Scope::Upload);
        let statements = differences::statements(question, relevance, ruled);
        let of_scope = |scope: Scope| {
            statements.iter().filter(move |statement| statement.source.passage.scope == scope)
        };
        let excepts = |text: &str| EXCEPTION.iter().any(|word| text.contains(word));
        Self {
            scopes: sources.iter().map(|s| (s.number, s.passage.scope)).collect(),
            common: of_scope(Scope::Common).next().map(|statement| statement.source.number),
            exceptions: of_scope(Scope::Local)
                .filter(|statement| excepts(&statement.text))
                .map(|statement| statement.source.number)
                .collect(),
            differences: differences::differences(question, &statements),
            without_common: scopes.is_some_and(|taken| !taken.contains(&Scope::Common)),
        }
    }

    /// Sums up an answer by its text and the numbers that it cites.
    pub(super) fn sum_up(&self, kind: AnswerKind, text: &str, cited: &[usize]) -> LayerSummary {
        if !matches!(kind, AnswerKind::Generated | AnswerKind::Excerpt) {
            return LayerSummary::default();
        }
        // Between the layers a difference counts whatever the model cites: a model that cites
        // another passage of the same document must not hide it.
        let touches = |difference: &&Difference| {
            let cites = difference.sides.iter().any(|side| cited.contains(&side.number));
            difference.between_layers || cites
        };
        LayerSummary {
            groups: self.groups(text),
            differences: self.differences.iter().filter(touches).cloned().collect(),
        }
    }

    /// What is said beside an answer in plain words, for every way in which it is read.
    pub(super) fn notes(
        &self,
        kind: AnswerKind,
        summary: &LayerSummary,
        cited: &[usize],
    ) -> Vec<String> {
        if !matches!(kind, AnswerKind::Generated | AnswerKind::Excerpt) {
            return Vec::new();
        }
        let messages = summary.differences.iter().map(|difference| difference.message.clone());
        self.local_only(cited).into_iter().chain(messages).collect()
    }

    /// The note on an answer that cites nothing of the common layer.
    fn local_only(&self, cited: &[usize]) -> Option<String> {
        let scopes: Vec<Scope> = cited.iter().filter_map(|number| self.scope(*number)).collect();
        if scopes.is_empty() || scopes.contains(&Scope::Common) {
            return None;
        }
        if !scopes.contains(&Scope::Local) {
            return Some(format!(
                "{UPLOAD}のみに基づく回答です。{COMMON}や{LOCAL}に合っているかは、確かめていません。"
            ));
        }
        let excepted = cited.iter().any(|number| self.exceptions.contains(number));
        Some(match self.common {
            None if self.without_common => format!(
                "{LOCAL}のみに基づく回答です。{COMMON}は、選ばれた区分に含まれないため、調べていません。"
            ),
            None => format!(
                "本市独自の取扱いのみに基づく回答です。{COMMON}は選ばれたデータセットに見つかりませんでした。"
            ),
            Some(common) if excepted => format!(
                "本市の例外的な取扱いのみに基づく回答です。原則となる{COMMON}[{common}]もあわせて確かめてください。"
            ),
            Some(common) => format!(
                "{LOCAL}のみに基づく回答です。{COMMON}[{common}]もあわせて確かめてください。"
            ),
        })
    }

    fn scope(&self, number: usize) -> Option<Scope> {
        self.scopes.iter().find(|(known, _)| *known == number).map(|(_, scope)| *scope)
    }

    /// The text by layer; empty unless both are there.
    fn groups(&self, text: &str) -> Vec<LayerGroup> {
        let pieces = pieces(text);
        let mut layers: Vec<Option<Layer>> =
            pieces.iter().map(|piece| self.layer(&text[piece.range.clone()])).collect();
        lean(&mut layers);
        let order = [
            (Layer::Of(Scope::Common), COMMON),
            (Layer::Of(Scope::Local), LOCAL),
            (Layer::Of(Scope::Upload), UPLOAD),
            (Layer::Both, BOTH),
        ];
        let groups: Vec<LayerGroup> = order
            .into_iter()
            .map(|(layer, label)| {
                let own = pieces.iter().zip(&layers).filter(|(_, of)| **of == Some(layer));
                let scope = match layer {
                    Layer::Of(scope) => Some(scope),
                    Layer::Both => None,
                };
                LayerGroup { scope, label, text: gather(text, own.map(|(piece, _)| piece)) }
            })
            .collect();
        let layers = groups.iter().filter(|group| group.scope.is_some() && !group.text.is_empty());
        match layers.count() < 2 {
            true => Vec::new(),
            false => groups.into_iter().filter(|group| !group.text.is_empty()).collect(),
        }
    }

    /// The layer whose sources a sentence cites; `None` where it cites nothing.
    fn layer(&self, sentence: &str) -> Option<Layer> {
        let mut scopes: Vec<Scope> =
            citations(sentence).filter_map(|number| self.scope(number)).collect();
        scopes.dedup();
        match scopes.as_slice() {
            [] => None,
            [scope] => Some(Layer::Of(*scope)),
            _ => Some(Layer::Both),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer {
    Of(Scope),
    Both,
}

/// A sentence with its citations, and whether it begins a line.
struct Piece {
    range: Range<usize>,
    opens_line: bool,
}

/// The sentences of an answer, each with the citations behind it.
fn pieces(text: &str) -> Vec<Piece> {
    let mut found: Vec<Piece> = Vec::new();
    for mut range in sentence_ranges(text) {
        let before = found.last().map_or(0, |piece| piece.range.end);
        let opens_line = found.is_empty() || text[before..range.start].contains('\n');
        if let Some(last) = found.last_mut().filter(|_| !opens_line) {
            let own = range.start + leading_citations(&text[range.clone()]);
            last.range.end = last.range.end.max(own.min(range.end));
            range.start = own;
            let blank = text[range.clone()].len() - text[range.clone()].trim_start().len();
            range.start += blank;
        }
        if !range.is_empty() {
            found.push(Piece { range, opens_line });
        }
    }
    found
}

/// Bytes of what belongs to the sentence before: its citations and the mark 根拠未確認.
fn leading_citations(text: &str) -> usize {
    let mut length = 0;
    loop {
        let rest = &text[length..];
        if rest.starts_with(MARK) {
            length += MARK.len();
            continue;
        }
        let Some((inner, _)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) else {
            return length;
        };
        if inner.is_empty() || !inner.bytes().all(|byte| byte.is_ascii_digit()) {
            return length;
        }
        length += inner.len() + 2;
    }
}

/// The numbers that a text cites as `[n]`.
fn citations(text: &str) -> impl Iterator<Item = usize> {
    text.split('[').skip(1).filter_map(|part| part.split_once(']')?.0.parse().ok())
}

/// A sentence without a citation goes with the next one that has some, or the one before.
fn lean(layers: &mut [Option<Layer>]) {
    let mut next = None;
    for layer in layers.iter_mut().rev() {
        next = layer.or(next);
        *layer = next;
    }
    let mut before = None;
    for layer in layers.iter_mut() {
        before = layer.or(before);
        *layer = before;
    }
}

fn gather<'p>(text: &str, pieces: impl Iterator<Item = &'p Piece>) -> String {
    let mut gathered = String::new();
    for piece in pieces {
        if piece.opens_line && !gathered.is_empty() {
            gathered.push('\n');
        }
        gathered.push_str(&text[piece.range.clone()]);
    }
    gathered
}

#[cfg(test)]
mod tests;
