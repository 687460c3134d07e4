//! The flags that choose the data, as `kura ask` and `kura search` take them.

use super::Failure;
use crate::answer::{Choice, Selection, Source};
use crate::cli::ChoiceArgs;

/// The selection that the flags name.
///
/// # Errors
/// A value is none that its flag takes; the message says which, and what it takes.
pub(super) fn selection(args: &ChoiceArgs) -> Result<Selection, Failure> {
    let choice = Choice {
        datasets: args.datasets.clone(),
        editions: args.editions.clone(),
        as_of: args.as_of.clone().unwrap_or_default(),
        authorities: args.authorities.clone(),
        scopes: args.scopes.clone(),
        from: args.from.clone().unwrap_or_default(),
        until: args.until.clone().unwrap_or_default(),
    };
    Ok(choice.read()?)
}

/// Where a source stands in time, to be set behind its 基準日; empty where it does not say.
pub(super) fn time(source: &Source) -> String {
    let parts = [source.time.label, source.time.words.as_str()];
    let said: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    match said.is_empty() {
        true => String::new(),
        false => format!("、{}", said.join(" ")),
    }
}
