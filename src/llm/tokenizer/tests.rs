use std::time::Instant;

use candle_core::quantized::gguf_file;
use proptest::prelude::*;

use super::*;

const PLAIN: EncodeOptions = EncodeOptions { add_special: false, parse_special: false };
const SPECIAL: EncodeOptions = EncodeOptions { add_special: false, parse_special: true };
const WHOLE: EncodeOptions = EncodeOptions { add_special: true, parse_special: true };

fn words(text: &str) -> Vec<String> {
    text.split('|').map(str::to_owned).collect()
}

/// `<unk> <s> </s>`, all bytes, then the given tokens, each scored by its place.
fn scored(model: &str, tokens: &str) -> Vocabulary {
    let mut all = words("<unk>|<s>|</s>");
    let mut types = vec![2, 3, 3];
    let mut scores = vec![0.0; 3];
    for byte in 0..=255 {
        all.push(format!("<0x{byte:02X}>"));
        types.push(6);
        scores.push(0.0);
    }
    for (place, token) in words(tokens).into_iter().enumerate() {
        all.push(token);
        types.push(1);
        scores.push(-1.0 - place as f32);
    }
    Vocabulary {
        model: model.to_owned(),
        tokens: all,
        scores: Some(scores),
        token_types: Some(types),
        bos_id: Some(1),
        eos_id: Some(2),
        unk_id: Some(0),
        ..Vocabulary::default()
    }
}

/// The byte alphabet, then the given tokens, the merges and two control tokens.
fn byte_level(tokens: &str, merges: &str) -> Vocabulary {
    let alphabet = bpe::bytes_of_alphabet();
    let mut letters: Vec<(u8, char)> = alphabet.into_iter().map(|(c, byte)| (byte, c)).collect();
    letters.sort_unstable();
    let mut all: Vec<String> = letters.into_iter().map(|(_, c)| c.to_string()).collect();
    all.extend(words(tokens));
    let mut types = vec![1; all.len()];
    all.extend(["<|im_start|>", "<|im_end|>", "X", "<tool>"].map(str::to_owned));
    types.extend([3, 3, 3, 4]);
    Vocabulary {
        model: "gpt2".to_owned(),
        pre: Some("qwen2".to_owned()),
        tokens: all,
        token_types: Some(types),
        merges: words(merges),
        ..Vocabulary::default()
    }
}

fn small_bpe() -> Tokenizer {
    Tokenizer::new(byte_level("ab|abc|Ġa|Ġab", "a b|ab c|Ġ a|Ġa b")).unwrap()
}

/// The texts of the tokens of a text, joined by `|`.
fn spell(tokenizer: &Tokenizer, text: &str, options: EncodeOptions) -> String {
    let ids = tokenizer.encode(text, options).unwrap();
    let texts: Vec<_> =
        ids.iter().map(|id| String::from_utf8_lossy(tokenizer.token_bytes(*id))).collect();
    texts.join("|")
}

#[test]
fn byte_level_merges_in_order_of_rank() {
    let tokenizer = small_bpe();
    assert_eq!(spell(&tokenizer, "abcab", PLAIN), "abc|ab");
    assert_eq!(spell(&tokenizer, "xab ab 12", PLAIN), "x|ab| |ab| |1|2");
    let ids = tokenizer.encode("蔵", PLAIN).unwrap();
    let bytes: Vec<u8> = ids.iter().flat_map(|id| tokenizer.token_bytes(*id)).copied().collect();
    assert_eq!(bytes, "蔵".as_bytes());
    assert!(tokenizer.encode("", WHOLE).unwrap().is_empty());
}

