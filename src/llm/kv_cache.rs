//! Keys and values of the tokens that were computed, in a slot for each sequence.
//!
//! f16 is the default: half the memory of f32, and an error far below that of quantized weights.
//! f32 exists for exact comparison. On a CPU the keys of 32 positions lie transposed (element by
//! element, positions together) so that scores are computed 16 at a time without shuffling;
//! values lie position by position.

use candle_core::{DType, Device, Tensor};
use half::f16;
use half::slice::HalfFloatSliceExt;
use half::vec::HalfBitsVecExt;

use super::architecture::Architecture;
use super::error::ModelError;
use super::kernels::{Level, floats, pool};

/// Positions that are stored, and computed with, together.
pub(crate) const BLOCK: usize = 32;

/// The number type of the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KvType {
    #[default]
    F16,
    F32,
}

impl KvType {
    pub(crate) fn size_bytes(self) -> usize {
        match self {
            Self::F16 => 2,
            Self::F32 => 4,
        }
    }

    pub(crate) fn dtype(self) -> DType {
        match self {
            Self::F16 => DType::F16,
            Self::F32 => DType::F32,
        }
    }
}

/// Memory of the cache when every slot is full; it is taken as positions are first used.
pub(crate) fn cache_size_bytes(
    architecture: &Architecture,
    slots: usize,
    context_tokens: usize,
    kv_type: KvType,
) -> usize {
    let per_token = 2 * architecture.layers * architecture.kv_heads * architecture.head_length;
    let positions = slots.saturating_mul(context_tokens.next_multiple_of(BLOCK));
    positions.saturating_mul(per_token * kv_type.size_bytes())
}

/// Consecutive tokens of one sequence inside a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) slot: usize,
    /// Position of the first token in its sequence.
    pub(crate) position: usize,
    /// Row of the first token in the batch.
    pub(crate) row: usize,
    pub(crate) tokens: usize,
}

/// A number of the host cache.
pub(crate) trait KvNumber: Copy + Default + Send + Sync {
    /// Memory that the system zeroes when it is first used, so that unused slots cost nothing.
    fn zeros(count: usize) -> Vec<Self>;
    fn narrow(from: &[f32], to: &mut [Self]);
    fn widen(level: Level, from: &[Self], to: &mut [f32]);
}

impl KvNumber for f16 {
    fn zeros(count: usize) -> Vec<Self> {
        // Only for integers does the standard library ask the system for zeroed memory.
        vec![0u16; count].reinterpret_into()
    }

    fn narrow(from: &[f32], to: &mut [Self]) {
        to.convert_from_f32_slice(from);
    }

    fn widen(level: Level, from: &[Self], to: &mut [f32]) {
        floats::widen_f16(level, from, to);
    }
}

impl KvNumber for f32 {
    fn zeros(count: usize) -> Vec<Self> {
        vec![0.0; count]
    }

    fn narrow(from: &[f32], to: &mut [Self]) {
        to.copy_from_slice(from);
    }

    fn widen(_: Level, from: &[Self], to: &mut [f32]) {
        to.copy_from_slice(from);
    }
}

/// One layer's keys and values for all slots and heads, in host memory.
pub(crate) struct HostLayer<T> {
    keys: Vec<T>,
    values: Vec<T>,
    kv_heads: usize,
    head_length: usize,
    /// Numbers of one head of one slot.
    region: usize,
}

impl<T: KvNumber> HostLayer<T> {
    fn new(architecture: &Architecture, slots: usize, context_tokens: usize) -> Self {
        let region = context_tokens.next_multiple_of(BLOCK) * architecture.head_length;
        let size = region * slots * architecture.kv_heads;
        Self {
            keys: T::zeros(size),
            values: T::zeros(size),
            kv_heads: architecture.kv_heads,
            head_length: architecture.head_length,
            region,
        }
    }

