//! Activations in blocks of 256 eight-bit numbers with one scale: the partner of the K-quants.

use super::Level;

/// 256 activations: `x[i] ≈ scale · q[i]`.
#[derive(Clone)]
#[repr(C, align(32))]
pub(crate) struct BlockQ8K {
    pub(crate) q: [i8; 256],
    /// Sums of 16 consecutive `q` each.
    pub(crate) sums: [i16; 16],
    pub(crate) scale: f32,
}

impl BlockQ8K {
    pub(crate) const ZERO: Self = Self { q: [0; 256], sums: [0; 16], scale: 0.0 };

    /// The first element of largest magnitude becomes −127, as in ggml and candle, so that
    /// results agree with theirs.
    pub(crate) fn quantize(level: Level, row: &[f32], out: &mut [Self]) {
        for (x, block) in row.as_chunks::<256>().0.iter().zip(out) {
            let (largest, finite) = largest(level, x);
            if !finite {
                // It must reach the result, where it is reported, and not be rounded away.
                *block = Self { scale: f32::NAN, ..Self::ZERO };
            } else if largest == 0.0 {
                *block = Self::ZERO;
            } else {
                let inverse = -127.0 / largest;
                round(level, x, inverse, &mut block.q);
                for (sum, q) in block.sums.iter_mut().zip(block.q.as_chunks::<16>().0) {
                    *sum = q.iter().map(|&q| i16::from(q)).sum();
                }
                block.scale = 1.0 / inverse;
            }
        }
    }
}

/// The first element of largest magnitude, and whether all are finite.
fn largest(level: Level, x: &[f32; 256]) -> (f32, bool) {
    #[cfg(target_arch = "x86_64")]
    if level == Level::Avx2 {
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
fn round(level: Level, x: &[f32; 256], inverse: f32, q: &mut [i8; 256]) {
    #[cfg(target_arch = "x86_64")]
    if level == Level::Avx2 {
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

    /// The largest magnitude; NaN or infinite when an element is.
    #[target_feature(enable = "avx2")]
    pub(super) fn magnitude(x: &[f32; 256]) -> f32 {
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
    pub(super) fn round(x: &[f32; 256], inverse: f32, q: &mut [i8; 256]) {
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
