//! `kura dataset …`: add, list, remove, show.

use std::path::Path;

use serde::Serialize;

use super::freshness::{self, Freshness};
use super::install::{self, Outcome};
use super::{Context, Failure, cancel, output};
use crate::answer::golden::GoldenOutcome;
use crate::cli::DatasetCommand;
use crate::sync::{FileProblem, GenerationRecord, MeasuredRates};
use crate::text::Lang;

/// Files named in the output of `add`; the rest is counted and shown by `show`.
const NAMED: usize = 20;

pub(super) fn run(context: &Context, asked: &DatasetCommand) -> Result<(), Failure> {
    match asked {
        DatasetCommand::Add { dir, json } => add(context, dir, *json),
        DatasetCommand::List { json } => list(context, *json),
        DatasetCommand::Remove { id } => remove(context, id),
        DatasetCommand::Show { id, json } => show(context, id, *json),
    }
}

fn add(context: &Context, dir: &Path, json: bool) -> Result<(), Failure> {
    let cancelled = cancel::on_interrupt()?;
    let outcome = install::add(context, dir, &cancelled)?;
    if json {
        let Outcome { record, golden, .. } = &outcome;
        return output::json(&Added { record, golden: golden.as_ref() });
    }
    report(context, &outcome);
    Ok(())
}

/// What `add --json` prints.
#[derive(Serialize)]
struct Added<'o> {
    #[serde(flatten)]
    record: &'o GenerationRecord,
    golden: Option<&'o GoldenOutcome>,
}

/// Says what was installed, and names what was not read.
pub(super) fn report(context: &Context, outcome: &Outcome) {
    let record = &outcome.record;
    let info = &record.info;
    let line = match (outcome.added, context.lang) {
        (false, Lang::Ja) => {
            format!(
                "「{}」（版 {}）は登録済みで、内容に変わりはありません。",
                info.title, info.edition
            )
        }
        (false, Lang::En) => {
            format!(
                "{} (edition {}) is installed already, with the same content.",
                info.title, info.edition
            )
        }
        (true, Lang::Ja) => format!(
            "「{}」（版 {}、基準日 {}）を登録しました：文書 {}件、該当箇所 {}件。",
            info.title, info.edition, info.as_of, record.documents, record.passages
        ),
        (true, Lang::En) => format!(
            "{} (edition {}, as of {}) is installed: {} documents, {} passages.",
            info.title, info.edition, info.as_of, record.documents, record.passages
        ),
    };
    say!("{line}");
    if let Some(edition) = &outcome.replaced {
        match context.lang {
            Lang::Ja => say!(
                "※ 版 {edition} を、同じ版または古い基準日のデータで置き換えました。意図したものか確かめてください。"
            ),
            Lang::En => say!(
                "* Edition {edition} was replaced by data of the same edition or an earlier date; check that this was meant."
            ),
        }
    }
    if let Some(golden) = &outcome.golden {
        output::golden(context, golden);
    }
    name_problems(
        context,
        &record.failures,
        "読めなかったファイル",
        "Files that were not read",
        NAMED,
    );
    name_problems(
        context,
        &record.warnings,
        "一部を読めなかったファイル",
        "Files read in part",
        NAMED,
    );
}

fn name_problems(context: &Context, problems: &[FileProblem], ja: &str, en: &str, most: usize) {
    if problems.is_empty() {
        return;
    }
    say!("{}: {}", context.words(ja, en), problems.len());
    for problem in problems.iter().take(most) {
        say!("  {}: {}", output::name(&problem.path), context.words(&problem.ja, &problem.en));
    }
    let rest = problems.len().saturating_sub(most);
    if rest > 0 {
        match context.lang {
            Lang::Ja => say!("  ほか{rest}件（kura dataset show で全件を表示します）"),
            Lang::En => say!("  and {rest} more (kura dataset show lists them all)"),
        }
    }
}

/// An installed data set, and how fresh it is.
#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    record: GenerationRecord,
    #[serde(flatten)]
    freshness: Freshness,
    /// How often search errs with 該当なし on it, as measured on this box.
    #[serde(skip_serializing_if = "Option::is_none")]
    measured: Option<MeasuredRates>,
}

