//! `kura eval citations`: are the citations that answers show right, and the quotations word for
//! word?
//!
//! Every question goes the whole way of the product, over the installed data sets, with verbatim
//! decoding and without it. What the reader would see is then looked at by a check of its own
//! (`answer::evaluation::grounds`).

mod questions;
mod tally;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde::Serialize;

use super::{Context, Failure, output};
use crate::answer::evaluation::grounds::{self, Seen};
use crate::answer::{AnswerEvent, AnswerRequest, AnswerSummary, Selection, Service, Source};
use crate::cli::EvalCitationsArgs;
use crate::config::Config;
use tally::Tally;

/// One answer as `--answers` writes it.
#[derive(Serialize)]
struct Line<'a> {
    question: &'a str,
    verbatim: bool,
    answer: &'a str,
    seen: &'a Seen,
    summary: &'a AnswerSummary,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    model: String,
    questions: usize,
    verbatim_on: Option<Tally>,
    verbatim_off: Option<Tally>,
}

pub(super) fn run(context: &Context, args: &EvalCitationsArgs) -> Result<(), Failure> {
    let mut asked = questions::read(&args.questions)?;
    if let Some(limit) = args.limit.and_then(|limit| usize::try_from(limit).ok()) {
        let (all, wanted) = (asked.len(), limit.min(asked.len()));
        asked = (0..wanted).map(|at| asked[at * all / wanted].clone()).collect();
    }
    let modes: &[bool] = match args.verbatim.as_str() {
        "on" => &[true],
        "off" => &[false],
        _ => &[true, false],
    };
    let model = args.id.clone().or_else(|| context.config.model.clone());
    let config = Config { model, ..context.config.clone() };
    let runtime = super::serve::runtime()?;
    let report = runtime.block_on(async {
        let service = Service::open(&config)?;
        let outcome = tokio::select! {
            outcome = ask_all(context, &service, &asked, modes, args) => outcome,
            _ = tokio::signal::ctrl_c() => Err(Failure::interrupted()),
        };
        service.shutdown();
        outcome
    })?;
    match args.json {
        true => output::json(&report),
        false => {
            print(context, &report);
            Ok(())
        }
    }
}

async fn ask_all(
    context: &Context,
    service: &Service,
    asked: &[String],
    modes: &[bool],
    args: &EvalCitationsArgs,
) -> Result<Report, Failure> {
    service.model_settled().await;
    let model = service.resolve_model("default")?;
    let mut file = args.answers.as_deref().map(create).transpose()?;
    let (mut on, mut off) = (Tally::default(), Tally::default());
    let total = (asked.len() * modes.len()) as u64;
    let bar = output::progress(context, total, "質問しています", "Asking");
    for question in asked {
        for &verbatim in modes {
            let request = AnswerRequest {
                question: question.clone(),
                selection: Selection {
                    datasets: (!args.datasets.is_empty()).then(|| args.datasets.clone()),
                    ..Selection::default()
                },
                verbatim: Some(verbatim),
                ..AnswerRequest::default()
            };
            let (text, sources, summary) = whole(service, request).await?;
            let passages: Vec<_> =
                sources.iter().map(|source| (source.number, &source.passage)).collect();
            let seen = grounds::look(question, &text, &passages);
            if let Some((path, file)) = &mut file {
                let line =
                    Line { question, verbatim, answer: &text, seen: &seen, summary: &summary };
                write(file, &line).map_err(|why| unwritable(path, &why))?;
            }
            let tally = if verbatim { &mut on } else { &mut off };
            tally.add(question, &seen, &summary);
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    Ok(Report {
        model: format!("{} ({})", model.name, model.quantization),
        questions: asked.len(),
        verbatim_on: modes.contains(&true).then_some(on),
        verbatim_off: modes.contains(&false).then_some(off),
    })
}

/// Asks and waits for the whole answer.
async fn whole(
    service: &Service,
    request: AnswerRequest,
) -> Result<(String, Vec<Source>, AnswerSummary), Failure> {
    let mut events = service.answer(request).await?;
    let (mut text, mut found) = (String::new(), Vec::new());
    while let Some(event) = events.recv().await {
        match event {
            AnswerEvent::Sources { sources, .. } => found = sources,
            AnswerEvent::Queued { .. } | AnswerEvent::Progress { .. } => {}
            AnswerEvent::Text { text: more } => text.push_str(&more),
            AnswerEvent::Failed { message } => return Err(Failure::new(message.clone(), message)),
            AnswerEvent::Finished { summary } => return Ok((text, found, *summary)),
        }
    }
    Err(Failure::new("回答が途中で終わりました。", "the answer ended half-way"))
}

fn print(context: &Context, report: &Report) {
    say!("{}", report.model);
    say!("{}: {}", context.words("質問", "questions"), report.questions);
    let sides = [
        ("逐語の引用 あり", "verbatim on", &report.verbatim_on),
        ("逐語の引用 なし", "verbatim off", &report.verbatim_off),
    ];
    for (ja, en, tally) in sides {
        let Some(tally) = tally else { continue };
        say!("");
        say!("{}", context.words(ja, en));
        for (ja, en, value) in tally.rows() {
            say!("  {}: {value}", context.words(ja, en));
        }
        for failing in &tally.examples {
            say!("    × {}", output::name(failing));
        }
    }
}

fn write(file: &mut BufWriter<File>, line: &Line<'_>) -> std::io::Result<()> {
    serde_json::to_writer(&mut *file, line)?;
    writeln!(file)?;
    file.flush()
}

fn create(path: &Path) -> Result<(&Path, BufWriter<File>), Failure> {
    let file = File::create(path).map_err(|why| unwritable(path, &why))?;
    Ok((path, BufWriter::new(file)))
}

fn unwritable(path: &Path, why: &std::io::Error) -> Failure {
    let path = path.display();
    Failure::new(
        format!(
            "{path}に書き込めません（{why}）。フォルダーの有無、権限、空き容量を確認してください。"
        ),
        format!("cannot write {path}: {why}; check the folder, its permissions and space"),
    )
}
