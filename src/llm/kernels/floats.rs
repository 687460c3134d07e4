//! Weights in F32, F16 and BF16 times f32 activations, and the conversion of half-precision rows.

use half::{bf16, f16};

use super::Level;
use super::matmul::{TOKENS, WeightBlock};

/// A number that weights may be stored in.
trait Number: Copy + Send + Sync + 'static {
    fn widen(self) -> f32;
}

impl Number for f32 {
    fn widen(self) -> f32 {
        self
    }
}

impl Number for f16 {
    fn widen(self) -> f32 {
        self.to_f32()
    }
}

impl Number for bf16 {
    fn widen(self) -> f32 {
        self.to_f32()
    }
}

/// Sixteen partial sums, so that a vectorizing compiler may use them.
fn portable_dot<T: Number>(row: &[T], x: &[f32]) -> f32 {
    let mut sums = [0f32; 16];
    let ((row, row_tail), (x, x_tail)) = (row.as_chunks::<16>(), x.as_chunks::<16>());
    for (w, x) in row.iter().zip(x) {
        for i in 0..16 {
            sums[i] += w[i].widen() * x[i];
        }
    }
    let tail: f32 = row_tail.iter().zip(x_tail).map(|(w, x)| w.widen() * x).sum();
    sums.iter().sum::<f32>() + tail
}

macro_rules! float_weights {
    ($($number:ty => $dots:ident),*) => {$(
        impl WeightBlock for $number {
            type Activation = f32;
            const ELEMENTS: usize = 1;

            fn zero() -> f32 {
                0.0
            }

            fn quantize(_: Level, row: &[f32], out: &mut [f32]) {
                out.copy_from_slice(row);
            }

            fn dots(level: Level, row: &[Self], tokens: &[f32], out: &mut [f32; TOKENS]) {
                #[cfg(target_arch = "x86_64")]
                if level.has_avx2() {
                    for (token, out) in tokens.chunks_exact(row.len()).zip(out) {
                        // SAFETY: the level says that the processor has the instructions.
                        *out = unsafe { avx2::$dots(row, token) };
                    }
                    return;
                }
                let _ = level;
                for (token, out) in tokens.chunks_exact(row.len()).zip(out) {
                    *out = portable_dot(row, token);
                }
            }

            fn dequantize(blocks: &[Self], out: &mut [f32]) {
                for (out, w) in out.iter_mut().zip(blocks) {
                    *out = w.widen();
                }
            }
        }
    )*};
}

float_weights!(f32 => dot_f32, f16 => dot_f16, bf16 => dot_bf16);

/// Half precision to single, both of one length.
pub(crate) fn widen_f16(level: Level, from: &[f16], to: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    if level.has_avx2() {
        // SAFETY: the level says that the processor has the instructions.
        unsafe { avx2::widen_f16(from, to) };
        return;
    }
    let _ = level;
    for (to, from) in to.iter_mut().zip(from) {
        *to = from.to_f32();
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    use half::{bf16, f16};

    use super::Number;
    use crate::llm::kernels::sum_lanes;

    macro_rules! dot {
        ($name:ident, $number:ty, |$pointer:ident| $load:expr) => {
            #[target_feature(enable = "avx2,fma,f16c")]
            pub(super) fn $name(row: &[$number], x: &[f32]) -> f32 {
                assert_eq!(row.len(), x.len(), "one activation for each weight");
                let mut acc = [_mm256_setzero_ps(); 4];
                let whole = row.len() / 32 * 32;
                for i in (0..whole).step_by(32) {
                    for (lane, acc) in acc.iter_mut().enumerate() {
                        // SAFETY: i + 8 · lane + 8 ≤ whole ≤ the length of both.
                        unsafe {
                            let $pointer = row.as_ptr().add(i + 8 * lane);
                            let x = _mm256_loadu_ps(x.as_ptr().add(i + 8 * lane));
                            *acc = _mm256_fmadd_ps($load, x, *acc);
                        }
                    }
                }
                let sum =
                    _mm256_add_ps(_mm256_add_ps(acc[0], acc[1]), _mm256_add_ps(acc[2], acc[3]));
                let tail: f32 =
                    row[whole..].iter().zip(&x[whole..]).map(|(w, x)| w.widen() * x).sum();
                sum_lanes(sum) + tail
            }
        };
    }

    dot!(dot_f32, f32, |pointer| _mm256_loadu_ps(pointer));
    dot!(dot_f16, f16, |pointer| _mm256_cvtph_ps(_mm_loadu_si128(pointer.cast())));
    dot!(dot_bf16, bf16, |pointer| {
        let wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(pointer.cast()));
        _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16))
    });

    #[target_feature(enable = "avx2,f16c")]
    pub(super) fn widen_f16(from: &[f16], to: &mut [f32]) {
        assert_eq!(from.len(), to.len(), "as many numbers as places");
        let whole = from.len() / 8 * 8;
        for i in (0..whole).step_by(8) {
            // SAFETY: i + 8 ≤ whole ≤ the length of both.
            unsafe {
                let wide = _mm256_cvtph_ps(_mm_loadu_si128(from.as_ptr().add(i).cast()));
                _mm256_storeu_ps(to.as_mut_ptr().add(i), wide);
            }
        }
        for (to, from) in to[whole..].iter_mut().zip(&from[whole..]) {
            *to = from.to_f32();
        }
    }
}
