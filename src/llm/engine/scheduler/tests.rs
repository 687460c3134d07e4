//! What a step holds.

use std::time::Duration;

use tokio::sync::mpsc::unbounded_channel;

use super::super::queue::Owner;
use super::super::sequence::NewSequence;
use super::*;
use crate::llm::sampler::{Sampler, Sampling};

const CONTEXT: usize = 4096;

/// So fast a machine that `most` alone bounds a chunk.
fn pace(most: usize) -> Pace {
    let mut pace = Pace::new(Duration::from_millis(300), (most, most));
    pace.record(0, 1000, Duration::from_millis(1));
    pace
}

/// A sequence in a slot with so many of its tokens computed.
fn sequence(slot: usize, tokens: Vec<u32>, computed: usize) -> Sequence {
    let new = NewSequence {
        owner: Owner::Alone(slot as u64),
        events: unbounded_channel().0,
        prompt: tokens,
        max_tokens: 100,
        eos: Vec::new(),
        sampler: Sampler::new(Sampling::default()).unwrap(),
    };
    let mut sequence = Sequence::new(new);
    (sequence.slot, sequence.turn, sequence.computed) = (slot, slot as u64, computed);
    sequence
}

/// A prompt that shares no beginning with that of another slot.
fn prompt(slot: usize, length: usize) -> Vec<u32> {
    (0..length).map(|i| (slot * 10_000 + i) as u32).collect()
}

fn turns(plan: &Plan) -> Vec<(usize, usize, usize)> {
    plan.turns.iter().map(|turn| (turn.slot, turn.tokens, turn.draft.len())).collect()
}

#[test]
fn who_reads_along_comes_first_then_the_shortest_prompt() {
    let mut sequences = vec![
        sequence(0, prompt(0, 900), 0),
        sequence(1, prompt(1, 50), 49),
        sequence(2, prompt(2, 40), 0),
        sequence(3, prompt(3, 70), 69),
    ];
    let plan = plan(&mut sequences, &pace(104), true, CONTEXT);
    // 40 of the short one; of the rest of 104 the whole blocks.
    assert_eq!(turns(&plan), [(1, 1, 0), (3, 1, 0), (2, 40, 0), (0, 64, 0)]);
    assert_eq!((plan.rows, plan.prompt), (2, 104));
    assert_eq!((sequences[0].yielded, sequences[2].yielded), (40, 64));
}

/// Somebody with a long prompt, while short ones keep coming.
#[test]
fn a_long_prompt_does_not_wait_for_ever() {
    let mut sequences = vec![sequence(0, prompt(0, 2000), 0)];
    let mut steps = 0;
    while sequences.iter().any(|sequence| sequence.slot == 0 && sequence.pending() > 0) {
        steps += 1;
        assert!(steps < 200, "it never gets its turn");
        sequences.push(sequence(steps, prompt(steps, 128), 0));
        for turn in plan(&mut sequences, &pace(128), false, CONTEXT).turns {
            let mut taken = sequences.iter_mut().filter(|s| s.slot == turn.slot);
            taken.next().unwrap().computed += turn.tokens;
        }
        sequences.retain(|sequence| sequence.pending() > 0);
    }
    assert!(steps > 16, "the short ones went first for a while: {steps}");
}

#[test]
fn what_is_being_computed_is_not_computed_twice() {
    let shared = prompt(0, 300);
    let branch: Vec<u32> = shared[..200].iter().copied().chain(prompt(1, 100)).collect();
    let mut sequences = vec![sequence(0, shared.clone(), 0), sequence(1, branch, 0)];
    let first = plan(&mut sequences, &pace(500), true, CONTEXT);
    assert_eq!(turns(&first), [(0, 300, 0)]);
    sequences[0].computed = 300;
    sequences[1].computed = 200;
    let second = plan(&mut sequences[1..], &pace(500), true, CONTEXT);
    assert_eq!(turns(&second), [(1, 100, 0)]);
}

#[test]
fn guesses_stop_at_the_end_of_the_answer_and_of_the_context() {
    let text: Vec<u32> = (0..60).chain(0..30).collect();
    let mut sequences = vec![sequence(0, text.clone(), 89)];
    let guessed = |sequences: &mut Vec<Sequence>, speculation, context| {
        turns(&plan(sequences, &pace(64), speculation, context))[0].2
    };
    assert_eq!(guessed(&mut sequences, true, CONTEXT), 4);
    assert_eq!(guessed(&mut sequences, false, CONTEXT), 0);
    assert_eq!(guessed(&mut sequences, true, 93), 2, "one token is certain");
    sequences[0].max_tokens = 1;
    assert_eq!(guessed(&mut sequences, true, CONTEXT), 0);
}

#[test]
fn guesses_that_do_not_pay_are_left() {
    let text: Vec<u32> = (0..60).chain(0..30).collect();
    let mut pace = pace(64);
    pace.record(1, 0, Duration::from_millis(10));
    pace.record(5, 0, Duration::from_millis(100));
    let mut sequences = vec![sequence(0, text, 89)];
    assert_eq!(turns(&plan(&mut sequences, &pace, true, CONTEXT)), [(0, 1, 0)]);
}
