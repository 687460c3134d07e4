use std::io::Write;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;
use crate::llm::architecture::Architecture;
use crate::llm::decoder::{Batch, BatchSequence, Decoder, DecoderOptions};
use crate::llm::error::ModelError;
use crate::llm::kv_cache::KvType;
use crate::llm::testing::TestModel;
use crate::llm::weights::Compute;

/// Writes a GGUF byte by byte.
#[derive(Clone)]
struct Builder(Vec<u8>);

impl Builder {
    fn new(tensors: u64, keys: u64) -> Self {
        Self(b"GGUF".to_vec()).u32(3).u64(tensors).u64(keys)
    }

    fn u32(mut self, value: u32) -> Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    fn u64(mut self, value: u64) -> Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    fn string(self, text: &str) -> Self {
        let mut longer = self.u64(text.len() as u64);
        longer.0.extend(text.as_bytes());
        longer
    }

    fn tensor(self, name: &str, dimensions: &[u64], kind: u32, offset: u64) -> Self {
        let with_name = self.string(name).u32(dimensions.len() as u32);
        dimensions.iter().fold(with_name, |b, d| b.u64(*d)).u32(kind).u64(offset)
    }

    fn data(mut self, bytes: usize) -> Self {
        let start = self.0.len().next_multiple_of(32);
        self.0.resize(start + bytes, 1);
        self
    }
}

fn open(bytes: &[u8]) -> Result<Gguf, GgufError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    Gguf::open(file.path())
}

fn check_error(builder: &Builder, expected: &str) {
    let error = open(&builder.0).unwrap_err().to_string();
    assert!(error.contains(expected), "{error:?} does not say {expected:?}");
}

#[test]
fn values_and_tensors_are_read() {
    let builder = Builder::new(2, 5);
    let builder = builder.string("number").u32(4).u32(7);
    let builder = builder.string("text").u32(8).string("日本");
    let builder = builder.string("list").u32(9).u32(8).u64(2).string("a").string("bc");
    let builder = builder.string("floats").u32(9).u32(6).u64(2).u32(1f32.to_bits()).u32(0);
    let builder = builder.string("real").u32(6).u32(2.5f32.to_bits());
    let builder = builder.tensor("first", &[8, 3], 0, 0).tensor("second", &[32], 8, 96);
    let gguf = open(&builder.data(130).0).unwrap();
    assert_eq!(gguf.u32("number").unwrap(), Some(7));
    assert_eq!(gguf.u32("absent").unwrap(), None);
    assert_eq!(gguf.string("text").unwrap(), Some("日本"));
    assert_eq!(gguf.strings("list").unwrap(), Some(vec!["a", "bc"]));
    assert_eq!(gguf.f32s("floats").unwrap(), Some(vec![1.0, 0.0]));
    assert_eq!(gguf.f32("real").unwrap(), Some(2.5));
    let tensor = gguf.tensor("first").unwrap();
    assert_eq!((tensor.shape.as_slice(), tensor.size_bytes), ([3, 8].as_slice(), 96));
    assert_eq!(gguf.tensor_bytes(gguf.tensor("second").unwrap()), [1; 34]);
    let error = gguf.u32("text").unwrap_err().to_string();
    assert!(error.contains("text: expected a whole number, found a string"), "{error}");
}

#[test]
fn damage_is_named() {
    let number = |key: &str, value| Builder::new(0, 1).string(key).u32(4).u32(value);
    check_error(&Builder(b"GGML".to_vec()).u32(3), "does not begin with the letters GGUF");
    check_error(&Builder(b"GG".to_vec()), "ends inside the magic number");
    check_error(&Builder(b"GGUF".to_vec()).u32(1), "version 1;");
    check_error(&Builder(b"GGUF".to_vec()).u32(3u32.swap_bytes()), "big-endian");
    check_error(&Builder::new(u64::MAX, u64::MAX), "more than fit in it");
    check_error(&Builder::new(0, 1).u64(u64::MAX).data(64), "claims 18446744073709551615 bytes");
    check_error(&number("general.alignment", 0), "general.alignment: 0 is not a power of two");
    check_error(&number("general.alignment", 48), "general.alignment: 48 is not a power of two");
    check_error(&Builder::new(0, 1).string("a").u32(99).data(8), "unknown value type 99");
    check_error(
        &Builder::new(0, 1).string("a").u32(9).u32(4).u64(1 << 60).data(8),
        "an array claims 1152921504606846976 elements",
    );
    let nested = (0..9).fold(Builder::new(0, 1).string("a").u32(9), |b, _| b.u32(9).u64(1));
    check_error(&nested.data(64), "nested deeper than 4");
    let twice = Builder::new(0, 2).string("a").u32(4).u32(1).string("a").u32(4).u32(1);
    check_error(&twice, "metadata key a: is given twice");
}

