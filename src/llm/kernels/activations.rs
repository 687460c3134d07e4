//! Activations as eight-bit numbers, quantized once for all the matrices that read them.
//!
//! The K-quants take one scale for 256 numbers (ggml's Q8_K), the simple types one for 32
//! (ggml's Q8_0), rounded as ggml and candle do, so that results agree with theirs. Numbers,
//! scales and sums lie in arrays of their own, so that kernels broadcast four numbers, or two
//! sums, with one load.

use half::f16;

use super::{Level, pool};

/// How many activations share a scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// 256, for the K-quants.
    Wide,
    /// 32, for Q8_0 and Q4_0.
    Narrow,
}

impl Unit {
    pub(crate) const fn len(self) -> usize {
        match self {
            Self::Wide => 256,
            Self::Narrow => 32,
        }
    }
}

/// Tokens below this are quantized by one thread.
const PARALLEL_TOKENS_MIN: usize = 8;

/// `tokens` rows of `columns` activations: `x ≈ scale · q`.
pub(crate) struct Activations {
    pub(crate) tokens: usize,
    pub(crate) columns: usize,
    pub(crate) unit: Unit,
    /// (tokens, columns), each from −127 to 127
    q: Vec<i8>,
    /// (tokens, columns / unit)
    scales: Vec<f32>,
    /// Sums of 16 consecutive `q`: (tokens, columns / 16)
    sums16: Vec<i16>,
    /// Sums of 32 consecutive `q`: (tokens, columns / 32)
    sums32: Vec<i16>,
}

/// One token's row.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) q: &'a [i8],
    pub(crate) scales: &'a [f32],
    pub(crate) sums16: &'a [i16],
    pub(crate) sums32: &'a [i16],
}

impl Activations {
    /// Quantizes `x` (tokens, `columns`), with `columns` a multiple of the unit.
    pub(crate) fn quantize(level: Level, unit: Unit, x: &[f32], columns: usize) -> Self {
        assert!(
            columns.is_multiple_of(unit.len()) && x.len().is_multiple_of(columns),
            "whole rows"
        );
        let tokens = x.len() / columns;
        let mut q = vec![0; x.len()];
        let mut scales = vec![0.0; x.len() / unit.len()];
        let mut sums16 = vec![0; x.len() / 16];
        let mut sums32 = vec![0; x.len() / 32];
        let rows = x
            .chunks_exact(columns)
            .zip(q.chunks_exact_mut(columns))
            .zip(scales.chunks_exact_mut(columns / unit.len()))
            .zip(sums16.chunks_exact_mut(columns / 16))
            .zip(sums32.chunks_exact_mut(columns / 32));
        pool::for_each(rows, PARALLEL_TOKENS_MIN, |((((x, q), scales), sums16), sums32)| {
            let units = x.chunks_exact(unit.len()).zip(q.chunks_exact_mut(unit.len())).zip(scales);
            for ((x, q), scale) in units {
                *scale = quantize_unit(level, unit, x, q);
            }
            add_up(q, sums16, sums32);
        });
        Self { tokens, columns, unit, q, scales, sums16, sums32 }
    }

    pub(crate) fn row(&self, token: usize) -> Row<'_> {
        let part = |per: usize| {
            let count = self.columns / per;
            token * count..(token + 1) * count
        };
        Row {
            q: &self.q[part(1)],
            scales: &self.scales[part(self.unit.len())],
            sums16: &self.sums16[part(16)],
            sums32: &self.sums32[part(32)],
        }
    }
}

/// Quantizes numbers that share a scale and gives it.
fn quantize_unit(level: Level, unit: Unit, x: &[f32], q: &mut [i8]) -> f32 {
    let (largest, finite) = largest(level, x);
    let inverse = match unit {
        // As in Q8_K: the first element of largest magnitude becomes −127.
        Unit::Wide => -127.0 / largest,
        Unit::Narrow => 1.0 / (largest.abs() / 127.0),
    };
    if !finite || !inverse.is_finite() {
        q.fill(0);
        // What is no number must reach the result, where it is reported, and not be rounded
        // away. The inverse of zero or a denormal is infinite: such numbers are zero for all
        // that follows.
        return if finite { 0.0 } else { f32::NAN };
    }
    round(level, x, inverse, q);
    match unit {
        Unit::Wide => 1.0 / inverse,
        // Q8_0 keeps the scale in half precision; beyond its range ours stays as it is.
        Unit::Narrow => {
            let scale = largest.abs() / 127.0;
            let half = f16::from_f32(scale);
            if half.is_normal() { half.to_f32() } else { scale }
        }
    }
}

