//! Turns between people, and the places that those who wait are told.

use super::schedules::{Driven, Setup, text};
use super::*;

fn ask(client: u64, seed: usize, max_tokens: usize) -> Request {
    Request { prompt: text(seed, 20), client: Some(client), ..request(1, max_tokens) }
}

/// The events so far.
fn events(generation: &mut Generation) -> Vec<Event> {
    std::iter::from_fn(|| generation.events.try_recv().ok()).collect()
}

fn places(events: &[Event]) -> Vec<usize> {
    let place = |event: &Event| match event {
        Event::Queued { place } => Some(*place),
        _ => None,
    };
    events.iter().filter_map(place).collect()
}

fn tokens(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event, Event::Token { .. })).count()
}

/// Somebody fills all slots and the queue; another one's first request starts at once.
#[test]
fn many_requests_of_one_do_not_delay_anothers_first() {
    let mut driven = Driven::new(Setup { slots: 2, ..Setup::default() });
    let mut many: Vec<Generation> = (0..6).map(|i| driven.ask(ask(1, i, 40))).collect();
    driven.rounds(6);
    let mut other = driven.ask(ask(2, 9, 5));
    assert_eq!(places(&events(&mut other)), [0]);
    driven.rounds(2);
    assert!(tokens(&events(&mut other)) > 0, "one of the many gives way");
    let first = tokens(&events(&mut many[0]));
    assert!(first > 0, "who came first goes on");
    driven.rounds(usize::MAX);
    for generation in many {
        let end = finish(generation.blocking_collect()).1;
        assert_eq!((end.completion_tokens, end.reason), (40, Reason::Length));
    }
    assert_eq!(driven.stats().preempted, 1);
}

/// People with one request each wait for each other: nobody gives way.
#[test]
fn who_has_one_running_keeps_it() {
    let mut driven = Driven::new(Setup { slots: 2, ..Setup::default() });
    let generations: Vec<Generation> = (0..5).map(|i| driven.ask(ask(i, 3, 20))).collect();
    driven.rounds(usize::MAX);
    for generation in generations {
        assert_eq!(generation.blocking_collect().0.len(), 20);
    }
    assert_eq!(driven.stats().preempted, 0);
}

#[test]
fn places_count_down_to_the_first_token() {
    let mut driven = Driven::new(Setup { slots: 1, ..Setup::default() });
    let mut all: Vec<Generation> = (0..4).map(|i| driven.ask(ask(i, i as usize, 10))).collect();
    driven.rounds(usize::MAX);
    let told: Vec<Vec<usize>> = all.iter_mut().map(|g| places(&events(g))).collect();
    assert_eq!(told, [vec![], vec![0], vec![1, 0], vec![2, 1, 0]]);
}
