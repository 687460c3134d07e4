//! The decoder: embedding, layers of attention and feed-forward, output head; for every
//! architecture and for several sequences at once.

#[cfg(test)]
mod tests;

use candle_core::Tensor;

use super::architecture::Architecture;
use super::attention::{self, Shape};
use super::error::ModelError;
use super::gguf::Gguf;
use super::kv_cache::{BLOCK, KvCache, KvType, Span};
use super::norm::RmsNorm;
use super::ops;
use super::rope::{Rope, Rotation};
use super::weights::{Compute, Linear, Matrix, Vector, take_vec};

/// Tokens of one sequence in a batch.
#[derive(Clone, Debug)]
pub(crate) struct BatchSequence {
    pub(crate) slot: usize,
    /// The blocks of the cache that hold the sequence, from position 0 on, with room for `tokens`;
    /// not read on a device.
    pub(crate) blocks: Vec<u32>,
    /// Position of the first of `tokens`; the positions before it must have been computed in these
    /// blocks, or in this slot.
    pub(crate) position: usize,
    pub(crate) tokens: Vec<u32>,
    /// How many of the last tokens the logits are wanted of.
    pub(crate) logits: usize,
}

/// What one step computes: a chunk of a prompt is many tokens of one slot, decoding is one token
/// of each of many.
#[derive(Clone, Debug, Default)]
pub(crate) struct Batch {
    pub(crate) sequences: Vec<BatchSequence>,
}

/// The logits that a batch asked for: a row for each token, in order.
pub(crate) struct Logits {
    values: Vec<f32>,
    vocabulary: usize,
}

impl Logits {
    pub(crate) fn rows_mut(&mut self) -> std::slice::ChunksExactMut<'_, f32> {
        self.values.chunks_exact_mut(self.vocabulary)
    }
}

/// How the decoder is set up.
#[derive(Clone, Debug)]
pub(crate) struct DecoderOptions {
    pub(crate) slots: usize,
    pub(crate) context_tokens: usize,
    /// Blocks of the cache; of no meaning on a device, which has room for every slot.
    pub(crate) blocks: usize,
    pub(crate) kv_type: KvType,
    pub(crate) compute: Compute,
}

/// A loaded model with its cache.
pub(crate) struct Decoder {
    architecture: Architecture,
    options: DecoderOptions,
    embedding: Matrix,
    layers: Vec<Layer>,
    output_norm: RmsNorm,
    output: Matrix,
    rope: Rope,
    rope_windowed: Rope,
    cache: KvCache,
}

struct Layer {
    shape: Shape,
    attention_norm: RmsNorm,
    query: Linear,
    key: Linear,
    value: Linear,
    query_norm: Option<RmsNorm>,
    key_norm: Option<RmsNorm>,
    attention_output: Linear,
    attention_post_norm: Option<RmsNorm>,
    feed_forward_norm: RmsNorm,
    gate: Linear,
    up: Linear,
    down: Linear,
    feed_forward_post_norm: Option<RmsNorm>,
}

impl Decoder {
    /// Loads the tensors that the architecture asks for and takes memory for the cache.
    pub(crate) fn load(
        gguf: &Gguf,
        architecture: Architecture,
        options: DecoderOptions,
    ) -> Result<Self, ModelError> {
        let compute = &options.compute;
        let (vocabulary, width) = (architecture.vocabulary, architecture.width);
        let table = (vocabulary, width);
        let embedding = Matrix::load(gguf, "token_embd.weight", table, compute)?;
        let output = if gguf.tensor("output.weight").is_some() {
            Matrix::load(gguf, "output.weight", table, compute)?
        } else {
            embedding.clone()
        };
        let norm = (width, architecture.norm_epsilon);
        let layers: Vec<Layer> = (0..architecture.layers)
            .map(|layer| Layer::load(gguf, &architecture, layer, compute))
            .collect::<Result<_, _>>()?;
        // Only now: the tensors have confirmed the sizes that the header claims.
        let (slots, context) = (options.slots, options.context_tokens);
        let cache = match compute {
            Compute::Cpu => KvCache::host(&architecture, options.blocks, options.kv_type),
            Compute::Candle(device) => {
                KvCache::device(&architecture, slots, context, (options.kv_type, device))?
            }
        };
        Ok(Self {
            embedding,
            output,
            output_norm: RmsNorm::load(gguf, "output_norm.weight", norm, compute)?,
            layers,
            rope: Rope::new(&architecture, false),
            rope_windowed: Rope::new(&architecture, true),
            cache,
            architecture,
            options,
        })
    }

    pub(crate) fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// Blocks of the cache; `None` on a device, where it has slots.
    pub(crate) fn blocks(&self) -> Option<usize> {
        match self.cache {
            KvCache::Device(_) => None,
            _ => Some(self.options.blocks),
        }
    }

    /// The cache, to copy and clear blocks and slots of.
    pub(crate) fn cache_mut(&mut self) -> &mut KvCache {
        &mut self.cache
    }