#[test]
fn special_tokens_only_when_asked() {
    let tokenizer = small_bpe();
    let text = "<|im_start|>ab<tool><|im_end|>";
    assert_eq!(spell(&tokenizer, text, SPECIAL), "<|im_start|>|ab|<tool>|<|im_end|>");
    assert_eq!(
        spell(&tokenizer, text, PLAIN),
        "<|||im|_|start|||>|ab|<tool>|<|||im|_|end|||>"
            .replace("im", "i|m")
            .replace("start", "s|t|a|r|t")
            .replace("end", "e|n|d")
    );
    assert_eq!(tokenizer.end_ids().len(), 1);
    assert!(
        tokenizer.is_end(tokenizer.end_ids()[0]) && tokenizer.is_control(tokenizer.end_ids()[0])
    );
}

#[test]
fn guarded_text_holds_no_control_token() {
    let tokenizer = small_bpe();
    for text in ["ab<|im_end|>", "<|im_start|><|im_start|>", "<<|im_end|>|im_end|>", "abX", "ab"] {
        let guarded = tokenizer.guard(text);
        let ids = tokenizer.encode(&guarded, SPECIAL).unwrap();
        assert_eq!(ids, tokenizer.encode(text, PLAIN).unwrap(), "{text}");
        assert_eq!(tokenizer.guard(&guarded), guarded, "{text}");
    }
    // A mark among the user-defined tokens is no more foreign text's than a control token.
    let tool = tokenizer.encode("<tool>", SPECIAL).unwrap();
    assert_eq!(tool.len(), 1);
    let ids = tokenizer.encode(&tokenizer.guard("a<tool>b"), SPECIAL).unwrap();
    assert!(!ids.contains(&tool[0]), "{ids:?}");
    assert_eq!(tokenizer.guard("ab"), "ab");
    let ours = format!("<|im_start|>{}<|im_end|>", tokenizer.guard("<|im_end|>"));
    let control = |id: &&u32| tokenizer.is_control(**id);
    assert_eq!(tokenizer.encode(&ours, SPECIAL).unwrap().iter().filter(control).count(), 2);
}

#[test]
fn scores_decide_what_is_merged_first() {
    let tokenizer =
        Tokenizer::new(scored("llama", "ab|bc|\u{2581}a|abc|\u{2581}|a|b|c|蔵")).unwrap();
    assert_eq!(spell(&tokenizer, "abc", PLAIN), " |abc");
    assert_eq!(spell(&tokenizer, "bca a", WHOLE), "<s>| |bc|a| a");
    let ids = tokenizer.encode("é", PLAIN).unwrap();
    assert_eq!(ids[1..], [3 + 0xC3, 3 + 0xA9]);
    assert_eq!(tokenizer.token_bytes(ids[1]), [0xC3]);
    assert_eq!(spell(&tokenizer, "蔵<s>", PLAIN).matches("<s>").count(), 0);
    assert_eq!(tokenizer.encode("", WHOLE).unwrap(), [1]);
}

#[test]
fn unigram_takes_the_best_sum() {
    let mut vocabulary = scored("t5", "\u{2581}|abc|a|b|c|ab|d");
    vocabulary.remove_extra_whitespaces = true;
    let tokenizer = Tokenizer::new(vocabulary.clone()).unwrap();
    assert_eq!(spell(&tokenizer, " abc   abd ", WHOLE), " |abc| |ab|d|</s>");
    assert!(!tokenizer.encode("</s>", PLAIN).unwrap().contains(&2));
    assert_eq!(tokenizer.encode("é", PLAIN).unwrap()[1..], [3 + 0xC3, 3 + 0xA9]);
    vocabulary.token_types = Some(vec![1; vocabulary.tokens.len()]);
    let without_bytes = Tokenizer::new(vocabulary.clone()).unwrap();
    assert_eq!(without_bytes.encode("é", PLAIN).unwrap()[1..], [0]);
    vocabulary.unk_id = None;
    let neither = Tokenizer::new(vocabulary).unwrap();
    assert_eq!(neither.encode("é", PLAIN), Err(TokenizerError::Unencodable(0xC3)));
}

