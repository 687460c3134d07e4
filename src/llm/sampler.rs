//! Choosing the next token from the logits: penalties, top-k, top-p, min-p, temperature, draw, in
//! llama.cpp's order.

#[cfg(test)]
mod tests;

use std::time::Instant;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::verbatim::Guide;

/// Candidates this far below the best weigh less than f32 can add to the sum, whatever the
/// vocabulary.
const LOGIT_RANGE: f32 = 30.0;

/// Tokens that are tried before those that may come are listed.
const TRIES: usize = 8;

/// How tokens are chosen. The default is greedy.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampling {
    /// 0 takes the likeliest token always.
    pub temperature: f32,
    /// Only the k likeliest tokens; 0 keeps all.
    pub top_k: usize,
    /// The likeliest tokens that together have this probability; 1 keeps all.
    pub top_p: f32,
    /// Tokens at least this likely relative to the likeliest; 0 keeps all.
    pub min_p: f32,
    /// Tokens that occurred lately lose by this factor; 1 does nothing.
    pub repetition_penalty: f32,
    /// How many of the last tokens (prompt included) count as lately.
    pub repetition_window: usize,
    /// Equal seeds give equal texts; without one, each generation draws its own.
    pub seed: Option<u64>,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: 0.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            repetition_penalty: 1.0,
            repetition_window: 64,
            seed: None,
        }
    }
}

/// Why no token can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SamplerError {
    #[error("{name} must be {range}")]
    Setting { name: &'static str, range: &'static str },
    /// The computation overflowed, or the model file is damaged.
    #[error("the model computed values that are not numbers")]
    NotANumber,
}

impl Sampling {
    /// # Errors
    /// A setting is outside its range.
    pub fn validate(&self) -> Result<(), SamplerError> {
        let check = |holds, name, range| {
            if holds { Ok(()) } else { Err(SamplerError::Setting { name, range }) }
        };
        check((0.0..=100.0).contains(&self.temperature), "temperature", "from 0 to 100")?;
        check(self.top_p > 0.0 && self.top_p <= 1.0, "top_p", "above 0 and at most 1")?;
        check((0.0..=1.0).contains(&self.min_p), "min_p", "from 0 to 1")?;
        let penalty = self.repetition_penalty;
        check(penalty > 0.0 && penalty <= 100.0, "repetition_penalty", "above 0 and at most 100")
    }
}

/// The sampler of one sequence.
#[derive(Clone, Debug)]
pub struct Sampler {
    sampling: Sampling,
    random: StdRng,
    /// Says which tokens may come; `None` where all may.
    guide: Option<Guide>,
}

#[derive(Clone, Copy, Debug)]
struct Candidate {
    id: u32,
    logit: f32,
}

impl Sampler {
    /// # Errors
    /// A setting is outside its range.
    pub fn new(sampling: Sampling) -> Result<Self, SamplerError> {
        sampling.validate()?;
        let seed = sampling.seed.unwrap_or_else(|| rand::rng().random());
        Ok(Self { sampling, random: StdRng::seed_from_u64(seed), guide: None })
    }

    /// The same with tokens chosen as a guide allows.
    #[must_use]
    pub fn guided(self, guide: Option<Guide>) -> Self {
        Self { guide, ..self }
    }

    /// How many of these tokens, from the first on, may come next.
    pub fn admits(&self, ids: &[u32]) -> usize {
        self.guide.as_ref().map_or(ids.len(), |guide| guide.admits(ids))
    }

    /// Chooses a token. `history` is the sequence so far, prompt included; `logits` are changed.
    ///
    /// # Errors
    /// A logit is NaN or infinite.
    pub fn sample(&mut self, logits: &mut [f32], history: &[u32]) -> Result<u32, SamplerError> {
        if logits.is_empty() || logits.iter().any(|x| !x.is_finite()) {
            return Err(SamplerError::NotANumber);
        }
        self.penalize(logits, history);
        let Some(mut guide) = self.guide.take() else { return Ok(self.choose(all(logits))) };
        let mut begun = guide.clock();
        let id = self.choose_guided(logits, &guide, &mut begun);
        guide.advance(id);
        guide.note(begun);
        self.guide = Some(guide);
        Ok(id)
    }

