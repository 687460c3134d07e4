//! `kura bench`: speed and memory of this box with a model, and how far its limits are used.
//!
//! What each figure means stands beside [`figures::Figure`], and how medians and ratios are
//! formed at the head of [`figures`]; what is measured in which sizes, in [`scenario`]; how, in
//! [`runs`]. Every scenario runs in a process of its own ([`side`]), which `kura` starts of
//! itself ([`worker`]) and, with `--against`, of the peer ([`llama_cpp`]), in turn.
//!
//! The machine's own limits are measured as well, and [`roofline`] says how near to them each
//! figure is; [`plot`] draws it.

mod contest;
mod figures;
mod llama_cpp;
mod plot;
mod quiet;
mod report;
mod roofline;
mod runs;
mod scenario;
mod search;
mod side;
mod subject;
mod sync;
mod worker;

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use self::contest::{Contest, Measured};
use self::plot::Picture;
use self::report::{Machine, Report};
use self::scenario::{Plan, Scenario, Why};
use self::subject::Subject;
use super::cancel::{self, Cancelled};
use super::{Context, Failure, output};
use crate::cli::BenchArgs;
use crate::config::Device;
use crate::llm::{MachineLimits, machine_limits};

pub(super) fn run(context: &Context, args: &BenchArgs) -> Result<(), Failure> {
    if args.worker {
        return worker::run(context);
    }
    let asked = Scenario::parse(&args.only)?;
    let path = match &args.model {
        Some(path) => Some(path.clone()),
        None => installed_model(context)?,
    };
    let mut subject = path.map(|path| Subject::open(&path)).transpose()?;
    let cancelled = cancel::on_interrupt()?;
    let needs_model = asked.iter().any(|scenario| scenario.needs_model());
    let on_cpu = context.config.engine.device == Device::Cpu;
    if let Some(subject) = subject.as_mut().filter(|_| needs_model && on_cpu) {
        subject.prepare(context, &cancelled)?;
    }
    let (report, limits, outcome) = measure(context, args, &asked, subject, &cancelled)?;
    if report.figures.is_empty() && report.search.is_none() && report.sync.is_none() {
        outcome?;
        return Err(nothing_to_measure());
    }
    if let Some(path) = &args.plot {
        draw(context, &report, limits.as_ref(), path)?;
    }
    match args.json {
        true => output::json(&report)?,
        false => report.print(context),
    }
    outcome
}

/// How a measurement ended: what it gave until then is kept.
type Outcome = Result<(), Failure>;

/// Measures everything. A failure or an interrupt after the first figures comes with them.
fn measure(
    context: &Context,
    args: &BenchArgs,
    asked: &[Scenario],
    subject: Option<Subject>,
    cancelled: &Cancelled,
) -> Result<(Report, Option<MachineLimits>, Outcome), Failure> {
    let context_tokens = subject.as_ref().map_or(0, |subject| subject.context_tokens);
    let mut plan = Plan::new(asked, args.quick, context_tokens);
    let (limits, measured, mut outcome) = match &subject {
        Some(subject) if asked.iter().any(|scenario| scenario.needs_model()) => {
            measure_model(context, args, subject, &mut plan, cancelled)?
        }
        Some(_) => (None, Measured::default(), Ok(())),
        None => {
            plan.left_out.clear();
            plan.leave_out_all(Why::NoModel);
            (None, Measured::default(), Ok(()))
        }
    };
    let mut search = None;
    if plan.has(Scenario::Search) && outcome.is_ok() {
        search = search::measure(context, cancelled)?;
        if search.is_none() && !cancelled.load(Ordering::Relaxed) {
            plan.leave_out(Scenario::Search, "", Why::NoDataset);
        }
    }
    let mut updates = None;
    if plan.has(Scenario::Sync) && outcome.is_ok() && !cancelled.load(Ordering::Relaxed) {
        match sync::measure(context, args.model.as_deref(), args.quick, cancelled) {
            Ok(report) => updates = Some(report),
            Err(why) => outcome = Err(why),
        }
    }
    if cancelled.load(Ordering::Relaxed) {
        outcome = Err(Failure::stopped(
            "中止しました。そこまでの結果を出力しました。",
            "interrupted; what was measured until then is printed",
        ));
    }
    let figures = figures::summaries(&measured.rounds);
    let roofline = match (&subject, &limits) {
        (Some(subject), Some(limits)) => {
            roofline::points(&subject.work, limits, &figures, plan.user_prompt_tokens)
        }
        _ => Vec::new(),
    };
    let report = Report {
        kura_version: env!("CARGO_PKG_VERSION"),
        threads: threads(context),
        fast_kernels: crate::llm::has_fast_kernels(),
        others_busy_percent: measured.others_busy_percent,
        complete: outcome.is_ok(),
        prepare_seconds: subject.as_ref().and_then(Subject::prepare_seconds),
        model: subject.map(|subject| subject.info),
        machine: limits.as_ref().map(Machine::from),
        plan,
        rounds: measured.rounds.len(),
        greedy: measured.greedy(),
        logits_cosine: measured.logits_cosine(),
        peer: measured.peer,
        figures,
        roofline,
        search,
        sync: updates,
    };
    Ok((report, limits, outcome))
}

