//! The pass over buffers in host memory, with our kernels.
//!
//! Buffers are taken once a step and used again by every layer. What reads the same activations
//! shares their quantized form: queries, keys and values; gate and up.

use super::super::attention;
use super::super::error::ModelError;
use super::super::kernels::elementwise;
use super::super::kernels::{level, pool};
use super::super::kv_cache::{HostLayer, KvCache, KvNumber};
use super::super::norm::RmsNorm;
use super::super::weights::{Linear, Quantized};
use super::layer::Layer;
use super::{Decoder, Rows};

/// Numbers that one task takes of a long elementwise operation.
const NUMBERS_AT_ONCE: usize = 16 * 1024;

/// Buffers of a step, one row for each token.
#[derive(Default)]
struct Buffers {
    /// The residual stream.
    x: Vec<f32>,
    normed: Vec<f32>,
    queries: Vec<f32>,
    keys: Vec<f32>,
    values: Vec<f32>,
    gate: Vec<f32>,
    up: Vec<f32>,
    out: Vec<f32>,
}

/// Computes the rows; the logits of the wanted ones: (wanted, vocabulary).
pub(super) fn forward(decoder: &mut Decoder, rows: &Rows<'_>) -> Result<Vec<f32>, ModelError> {
    let width = decoder.architecture.width;
    let mut buffers = Buffers::default();
    decoder.embedding.embed_on_host(&rows.tokens, &mut buffers.x)?;
    let scale = decoder.architecture.embedding_scale;
    if scale != 1.0 {
        buffers.x.iter_mut().for_each(|x| *x *= scale);
    }
    let last = decoder.layers.len() - 1;
    for (index, layer) in decoder.layers.iter().enumerate() {
        let mut attended = match &mut decoder.cache {
            KvCache::F16(cache) => layer.attend_on_host(rows, &mut buffers, &mut cache[index]),
            KvCache::F32(cache) => layer.attend_on_host(rows, &mut buffers, &mut cache[index]),
            KvCache::Q8(cache) => layer.attend_on_host(rows, &mut buffers, &mut cache[index]),
            KvCache::Device(_) => {
                return Err(ModelError::Batch("weights and cache lie apart".to_owned()));
            }
        };
        if index == last {
            if rows.wanted.is_empty() {
                return Ok(Vec::new());
            }
            // Nobody looks at the other rows any more.
            select_rows(&mut attended, &rows.wanted, rows.tokens.len());
            select_rows(&mut buffers.x, &rows.wanted, rows.tokens.len());
        }
        layer.project_on_host(&attended, &mut buffers);
        layer.feed_forward_on_host(&mut buffers, decoder.architecture.activation);
    }
    decoder.output_norm.apply(&mut buffers.x);
    let mut logits = Vec::new();
    decoder.output.product(&mut Quantized::of(&buffers.x, width), &mut logits);
    Ok(logits)
}

impl Layer {
    /// Norm, queries, keys and values, attention: `x` → (tokens, heads · head length).
    fn attend_on_host<T: KvNumber>(
        &self,
        rows: &Rows<'_>,
        buffers: &mut Buffers,
        cache: &mut HostLayer<T>,
    ) -> Vec<f32> {
        let Buffers { x, normed, queries, keys, values, .. } = buffers;
        self.attention_norm.normalize(x, normed);
        let mut normed = Quantized::of(normed, self.query.matrix.columns);
        for (linear, out) in
            [(&self.query, &mut *queries), (&self.key, &mut *keys), (&self.value, &mut *values)]
        {
            linear.product(&mut normed, out);
        }
        for (norm, x) in [(&self.query_norm, &mut *queries), (&self.key_norm, &mut *keys)] {
            if let Some(norm) = norm {
                norm.apply(x);
            }
        }
        let rotation = rows.rotation(self);
        rotation.apply(queries, self.shape.heads);
        rotation.apply(keys, self.shape.kv_heads);
        cache.write(&rows.spans, keys, values);
        attention::attend(self.shape, cache, &rows.spans, queries)
    }

    /// Adds the projected attention to `x`.
    fn project_on_host(&self, attended: &[f32], buffers: &mut Buffers) {
        let columns = self.attention_output.matrix.columns;
        self.attention_output.product(&mut Quantized::of(attended, columns), &mut buffers.out);
        add_normed(&mut buffers.x, &mut buffers.out, self.attention_post_norm.as_ref());
    }

    /// Adds the feed-forward part to `x`.
    fn feed_forward_on_host(&self, buffers: &mut Buffers, activation: elementwise::Activation) {
        let Buffers { x, normed, gate, up, out, .. } = buffers;
        self.feed_forward_norm.normalize(x, normed);
        let mut normed = Quantized::of(normed, self.gate.matrix.columns);
        self.gate.product(&mut normed, gate);
        self.up.product(&mut normed, up);
        let parts = gate.chunks_mut(NUMBERS_AT_ONCE).zip(up.chunks(NUMBERS_AT_ONCE));
        pool::for_each(parts, 2, |(gate, up)| elementwise::gate(level(), activation, gate, up));
        self.down.product(&mut Quantized::of(gate, self.down.matrix.columns), out);
        add_normed(x, out, self.feed_forward_post_norm.as_ref());
    }
}

impl Linear {
    /// `x` (tokens, columns) → `out` (tokens, rows), bias added.
    fn product(&self, x: &mut Quantized<'_>, out: &mut Vec<f32>) {
        self.matrix.product(x, out);
        if let Some(bias) = self.bias.as_ref().and_then(|bias| bias.host()) {
            for row in out.chunks_exact_mut(bias.len()) {
                row.iter_mut().zip(bias).for_each(|(x, b)| *x += b);
            }
        }
    }
}

/// `x += out`, after the norm that some architectures put between.
fn add_normed(x: &mut [f32], out: &mut [f32], norm: Option<&RmsNorm>) {
    if let Some(norm) = norm {
        norm.apply(out);
    }
    let parts = x.chunks_mut(NUMBERS_AT_ONCE).zip(out.chunks(NUMBERS_AT_ONCE));
    pool::for_each(parts, 2, |(x, out)| x.iter_mut().zip(out).for_each(|(x, out)| *x += out));
}

/// Keeps the given rows of `tokens`, in order.
fn select_rows(x: &mut Vec<f32>, wanted: &[usize], tokens: usize) {
    let width = x.len() / tokens;
    for (to, &from) in wanted.iter().enumerate() {
        x.copy_within(from * width..(from + 1) * width, to * width);
    }
    x.truncate(wanted.len() * width);
}
