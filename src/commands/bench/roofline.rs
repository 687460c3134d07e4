//! The roofline: how many operations a scenario needs, how many bytes it must read at least, and
//! what the machine allows for that.
//!
//! The place of a point on the x axis belongs to the work, not to who does it: every weight is
//! read once in a step, every cached key and value once for each token that looks at it alone, a
//! prompt is one step. So kura's point and the peer's stand above each other, and the higher is
//! the quicker. A model that fits the processor's caches is not read from memory at every step:
//! there the slope is no limit.

use serde::Serialize;

use super::figures::{Figure, Spread, Summary};
use crate::llm::MachineLimits;
use crate::llm::architecture::Architecture;
use crate::llm::gguf::Gguf;

/// Of a number in the cache; q8_0 halves it, but its share is small.
const F16_BYTES: f64 = 2.0;

/// What a model computes and reads.
#[derive(Clone, Debug)]
pub(super) struct Work {
    /// Operations of a token in all matrices but the head; a multiply-add counts as two.
    matrix_operations: f64,
    /// Operations of the head, which turns the last state into logits.
    head_operations: f64,
    /// Bytes of all matrices, head included.
    weight_bytes: f64,
    /// For each layer how far it sees: `None` to the beginning.
    windows: Vec<Option<usize>>,
    /// Operations of one token with one earlier token in one layer.
    attention_operations: f64,
    /// Bytes of keys and values of one token in one layer.
    cache_bytes: f64,
}

/// Operations and bytes of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    pub(super) operations: f64,
    pub(super) bytes: f64,
    /// Tokens that it processes or gives.
    pub(super) tokens: f64,
}

impl Work {
    /// Counts the matrices of a model.
    pub(super) fn of(gguf: &Gguf, architecture: &Architecture) -> Self {
        let tied = gguf.tensor("output.weight").is_none();
        let (mut matrix, mut head, mut bytes) = (0.0, 0.0, 0.0);
        for tensor in gguf.tensors().iter().filter(|tensor| tensor.shape.len() > 1) {
            let operations = 2.0 * tensor.shape.iter().map(|&side| side as f64).product::<f64>();
            let embeds = tensor.name == "token_embd.weight";
            if embeds && !tied {
                continue;
            }
            bytes += tensor.size_bytes as f64;
            match embeds || tensor.name == "output.weight" {
                true => head += operations,
                false => matrix += operations,
            }
        }
        let window = |windowed: &bool| if *windowed { architecture.window } else { None };
        let head_length = architecture.head_length as f64;
        Self {
            matrix_operations: matrix,
            head_operations: head,
            weight_bytes: bytes,
            windows: architecture.windowed_layers.iter().map(window).collect(),
            // The product with a key, and with a value.
            attention_operations: 4.0 * architecture.heads as f64 * head_length,
            cache_bytes: 2.0 * F16_BYTES * architecture.kv_heads as f64 * head_length,
        }
    }

    /// A fresh prompt; logits are needed for its last token.
    fn prefill(&self, tokens: usize) -> Step {
        let n = tokens as f64;
        let seen = |window: &Option<usize>| -> f64 {
            (1..=tokens).map(|at| at.min(window.unwrap_or(at)) as f64).sum()
        };
        let pairs: f64 = self.windows.iter().map(seen).sum();
        let attention = pairs * self.attention_operations;
        Step {
            operations: n * self.matrix_operations + self.head_operations + attention,
            bytes: self.weight_bytes + 2.0 * n * self.cache_bytes * self.windows.len() as f64,
            tokens: n,
        }
    }

    /// One token for each of some users, who all have this context.
    fn decode(&self, users: usize, context: usize) -> Step {
        let n = users as f64;
        let seen = |window: &Option<usize>| (context + 1).min(window.unwrap_or(usize::MAX)) as f64;
        let pairs: f64 = self.windows.iter().map(seen).sum();
        let matrices = self.matrix_operations + self.head_operations;
        Step {
            operations: n * (matrices + pairs * self.attention_operations),
            bytes: self.weight_bytes + n * pairs * self.cache_bytes,
            tokens: n,
        }
    }

