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

/// What the record says where a stick was taken as it was plugged in.
const UNATTENDED: &str = "USB自動取込";
const UNAPPROVED: &str = "（承認者の確認が必要）";
/// Characters of a name in the transfer record.
const NAME_CHARS_MAX: usize = 100;

pub(super) fn run(context: &Context, args: &SyncArgs) -> Result<(), Failure> {
    let who = who(context, args)?;
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
    let sticks = found(&importer, args)?;
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
    let media = name("--media", args.media.as_deref().unwrap_or_default())?;
    if args.unattended {
        let (operator, approver) = (UNATTENDED.to_owned(), UNAPPROVED.to_owned());
        return Ok(Who { operator, approver, media });
    }
    if args.dry_run {
        return Ok(Who { media, ..Who::default() });
    }
    let approver = required("--approver", args.approver.as_deref())?;
    Ok(Who { operator: operator(context, args.operator.as_deref())?, approver, media })
}

/// 作業者, from the command or the settings.
pub(super) fn operator(context: &Context, given: Option<&str>) -> Result<String, Failure> {
    let set = Some(context.config.sync.operator.as_str()).filter(|set| !set.trim().is_empty());
    required("--operator", given.or(set))
}

/// A name without which the record would not say who answers for it.
pub(super) fn required(flag: &str, given: Option<&str>) -> Result<String, Failure> {
    let given = name(flag, given.unwrap_or_default())?;
    if !given.is_empty() {
        return Ok(given);
    }
    let (ja, note_ja, note_en) = match flag {
        "--operator" => (
            "作業者",
            "（設定のsync.operatorでも決められます）",
            ", or set sync.operator in kura.toml",
        ),
        _ => ("承認者", "", ""),
    };
    Err(Failure::usage(
        format!("{ja}の名前を {flag} で指定してください{note_ja}。持込記録に残します。"),
        format!("give a name with {flag}{note_en}: the transfer record names who answers for it"),
    ))
}

/// The bundles at the place. That there is none is an attempt as well.
fn found(importer: &Importer<'_>, args: &SyncArgs) -> Result<Vec<Stick>, Failure> {
    Stick::find(&args.path).map_err(|refusal| {
        if !args.dry_run {
            let recorded = importer.record_refusal(&args.path.display().to_string(), &refusal);
            if let Err(error) = recorded {
                tracing::error!(%error, "the refusal is not on record");
            }
        }
        refusal.into()
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
        if args.unattended {
            // The medium is gone, and with it the place at which it was.
            return Err(Failure::stopped(
                "中断しました。媒体を差し直すと続きから再開します。",
                "stopped; put the medium in again to go on",
            ));
        }
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