    /// Tries what is likely where most tokens may come, and lists them where few may.
    /// `begun`: see [`Guide::clock`].
    fn choose_guided(
        &mut self,
        logits: &mut [f32],
        guide: &Guide,
        begun: &mut Option<Instant>,
    ) -> u32 {
        let mut tried: Vec<Candidate> = Vec::new();
        while !guide.is_held() && tried.len() < TRIES {
            let id = self.choose(all(logits));
            if guide.allows(id) {
                return id;
            }
            let logit = std::mem::replace(&mut logits[id as usize], f32::NEG_INFINITY);
            tried.push(Candidate { id, logit });
        }
        for Candidate { id, logit } in tried {
            logits[id as usize] = logit;
        }
        let mut allowed = guide.allowed();
        guide.note(*begun);
        guide.keep_endless(&mut allowed);
        *begun = guide.clock();
        allowed.retain(|id| (*id as usize) < logits.len());
        allowed.sort_unstable();
        if allowed.is_empty() {
            // The vocabulary has no way to go on.
            return self.choose(all(logits));
        }
        let logits = &*logits;
        self.choose(allowed.iter().map(|&id| Candidate { id, logit: logits[id as usize] }))
    }

    /// Chooses among candidates, of which there is one at least, ascending by id.
    fn choose(&mut self, candidates: impl Iterator<Item = Candidate> + Clone) -> u32 {
        let best = likeliest(candidates.clone());
        if self.sampling.temperature == 0.0 || self.sampling.top_k == 1 {
            return best.id;
        }
        let floor = best.logit - LOGIT_RANGE * self.widest();
        let mut candidates: Vec<Candidate> = candidates.filter(|c| c.logit >= floor).collect();
        // Likeliest first; equals by id, so that a seed gives the same text everywhere.
        candidates.sort_unstable_by(|a, b| b.logit.total_cmp(&a.logit).then(a.id.cmp(&b.id)));
        if self.sampling.top_k > 0 {
            candidates.truncate(self.sampling.top_k);
        }
        keep_top_p(&mut candidates, self.sampling.top_p);
        keep_min_p(&mut candidates, self.sampling.min_p);
        self.draw(&candidates)
    }

    /// A temperature above 1 brings unlikely tokens closer.
    fn widest(&self) -> f32 {
        self.sampling.temperature.max(1.0)
    }

    fn penalize(&self, logits: &mut [f32], history: &[u32]) {
        let penalty = self.sampling.repetition_penalty;
        if penalty == 1.0 {
            return;
        }
        let start = history.len().saturating_sub(self.sampling.repetition_window);
        let mut recent = history[start..].to_vec();
        recent.sort_unstable();
        recent.dedup();
        for id in recent {
            if let Some(logit) = logits.get_mut(id as usize) {
                *logit = if *logit > 0.0 { *logit / penalty } else { *logit * penalty };
            }
        }
    }

    fn draw(&mut self, candidates: &[Candidate]) -> u32 {
        let best = candidates[0];
        let weight =
            |c: &Candidate| f64::from((c.logit - best.logit) / self.sampling.temperature).exp();
        let weights: Vec<f64> = candidates.iter().map(weight).collect();
        let mut point = self.random.random::<f64>() * weights.iter().sum::<f64>();
        for (candidate, weight) in candidates.iter().zip(&weights) {
            point -= weight;
            if point < 0.0 {
                return candidate.id;
            }
        }
        best.id
    }
}

/// Every token.
fn all(logits: &[f32]) -> impl Iterator<Item = Candidate> + Clone {
    (0u32..).zip(logits).map(|(id, &logit)| Candidate { id, logit })
}

/// The first of the largest.
fn likeliest(candidates: impl Iterator<Item = Candidate>) -> Candidate {
    let lowest = Candidate { id: 0, logit: f32::NEG_INFINITY };
    candidates.fold(lowest, |best, c| if c.logit > best.logit { c } else { best })
}

fn keep_top_p(candidates: &mut Vec<Candidate>, top_p: f32) {
    if top_p >= 1.0 {
        return;
    }
    let best = candidates[0].logit;
    let total: f64 = candidates.iter().map(|c| f64::from(c.logit - best).exp()).sum();
    let mut sum = 0.0;
    let enough = candidates.iter().position(|c| {
        sum += f64::from(c.logit - best).exp();
        sum >= f64::from(top_p) * total
    });
    candidates.truncate(enough.map_or(candidates.len(), |last| last + 1));
}

fn keep_min_p(candidates: &mut Vec<Candidate>, min_p: f32) {
    if min_p > 0.0 {
        let floor = candidates[0].logit + min_p.ln();
        candidates.retain(|c| c.logit >= floor);
    }
}
