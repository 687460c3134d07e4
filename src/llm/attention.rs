//! Causal attention with grouped heads over the cache.
//!
//! On a CPU: tiles of queries that share a key head run over the sequence's blocks of 32
//! positions with a running softmax, so memory stays in cache and the work grows with the visible
//! positions only. Blocks begin at fixed positions, hence a token's result is the same in any
//! batch, and whichever blocks of the pool hold its sequence. On another device: candle's
//! operations, one sequence at a time.

use std::cell::RefCell;

use candle_core::{DType, Device, Tensor};

use super::architecture::Architecture;
use super::error::ModelError;
use super::kernels::{Level, dense, elementwise, level, pool};
use super::kv_cache::{BLOCK, DeviceSlot, HostLayer, KvNumber, Span};
use super::ops::softmax;

/// Rows of queries (tokens × heads of a group) that share one pass over a block.
const TILE_ROWS: usize = 32;

/// What attention needs to know of a layer.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) heads: usize,
    pub(crate) kv_heads: usize,
    pub(crate) head_length: usize,
    pub(crate) scale: f32,
    /// Tokens that are seen, the token itself included.
    pub(crate) window: Option<usize>,
}

impl Shape {
    pub(crate) fn of_layer(architecture: &Architecture, layer: usize) -> Self {
        Self {
            heads: architecture.heads,
            kv_heads: architecture.kv_heads,
            head_length: architecture.head_length,
            scale: architecture.attention_scale,
            window: architecture.window.filter(|_| architecture.windowed_layers[layer]),
        }
    }

    fn group(&self) -> usize {
        self.heads / self.kv_heads
    }

    /// The first position that `position` sees.
    fn first_seen(&self, position: usize) -> usize {
        self.window.map_or(0, |window| (position + 1).saturating_sub(window))
    }
}

/// Queries of consecutive tokens with one key head.
struct Tile<'a> {
    /// The blocks of the sequence, from position 0 on.
    blocks: &'a [u32],
    kv_head: usize,
    /// Position and batch row of the first token.
    position: usize,
    row: usize,
    tokens: usize,
}

/// `queries` (tokens, heads · head length) against the cache → the same shape.
pub(crate) fn attend<T: KvNumber>(
    shape: Shape,
    cache: &HostLayer<T>,
    spans: &[Span<'_>],
    queries: &[f32],
) -> Vec<f32> {
    let (width, group) = (shape.heads * shape.head_length, shape.group() * shape.head_length);
    let tiles = tiles(shape, spans);
    let mut results = vec![0.0; queries.len()];
    let mut rest = results.as_mut_slice();
    let mut tasks = Vec::with_capacity(tiles.len());
    for tile in &tiles {
        let (result, others) = rest.split_at_mut(tile.tokens * group);
        rest = others;
        tasks.push((tile, result));
    }
    let level = level();
    pool::for_each(tasks.into_iter(), 2, |(tile, result)| {
        SCRATCH.with_borrow_mut(|scratch| {
            attend_tile(level, shape, cache, tile, queries, scratch, result);
        });
    });
    // A tile has its rows together; the result has the heads of a token together.
    let mut out = vec![0.0; queries.len()];
    let mut results = results.chunks_exact(group);
    for tile in &tiles {
        for (token, result) in (0..tile.tokens).zip(&mut results) {
            let at = (tile.row + token) * width + tile.kv_head * group;
            out[at..at + group].copy_from_slice(result);
        }
    }
    out
}

fn tiles<'a>(shape: Shape, spans: &[Span<'a>]) -> Vec<Tile<'a>> {
    let tile_tokens = (TILE_ROWS / shape.group()).max(1);
    let mut tiles = Vec::new();
    for span in spans {
        for kv_head in 0..shape.kv_heads {
            for first in (0..span.tokens).step_by(tile_tokens) {
                tiles.push(Tile {
                    blocks: span.blocks,
                    kv_head,
                    position: span.position + first,
                    row: span.row + first,
                    tokens: tile_tokens.min(span.tokens - first),
                });
            }
        }
    }
    tiles
}

