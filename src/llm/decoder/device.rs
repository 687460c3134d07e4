//! The pass over the tensors of a device, with candle's operations.

use candle_core::{Device, Tensor};

use super::super::attention;
use super::super::error::ModelError;
use super::super::kernels::elementwise::Activation;
use super::super::kv_cache::{DeviceSlot, KvCache};
use super::super::ops;
use super::super::rope::Rotation;
use super::super::weights::{Compute, take_vec};
use super::layer::Layer;
use super::{Decoder, Rows};

/// Computes the rows; the logits of the wanted ones: (wanted, vocabulary).
pub(super) fn forward(decoder: &Decoder, rows: &Rows<'_>) -> Result<Vec<f32>, ModelError> {
    let (Compute::Candle(device), KvCache::Device(cache)) =
        (&decoder.options.compute, &decoder.cache)
    else {
        return Err(ModelError::Batch("weights and cache lie in different places".to_owned()));
    };
    let mut x =
        ops::scale(decoder.embedding.embed(&rows.tokens)?, decoder.architecture.embedding_scale)?;
    let last = decoder.layers.len() - 1;
    for (index, layer) in decoder.layers.iter().enumerate() {
        let step = Step { rows, rotation: rows.rotation(layer), device };
        let mut attended = layer.attend(&step, &x, &cache[index])?;
        if index == last {
            if rows.wanted.is_empty() {
                return Ok(Vec::new());
            }
            // Nobody looks at the other rows any more.
            attended = ops::select_rows(&attended, &rows.wanted)?;
            x = ops::select_rows(&x, &rows.wanted)?;
        }
        x = (x + layer.project(&attended)?)?;
        let forward = layer.feed_forward(&x, decoder.architecture.activation)?;
        x = (x + forward)?;
    }
    take_vec(&decoder.output.forward(&decoder.output_norm.forward(&x)?)?)
}

/// What the layers of one step share.
struct Step<'a> {
    rows: &'a Rows<'a>,
    rotation: &'a Rotation,
    device: &'a Device,
}

impl Layer {
    /// Norm, queries, keys and values, attention: (tokens, width) → (tokens, heads · head length).
    fn attend(
        &self,
        step: &Step<'_>,
        x: &Tensor,
        slots: &[DeviceSlot],
    ) -> Result<Tensor, ModelError> {
        let x = self.attention_norm.forward(x)?;
        let (queries, keys) = (self.query.forward(&x)?, self.key.forward(&x)?);
        let values = self.value.forward(&x)?;
        let tokens = queries.dim(0)?;
        let split = |x: &Tensor, heads| x.reshape((tokens, heads, self.shape.head_length));
        let mut queries = split(&queries, self.shape.heads)?;
        let mut keys = split(&keys, self.shape.kv_heads)?;
        for (norm, x) in [(&self.query_norm, &mut queries), (&self.key_norm, &mut keys)] {
            if let Some(norm) = norm {
                *x = norm.forward(x)?;
            }
        }
        let queries = step.rotation.forward(&queries, step.device)?;
        let keys = step.rotation.forward(&keys, step.device)?;
        let values = split(&values, self.shape.kv_heads)?;
        attention::attend_on_device(self.shape, slots, &step.rows.spans, (&queries, &keys, &values))
    }

    fn project(&self, attended: &Tensor) -> Result<Tensor, ModelError> {
        let x = self.attention_output.forward(attended)?;
        match &self.attention_post_norm {
            Some(norm) => norm.forward(&x),
            None => Ok(x),
        }
    }

    fn feed_forward(&self, x: &Tensor, activation: Activation) -> Result<Tensor, ModelError> {
        let x = self.feed_forward_norm.forward(x)?;
        let x = ops::gated(activation, &self.gate.forward(&x)?, &self.up.forward(&x)?)?;
        let x = self.down.forward(&x)?;
        match &self.feed_forward_post_norm {
            Some(norm) => norm.forward(&x),
            None => Ok(x),
        }
    }
}