    /// The step of a figure; `None` for those that are no rate of tokens.
    fn step(&self, figure: Figure, user_prompt_tokens: usize) -> Option<Step> {
        match figure {
            Figure::Prefill(tokens) => Some(self.prefill(tokens)),
            Figure::Decode(context) => Some(self.decode(1, context)),
            Figure::UsersSum(users) if users > 1 => Some(self.decode(users, user_prompt_tokens)),
            _ => None,
        }
    }
}

/// A figure in the roofline.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Point {
    #[serde(skip)]
    pub(super) figure: Figure,
    pub(super) key: String,
    pub(super) operations_per_byte: f64,
    pub(super) kura_gop_per_s: Option<f64>,
    pub(super) peer_gop_per_s: Option<f64>,
    /// What the machine allows.
    pub(super) roof_gop_per_s: f64,
    /// kura's share of that, in percent.
    pub(super) kura_percent_of_roof: Option<f64>,
}

/// The points of all figures that are rates of tokens.
pub(super) fn points(
    work: &Work,
    limits: &MachineLimits,
    summaries: &[Summary],
    user_prompt_tokens: usize,
) -> Vec<Point> {
    let point = |summary: &Summary| {
        let step = work.step(summary.figure, user_prompt_tokens)?;
        let gop_per_s = |rate: Spread| step.operations / step.tokens * rate.median / 1e9;
        let operations_per_byte = step.operations / step.bytes;
        let roof = roof_gop_per_s(limits, operations_per_byte);
        let kura = summary.kura.map(gop_per_s);
        Some(Point {
            figure: summary.figure,
            key: summary.key.clone(),
            operations_per_byte,
            kura_gop_per_s: kura,
            peer_gop_per_s: summary.peer.map(gop_per_s),
            roof_gop_per_s: roof,
            kura_percent_of_roof: kura.map(|kura| 100.0 * kura / roof),
        })
    };
    summaries.iter().filter_map(point).collect()
}

fn roof_gop_per_s(limits: &MachineLimits, operations_per_byte: f64) -> f64 {
    let by_memory = limits.read_bytes_per_s * operations_per_byte;
    by_memory.min(limits.int8_operations_per_s()) / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llm::testing::TestModel;

    fn work(tied: bool) -> (Work, TestModel) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.gguf");
        let model = TestModel { tied, ..TestModel::new("llama") };
        model.write(&path).unwrap();
        let gguf = Gguf::open(&path).unwrap();
        let architecture = Architecture::read(&gguf).unwrap();
        (Work::of(&gguf, &architecture), model)
    }

    #[test]
    fn operations_and_bytes_are_those_of_the_matrices() {
        let (work, model) = work(true);
        let keys = model.kv_heads * model.head_length;
        let queries = model.heads * model.head_length;
        let layer = 2 * model.width * queries
            + 2 * model.width * keys
            + 3 * model.width * model.feed_forward;
        let matrices = (model.layers * layer) as f64;
        let step = work.decode(1, 0);
        let head = step.operations / 2.0 - matrices - (2 * model.layers * queries) as f64;
        assert_eq!(head as usize % model.width, 0, "the tied embeddings are the head");
        assert_eq!(work.weight_bytes, 4.0 * (matrices + head), "F32");
        let (alone, many) = (work.decode(1, 64), work.decode(8, 64));
        assert_eq!(many.operations, 8.0 * alone.operations);
        assert!(many.bytes < 2.0 * alone.bytes, "weights are read once for all");
        // A prompt is its tokens with their contexts, but for the head of all but the last.
        let steps: f64 = (0..32).map(|context| work.decode(1, context).operations).sum();
        let prompt = work.prefill(32).operations;
        assert!((steps - prompt - 31.0 * work.head_operations).abs() < 1.0);
    }

    #[test]
    fn embeddings_beside_a_head_are_not_read() {
        let (tied, own) = (work(true).0, work(false).0);
        assert_eq!(tied.weight_bytes, own.weight_bytes);
    }
}
