//! The check of a text that was put right, against the sources of its record.

use super::review::TextCheck;
use super::{Record, RecordSource};
use crate::answer::checking::{Evidence, audit};
use crate::answer::types::AnswerKind;
use crate::document::{Locator, Passage, Validity};

/// Checks a text that was made out of `before`. `None` for what was written without sources, and
/// cites none.
pub(super) fn check(record: &Record, before: &str, text: &str) -> Option<TextCheck> {
    if record.kind == AnswerKind::Plain && record.sources.is_empty() {
        return None;
    }
    let known = record.sources.iter().filter(|source| !source.text.is_empty());
    let passages: Vec<(usize, Passage)> =
        known.map(|source| (source.number, passage(source))).collect();
    let given = passages.iter().map(|(number, passage)| (*number, passage));
    let audited = audit(text, before, Evidence::of(given, &record.question));
    Some(TextCheck { shown: audited.text, cited: audited.cited, unconfirmed: audited.unconfirmed })
}

/// The passage as far as the check asks for it.
fn passage(source: &RecordSource) -> Passage {
    // The first records have the name as it is cited, and not what it is made of.
    let (title, heading) = match source.title.is_empty() {
        true => source.citation.split_once(' ').unwrap_or((&source.citation, "")),
        false => {
            let rest = source.citation.strip_prefix(&source.title).unwrap_or_default();
            (source.title.as_str(), rest.trim())
        }
    };
    let headings = if heading.is_empty() { Vec::new() } else { vec![heading.to_owned()] };
    Passage {
        id: source.passage.clone(),
        path: source.path.clone(),
        title: title.to_owned(),
        law_number: String::new(),
        abbreviations: source.abbreviations.clone(),
        headings,
        caption: String::new(),
        article: source.article.clone(),
        locator: Locator::None,
        text: source.text.clone(),
        authority: source.authority,
        scope: source.scope,
        as_of: source.as_of,
        validity: Validity::default(),
    }
}
