//! Quotations of models with random weights, and of the bundled one: never made up, and the same
//! with guesses as without.

use super::schedules::{Driven, QUOTED, Setup, decoder_of, quoting, reference, text};
use super::*;
use crate::llm::sampler::Sampling;

/// What was written up to the 」, if that has come.
fn quoted(tokens: &[u32]) -> (String, bool) {
    let bytes: Vec<u8> = tokens.iter().map_while(|id| u8::try_from(*id).ok()).collect();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '」' if depth == 0 => return (text[..at].to_owned(), true),
            '」' => depth -= 1,
            '「' => depth += 1,
            _ => {}
        }
    }
    (text.trim_end_matches(char::REPLACEMENT_CHARACTER).to_owned(), false)
}

#[test]
fn random_weights_quote_what_stands_there() {
    let mut closed = 0;
    for seed in 0..24 {
        let temperature = if seed % 2 == 0 { 0.0 } else { 1.2 };
        let sampling = Sampling { temperature, seed: Some(seed as u64), ..Sampling::default() };
        let setup = Setup { model: seed % 3, ..Setup::default() };
        let request = Request {
            prompt: text(seed, 20 + seed),
            sampling,
            guide: Some(quoting()),
            ..request(1, 80)
        };
        let plain = Setup { speculation: false, ..setup };
        let (tokens, _) = Driven::new(plain).alone(request.clone());
        let (run, whole) = quoted(&tokens);
        assert!(QUOTED.contains(&run), "{run} of seed {seed}");
        closed += usize::from(whole);
        let mut driven = Driven::new(setup);
        driven.worker.clockless = true;
        assert_eq!(driven.alone(request.clone()).0, tokens, "seed {seed}");
        assert_eq!(reference(setup, &request), tokens, "seed {seed}");
    }
    assert!(closed > 0, "a quotation ends");
}

/// The bundled model quotes a passage that it was not given: it is held to the one that it was.
#[test]
fn the_bundled_model_is_held_to_its_passage() {
    use crate::llm::verbatim::{Guide, Verbatim};
    use crate::llm::{ChatMessage, Model};
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/models/kura-mini/kura-mini-q8_0.gguf");
    let given = "転入をした者は、転入をした日から九十日以内に、市町村長に届け出るものとする。";
    let content = "[1] 住民基本台帳法 第二十二条\n転入をした者は、転入をした日から十四日以内に、\
                   市町村長に届け出なければならない。\n\n質問：転入の届出はいつまでですか";
    let model = Model::load(path.as_ref(), &options()).unwrap();
    let message = ChatMessage { role: "user".to_owned(), content: content.to_owned() };
    let guide = Guide::new(Arc::new(Verbatim::new(&[given])), model.spelling());
    let request = Request {
        prompt: model.chat_prompt(&[message]).unwrap(),
        eos: model.tokenizer().end_ids().to_vec(),
        guide: Some(guide),
        ..request(1, 100)
    };
    let gguf = Gguf::open(path.as_ref()).unwrap();
    let write = |speculation, guide| {
        let setup = Setup { speculation, ..Setup::default() };
        let mut driven = Driven::of(decoder_of(&gguf, setup), setup);
        driven.worker.clockless = true;
        let (tokens, _) = driven.alone(Request { guide, ..request.clone() });
        let bytes: Vec<u8> =
            tokens.iter().flat_map(|id| model.tokenizer().token_bytes(*id).to_vec()).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let inner = |text: &str| {
        let opened = text.split_once('「').unwrap().1;
        opened.split('」').next().unwrap().to_owned()
    };
    let free = inner(&write(false, None));
    assert!(free.contains("十四日") && !given.contains(&free), "{free}");
    let held = write(false, request.guide.clone());
    assert!(given.contains(&inner(&held)), "{held}");
    assert_eq!(write(true, request.guide.clone()), held);
}
