//! `kura bench`: speed and memory of this box, with the model and data sets that it has.
//!
//! Prefill: tokens of a fresh prompt by the time to its first token. Decode: tokens after the first
//! by the time between the first and the last. Each part is measured several times; the median is
//! given, with the range.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;

use super::{Context, Failure, output};
use crate::answer::{SearchRequest, Service};
use crate::cli::BenchArgs;
use crate::llm::{EngineOptions, Event, Model, Request, Sampling};
use crate::search::metrics::percentile;
use crate::text::Lang;

/// Searches that the percentiles stand on.
const SEARCHES: usize = 200;

#[derive(Debug, Serialize)]
struct Report {
    kura_version: &'static str,
    cores: usize,
    fast_kernels: bool,
    model: Option<ModelReport>,
    search: Option<SearchReport>,
    /// Highest resident memory of this process, in MiB.
    memory_mib_peak: f64,
}

#[derive(Debug, Serialize)]
struct ModelReport {
    name: String,
    quantization: String,
    size_mib: f64,
    threads: usize,
    load_ms: f64,
    prompt_tokens: usize,
    decode_tokens: usize,
    prefill_tokens_per_s: Spread,
    decode_tokens_per_s: Spread,
    first_token_ms: Spread,
    kv_cache_mib: f64,
}

#[derive(Debug, Serialize)]
struct SearchReport {
    datasets: usize,
    passages: u64,
    queries: usize,
    p50_ms: f64,
    p99_ms: f64,
}

/// Median, least and most of several measurements.
#[derive(Clone, Copy, Debug, Serialize)]
struct Spread {
    median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self {
            median: percentile(&values, 0.5),
            least: values.first().copied().unwrap_or(0.0),
            most: values.last().copied().unwrap_or(0.0),
        }
    }
}

pub(super) fn run(context: &Context, args: &BenchArgs) -> Result<(), Failure> {
    let path = match &args.model {
        Some(path) => Some(path.clone()),
        None => installed_model(context)?,
    };
    let model = path.map(|path| measure_model(context, args, &path)).transpose()?;
    let search = measure_search(context)?;
    if model.is_none() && search.is_none() {
        return Err(Failure::new(
            "測るものがありません。モデルかデータセットを登録するか、--model でファイルを指定してください。",
            "there is nothing to measure: add a model or a data set, or name a file with --model",
        ));
    }
    let report = Report {
        kura_version: env!("CARGO_PKG_VERSION"),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        fast_kernels: crate::llm::has_fast_kernels(),
        model,
        search,
        memory_mib_peak: memory_mib_peak(),
    };
    if args.json {
        return output::json(&report);
    }
    print(context, &report);
    Ok(())
}

fn installed_model(context: &Context) -> Result<Option<PathBuf>, Failure> {
    let installation = context.installation();
    let state = installation.state()?;
    let id = context.config.model.as_ref().or(state.model.as_ref());
    Ok(id.and_then(|id| state.models.get(id)).map(|blake3| installation.model_path(blake3)))
}

fn measure_model(context: &Context, args: &BenchArgs, path: &Path) -> Result<ModelReport, Failure> {
    let unusable = |why: &dyn std::fmt::Display| {
        Failure::new(
            format!("{}を測れません（{why}）。", path.display()),
            format!("cannot measure {}: {why}", path.display()),
        )
    };
    let started = Instant::now();
    let options = EngineOptions {
        slots: 1,
        context_tokens: args.prompt_tokens + args.decode_tokens + 8,
        ..EngineOptions::from_config(&context.config.engine)
    };
    let model = Model::load(path, &options).map_err(|why| unusable(&why))?;
    let load_ms = started.elapsed().as_secs_f64() * 1e3;
    if model.context_tokens() < args.prompt_tokens + args.decode_tokens {
        let most = model.context_tokens();
        return Err(unusable(&format!(
            "its context has {most} tokens; use a smaller --prompt-tokens"
        )));
    }
    let (mut prefill, mut decode, mut first) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=args.repeat.max(1) {
        let sample = measure_once(&model, args, round as u64).map_err(|why| unusable(&why))?;
        // The first round warms the page cache and the threads.
        if round > 0 {
            prefill.push(args.prompt_tokens as f64 / sample.0);
            decode.push((args.decode_tokens.saturating_sub(1)) as f64 / sample.1.max(1e-9));
            first.push(sample.0 * 1e3);
        }
    }
    let info = model.info();
    Ok(ModelReport {
        name: info.name.clone(),
        quantization: info.quantization.clone(),
        size_mib: info.file_size_bytes as f64 / f64::from(1 << 20),
        threads: context.config.engine.threads,
        load_ms,
        prompt_tokens: args.prompt_tokens,
        decode_tokens: args.decode_tokens,
        prefill_tokens_per_s: Spread::of(prefill),
        decode_tokens_per_s: Spread::of(decode),
        first_token_ms: Spread::of(first),
        kv_cache_mib: model.engine().memory().kv_cache as f64 / f64::from(1 << 20),
    })
}

