//! What a step computes: a token of everybody who reads along, with guesses behind it, and a
//! piece of prompt.
//!
//! Prompts go in turns: who has least left first, and every token that others are given before
//! counts like one less, so that nobody waits for ever.

#[cfg(test)]
mod tests;

use super::pace::Pace;
use super::sequence::Sequence;
use crate::llm::kv_cache::BLOCK;

/// One sequence's part of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) slot: usize,
    /// Tokens of its own, from the first that is not computed on.
    pub(super) tokens: usize,
    /// Guesses behind them.
    pub(super) draft: Vec<u32>,
}

/// A step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) turns: Vec<Turn>,
    /// Rows that are decoded or guessed, and prompt tokens.
    pub(super) rows: usize,
    pub(super) prompt: usize,
}

/// Plans a step. `speculation` allows guesses.
pub(super) fn plan(
    sequences: &mut [Sequence],
    pace: &Pace,
    speculation: bool,
    context_tokens: usize,
) -> Plan {
    let rows = sequences.iter().filter(|sequence| sequence.is_decoding()).count();
    let mut plan = Plan { rows, ..Plan::default() };
    for sequence in sequences.iter_mut().filter(|sequence| sequence.is_decoding()) {
        let most = sequence.left(context_tokens).saturating_sub(1);
        let draft = match speculation && most > 0 {
            true => draft(sequence, pace, plan.rows, most),
            false => Vec::new(),
        };
        plan.rows += draft.len();
        plan.turns.push(Turn { slot: sequence.slot, tokens: 1, draft });
    }
    let room = pace.chunk(plan.rows);
    add_prompts(&mut plan, sequences, room);
    plan
}

fn draft(sequence: &mut Sequence, pace: &Pace, rows: usize, most: usize) -> Vec<u32> {
    let mut draft = sequence.drafter.draft(&sequence.tokens, most);
    // What may not come is a wrong guess already.
    draft.truncate(sequence.sampler.admits(&draft));
    if draft.is_empty() || pace.pays(rows, draft.len(), sequence.drafter.expected(draft.len())) {
        return draft;
    }
    sequence.drafter.pause();
    Vec::new()
}

fn add_prompts(plan: &mut Plan, sequences: &mut [Sequence], mut room: usize) {
    let mut order: Vec<usize> =
        (0..sequences.len()).filter(|index| !sequences[*index].is_decoding()).collect();
    order.sort_by_key(|index| {
        let sequence = &sequences[*index];
        (sequence.pending() as i64 - sequence.yielded as i64, sequence.turn)
    });
    let mut given = vec![0; sequences.len()];
    for &index in &order {
        let sequence = &sequences[index];
        let is_being_computed = order.iter().any(|&other| {
            given[other] > 0 && computes_beginning(&sequences[other], given[other], sequence)
        });
        if room == 0 || is_being_computed {
            continue;
        }
        let tokens = whole_blocks(sequence, room);
        given[index] = tokens;
        room -= tokens;
        plan.prompt += tokens;
        plan.turns.push(Turn { slot: sequence.slot, tokens, draft: Vec::new() });
    }
    for index in order {
        sequences[index].yielded += plan.prompt - given[index];
    }
}

/// Whether `first`, with `given` tokens in this step, computes what `second` needs next, too: it
/// is ready for both in the next step.
fn computes_beginning(first: &Sequence, given: usize, second: &Sequence) -> bool {
    let end = second.computed + BLOCK;
    let in_reach = first.computed <= second.computed && end <= first.computed + given;
    in_reach && second.tokens.len() > end && first.tokens[..end] == second.tokens[..end]
}

/// Up to `room` tokens of a prompt, to the end of a block where it does not end itself: others
/// can join only there.
fn whole_blocks(sequence: &Sequence, room: usize) -> usize {
    let end = sequence.computed + room;
    if end >= sequence.tokens.len() {
        return sequence.pending();
    }
    match (end / BLOCK * BLOCK).saturating_sub(sequence.computed) {
        0 => room,
        whole => whole,
    }
}
