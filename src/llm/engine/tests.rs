//! The engine over a small real model.

mod fairness;
mod schedules;
mod sharing;
mod speculation;
mod verbatim;

use std::time::Duration;

use super::*;
use crate::llm::kernels::pool::Pool;
use crate::llm::kv_cache::KvType;
use crate::llm::sampler::Sampling;
use crate::llm::testing::TestModel;

fn options() -> EngineOptions {
    EngineOptions {
        threads: 2,
        slots: 3,
        context_tokens: 512,
        queue_requests: 4,
        prefill_chunk_tokens: 64,
        prefill_chunk_tokens_shared: 16,
        ..EngineOptions::default()
    }
}

fn engine(options: &EngineOptions) -> Engine {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    TestModel::new("qwen3").write(&path).unwrap();
    Engine::load(&path, options).unwrap()
}

fn request(prompt_tokens: usize, max_tokens: usize) -> Request {
    Request {
        prompt: (0..prompt_tokens).map(|i| (i * 29 % 241) as u32).collect(),
        max_tokens,
        sampling: Sampling::default(),
        eos: Vec::new(),
        client: None,
        guide: None,
    }
}

fn finish(result: (Vec<u32>, Option<Finish>)) -> (Vec<u32>, Finish) {
    (result.0, result.1.unwrap())
}

#[test]
fn tokens_come_one_by_one_and_then_the_reason() {
    let engine = engine(&options());
    let (tokens, end) = finish(engine.generate(request(10, 12)).unwrap().blocking_collect());
    assert_eq!((tokens.len(), end.reason), (12, Reason::Length));
    assert_eq!((end.prompt_tokens, end.completion_tokens), (10, 12));
    assert!(end.time_to_first_token.unwrap() <= end.total);
    let stop = Request { eos: vec![tokens[4]], ..request(10, 12) };
    let (again, end) = finish(engine.generate(stop).unwrap().blocking_collect());
    let until = tokens.iter().position(|t| *t == tokens[4]).unwrap();
    assert_eq!((again.as_slice(), end.reason), (&tokens[..until], Reason::Stop));
    assert_eq!(end.cached_tokens, 9, "the same beginning is not computed twice");
    let (none, end) = finish(engine.generate(request(10, 0)).unwrap().blocking_collect());
    assert_eq!((none.len(), end.reason), (0, Reason::Length));
}

#[test]
fn the_context_ends_an_answer() {
    let engine = engine(&options());
    let (tokens, end) = finish(engine.generate(request(505, 100)).unwrap().blocking_collect());
    assert_eq!((tokens.len(), end.reason), (7, Reason::Length));
}

#[test]
fn many_clients_get_what_each_would_get_alone() {
    let options = EngineOptions { queue_requests: 16, ..options() };
    let alone: Vec<Vec<u32>> = (0..8)
        .map(|i| engine(&options).generate(request(5 + 30 * i, 24)).unwrap().blocking_collect().0)
        .collect();
    let engine = engine(&options);
    let together: Vec<Generation> =
        (0..8).map(|i| engine.generate(request(5 + 30 * i, 24)).unwrap()).collect();
    for (generation, alone) in together.into_iter().zip(alone) {
        assert_eq!(generation.blocking_collect().0, alone);
    }
    assert_eq!((engine.waiting(), engine.health()), (0, Health::Ready));
}

