//! Search times over what is installed.

use std::sync::atomic::Ordering;
use std::time::Instant;

use serde::Serialize;

use super::super::cancel::Cancelled;
use super::super::{Context, Failure};
use crate::answer::{SearchRequest, Service};
use crate::search::metrics::percentile;

/// Searches that the percentiles stand on.
const SEARCHES: usize = 200;

#[derive(Debug, Serialize)]
pub(super) struct SearchReport {
    pub(super) datasets: usize,
    pub(super) passages: u64,
    pub(super) queries: usize,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
}

/// Searches with the titles and captions of what is installed, so that every query finds
/// something. `None` where no data set is installed, or when interrupted.
///
/// # Errors
/// The data sets cannot be opened or searched.
pub(super) fn measure(
    context: &Context,
    cancelled: &Cancelled,
) -> Result<Option<SearchReport>, Failure> {
    if !context.config.data_dir.exists() {
        return Ok(None);
    }
    let runtime = super::super::serve::runtime()?;
    let _inside = runtime.enter();
    let service = Service::open_without_model(&context.config)?;
    let datasets = service.datasets();
    if datasets.is_empty() {
        return Ok(None);
    }
    let queries = queries(&service)?;
    let mut times = Vec::new();
    for query in queries.iter().cycle().take(SEARCHES) {
        if cancelled.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let request = SearchRequest { query: query.clone(), ..SearchRequest::default() };
        let started = Instant::now();
        service.search(&request)?;
        times.push(started.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(Some(SearchReport {
        datasets: datasets.len(),
        passages: datasets.iter().map(|dataset| dataset.passages).sum(),
        queries: times.len(),
        p50_ms: percentile(&times, 0.5),
        p99_ms: percentile(&times, 0.99),
    }))
}

fn queries(service: &Service) -> Result<Vec<String>, Failure> {
    let mut queries = vec!["手数料の額".to_owned(), "届出の期限はいつまでか".to_owned()];
    for at in 0.. {
        let Some(seed) = queries.get(at).cloned() else { break };
        let request = SearchRequest { query: seed, limit: Some(20), ..SearchRequest::default() };
        for source in service.search(&request)?.sources {
            let query = format!("{} {}", source.passage.title, source.passage.caption);
            if !queries.contains(&query) {
                queries.push(query);
            }
        }
        if queries.len() >= SEARCHES {
            break;
        }
    }
    Ok(queries)
}
