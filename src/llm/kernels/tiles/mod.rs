//! Quantized weights rearranged for blocking over rows and tokens, and their product with
//! activations.
//!
//! Sixteen rows lie interleaved in groups of four columns, so that one vector of 64 bytes meets
//! four activations that are broadcast, and sixteen results come out side by side. Every weight
//! keeps its value and about its size: nothing is rounded. There is one layout for all
//! processors; [`avx2`] and [`avx512`] are files of kernels over it, and another instruction set
//! is one more.
//!
//! A kernel is compiled for each number of tokens up to a handful. One token's result comes from
//! the same operations in the same order in each, so it never depends on the others.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod pack;
mod portable;
#[cfg(test)]
mod tests;

pub(crate) use pack::pack_strip;

use super::activations::{Activations, Row, Unit};
use super::{Level, pool};

/// Rows that lie interleaved.
pub(crate) const ROWS: usize = 16;
/// Tokens whose activations stay in the second-level cache while all rows of a task pass.
const BLOCK_TOKENS: usize = 64;
/// Parts of a product for each thread: the last to finish leaves others idle for that share.
const TASKS_PER_THREAD: usize = 8;
/// Version of the layout below, for files that hold it.
pub(crate) const LAYOUT_VERSION: u32 = 1;

/// The types of weights that have a tiled form.
///
/// A tile holds sixteen rows of a block of columns:
///
/// | type | columns | bytes | holds |
/// |---|---|---|---|
/// | Q4_K | 256 | 2,368 | nibbles, scales, minima, d, dmin |
/// | Q5_K | 256 | 2,880 | the same, fifth bits after the nibbles |
/// | Q6_K | 256 | 3,392 | nibbles, upper two bits, scales, d, 32 bytes of padding |
/// | Q8_0 | 32 | 544 | bytes; d after all bytes of the sixteen rows |
/// | Q4_0 | 32 | 288 | nibbles; d after all nibbles of the sixteen rows |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Q4K,
    Q5K,
    Q6K,
    Q8_0,
    Q4_0,
}

impl Format {
    pub(crate) const ALL: [Self; 5] = [Self::Q4K, Self::Q5K, Self::Q6K, Self::Q8_0, Self::Q4_0];

    /// The type of a GGUF tensor, where it has a tiled form.
    pub(crate) fn of_gguf(kind: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == kind)
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Q4K => "Q4_K",
            Self::Q5K => "Q5_K",
            Self::Q6K => "Q6_K",
            Self::Q8_0 => "Q8_0",
            Self::Q4_0 => "Q4_0",
        }
    }

    /// How activations are quantized for it.
    pub(crate) const fn unit(self) -> Unit {
        match self {
            Self::Q4K | Self::Q5K | Self::Q6K => Unit::Wide,
            Self::Q8_0 | Self::Q4_0 => Unit::Narrow,
        }
    }

    /// Columns of a tile.
    pub(crate) const fn columns(self) -> usize {
        self.unit().len()
    }

    /// Bytes of a tile.
    const fn tile_bytes(self) -> usize {
        match self {
            Self::Q4K => 2368,
            Self::Q5K => 2880,
            Self::Q6K => 3392,
            Self::Q8_0 => 544,
            Self::Q4_0 => 288,
        }
    }

    /// Bytes of one row's block of [`Self::columns`] in a GGUF file.
    pub(crate) const fn gguf_bytes(self) -> usize {
        match self {
            Self::Q4K => 144,
            Self::Q5K => 176,
            Self::Q6K => 210,
            Self::Q8_0 => 34,
            Self::Q4_0 => 18,
        }
    }

    /// Bytes of sixteen rows, a multiple of the cache line.
    pub(crate) const fn strip_bytes(self, columns: usize) -> usize {
        (columns / self.columns() * self.tile_bytes()).next_multiple_of(64)
    }

    /// Bytes of a whole matrix; the last rows are filled up with zeros.
    pub(crate) const fn matrix_bytes(self, rows: usize, columns: usize) -> usize {
        rows.div_ceil(ROWS) * self.strip_bytes(columns)
    }
}

/// A matrix in tiled form, borrowed from a file or from memory.
#[derive(Clone, Copy)]
pub(crate) struct Tiles<'a> {
    pub(crate) format: Format,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// Exactly [`Format::matrix_bytes`], aligned to 64.
    bytes: &'a [u8],
}

impl<'a> Tiles<'a> {
    /// # Panics
    /// The bytes are not a whole matrix, or not aligned to 64.
    pub(crate) fn new(format: Format, (rows, columns): (usize, usize), bytes: &'a [u8]) -> Self {
        assert!(columns > 0 && columns.is_multiple_of(format.columns()), "whole tiles");
        assert_eq!(bytes.len(), format.matrix_bytes(rows, columns), "a whole matrix");
        assert!(bytes.as_ptr().cast::<Line>().is_aligned(), "aligned to cache lines");
        Self { format, rows, columns, bytes }
    }

