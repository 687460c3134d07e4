//! Hits of a search as numbered sources with the words that the interface shows.

use std::borrow::Cow;

use jiff::civil::Date;

use super::library::{Shelf, identity, today};
use super::time::SourceTime;
use super::types::Source;
use crate::document::Passage;
use crate::guard::{instructions, invisible};
use crate::search::{CitationStatus, Found, Hit};

/// Numbers hits from 1 in the order of an answer: the common layer before the local one, in each
/// the higher authority first, then by data set, document and place in it. The same passages come
/// in the same order whatever was asked, and so prompts share their beginnings; what changes
/// least, the laws, comes first.
pub(super) fn number(shelf: &Shelf, hits: Vec<Hit>, day: Date) -> Vec<Source> {
    let mut sources = ranked(shelf, hits, day);
    sources.sort_by_cached_key(|source| {
        let passage = &source.passage;
        let place = passage.id.rsplit('#').next().and_then(|place| place.parse::<u64>().ok());
        let layer = (passage.scope, passage.authority);
        (layer, source.dataset.id.clone(), passage.path.clone(), place, passage.id.clone())
    });
    for (number, source) in (1..).zip(&mut sources) {
        source.number = number;
    }
    sources
}

/// Numbers hits from 1, best first. A hit of a data set that left meanwhile is left out.
pub(super) fn ranked(shelf: &Shelf, hits: Vec<Hit>, day: Date) -> Vec<Source> {
    let mut sources = Vec::with_capacity(hits.len());
    for hit in hits {
        if let Some(mut source) = whole(shelf, &hit.dataset, hit.passage, day) {
            source.number = sources.len() + 1;
            source.rank = source.number;
            (source.snippet, source.highlights) =
                invisible::seen_ranges(&hit.snippet.text, &hit.snippet.highlights);
            sources.push(source);
        }
    }
    sources
}

/// A passage without a search: numbered 1, its own text as the snippet. `day` is the one asked.
pub(super) fn whole(shelf: &Shelf, dataset: &str, passage: Passage, day: Date) -> Option<Source> {
    let info = shelf.info(dataset)?;
    let warnings = instructions::warnings(&passage.text);
    let passage = Passage { text: invisible::seen(&passage.text).into_owned(), ..passage };
    Some(Source {
        number: 1,
        rank: 1,
        dataset: identity(info),
        citation: passage.citation(),
        scope_label: passage.scope.label(),
        authority_label: passage.authority.label_in(passage.scope),
        time: SourceTime::of(&passage, day, today(), info.stale_after_days),
        snippet: passage.text.clone(),
        highlights: Vec::new(),
        warnings,
        passage,
    })
}

/// The passage as a model gets it: without sentences that speak to it.
pub(super) fn for_model(source: &Source) -> Cow<'_, Passage> {
    match instructions::for_model(&source.passage.text) {
        Cow::Borrowed(_) => Cow::Borrowed(&source.passage),
        Cow::Owned(text) => Cow::Owned(Passage { text, ..source.passage.clone() }),
    }
}

/// The warnings of passages, each once, with the numbers that it is about: 「出典[1][3]：…」.
pub(super) fn warnings(sources: &[Source]) -> Vec<String> {
    let mut said: Vec<(&str, String)> = Vec::new();
    for source in sources {
        for warning in &source.warnings {
            let number = format!("[{}]", source.number);
            match said.iter_mut().find(|(known, _)| known == warning) {
                Some((_, numbers)) => numbers.push_str(&number),
                None => said.push((warning, number)),
            }
        }
    }
    said.into_iter().map(|(warning, numbers)| format!("出典{numbers}：{warning}")).collect()
}

/// Provisions that the question names although no data set holds them.
pub(super) fn unresolved(found: &Found) -> Vec<String> {
    found
        .resolved
        .iter()
        .filter(|citation| citation.status != CitationStatus::Found)
        .map(|citation| citation.label())
        .collect()
}