#[test]
fn character_maps_replace_the_longest_run() {
    // A trie by hand: 'A' (0x41) becomes "a". Root offset 0x100, leaf of 'A' at 0x141.
    let mut units = vec![0u32; 0x400];
    units[0] = 0x100 << 10;
    units[0x141] = 0x41 | 1 << 8 | 0x80 << 10;
    units[0x141 ^ 0x80] = 1 << 31;
    let mut blob = (units.len() as u32 * 4).to_le_bytes().to_vec();
    blob.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
    blob.extend(b"a\0");
    let charsmap = charsmap::Charsmap::parse(&blob).unwrap();
    assert_eq!(charsmap.apply("ABA蔵"), "aBa蔵");
    for bad in [&blob[..3], &blob[..100], &[0; 4], b"\x04\0\0\0abcd\xFF"] {
        assert!(charsmap::Charsmap::parse(bad).is_err());
    }
}

#[test]
fn damaged_metadata_is_named() {
    let check = |change: &dyn Fn(&mut Vocabulary), expected: &str| {
        let mut vocabulary = scored("llama", "a|b");
        change(&mut vocabulary);
        let error = Tokenizer::new(vocabulary).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some(expected));
    };
    check(
        &|v| v.model = "rwkv".into(),
        "tokenizer kind 'rwkv' is not supported (supported: gpt2, llama, t5)",
    );
    check(&|v| v.tokens.clear(), "the vocabulary has 0 tokens");
    check(&|v| v.tokens.push("x".into()), "tokenizer.ggml.scores has 261 entries for 262 tokens");
    check(
        &|v| v.token_types = Some(vec![]),
        "tokenizer.ggml.token_type has 0 entries for 261 tokens",
    );
    check(&|v| v.scores = None, "the vocabulary lacks tokenizer.ggml.scores");
    check(&|v| v.eos_id = Some(261), "eos_token_id is 261, but there are 261 tokens");
    check(&|v| v.scores.as_mut().unwrap()[7] = f32::NAN, "the score of token 7 is not finite");
    check(&|v| v.token_types.as_mut().unwrap()[7] = -1, "token 7 has the unknown type -1");
    check(
        &|v| v.tokens[7] = "<0x+1>".into(),
        "token 7 is marked as a byte but is not written as one",
    );
    let bpe = |v: &mut Vocabulary, merge: &str| {
        *v = byte_level("ab", merge);
    };
    let bad_merge = |index, rule: &str| {
        format!("merge {index} ('{rule}') does not join two tokens of the vocabulary into a third")
    };
    check(&|v| bpe(v, "a b|ab"), &bad_merge(1, "ab"));
    check(&|v| bpe(v, "a c"), &bad_merge(0, "a c"));
    check(&|v| bpe(v, "zz c"), &bad_merge(0, "zz c"));
    let pre = |v: &mut Vocabulary| {
        *v = Vocabulary { pre: Some("new".into()), ..byte_level("ab", "a b") };
    };
    check(&pre, "pre-tokenizer 'new' is not supported");
}

#[test]
fn a_byte_without_a_token_is_an_error() {
    let vocabulary =
        Vocabulary { model: "gpt2".to_owned(), tokens: words("a|b|?"), ..Vocabulary::default() };
    let tokenizer = Tokenizer::new(vocabulary.clone()).unwrap();
    assert_eq!(tokenizer.encode("ab", PLAIN).unwrap(), [0, 1]);
    assert_eq!(tokenizer.encode("ac", PLAIN), Err(TokenizerError::Unencodable(b'c')));
    let tokenizer = Tokenizer::new(Vocabulary { unk_id: Some(2), ..vocabulary }).unwrap();
    assert_eq!(tokenizer.encode("acb", PLAIN).unwrap(), [0, 2, 1]);
}

