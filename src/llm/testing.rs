//! Small models with random weights, for tests, `bench` and `doctor`: every architecture, in any
//! tensor type, always the same bytes for the same settings.

use std::io::BufWriter;
use std::path::Path;

use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Tokens after the 256 bytes: end of text, begin and end of a message, and padding.
const SPECIAL_TOKENS: [&str; 3] = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
const VOCABULARY: usize = 288;
/// Token types as GGUF numbers them.
const TYPE_NORMAL: i32 = 1;
const TYPE_CONTROL: i32 = 3;
const TYPE_UNUSED: i32 = 5;

/// A model to write; change fields after [`TestModel::new`].
#[derive(Clone, Debug)]
pub struct TestModel {
    /// llama, qwen2, qwen3 or gemma3
    pub architecture: String,
    pub layers: usize,
    pub width: usize,
    pub feed_forward: usize,
    pub heads: usize,
    pub kv_heads: usize,
    pub head_length: usize,
    pub context_tokens: usize,
    /// Gemma's window; every second layer has it.
    pub window: usize,
    /// How matrices are stored; norms and biases are F32.
    pub kind: GgmlDType,
    /// How `ffn_down` and the embeddings are stored, where it differs (as in Q4_K_M).
    pub kind_large: Option<GgmlDType>,
    /// No output head of its own.
    pub tied: bool,
    /// Llama 3's frequency factors.
    pub rope_factors: bool,
    pub seed: u64,
}

impl TestModel {
    /// Two layers, width 256, F32, an output head of its own.
    pub fn new(architecture: &str) -> Self {
        Self {
            architecture: architecture.to_string(),
            layers: 2,
            width: 256,
            feed_forward: 512,
            heads: 8,
            kv_heads: 2,
            // qwen3 and gemma3 may choose it; for the others it is the width divided by the heads.
            head_length: if architecture == "qwen3" { 64 } else { 32 },
            context_tokens: 512,
            window: 96,
            kind: GgmlDType::F32,
            kind_large: None,
            tied: false,
            rope_factors: false,
            seed: 1,
        }
    }

    /// Writes the file.
    ///
    /// # Errors
    /// The file cannot be written, or a size does not suit the tensor type.
    pub fn write(&self, path: &Path) -> candle_core::Result<()> {
        let mut random = StdRng::seed_from_u64(self.seed);
        let tensors = self.tensors(&mut random)?;
        let metadata = self.metadata();
        let metadata: Vec<(&str, &Value)> = metadata.iter().map(|(k, v)| (k.as_str(), v)).collect();
        let tensors: Vec<(&str, &QTensor)> = tensors.iter().map(|(k, v)| (k.as_str(), v)).collect();
        let mut file = BufWriter::new(std::fs::File::create(path)?);
        gguf_file::write(&mut file, &metadata, &tensors)?;
        Ok(std::io::Write::flush(&mut file)?)
    }

    fn metadata(&self) -> Vec<(String, Value)> {
        let number = |n: usize| Value::U32(n as u32);
        let general = [
            ("general.architecture", Value::String(self.architecture.clone())),
            ("general.name", Value::String(format!("test {}", self.architecture))),
            // Makes the peer in the tests build its rotation tables in f32.
            ("general.dtype", Value::U32(0)),
        ];
        let sizes = [
            ("block_count", number(self.layers)),
            ("context_length", number(self.context_tokens)),
            ("embedding_length", number(self.width)),
            ("feed_forward_length", number(self.feed_forward)),
            ("attention.head_count", number(self.heads)),
            ("attention.head_count_kv", number(self.kv_heads)),
            ("attention.key_length", number(self.head_length)),
            ("attention.value_length", number(self.head_length)),
            ("attention.layer_norm_rms_epsilon", Value::F32(1e-6)),
            ("rope.dimension_count", number(self.head_length)),
            ("rope.freq_base", Value::F32(10_000.0)),
        ];
        let gemma = [
            ("attention.sliding_window", number(self.window)),
            ("attention.sliding_window_pattern", number(2)),
            // The same under the name that the peer in the tests reads.
            ("attention.sliding_window_type", number(2)),
            ("rope.local_freq_base", Value::F32(1_000.0)),
        ];
        let own = |(key, value)| (format!("{}.{key}", self.architecture), value);
        let mut metadata: Vec<(String, Value)> =
            general.into_iter().map(|(key, value)| (key.to_string(), value)).collect();
        metadata.extend(sizes.into_iter().map(own));
        if self.architecture == "gemma3" {
            metadata.extend(gemma.into_iter().map(own));
        }
        metadata.extend(tokenizer());
        metadata
    }

    fn tensors(&self, random: &mut StdRng) -> candle_core::Result<Vec<(String, QTensor)>> {
        let (width, ff) = (self.width, self.feed_forward);
        let (queries, keys) = (self.heads * self.head_length, self.kv_heads * self.head_length);
        let large = self.kind_large.unwrap_or(self.kind);
        let gemma = self.architecture == "gemma3";
        // Gemma multiplies embeddings by the root of the width.
        let table_gain = if gemma { 1.0 } else { (width as f32).sqrt() };
        let mut tensors = Vec::new();
        let table = numbers(random, VOCABULARY * width, table_gain / (width as f32).sqrt());
        tensors.push(("token_embd.weight".to_string(), quantized(&table, width, large)?));
        if !self.tied {
            let mut head = numbers(random, VOCABULARY * width, 3.0 / (width as f32).sqrt());
            plant_successors(&table, &mut head, width);
            tensors.push(("output.weight".to_string(), quantized(&head, width, large)?));
        }
        let mut matrix = |name: String, rows: usize, columns: usize, kind, gain: f32| {
            let values = numbers(random, rows * columns, gain / (columns as f32).sqrt());
            tensors.push((name, quantized(&values, columns, kind)?));
            Ok::<_, candle_core::Error>(())
        };
        for layer in 0..self.layers {
            let name = |part: &str| format!("blk.{layer}.{part}.weight");
            // Gains that give attention peaks, and each part a say in the result.
            matrix(name("attn_q"), queries, width, self.kind, 2.0)?;
            matrix(name("attn_k"), keys, width, self.kind, 2.0)?;
            matrix(name("attn_v"), keys, width, self.kind, 1.0)?;
            matrix(name("attn_output"), width, queries, self.kind, 0.7)?;
            matrix(name("ffn_gate"), ff, width, self.kind, 1.5)?;
            matrix(name("ffn_up"), ff, width, self.kind, 1.5)?;
            matrix(name("ffn_down"), width, ff, large, 0.5)?;
        }
        self.vectors(random, &mut tensors)?;
        Ok(tensors)
    }

