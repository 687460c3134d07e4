//! How each scenario is run on one side, and what is noted.

use std::collections::HashMap;

use indicatif::ProgressBar;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::figures::{Figure, RagCase, Samples};
use super::scenario::{CopyTokens, DECODE_COST, LOADS, Plan, RagTokens, Scenario, VERBATIM_TURNS};
use super::side::{Generate, Side, SideError, Stream};

/// Starts a process with the model loaded for a scenario, with speculation or without; gives the
/// seconds of loading too.
pub(super) type Starter<'a> = dyn Fn(Scenario, bool) -> Result<(Side, f64), SideError> + 'a;

/// What a side made of the prompts of the decode scenario.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// Greedy tokens by context.
    pub(super) greedy: HashMap<usize, Vec<u32>>,
    /// The scores after [`LOGITS_TOKENS`] tokens.
    pub(super) logits: Vec<f32>,
}

/// Tokens of the prompt whose scores are compared.
const LOGITS_TOKENS: usize = 64;

/// One scenario on one side.
pub(super) struct Run<'a> {
    pub(super) plan: &'a Plan,
    pub(super) start: &'a Starter<'a>,
    /// The peer sends passages as they were found; kura in the order of their identifiers.
    pub(super) is_peer: bool,
    pub(super) prompts: Prompts,
    pub(super) samples: &'a mut Samples,
    /// What the decode scenario gave, for the comparison of both sides.
    pub(super) written: &'a mut Written,
    pub(super) bar: &'a ProgressBar,
}

