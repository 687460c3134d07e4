//! `kura ask`: a question here and now, streamed, with its sources.

use serde::Serialize;

use super::{Context, Failure, choosing, output};
use crate::answer::{AnswerEvent, AnswerRequest, AnswerSummary, Service, Source};
use crate::cli::AskArgs;

/// What `--json` prints.
#[derive(Serialize)]
struct Answer {
    question: String,
    text: String,
    sources: Vec<Source>,
    summary: AnswerSummary,
}

pub(super) fn run(context: &Context, args: &AskArgs) -> Result<(), Failure> {
    let runtime = super::serve::runtime()?;
    runtime.block_on(async {
        let service = Service::open(&context.config)?;
        let request = AnswerRequest {
            question: args.question.clone(),
            selection: choosing::selection(&args.choice)?,
            max_tokens: args.max_tokens,
            ..AnswerRequest::default()
        };
        tokio::select! {
            outcome = stream(context, &service, request, args) => outcome,
            _ = tokio::signal::ctrl_c() => {
                service.shutdown();
                Err(Failure::interrupted())
            }
        }
    })
}

async fn stream(
    context: &Context,
    service: &Service,
    request: AnswerRequest,
    args: &AskArgs,
) -> Result<(), Failure> {
    let mut events = service.answer(request).await?;
    let (mut text, mut given) = (String::new(), Vec::new());
    while let Some(event) = events.recv().await {
        match event {
            AnswerEvent::Sources { sources, .. } => given = sources,
            AnswerEvent::Queued { .. } | AnswerEvent::Progress { .. } => {}
            AnswerEvent::Text { text: more } => {
                if !args.json {
                    output::write(&more);
                }
                text.push_str(&more);
            }
            AnswerEvent::Failed { message } => return Err(Failure::new(message.clone(), message)),
            AnswerEvent::Finished { summary } if args.json => {
                let question = args.question.clone();
                return output::json(&Answer { question, text, sources: given, summary: *summary });
            }
            AnswerEvent::Finished { summary } => {
                say!("");
                foot(context, &given, &summary);
                return Ok(());
            }
        }
    }
    Err(Failure::new("回答が途中で終わりました。", "the answer ended half-way"))
}

fn foot(context: &Context, sources: &[Source], summary: &AnswerSummary) {
    let cited: Vec<&Source> =
        sources.iter().filter(|source| summary.cited.contains(&source.number)).collect();
    if !cited.is_empty() {
        say!("\n{}", context.words("出典", "Sources"));
    }
    for source in cited {
        say!(
            "[{}] {}（{}・{}、{} {}{}、{}）",
            source.number,
            source.citation,
            source.authority_label,
            source.scope_label,
            context.words("基準日", "as of"),
            source.passage.as_of,
            choosing::time(source),
            source.passage.path,
        );
    }
    say!("\n{}", context.words("生成情報", "Provenance"));
    let provenance = &summary.provenance;
    match &provenance.model {
        Some(model) => say!(
            "{}: {} {} {}",
            context.words("モデル", "model"),
            model.name,
            model.quantization,
            &model.blake3[..model.blake3.len().min(12)]
        ),
        None => say!("{}", context.words("モデル: 使っていません", "model: none")),
    }
    if let Some(assistant) = &provenance.assistant {
        let label = context.words("業務アシスタント", "assistant");
        say!("{label}: {} {}", assistant.title, assistant.version);
    }
    for dataset in &provenance.datasets {
        say!(
            "{}: {}（{} {}、{} {}）",
            context.words("データセット", "data set"),
            dataset.title,
            context.words("版", "edition"),
            dataset.edition,
            context.words("基準日", "as of"),
            dataset.as_of
        );
    }
    say!("kura {}  {}", provenance.kura_version, provenance.created_at);
    for note in &summary.notes {
        say!("※ {note}");
    }
}
