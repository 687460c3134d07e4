//! How long steps take, as measured, and what follows from it: how many prompt tokens a step may
//! take beside people who are reading along, and whether a guess is worth its computation.

use std::time::Duration;

/// Prompt tokens of a step: beside others before their speed is known, and at least.
const CHUNK_START: usize = 32;
const CHUNK_START_ALONE: usize = 128;
const CHUNK_MIN: usize = 16;
/// A prompt that is alone may take this many times the time: only somebody who comes meanwhile
/// waits for it.
const ALONE_FACTOR: f64 = 10.0;
/// Steps of more rows than this are taken to cost what this many cost.
const ROWS_MAX: usize = 128;
/// How much a measurement weighs against the older ones.
const WEIGHT: f64 = 0.25;

pub(super) struct Pace {
    /// What a step with prompt tokens beside decoding sequences should take.
    target_s: f64,
    /// Most prompt tokens of a step, beside others and alone.
    most: (usize, usize),
    /// Time of a step with prompt tokens, by its tokens. Part of it is the same for any number of
    /// tokens, so this is right for steps about as long as the last ones, and leads the next
    /// step to where its time is right.
    token_s: Option<f64>,
    /// Time of a step without prompt tokens, by its number of rows.
    step_s: Vec<Option<f64>>,
}

impl Pace {
    pub(super) fn new(target: Duration, most: (usize, usize)) -> Self {
        let target_s = target.as_secs_f64();
        Self { target_s, most, token_s: None, step_s: vec![None; ROWS_MAX + 1] }
    }

    /// Takes the time of a step of `rows` decoded and guessed tokens and `prompt` prompt tokens.
    pub(super) fn record(&mut self, rows: usize, prompt: usize, elapsed: Duration) {
        let elapsed_s = elapsed.as_secs_f64();
        if prompt == 0 {
            average(&mut self.step_s[rows.min(ROWS_MAX)], elapsed_s);
        } else if prompt >= CHUNK_MIN.min(self.most.0) {
            average(&mut self.token_s, elapsed_s / (prompt + rows) as f64);
        }
    }

    /// Prompt tokens that a step may take beside `rows` other tokens.
    pub(super) fn chunk(&self, rows: usize) -> usize {
        let (most, start, time_s) = match rows {
            0 => (self.most.1, CHUNK_START_ALONE, ALONE_FACTOR * self.target_s),
            _ => (self.most.0, CHUNK_START, self.target_s),
        };
        let tokens = match self.token_s {
            Some(token_s) => ((time_s / token_s) as usize).saturating_sub(rows),
            None => start,
        };
        tokens.max(CHUNK_MIN).min(most)
    }

    /// Whether `more` guessed tokens, of which `expected` will be right, make a step of `rows`
    /// tokens give more tokens a second. What was never measured is worth a try.
    pub(super) fn pays(&self, rows: usize, more: usize, expected: f64) -> bool {
        let (Some(without_s), Some(with_s)) = (self.step_s(rows), self.step_s(rows + more)) else {
            return true;
        };
        (rows as f64 + expected) / with_s > rows as f64 / without_s
    }

    /// The time of a step of so many rows: measured, or between two that were.
    fn step_s(&self, rows: usize) -> Option<f64> {
        let rows = rows.min(ROWS_MAX);
        let measured = |rows: usize| self.step_s[rows].map(|time_s| (rows as f64, time_s));
        let (below, below_s) = (0..=rows).rev().find_map(measured)?;
        let (above, above_s) = (rows..=ROWS_MAX).find_map(measured)?;
        if above == below {
            return Some(below_s);
        }
        Some(below_s + (above_s - below_s) * (rows as f64 - below) / (above - below))
    }
}

fn average(value: &mut Option<f64>, new: f64) {
    *value = Some(value.map_or(new, |old| old + WEIGHT * (new - old)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace() -> Pace {
        Pace::new(Duration::from_millis(300), (512, 512))
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn chunks_fill_the_time_that_streams_can_spare() {
        let mut pace = pace();
        assert_eq!((pace.chunk(1), pace.chunk(0)), (32, 128));
        pace.record(0, 100, ms(500));
        assert!((58..=59).contains(&pace.chunk(1)), "300 ms at 5 ms a token, one decoded");
        assert_eq!(pace.chunk(0), 512, "alone: as much as is allowed");
        // 60 ms for any step, and 12 for each token of it.
        for _ in 0..80 {
            let tokens = pace.chunk(4) as u64;
            pace.record(4, tokens as usize, ms(60 + 12 * (tokens + 4)));
        }
        assert!((15..=17).contains(&pace.chunk(4)), "{} of 16", pace.chunk(4));
        assert!((198..=202).contains(&pace.chunk(0)), "3 s at 15 ms: {}", pace.chunk(0));
        for _ in 0..80 {
            pace.record(4, 16, ms(2000));
        }
        assert_eq!(pace.chunk(4), 16, "never less than makes progress");
        let bounded = Pace::new(ms(300), (8, 64));
        assert_eq!((bounded.chunk(3), bounded.chunk(0)), (8, 64));
    }

    #[test]
    fn guesses_pay_by_what_they_cost() {
        let mut pace = pace();
        assert!(pace.pays(1, 4, 0.5), "nothing is known yet");
        pace.record(1, 0, ms(60));
        assert!(pace.pays(1, 4, 0.5));
        pace.record(5, 0, ms(120));
        assert!(pace.pays(1, 4, 1.2) && !pace.pays(1, 4, 0.8));
        assert!(pace.pays(1, 2, 0.6) && !pace.pays(1, 2, 0.4), "half way between the two");
        assert!(pace.pays(8, 4, 0.1), "more rows than were measured");
    }
}