fn add_up(q: &[i8], sums16: &mut [i16], sums32: &mut [i16]) {
    for (sum, q) in sums16.iter_mut().zip(q.as_chunks::<16>().0) {
        *sum = q.iter().map(|&q| i16::from(q)).sum();
    }
    for (sum, parts) in sums32.iter_mut().zip(sums16.as_chunks::<2>().0) {
        *sum = parts[0] + parts[1];
    }
}

/// The first element of largest magnitude, and whether all are finite.
fn largest(level: Level, x: &[f32]) -> (f32, bool) {
    #[cfg(target_arch = "x86_64")]
    if level.has_avx2() {
        // SAFETY: the level says that the processor has the instructions.
        let magnitude = unsafe { avx2::magnitude(x) };
        let largest = x.iter().copied().find(|x| x.abs() == magnitude);
        return (largest.unwrap_or(0.0), magnitude.is_finite());
    }
    let _ = level;
    let mut largest = 0f32;
    for &value in x {
        if value.abs() > largest.abs() {
            largest = value;
        }
    }
    (largest, x.iter().all(|x| x.is_finite()))
}

/// Rounds `inverse · x` half to even.
fn round(level: Level, x: &[f32], inverse: f32, q: &mut [i8]) {
    #[cfg(target_arch = "x86_64")]
    if level.has_avx2() {
        // SAFETY: the level says that the processor has the instructions.
        unsafe { avx2::round(x, inverse, q) };
        return;
    }
    let _ = level;
    for (x, q) in x.iter().zip(q) {
        // Adding 1.5 · 2²³ drops the fraction.
        const SHIFT: f32 = 12_582_912.0;
        *q = ((inverse * x + SHIFT).to_bits() as i32 - SHIFT.to_bits() as i32) as i8;
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    /// The largest magnitude of a multiple of eight numbers; NaN or infinite when an element is.
    #[target_feature(enable = "avx2")]
    pub(super) fn magnitude(x: &[f32]) -> f32 {
        let sign = _mm256_set1_ps(-0.0);
        let mut largest = _mm256_setzero_ps();
        // x · 0 is 0 for finite numbers only.
        let mut zero = _mm256_setzero_ps();
        for x in x.as_chunks::<8>().0 {
            // SAFETY: a chunk is eight numbers.
            let x = unsafe { _mm256_loadu_ps(x.as_ptr()) };
            largest = _mm256_max_ps(largest, _mm256_andnot_ps(sign, x));
            zero = _mm256_add_ps(zero, _mm256_mul_ps(x, _mm256_setzero_ps()));
        }
        let mut lanes = [0f32; 16];
        // SAFETY: both halves are eight numbers.
        unsafe {
            _mm256_storeu_ps(lanes.as_mut_ptr(), largest);
            _mm256_storeu_ps(lanes.as_mut_ptr().add(8), zero);
        }
        let largest = lanes[..8].iter().copied().fold(0.0, f32::max);
        largest + lanes[8..].iter().sum::<f32>()
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn round(x: &[f32], inverse: f32, q: &mut [i8]) {
        let inverse = _mm256_set1_ps(inverse);
        // Packing works in halves of a register; this puts the groups of four back in order.
        let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
        for (x, q) in x.as_chunks::<32>().0.iter().zip(q.as_chunks_mut::<32>().0) {
            // SAFETY: a chunk is 32 numbers on both sides.
            unsafe {
                let whole = |i: usize| {
                    let x = _mm256_loadu_ps(x.as_ptr().add(8 * i));
                    _mm256_cvtps_epi32(_mm256_mul_ps(x, inverse))
                };
                let low = _mm256_packs_epi32(whole(0), whole(1));
                let high = _mm256_packs_epi32(whole(2), whole(3));
                let bytes = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high), order);
                _mm256_storeu_si256(q.as_mut_ptr().cast(), bytes);
            }
        }
    }
}