    /// Computes a step and gives the logits that its sequences want, in order.
    pub(crate) fn forward(&mut self, batch: &Batch) -> Result<Logits, ModelError> {
        let spans = self.check(batch)?;
        let compute = self.options.compute.clone();
        let tokens: Vec<u32> =
            batch.sequences.iter().flat_map(|s| s.tokens.iter().copied()).collect();
        let positions: Vec<usize> =
            spans.iter().flat_map(|s| s.position..s.position + s.tokens).collect();
        let wanted: Vec<usize> = spans
            .iter()
            .zip(&batch.sequences)
            .flat_map(|(span, sequence)| {
                let end = span.row + span.tokens;
                end - sequence.logits..end
            })
            .collect();
        let rotations = [self.rope.at(&positions), self.rope_windowed.at(&positions)];
        let mut x = self.embedding.embed(&tokens)?;
        x = ops::scale(&compute, x, self.architecture.embedding_scale)?;
        let last = self.layers.len() - 1;
        for (index, layer) in self.layers.iter().enumerate() {
            let rotation = &rotations[usize::from(layer.shape.window.is_some())];
            let step = Step { compute: &compute, spans: &spans, rotation };
            let mut attended = layer.attend(&step, &x, &mut self.cache, index)?;
            if index == last {
                if wanted.is_empty() {
                    return self.logits(Vec::new());
                }
                // Nobody looks at the other rows any more.
                attended = ops::select_rows(&attended, &wanted)?;
                x = ops::select_rows(&x, &wanted)?;
            }
            x = ops::add(&compute, &x, &layer.project(&attended)?)?;
            let forward = layer.feed_forward(&step, &x, &self.architecture)?;
            x = ops::add(&compute, &x, &forward)?;
        }
        let logits = self.output.forward(&self.output_norm.forward(&x)?)?;
        self.logits(take_vec(&logits)?)
    }

    fn logits(&self, mut values: Vec<f32>) -> Result<Logits, ModelError> {
        if let Some(cap) = self.architecture.logit_cap {
            values.iter_mut().for_each(|x| *x = cap * (*x / cap).tanh());
        }
        Ok(Logits { values, vocabulary: self.architecture.vocabulary })
    }

    /// Checks the batch against the slots and the context, and lays out its rows.
    fn check<'a>(&self, batch: &'a Batch) -> Result<Vec<Span<'a>>, ModelError> {
        let wrong = |what: String| Err(ModelError::Batch(what));
        let mut spans: Vec<Span<'a>> = Vec::with_capacity(batch.sequences.len());
        let mut row = 0;
        for sequence in &batch.sequences {
            let (slot, tokens) = (sequence.slot, sequence.tokens.len());
            if slot >= self.options.slots || tokens == 0 {
                return wrong(format!("{tokens} tokens for slot {slot}"));
            }
            if spans.iter().any(|span| span.slot == slot) {
                return wrong(format!("slot {slot} is given twice"));
            }
            let end = sequence.position.saturating_add(tokens);
            if end > self.options.context_tokens {
                let context = self.options.context_tokens;
                return Err(ModelError::Context { tokens: end, context });
            }
            if sequence.logits > tokens {
                return wrong(format!("{} logits of {tokens} tokens", sequence.logits));
            }
            let (position, blocks) = (sequence.position, sequence.blocks.as_slice());
            spans.push(Span { slot, blocks, position, row, tokens });
            row += tokens;
        }
        if spans.is_empty() {
            return wrong("it is empty".to_string());
        }
        if let Some(blocks) = self.blocks() {
            check_blocks(&spans, blocks)?;
        }
        Ok(spans)
    }
}

/// Every sequence has room, and what one writes is no block that another one writes.
fn check_blocks(spans: &[Span<'_>], blocks: usize) -> Result<(), ModelError> {
    let mut written = std::collections::HashSet::new();
    for span in spans {
        let range = span.position / BLOCK..(span.position + span.tokens).div_ceil(BLOCK);
        let known = span.blocks.iter().all(|block| (*block as usize) < blocks);
        let own = span.blocks.get(range).filter(|_| known).ok_or_else(|| {
            let have = span.blocks.len();
            ModelError::Batch(format!("{have} blocks do not hold slot {}", span.slot))
        })?;
        if let Some(twice) = own.iter().find(|block| !written.insert(**block)) {
            return Err(ModelError::Batch(format!("block {twice} is written twice")));
        }
    }
    Ok(())
}

/// What the layers of one step share.
struct Step<'a> {
    compute: &'a Compute,
    spans: &'a [Span<'a>],
    rotation: &'a Rotation,
}

