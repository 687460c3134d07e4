//! Does what answers survive the cut? Prompts are built as for an answer, at several budgets, and
//! looked through for the words that answer.

use serde::Serialize;

use crate::answer::ChatTurn;
use crate::answer::pace::FLOOR_TOKENS;
use crate::answer::prompt::{self, Asked, Given, INSTRUCTIONS};
use crate::document::Passage;
use crate::search::Relevance;

/// Budgets looked at, in tokens behind the instructions, which every prompt shares; the second is
/// what the slowest box gets.
pub const BUDGETS_TOKENS: [usize; 5] = [300, FLOOR_TOKENS, 500, 800, 1200];

/// How often what answers was still in the prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Survival {
    /// Questions whose answer stood in the passages that were found.
    pub of: usize,
    /// … and in the prompt, for each of [`BUDGETS_TOKENS`].
    pub kept: [usize; 5],
}

impl Survival {
    /// Counts one question. `passages` are those found, best first; `answers` tells whether a text
    /// holds the answer; `tokens` counts the tokens of a text.
    pub fn count(
        &mut self,
        question: &str,
        relevance: &Relevance,
        passages: &[Passage],
        answers: impl Fn(&str) -> bool,
        tokens: impl Fn(&str) -> usize,
    ) {
        if !passages.iter().any(|passage| answers(&passage.text)) {
            return;
        }
        self.of += 1;
        for (kept, budget) in self.kept.iter_mut().zip(BUDGETS_TOKENS) {
            let texts = cut(question, relevance, passages, budget, &tokens);
            *kept += usize::from(texts.is_some_and(|texts| answers(&texts)));
        }
    }

    /// The shares that were kept, in percent.
    pub fn percent(&self) -> [f64; 5] {
        self.kept.map(|kept| kept as f64 * 100.0 / self.of.max(1) as f64)
    }
}

/// The passages as a prompt of so many tokens holds them, with their names; `None` when it holds
/// none.
pub fn cut(
    question: &str,
    relevance: &Relevance,
    passages: &[Passage],
    budget_tokens: usize,
    tokens: impl Fn(&str) -> usize,
) -> Option<String> {
    let asked = Asked { instructions: INSTRUCTIONS, question, relevance, layered: false };
    let given: Vec<Given<'_>> = (1..)
        .zip(passages)
        .map(|(number, passage)| Given { number, rank: number, passage })
        .collect();
    let count = |turns: &[ChatTurn]| {
        let users = turns.iter().filter(|turn| turn.role == "user");
        Ok::<_, std::convert::Infallible>(users.map(|turn| tokens(&turn.content)).sum())
    };
    let Ok(built) = prompt::build(asked, &given, budget_tokens, count, &tokens);
    let mut turns = built?.turns;
    let mut content = turns.pop()?.content;
    content.truncate(content.len() - question.len());
    Some(content)
}
