//! The decoder against candle-transformers on the same files, against itself in batches and
//! chunks, and its two ways of computing against each other.

use std::path::Path;

use candle_core::quantized::{GgmlDType, gguf_file};
use candle_core::{Device, Tensor};
use candle_transformers::models::{
    quantized_gemma3, quantized_llama, quantized_qwen2, quantized_qwen3,
};

use super::*;
use crate::llm::kernels::elementwise::Activation;
use crate::llm::testing::TestModel;

const ARCHITECTURES: [&str; 4] = ["llama", "qwen2", "qwen3", "gemma3"];

struct TestFile {
    _folder: tempfile::TempDir,
    path: std::path::PathBuf,
}

fn write(model: &TestModel) -> TestFile {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    model.write(&path).unwrap();
    TestFile { _folder: folder, path }
}

fn decoder(path: &Path, kv_type: KvType, compute: Compute) -> Decoder {
    let gguf = Gguf::open(path).unwrap();
    let architecture = Architecture::read(&gguf).unwrap();
    decoder_of(&gguf, architecture, kv_type, compute)
}

fn decoder_of(
    gguf: &Gguf,
    architecture: Architecture,
    kv_type: KvType,
    compute: Compute,
) -> Decoder {
    let blocks = SLOTS * SLOT_BLOCKS;
    let options = DecoderOptions { slots: SLOTS, context_tokens: 400, blocks, kv_type, compute };
    Decoder::load(gguf, architecture, options).unwrap()
}

const SLOTS: usize = 3;
const SLOT_BLOCKS: usize = 400usize.div_ceil(BLOCK);

/// Tokens of a slot whose blocks lie scattered over the pool.
fn sequence(slot: usize, position: usize, tokens: &[u32]) -> BatchSequence {
    let blocks = (0..SLOT_BLOCKS).rev().map(|i| (i * SLOTS + slot) as u32).collect();
    BatchSequence {
        slot,
        blocks,
        position,
        tokens: tokens.to_vec(),
        logits: usize::from(!tokens.is_empty()),
    }
}

fn one(slot: usize, position: usize, tokens: &[u32]) -> Batch {
    Batch { sequences: vec![sequence(slot, position, tokens)] }
}

fn logits(decoder: &mut Decoder, batch: &Batch) -> Vec<f32> {
    decoder.forward(batch).unwrap().rows_mut().next().unwrap().to_vec()
}

fn argmax(logits: &[f32]) -> u32 {
    let best = logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap();
    best.0 as u32
}

fn greedy(decoder: &mut Decoder, prompt: &[u32], count: usize) -> Vec<u32> {
    let mut last = logits(decoder, &one(0, 0, prompt));
    let mut tokens = vec![argmax(&last)];
    while tokens.len() < count {
        let position = prompt.len() + tokens.len() - 1;
        last = logits(decoder, &one(0, position, &tokens[tokens.len() - 1..]));
        tokens.push(argmax(&last));
    }
    tokens
}

fn prompt(length: usize) -> Vec<u32> {
    (0..length).map(|i| (i * 31 % 251) as u32).collect()
}

/// A peer's model: tokens and the position of the first → logits.
type Forward = Box<dyn FnMut(&Tensor, usize) -> candle_core::Result<Tensor>>;

