//! The bounded queue of requests that wait for a slot.
//!
//! A lock and a condition instead of a channel, so that requests whose caller went away free
//! their place at once.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::mpsc::UnboundedSender;

use super::Event;
use crate::llm::sampler::Sampler;

/// A checked request.
pub(super) struct Job {
    pub(super) prompt: Vec<u32>,
    pub(super) max_tokens: usize,
    pub(super) eos: Vec<u32>,
    pub(super) sampler: Sampler,
    pub(super) events: UnboundedSender<Event>,
    pub(super) requested: Instant,
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

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl Queue {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, state: Mutex::new(State::default()), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, job: Job) -> Result<(), PushError> {
        let mut state = self.lock();
        if state.closed {
            return Err(PushError::Closed);
        }
        if state.jobs.len() >= self.limit {
            state.jobs.retain(|job| !job.events.is_closed());
        }
        if state.jobs.len() >= self.limit {
            return Err(PushError::Full(state.jobs.len()));
        }
        state.jobs.push_back(job);
        self.changed.notify_one();
        Ok(())
    }

    /// The next request that somebody still waits for, if there is one.
    pub(super) fn try_pop(&self) -> Option<Job> {
        let mut state = self.lock();
        pop_wanted(&mut state)
    }

    /// Waits for a request; `None` when the queue was closed.
    pub(super) fn pop(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if let Some(job) = pop_wanted(&mut state) {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Refuses further requests; what waits can still be taken.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    pub(super) fn len(&self) -> usize {
        self.lock().jobs.iter().filter(|job| !job.events.is_closed()).count()
    }
}

fn pop_wanted(state: &mut State) -> Option<Job> {
    while let Some(job) = state.jobs.pop_front() {
        if !job.events.is_closed() {
            return Some(job);
        }
    }
    None
}
