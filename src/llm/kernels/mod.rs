//! The arithmetic of the decoder on a CPU: products with quantized weights, the small dense
//! products of attention, activations, and the threads that share them. Vector instructions are
//! chosen at run time, with a portable path beside each kernel; the binary itself is plain
//! x86-64.
//!
//! A rule that all of it keeps: the result for one token never depends on what else is computed
//! in the same call, to the last bit. So a sequence decodes to the same tokens alone, in a batch,
//! and with its prompt cut in chunks.

#![allow(unsafe_code, reason = "vector instructions and rows written by several threads")]

pub(crate) mod activations;
pub(crate) mod bytes;
pub(crate) mod dense;
pub(crate) mod elementwise;
pub(crate) mod floats;
pub(crate) mod limits;
pub(crate) mod matmul;
pub(crate) mod pool;
#[cfg(test)]
mod tests;
pub(crate) mod tiles;

use std::sync::OnceLock;

/// Which instructions the kernels may use; a level has those of the levels after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// AVX-512 with byte and word instructions and VNNI: servers since 2019 (Intel) and 2022
    /// (AMD).
    Avx512Vnni,
    /// AVX2, FMA and F16C: x86 processors since 2013 (Intel) and 2015 (AMD).
    Avx2,
    /// What the compiler's target has.
    Portable,
}

impl Level {
    pub(crate) const ALL: [Self; 3] = [Self::Avx512Vnni, Self::Avx2, Self::Portable];

    pub(crate) fn has_avx2(self) -> bool {
        self != Self::Portable
    }

    #[cfg(target_arch = "x86_64")]
    fn is_supported(self) -> bool {
        let avx2 = std::is_x86_feature_detected!("avx2")
            && std::is_x86_feature_detected!("fma")
            && std::is_x86_feature_detected!("f16c");
        match self {
            Self::Avx512Vnni => {
                avx2 && std::is_x86_feature_detected!("avx512f")
                    && std::is_x86_feature_detected!("avx512bw")
                    && std::is_x86_feature_detected!("avx512vl")
                    && std::is_x86_feature_detected!("avx512vnni")
            }
            Self::Avx2 => avx2,
            Self::Portable => true,
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn is_supported(self) -> bool {
        self == Self::Portable
    }
}

/// The best level of this processor, looked up once.
pub(crate) fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        let mut levels = Level::ALL.into_iter();
        levels.find(|level| level.is_supported()).unwrap_or(Level::Portable)
    })
}

/// Whether this processor has the vector instructions that the fast kernels need. Without them
/// the model answers the same, several times more slowly.
pub fn has_fast_kernels() -> bool {
    level().has_avx2()
}

/// Adds up the eight lanes in a fixed order.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2,fma")]
fn sum_lanes(x: std::arch::x86_64::__m256) -> f32 {
    use std::arch::x86_64::*;
    let x = _mm_add_ps(_mm256_extractf128_ps(x, 1), _mm256_castps256_ps128(x));
    let x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    let x = _mm_add_ss(x, _mm_movehdup_ps(x));
    _mm_cvtss_f32(x)
}