/// The peer's greedy tokens, and the logits that each was chosen from.
fn peer_greedy(
    path: &Path,
    architecture: &str,
    prompt: &[u32],
    count: usize,
) -> (Vec<u32>, Vec<Vec<f32>>) {
    let mut file = std::fs::File::open(path).unwrap();
    let content = gguf_file::Content::read(&mut file).unwrap();
    let device = Device::Cpu;
    let mut forward: Forward = match architecture {
        "llama" => {
            let mut model =
                quantized_llama::ModelWeights::from_gguf(content, &mut file, &device).unwrap();
            Box::new(move |x, position| model.forward(x, position))
        }
        "qwen2" => {
            let mut model =
                quantized_qwen2::ModelWeights::from_gguf(content, &mut file, &device).unwrap();
            Box::new(move |x, position| model.forward(x, position))
        }
        "qwen3" => {
            let mut model =
                quantized_qwen3::ModelWeights::from_gguf(content, &mut file, &device).unwrap();
            Box::new(move |x, position| model.forward(x, position))
        }
        _ => {
            let mut model =
                quantized_gemma3::ModelWeights::from_gguf(content, &mut file, &device).unwrap();
            Box::new(move |x, position| model.forward(x, position))
        }
    };
    let mut step = |tokens: &[u32], position| {
        let x = Tensor::new(tokens, &device).unwrap().unsqueeze(0).unwrap();
        forward(&x, position).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()
    };
    let mut steps = vec![step(prompt, 0)];
    let mut tokens = vec![argmax(&steps[0])];
    while tokens.len() < count {
        steps.push(step(&tokens[tokens.len() - 1..], prompt.len() + tokens.len() - 1));
        tokens.push(argmax(&steps[steps.len() - 1]));
    }
    (tokens, steps)
}

/// The root mean square of the difference, relative to the spread of `b`.
fn relative_difference(a: &[f32], b: &[f32]) -> f32 {
    let square = |x: f32| x * x;
    let difference: f32 = a.iter().zip(b).map(|(a, b)| square(a - b)).sum();
    let mean = b.iter().sum::<f32>() / b.len() as f32;
    (difference / b.iter().map(|b| square(b - mean)).sum::<f32>()).sqrt()
}

/// On one file of each architecture: 64 greedy tokens, all equal, and logits closer than
/// `tolerance` at each step.
fn check_peer(kind: GgmlDType, tolerance: f32, adapt: impl Fn(TestModel) -> TestModel) {
    for name in ARCHITECTURES {
        let file = write(&adapt(TestModel { kind, ..TestModel::new(name) }));
        let gguf = Gguf::open(&file.path).unwrap();
        let load = || {
            let mut architecture = Architecture::read(&gguf).unwrap();
            // The peer computes Gemma's gate with SiLU; the published model, llama.cpp and we use
            // GELU.
            architecture.activation = Activation::Silu;
            decoder_of(&gguf, architecture, KvType::F32, Compute::Cpu)
        };
        let prompt = prompt(20);
        let (peer, peer_logits) = peer_greedy(&file.path, name, &prompt, 64);
        assert_eq!(greedy(&mut load(), &prompt, 64), peer, "{name} {kind:?}");
        let mut ours = load();
        let mut given = prompt.clone();
        let mut position = 0;
        for (step, (token, peer)) in peer.iter().zip(&peer_logits).enumerate() {
            let logits = logits(&mut ours, &one(0, position, &given));
            let difference = relative_difference(&logits, peer);
            assert!(difference < tolerance, "{name} {kind:?} at step {step}: {difference}");
            position += given.len();
            given = vec![*token];
        }
    }
}

#[test]
fn greedy_equals_the_peer_in_f32() {
    check_peer(GgmlDType::F32, 1e-4, |model| model);
}

#[test]
fn greedy_equals_the_peer_in_f16() {
    check_peer(GgmlDType::F16, 1e-4, |model| model);
}

#[test]
fn greedy_equals_the_peer_in_q4_k_m() {
    let large = |model| TestModel { kind_large: Some(GgmlDType::Q6K), ..model };
    check_peer(GgmlDType::Q4K, 0.05, large);
}

#[test]
fn greedy_equals_the_peer_in_q4_0() {
    check_peer(GgmlDType::Q4_0, 0.05, |model| model);
}

#[test]
fn greedy_equals_the_peer_in_q8_0() {
    // Widths that are no multiple of 256: for those the peer rounds activations in other blocks
    // where the processor has AVX-512.
    let narrow = |model: TestModel| TestModel { width: 192, heads: 6, feed_forward: 320, ..model };
    check_peer(GgmlDType::Q8_0, 0.05, narrow);
}