#[test]
fn damaged_tensors_are_named() {
    let one = |dimensions: &[u64], kind, offset| {
        Builder::new(1, 0).tensor("weight", dimensions, kind, offset).data(128)
    };
    check_error(&one(&[1, 1, 1, 1, 1], 0, 0), "tensor weight: has 5 dimensions");
    check_error(&one(&[], 0, 0), "tensor weight: has 0 dimensions");
    check_error(&one(&[0], 0, 0), "tensor weight: has a dimension 0");
    check_error(&one(&[1 << 40, 1 << 40], 0, 0), "size overflows");
    check_error(&one(&[33], 8, 0), "rows of 33 elements, not a multiple of Q8_0's 32");
    check_error(&one(&[4], 4, 0), "unknown type 4");
    check_error(&one(&[4], 0, 8), "lies at 8, not a multiple of 32");
    check_error(&one(&[33], 0, 0), "past the end of the file");
    check_error(&one(&[4], 0, u64::MAX - 31), "past the end of the file");
    let two = Builder::new(2, 0).tensor("a", &[16], 0, 0);
    check_error(&two.clone().tensor("a", &[16], 0, 64).data(128), "tensor a: is listed twice");
    check_error(&two.tensor("b", &[16], 0, 32).data(128), "tensor b: overlaps tensor a");
}

/// Opens, loads and computes; whatever is wrong must be an error.
fn load_and_run(bytes: &[u8]) -> Result<(), ModelError> {
    let gguf = open(bytes)?;
    let architecture = Architecture::read(&gguf)?;
    let context_tokens = architecture.context_tokens.min(16);
    let (kv_type, compute) = (KvType::F16, Compute::Cpu);
    let options = DecoderOptions { slots: 1, context_tokens, blocks: 1, kv_type, compute };
    let mut decoder = Decoder::load(&gguf, architecture, options)?;
    let tokens = vec![1, 2, 3];
    let sequence = BatchSequence { slot: 0, blocks: vec![0], position: 0, tokens, logits: 1 };
    decoder.forward(&Batch { sequences: vec![sequence] })?;
    Ok(())
}

#[test]
fn two_hundred_mutants_give_an_error_or_a_model() {
    let mut random = StdRng::seed_from_u64(20);
    let mut refused = 0;
    for mutant in 0..200 {
        let name = ["llama", "qwen2", "qwen3", "gemma3"][mutant % 4];
        let small = TestModel { layers: 1, width: 64, feed_forward: 64, ..TestModel::new(name) };
        let small = TestModel { heads: 2, kv_heads: 1, head_length: 32, ..small };
        let file = tempfile::NamedTempFile::new().unwrap();
        small.write(file.path()).unwrap();
        let mut bytes = std::fs::read(file.path()).unwrap();
        // The header takes the first few kilobytes; the vocabulary is most of it.
        let header = bytes.len().min(9_000);
        match mutant / 4 % 5 {
            0 => bytes.truncate(random.random_range(0..bytes.len())),
            1 => {
                let at = random.random_range(0..header - 8);
                let value: u64 = [0, 1, u64::MAX, 1 << 63, 1 << 32][random.random_range(0..5)];
                bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
            }
            2 => {
                let (from, to) = (random.random_range(0..header), random.random_range(0..header));
                let piece = bytes[from.min(to)..from.max(to)].to_vec();
                let at = random.random_range(0..header);
                bytes.splice(at..at, piece);
            }
            _ => {
                for _ in 0..random.random_range(1..40) {
                    let at = random.random_range(0..1_500);
                    bytes[at] = random.random();
                }
            }
        }
        if let Err(error) = load_and_run(&bytes) {
            refused += 1;
            assert!(!error.to_string().is_empty());
        }
    }
    assert!(refused > 120, "only {refused} mutants were refused");
}
