//! The product of activations with weights as they lie in the file: `out[t][r] = Σ x[t][i] ·
//! w[r][i]`.
//!
//! For the types that have no tiled form ([`super::tiles`]), and in tests as the plain way that
//! the tiles must agree with. A weight row serves up to [`TOKENS`] tokens while it is in the
//! first-level cache.

use candle_core::quantized::k_quants::{self as blocks, GgmlType};

use super::{Level, pool};

/// Tokens that one pass over a weight row serves.
pub(crate) const TOKENS: usize = 4;
/// Weight rows that share one pass over the activations.
const ROWS: usize = 8;
/// Row blocks that one thread takes at a time, as a share of the whole.
const TASKS_PER_THREAD: usize = 6;

/// Tokens below this are quantized by one thread.
const QUANTIZE_TOKENS_MIN: usize = 8;

/// A unit of weights as stored in a GGUF file, plain data for which any bytes are a value.
pub(crate) trait WeightBlock: Sized + Send + Sync + 'static {
    /// What the activations are turned into before the product.
    type Activation: Clone + Send + Sync;
    /// Weights in a block, and activations in an `Activation`.
    const ELEMENTS: usize;

    fn zero() -> Self::Activation;
    /// Turns a row of activations into blocks.
    fn quantize(level: Level, row: &[f32], out: &mut [Self::Activation]);
    /// One weight row times up to [`TOKENS`] tokens, given as consecutive rows of `row.len()`
    /// blocks.
    fn dots(level: Level, row: &[Self], tokens: &[Self::Activation], out: &mut [f32; TOKENS]);
    fn dequantize(blocks: &[Self], out: &mut [f32]);
}

/// Where the threads write: each element belongs to exactly one task.
struct Output(*mut f32);

// SAFETY: tasks write disjoint elements (`matmul` gives each weight row to one task).
unsafe impl Sync for Output {}

/// `x` is (tokens, columns), `weights` (rows, columns), `out` (tokens, rows), all row-major.
pub(crate) fn matmul<W: WeightBlock>(
    level: Level,
    x: &[f32],
    weights: &[W],
    columns: usize,
    out: &mut [f32],
) {
    let row_blocks = columns / W::ELEMENTS;
    let (tokens, rows) = (x.len() / columns, weights.len() / row_blocks);
    assert_eq!(out.len(), tokens * rows, "the output has the product's shape");
    let activations = quantize::<W>(level, x, columns);
    let output = Output(out.as_mut_ptr());
    let row_groups = rows.div_ceil(ROWS);
    let groups_per_task = row_groups.div_ceil(pool::threads() * TASKS_PER_THREAD);
    pool::run(row_groups.div_ceil(groups_per_task.max(1)), |task| {
        let output = &output;
        let first = task * groups_per_task * ROWS;
        let last = (first + groups_per_task * ROWS).min(rows);
        for group in (first..last).step_by(ROWS) {
            let group_end = (group + ROWS).min(last);
            for token in (0..tokens).step_by(TOKENS) {
                let count = TOKENS.min(tokens - token);
                let acts = &activations[token * row_blocks..(token + count) * row_blocks];
                for row in group..group_end {
                    let mut dots = [0.0; TOKENS];
                    let weights = &weights[row * row_blocks..(row + 1) * row_blocks];
                    W::dots(level, weights, acts, &mut dots);
                    for (i, dot) in dots[..count].iter().enumerate() {
                        // SAFETY: token + i < tokens and row < rows, so the element lies in
                        // `out`; `row` belongs to this task alone.
                        unsafe { *output.0.add((token + i) * rows + row) = *dot };
                    }
                }
            }
        }
    });
}

fn quantize<W: WeightBlock>(level: Level, x: &[f32], columns: usize) -> Vec<W::Activation> {
    let row_blocks = columns / W::ELEMENTS;
    let mut activations = vec![W::zero(); x.len() / W::ELEMENTS];
    let rows = activations.chunks_mut(row_blocks).zip(x.chunks(columns));
    pool::for_each(rows, QUANTIZE_TOKENS_MIN, |(out, row)| W::quantize(level, row, out));
    activations
}

/// Types for which candle's own dot product (AVX2 by run-time detection too) is used, one token
/// at a time.
macro_rules! candle_blocks {
    ($($block:ident),*) => {$(
        impl WeightBlock for blocks::$block {
            type Activation = <Self as GgmlType>::VecDotType;
            const ELEMENTS: usize = <Self as GgmlType>::BLCK_SIZE;

            fn zero() -> Self::Activation {
                Self::Activation::zeros()
            }

            fn quantize(_: Level, row: &[f32], out: &mut [Self::Activation]) {
                Self::Activation::from_float(row, out);
            }

            fn dots(
                level: Level,
                row: &[Self],
                tokens: &[Self::Activation],
                out: &mut [f32; TOKENS],
            ) {
                let elements = row.len() * Self::ELEMENTS;
                for (token, out) in tokens.chunks_exact(row.len()).zip(out) {
                    *out = match level {
                        Level::Avx512Vnni | Level::Avx2 => Self::vec_dot(elements, row, token),
                        Level::Portable => Self::vec_dot_unopt(elements, row, token),
                    };
                }
            }

            fn dequantize(blocks: &[Self], out: &mut [f32]) {
                Self::to_float(blocks, out);
            }
        }
    )*};
}

candle_blocks!(
    BlockQ4_0, BlockQ4_1, BlockQ5_0, BlockQ5_1, BlockQ8_0, BlockQ2K, BlockQ3K, BlockQ4K, BlockQ5K,
    BlockQ6K
);