#[test]
fn tied_embeddings_serve_as_the_output_head() {
    let file = write(&TestModel { tied: true, ..TestModel::new("llama") });
    let mut ours = decoder(&file.path, KvType::F32, Compute::Cpu);
    let (peer, _) = peer_greedy(&file.path, "llama", &prompt(9), 16);
    assert_eq!(greedy(&mut ours, &prompt(9), 16), peer);
}

/// Sequences of different lengths, decoded together and alone: the same numbers to the last bit.
#[test]
fn a_batch_computes_what_each_sequence_computes_alone() {
    for name in ARCHITECTURES {
        let kind = GgmlDType::Q4K;
        let file = write(&TestModel { kind, ..TestModel::new(name) });
        let prompts = [prompt(5), prompt(40), prompt(133)];
        let alone: Vec<Vec<u32>> = prompts
            .iter()
            .map(|p| greedy(&mut decoder(&file.path, KvType::F16, Compute::Cpu), p, 20))
            .collect();
        let mut together = decoder(&file.path, KvType::F16, Compute::Cpu);
        let mut sequences: Vec<(usize, Vec<u32>)> =
            prompts.iter().map(|p| (0, p.clone())).collect();
        for _ in 0..20 {
            let batch = Batch {
                sequences: sequences
                    .iter()
                    .enumerate()
                    .map(|(slot, (computed, tokens))| {
                        sequence(slot, *computed, &tokens[*computed..])
                    })
                    .collect(),
            };
            let mut logits = together.forward(&batch).unwrap();
            for ((computed, tokens), logits) in sequences.iter_mut().zip(logits.rows_mut()) {
                *computed = tokens.len();
                tokens.push(argmax(logits));
            }
        }
        for ((prompt, alone), (_, tokens)) in prompts.iter().zip(&alone).zip(&sequences) {
            assert_eq!(&tokens[prompt.len()..], alone, "{name}");
        }
    }
}

#[test]
fn a_prompt_in_chunks_gives_the_same_logits() {
    for name in ARCHITECTURES {
        let file = write(&TestModel::new(name));
        let prompt = prompt(150);
        let mut whole = decoder(&file.path, KvType::F16, Compute::Cpu);
        let expected = logits(&mut whole, &one(0, 0, &prompt));
        for chunk in [1, 7, 32, 64] {
            let mut chunked = decoder(&file.path, KvType::F16, Compute::Cpu);
            let mut last = Vec::new();
            for (i, tokens) in prompt.chunks(chunk).enumerate() {
                last = logits(&mut chunked, &one(2, i * chunk, tokens));
            }
            assert_eq!(last, expected, "{name} in chunks of {chunk}");
        }
    }
}