proptest! {
    #[test]
    fn any_text_survives_the_round_trip(text in "[ab \nX<|_蔵🦙é\u{10FFFF}]{0,30}|\\PC{0,30}") {
        let scored = Tokenizer::new(scored("llama", "ab|\u{2581}a|\u{2581}|蔵")).unwrap();
        for tokenizer in [small_bpe(), scored] {
            let ids = tokenizer.encode(&text, PLAIN).unwrap();
            let bytes = ids.iter().flat_map(|id| tokenizer.token_bytes(*id)).copied().collect();
            let decoded = String::from_utf8(bytes).unwrap();
            let expected = special::unguarded(&text).replace('\u{2581}', " ");
            let prefix = if decoded.len() > expected.len() { " " } else { "" };
            prop_assert_eq!(decoded.replace('\u{2581}', " "), format!("{prefix}{expected}"));
        }
    }
}

/// Reads the metadata with candle, which knows nothing of [`Vocabulary`].
fn published(name: &str) -> Option<(Vocabulary, String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/tokenizer");
    let path = format!("{folder}/ggml-vocab-{name}.gguf");
    let Ok(file) = std::fs::File::open(&path) else {
        println!("skipped: {name} is not here");
        return None;
    };
    let content = gguf_file::Content::read(&mut std::io::BufReader::new(file)).unwrap();
    let get = |key: &str| content.metadata.get(&format!("tokenizer.ggml.{key}"));
    let list = |key: &str| get(key).map(|value| value.to_vec().unwrap().clone());
    let string = |value: &gguf_file::Value| value.to_string().unwrap().clone();
    let strings = |key| list(key).unwrap_or_default().iter().map(string).collect::<Vec<_>>();
    let id = |key: &str| get(key).map(|value| value.to_u32().unwrap());
    let vocabulary = Vocabulary {
        model: get("model").map(string).unwrap(),
        pre: get("pre").map(string),
        tokens: strings("tokens"),
        merges: strings("merges"),
        scores: list("scores").map(|all| all.iter().map(|v| v.to_f32().unwrap()).collect()),
        token_types: list("token_type")
            .map(|all| all.iter().map(|v| v.to_i32().unwrap()).collect()),
        bos_id: id("bos_token_id"),
        eos_id: id("eos_token_id"),
        unk_id: id("unknown_token_id"),
        ..Vocabulary::default()
    };
    let side = |ending| std::fs::read_to_string(format!("{path}.{ending}")).unwrap();
    Some((vocabulary, side("inp"), side("out")))
}

fn check_published(name: &str) {
    let Some((vocabulary, inputs, outputs)) = published(name) else {
        return;
    };
    let started = Instant::now();
    let tokenizer = Tokenizer::new(vocabulary).unwrap();
    let built = started.elapsed();
    let inputs = inputs.strip_suffix("\n__ggml_vocab_test__\n").unwrap();
    let inputs: Vec<&str> = inputs.split("\n__ggml_vocab_test__\n").collect();
    let outputs: Vec<&str> = outputs.lines().collect();
    assert_eq!(inputs.len(), outputs.len());
    for (input, output) in inputs.iter().zip(outputs) {
        let expected: Vec<u32> = output.split_whitespace().map(|id| id.parse().unwrap()).collect();
        assert_eq!(tokenizer.encode(input, PLAIN).unwrap(), expected, "{name}: {input:?}");
    }
    let law = "住民基本台帳に関する事務は、市町村長が 2026年4月1日 に行う。(notice)\n";
    let long: String = law.chars().cycle().take(100_000).collect();
    for text in [long, "あ".repeat(100_000), " ".repeat(100_000), "a".repeat(100_000)] {
        let started = Instant::now();
        let count = tokenizer.encode(&text, PLAIN).unwrap().len();
        let first: String = text.chars().take(3).collect();
        println!("{name}: 100,000 characters of {first:?}…: {count} ids, {:?}", started.elapsed());
    }
    println!("{name}: built in {built:?}");
}

#[test]
fn matches_llama_bpe() {
    check_published("llama-bpe");
}

#[test]
fn matches_qwen2() {
    check_published("qwen2");
}

#[test]
fn matches_gpt_2() {
    check_published("gpt-2");
}

#[test]
fn matches_llama_spm() {
    check_published("llama-spm");
}

#[test]
fn matches_phi_3() {
    check_published("phi-3");
}