impl Run<'_> {
    /// Runs it and notes its figures.
    pub(super) fn run(&mut self, scenario: Scenario) -> Result<(), SideError> {
        match scenario {
            Scenario::Prefill => self.prefill(),
            Scenario::Decode => self.decode(),
            Scenario::Users => self.users(),
            Scenario::Rag => self.plan.rag.map_or(Ok(()), |rag| self.rag(rag)),
            Scenario::Copy => self.plan.copy.map_or(Ok(()), |copy| self.copy(copy)),
            Scenario::Load => self.load(),
            Scenario::Search | Scenario::Sync => Ok(()),
        }
    }

    fn note(&mut self, figure: Figure, value: f64) {
        self.samples.entry(figure).or_default().push(value);
    }

    fn side(&self, scenario: Scenario, speculation: bool) -> Result<Side, SideError> {
        (self.start)(scenario, speculation).map(|(side, _)| side)
    }

    /// Generates, and moves the progress on by what was computed.
    fn ask(
        &self,
        side: &mut Side,
        prompts: Vec<Vec<u32>>,
        tokens: usize,
    ) -> Result<Vec<Stream>, SideError> {
        let lengths: usize = prompts.iter().map(Vec::len).sum();
        let streams = side.generate(Generate { prompts, tokens, quoting: false })?;
        let cached: usize = streams.iter().map(|stream| stream.cached_tokens).sum();
        self.bar.inc((lengths.saturating_sub(cached) + DECODE_COST * tokens) as u64);
        Ok(streams)
    }

    fn ask_one(&self, side: &mut Side, prompt: &[u32], tokens: usize) -> Result<Stream, SideError> {
        let streams = self.ask(side, vec![prompt.to_vec()], tokens)?;
        streams.into_iter().next().ok_or_else(|| SideError::Failed("no stream".to_owned()))
    }

    fn note_memory(&mut self, scenario: Scenario, side: &Side) {
        self.note(Figure::Memory(scenario), side.memory_mib_peak());
    }

    fn prefill(&mut self) -> Result<(), SideError> {
        let mut side = self.side(Scenario::Prefill, false)?;
        for &tokens in &self.plan.prefill_tokens {
            for _ in 0..self.plan.samples_of(tokens) {
                let prompt = self.prompts.fresh(tokens);
                let stream = self.ask_one(&mut side, &prompt, 1)?;
                self.note(Figure::Prefill(tokens), tokens as f64 / stream.times[0]);
            }
        }
        self.note_memory(Scenario::Prefill, &side);
        Ok(())
    }

    /// The longest context first: the shorter ones are its beginnings and need not be computed.
    fn decode(&mut self) -> Result<(), SideError> {
        let mut side = self.side(Scenario::Decode, false)?;
        let longest = self.plan.decode_contexts.iter().max().copied().unwrap_or(0);
        let prompt = self.prompts.fresh(longest + 1);
        for &context in self.plan.decode_contexts.iter().rev() {
            let prompt = &prompt[..=context];
            for _ in 0..self.plan.samples {
                let stream = self.ask_one(&mut side, prompt, self.plan.decode_tokens)?;
                self.note(Figure::Decode(context), rate(&stream));
                self.written.greedy.insert(context, stream.tokens);
            }
        }
        self.note_memory(Scenario::Decode, &side);
        self.written.logits = side.logits(&prompt[..prompt.len().min(LOGITS_TOKENS)])?;
        Ok(())
    }

    /// All prompts and their first tokens are computed before; then so many users decode at once,
    /// each after its own.
    fn users(&mut self) -> Result<(), SideError> {
        let mut side = self.side(Scenario::Users, false)?;
        let most = self.plan.slots(Scenario::Users);
        let tokens = self.plan.user_prompt_tokens;
        let mut prompts: Vec<_> = (0..most).map(|_| self.prompts.fresh(tokens)).collect();
        for prompt in &mut prompts {
            prompt.extend(self.ask_one(&mut side, prompt, 1)?.tokens);
        }
        for &users in self.plan.users.iter().rev() {
            let asked = prompts[..users].to_vec();
            let streams = self.ask(&mut side, asked, self.plan.decode_tokens)?;
            let slowest = streams.iter().map(rate).fold(f64::INFINITY, f64::min);
            self.note(Figure::UsersSum(users), rate_together(&streams));
            if users > 1 {
                self.note(Figure::UsersSlowest(users), slowest);
            }
        }
        self.note_memory(Scenario::Users, &side);
        Ok(())
    }

    fn rag(&mut self, size: RagTokens) -> Result<(), SideError> {
        let mut side = self.side(Scenario::Rag, false)?;
        let system = self.prompts.fresh(size.system);
        let passages: [_; 6] = std::array::from_fn(|_| self.prompts.fresh(size.passage));
        for case in RagCase::ALL {
            let mut prompt = system.clone();
            for at in passage_order(case, self.is_peer) {
                prompt.extend(&passages[at]);
            }
            prompt.extend(self.prompts.fresh(size.question));
            let stream = self.ask_one(&mut side, &prompt, 1)?;
            self.note(Figure::Rag(case), stream.times[0] * 1e3);
        }
        self.note_memory(Scenario::Rag, &side);
        Ok(())
    }

    /// Random weights repeat nothing that a prompt asks for, but greedy answers run into circles:
    /// so the prompt is followed by the model's own answer, and its continuation is measured.
    fn copy(&mut self, size: CopyTokens) -> Result<(), SideError> {
        let mut side = self.side(Scenario::Copy, false)?;
        let mut prompt = self.prompts.fresh(size.prompt);
        prompt.extend(self.ask_one(&mut side, &prompt, size.copied)?.tokens);
        let plain = rate(&self.ask_one(&mut side, &prompt, size.answer)?);
        self.note(Figure::CopyPlain, plain);
        self.note_memory(Scenario::Copy, &side);
        if !self.is_peer {
            self.verbatim(&mut side, &prompt, size.answer)?;
        }
        if !side.hello().speculation {
            return Ok(());
        }
        drop(side);
        let mut side = self.side(Scenario::Copy, true)?;
        self.ask_one(&mut side, &prompt, 1)?;
        let stream = self.ask_one(&mut side, &prompt, size.answer)?;
        self.note(Figure::CopySpeculated, rate(&stream));
        self.note(Figure::CopyTokensPerStep, tokens_per_step(&stream));
        if stream.drafted_tokens > 0 {
            let share = stream.accepted_tokens as f64 / stream.drafted_tokens as f64;
            self.note(Figure::CopyAccepted, 100.0 * share);
        }
        Ok(())
    }

    /// The same prompt with and without, in turn, so that both see the machine in the same minutes.
    fn verbatim(
        &mut self,
        side: &mut Side,
        prompt: &[u32],
        tokens: usize,
    ) -> Result<(), SideError> {
        for _ in 0..VERBATIM_TURNS {
            let plain = self.ask_one(side, prompt, tokens)?;
            let prompts = vec![prompt.to_vec()];
            let quoted = side.generate(Generate { prompts, tokens, quoting: true })?;
            self.bar.inc((DECODE_COST * tokens) as u64);
            let Some(quoted) = quoted.first() else { continue };
            self.note(Figure::CopyVerbatim, rate(quoted));
            let share = undisturbed_step(&plain) / undisturbed_step(quoted).max(1e-9);
            self.note(Figure::VerbatimSpeed, 100.0 * share);
            let decoding =
                quoted.times.last().zip(quoted.times.first()).map(|(end, begin)| end - begin);
            let share = quoted.choosing_seconds / decoding.unwrap_or(0.0).max(1e-9);
            self.note(Figure::VerbatimChoosing, 100.0 * share);
        }
        Ok(())
    }

    fn load(&mut self) -> Result<(), SideError> {
        for _ in 0..LOADS {
            let (mut side, seconds) = (self.start)(Scenario::Load, false)?;
            let prompt = self.prompts.fresh(1);
            let stream = self.ask_one(&mut side, &prompt, 1)?;
            self.note(Figure::Load, seconds * 1e3);
            self.note(Figure::LoadAndToken, (seconds + stream.times[0]) * 1e3);
            self.note_memory(Scenario::Load, &side);
        }
        Ok(())
    }
}

