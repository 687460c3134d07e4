//! `kura eval retrieval --labelled FILE`: how often search says 該当なし wrongly, and how often it
//! should have said so, on an installed data set or on a folder.
//!
//! The rates of an installed data set are kept with it and shown by `kura dataset list`, on the
//! page of the state of the box, and beside answers 該当なし.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde::Serialize;

use super::{Context, Failure, cancel, install, output};
use crate::answer::labelled::{Labelled, Measured};
use crate::cli::EvalRetrievalArgs;
use crate::config::Config;
use crate::search::{Index, SearchError, Searcher};
use crate::sync::{FoundRates, Installation, MeasuredRates, Questions, Rate, SyncError};
use crate::text::Lang;

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'m> {
    dataset: &'m str,
    edition: &'m str,
    #[serde(flatten)]
    measured: &'m Measured,
    /// Whether the rates were kept with the data set.
    kept: bool,
}

pub(super) fn run(context: &Context, args: &EvalRetrievalArgs, file: &Path) -> Result<(), Failure> {
    let labelled = Labelled::load(file).map_err(|why| {
        // The reader of such files speaks of the one that data sets bring.
        let said = |lang| why.message(lang).replace("golden.toml", &file.display().to_string());
        Failure::new(said(Lang::Ja), said(Lang::En))
    })?;
    let cancelled = cancel::on_interrupt()?;
    let folder;
    let (installation, id) = match &args.folder {
        Some(dir) => {
            folder = tempfile::tempdir().map_err(|why| no_room(&why))?;
            let (installation, id) = read_folder(context, dir, folder.path(), &cancelled)?;
            (installation, id)
        }
        None => (context.installation(), chosen(context, args.dataset.as_deref())?),
    };
    let state = installation.state()?;
    let entry = state.datasets.get(&id);
    let entry = entry.ok_or_else(|| SyncError::UnknownDataset(id.clone()))?;
    let record = installation.generation(&id, &entry.current)?;
    let index = Index::open(&installation.index_dir(&id, &entry.current));
    let index = index.map_err(|why| unsearchable(&why))?;
    let searcher = Searcher::new(vec![(id.clone(), Arc::new(index))]);
    let total = labelled.questions().len() as u64;
    let bar = output::progress(context, total, "質問しています", "Asking");
    let measured = labelled.measure(&searcher, &cancelled, |done| bar.set_position(done as u64));
    bar.finish_and_clear();
    let measured = measured.map_err(|why| match why {
        SearchError::Cancelled => Failure::interrupted(),
        why => unsearchable(&why),
    })?;
    let kept = args.folder.is_none();
    if kept {
        let rates = MeasuredRates::now(measured.rates, Questions::Labelled);
        installation.writer()?.record_measured(&id, &rates)?;
    }
    let edition = &record.info.edition;
    if args.json {
        let measured = &measured;
        return output::json(&Report { dataset: &id, edition, measured, kept });
    }
    print(context, &format!("{} {edition}", record.info.title), &measured, kept);
    Ok(())
}

/// Installs a folder in a data folder of its own, which goes when the measurement is done.
fn read_folder(
    context: &Context,
    dir: &Path,
    apart: &Path,
    cancelled: &AtomicBool,
) -> Result<(Installation, String), Failure> {
    let config = Config { data_dir: apart.join("data"), ..context.config.clone() };
    let apart = Context { config, settings: None, lang: context.lang };
    let added = install::add(&apart, dir, cancelled)?;
    Ok((apart.installation(), added.record.info.id))
}

/// The data set asked for, or the only one.
fn chosen(context: &Context, asked: Option<&str>) -> Result<String, Failure> {
    if let Some(id) = asked {
        return Ok(id.to_owned());
    }
    let state = context.installation().state()?;
    let mut ids = state.datasets.into_keys();
    match (ids.next(), ids.next()) {
        (Some(id), None) => Ok(id),
        (None, _) => Err(Failure::new(
            "データセットがありません。kura dataset add フォルダー で追加するか、--folder フォルダー を付けてください。",
            "there are no data sets; add one with `kura dataset add DIR`, or give --folder DIR",
        )),
        (Some(_), Some(_)) => Err(Failure::new(
            "データセットが複数あります。--dataset ID で一つを選んでください（IDはkura dataset listで確かめられます）。",
            "there are several data sets; choose one with --dataset ID (see `kura dataset list`)",
        )),
    }
}

fn print(context: &Context, title: &str, measured: &Measured, kept: bool) {
    say!("{title}");
    say!("{}", rates_text(context, &measured.rates));
    for (name, rates) in measured.splits.iter().chain(&measured.kinds) {
        say!("{name}");
        say!("{}", rates_text(context, rates));
    }
    let wrong: Vec<_> = measured.questions.iter().filter(|q| q.answerable != q.found).collect();
    if !wrong.is_empty() {
        say!("{}", context.words("誤った質問：", "Questions that came out wrong:"));
    }
    for question in wrong {
        let what = match question.answerable {
            true => context.words("答えがあるのに該当なし", "answerable, nothing found"),
            false => context.words("答えがないのに文書を提示", "unanswerable, passages shown"),
        };
        say!("  {what}: {}", output::name(&question.ask));
    }
    if kept {
        say!(
            "{}",
            context.words(
                "この割合を、データセットとともに保存しました（kura dataset listと画面に表示されます）。",
                "These rates are kept with the data set; `kura dataset list` and the pages show them."
            )
        );
    }
}

/// Both rates with their intervals, a line each.
fn rates_text(context: &Context, rates: &FoundRates) -> String {
    let line = |ja: &str, en: &str, rate: Rate| {
        let label = rate.label(context.lang)?;
        let (low, high) = rate.interval_percent()?;
        let interval = match context.lang {
            Lang::Ja => format!("95%信頼区間 {low:.1}～{high:.1}%"),
            Lang::En => format!("95% interval {low:.1} to {high:.1}%"),
        };
        Some(format!("  {} {label}  {interval}", context.words(ja, en)))
    };
    let lines = [
        line("答えがあるのに該当なしとする割合", "answerable but nothing found", rates.refused),
        line("答えがないのに文書を示す割合", "unanswerable but passages shown", rates.answered),
    ];
    lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

fn no_room(why: &std::io::Error) -> Failure {
    let dir = std::env::temp_dir();
    Failure::new(
        format!(
            "一時フォルダー{}を使えません（{why}）。空き容量を確認してください。",
            dir.display()
        ),
        format!("cannot use the temporary folder {}: {why}", dir.display()),
    )
}

fn unsearchable(why: &SearchError) -> Failure {
    Failure::new(
        format!("索引を検索できません（{why}）。kura doctor で確かめてください。"),
        format!("cannot search the index: {why}; see `kura doctor`"),
    )
}
