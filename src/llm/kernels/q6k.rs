//! Q6_K: 256 weights in 210 bytes, sixteen sub-blocks of 16 with a signed 8-bit scale each:
//! `w = d · scale · (q − 32)`, q in 0..64, its low four and high two bits stored apart.

use half::f16;

use super::Level;
use super::matmul::{TOKENS, WeightBlock};
use super::q8k::BlockQ8K;

#[repr(C)]
pub(crate) struct BlockQ6K {
    low: [u8; 128],
    high: [u8; 64],
    scales: [i8; 16],
    d: f16,
}

const _: () = assert!(size_of::<BlockQ6K>() == 210 && align_of::<BlockQ6K>() == 2);

impl BlockQ6K {
    /// Element `i` without its offset of 32. Each half of 128 keeps four runs of 32: runs 0 and 1
    /// in the low nibbles of its 64 bytes, runs 2 and 3 in the high ones; run r has its high bits
    /// at bit 2r of the half's 32 bytes.
    fn q(&self, i: usize) -> i32 {
        let (half, run, at) = (i / 128, i % 128 / 32, i % 32);
        let low = self.low[64 * half + 32 * (run % 2) + at] >> (4 * (run / 2));
        let high = self.high[32 * half + at] >> (2 * run);
        i32::from((low & 15) | ((high & 3) << 4)) - 32
    }
}

impl WeightBlock for BlockQ6K {
    type Activation = BlockQ8K;
    const ELEMENTS: usize = 256;

    fn zero() -> BlockQ8K {
        BlockQ8K::ZERO
    }

    fn quantize(level: Level, row: &[f32], out: &mut [BlockQ8K]) {
        BlockQ8K::quantize(level, row, out);
    }

    fn dots(level: Level, row: &[Self], tokens: &[BlockQ8K], out: &mut [f32; TOKENS]) {
        #[cfg(target_arch = "x86_64")]
        if level == Level::Avx2 {
            let blocks = row.len();
            assert_eq!(tokens.len() % blocks, 0, "whole rows of activations");
            // SAFETY: the level says that the processor has the instructions.
            unsafe {
                match tokens.len() / blocks {
                    1 => avx2::dots::<1>(row, tokens, out),
                    2 => avx2::dots::<2>(row, tokens, out),
                    3 => avx2::dots::<3>(row, tokens, out),
                    _ => avx2::dots::<4>(row, tokens, out),
                }
            }
            return;
        }
        let _ = level;
        for (token, out) in tokens.chunks_exact(row.len()).zip(out) {
            *out = row.iter().zip(token).map(|(w, x)| portable_dot(w, x)).sum();
        }
    }

    fn dequantize(blocks: &[Self], out: &mut [f32]) {
        for (block, out) in blocks.iter().zip(out.as_chunks_mut::<256>().0) {
            let d = block.d.to_f32();
            for (i, out) in out.iter_mut().enumerate() {
                *out = d * f32::from(block.scales[i / 16]) * block.q(i) as f32;
            }
        }
    }
}

fn portable_dot(w: &BlockQ6K, x: &BlockQ8K) -> f32 {
    let mut sum = 0i32;
    for (sub, scale) in w.scales.iter().enumerate() {
        let dot: i32 = (16 * sub..16 * sub + 16).map(|i| w.q(i) * i32::from(x.q[i])).sum();
        sum += dot * i32::from(*scale);
    }
    w.d.to_f32() * x.scale * sum as f32
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    use super::{BlockQ6K, BlockQ8K, TOKENS};
    use crate::llm::kernels::sum_lanes;

    /// The 16-bit scales of sub-blocks `2i` (lower half) and `2i + 1` (upper half).
    #[inline]
    #[target_feature(enable = "avx2")]
    fn scale_pair(scales: __m128i, i: usize) -> __m256i {
        let step = _mm_set_epi64x(0x0101_0101_0101_0101, 0);
        let index = _mm_add_epi8(_mm_set1_epi8(2 * i as i8), step);
        _mm256_cvtepi8_epi16(_mm_shuffle_epi8(scales, index))
    }

    /// One weight row times `N` tokens. The offset of 32 is taken out through the activations'
    /// sums.
    #[target_feature(enable = "avx2,fma,f16c")]
    pub(super) fn dots<const N: usize>(
        row: &[BlockQ6K],
        tokens: &[BlockQ8K],
        out: &mut [f32; TOKENS],
    ) {
        let blocks = row.len();
        assert!(tokens.len() >= N * blocks, "N rows of activations");
        let (four, two) = (_mm256_set1_epi8(15), _mm256_set1_epi8(0x30));
        let mut acc = [_mm256_setzero_ps(); N];
        for (b, w) in row.iter().enumerate() {
            let d = w.d.to_f32();
            // SAFETY: all loads stay inside the weight block and the activation blocks, whose
            // sizes are fixed.
            unsafe {
                let scales = _mm_loadu_si128(w.scales.as_ptr().cast());
                let mut sums = [_mm256_setzero_si256(); N];
                for half in 0..2 {
                    let low0 = _mm256_loadu_si256(w.low.as_ptr().add(64 * half).cast());
                    let low1 = _mm256_loadu_si256(w.low.as_ptr().add(64 * half + 32).cast());
                    let high = _mm256_loadu_si256(w.high.as_ptr().add(32 * half).cast());
                    let runs = [
                        _mm256_or_si256(
                            _mm256_and_si256(low0, four),
                            _mm256_and_si256(_mm256_slli_epi16(high, 4), two),
                        ),
                        _mm256_or_si256(
                            _mm256_and_si256(low1, four),
                            _mm256_and_si256(_mm256_slli_epi16(high, 2), two),
                        ),
                        _mm256_or_si256(
                            _mm256_and_si256(_mm256_srli_epi16(low0, 4), four),
                            _mm256_and_si256(high, two),
                        ),
                        _mm256_or_si256(
                            _mm256_and_si256(_mm256_srli_epi16(low1, 4), four),
                            _mm256_and_si256(_mm256_srli_epi16(high, 2), two),
                        ),
                    ];
                    for (run, q) in runs.into_iter().enumerate() {
                        let scale = scale_pair(scales, 4 * half + run);
                        for (n, sum) in sums.iter_mut().enumerate() {
                            let x = tokens.get_unchecked(n * blocks + b).q.as_ptr();
                            let x = _mm256_load_si256(x.add(128 * half + 32 * run).cast());
                            let p = _mm256_madd_epi16(scale, _mm256_maddubs_epi16(q, x));
                            *sum = _mm256_add_epi32(*sum, p);
                        }
                    }
                }
                let scales = _mm256_cvtepi8_epi16(scales);
                for n in 0..N {
                    let x = tokens.get_unchecked(n * blocks + b);
                    let offset =
                        _mm256_madd_epi16(scales, _mm256_load_si256(x.sums.as_ptr().cast()));
                    let sum = _mm256_sub_epi32(sums[n], _mm256_slli_epi32(offset, 5));
                    let scale = _mm256_set1_ps(d * x.scale);
                    acc[n] = _mm256_fmadd_ps(scale, _mm256_cvtepi32_ps(sum), acc[n]);
                }
            }
        }
        for n in 0..N {
            out[n] = sum_lanes(acc[n]);
        }
    }
}