/// Which of six passages a prompt has, in its order. The half that is shared is the beginning of
/// what this side sent last.
fn passage_order(case: RagCase, is_peer: bool) -> [usize; RagTokens::PASSAGES] {
    match (case, is_peer) {
        (RagCase::Cold | RagCase::OtherQuestion, _) | (RagCase::OtherOrder, false) => [0, 1, 2, 3],
        (RagCase::OtherOrder, true) => [2, 0, 3, 1],
        (RagCase::HalfShared, false) => [0, 1, 4, 5],
        (RagCase::HalfShared, true) => [2, 0, 4, 5],
    }
}

/// Tokens a second after the first token.
pub(super) fn rate(stream: &Stream) -> f64 {
    match stream.times[..] {
        [first, .., last] => (stream.times.len() - 1) as f64 / (last - first).max(1e-9),
        _ => 0.0,
    }
}

/// Seconds of a step that nothing disturbed: the lower quartile, since a difference of a percent
/// is looked for.
fn undisturbed_step(stream: &Stream) -> f64 {
    let mut steps: Vec<f64> = stream.times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    steps.sort_by(f64::total_cmp);
    steps.get(steps.len() / 4).copied().unwrap_or(0.0)
}

/// Tokens a second of all streams together, from when the last of them has begun to when the
/// first has ended. Where they do not overlap, over the whole time.
fn rate_together(streams: &[Stream]) -> f64 {
    let firsts = streams.iter().filter_map(|stream| stream.times.first()).copied();
    let lasts = streams.iter().filter_map(|stream| stream.times.last()).copied();
    let (begun, ended) = (firsts.fold(0.0, f64::max), lasts.clone().fold(f64::INFINITY, f64::min));
    let times = streams.iter().flat_map(|stream| &stream.times);
    if ended > begun {
        times.filter(|time| **time > begun && **time <= ended).count() as f64 / (ended - begun)
    } else {
        times.count() as f64 / lasts.fold(1e-9, f64::max)
    }
}

