//! `kura search`: passages without an answer.

use super::{Context, Failure, choosing, output};
use crate::answer::{SearchRequest, Service};
use crate::cli::SearchArgs;

pub(super) fn run(context: &Context, args: &SearchArgs) -> Result<(), Failure> {
    let request = SearchRequest {
        query: args.query.clone(),
        selection: choosing::selection(&args.choice)?,
        limit: Some(args.limit),
    };
    let runtime = super::serve::runtime()?;
    let _inside = runtime.enter();
    let response = Service::open_without_model(&context.config)?.search(&request)?;
    if args.json {
        return output::json(&response);
    }
    for note in &response.notes {
        say!("※ {note}");
    }
    for label in &response.unresolved {
        say!(
            "※ {label}{}",
            context.words("は、データセットにありません。", " is in none of the data sets.")
        );
    }
    if response.sources.is_empty() {
        say!("{}", context.words("該当なし", "nothing found"));
    }
    for source in &response.sources {
        say!(
            "[{}] {}（{}・{}、{} {}{}、{}: {}）",
            source.number,
            source.citation,
            source.authority_label,
            source.scope_label,
            context.words("基準日", "as of"),
            source.passage.as_of,
            choosing::time(source),
            source.dataset.title,
            source.passage.path
        );
        say!("    {}", source.snippet.replace('\n', " "));
    }
    Ok(())
}
