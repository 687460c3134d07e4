//! Hits of a search as numbered sources with the words that the interface shows.

use super::library::{Shelf, identity};
use super::types::Source;
use crate::document::Passage;
use crate::search::{CitationStatus, Found, Hit};

/// Numbers hits from 1 in the order of an answer: by data set, document and place in it, so that
/// the same passages have the same numbers whatever was asked.
pub(super) fn number(shelf: &Shelf, hits: Vec<Hit>) -> Vec<Source> {
    let mut sources = ranked(shelf, hits);
    sources.sort_by_cached_key(|source| {
        let passage = &source.passage;
        let place = passage.id.rsplit('#').next().and_then(|place| place.parse::<u64>().ok());
        (source.dataset.id.clone(), passage.path.clone(), place, passage.id.clone())
    });
    for (number, source) in (1..).zip(&mut sources) {
        source.number = number;
    }
    sources
}

/// Numbers hits from 1, best first. A hit of a data set that left meanwhile is left out.
pub(super) fn ranked(shelf: &Shelf, hits: Vec<Hit>) -> Vec<Source> {
    let mut sources = Vec::with_capacity(hits.len());
    for hit in hits {
        if let Some(mut source) = whole(shelf, &hit.dataset, hit.passage) {
            source.number = sources.len() + 1;
            source.rank = source.number;
            source.snippet = hit.snippet.text;
            source.highlights = hit.snippet.highlights;
            sources.push(source);
        }
    }
    sources
}

/// A passage without a search: numbered 1, its own text as the snippet.
pub(super) fn whole(shelf: &Shelf, dataset: &str, passage: Passage) -> Option<Source> {
    Some(Source {
        number: 1,
        rank: 1,
        dataset: identity(shelf.info(dataset)?),
        citation: passage.citation(),
        scope_label: passage.scope.label(),
        authority_label: passage.authority.label(),
        snippet: passage.text.clone(),
        highlights: Vec::new(),
        passage,
    })
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