#[test]
fn equal_seeds_give_equal_texts() {
    let engine = engine(&options());
    let draw = |seed| {
        let sampling = Sampling { temperature: 1.0, seed: Some(seed), ..Sampling::default() };
        engine.generate(Request { sampling, ..request(8, 20) }).unwrap().blocking_collect().0
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
}

#[test]
fn a_long_prompt_does_not_hold_up_the_others() {
    let engine = engine(&options());
    let mut first = engine.generate(request(5, 400)).unwrap();
    assert!(matches!(first.blocking_next(), Some(Event::Token { .. })));
    let mut long = engine.generate(request(320, 1)).unwrap();
    assert!(matches!(long.blocking_next(), Some(Event::Token { .. })));
    // The prompt took 20 steps of 16 tokens; the other sequence got a token in each.
    let mut events = first.into_events();
    let received = std::iter::from_fn(|| events.try_recv().ok()).count();
    assert!(received >= 19, "{received} tokens meanwhile");
}

#[test]
fn dropping_a_generation_frees_its_slot_and_its_place() {
    let engine = engine(&EngineOptions { slots: 1, queue_requests: 1, ..options() });
    let mut running = engine.generate(request(5, 500)).unwrap();
    assert!(running.blocking_next().is_some());
    let waiting = engine.generate(request(5, 500)).unwrap();
    let refused = engine.generate(request(5, 1)).unwrap_err();
    assert_eq!(refused, EngineError::QueueFull { waiting: 1 });
    drop(waiting);
    let next = engine.generate(request(5, 3)).unwrap();
    drop(running);
    assert_eq!(next.blocking_collect().0.len(), 3);
}

#[test]
fn requests_that_cannot_be_served_are_refused_at_once() {
    let engine = engine(&options());
    let refused = |request| engine.generate(request).unwrap_err();
    assert_eq!(refused(request(0, 1)), EngineError::EmptyPrompt);
    let too_long = EngineError::PromptTooLong { tokens: 512, context: 512 };
    assert_eq!(refused(request(512, 1)), too_long);
    let foreign = Request { prompt: vec![1, 288], ..request(1, 1) };
    assert_eq!(refused(foreign), EngineError::Token { id: 288, vocabulary: 288 });
    let sampling = Sampling { top_p: 2.0, ..Sampling::default() };
    let wrong = Request { sampling, ..request(1, 1) };
    assert!(matches!(refused(wrong), EngineError::Sampling(_)));
}

#[test]
fn shutdown_ends_everything_that_runs_or_waits() {
    let engine = engine(&EngineOptions { slots: 1, ..options() });
    let running = engine.generate(request(5, 500)).unwrap();
    let waiting = engine.generate(request(5, 500)).unwrap();
    engine.shutdown();
    for generation in [running, waiting] {
        assert_eq!(generation.blocking_collect().1.unwrap().reason, Reason::Cancelled);
    }
    assert_eq!(engine.health(), Health::Stopped);
    assert!(matches!(engine.generate(request(5, 1)), Err(EngineError::Unusable(_))));
}

#[test]
fn wrong_options_and_unknown_models_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    TestModel::new("mamba").write(&path).unwrap();
    let error = Engine::load(&path, &options()).unwrap_err().to_string();
    assert!(error.contains("mamba") && error.contains("llama, qwen2, qwen3, gemma3"), "{error}");
    let error = Engine::load(&path, &EngineOptions { slots: 0, ..options() }).unwrap_err();
    assert!(error.to_string().contains("slots"), "{error}");
    TestModel::new("llama").write(&path).unwrap();
    let error = Engine::load(&path, &EngineOptions { slots: 1 << 30, ..options() }).unwrap_err();
    assert!(matches!(error, ModelError::Memory { .. }), "{error}");
}

/// A defect of ours in the middle of a step.
#[test]
fn a_panic_is_reported_and_the_process_lives() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    TestModel::new("llama").write(&path).unwrap();
    let gguf = Gguf::open(&path).unwrap();
    let architecture = crate::llm::architecture::Architecture::read(&gguf).unwrap();
    let decoder_options = DecoderOptions {
        slots: 1,
        context_tokens: 64,
        blocks: 2,
        kv_type: KvType::F16,
        compute: Compute::Cpu,
    };
    let decoder = Decoder::load(&gguf, architecture, decoder_options).unwrap();
    let pool = Arc::new(Pool::new(1).unwrap());
    let shared = Arc::new(Shared::new(4, 1));
    let limits = worker::Limits {
        slots: 1,
        context_tokens: 64,
        chunk: (8, 8),
        step: Duration::from_millis(250),
        speculation: true,
    };
    let mut worker = Worker::new(decoder, pool, limits, shared.clone());
    worker.defect = true;
    let (sender, events) = unbounded_channel();
    let sequence = Sequence::new(NewSequence {
        owner: Owner::Alone(0),
        events: sender,
        prompt: vec![1, 2, 3],
        max_tokens: 5,
        eos: Vec::new(),
        sampler: Sampler::new(Sampling::default()).unwrap(),
    });
    assert!(shared.queue.push(sequence).is_ok());
    worker::run(worker);
    let (_, end) = Generation { events }.blocking_collect();
    assert!(matches!(end.unwrap().reason, Reason::Error(_)));
    assert!(matches!(*shared.health.lock().unwrap(), Health::Failed(_)));
}
