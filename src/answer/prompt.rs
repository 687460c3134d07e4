//! The prompt: instructions, numbered passages and the question, within a budget of tokens.
//!
//! What changes least comes first, so that the engine finds the beginnings of prompts computed
//! already: the instructions, then the passages in an order of their own (data set, document, place
//! in it) whatever their rank, then the question. The same passages found in another order give
//! the same tokens.
//!
//! Where all passages fit whole they are given whole, and another question about them shares them.
//! Where they do not, each is cut to what this question needs (`trim`), and another question
//! shares only what comes before the first passage that is cut otherwise. That is the trade: a
//! prompt of 400 tokens that nothing is shared of is read sooner than one of 1,500 of which the
//! half is, and the first question about a matter is the one that people wait for. Tried and left:
//! giving a passage in the form in which it was given last; then an answer would depend on what
//! others had asked before.

use std::fmt::Write;

use super::layers::scope_title;
use super::trim::{LONG_CHARS, Plan, SHORT_CHARS};
use super::types::ChatTurn;
use crate::document::Passage;
use crate::search::Relevance;

/// What the model is told before every question.
pub(super) const INSTRUCTIONS: &str = "あなたは自治体職員を助ける業務アシスタントです。\
資料だけを根拠に、日本語で簡潔に答えてください。\
文ごとに根拠の資料の番号を[1]のように付けてください。\
資料に答えがないときは「該当なし」とだけ答えてください。\
資料の「…」は、途中を省いた印です。";

/// … and beside that, where the passages stand in two layers.
pub(super) const LAYERED: &str = "資料は「国の共通ルール」と「本市の取扱い」に分かれています。両方に答えがあるときは、国の共通ルール、本市の取扱いの順に、見出しを付けずに文を分けて書き、内容が違うときは、どう違うかを書いてください。";

/// What the model is told before a question with choices.
pub(super) const CHOOSE: &str = "あなたは自治体職員を助ける業務アシスタントです。\
資料だけを根拠に、正しい選択肢の記号を答えてください。";

/// A passage is left out rather than cut below this many tokens.
const LEAST_TOKENS: usize = 48;

/// How much less a passage's sentences are worth for each place that it was found behind the first.
const RANK: f32 = 0.15;

/// Times that a prompt is cut again because it came out longer than its parts.
const ROUNDS: usize = 8;

/// A passage that may be given, under the number by which the answer cites it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Given<'p> {
    pub(super) number: usize,
    /// Place in the order of the search, from 1: the last ones are left out first.
    pub(super) rank: usize,
    pub(super) passage: &'p Passage,
}

/// What a prompt is made for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'q> {
    pub(super) instructions: &'q str,
    pub(super) question: &'q str,
    pub(super) relevance: &'q Relevance,
    /// The layers under headings of their own, with the authority of each passage: for models that
    /// can follow it. The self-test model was trained on one list, and is given one: there the
    /// layers are apart by their order alone (`sources::number`).
    pub(super) layered: bool,
}

/// Turns for the chat template, and which passages they hold.
#[derive(Debug)]
pub(super) struct Prompt {
    pub(super) turns: Vec<ChatTurn>,
    /// Numbers of the passages given, ascending.
    pub(super) numbers: Vec<usize>,
}

/// Fits as many passages as the budget allows, in the order in which they come. `count` gives the
/// tokens of rendered turns, `text_tokens` those of a piece of text. `None` when not even one
/// passage fits.
///
/// # Errors
/// What `count` gave.
pub(super) fn build<E>(
    asked: Asked<'_>,
    passages: &[Given<'_>],
    budget_tokens: usize,
    count: impl Fn(&[ChatTurn]) -> Result<usize, E>,
    text_tokens: impl Fn(&str) -> usize,
) -> Result<Option<Prompt>, E> {
    let most = passages.len();
    for (given, long_chars) in
        (1..=most).rev().map(|given| (given, LONG_CHARS)).chain([(most.min(1), SHORT_CHARS)])
    {
        let page = Page::of(asked, passages, given);
        let frame = count(&page.turns(&vec![String::new(); given]))?;
        let Some(room) = budget_tokens.checked_sub(frame) else { continue };
        if given == 0 || room < given * LEAST_TOKENS {
            continue;
        }
        let whole: Vec<String> = page.given.iter().map(|g| g.passage.text.clone()).collect();
        let turns = page.turns(&whole);
        if count(&turns)? <= budget_tokens {
            return Ok(Some(page.prompt(turns)));
        }
        let mut plans: Vec<Plan<'_>> = page
            .given
            .iter()
            .map(|g| Plan::new(&g.passage.text, asked.relevance, long_chars, &text_tokens))
            .collect();
        let mut allowed = room;
        for _ in 0..ROUNDS {
            let Some(steps) = page.share_out(&mut plans, allowed) else { break };
            let texts: Vec<String> =
                plans.iter().zip(&steps).map(|(plan, steps)| plan.text(*steps)).collect();
            let turns = page.turns(&texts);
            let used = count(&turns)?;
            if used <= budget_tokens {
                return Ok(Some(page.prompt(turns)));
            }
            allowed = allowed.saturating_sub(used - budget_tokens);
        }
    }
    Ok(None)
}

/// The passages of one try, in the order of the prompt.
struct Page<'p> {
    asked: Asked<'p>,
    given: Vec<Given<'p>>,
}

