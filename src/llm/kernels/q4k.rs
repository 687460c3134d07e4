//! Q4_K: 256 weights in 144 bytes, eight sub-blocks of 32 with a 6-bit scale and a 6-bit minimum
//! each: `w = d · scale · q − dmin · minimum`, q in 0..16.

use half::f16;

use super::Level;
use super::matmul::{TOKENS, WeightBlock};
use super::q8k::BlockQ8K;

#[repr(C)]
pub(crate) struct BlockQ4K {
    d: f16,
    dmin: f16,
    scales: [u8; 12],
    q: [u8; 128],
}

const _: () = assert!(size_of::<BlockQ4K>() == 144 && align_of::<BlockQ4K>() == 2);

impl BlockQ4K {
    /// Eight scales, then eight minima, a byte each. The first four of both are the low six bits
    /// of bytes 0..8; the last four take low bits from bytes 8..12 and high bits from the tops of
    /// bytes 0..8.
    #[inline]
    fn scales_and_minima(&self) -> [u8; 16] {
        let word = |i: usize| {
            let b = &self.scales[4 * i..4 * i + 4];
            u32::from_le_bytes([b[0], b[1], b[2], b[3]])
        };
        let (w0, w1, w2) = (word(0), word(1), word(2));
        const SIX: u32 = 0x3f3f_3f3f;
        const FOUR: u32 = 0x0f0f_0f0f;
        const TWO: u32 = 0x0303_0303;
        let words = [
            w0 & SIX,
            (w2 & FOUR) | (((w0 >> 6) & TWO) << 4),
            w1 & SIX,
            ((w2 >> 4) & FOUR) | (((w1 >> 6) & TWO) << 4),
        ];
        let mut bytes = [0; 16];
        for (out, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(words) {
            *out = word.to_le_bytes();
        }
        bytes
    }
}

impl WeightBlock for BlockQ4K {
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
            let sm = block.scales_and_minima();
            let (d, dmin) = (block.d.to_f32(), block.dmin.to_f32());
            for sub in 0..8 {
                let (scale, minimum) = (d * f32::from(sm[sub]), dmin * f32::from(sm[8 + sub]));
                let q = &block.q[sub / 2 * 32..sub / 2 * 32 + 32];
                let shift = 4 * (sub % 2);
                for (out, q) in out[sub * 32..sub * 32 + 32].iter_mut().zip(q) {
                    *out = scale * f32::from((q >> shift) & 15) - minimum;
                }
            }
        }
    }
}

fn portable_dot(w: &BlockQ4K, x: &BlockQ8K) -> f32 {
    let sm = w.scales_and_minima();
    let (mut sum, mut minimum_sum) = (0i32, 0i32);
    for sub in 0..8 {
        let q = &w.q[sub / 2 * 32..sub / 2 * 32 + 32];
        let shift = 4 * (sub % 2);
        let xs = &x.q[sub * 32..sub * 32 + 32];
        let dot: i32 =
            q.iter().zip(xs).map(|(q, x)| i32::from((q >> shift) & 15) * i32::from(*x)).sum();
        sum += dot * i32::from(sm[sub]);
        let block_sum = i32::from(x.sums[2 * sub]) + i32::from(x.sums[2 * sub + 1]);
        minimum_sum += block_sum * i32::from(sm[8 + sub]);
    }
    (w.d.to_f32() * sum as f32 - w.dmin.to_f32() * minimum_sum as f32) * x.scale
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    use super::{BlockQ4K, BlockQ8K, TOKENS};
    use crate::llm::kernels::sum_lanes;

    /// One weight row times `N` tokens.
    #[target_feature(enable = "avx2,fma,f16c")]
    pub(super) fn dots<const N: usize>(
        row: &[BlockQ4K],
        tokens: &[BlockQ8K],
        out: &mut [f32; TOKENS],
    ) {
        let blocks = row.len();
        assert!(tokens.len() >= N * blocks, "N rows of activations");
        let low = _mm256_set1_epi8(15);
        let mut acc = [_mm256_setzero_ps(); N];
        let mut acc_minima = [_mm_setzero_ps(); N];
        for (b, w) in row.iter().enumerate() {
            let sm = w.scales_and_minima();
            let (d, dmin) = (w.d.to_f32(), w.dmin.to_f32());
            // SAFETY: all loads stay inside `sm`, `w.q` and the activation blocks, whose sizes
            // are fixed.
            unsafe {
                let sm = _mm256_cvtepu8_epi16(_mm_loadu_si128(sm.as_ptr().cast()));
                let minima = _mm256_extracti128_si256(sm, 1);
                let scales = _mm256_castsi256_si128(sm);
                let scales = _mm256_set_m128i(scales, scales);
                let mut sums = [_mm256_setzero_si256(); N];
                for pair in 0..4 {
                    let packed = _mm256_loadu_si256(w.q.as_ptr().add(32 * pair).cast());
                    let w0 = _mm256_and_si256(packed, low);
                    let w1 = _mm256_and_si256(_mm256_srli_epi16(packed, 4), low);
                    // Bytes 4p, 4p+1 of the scales are the 16-bit scale of sub-block 2p.
                    let first = _mm256_set1_epi16((4 * pair as i16) | ((4 * pair as i16 + 1) << 8));
                    let s0 = _mm256_shuffle_epi8(scales, first);
                    let s1 = _mm256_shuffle_epi8(
                        scales,
                        _mm256_add_epi16(first, _mm256_set1_epi16(0x0202)),
                    );
                    for (n, sum) in sums.iter_mut().enumerate() {
                        let x = tokens.get_unchecked(n * blocks + b).q.as_ptr().add(64 * pair);
                        let x0 = _mm256_load_si256(x.cast());
                        let x1 = _mm256_load_si256(x.add(32).cast());
                        let p0 = _mm256_madd_epi16(s0, _mm256_maddubs_epi16(w0, x0));
                        let p1 = _mm256_madd_epi16(s1, _mm256_maddubs_epi16(w1, x1));
                        *sum = _mm256_add_epi32(*sum, _mm256_add_epi32(p0, p1));
                    }
                }
                for n in 0..N {
                    let x = tokens.get_unchecked(n * blocks + b);
                    let halves = _mm256_load_si256(x.sums.as_ptr().cast());
                    let halves = _mm_hadd_epi16(
                        _mm256_castsi256_si128(halves),
                        _mm256_extracti128_si256(halves, 1),
                    );
                    let minimum = _mm_cvtepi32_ps(_mm_madd_epi16(minima, halves));
                    acc_minima[n] =
                        _mm_fmadd_ps(_mm_set1_ps(dmin * x.scale), minimum, acc_minima[n]);
                    let scale = _mm256_set1_ps(d * x.scale);
                    acc[n] = _mm256_fmadd_ps(scale, _mm256_cvtepi32_ps(sums[n]), acc[n]);
                }
            }
        }
        for n in 0..N {
            let minima = _mm_add_ps(acc_minima[n], _mm_movehl_ps(acc_minima[n], acc_minima[n]));
            let minima = _mm_add_ss(minima, _mm_movehdup_ps(minima));
            out[n] = sum_lanes(acc[n]) - _mm_cvtss_f32(minima);
        }
    }
}