impl Layer {
    fn load(
        gguf: &Gguf,
        architecture: &Architecture,
        index: usize,
        compute: &Compute,
    ) -> Result<Self, ModelError> {
        let a = architecture;
        let (queries, keys) = (a.heads * a.head_length, a.kv_heads * a.head_length);
        let name = |part: &str, kind: &str| format!("blk.{index}.{part}.{kind}");
        let norm = |part: &str, length: usize| {
            RmsNorm::load(gguf, &name(part, "weight"), (length, a.norm_epsilon), compute)
        };
        let linear = |part: &str, rows: usize, columns: usize, needs_bias: bool| {
            let matrix = Matrix::load(gguf, &name(part, "weight"), (rows, columns), compute)?;
            let bias = name(part, "bias");
            let bias = match gguf.tensor(&bias) {
                None if !needs_bias => None,
                _ => Some(Vector::load(gguf, &bias, rows, compute)?),
            };
            Ok::<_, ModelError>(Linear { matrix, bias })
        };
        let head_norm = |part: &str| a.head_norms.then(|| norm(part, a.head_length)).transpose();
        let post_norm = |part: &str| a.post_norms.then(|| norm(part, a.width)).transpose();
        Ok(Self {
            shape: Shape::of_layer(a, index),
            attention_norm: norm("attn_norm", a.width)?,
            query: linear("attn_q", queries, a.width, a.needs_qkv_bias)?,
            key: linear("attn_k", keys, a.width, a.needs_qkv_bias)?,
            value: linear("attn_v", keys, a.width, a.needs_qkv_bias)?,
            query_norm: head_norm("attn_q_norm")?,
            key_norm: head_norm("attn_k_norm")?,
            attention_output: linear("attn_output", a.width, queries, false)?,
            attention_post_norm: post_norm("post_attention_norm")?,
            feed_forward_norm: norm("ffn_norm", a.width)?,
            gate: linear("ffn_gate", a.feed_forward, a.width, false)?,
            up: linear("ffn_up", a.feed_forward, a.width, false)?,
            down: linear("ffn_down", a.width, a.feed_forward, false)?,
            feed_forward_post_norm: post_norm("post_ffw_norm")?,
        })
    }

    /// Norm, queries, keys and values, attention: (tokens, width) → (tokens, heads · head length).
    fn attend(
        &self,
        step: &Step<'_>,
        x: &Tensor,
        cache: &mut KvCache,
        index: usize,
    ) -> Result<Tensor, ModelError> {
        let x = self.attention_norm.forward(x)?;
        let qkv = [self.query.forward(&x)?, self.key.forward(&x)?, self.value.forward(&x)?];
        match cache {
            KvCache::Device(layers) => self.attend_on_device(step, qkv, &layers[index]),
            KvCache::F16(layers) => self.attend_on_host(step, qkv, &mut layers[index]),
            KvCache::F32(layers) => self.attend_on_host(step, qkv, &mut layers[index]),
            KvCache::Q8(layers) => self.attend_on_host(step, qkv, &mut layers[index]),
        }
    }

    fn attend_on_host<T: super::kv_cache::KvNumber>(
        &self,
        step: &Step<'_>,
        [queries, keys, values]: [Tensor; 3],
        cache: &mut super::kv_cache::HostLayer<T>,
    ) -> Result<Tensor, ModelError> {
        let shape = queries.shape().clone();
        let (mut queries, mut keys) = (take_vec(&queries)?, take_vec(&keys)?);
        for (norm, x) in [(&self.query_norm, &mut queries), (&self.key_norm, &mut keys)] {
            if let Some(norm) = norm {
                norm.apply(x);
            }
        }
        step.rotation.apply(&mut queries, self.shape.heads);
        step.rotation.apply(&mut keys, self.shape.kv_heads);
        super::weights::with_slice(&values, |values| cache.write(step.spans, &keys, values))?;
        let out = attention::attend(self.shape, cache, step.spans, &queries);
        Ok(Tensor::from_vec(out, shape, step.compute.device())?)
    }

    fn attend_on_device(
        &self,
        step: &Step<'_>,
        [queries, keys, values]: [Tensor; 3],
        slots: &[super::kv_cache::DeviceSlot],
    ) -> Result<Tensor, ModelError> {
        let tokens = queries.dim(0)?;
        let split = |x: &Tensor, heads| x.reshape((tokens, heads, self.shape.head_length));
        let mut queries = split(&queries, self.shape.heads)?;
        let mut keys = split(&keys, self.shape.kv_heads)?;
        for (norm, x) in [(&self.query_norm, &mut queries), (&self.key_norm, &mut keys)] {
            if let Some(norm) = norm {
                *x = norm.forward(x)?;
            }
        }
        let device = step.compute.device();
        let queries = step.rotation.forward(&queries, device)?;
        let keys = step.rotation.forward(&keys, device)?;
        let values = split(&values, self.shape.kv_heads)?;
        attention::attend_on_device(self.shape, slots, step.spans, (&queries, &keys, &values))
    }

    fn project(&self, attended: &Tensor) -> Result<Tensor, ModelError> {
        let x = self.attention_output.forward(attended)?;
        match &self.attention_post_norm {
            Some(norm) => norm.forward(&x),
            None => Ok(x),
        }
    }

    fn feed_forward(
        &self,
        step: &Step<'_>,
        x: &Tensor,
        architecture: &Architecture,
    ) -> Result<Tensor, ModelError> {
        let x = self.feed_forward_norm.forward(x)?;
        let (gate, up) = (self.gate.forward(&x)?, self.up.forward(&x)?);
        let x = ops::gated(step.compute, architecture.activation, &gate, &up)?;
        let x = self.down.forward(&x)?;
        match &self.feed_forward_post_norm {
            Some(norm) => norm.forward(&x),
            None => Ok(x),
        }
    }
}
