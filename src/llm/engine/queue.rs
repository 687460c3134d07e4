//! The bounded queue of sequences that wait for a slot, fair between people.
//!
//! Who has fewest sequences running comes first; among equals, who was served longest ago. So
//! many requests of one person do not delay another person's first. Each waiting sequence is
//! told its place when that changes.
//!
//! A lock and a condition instead of a channel, so that requests whose caller went away free
//! their place at once.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::request::Event;
use super::sequence::Sequence;

/// Whom a sequence belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The caller's key.
    Client(u64),
    /// A request without a key is a person of its own: its number.
    Alone(u64),
}

pub(super) enum PushError {
    /// With the number of requests that wait.
    Full(usize),
    Closed,
}

pub(super) struct Queue {
    limit: usize,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// Everybody who waits or runs; who was served last is last.
    line: Vec<Person>,
    /// Slots that are free: as many of the first in line are about to start, and do not wait.
    free: usize,
    closed: bool,
}

struct Person {
    owner: Owner,
    running: usize,
    waiting: VecDeque<Sequence>,
}

impl Queue {
    pub(super) fn new(limit: usize, slots: usize) -> Self {
        let state = State { line: Vec::new(), free: slots, closed: false };
        Self { limit, state: Mutex::new(state), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, sequence: Sequence) -> Result<(), PushError> {
        let mut state = self.lock();
        if state.closed {
            return Err(PushError::Closed);
        }
        state.forget_the_gone();
        if state.len() >= self.limit {
            return Err(PushError::Full(state.len()));
        }
        state.person(sequence.owner).waiting.push_back(sequence);
        state.tell_places();
        self.changed.notify_one();
        Ok(())
    }

    /// Takes back a running sequence, before the others of its owner.
    pub(super) fn put_back(&self, sequence: Sequence) {
        let mut state = self.lock();
        let person = state.person(sequence.owner);
        person.running = person.running.saturating_sub(1);
        person.waiting.push_front(sequence);
    }

    /// The next sequence that somebody still waits for, if there is one.
    pub(super) fn try_pop(&self) -> Option<Sequence> {
        self.lock().pop()
    }

    /// Waits for a sequence; `None` when the queue was closed.
    pub(super) fn pop(&self) -> Option<Sequence> {
        let mut state = self.lock();
        loop {
            if let Some(sequence) = state.pop() {
                return Some(sequence);
            }
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A sequence of this owner has ended.
    pub(super) fn ended(&self, owner: Owner) {
        let mut state = self.lock();
        let person = state.person(owner);
        person.running = person.running.saturating_sub(1);
        state.line.retain(|person| person.running > 0 || !person.waiting.is_empty());
    }

    /// Whether the next to be served has nothing running.
    pub(super) fn newcomer(&self) -> bool {
        let mut state = self.lock();
        state.forget_the_gone();
        state.next().is_some_and(|next| state.line[next].running == 0)
    }

    /// Tells how many slots are free: that many of the first in line are about to start.
    pub(super) fn set_free(&self, free: usize) {
        self.lock().free = free;
    }

    /// Tells how many slots are free, and everybody who waits their place.
    pub(super) fn announce(&self, free: usize) {
        let mut state = self.lock();
        state.free = free;
        state.forget_the_gone();
        state.tell_places();
    }

    /// Refuses further requests; what waits can still be taken.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    pub(super) fn len(&self) -> usize {
        let state = self.lock();
        let waiting = state.line.iter().flat_map(|person| &person.waiting);
        waiting.filter(|sequence| !sequence.is_cancelled()).count()
    }
}

impl State {
    fn len(&self) -> usize {
        self.line.iter().map(|person| person.waiting.len()).sum()
    }

    fn person(&mut self, owner: Owner) -> &mut Person {
        let known = self.line.iter().position(|person| person.owner == owner);
        let index = known.unwrap_or_else(|| {
            self.line.push(Person { owner, running: 0, waiting: VecDeque::new() });
            self.line.len() - 1
        });
        &mut self.line[index]
    }

    fn forget_the_gone(&mut self) {
        for person in &mut self.line {
            person.waiting.retain(|sequence| !sequence.is_cancelled());
        }
        self.line.retain(|person| person.running > 0 || !person.waiting.is_empty());
    }

    /// Index in the line of who is served next.
    fn next(&self) -> Option<usize> {
        let waiting = self.line.iter().enumerate().filter(|(_, person)| !person.waiting.is_empty());
        waiting.min_by_key(|(index, person)| (person.running, *index)).map(|(index, _)| index)
    }

    fn pop(&mut self) -> Option<Sequence> {
        self.forget_the_gone();
        let next = self.next()?;
        let mut person = self.line.remove(next);
        let sequence = person.waiting.pop_front();
        person.running += 1;
        self.line.push(person);
        self.free = self.free.saturating_sub(1);
        sequence
    }

    /// Tells everybody who waits how many are before them, where that has changed.
    fn tell_places(&mut self) {
        // The order in which `pop` would give them, were nobody to end: who has had fewer turns
        // is before who has had more among those with equally many running.
        let mut order: Vec<(usize, usize, usize)> = Vec::with_capacity(self.len());
        for (index, person) in self.line.iter().enumerate() {
            order
                .extend((0..person.waiting.len()).map(|turn| (person.running + turn, turn, index)));
        }
        order.sort_unstable();
        for (place, (_, turn, index)) in order.into_iter().skip(self.free).enumerate() {
            let sequence = &mut self.line[index].waiting[turn];
            if sequence.place_told != Some(place) {
                sequence.place_told = Some(place);
                // A receiver that went away is noticed before the next turn.
                let _ = sequence.events.send(Event::Queued { place });
            }
        }
    }
}
