//! How fast the loaded model reads on this box, and how long a prompt may be for that.
//!
//! The speed is what the engine tells of each answer (tokens computed, time to the first token);
//! a median over the last ones forgets a slow moment and follows a busy hour. Before the first
//! answer it is what `kura eval model` found on this box or, where that never ran, a short reading
//! of our own right after loading; it also leaves the instructions in the engine's cache, which
//! every prompt begins with, and the weights in the page cache.
//!
//! Budgets move in steps of about a fifth, so that the small changes of every measurement do not
//! cut the same passages otherwise each time.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::prompt::INSTRUCTIONS;
use crate::llm::{ChatMessage, Event, Finish, Model, Request, Sampling};

/// Measurements that count.
const SEEN: usize = 8;

/// A reading of fewer tokens is mostly overhead and tells nothing.
const TOKENS_LEAST: usize = 48;

/// A prompt has so many tokens behind what is shared, however slow the box is: four short passages
/// with their names, and the question.
pub(super) const FLOOR_TOKENS: usize = 400;

/// Steps of budgets in a doubling.
const STEPS: f64 = 4.0;

/// The speed of one loaded model, and what all its prompts begin with.
#[derive(Debug)]
pub(super) struct Pace {
    /// Tokens a second, newest last.
    seen: Mutex<VecDeque<f64>>,
    /// Found before, until something is seen.
    known: Option<f64>,
    /// Tokens at the beginning of every prompt made from data sets.
    shared_tokens: usize,
    /// True once a speed is known, or none can be.
    settled: watch::Sender<bool>,
}

impl Pace {
    /// `known` is the speed that was found with the model earlier, in tokens a second.
    pub(super) fn new(model: &Model, known: Option<f64>) -> Self {
        let known = known.filter(|speed| speed.is_finite() && *speed > 0.0);
        let settled = watch::channel(known.is_some()).0;
        let shared_tokens = shared_tokens(model);
        Self { seen: Mutex::default(), known, shared_tokens, settled }
    }

    /// Counts the reading of one prompt.
    pub(super) fn note(&self, finish: &Finish) {
        let tokens = finish.prompt_tokens.saturating_sub(finish.cached_tokens);
        let first = finish.time_to_first_token.unwrap_or_default();
        let Some(speed) = speed(tokens, first.saturating_sub(finish.queued)) else { return };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push_back(speed);
        if seen.len() > SEEN {
            seen.pop_front();
        }
        drop(seen);
        self.settled.send_replace(true);
    }

    /// Tokens a second; `None` until something is known.
    pub(super) fn tokens_per_s(&self) -> Option<f64> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sorted: Vec<f64> = seen.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().or(self.known)
    }

    /// Tokens that a prompt may have so that its first token comes within `target_s` seconds; what
    /// every prompt shares is computed already and counts as free. `None` where there is no limit.
    /// Waits for the measurement of our own where nothing is known yet.
    pub(super) async fn budget_tokens(&self, target_s: f64) -> Option<usize> {
        if target_s <= 0.0 {
            return None;
        }
        // The sender lives as long as this value: waiting cannot fail.
        let _ = self.settled.subscribe().wait_for(|settled| *settled).await;
        Some(self.shared_tokens + budget_tokens(self.tokens_per_s().unwrap_or(0.0), target_s))
    }

    /// The measurement of our own; blocks until it is done.
    pub(super) fn measure(&self, model: &Model) {
        // The first reading may have to bring the weights from the disk: it is a careful guess for
        // who asks at once. The second one tells the speed; of two, the higher one counts.
        for user in ["甲", INSTRUCTIONS] {
            match read(model, user) {
                Ok(finish) => self.note(&finish),
                Err(why) => tracing::warn!(why, "the reading speed could not be measured"),
            }
        }
        tracing::info!(tokens_per_s = self.tokens_per_s(), "reading speed");
        self.settled.send_replace(true);
    }
}

/// Tokens behind the shared ones for a speed and a time.
fn budget_tokens(tokens_per_s: f64, target_s: f64) -> usize {
    let tokens = (tokens_per_s * target_s).max(FLOOR_TOKENS as f64);
    let steps = ((tokens / FLOOR_TOKENS as f64).log2() * STEPS).floor();
    (FLOOR_TOKENS as f64 * (steps / STEPS).exp2()).round() as usize
}

/// Tokens a second; `None` where so few tell nothing.
fn speed(tokens: usize, time: Duration) -> Option<f64> {
    (tokens >= TOKENS_LEAST && time > Duration::ZERO).then(|| tokens as f64 / time.as_secs_f64())
}

/// Tokens with which two prompts begin that have nothing in common but the instructions.
fn shared_tokens(model: &Model) -> usize {
    let prompt = |user: &str| model.chat_prompt(&turns(user)).unwrap_or_default();
    let (one, other) = (prompt("[1] 甲"), prompt("乙"));
    one.iter().zip(&other).take_while(|(one, other)| one == other).count()
}

fn turns(user: &str) -> [ChatMessage; 2] {
    let turn = |role: &str, content: &str| ChatMessage {
        role: role.to_owned(),
        content: content.to_owned(),
    };
    [turn("system", INSTRUCTIONS), turn("user", user)]
}

/// Reads a text and writes one token.
fn read(model: &Model, user: &str) -> Result<Finish, String> {
    let mut prompt = model.chat_prompt(&turns(user)).map_err(|why| why.to_string())?;
    prompt.truncate(model.context_tokens() / 2);
    let sampling = Sampling { temperature: 0.0, ..Sampling::default() };
    let eos = Vec::new();
    let request = Request { prompt, max_tokens: 1, sampling, eos, client: None, guide: None };
    let mut generation = model.engine().generate(request).map_err(|why| why.to_string())?;
    while let Some(event) = generation.blocking_next() {
        if let Event::Finished(finish) = event {
            return Ok(finish);
        }
    }
    Err("the engine stopped".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_reading_tells_nothing() {
        assert_eq!(speed(400, Duration::from_secs(4)), Some(100.0));
        assert_eq!(speed(TOKENS_LEAST - 1, Duration::from_secs(4)), None);
        assert_eq!(speed(400, Duration::ZERO), None);
    }

    #[test]
    fn budgets_grow_with_speed_in_steps() {
        assert_eq!(budget_tokens(0.0, 5.0), FLOOR_TOKENS);
        assert_eq!(budget_tokens(80.0, 5.0), 400);
        assert_eq!(budget_tokens(90.0, 5.0), 400, "a small change changes nothing");
        assert_eq!(budget_tokens(160.0, 5.0), 800);
        for speed in [30.0, 100.0, 333.0, 2000.0] {
            let budget = budget_tokens(speed, 5.0);
            let fast_enough = budget as f64 / speed <= 5.0 || budget == FLOOR_TOKENS;
            assert!(fast_enough && budget as f64 * 1.2 >= (speed * 5.0).min(400.0), "{budget}");
        }
    }
}