    fn strip(&self, index: usize) -> &'a [u8] {
        let size = self.format.strip_bytes(self.columns);
        &self.bytes[index * size..(index + 1) * size]
    }

    /// The weights of one row as numbers.
    pub(crate) fn dequantize_row(&self, row: usize, out: &mut [f32]) {
        assert!(row < self.rows && out.len() == self.columns, "a row of the matrix");
        pack::dequantize_row(self.format, self.strip(row / ROWS), row % ROWS, out);
    }

    /// `out` (tokens, rows) = activations · weightsᵀ.
    pub(crate) fn multiply(&self, level: Level, x: &Activations, out: &mut [f32]) {
        assert_eq!((x.columns, x.unit), (self.columns, self.format.unit()), "fitting activations");
        assert_eq!(out.len(), x.tokens * self.rows, "the output has the product's shape");
        let rows: Vec<Row<'_>> = (0..x.tokens).map(|token| x.row(token)).collect();
        let strips = self.rows.div_ceil(ROWS);
        let per_task = strips.div_ceil(pool::threads() * TASKS_PER_THREAD);
        let output = Output(out.as_mut_ptr());
        pool::run(strips.div_ceil(per_task), |task| {
            let strips = task * per_task..((task + 1) * per_task).min(strips);
            for first in (0..rows.len()).step_by(BLOCK_TOKENS) {
                let tokens = first..(first + BLOCK_TOKENS).min(rows.len());
                for strip in strips.clone() {
                    self.multiply_strip(level, strip, &rows, tokens.clone(), &output);
                }
            }
        });
    }

    fn multiply_strip(
        &self,
        level: Level,
        strip: usize,
        x: &[Row<'_>],
        tokens: std::ops::Range<usize>,
        output: &Output,
    ) {
        let bytes = self.strip(strip);
        let rows = ROWS.min(self.rows - strip * ROWS);
        let mut results = [[0.0; ROWS]; TOKENS_MAX];
        let mut token = tokens.start;
        while token < tokens.end {
            let x = &x[token..tokens.end];
            // Only the first tokens meet weights that are not in cache yet.
            let fetch = token == tokens.start;
            let count = kernel(level, self.format, bytes, x, fetch, &mut results);
            for (i, result) in results[..count].iter().enumerate() {
                let at = (token + i) * self.rows + strip * ROWS;
                // SAFETY: token + i is below the tokens and the rows below `self.rows`, so the
                // elements lie in `out`; a strip belongs to one task alone.
                unsafe {
                    std::ptr::copy_nonoverlapping(result.as_ptr(), output.0.add(at), rows);
                }
            }
            token += count;
        }
    }
}

/// Checks what the kernels rely on: the strip is as wide as the rows, and they are of one length.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn check_sizes<const N: usize>(format: Format, strip: &[u8], x: &[Row<'_>; N]) {
    let scales = x[0].scales.len();
    assert!(N <= TOKENS_MAX && strip.len() >= scales * format.tile_bytes(), "a whole strip");
    let whole = |x: &Row<'_>| x.scales.len() == scales && x.q.len() == scales * format.columns();
    assert!(x.iter().all(whole), "rows of one length");
}

/// How far ahead weights are asked for: what one core reads from memory while it waits for it.
#[cfg(target_arch = "x86_64")]
const FETCH_AHEAD_BYTES: usize = 4 * 1024;

/// Asks for the `bytes` that lie [`FETCH_AHEAD_BYTES`] behind. Addresses beyond the end do no
/// harm: a request that cannot be met is dropped.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn prefetch(from: *const u8, bytes: usize) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    let mut at = 0;
    while at < bytes {
        let line = from.wrapping_add(FETCH_AHEAD_BYTES + at);
        // SAFETY: a prefetch reads nothing and cannot fault.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.cast()) };
        at += 64;
    }
}

/// A cache line; only its alignment is used.
#[repr(align(64))]
struct Line(#[expect(dead_code, reason = "gives the size")] [u8; 64]);

/// Where the threads write: each element belongs to exactly one task.
struct Output(*mut f32);

// SAFETY: tasks write disjoint elements.
unsafe impl Sync for Output {}

/// Most tokens that a kernel takes at once.
const TOKENS_MAX: usize = 8;

/// One strip times the first of the tokens `x`, as many as the level takes at once; gives how
/// many.
fn kernel(
    level: Level,
    format: Format,
    strip: &[u8],
    x: &[Row<'_>],
    fetch: bool,
    results: &mut [[f32; ROWS]; TOKENS_MAX],
) -> usize {
    macro_rules! by_count {
        ($module:ident, $($count:literal),*) => {{
            $(if let Some(x) = x.first_chunk::<$count>() {
                // SAFETY: the level says that the processor has the instructions; strip and rows
                // have the sizes that `Tiles` and `Activations` hold to.
                unsafe { $module::strip(format, strip, x, fetch, results) };
                return $count;
            })*
        }};
    }
    #[cfg(target_arch = "x86_64")]
    match level {
        // One token alone waits for memory, and the shorter vectors of AVX2 keep more requests
        // for it under way (measured: 31 to 38 GB/s with Q5_K and Q6_K). The results are the
        // same to the last bit, since all sums are integers up to the same last steps.
        Level::Avx512Vnni if x.len() == 1 && format.unit() == Unit::Wide => by_count!(avx2, 1),
        Level::Avx512Vnni => by_count!(avx512, 8, 7, 6, 5, 4, 3, 2, 1),
        Level::Avx2 => by_count!(avx2, 4, 3, 2, 1),
        Level::Portable => {}
    }
    let _ = (level, fetch);
    portable::strip(format, strip, x[0], &mut results[0]);
    1
}