/// A step gives one token and the guesses that were right; the first token comes of the prompt.
fn tokens_per_step(stream: &Stream) -> f64 {
    let decoded = stream.tokens.len().saturating_sub(1);
    decoded as f64 / decoded.saturating_sub(stream.accepted_tokens).max(1) as f64
}

/// Prompts of random tokens, the same for both sides, no two with the same beginning, so that
/// nothing is in a cache that should not be.
#[derive(Debug)]
pub(super) struct Prompts {
    random: StdRng,
    vocabulary: u32,
    next_first: u32,
}

impl Prompts {
    pub(super) fn new(vocabulary: usize, round: usize, scenario: Scenario) -> Self {
        let seed = round as u64 * Scenario::ALL.len() as u64 + scenario as u64;
        let mut random = StdRng::seed_from_u64(seed);
        let vocabulary = vocabulary.max(1) as u32;
        Self { next_first: random.random_range(0..vocabulary), random, vocabulary }
    }

    pub(super) fn fresh(&mut self, tokens: usize) -> Vec<u32> {
        self.next_first = (self.next_first + 1) % self.vocabulary;
        let first = std::iter::once(self.next_first);
        let rest = (1..tokens).map(|_| self.random.random_range(0..self.vocabulary));
        first.chain(rest).take(tokens).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(times: &[f64]) -> Stream {
        let tokens = vec![0; times.len()];
        Stream { tokens, times: times.to_vec(), ..Stream::default() }
    }

    #[test]
    fn rates_count_what_comes_after_the_first_token() {
        assert_eq!(rate(&stream(&[5.0, 5.5, 6.0])), 2.0);
        let streams = [stream(&[1.0, 2.0, 3.0, 4.0]), stream(&[2.0, 3.0, 4.0, 5.0])];
        // From 2 to 4: two tokens of each.
        assert_eq!(rate_together(&streams), 2.0);
        let apart = [stream(&[1.0, 2.0]), stream(&[3.0, 4.0])];
        assert_eq!(rate_together(&apart), 1.0);
    }

    #[test]
    fn a_disturbed_step_does_not_count() {
        assert_eq!(undisturbed_step(&stream(&[0.0, 1.0, 2.0, 3.0, 9.0])), 1.0);
        assert_eq!(undisturbed_step(&stream(&[1.0])), 0.0);
    }

    #[test]
    fn right_guesses_save_steps() {
        let times = [0.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0];
        let guessed = Stream { accepted_tokens: 4, drafted_tokens: 6, ..stream(&times) };
        assert_eq!(tokens_per_step(&guessed), 3.0);
        assert_eq!(tokens_per_step(&stream(&[0.0, 1.0, 2.0])), 1.0);
    }

    #[test]
    fn prompts_are_the_same_for_both_sides_and_begin_differently() {
        let prompts = || {
            let mut prompts = Prompts::new(288, 3, Scenario::Users);
            (0..200).map(|_| prompts.fresh(4)).collect::<Vec<_>>()
        };
        let made = prompts();
        assert_eq!(made, prompts());
        let mut firsts: Vec<u32> = made.iter().map(|prompt| prompt[0]).collect();
        firsts.sort_unstable();
        firsts.dedup();
        assert_eq!(firsts.len(), made.len());
        assert!(made.iter().all(|prompt| prompt.len() == 4 && prompt.iter().all(|id| *id < 288)));
        let other = Prompts::new(288, 4, Scenario::Users).fresh(4);
        assert_ne!(made[0], other);
    }

    /// kura always sends passages in one order; both sides share as much in the last case.
    #[test]
    fn passages_keep_their_order_on_our_side() {
        let sorted = |case| passage_order(case, false).is_sorted();
        assert!(RagCase::ALL.into_iter().all(sorted));
        assert!(!passage_order(RagCase::OtherOrder, true).is_sorted());
        for peer in [true, false] {
            let before = passage_order(RagCase::OtherOrder, peer);
            assert_eq!(passage_order(RagCase::HalfShared, peer)[..2], before[..2]);
        }
    }
}
