//! The rounds: every scenario on kura, then on the peer, again and again.

use std::fs::File;
use std::process::Command;
use std::sync::atomic::Ordering;

use indicatif::ProgressBar;

use super::super::cancel::Cancelled;
use super::super::{Context, Failure, output};
use super::figures::{Figure, Round};
use super::llama_cpp::{self, FlashAttention};
use super::quiet::Watch;
use super::report::{Greedy, Peer};
use super::runs::{Prompts, Run, Written};
use super::scenario::{Plan, Scenario};
use super::side::{Load, Side, SideError};
use super::subject::{Subject, unusable};
use crate::cli::BenchArgs;
use crate::config::Device;
use crate::llm::prepared;

/// All that was measured, until the end or until something went wrong.
#[derive(Debug, Default)]
pub(super) struct Measured {
    pub(super) rounds: Vec<Round>,
    pub(super) peer: Option<Peer>,
    /// What other programs took of all processors, in the worst scenario.
    pub(super) others_busy_percent: Option<f64>,
    kura_written: Written,
    peer_written: Written,
}

impl Measured {
    /// Whether a copying answer was measured, but not with speculation.
    pub(super) fn lacks_speculation(&self) -> bool {
        let has = |figure| self.rounds.iter().any(|round| round.kura.contains_key(&figure));
        has(Figure::CopyPlain) && !has(Figure::CopySpeculated)
    }

    /// Both sides' tokens until the first that differs.
    pub(super) fn greedy(&self) -> Option<Greedy> {
        let mut greedy = Greedy { equal: 0, of: 0 };
        for (context, kura) in &self.kura_written.greedy {
            let Some(peer) = self.peer_written.greedy.get(context) else { continue };
            greedy.of += kura.len();
            greedy.equal += kura.iter().zip(peer).take_while(|(a, b)| a == b).count();
        }
        (greedy.of > 0).then_some(greedy)
    }

    /// The cosine of both sides' scores after the same prompt.
    pub(super) fn logits_cosine(&self) -> Option<f64> {
        let (kura, peer) = (&self.kura_written.logits, &self.peer_written.logits);
        let dot = |a: &[f32], b: &[f32]| -> f64 {
            a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        let comparable = !kura.is_empty() && kura.len() == peer.len();
        comparable.then(|| dot(kura, peer) / (dot(kura, kura) * dot(peer, peer)).sqrt())
    }
}

/// What went wrong, and whether it was on the peer's side.
type Fault = (bool, SideError);

pub(super) struct Contest<'a> {
    context: &'a Context,
    args: &'a BenchArgs,
    subject: &'a Subject,
    plan: &'a Plan,
    threads: usize,
    rounds: usize,
    cancelled: &'a Cancelled,
    bar: ProgressBar,
}

/// Rounds of a comparison, unless `--repeat` says otherwise; kura alone needs one.
const ROUNDS: usize = 3;
const ROUNDS_QUICK: usize = 1;

impl<'a> Contest<'a> {
    /// # Errors
    /// The model's file cannot be read.
    pub(super) fn new(
        context: &'a Context,
        args: &'a BenchArgs,
        subject: &'a Subject,
        plan: &'a Plan,
        threads: usize,
        cancelled: &'a Cancelled,
    ) -> Result<Self, Failure> {
        let compared = args.against.is_some();
        let rounds = args.repeat.unwrap_or(match (compared, args.quick) {
            (true, false) => ROUNDS,
            _ => ROUNDS_QUICK,
        });
        let cost: u64 = plan.scenarios.iter().map(|scenario| plan.cost(*scenario)).sum();
        let total = cost * rounds.max(1) as u64 * if compared { 2 } else { 1 };
        let contest = Self {
            context,
            args,
            subject,
            plan,
            threads,
            rounds: rounds.max(1),
            cancelled,
            bar: output::progress(context, total, "測っています", "Measuring"),
        };
        contest.warm_files()?;
        Ok(contest)
    }

    /// Reads the files once, so that no side finds them on the disk.
    fn warm_files(&self) -> Result<(), Failure> {
        let prepared = prepared::path_beside(&self.subject.own_path());
        for path in [&self.subject.path, &prepared].into_iter().filter(|path| path.exists()) {
            let read = |mut file: File| std::io::copy(&mut file, &mut std::io::sink());
            File::open(path).and_then(read).map_err(|why| unusable(path, &why.to_string()))?;
        }
        Ok(())
    }

