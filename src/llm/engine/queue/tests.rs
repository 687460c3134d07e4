//! Turns and places.

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::super::sequence::NewSequence;
use super::*;
use crate::llm::sampler::{Sampler, Sampling};

impl Queue {
    /// People that the queue remembers.
    pub(in super::super) fn people(&self) -> usize {
        self.lock().line.len()
    }
}

/// A waiting sequence whose first token is its name.
fn sequence(owner: Owner, name: u32) -> (Sequence, UnboundedReceiver<Event>) {
    let (sender, events) = unbounded_channel();
    let sampler = Sampler::new(Sampling::default()).unwrap();
    let prompt = vec![name];
    let new =
        NewSequence { owner, events: sender, prompt, max_tokens: 1, eos: Vec::new(), sampler };
    (Sequence::new(new), events)
}

fn push(queue: &Queue, owner: Owner, name: u32) -> UnboundedReceiver<Event> {
    let (sequence, events) = sequence(owner, name);
    assert!(queue.push(sequence).is_ok());
    events
}

fn name(sequence: &Sequence) -> u32 {
    sequence.tokens[0]
}

/// The places that were told since the last look.
fn places(events: &mut UnboundedReceiver<Event>) -> Vec<usize> {
    std::iter::from_fn(|| match events.try_recv().ok()? {
        Event::Queued { place } => Some(place),
        other => panic!("{other:?}"),
    })
    .collect()
}

#[test]
fn people_take_turns_whatever_they_ask() {
    let queue = Queue::new(99, 0);
    let (a, b) = (Owner::Client(1), Owner::Client(2));
    let mut kept: Vec<_> = (0..4).map(|i| push(&queue, a, 10 + i)).collect();
    kept.push(push(&queue, b, 20));
    kept.push(push(&queue, Owner::Alone(7), 30));
    kept.push(push(&queue, b, 21));
    let mut order = Vec::new();
    while let Some(sequence) = queue.try_pop() {
        order.push(name(&sequence));
    }
    assert_eq!(order, [10, 20, 30, 11, 21, 12, 13]);
}

#[test]
fn who_has_least_running_is_next() {
    let queue = Queue::new(99, 0);
    let (a, b) = (Owner::Client(1), Owner::Client(2));
    let _kept: Vec<_> =
        [(a, 10), (a, 11), (a, 12), (b, 20)].map(|(owner, i)| push(&queue, owner, i)).into();
    assert_eq!(name(&queue.try_pop().unwrap()), 10);
    assert!(queue.newcomer(), "b has nothing running");
    assert_eq!(name(&queue.try_pop().unwrap()), 20);
    assert!(!queue.newcomer());
    queue.ended(b);
    let _more = push(&queue, b, 21);
    assert_eq!(name(&queue.try_pop().unwrap()), 21, "a still runs one");
    queue.ended(a);
    let preempted = queue.try_pop().unwrap();
    assert_eq!(name(&preempted), 11);
    queue.put_back(preempted);
    assert_eq!(name(&queue.try_pop().unwrap()), 11, "before the others of its owner");
}

#[test]
fn places_are_told_when_they_change() {
    let queue = Queue::new(99, 1);
    let (a, b) = (Owner::Client(1), Owner::Client(2));
    let mut first = push(&queue, a, 10);
    assert!(places(&mut first).is_empty(), "it starts at once");
    let mut second = push(&queue, a, 11);
    let mut third = push(&queue, a, 12);
    assert_eq!((places(&mut second), places(&mut third)), (vec![0], vec![1]));
    queue.try_pop().unwrap();
    queue.announce(0);
    assert!(places(&mut second).is_empty() && places(&mut third).is_empty(), "nothing changed");
    let mut newcomer = push(&queue, b, 20);
    assert_eq!(places(&mut newcomer), [0], "before what a asks besides");
    assert_eq!((places(&mut second), places(&mut third)), (vec![1], vec![2]));
    drop(second);
    queue.announce(0);
    assert_eq!((places(&mut newcomer), places(&mut third)), (vec![], vec![1]));
    assert_eq!(queue.len(), 2);
}

/// What everybody is told is what comes.
#[test]
fn places_are_the_order_of_service() {
    let queue = Queue::new(99, 0);
    let owners = [1, 1, 2, 1, 3, 2, 2, 1, 3].map(Owner::Client);
    let mut events: Vec<_> =
        owners.iter().zip(0..).map(|(owner, i)| push(&queue, *owner, i)).collect();
    let told: Vec<usize> =
        events.iter_mut().map(|events| *places(events).last().unwrap()).collect();
    for place in 0..owners.len() {
        let served = name(&queue.try_pop().unwrap());
        assert_eq!(told[served as usize], place);
    }
}

#[test]
fn a_full_queue_refuses_until_somebody_goes() {
    let queue = Queue::new(2, 0);
    let first = push(&queue, Owner::Alone(1), 1);
    let _second = push(&queue, Owner::Alone(2), 2);
    let refused = queue.push(sequence(Owner::Alone(3), 3).0);
    assert!(matches!(refused, Err(PushError::Full(2))));
    drop(first);
    let _third = push(&queue, Owner::Alone(3), 3);
    queue.close();
    assert!(matches!(queue.push(sequence(Owner::Alone(4), 4).0), Err(PushError::Closed)));
    assert_eq!(name(&queue.pop().unwrap()), 2);
    assert_eq!(name(&queue.pop().unwrap()), 3);
    assert!(queue.pop().is_none());
}