fn listed(context: &Context) -> Result<Vec<Listed>, Failure> {
    let installation = context.installation();
    let state = installation.state()?;
    let ledger = freshness::ledger(&installation);
    let mut all = Vec::new();
    for (id, entry) in &state.datasets {
        let record = installation.generation(id, &entry.current)?;
        let freshness = Freshness::of(&installation, &state, &ledger, id, &record);
        let measured = installation.measured(id, &entry.current)?;
        all.push(Listed { record, freshness, measured });
    }
    Ok(all)
}

fn list(context: &Context, json: bool) -> Result<(), Failure> {
    let all = listed(context)?;
    if json {
        return output::json(&all);
    }
    if all.is_empty() {
        say!(
            "{}",
            context.words(
                "データセットはありません。kura dataset add フォルダー で追加します。",
                "There are no data sets. Add one with: kura dataset add DIR"
            )
        );
        return Ok(());
    }
    let header = match context.lang {
        Lang::Ja => [
            "ID",
            "名称",
            "区分",
            "版",
            "データ基準日",
            "経過日数",
            "文書",
            "該当箇所",
            "読めず",
            "入手",
            "該当なしの誤り(拒否/誤答)",
            "備考",
        ],
        Lang::En => [
            "ID",
            "TITLE",
            "SCOPE",
            "EDITION",
            "AS OF",
            "DAYS",
            "DOCS",
            "PASSAGES",
            "NOT READ",
            "CAME",
            "WRONG 該当なし",
            "NOTE",
        ],
    };
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|Listed { record, freshness, measured }| {
            vec![
                record.info.id.clone(),
                record.info.title.clone(),
                record.info.scope.label().to_owned(),
                record.info.edition.clone(),
                record.info.as_of.to_string(),
                freshness.days_since_as_of.to_string(),
                record.documents.to_string(),
                record.passages.to_string(),
                record.failures.len().to_string(),
                freshness.came(context.lang),
                measured.as_ref().map_or_else(|| "-".to_owned(), MeasuredRates::short),
                freshness.note(context.lang).to_owned(),
            ]
        })
        .collect();
    output::table(&header, &rows);
    Ok(())
}

fn remove(context: &Context, id: &str) -> Result<(), Failure> {
    context.installation().writer()?.remove_dataset(id)?;
    match context.lang {
        Lang::Ja => say!("データセット「{id}」を削除しました。"),
        Lang::En => say!("Data set {id} is removed."),
    }
    Ok(())
}

fn show(context: &Context, id: &str, json: bool) -> Result<(), Failure> {
    let found = listed(context)?.into_iter().find(|listed| listed.record.info.id == id);
    let found = found.ok_or_else(|| crate::sync::SyncError::UnknownDataset(id.to_owned()))?;
    if json {
        return output::json(&found);
    }
    let Listed { record, freshness, measured } = &found;
    let info = &record.info;
    let told = measured.as_ref().and_then(|measured| measured.label(context.lang));
    let told = told.unwrap_or_default();
    let lines = [
        ("ID", "id", info.id.clone()),
        ("名称", "title", info.title.clone()),
        ("区分", "scope", info.scope.label().to_owned()),
        ("位置付け", "authority", info.authority.label().to_owned()),
        ("版", "edition", info.edition.clone()),
        ("データ基準日", "as of", info.as_of.to_string()),
        ("経過日数", "days since", freshness.days_since_as_of.to_string()),
        ("発行者", "publisher", info.publisher.clone()),
        ("ライセンス", "licence", info.licence.clone()),
        ("文書", "documents", record.documents.to_string()),
        ("該当箇所", "passages", record.passages.to_string()),
        ("登録日時", "added", record.added_at.clone()),
        ("入手", "came", freshness.came_whole(context.lang)),
        ("該当なしの誤り（この機器での測定）", "wrong 該当なし (measured here)", told),
        ("備考", "note", freshness.note(context.lang).to_owned()),
        ("BLAKE3", "BLAKE3", record.content_blake3.clone()),
    ];
    for (ja, en, value) in lines.into_iter().filter(|(.., value)| !value.is_empty()) {
        say!("{}: {value}", context.words(ja, en));
    }
    let all = usize::MAX;
    name_problems(
        context,
        &record.failures,
        "読めなかったファイル",
        "Files that were not read",
        all,
    );
    name_problems(
        context,
        &record.warnings,
        "一部を読めなかったファイル",
        "Files read in part",
        all,
    );
    Ok(())
}
