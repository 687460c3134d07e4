//! The power goes after every step of a change: what is in use stays whole, what was acknowledged
//! stays, and the change done again comes to its end.
//!
//! Each scene is done once for real while its steps are noted. From the steps a model of a disk
//! that forgets ([`disk`]) gives, after each of them, the trees that a cut could leave. Each tree
//! is written out, looked at with the ordinary code ([`check`]), gone on with, and cut again
//! ([`walk`]). `KURA_LONG_TESTS=1` takes more torn disks and more second cuts.

mod check;
mod disk;
mod record;
mod scenes;
mod seeded;
mod walk;

use super::super::testing::scratch;
use check::Loss;
pub(super) use check::{Expected, Gallery, records_of};
pub(super) use disk::{Cut, Disk, Image, Op};
pub(super) use record::{Builder, DATA, note};
pub(super) use scenes::{Desk, after, on_disk};
pub(super) use walk::states_of;
use walk::{Depth, NO_BUG, Outcome, Walk};

/// States that the ordinary run looks at, at least.
const STATES_MIN: usize = 2_000;

fn depth() -> Depth {
    match std::env::var_os("KURA_LONG_TESTS") {
        Some(_) => Depth { seeds: 6, second_cuts: 12 },
        None => Depth { seeds: 1, second_cuts: 2 },
    }
}

/// Every scene whose number leaves `rest` when divided by two: two threads share the work.
fn walk_half(rest: usize) -> Vec<(&'static str, Outcome)> {
    let sticks = scratch();
    let scenes = scenes::all(sticks.path());
    let mine = scenes.iter().enumerate().filter(|(at, _)| at % 2 == rest);
    mine.map(|(_, scene)| (scene.name, Walk::new(scene, NO_BUG, depth()).go())).collect()
}

#[test]
fn the_power_goes_after_every_step() {
    let halves = std::thread::scope(|scope| {
        let threads = [0, 1].map(|rest| scope.spawn(move || walk_half(rest)));
        threads.map(|thread| thread.join().unwrap())
    });
    let mut all = Outcome::default();
    for (name, outcome) in halves.into_iter().flatten() {
        let (states, second) = (outcome.states, outcome.second);
        println!("{name}: {states} states, {second} of them after a second cut");
        all.add(outcome);
    }
    let losses = [Loss::Generation, Loss::Acknowledged, Loss::Record, Loss::Resume];
    let [generations, acknowledged, records, not_resumed] = losses.map(|loss| all.count(loss));
    println!(
        "{} states, {} of them after a second cut: {generations} generations lost, \
         {acknowledged} acknowledged imports lost, {records} records lost, \
         {not_resumed} not resumed",
        all.states, all.second
    );
    assert!(all.found.is_empty(), "{:#?}", &all.found[..all.found.len().min(20)]);
    assert!(all.states >= STATES_MIN, "{} states", all.states);
    assert!(all.second >= STATES_MIN / 10, "{} second cuts", all.second);
}

#[test]
fn each_seeded_bug_is_caught() {
    let sticks = scratch();
    let scenes = scenes::all(sticks.path());
    let depth = Depth { seeds: 1, second_cuts: 2 };
    let seeds = seeded::all();
    assert!(seeds.len() >= 8);
    let mut escaped = Vec::new();
    for seed in seeds {
        let scene = scenes.iter().find(|scene| scene.name == seed.scene).unwrap();
        let outcome = Walk::new(scene, seed.bug, depth).go();
        let caught = outcome.count(seed.loses);
        println!("{}: caught in {caught} of {} states", seed.name, outcome.states);
        if caught == 0 {
            escaped.push((seed.name, outcome.found));
        }
    }
    assert!(escaped.is_empty(), "{escaped:#?}");
}
