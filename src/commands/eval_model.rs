//! `kura eval model`: how well an installed model answers from given passages, on this box.
//!
//! The questions (`index/sample-benchmark.toml`) and the sample data set travel in the binary, so
//! that figures of two models, or of one model on two boxes, compare. A whole run is kept with the
//! model and shown beside its name.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Serialize;

use super::{Context, Failure, bundled, cancel, install, output};
use crate::answer::evaluation::questions::{self, Question};
use crate::answer::evaluation::{EvaluationError, Examiner, Reply};
use crate::cli::EvalModelArgs;
use crate::config::Config;
use crate::sync::{Evaluation, Installation, ModelRecord, Share, SyncError};
use crate::text::Lang;

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    model: &'a ModelRecord,
    evaluation: &'a Evaluation,
    /// False where only some of the questions were asked.
    kept: bool,
}

pub(super) fn run(context: &Context, args: &EvalModelArgs) -> Result<(), Failure> {
    let id = chosen(context, args.id.as_deref())?;
    let all = questions::parse(bundled::BENCHMARK).map_err(|why| internal(&why))?;
    let asked = thin_out(&all, args.limit.and_then(|n| usize::try_from(n).ok()));
    let folder = tempfile::tempdir().map_err(|why| unwritable(&std::env::temp_dir(), &why))?;
    let cancelled = cancel::on_interrupt()?;
    let data = install_sample(context, folder.path(), &cancelled)?;
    let whole = asked.len() == all.len();
    if whole {
        // Found out now, not after an hour of asking.
        drop(context.installation().writer()?);
    }
    let runtime = super::serve::runtime()?;
    let (record, evaluation) = runtime.block_on(async {
        let mut examiner = tokio::select! {
            opened = Examiner::open(&context.config, &id, data) => opened?,
            () = interrupted(&cancelled) => return Err(Failure::interrupted()),
        };
        let outcome = tokio::select! {
            outcome = ask(context, &mut examiner, &asked, args.answers.as_deref()) => outcome,
            () = interrupted(&cancelled) => Err(Failure::interrupted()),
        };
        examiner.shutdown();
        outcome?;
        let evaluation = examiner.evaluation(&bundled::benchmark_hash());
        Ok::<_, Failure>((examiner.model().clone(), evaluation))
    })?;
    let keep = || context.installation().writer()?.record_evaluation(&record.blake3, &evaluation);
    let kept = if whole { keep() } else { Ok(()) };
    match args.json {
        true => {
            let kept = whole && kept.is_ok();
            output::json(&Report { model: &record, evaluation: &evaluation, kept })?;
        }
        false => print(context, &record, &evaluation, whole && kept.is_ok()),
    }
    Ok(kept?)
}

/// The model asked for, or the one in use.
fn chosen(context: &Context, id: Option<&str>) -> Result<String, Failure> {
    let state = context.installation().state()?;
    let wanted = id.map(str::to_owned).or_else(|| context.config.model.clone()).or(state.model);
    let id = wanted.ok_or_else(|| {
        Failure::new(
            "モデルがありません。kura model add ファイル.gguf で追加してください。",
            "there is no model; add one with: kura model add FILE.gguf",
        )
    })?;
    match state.models.contains_key(&id) {
        true => Ok(id),
        false => Err(SyncError::UnknownModel(id).into()),
    }
}

/// `limit` questions, evenly over the set, so that every kind is among them.
fn thin_out(all: &[Question], limit: Option<usize>) -> Vec<&Question> {
    let wanted = limit.unwrap_or(all.len()).clamp(1, all.len());
    (0..wanted).map(|at| &all[at * all.len() / wanted]).collect()
}

/// Installs the sample data set in a folder that is removed afterwards.
fn install_sample(
    context: &Context,
    folder: &Path,
    cancelled: &AtomicBool,
) -> Result<Installation, Failure> {
    let source = folder.join("sample");
    bundled::write_sample(&source)?;
    let config = Config { data_dir: folder.join("data"), ..context.config.clone() };
    let apart = Context { config, settings: None, lang: context.lang };
    install::add(&apart, &source, cancelled)?;
    Ok(apart.installation())
}