    /// Norms, biases and frequency factors.
    fn vectors(
        &self,
        random: &mut StdRng,
        tensors: &mut Vec<(String, QTensor)>,
    ) -> candle_core::Result<()> {
        let (width, queries) = (self.width, self.heads * self.head_length);
        let keys = self.kv_heads * self.head_length;
        let mut vector = |name: String, length: usize, mean: f32| {
            let values: Vec<f32> = (0..length).map(|_| mean + 0.1 * normal(random)).collect();
            let values = Tensor::from_vec(values, length, &Device::Cpu)?;
            tensors.push((name, QTensor::quantize(&values, GgmlDType::F32)?));
            Ok::<_, candle_core::Error>(())
        };
        vector("output_norm.weight".into(), width, 1.0)?;
        let gemma = self.architecture == "gemma3";
        for layer in 0..self.layers {
            let name = |part: &str| format!("blk.{layer}.{part}");
            vector(name("attn_norm.weight"), width, 1.0)?;
            vector(name("ffn_norm.weight"), width, 1.0)?;
            if self.architecture == "qwen2" {
                vector(name("attn_q.bias"), queries, 0.0)?;
                vector(name("attn_k.bias"), keys, 0.0)?;
                vector(name("attn_v.bias"), keys, 0.0)?;
            }
            if self.architecture == "qwen3" || gemma {
                vector(name("attn_q_norm.weight"), self.head_length, 1.0)?;
                vector(name("attn_k_norm.weight"), self.head_length, 1.0)?;
            }
            if gemma {
                vector(name("post_attention_norm.weight"), width, 0.5)?;
                vector(name("post_ffw_norm.weight"), width, 0.5)?;
            }
        }
        if self.rope_factors {
            vector("rope_freqs.weight".into(), self.head_length / 2, 4.0)?;
        }
        Ok(())
    }
}

/// A byte-level vocabulary without merges: token `b` is the byte `b`.
fn tokenizer() -> Vec<(String, Value)> {
    let bytes = (0..=255u8).map(|byte| Value::String(byte_level(byte).to_string()));
    let special = SPECIAL_TOKENS.iter().map(|text| Value::String((*text).to_string()));
    let mut tokens: Vec<Value> = bytes.chain(special).collect();
    let named = tokens.len();
    tokens.extend((named..VOCABULARY).map(|i| Value::String(format!("[PAD{i}]"))));
    let kind = |i: usize| match i {
        0..=255 => TYPE_NORMAL,
        i if i < named => TYPE_CONTROL,
        _ => TYPE_UNUSED,
    };
    let kinds = (0..VOCABULARY).map(|i| Value::I32(kind(i))).collect();
    [
        ("model", Value::String("gpt2".to_string())),
        ("pre", Value::String("qwen2".to_string())),
        ("tokens", Value::Array(tokens)),
        ("token_type", Value::Array(kinds)),
        ("merges", Value::Array(Vec::new())),
        ("bos_token_id", Value::U32(256)),
        ("eos_token_id", Value::U32(258)),
    ]
    .into_iter()
    .map(|(key, value)| (format!("tokenizer.ggml.{key}"), value))
    .collect()
}

/// How byte-level BPE writes a byte: printable Latin-1 as itself, the others from U+0100 on.
fn byte_level(byte: u8) -> char {
    let printable = |b: u8| matches!(b, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    if printable(byte) {
        return char::from(byte);
    }
    let before = (0..byte).filter(|&b| !printable(b)).count() as u32;
    char::from_u32(0x100 + before).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Each token prefers one successor, round a cycle through the vocabulary: as in a trained model,
/// the best token is mostly well ahead of the second, so that rounding does not decide.
fn plant_successors(table: &[f32], head: &mut [f32], width: usize) {
    const STRENGTH: f32 = 1.6;
    for (token, embedding) in table.chunks_exact(width).enumerate() {
        let length = embedding.iter().map(|x| x * x).sum::<f32>().sqrt();
        let successor = (145 * token + 35) % VOCABULARY;
        let row = &mut head[successor * width..(successor + 1) * width];
        row.iter_mut().zip(embedding).for_each(|(x, e)| *x += STRENGTH * e / length);
    }
}

fn quantized(values: &[f32], columns: usize, kind: GgmlDType) -> candle_core::Result<QTensor> {
    let values = Tensor::from_slice(values, (values.len() / columns, columns), &Device::Cpu)?;
    QTensor::quantize(&values, kind)
}

/// Normally distributed numbers, near enough: twelve uniform ones added up.
fn numbers(random: &mut StdRng, count: usize, deviation: f32) -> Vec<f32> {
    (0..count).map(|_| normal(random) * deviation).collect()
}

fn normal(random: &mut StdRng) -> f32 {
    (0..12).map(|_| random.random::<f32>()).sum::<f32>() - 6.0
}
