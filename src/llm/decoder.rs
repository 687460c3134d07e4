//! The decoder: embedding, layers of attention and feed-forward, output head; for every
//! architecture and for several sequences at once.
//!
//! The layers are the same wherever they compute; the pass through them is written twice, over
//! buffers of the host ([`host`]) and over the tensors of a device ([`device`]).

mod device;
mod host;
mod layer;
#[cfg(test)]
mod tests;

use self::layer::Layer;
use super::architecture::Architecture;
use super::error::ModelError;
use super::gguf::Gguf;
use super::kernels::pool::Pool;
use super::kv_cache::{BLOCK, KvCache, KvType, Span};
use super::norm::RmsNorm;
use super::prepared::Prepared;
use super::rope::{Rope, Rotation};
use super::weights::{Compute, Matrix, Source};

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

/// A step laid out in rows, one for each token.
struct Rows<'a> {
    tokens: Vec<u32>,
    spans: Vec<Span<'a>>,
    /// Rows whose logits are wanted.
    wanted: Vec<usize>,
    /// For layers without and with a window.
    rotations: [Rotation; 2],
}

impl Rows<'_> {
    fn rotation(&self, layer: &Layer) -> &Rotation {
        &self.rotations[usize::from(layer.shape.window.is_some())]
    }
}

impl Decoder {
    /// Loads the tensors that the architecture asks for and takes memory for the cache.
    pub(crate) fn load(
        gguf: &Gguf,
        architecture: Architecture,
        options: DecoderOptions,
    ) -> Result<Self, ModelError> {
        let prepared = match options.compute {
            Compute::Cpu => Some(Prepared::of(gguf)),
            Compute::Candle(_) => None,
        };
        let source = Source { gguf, compute: &options.compute.clone(), prepared };
        Self::from_source(&source, architecture, options)
    }

    /// The same with the matrices of a source.
    fn from_source(
        source: &Source<'_>,
        architecture: Architecture,
        options: DecoderOptions,
    ) -> Result<Self, ModelError> {
        let (gguf, compute) = (source.gguf, source.compute);
        let (vocabulary, width) = (architecture.vocabulary, architecture.width);
        let table = (vocabulary, width);
        let embedding = Matrix::load(source, "token_embd.weight", table)?;
        let output = if gguf.tensor("output.weight").is_some() {
            Matrix::load(source, "output.weight", table)?
        } else {
            embedding.clone()
        };
        let norm = (width, architecture.norm_epsilon);
        let layers: Vec<Layer> = (0..architecture.layers)
            .map(|layer| Layer::load(source, &architecture, layer))
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
        let rows = self.rows(batch)?;
        let mut values = match self.options.compute {
            Compute::Cpu => host::forward(self, &rows)?,
            Compute::Candle(_) => device::forward(self, &rows)?,
        };
        if let Some(cap) = self.architecture.logit_cap {
            values.iter_mut().for_each(|x| *x = cap * (*x / cap).tanh());
        }
        Ok(Logits { values, vocabulary: self.architecture.vocabulary })
    }

    fn rows<'a>(&self, batch: &'a Batch) -> Result<Rows<'a>, ModelError> {
        let spans = self.check(batch)?;
        let positions: Vec<usize> =
            spans.iter().flat_map(|s| s.position..s.position + s.tokens).collect();
        let wanted = spans.iter().zip(&batch.sequences).flat_map(|(span, sequence)| {
            let end = span.row + span.tokens;
            end - sequence.logits..end
        });
        Ok(Rows {
            tokens: batch.sequences.iter().flat_map(|s| s.tokens.iter().copied()).collect(),
            wanted: wanted.collect(),
            rotations: [self.rope.at(&positions), self.rope_windowed.at(&positions)],
            spans,
        })
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

/// The scores of the token after a prompt, over the whole vocabulary, on the CPU: for comparison
/// with other engines.
///
/// # Errors
/// The model cannot be loaded, the prompt is empty, or a token is outside the vocabulary.
pub fn prompt_logits(
    path: &std::path::Path,
    threads: usize,
    prompt: &[u32],
) -> Result<Vec<f32>, ModelError> {
    let pool = Pool::new(threads).map_err(|why| ModelError::Thread(why.to_string()))?;
    let pool = std::sync::Arc::new(pool);
    let _installed = pool.installed();
    let gguf = Gguf::open(path)?;
    let blocks = prompt.len().div_ceil(BLOCK);
    let options = DecoderOptions {
        slots: 1,
        context_tokens: prompt.len(),
        blocks,
        kv_type: KvType::default(),
        compute: Compute::Cpu,
    };
    let mut decoder = Decoder::load(&gguf, Architecture::read(&gguf)?, options)?;
    let sequence = BatchSequence {
        slot: 0,
        blocks: (0..blocks as u32).collect(),
        position: 0,
        tokens: prompt.to_vec(),
        logits: 1,
    };
    let mut logits = decoder.forward(&Batch { sequences: vec![sequence] })?;
    Ok(logits.rows_mut().next().map(|row| row.to_vec()).unwrap_or_default())
}
