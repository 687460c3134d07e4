//! Counters for `/metrics`, in Prometheus' text form. No label ever holds what a person typed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use prometheus::{
    Encoder, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder, core::Collector,
};

use crate::answer::{AnswerKind, AnswerSummary, EngineStats, NotFoundBy};

/// Bounds in seconds, from a quick search to a long prompt on a small CPU.
const SEARCH_BOUNDS_S: [f64; 10] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0];
const FIRST_TOKEN_BOUNDS_S: [f64; 10] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 120.0];

/// The counters of one server, in a registry of their own.
pub(crate) struct Metrics {
    registry: Registry,
    active: Arc<AtomicUsize>,
    active_gauge: IntGauge,
    requests: IntCounterVec,
    answers: IntCounterVec,
    prompt_tokens: IntCounter,
    completion_tokens: IntCounter,
    citations_removed: IntCounter,
    queue_refusals: IntCounter,
    first_token_s: Histogram,
    search_s: Histogram,
    /// The engine's counters, in the order of [`ENGINE`].
    engine: Vec<IntCounter>,
    blocks: IntGaugeVec,
}

/// Name, help, and where the engine counts it.
type EngineCounter = (&'static str, &'static str, fn(&EngineStats) -> usize);

/// What the engine counts since its model was loaded.
const ENGINE: [EngineCounter; 7] = [
    ("kura_engine_steps_total", "Steps computed.", |stats| stats.steps),
    ("kura_engine_prompt_tokens_total", "Prompt tokens computed.", |stats| stats.prompt_tokens),
    ("kura_engine_cached_tokens_total", "Prompt tokens found in the cache.", |stats| {
        stats.cached_tokens
    }),
    ("kura_engine_written_tokens_total", "Tokens written.", |stats| stats.written_tokens),
    ("kura_engine_drafted_tokens_total", "Tokens guessed.", |stats| stats.drafted_tokens),
    ("kura_engine_accepted_tokens_total", "Guesses that were right.", |s| s.accepted_tokens),
    ("kura_engine_preempted_total", "Sequences that gave way for a while.", |s| s.preempted),
];

impl Metrics {
    pub(crate) fn new() -> Self {
        let registry = Registry::new();
        let count = |name: &str, help: &str| register(&registry, IntCounter::new(name, help));
        let count_by = |name: &str, help: &str, labels: &[&str]| {
            register(&registry, IntCounterVec::new(Opts::new(name, help), labels))
        };
        let times = |name: &str, help: &str, bounds: &[f64]| {
            let options = HistogramOpts::new(name, help).buckets(bounds.to_vec());
            register(&registry, Histogram::with_opts(options))
        };
        let build = IntGaugeVec::new(Opts::new("kura_build_info", "Version."), &["version"]);
        register(&registry, build).with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        Self {
            active: Arc::default(),
            active_gauge: register(
                &registry,
                IntGauge::new("kura_http_requests_active", "Requests under way."),
            ),
            requests: count_by(
                "kura_http_requests_total",
                "Requests by route and status.",
                &["route", "status"],
            ),
            answers: count_by(
                "kura_answers_total",
                "Answers by their end: generated, excerpt, not-found (by search), not-found-model, plain, failed, abandoned.",
                &["end"],
            ),
            prompt_tokens: count("kura_prompt_tokens_total", "Tokens of prompts."),
            completion_tokens: count("kura_completion_tokens_total", "Tokens generated."),
            citations_removed: count(
                "kura_citations_removed_total",
                "Citations that named no given passage.",
            ),
            queue_refusals: count("kura_queue_refusals_total", "Requests refused: queue full."),
            first_token_s: times(
                "kura_first_token_seconds",
                "From the request to the first token.",
                &FIRST_TOKEN_BOUNDS_S,
            ),
            search_s: times("kura_search_seconds", "Time of searches.", &SEARCH_BOUNDS_S),
            engine: ENGINE.map(|(name, help, _)| count(name, help)).into(),
            blocks: register(
                &registry,
                IntGaugeVec::new(
                    Opts::new("kura_kv_blocks", "Blocks of the KV cache: total, used, kept."),
                    &["state"],
                ),
            ),
            registry,
        }
    }

    /// The count of requests under way, to be held by each of them.
    pub(crate) fn active(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.active)
    }

    pub(crate) fn count_request(&self, route: &str, status: u16) {
        self.requests.with_label_values(&[route, &status.to_string()]).inc();
    }

    pub(crate) fn count_refusal(&self) {
        self.queue_refusals.inc();
    }

    pub(crate) fn count_search(&self, search_ms: f64) {
        self.search_s.observe(search_ms / 1000.0);
    }

    pub(crate) fn count_answer(&self, summary: &AnswerSummary) {
        let end = match summary.kind {
            AnswerKind::Generated => "generated",
            AnswerKind::Excerpt => "excerpt",
            AnswerKind::NotFound => match summary.not_found.as_ref().map(|none| none.by) {
                Some(NotFoundBy::Model) => "not-found-model",
                Some(NotFoundBy::Search) | None => "not-found",
            },
            AnswerKind::Plain => "plain",
        };
        self.answers.with_label_values(&[end]).inc();
        self.prompt_tokens.inc_by(summary.usage.prompt_tokens as u64);
        self.completion_tokens.inc_by(summary.usage.completion_tokens as u64);
        self.citations_removed.inc_by(summary.citations_removed as u64);
        if summary.usage.first_token_ms > 0.0 {
            self.first_token_s.observe(summary.usage.first_token_ms / 1000.0);
        }
        if summary.kind != AnswerKind::Plain {
            self.count_search(summary.usage.search_ms);
        }
    }

    pub(crate) fn count_failure(&self) {
        self.answers.with_label_values(&["failed"]).inc();
    }

    pub(crate) fn count_abandoned(&self) {
        self.answers.with_label_values(&["abandoned"]).inc();
    }

    /// All of it as text, with the media type of that text. `engine` is what the engine has
    /// counted, where a model is loaded.
    pub(crate) fn render(&self, engine: Option<EngineStats>) -> (&'static str, Vec<u8>) {
        self.active_gauge.set(self.active.load(Ordering::Relaxed) as i64);
        let stats = engine.unwrap_or_default();
        for (counter, (_, _, value)) in self.engine.iter().zip(ENGINE) {
            counter.reset();
            counter.inc_by(value(&stats) as u64);
        }
        for (state, blocks) in [
            ("total", stats.cache_blocks),
            ("used", stats.cache_blocks_used),
            ("kept", stats.cache_blocks_kept),
        ] {
            self.blocks.with_label_values(&[state]).set(blocks as i64);
        }
        let mut text = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            tracing::error!(%error, "the metrics could not be written");
        }
        ("text/plain; version=0.0.4; charset=utf-8", text)
    }
}

/// Registers a collector that is made from constants.
#[expect(clippy::expect_used, reason = "names and labels are constants that a test registers")]
fn register<C: Collector + Clone + 'static>(registry: &Registry, made: prometheus::Result<C>) -> C {
    let collector = made.expect("metric names are valid");
    registry.register(Box::new(collector.clone())).expect("metric names are distinct");
    collector
}
