//! Exponentials and the gated activations of the feed-forward part.

use super::Level;

/// The activation of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `x / (1 + e⁻ˣ)`
    Silu,
    /// GELU by its tanh approximation
    GeluTanh,
}

/// `gate[i] = activation(gate[i]) · up[i]`
pub(crate) fn gate(level: Level, activation: Activation, gate: &mut [f32], up: &[f32]) {
    assert_eq!(gate.len(), up.len(), "a gate for each value");
    #[cfg(target_arch = "x86_64")]
    if level.has_avx2() {
        // SAFETY: the level says that the processor has the instructions.
        unsafe { avx2::gate(activation, gate, up) };
        return;
    }
    let _ = level;
    for (gate, up) in gate.iter_mut().zip(up) {
        *gate = activated(activation, *gate) * up;
    }
}

fn activated(activation: Activation, x: f32) -> f32 {
    // Both have the form x · sigmoid(y); 1 + tanh(z) = 2 · sigmoid(2z).
    let y = match activation {
        Activation::Silu => x,
        Activation::GeluTanh => GELU_LINEAR * x + GELU_CUBIC * x * x * x,
    };
    x / (1.0 + (-y).exp())
}

/// 2 · √(2/π), and that times 0.044715
const GELU_LINEAR: f32 = 1.595_769;
const GELU_CUBIC: f32 = 0.071_354_81;

/// Turns scores into `e^(score − maximum)` in place and gives their sum.
pub(crate) fn exponentials(level: Level, scores: &mut [f32], maximum: f32) -> f32 {
    #[cfg(target_arch = "x86_64")]
    if level.has_avx2() && scores.len().is_multiple_of(8) {
        // SAFETY: the level says that the processor has the instructions.
        return unsafe { avx2::exponentials(scores, maximum) };
    }
    let _ = level;
    let mut sum = 0.0;
    for score in scores {
        *score = (*score - maximum).exp();
        sum += *score;
    }
    sum
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    use super::{Activation, GELU_CUBIC, GELU_LINEAR, activated};
    use crate::llm::kernels::sum_lanes;

    /// eˣ to about 2 units in the last place; 0 below −87, capped at e⁸⁸ above.
    ///
    /// eˣ = 2ⁿ · eʳ with n = round(x / ln 2), |r| ≤ ln 2 / 2, and eʳ by its Taylor series to r⁷.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn exp(x: __m256) -> __m256 {
        let constant = |value: f32| _mm256_set1_ps(value);
        let underflow = _mm256_cmp_ps(x, constant(-87.0), _CMP_LT_OQ);
        let clamped = _mm256_min_ps(constant(88.0), _mm256_max_ps(x, constant(-87.0)));
        let n = _mm256_round_ps(
            _mm256_mul_ps(clamped, constant(std::f32::consts::LOG2_E)),
            _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC,
        );
        // ln 2 in two parts, so that n · ln 2 is exact enough.
        let r = _mm256_fnmadd_ps(n, constant(0.693_359_4), clamped);
        let r = _mm256_fnmadd_ps(n, constant(-2.121_944_4e-4), r);
        let mut series = constant(1.0 / 5040.0);
        for coefficient in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
            series = _mm256_fmadd_ps(series, r, constant(coefficient));
        }
        let exponent = _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23);
        let scaled = _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(series), exponent));
        let result = _mm256_andnot_ps(underflow, scaled);
        // A NaN stays one: the clamp above would hide it.
        _mm256_blendv_ps(result, x, _mm256_cmp_ps(x, x, _CMP_UNORD_Q))
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn exponentials(scores: &mut [f32], maximum: f32) -> f32 {
        let mut sum = _mm256_setzero_ps();
        for chunk in scores.as_chunks_mut::<8>().0 {
            // SAFETY: a chunk is eight numbers.
            unsafe {
                let x = _mm256_loadu_ps(chunk.as_ptr());
                let e = exp(_mm256_sub_ps(x, _mm256_set1_ps(maximum)));
                _mm256_storeu_ps(chunk.as_mut_ptr(), e);
                sum = _mm256_add_ps(sum, e);
            }
        }
        sum_lanes(sum)
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn gate(activation: Activation, gate: &mut [f32], up: &[f32]) {
        let (gate, gate_tail) = gate.as_chunks_mut::<8>();
        let (up, up_tail) = up.as_chunks::<8>();
        for (gate, up) in gate.iter_mut().zip(up) {
            // SAFETY: a chunk is eight numbers.
            unsafe {
                let x = _mm256_loadu_ps(gate.as_ptr());
                let y = match activation {
                    Activation::Silu => x,
                    Activation::GeluTanh => {
                        let cube = _mm256_mul_ps(_mm256_mul_ps(x, x), x);
                        let linear = _mm256_mul_ps(x, _mm256_set1_ps(GELU_LINEAR));
                        _mm256_fmadd_ps(cube, _mm256_set1_ps(GELU_CUBIC), linear)
                    }
                };
                let e = exp(_mm256_sub_ps(_mm256_setzero_ps(), y));
                let value = _mm256_div_ps(x, _mm256_add_ps(_mm256_set1_ps(1.0), e));
                let product = _mm256_mul_ps(value, _mm256_loadu_ps(up.as_ptr()));
                _mm256_storeu_ps(gate.as_mut_ptr(), product);
            }
        }
        for (gate, up) in gate_tail.iter_mut().zip(up_tail) {
            *gate = activated(activation, *gate) * up;
        }
    }
}
