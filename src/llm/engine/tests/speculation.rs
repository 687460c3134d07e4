//! Guesses: right ones make fewer steps of the same text.

use super::schedules::{Driven, Setup, decoder_of, reference, text};
use super::*;

/// A prompt that holds what the model will say: its own answer to the beginning.
fn copying(setup: Setup) -> Request {
    let beginning = Request { prompt: text(4, 20), ..request(1, 90) };
    let said = reference(setup, &beginning);
    let prompt = beginning.prompt.iter().chain(&said).chain(&beginning.prompt);
    Request { prompt: prompt.copied().collect(), ..request(1, 60) }
}

/// The model whose text repeats itself where its prompt does.
const COPYING: Setup = Setup {
    model: 2,
    slots: 3,
    blocks: 24,
    kv_type: KvType::F16,
    chunk: (32, 128),
    speculation: true,
    on_device: false,
};

#[test]
fn a_copying_answer_takes_fewer_steps_and_is_the_same() {
    let request = copying(COPYING);
    let without = Setup { speculation: false, ..COPYING };
    let (plain, end) = Driven::new(without).alone(request.clone());
    assert_eq!((plain.as_slice(), end.drafted_tokens), (&*reference(COPYING, &request), 0));
    let mut driven = Driven::new(COPYING);
    let (guessed, end) = driven.alone(request);
    assert_eq!(guessed, plain);
    assert!(end.accepted_tokens > 0 && end.accepted_tokens <= end.drafted_tokens, "{end:?}");
    let stats = driven.stats();
    assert_eq!(stats.accepted_tokens, end.accepted_tokens);
    assert_eq!(stats.written_tokens, 60);
    let prefill = 2;
    assert_eq!(stats.steps - prefill, 59 - end.accepted_tokens, "a step less for each");
}

/// A model that says something else every time: guesses are wrong, the text is not.
#[test]
fn wrong_guesses_change_nothing() {
    for model in [0, 1] {
        let setup = Setup { model, ..Setup::default() };
        let request = copying(setup);
        let (tokens, end) = Driven::new(setup).alone(request.clone());
        assert_eq!(tokens, reference(setup, &request));
        assert!(end.drafted_tokens > end.accepted_tokens, "{end:?}");
    }
}

#[test]
fn sampled_text_is_that_of_its_seed() {
    let setup = COPYING;
    let mut accepted = 0;
    for seed in 0..8 {
        let sampling = Sampling { temperature: 0.7, seed: Some(seed), ..Sampling::default() };
        let request = Request { sampling, ..copying(setup) };
        let (tokens, end) = Driven::new(setup).alone(request.clone());
        assert_eq!(tokens, reference(setup, &request), "seed {seed}");
        accepted += end.accepted_tokens;
    }
    assert!(accepted > 0);
}

/// Guesses beyond what was asked for, or beyond an end, are not shown.
#[test]
fn the_end_is_kept_to_the_token() {
    let setup = COPYING;
    let request = copying(setup);
    let whole = reference(setup, &request);
    let mut driven = Driven::new(setup);
    for max_tokens in 1..12 {
        let (tokens, end) = driven.alone(Request { max_tokens, ..request.clone() });
        assert_eq!((tokens.as_slice(), end.reason), (&whole[..max_tokens], Reason::Length));
    }
    let stop = whole[7];
    let until = whole.iter().position(|token| *token == stop).unwrap();
    let (tokens, end) = driven.alone(Request { eos: vec![stop], ..request });
    assert_eq!((tokens.as_slice(), end.reason), (&whole[..until], Reason::Stop));
}

/// The bundled model, trained to quote its passage: its tokenizer, its template, its end tokens.
#[test]
fn the_bundled_model_quotes_faster_and_the_same() {
    use crate::llm::{ChatMessage, Model};
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/models/kura-mini/kura-mini-q8_0.gguf");
    let passage = "[1] 住民基本台帳法 第二十二条\n転入をした者は、転入をした日から十四日以内に、\
                   氏名、住所、転入をした年月日を市町村長に届け出なければならない。";
    let content = format!("{passage}\n\n質問：転入の届出はいつまでですか");
    let model = Model::load(path.as_ref(), &options()).unwrap();
    let message = ChatMessage { role: "user".to_owned(), content };
    let prompt = model.chat_prompt(&[message]).unwrap();
    let eos = model.tokenizer().end_ids().to_vec();
    let request = Request { prompt, eos, ..request(1, 100) };
    let gguf = Gguf::open(path.as_ref()).unwrap();
    let write = |speculation| {
        let setup = Setup { speculation, ..COPYING };
        let mut driven = Driven::of(decoder_of(&gguf, setup), setup);
        driven.worker.clockless = true;
        driven.alone(request.clone())
    };
    let ((plain, _), (guessed, end)) = (write(false), write(true));
    assert_eq!(guessed, plain);
    assert!(end.accepted_tokens > 0, "{end:?}");
}
