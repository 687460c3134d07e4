//! One layer's keys and values in host memory: a pool of blocks.

use super::super::kernels::pool;
use super::format::KvNumber;
use super::{BLOCK, Span};

/// Fewer tokens than this are stored by one thread.
const PARALLEL_TOKENS_MIN: usize = 16;

/// One layer's pool: (blocks, kv heads, block).
pub(crate) struct HostLayer<T> {
    keys: Vec<T>,
    values: Vec<T>,
    kv_heads: usize,
    head_length: usize,
    /// Units of one head in a block.
    head_size: usize,
}

/// Tokens of a batch that go to one block.
struct Piece {
    block: usize,
    /// Position of the first token within the block.
    lane: usize,
    /// Row of the first token in the batch.
    row: usize,
    tokens: usize,
}

impl<T: KvNumber> HostLayer<T> {
    pub(super) fn new(kv_heads: usize, head_length: usize, blocks: usize) -> Self {
        let head_size = T::block_length(head_length);
        let size = blocks * kv_heads * head_size;
        Self { keys: T::zeros(size), values: T::zeros(size), kv_heads, head_length, head_size }
    }

    /// Stores `keys` and `values` (tokens, kv heads · head length) of the spans. No two spans
    /// may write to the same block.
    pub(crate) fn write(&mut self, spans: &[Span<'_>], keys: &[f32], values: &[f32]) {
        let tokens: usize = spans.iter().map(|span| span.tokens).sum();
        let (length, heads, head_size) = (self.head_length, self.kv_heads, self.head_size);
        let store = |(piece, key_block, value_block): (Piece, &mut [T], &mut [T])| {
            for token in 0..piece.tokens {
                let lane = piece.lane + token;
                for head in 0..heads {
                    let from = ((piece.row + token) * heads + head) * length;
                    let at = head * head_size..(head + 1) * head_size;
                    T::store_key(&mut key_block[at.clone()], lane, &keys[from..from + length]);
                    T::store_value(&mut value_block[at], lane, &values[from..from + length]);
                }
            }
        };
        let stride = heads * head_size;
        let tasks = lend(pieces(spans), stride, &mut self.keys, &mut self.values);
        let least = if tokens < PARALLEL_TOKENS_MIN { usize::MAX } else { 2 };
        pool::for_each(tasks.into_iter(), least, store);
    }

    /// The keys of a head in a block, as [`KvNumber::load_keys`] reads them.
    pub(crate) fn key_block(&self, block: u32, head: usize) -> &[T] {
        let start = (block as usize * self.kv_heads + head) * self.head_size;
        &self.keys[start..start + self.head_size]
    }

    /// The values of a head in a block, as [`KvNumber::load_values`] reads them.
    pub(crate) fn value_block(&self, block: u32, head: usize) -> &[T] {
        let start = (block as usize * self.kv_heads + head) * self.head_size;
        &self.values[start..start + self.head_size]
    }

    pub(super) fn copy(&mut self, from: u32, to: u32) {
        let (from, to) = (self.range(from), self.range(to));
        self.keys.copy_within(from.clone(), to.start);
        self.values.copy_within(from, to.start);
    }

    pub(super) fn clear(&mut self, block: u32) {
        let range = self.range(block);
        self.keys[range.clone()].fill(T::default());
        self.values[range].fill(T::default());
    }

    fn range(&self, block: u32) -> std::ops::Range<usize> {
        let stride = self.kv_heads * self.head_size;
        let start = block as usize * stride;
        start..start + stride
    }
}

/// Cuts spans at the ends of blocks; in the order of the pool.
fn pieces(spans: &[Span<'_>]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for span in spans {
        let mut done = 0;
        while done < span.tokens {
            let position = span.position + done;
            let lane = position % BLOCK;
            let tokens = (BLOCK - lane).min(span.tokens - done);
            let block = span.blocks[position / BLOCK] as usize;
            pieces.push(Piece { block, lane, row: span.row + done, tokens });
            done += tokens;
        }
    }
    pieces.sort_unstable_by_key(|piece| piece.block);
    pieces
}

/// Gives each piece its own block to write to.
fn lend<'a, T>(
    pieces: Vec<Piece>,
    stride: usize,
    mut keys: &'a mut [T],
    mut values: &'a mut [T],
) -> Vec<(Piece, &'a mut [T], &'a mut [T])> {
    let mut start = 0;
    let mut lent = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let skipped = piece.block * stride - start;
        let (own_keys, rest_keys) = keys[skipped..].split_at_mut(stride);
        let (own_values, rest_values) = values[skipped..].split_at_mut(stride);
        (keys, values) = (rest_keys, rest_values);
        start = (piece.block + 1) * stride;
        lent.push((piece, own_keys, own_values));
    }
    lent
}