/// Seconds to the first token, and from the first to the last.
fn measure_once(model: &Model, args: &BenchArgs, round: u64) -> Result<(f64, f64), String> {
    let vocabulary = model.engine().vocabulary() as u64;
    // Another prompt each round, so that no cached prefix helps. Multiplier: Knuth's MMIX.
    let prompt = (0..args.prompt_tokens as u64)
        .map(|at| {
            let mixed = (at + round * 7919 + 1).wrapping_mul(6_364_136_223_846_793_005);
            ((mixed >> 33) % vocabulary) as u32
        })
        .collect();
    let request = Request {
        prompt,
        max_tokens: args.decode_tokens.max(1),
        sampling: Sampling::default(),
        eos: Vec::new(),
        client: None,
    };
    let started = Instant::now();
    let mut generation = model.engine().generate(request).map_err(|why| why.to_string())?;
    let mut first = None;
    while let Some(event) = generation.blocking_next() {
        match event {
            Event::Queued { .. } => {}
            Event::Token { .. } => {
                first.get_or_insert_with(|| started.elapsed().as_secs_f64());
            }
            Event::Finished(_) => break,
        }
    }
    let first = first.ok_or_else(|| "no token came".to_owned())?;
    Ok((first, started.elapsed().as_secs_f64() - first))
}

/// Searches with the titles and captions of what is installed, so that every query finds something.
fn measure_search(context: &Context) -> Result<Option<SearchReport>, Failure> {
    if !context.config.data_dir.exists() {
        return Ok(None);
    }
    let runtime = super::serve::runtime()?;
    let _inside = runtime.enter();
    let service = Service::open_without_model(&context.config)?;
    let datasets = service.datasets();
    if datasets.is_empty() {
        return Ok(None);
    }
    let mut queries = vec!["手数料の額".to_owned(), "届出の期限はいつまでか".to_owned()];
    for at in 0.. {
        let Some(seed) = queries.get(at).cloned() else { break };
        let request = SearchRequest { query: seed, datasets: None, limit: Some(20) };
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
    let mut times = Vec::new();
    for query in queries.iter().cycle().take(SEARCHES) {
        let request = SearchRequest { query: query.clone(), datasets: None, limit: None };
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

fn memory_mib_peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

fn print(context: &Context, report: &Report) {
    let ja = context.lang == Lang::Ja;
    say!("kura {} / {} cores / AVX2: {}", report.kura_version, report.cores, report.fast_kernels);
    if let Some(model) = &report.model {
        say!("{} {} ({:.0} MiB)", model.name, model.quantization, model.size_mib);
        let rows = [
            ("読み込み", "load", format!("{:.0} ms", model.load_ms)),
            ("入力の処理", "prefill", rate(&model.prefill_tokens_per_s, model.prompt_tokens)),
            ("生成", "decode", rate(&model.decode_tokens_per_s, model.decode_tokens)),
            ("最初の文字まで", "first token", format!("{:.0} ms", model.first_token_ms.median)),
            ("KVキャッシュ", "KV cache", format!("{:.1} MiB", model.kv_cache_mib)),
        ];
        for (name_ja, name_en, value) in rows {
            say!("  {}: {value}", if ja { name_ja } else { name_en });
        }
    }
    if let Some(search) = &report.search {
        say!(
            "{} ({} passages): p50 {:.2} ms, p99 {:.2} ms",
            context.words("検索", "search"),
            search.passages,
            search.p50_ms,
            search.p99_ms
        );
    }
    say!("{}: {:.0} MiB", context.words("最大メモリ", "peak memory"), report.memory_mib_peak);
}

fn rate(spread: &Spread, tokens: usize) -> String {
    format!(
        "{:.1} tokens/s ({:.1}–{:.1}, {tokens} tokens)",
        spread.median, spread.least, spread.most
    )
}