/// The machine's limits (of a CPU), and the rounds with how they ended.
fn measure_model(
    context: &Context,
    args: &BenchArgs,
    subject: &Subject,
    plan: &mut Plan,
    cancelled: &Cancelled,
) -> Result<(Option<MachineLimits>, Measured, Outcome), Failure> {
    let threads = threads(context);
    let look = || (context.config.engine.device == Device::Cpu).then(|| machine_limits(threads));
    let before = look();
    let mut measured = Measured::default();
    let contest = Contest::new(context, args, subject, plan, threads, cancelled)?;
    let outcome = contest.run(&mut measured).map_err(|(peer, why)| match peer {
        true => llama_cpp::failure(&why),
        false => contest::failure(subject, &why),
    });
    if plan.copy.is_some() && measured.lacks_speculation() {
        plan.leave_out(Scenario::Copy, "speculation", Why::Engine);
    }
    // Something may have disturbed the first: a roof is the best that was ever seen.
    let after = if outcome.is_ok() { look() } else { None };
    let limits = match (before, after) {
        (Some(before), Some(after)) => Some(before.or_higher(&after)),
        (before, _) => before,
    };
    Ok((limits, measured, outcome))
}

fn installed_model(context: &Context) -> Result<Option<PathBuf>, Failure> {
    let installation = context.installation();
    let state = installation.state()?;
    let id = context.config.model.as_ref().or(state.model.as_ref());
    Ok(id.and_then(|id| state.models.get(id)).map(|blake3| installation.model_path(blake3)))
}

/// As many as the settings say; both sides and the limits get the same number.
fn threads(context: &Context) -> usize {
    match context.config.engine.threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    }
}

/// Writes the picture.
fn draw(
    context: &Context,
    report: &Report,
    limits: Option<&MachineLimits>,
    path: &Path,
) -> Result<(), Failure> {
    let Some(limits) = limits else {
        return Err(Failure::new(
            "図を描けません。図にはCPUの限界とモデルの測定が要ります（GPUの限界は測りません）。",
            "no picture: it needs the limits of a CPU and a measured model",
        ));
    };
    let picture = Picture {
        lang: context.lang,
        title: &report.title(),
        limits,
        points: &report.roofline,
        peer: report.peer.as_ref().map(|peer| peer.hello.name.as_str()),
    };
    std::fs::write(path, picture.svg()).map_err(|why| {
        Failure::new(
            format!("{}に書き込めません（{why}）。", path.display()),
            format!("cannot write {}: {why}", path.display()),
        )
    })
}

fn nothing_to_measure() -> Failure {
    Failure::new(
        "測るものがありません。モデルかデータセットを登録するか、--model でファイルを指定してください。",
        "there is nothing to measure: add a model or a data set, or name a file with --model",
    )
}