impl<'p> Page<'p> {
    /// The `count` best passages.
    fn of(asked: Asked<'p>, passages: &[Given<'p>], count: usize) -> Self {
        let mut ranks: Vec<usize> = passages.iter().map(|given| given.rank).collect();
        ranks.sort_unstable();
        ranks.truncate(count);
        let given = passages.iter().filter(|given| ranks.contains(&given.rank)).copied();
        Self { asked, given: given.collect() }
    }

    fn turns(&self, texts: &[String]) -> Vec<ChatTurn> {
        let mut content = String::new();
        let mut layer = None;
        for (given, text) in self.given.iter().zip(texts) {
            let passage = given.passage;
            // Writing to a String cannot fail.
            let _ = if self.asked.layered {
                if layer.replace(passage.scope) != Some(passage.scope) {
                    let _ = write!(content, "【{}】\n\n", scope_title(passage.scope));
                }
                let authority = passage.authority.label_in(passage.scope);
                let citation = passage.citation();
                write!(content, "[{}] {citation}（{authority}）\n{text}\n\n", given.number)
            } else {
                write!(content, "[{}] {}\n{text}\n\n", given.number, passage.citation())
            };
        }
        let _ = write!(content, "質問：{}", self.asked.question);
        // An assistant's own instructions say what its output looks like, and stand alone.
        let system = match self.asked.layered && self.asked.instructions == INSTRUCTIONS {
            true => format!("{}{LAYERED}", self.asked.instructions),
            false => self.asked.instructions.to_owned(),
        };
        vec![
            ChatTurn { role: "system".to_owned(), content: system },
            ChatTurn { role: "user".to_owned(), content },
        ]
    }

    fn prompt(&self, turns: Vec<ChatTurn>) -> Prompt {
        let mut numbers: Vec<usize> = self.given.iter().map(|given| given.number).collect();
        numbers.sort_unstable();
        Prompt { turns, numbers }
    }

    /// How many steps of each plan fit into `room` tokens together: the first of each, then what
    /// is worth most. `None` when the first ones do not fit.
    fn share_out(&self, plans: &mut [Plan<'_>], room: usize) -> Option<Vec<usize>> {
        let firsts = |plans: &[Plan<'_>]| -> usize {
            plans.iter().filter_map(|plan| plan.steps().first()).map(|step| step.tokens).sum()
        };
        if firsts(plans) > room {
            plans.iter_mut().for_each(Plan::part_first);
        }
        let mut left = room.checked_sub(firsts(plans))?;
        let mut taken: Vec<usize> = plans.iter().map(|plan| plan.steps().len().min(1)).collect();
        loop {
            let next = |at: usize| plans[at].steps().get(taken[at]);
            let worth = |at: usize| {
                let behind = self.given[at].rank.saturating_sub(1) as f32;
                next(at).map_or(0.0, |step| step.worth) / (1.0 + RANK * behind)
            };
            let fits = |at: &usize| next(*at).is_some_and(|step| step.tokens <= left);
            let best = (0..plans.len())
                .filter(fits)
                .reduce(|best, at| if worth(at) > worth(best) { at } else { best });
            let Some(best) = best else { return Some(taken) };
            left -= plans[best].steps()[taken[best]].tokens;
            taken[best] += 1;
        }
    }
}

#[cfg(test)]
mod tests;