/// Ends when Ctrl-C was pressed.
async fn interrupted(cancelled: &AtomicBool) {
    while !cancelled.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn ask(
    context: &Context,
    examiner: &mut Examiner,
    questions: &[&Question],
    answers: Option<&Path>,
) -> Result<(), Failure> {
    let mut file = answers.map(|path| create(path).map(|file| (path, file))).transpose()?;
    let bar = output::progress(context, questions.len() as u64, "質問しています", "Asking");
    for question in questions {
        let reply = examiner.ask(question).await?;
        if let Some((path, file)) = &mut file {
            write(file, &reply).map_err(|why| unwritable(path, &why))?;
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(())
}

fn write(file: &mut BufWriter<File>, reply: &Reply) -> std::io::Result<()> {
    serde_json::to_writer(&mut *file, reply)?;
    writeln!(file)?;
    file.flush()
}

fn create(path: &Path) -> Result<BufWriter<File>, Failure> {
    File::create(path).map(BufWriter::new).map_err(|why| unwritable(path, &why))
}

fn print(context: &Context, record: &ModelRecord, evaluation: &Evaluation, kept: bool) {
    say!("{} ({}, {})", record.name, record.quantization, &record.blake3[..12]);
    let rows = [
        ("選択問題（四択）の正答率", "choices (of four) right", evaluation.choices),
        ("正しい出典を示した割合", "right passage cited", evaluation.cited),
        ("「」の引用が原文どおりの割合", "quotations verbatim", evaluation.verbatim),
        ("答えのない質問に「該当なし」と答えた割合", "not-found recall", evaluation.none_recall),
        ("「該当なし」が正しかった割合", "not-found precision", evaluation.none_precision),
    ];
    for (ja, en, share) in rows {
        say!("{}: {}", context.words(ja, en), shown(share));
    }
    say!(
        "{}: {:.1} / {:.1}",
        context.words("速さ（入力／出力、トークン毎秒）", "tokens/s (prompt / answer)"),
        evaluation.prefill_tokens_per_s,
        evaluation.decode_tokens_per_s
    );
    match (kept, context.lang) {
        (true, Lang::Ja) => say!("結果をモデルとともに保存しました（kura model list に出ます）。"),
        (true, Lang::En) => say!("Kept with the model; kura model list shows it."),
        (false, Lang::Ja) => {
            say!("結果は保存していません（保存するのは、すべての質問に答えたときです）。")
        }
        (false, Lang::En) => say!("This is not kept; a run over all questions is."),
    }
}

/// 62.1% (41/66)
fn shown(share: Share) -> String {
    match share.percent() {
        Some(percent) => format!("{percent:.1}% ({}/{})", share.right, share.of),
        None => "– (0/0)".to_owned(),
    }
}

impl From<EvaluationError> for Failure {
    fn from(why: EvaluationError) -> Self {
        let ja = format!("モデルを評価できませんでした。{}", why.message(Lang::Ja));
        Self::new(ja, why.message(Lang::En))
    }
}

fn internal(why: &dyn std::fmt::Display) -> Failure {
    Failure::new(format!("内蔵の質問を読めません（{why}）。"), format!("bundled questions: {why}"))
}

fn unwritable(path: &Path, why: &std::io::Error) -> Failure {
    Failure::new(
        format!(
            "{}に書き込めません（{why}）。フォルダーの有無、権限、空き容量を確認してください。",
            path.display()
        ),
        format!(
            "cannot write {}: {why}; check the folder, its permissions and space",
            path.display()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_questions() {
        let all = questions::parse(bundled::BENCHMARK).unwrap();
        let choices = all.iter().filter(|question| question.choices.is_some()).count();
        assert!(choices >= 60, "{choices}");
        assert!(all.iter().filter(|question| question.source.is_none()).count() >= 20);
        assert_eq!(thin_out(&all, Some(7)).len(), 7);
        assert_eq!(thin_out(&all, None).len(), all.len());
        let kinds = thin_out(&all, Some(10));
        assert!(kinds.iter().any(|question| question.source.is_none()));
    }
}