    /// Stores `keys` and `values` (tokens, kv heads · head length) of the spans.
    pub(crate) fn write(&mut self, spans: &[Span], keys: &[f32], values: &[f32]) {
        let (length, heads) = (self.head_length, self.kv_heads);
        let regions = self.keys.chunks_mut(self.region);
        let regions = regions.zip(self.values.chunks_mut(self.region)).enumerate();
        pool::for_each(regions, 2, |(index, (key_region, value_region))| {
            let (slot, head) = (index / heads, index % heads);
            let mut narrow = vec![T::default(); length];
            for span in spans.iter().filter(|span| span.slot == slot) {
                for token in 0..span.tokens {
                    let position = span.position + token;
                    let from = ((span.row + token) * heads + head) * length;
                    let at = position * length;
                    T::narrow(&values[from..from + length], &mut value_region[at..at + length]);
                    T::narrow(&keys[from..from + length], &mut narrow);
                    let block = position / BLOCK * BLOCK * length;
                    let lanes = key_region[block + position % BLOCK..].iter_mut().step_by(BLOCK);
                    lanes.zip(&narrow).for_each(|(to, from)| *to = *from);
                }
            }
        });
    }

    /// Keys of block `block`: (head length, [`BLOCK`]).
    pub(crate) fn key_block(&self, slot: usize, head: usize, block: usize) -> &[T] {
        &self.keys[self.block_range(slot, head, block)]
    }

    /// Values of block `block`: ([`BLOCK`], head length).
    pub(crate) fn value_block(&self, slot: usize, head: usize, block: usize) -> &[T] {
        &self.values[self.block_range(slot, head, block)]
    }

    fn block_range(&self, slot: usize, head: usize, block: usize) -> std::ops::Range<usize> {
        let size = BLOCK * self.head_length;
        let start = (slot * self.kv_heads + head) * self.region + block * size;
        start..start + size
    }

    fn clear(&mut self, slot: usize) {
        let size = self.region * self.kv_heads;
        self.keys[slot * size..(slot + 1) * size].fill(T::default());
        self.values[slot * size..(slot + 1) * size].fill(T::default());
    }
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
    /// By layer, then slot.
    Device(Vec<Vec<DeviceSlot>>),
}

impl KvCache {
    pub(crate) fn host(
        architecture: &Architecture,
        slots: usize,
        context_tokens: usize,
        kv_type: KvType,
    ) -> Self {
        let layers = 0..architecture.layers;
        match kv_type {
            KvType::F16 => Self::F16(
                layers.map(|_| HostLayer::new(architecture, slots, context_tokens)).collect(),
            ),
            KvType::F32 => Self::F32(
                layers.map(|_| HostLayer::new(architecture, slots, context_tokens)).collect(),
            ),
        }
    }

    pub(crate) fn device(
        architecture: &Architecture,
        slots: usize,
        context_tokens: usize,
        (kv_type, device): (KvType, &Device),
    ) -> Result<Self, ModelError> {
        let shape = (architecture.kv_heads, context_tokens, architecture.head_length);
        let zeros = || Tensor::zeros(shape, kv_type.dtype(), device);
        let slot = || Ok(DeviceSlot { keys: zeros()?, values: zeros()? });
        let layer = |_| (0..slots).map(|_| slot()).collect::<Result<Vec<_>, ModelError>>();
        Ok(Self::Device((0..architecture.layers).map(layer).collect::<Result<_, _>>()?))
    }

    /// Overwrites a slot with zeros: after a computation went wrong, so that no NaN stays behind.
    pub(crate) fn clear(&mut self, slot: usize) -> Result<(), ModelError> {
        match self {
            Self::F16(layers) => layers.iter_mut().for_each(|layer| layer.clear(slot)),
            Self::F32(layers) => layers.iter_mut().for_each(|layer| layer.clear(slot)),
            Self::Device(layers) => {
                for layer in layers {
                    layer[slot].keys = layer[slot].keys.zeros_like()?;
                    layer[slot].values = layer[slot].values.zeros_like()?;
                }
            }
        }
        Ok(())
    }
}
