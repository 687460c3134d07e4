//! The weights of one layer.

use super::super::architecture::Architecture;
use super::super::attention::Shape;
use super::super::error::ModelError;
use super::super::norm::RmsNorm;
use super::super::weights::{Linear, Matrix, Source, Vector};

pub(super) struct Layer {
    pub(super) shape: Shape,
    pub(super) attention_norm: RmsNorm,
    pub(super) query: Linear,
    pub(super) key: Linear,
    pub(super) value: Linear,
    pub(super) query_norm: Option<RmsNorm>,
    pub(super) key_norm: Option<RmsNorm>,
    pub(super) attention_output: Linear,
    pub(super) attention_post_norm: Option<RmsNorm>,
    pub(super) feed_forward_norm: RmsNorm,
    pub(super) gate: Linear,
    pub(super) up: Linear,
    pub(super) down: Linear,
    pub(super) feed_forward_post_norm: Option<RmsNorm>,
}

impl Layer {
    /// Takes the tensors of layer `index`.
    pub(super) fn load(
        source: &Source<'_>,
        architecture: &Architecture,
        index: usize,
    ) -> Result<Self, ModelError> {
        let (a, gguf, compute) = (architecture, source.gguf, source.compute);
        let (queries, keys) = (a.heads * a.head_length, a.kv_heads * a.head_length);
        let name = |part: &str, kind: &str| format!("blk.{index}.{part}.{kind}");
        let norm = |part: &str, length: usize| {
            RmsNorm::load(gguf, &name(part, "weight"), (length, a.norm_epsilon), compute)
        };
        let linear = |part: &str, rows: usize, columns: usize, needs_bias: bool| {
            let matrix = Matrix::load(source, &name(part, "weight"), (rows, columns))?;
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
}