    /// Measures into `measured`, which keeps what was done when this fails.
    pub(super) fn run(&self, measured: &mut Measured) -> Result<(), Fault> {
        let scenarios = || self.plan.scenarios.iter().filter(|one| one.needs_model());
        if scenarios().next().is_none() {
            return Ok(());
        }
        let compared = self.args.against.is_some();
        let flash = FlashAttention::default();
        let warmed = self.start(false, flash, Scenario::Load, false).map_err(|why| (false, why))?;
        drop(warmed);
        if compared {
            measured.peer = Some(self.prepare_peer().map_err(|why| (true, why))?);
        }
        for number in 0..self.rounds {
            measured.rounds.push(Round::default());
            for &scenario in scenarios() {
                self.turn(measured, number, scenario, false).map_err(|why| (false, why))?;
                if compared {
                    self.turn(measured, number, scenario, true).map_err(|why| (true, why))?;
                }
            }
        }
        self.bar.finish_and_clear();
        Ok(())
    }

    /// One scenario on one side.
    fn turn(
        &self,
        measured: &mut Measured,
        number: usize,
        scenario: Scenario,
        is_peer: bool,
    ) -> Result<(), SideError> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(SideError::Interrupted);
        }
        let flash = measured.peer.as_ref().map(|peer| peer.flash_attention).unwrap_or_default();
        let Some(round) = measured.rounds.last_mut() else { return Ok(()) };
        let (samples, written) = match is_peer {
            true => (&mut round.peer, &mut measured.peer_written),
            false => (&mut round.kura, &mut measured.kura_written),
        };
        let name = if is_peer { llama_cpp::NAME } else { "kura" };
        self.bar.set_message(format!("{} {name}", scenario.name()));
        let mut run = Run {
            plan: self.plan,
            start: &|scenario, speculation| self.start(is_peer, flash, scenario, speculation),
            is_peer,
            prompts: Prompts::new(self.subject.vocabulary, number, scenario),
            samples,
            written,
            bar: &self.bar,
        };
        let watch = Watch::start();
        run.run(scenario)?;
        let percent = watch.others_busy_percent().unwrap_or(0.0);
        let worst = measured.others_busy_percent.unwrap_or(0.0);
        measured.others_busy_percent = Some(worst.max(percent));
        Ok(())
    }

    /// Finds out what the peer is and which of its settings suits it.
    fn prepare_peer(&self) -> Result<Peer, SideError> {
        self.bar.set_message(llama_cpp::NAME);
        let prompt_tokens = if self.plan.quick { 64 } else { 512 };
        let prompt_tokens = prompt_tokens.min(self.subject.context_tokens / 2);
        let start = |on: bool| {
            let flash = FlashAttention { prefill: on, decode: on };
            self.start(true, flash, Scenario::Prefill, false).map(|(side, _)| side)
        };
        let flash_attention =
            FlashAttention::choose(start, self.subject.vocabulary, prompt_tokens)?;
        let side = Side::start(llama_cpp::command(self.args.python.as_ref()), self.cancelled)?;
        Ok(Peer {
            not_built_with: llama_cpp::not_native(&side.hello().instructions),
            hello: side.hello().clone(),
            flash_attention,
            memory_mib_base: side.memory_mib_base(),
        })
    }

    /// Starts a side and has it load the model for a scenario.
    fn start(
        &self,
        is_peer: bool,
        flash: FlashAttention,
        scenario: Scenario,
        speculation: bool,
    ) -> Result<(Side, f64), SideError> {
        let (command, path) = match is_peer {
            true => (llama_cpp::command(self.args.python.as_ref()), self.subject.path.clone()),
            false => (myself()?, self.subject.own_path()),
        };
        let mut side = Side::start(command, self.cancelled)?;
        let seconds = side.load(Load {
            path: path.to_string_lossy().into_owned(),
            threads: self.threads,
            slots: self.plan.slots(scenario),
            context_tokens: self.plan.context_tokens(scenario),
            gpu: self.context.config.engine.device == Device::Cuda,
            flash_attention: flash.of(scenario),
            speculation,
        })?;
        Ok((side, seconds))
    }
}

/// This program with the same arguments, and so the same settings, as a side.
fn myself() -> Result<Command, SideError> {
    let program = std::env::current_exe()
        .map_err(|why| SideError::Start { program: "kura".to_owned(), why: why.to_string() })?;
    let mut command = Command::new(program);
    command.args(std::env::args_os().skip(1)).arg("--worker");
    Ok(command)
}

/// Why our own side failed, in both languages.
pub(super) fn failure(subject: &Subject, why: &SideError) -> Failure {
    unusable(&subject.path, &why.to_string())
}