/// Buffers that a thread keeps from tile to tile.
#[derive(Default)]
struct Scratch {
    queries: Vec<f32>,
    block: Vec<f32>,
    scores: Vec<f32>,
    maxima: Vec<f32>,
    sums: Vec<f32>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl Scratch {
    fn prepare(&mut self, rows: usize, head_length: usize) {
        self.queries.clear();
        self.block.resize(BLOCK * head_length, 0.0);
        self.scores.resize(rows * BLOCK, 0.0);
        self.maxima.clear();
        self.maxima.resize(rows, f32::NEG_INFINITY);
        self.sums.clear();
        self.sums.resize(rows, 0.0);
    }
}

/// `out`, zeros before, has a row for each token and head of the group: (tokens · group, head
/// length).
fn attend_tile<T: KvNumber>(
    level: Level,
    shape: Shape,
    cache: &HostLayer<T>,
    tile: &Tile<'_>,
    queries: &[f32],
    scratch: &mut Scratch,
    out: &mut [f32],
) {
    let (length, group) = (shape.head_length, shape.group());
    let rows = tile.tokens * group;
    scratch.prepare(rows, length);
    for token in 0..tile.tokens {
        let at = ((tile.row + token) * shape.heads + tile.kv_head * group) * length;
        let heads = &queries[at..at + group * length];
        scratch.queries.extend(heads.iter().map(|q| q * shape.scale));
    }
    let last = tile.position + tile.tokens - 1;
    // Many rows are worth widening a block for; a few take it as it lies.
    let few = rows <= dense::FEW_ROWS && length.is_multiple_of(dense::HALVES_COLUMNS);
    for block in shape.first_seen(tile.position) / BLOCK..=last / BLOCK {
        let keys = cache.key_block(tile.blocks[block], tile.kv_head);
        let values = cache.value_block(tile.blocks[block], tile.kv_head);
        let next = match tile.blocks.get(block + 1) {
            Some(next) if block < last / BLOCK => cache.key_block(*next, tile.kv_head),
            _ => &[],
        };
        let scores = &mut scratch.scores[..rows * BLOCK];
        scores.fill(0.0);
        let sizes = (rows, length, BLOCK);
        match (T::halves(keys), T::halves(values)) {
            (Some(keys), Some(values)) if few => {
                dense::multiply_add_halves(level, &scratch.queries, keys, scores, sizes, values);
            }
            _ => {
                T::load_keys(level, keys, &mut scratch.block);
                dense::multiply_add(level, &scratch.queries, &scratch.block, scores, sizes);
            }
        }
        for row in 0..rows {
            let scores = &mut scores[row * BLOCK..(row + 1) * BLOCK];
            mask(shape, tile.position + row / group, block, scores);
            let rescale = weigh(level, scores, &mut scratch.maxima[row], &mut scratch.sums[row]);
            if rescale != 1.0 {
                dense::scale(level, &mut out[row * length..(row + 1) * length], rescale);
            }
        }
        // What another sequence left behind the last position weighs nothing; were it no number,
        // nothing times it would not be nothing. So it is left out.
        let seen = (last + 1 - block * BLOCK).min(BLOCK);
        match (T::halves(values), T::halves(next)) {
            (Some(values), Some(next)) if few && seen == BLOCK => {
                dense::multiply_add_halves(level, scores, values, out, (rows, BLOCK, length), next);
            }
            _ => {
                T::load_values(level, values, &mut scratch.block);
                scratch.block[seen * length..].fill(0.0);
                dense::multiply_add(level, scores, &scratch.block, out, (rows, BLOCK, length));
            }
        }
    }
    for (row, sum) in out.chunks_exact_mut(length).zip(&scratch.sums) {
        dense::scale(level, row, 1.0 / sum);
    }
}

/// Hides the positions of a block that a token does not see.
fn mask(shape: Shape, position: usize, block: usize, scores: &mut [f32]) {
    let start = block * BLOCK;
    let hidden_before = shape.first_seen(position).saturating_sub(start).min(BLOCK);
    let seen_until = (position + 1).saturating_sub(start).min(BLOCK);
    scores[..hidden_before].fill(f32::NEG_INFINITY);
    scores[seen_until..].fill(f32::NEG_INFINITY);
}

/// Turns scores into weights relative to the running maximum; gives the factor for what was
/// summed before.
fn weigh(level: Level, scores: &mut [f32], maximum: &mut f32, sum: &mut f32) -> f32 {
    let block_maximum = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let old = *maximum;
    *maximum = old.max(block_maximum);
    if *maximum == f32::NEG_INFINITY {
        scores.fill(0.0);
        return 1.0;
    }
    let rescale = if old == *maximum { 1.0 } else { (old - *maximum).exp() };
    *sum = *sum * rescale + elementwise::exponentials(level, scores, *maximum);
    rescale
}

/// The same on a candle device: stores `keys` and `values` (tokens, kv heads, head length), then
/// attends with `queries` (tokens, heads, head length) → (tokens, heads · head length).
pub(crate) fn attend_on_device(
    shape: Shape,
    slots: &[DeviceSlot],
    spans: &[Span<'_>],
    (queries, keys, values): (&Tensor, &Tensor, &Tensor),
) -> Result<Tensor, ModelError> {
    let mut results = Vec::with_capacity(spans.len());
    for span in spans {
        let slot = &slots[span.slot];
        for (cache, new) in [(&slot.keys, keys), (&slot.values, values)] {
            let new = new.narrow(0, span.row, span.tokens)?.transpose(0, 1)?;
            cache.slice_set(&new.to_dtype(cache.dtype())?.contiguous()?, 1, span.position)?;
        }
        let seen = span.position + span.tokens;
        let widen = |cache: &Tensor| cache.narrow(1, 0, seen)?.contiguous()?.to_dtype(DType::F32);
        let (keys, values) = (widen(&slot.keys)?, widen(&slot.values)?);
        let (heads, group, length) = (shape.kv_heads, shape.group(), shape.head_length);
        let queries = queries.narrow(0, span.row, span.tokens)?;
        let queries =
            queries.reshape((span.tokens, heads, group, length))?.permute((1, 2, 0, 3))?;
        let queries = queries.contiguous()?.reshape((heads, group * span.tokens, length))?;
        let scores = (queries.matmul(&keys.t()?.contiguous()?)? * f64::from(shape.scale))?;
        let scores = scores.reshape((heads, group, span.tokens, seen))?;
        let scores = scores.broadcast_add(&device_mask(shape, span, queries.device())?)?;
        let weights = softmax(&scores)?.reshape((heads, group * span.tokens, seen))?;
        let out = weights.matmul(&values)?.reshape((heads, group, span.tokens, length))?;
        let out = out.permute((2, 0, 1, 3))?.contiguous()?;
        results.push(out.reshape((span.tokens, shape.heads * length))?);
    }
    Ok(Tensor::cat(&results, 0)?)
}

/// 0 where a token sees a position, −∞ elsewhere: (tokens, positions).
fn device_mask(shape: Shape, span: &Span<'_>, device: &Device) -> Result<Tensor, ModelError> {
    let seen = span.position + span.tokens;
    let mut mask = vec![f32::NEG_INFINITY; span.tokens * seen];
    for (token, row) in mask.chunks_exact_mut(seen).enumerate() {
        let position = span.position + token;
        row[shape.first_seen(position)..=position].fill(0.0);
    }
    Ok(Tensor::from_vec(mask, (span.tokens, seen), device)?)
}
