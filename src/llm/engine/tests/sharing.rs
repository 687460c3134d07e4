//! Beginnings that were computed before, what is kept of them, and what becomes of memory.

use super::schedules::{Driven, Setup, reference, text};
use super::*;

fn ask(prompt: Vec<u32>, max_tokens: usize) -> Request {
    Request { prompt, ..request(1, max_tokens) }
}

/// What a conversation looks like: each turn begins with all that was said before.
#[test]
fn earlier_turns_are_not_computed_again() {
    let setup = Setup::default();
    let mut driven = Driven::new(setup);
    let mut said = text(1, 50);
    let mut cached = 0;
    for turn in 2..6 {
        let request = ask(said.clone(), 12);
        let (answer, end) = driven.alone(request.clone());
        assert_eq!(answer, reference(setup, &request));
        assert_eq!(end.cached_tokens, cached, "turn {turn}");
        said.extend(answer);
        // The last token of an answer was written, not computed.
        cached = said.len() - 1;
        said.extend(text(turn, 15));
    }
}

/// The same system prompt and passages, another question, while the first is still running.
#[test]
fn questions_about_the_same_passages_share_them() {
    let mut driven = Driven::new(Setup::default());
    let passages = text(3, 150);
    let question = |i| ask(passages.iter().copied().chain(text(i, 20)).collect(), 20);
    let first = driven.ask(question(5));
    driven.rounds(4);
    let computed = driven.stats().prompt_tokens;
    let second = driven.ask(question(6));
    driven.rounds(usize::MAX);
    assert_eq!(finish(second.blocking_collect()).1.cached_tokens, 150);
    assert_eq!(finish(first.blocking_collect()).1.cached_tokens, 0);
    assert_eq!(computed, 170);
    assert_eq!(driven.stats().prompt_tokens, 170 + 20);
}

/// Equal beginnings that come at the same time are computed once.
#[test]
fn a_beginning_that_is_being_computed_is_waited_for() {
    let mut driven = Driven::new(Setup { chunk: (64, 64), ..Setup::default() });
    let passages = text(3, 160);
    let generations: Vec<Generation> = (0..3)
        .map(|i| driven.ask(ask(passages.iter().copied().chain(text(5 + i, 10)).collect(), 5)))
        .collect();
    driven.rounds(usize::MAX);
    assert_eq!(driven.stats().prompt_tokens, 160 + 3 * 10);
    let cached = generations.into_iter().map(|g| finish(g.blocking_collect()).1.cached_tokens);
    assert_eq!(cached.sum::<usize>(), 2 * 160);
}

#[test]
fn what_was_kept_makes_room() {
    // One context and two blocks.
    let mut driven = Driven::new(Setup { blocks: 10, ..Setup::default() });
    for seed in 0..12 {
        let request = ask(text(seed, 100), 10);
        let (tokens, _) = driven.alone(request.clone());
        assert_eq!(tokens, reference(Setup::default(), &request));
        let stats = driven.stats();
        assert_eq!((stats.cache_blocks, stats.cache_blocks_used), (10, 0));
    }
    assert_eq!(driven.alone(ask(text(11, 100), 1)).1.cached_tokens, 99, "the last one is there");
    assert_eq!(driven.alone(ask(text(0, 100), 1)).1.cached_tokens, 0, "the first one is not");
}

/// Three long answers in a cache for hardly more than one: they take turns, and all end well.
#[test]
fn sequences_give_way_when_the_cache_is_full() {
    let setup = Setup { blocks: 9, ..Setup::default() };
    let mut driven = Driven::new(setup);
    let requests: Vec<Request> = (0..3).map(|i| ask(text(i, 40), 180)).collect();
    let generations: Vec<Generation> = requests.iter().map(|r| driven.ask(r.clone())).collect();
    driven.rounds(usize::MAX);
    for (request, generation) in requests.iter().zip(generations) {
        assert_eq!(generation.blocking_collect().0, reference(setup, request));
    }
    assert!(driven.stats().preempted > 0);
}

#[test]
fn a_cancelled_sequence_frees_its_slot_and_blocks_before_the_next_step() {
    let mut driven = Driven::new(Setup { slots: 1, ..Setup::default() });
    let running = driven.ask(ask(text(1, 100), 100));
    let waiting = driven.ask(ask(text(2, 40), 3));
    driven.rounds(3);
    assert!(driven.stats().cache_blocks_used >= 4);
    drop(running);
    driven.rounds(1);
    let used = driven.stats().cache_blocks_used;
    assert!(used <= 2, "only the blocks of the next one are in use: {used}");
    driven.rounds(usize::MAX);
    assert_eq!(waiting.blocking_collect().0.len(), 3);
}

/// Hundreds of requests of all kinds: the books do not grow with them, and nobody is remembered.
#[test]
fn memory_stays_flat() {
    let blocks = 16;
    let mut driven = Driven::new(Setup { blocks, ..Setup::default() });
    for i in 0..400 {
        let generation = driven.ask(Request {
            client: Some(i as u64 % 7),
            ..ask(text(i % 60, 20 + i % 90), 4 + i % 9)
        });
        match i % 5 {
            0 => drop(generation),
            1 => driven.rounds(3),
            _ => driven.rounds(usize::MAX),
        }
    }
    driven.rounds(usize::MAX);
    assert_eq!(driven.shared.queue.people(), 0);
    // Each block has up to 32 tokens, and a place among somebody's children.
    let most = blocks * 4 * 32;
    assert!(driven.worker.footprint() <= most, "{} of {most}", driven.worker.footprint());
}

#[test]
fn a_cache_that_holds_no_context_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    // 2 layers · 2 heads · 64 numbers · 2 · f16: 1 KiB a token, so 1 MiB for 1,024.
    let model = TestModel { context_tokens: 2048, ..TestModel::new("qwen3") };
    model.write(&path).unwrap();
    let with = |kv_cache_mib| {
        let options = EngineOptions { context_tokens: 2048, kv_cache_mib, ..options() };
        Engine::load(&path, &options)
    };
    let error = with(1).unwrap_err().to_string();
    assert!(error.contains("kv_cache_mib") && error.contains("2 MiB"), "{error}");
    assert_eq!(with(2).unwrap().memory().kv_cache, 2 << 20);
    let engine = with(3).unwrap();
    assert_eq!(engine.memory().kv_cache, 3 << 20);
    engine.generate(request(5, 1)).unwrap().blocking_collect();
    assert_eq!(engine.stats().cache_blocks, 3 * 32);
}
