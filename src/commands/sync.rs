//! `kura sync`: imports every bundle on a medium, one after the other, and says of each what it
//! was and what became of it.

mod report;
mod shown;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::prepare::{self, Preparer};
use super::{Context, Failure, cancel, output};
use crate::cli::SyncArgs;
use crate::sync::bundle::{Kind, Stick};
use crate::sync::ledger::Who;
use crate::sync::{Importer, Installation, SyncError};
use report::{Outcome, Report};
use shown::Shown;

/// Characters of a name in the transfer record.
const NAME_CHARS_MAX: usize = 100;

pub(super) fn run(context: &Context, args: &SyncArgs) -> Result<(), Failure> {
    let who = who(context, args)?;
    let sticks = Stick::find(&args.path)?;
    let installation = context.installation();
    let cancelled = cancel::on_interrupt()?;
    let shown = Shown::new(context, args.json);
    let work = |work| shown.work(work);
    let settings = context.settings.as_deref();
    let preparer = Preparer::new(&context.config, settings, &cancelled, &work);
    let importer = Importer {
        installation: &installation,
        trust: &prepare::trust(&context.config),
        today: jiff::ZonedDateTime::now().date(),
        who,
        prepare: &preparer,
        progress: &|progress| shown.progress(&progress),
        cancelled: &cancelled,
    };
    let mut reports = Vec::new();
    for stick in in_order(&importer, sticks) {
        let outcome = if args.dry_run { importer.look(&stick) } else { importer.import(&stick) };
        shown.finish();
        let report = report_of(&installation, args, stick.path(), outcome, &preparer);
        if !args.json {
            report.say(context);
        }
        reports.push(report);
        if cancelled.load(Ordering::Relaxed) {
            break;
        }
    }
    if args.json {
        output::json(&reports)?;
    }
    ended(args, &reports, &cancelled)
}

fn report_of(
    installation: &Installation,
    args: &SyncArgs,
    path: &Path,
    outcome: Result<crate::sync::Imported, SyncError>,
    preparer: &Preparer<'_>,
) -> Report {
    let golden = preparer.take_golden();
    match outcome {
        Ok(imported) => {
            let outcome = match (imported.changed, args.dry_run) {
                (false, _) => Outcome::Unchanged,
                (true, true) => Outcome::WouldImport,
                (true, false) => Outcome::Imported,
            };
            Report::of_bundle(installation, path, outcome, imported, golden)
        }
        Err(error) => Report::of_error(path, &error, golden),
    }
}

/// Who brings it in, from the command and the settings.
fn who(context: &Context, args: &SyncArgs) -> Result<Who, Failure> {
    let operator = args.operator.as_deref().unwrap_or(&context.config.sync.operator);
    Ok(Who {
        operator: name("--operator", operator)?,
        approver: name("--approver", args.approver.as_deref().unwrap_or_default())?,
        media: name("--media", args.media.as_deref().unwrap_or_default())?,
    })
}

/// A name that fits into a line of the record.
pub(super) fn name(flag: &str, given: &str) -> Result<String, Failure> {
    let given = given.trim();
    let fits = given.chars().count() <= NAME_CHARS_MAX && !given.chars().any(char::is_control);
    match fits {
        true => Ok(given.to_owned()),
        false => Err(Failure::usage(
            format!("{flag} は、改行のない{NAME_CHARS_MAX}文字までにしてください。"),
            format!("{flag}: up to {NAME_CHARS_MAX} characters on one line are expected"),
        )),
    }
}

/// Models, data sets and assistants first, since a new program may need a start; several releases
/// of one subject from the oldest to the newest. What is refused when looked at keeps its place at
/// the front, and is refused again, on the record, when its turn comes.
fn in_order(importer: &Importer<'_>, sticks: Vec<Stick>) -> Vec<Stick> {
    if sticks.len() < 2 {
        return sticks;
    }
    let mut placed: Vec<_> = sticks
        .into_iter()
        .map(|stick| {
            let place = importer.look(&stick).ok().map(|found| {
                let rank = match found.manifest.kind {
                    Kind::Model => 0,
                    Kind::Dataset => 1,
                    Kind::Assistants => 2,
                    Kind::App => 3,
                };
                (rank, found.manifest.id.clone(), found.manifest.counter)
            });
            (place, stick)
        })
        .collect();
    placed.sort_by(|one, other| one.0.cmp(&other.0));
    placed.into_iter().map(|(_, stick)| stick).collect()
}

/// How the command ends: by what a person did, then by what was refused.
fn ended(args: &SyncArgs, reports: &[Report], cancelled: &AtomicBool) -> Result<(), Failure> {
    let stopped = reports.last().is_some_and(|last| last.outcome == Outcome::Interrupted);
    if stopped && cancelled.load(Ordering::Relaxed) {
        let path = args.path.display();
        return Err(Failure::stopped(
            &format!("中断しました。もう一度 kura sync {path} とすると続きから再開します。"),
            &format!("stopped; run kura sync {path} again to go on"),
        ));
    }
    let refused = reports.iter().filter(|report| !report.outcome.is_good()).count();
    match refused {
        0 => Ok(()),
        _ => Err(Failure::reported(
            &format!("取り込めない更新パッケージが{refused}件ありました。"),
            &format!("{refused} bundle(s) could not be taken"),
        )),
    }
}
