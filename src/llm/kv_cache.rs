//! Keys and values of the tokens that were computed.
//!
//! On a CPU: in one pool of blocks for each layer ([`host`]); a sequence is a list of block
//! numbers, so that sequences with the same beginning can share its blocks. Which block belongs
//! to whom is decided outside (the engine's `blocks`). On another device: a slot for each
//! sequence.

mod format;
mod host;
#[cfg(test)]
mod tests;

use candle_core::{DType, Device, Tensor};
use half::f16;

use super::architecture::Architecture;
use super::error::ModelError;

pub(crate) use self::format::{ByteBlocks, KvNumber};
pub(crate) use self::host::HostLayer;

/// Positions that are stored, shared, and computed with, together.
pub(crate) const BLOCK: usize = 32;

/// The number type of the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KvType {
    /// Half the memory of f32, and an error far below that of quantized weights.
    #[default]
    F16,
    /// For exact comparison.
    F32,
    /// 32 numbers of a head in 8 bits each with one f16 scale: 53% of f16's memory.
    Q8_0,
}

impl KvType {
    /// Memory of the keys, or the values, of a block and a head.
    fn block_bytes(self, head_length: usize) -> usize {
        match self {
            Self::F16 => 2 * f16::block_length(head_length),
            Self::F32 => 4 * f32::block_length(head_length),
            Self::Q8_0 => ByteBlocks::block_length(head_length),
        }
    }

    fn dtype(self) -> Result<DType, ModelError> {
        match self {
            Self::F16 => Ok(DType::F16),
            Self::F32 => Ok(DType::F32),
            Self::Q8_0 => {
                let what = "q8_0 is for the CPU; use f16 on another device".to_owned();
                Err(ModelError::Option { name: "kv_type", what })
            }
        }
    }
}

/// Memory of a block of positions over all layers and heads, in bytes.
pub(crate) fn block_size_bytes(architecture: &Architecture, kv_type: KvType) -> usize {
    let heads = 2 * architecture.layers * architecture.kv_heads;
    heads * kv_type.block_bytes(architecture.head_length)
}

/// Consecutive tokens of one sequence inside a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span<'a> {
    pub(crate) slot: usize,
    /// The blocks of the sequence, from position 0 on; empty on a device.
    pub(crate) blocks: &'a [u32],
    /// Position of the first token in its sequence.
    pub(crate) position: usize,
    /// Row of the first token in the batch.
    pub(crate) row: usize,
    pub(crate) tokens: usize,
}

/// Keys and values of one slot and layer on a candle device: (kv heads, context, head length).
pub(crate) struct DeviceSlot {
    pub(crate) keys: Tensor,
    pub(crate) values: Tensor,
}

/// The cache of all layers.
pub(crate) enum KvCache {
    F16(Vec<HostLayer<f16>>),
    F32(Vec<HostLayer<f32>>),
    Q8(Vec<HostLayer<ByteBlocks>>),
    /// By layer, then slot.
    Device(Vec<Vec<DeviceSlot>>),
}

impl KvCache {
    /// A pool of `blocks` blocks; their memory is taken as they are first used.
    pub(crate) fn host(architecture: &Architecture, blocks: usize, kv_type: KvType) -> Self {
        fn layers<T: KvNumber>(architecture: &Architecture, blocks: usize) -> Vec<HostLayer<T>> {
            let (heads, length) = (architecture.kv_heads, architecture.head_length);
            (0..architecture.layers).map(|_| HostLayer::new(heads, length, blocks)).collect()
        }
        match kv_type {
            KvType::F16 => Self::F16(layers(architecture, blocks)),
            KvType::F32 => Self::F32(layers(architecture, blocks)),
            KvType::Q8_0 => Self::Q8(layers(architecture, blocks)),
        }
    }

    /// `slots` slots of `context_tokens` positions.
    pub(crate) fn device(
        architecture: &Architecture,
        slots: usize,
        context_tokens: usize,
        (kv_type, device): (KvType, &Device),
    ) -> Result<Self, ModelError> {
        let shape = (architecture.kv_heads, context_tokens, architecture.head_length);
        let dtype = kv_type.dtype()?;
        let zeros = || Tensor::zeros(shape, dtype, device);
        let slot = || Ok(DeviceSlot { keys: zeros()?, values: zeros()? });
        let layer = |_| (0..slots).map(|_| slot()).collect::<Result<Vec<_>, ModelError>>();
        Ok(Self::Device((0..architecture.layers).map(layer).collect::<Result<_, _>>()?))
    }

    /// Copies the content of a block over that of another. On a device there is none to copy.
    pub(crate) fn copy_block(&mut self, from: u32, to: u32) {
        match self {
            Self::F16(layers) => layers.iter_mut().for_each(|layer| layer.copy(from, to)),
            Self::F32(layers) => layers.iter_mut().for_each(|layer| layer.copy(from, to)),
            Self::Q8(layers) => layers.iter_mut().for_each(|layer| layer.copy(from, to)),
            Self::Device(_) => {}
        }
    }

    /// Overwrites a block with zeros: after a computation went wrong, so that no NaN stays behind.
    pub(crate) fn clear_block(&mut self, block: u32) {
        match self {
            Self::F16(layers) => layers.iter_mut().for_each(|layer| layer.clear(block)),
            Self::F32(layers) => layers.iter_mut().for_each(|layer| layer.clear(block)),
            Self::Q8(layers) => layers.iter_mut().for_each(|layer| layer.clear(block)),
            Self::Device(_) => {}
        }
    }

    /// The same for a slot of a device.
    pub(crate) fn clear_slot(&mut self, slot: usize) -> Result<(), ModelError> {
        if let Self::Device(layers) = self {
            for layer in layers {
                layer[slot].keys = layer[slot].keys.zeros_like()?;
                layer[slot].values = layer[slot].values.zeros_like()?;
            }
        }
        Ok(())
    }
}