fn difference_max(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// The way that other devices take, here on the CPU; the window of gemma3 is shorter than the
/// prompt.
#[test]
fn candle_operations_compute_the_same() {
    for name in ARCHITECTURES {
        let file = write(&TestModel { rope_factors: name == "llama", ..TestModel::new(name) });
        let mut ours = decoder(&file.path, KvType::F32, Compute::Cpu);
        let mut generic = decoder(&file.path, KvType::F32, Compute::Candle(Device::Cpu));
        let prompt = prompt(150);
        for (position, tokens) in
            [(0, &prompt[..100]), (100, &prompt[100..149]), (149, &prompt[149..])]
        {
            let batch = one(1, position, tokens);
            let (a, b) = (logits(&mut ours, &batch), logits(&mut generic, &batch));
            assert!(difference_max(&a, &b) < 2e-3, "{name}: {}", difference_max(&a, &b));
        }
    }
}

#[test]
fn half_precision_keys_change_logits_little() {
    let file = write(&TestModel::new("qwen3"));
    let mut half = decoder(&file.path, KvType::F16, Compute::Cpu);
    let mut single = decoder(&file.path, KvType::F32, Compute::Cpu);
    let batch = one(0, 0, &prompt(100));
    let difference = difference_max(&logits(&mut half, &batch), &logits(&mut single, &batch));
    assert!(difference > 0.0 && difference < 0.05, "{difference}");
}

/// Keys and values in 8 bits: logits within 5% of their spread, on every architecture.
#[test]
fn keys_in_8_bits_change_logits_little() {
    for name in ARCHITECTURES {
        let file = write(&TestModel::new(name));
        let mut bytes = decoder(&file.path, KvType::Q8_0, Compute::Cpu);
        let mut single = decoder(&file.path, KvType::F32, Compute::Cpu);
        let batch = one(0, 0, &prompt(150));
        let (a, b) = (logits(&mut bytes, &batch), logits(&mut single, &batch));
        let difference = relative_difference(&a, &b);
        assert!(difference > 0.0 && difference < 0.05, "{name}: {difference}");
    }
}

/// What verifying a draft rests on: the logits of several tokens at once are those of one after
/// the other.
#[test]
fn logits_of_several_tokens_are_those_of_each() {
    for kv_type in [KvType::F16, KvType::F32, KvType::Q8_0] {
        let file = write(&TestModel { kind: GgmlDType::Q4K, ..TestModel::new("gemma3") });
        let prompt = prompt(130);
        let mut single = decoder(&file.path, kv_type, Compute::Cpu);
        logits(&mut single, &one(0, 0, &prompt[..117]));
        let alone: Vec<Vec<f32>> =
            (117..130).map(|i| logits(&mut single, &one(0, i, &prompt[i..=i]))).collect();
        let mut several = decoder(&file.path, kv_type, Compute::Cpu);
        logits(&mut several, &one(1, 0, &prompt[..117]));
        let other = sequence(0, 0, &prompt[..40]);
        let verified = BatchSequence { logits: 13, ..sequence(1, 117, &prompt[117..]) };
        let batch = Batch { sequences: vec![other, verified] };
        let mut rows = several.forward(&batch).unwrap();
        let rows: Vec<Vec<f32>> = rows.rows_mut().skip(1).map(|row| row.to_vec()).collect();
        assert_eq!(rows, alone, "{kv_type:?}");
    }
}

/// A copied block is as good as one that was computed; so is one that two sequences share.
#[test]
fn copied_and_shared_blocks_compute_the_same() {
    let file = write(&TestModel::new("llama"));
    let prompt = prompt(90);
    let mut ours = decoder(&file.path, KvType::F16, Compute::Cpu);
    let expected = logits(&mut ours, &one(0, 0, &prompt));
    let first = sequence(0, 0, &prompt).blocks;
    let own = sequence(1, 0, &prompt).blocks;
    ours.cache_mut().copy_block(first[1], own[1]);
    let blocks = vec![first[0], own[1], own[2]];
    let again = BatchSequence { blocks, ..sequence(1, 50, &prompt[50..]) };
    assert_eq!(logits(&mut ours, &Batch { sequences: vec![again] }), expected);
}

#[test]
fn blocks_that_do_not_fit_are_an_error() {
    let file = write(&TestModel::new("llama"));
    let mut decoder = decoder(&file.path, KvType::F16, Compute::Cpu);
    let mut fails = |sequences| decoder.forward(&Batch { sequences }).err().unwrap().to_string();
    let with = |blocks| BatchSequence { blocks, ..sequence(0, 30, &[1, 2, 3]) };
    assert!(fails(vec![with(vec![0])]).contains("1 blocks"));
    assert!(fails(vec![with(vec![0, 39])]).contains("2 blocks"));
    let other = BatchSequence { slot: 1, ..with(vec![0, 2]) };
    assert!(fails(vec![with(vec![1, 2]), other]).contains("block 2 is written twice"));
    let much = BatchSequence { logits: 4, ..sequence(0, 0, &[1, 2, 3]) };
    assert!(fails(vec![much]).contains("4 logits"));
}

#[test]
fn a_wrong_batch_is_an_error() {
    let file = write(&TestModel::new("llama"));
    let mut decoder = decoder(&file.path, KvType::F16, Compute::Cpu);
    let mut fails = |batch: &Batch| decoder.forward(batch).err().unwrap().to_string();
    assert!(fails(&Batch::default()).contains("empty"));
    assert!(fails(&one(3, 0, &[1])).contains("slot 3"));
    assert!(fails(&one(0, 0, &[])).contains("0 tokens"));
    assert!(fails(&one(0, 399, &[1, 2])).contains("401 tokens does not fit"));
    assert!(fails(&one(0, 0, &[288])).contains("token 288"));
    let twice =
        Batch { sequences: [one(0, 0, &[1]).sequences, one(0, 1, &[1]).sequences].concat() };
    assert!(fails(&twice).contains("twice"));
}

/// Weights as they lie in the file, by candle's row products: the way before the tiles.
fn plain_decoder(path: &Path) -> Decoder {
    let gguf = Gguf::open(path).unwrap();
    let architecture = Architecture::read(&gguf).unwrap();
    let source = Source { gguf: &gguf, compute: &Compute::Cpu, prepared: None };
    let (kv_type, blocks) = (KvType::F32, SLOTS * SLOT_BLOCKS);
    let compute = Compute::Cpu;
    let options = DecoderOptions { slots: SLOTS, context_tokens: 400, blocks, kv_type, compute };
    Decoder::from_source(&source, architecture, options).unwrap()
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// 128 greedy tokens of the plain way: given the same tokens, the tiles choose the same next one
/// at each step, except where the plain way itself is undecided (the two are closer than a
/// fiftieth of the spread of the logits); and the logits point the same way, by a cosine of
/// `least`.
fn check_plain(path: &Path, prompt: &[u32], least: f64, what: &str) {
    let mut plain = plain_decoder(path);
    let mut tiled = decoder(path, KvType::F32, Compute::Cpu);
    let (mut position, mut given, mut undecided) = (0, prompt.to_vec(), 0);
    for step in 0..128 {
        let batch = one(0, position, &given);
        let (ours, theirs) = (logits(&mut tiled, &batch), logits(&mut plain, &batch));
        let likeness = cosine(&ours, &theirs);
        assert!(likeness > least, "{what} at step {step}: {likeness}");
        let (our_token, token) = (argmax(&ours), argmax(&theirs));
        if our_token != token {
            let lead = theirs[token as usize] - theirs[our_token as usize];
            assert!(lead < 0.02 * spread(&theirs), "{what} at step {step}: {lead}");
            undecided += 1;
        }
        position += given.len();
        given = vec![token];
    }
    assert!(undecided <= 3, "{what}: {undecided} steps differ");
}

/// The standard deviation.
fn spread(x: &[f32]) -> f32 {
    let mean = x.iter().sum::<f32>() / x.len() as f32;
    (x.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() / x.len() as f32).sqrt()
}

#[test]
fn tiles_give_the_tokens_of_the_plain_way() {
    for name in ARCHITECTURES {
        for (kind, large) in [
            (GgmlDType::Q4K, Some(GgmlDType::Q6K)),
            (GgmlDType::Q5K, Some(GgmlDType::Q6K)),
            (GgmlDType::Q8_0, None),
            (GgmlDType::Q4_0, None),
        ] {
            let file = write(&TestModel { kind, kind_large: large, ..TestModel::new(name) });
            check_plain(&file.path, &prompt(20), 0.999, &format!("{name} {kind:?}"));
        }
    }
}

#[test]
fn the_bundled_model_gives_the_tokens_of_the_plain_way() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/kura-mini/kura-mini-q8_0.gguf");
    let model = crate::llm::Model::load(&path, &crate::llm::EngineOptions::default()).unwrap();
    let question = "[1] 手数料条例 第三条\n戸籍の謄本の交付手数料は、一通につき四百五十円とする。\n\n\
                    質問：戸籍の謄本の手数料はいくらですか";
    let turn = crate::llm::ChatMessage { role: "user".to_owned(), content: question.to_owned() };
    // Its heads are trained to be sharp, so that the rounding of activations weighs more than in
    // random weights; what it chooses is held to the same rule.
    check_plain(&path, &model.chat_prompt(&[turn]).unwrap(), 0.99, "kura-mini");
}
