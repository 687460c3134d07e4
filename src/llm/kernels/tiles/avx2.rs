//! Kernels for AVX2: products of bytes add up in sixteen bits, eight rows to a vector.
//!
//! `maddubs` saturates at 32,767. Nibbles stay below it for 32 columns (32 · 15 · 127 / 2 per
//! lane = 30,480), six-bit numbers for eight (2 · 2 · 63 · 127 = 32,004); full bytes are taken
//! through their magnitude and the activation's sign, two at a time (2 · 128 · 127 = 32,512).

use std::arch::x86_64::*;

use super::pack::{offset, simple_scales};
use super::{Format, ROWS, Row, TOKENS_MAX};
use super::{check_sizes, prefetch};

/// Two vectors of eight rows.
type Halves<T> = [T; 2];

/// Four activations, or two sums, broadcast.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn broadcast<T>(numbers: *const T, at: usize) -> __m256i {
    // SAFETY: the caller says that the four bytes from `at` on lie inside.
    unsafe { _mm256_set1_epi32(numbers.add(at).cast::<i32>().read_unaligned()) }
}

/// 64 bytes.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn load(at: *const u8) -> Halves<__m256i> {
    // SAFETY: the caller gives 64 bytes.
    unsafe { [_mm256_loadu_si256(at.cast()), _mm256_loadu_si256(at.add(32).cast())] }
}

/// Sixteen half-precision numbers.
#[inline]
#[target_feature(enable = "avx2,f16c")]
unsafe fn halves(at: *const u8) -> Halves<__m256> {
    // SAFETY: the caller gives 32 bytes.
    unsafe {
        [
            _mm256_cvtph_ps(_mm_loadu_si128(at.cast())),
            _mm256_cvtph_ps(_mm_loadu_si128(at.add(16).cast())),
        ]
    }
}

/// A strip times `N` tokens; `fetch` asks for what lies behind in memory, so that it is in cache
/// when its turn comes.
///
/// # Safety
/// The processor has the instructions. `strip` holds a strip of the format as wide as the rows.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) unsafe fn strip<const N: usize>(
    format: Format,
    strip: &[u8],
    x: &[Row<'_>; N],
    fetch: bool,
    results: &mut [[f32; ROWS]; TOKENS_MAX],
) {
    check_sizes(format, strip, x);
    // SAFETY: the sizes were checked.
    let sums = unsafe {
        match format {
            Format::Q4K => scaled::<4, N>(strip, x, fetch),
            Format::Q5K => scaled::<5, N>(strip, x, fetch),
            Format::Q6K => six_bits::<N>(strip, x, fetch),
            Format::Q8_0 => bytes::<N>(strip, x, fetch),
            Format::Q4_0 => nibbles::<N>(strip, x, fetch),
        }
    };
    for (result, sum) in results.iter_mut().zip(sums) {
        // SAFETY: a result is sixteen numbers.
        unsafe {
            _mm256_storeu_ps(result.as_mut_ptr(), sum[0]);
            _mm256_storeu_ps(result.as_mut_ptr().add(8), sum[1]);
        }
    }
}

/// Groups `2 · pair` and `2 · pair + 1` of a sub-block from their nibbles and fifth bits.
#[inline]
#[target_feature(enable = "avx2")]
fn unpack<const BITS: usize>(
    packed: Halves<__m256i>,
    high: Halves<__m256i>,
    pair: usize,
) -> [Halves<__m256i>; 2] {
    let (nibble, fifth) = (_mm256_set1_epi8(15), _mm256_set1_epi8(16));
    std::array::from_fn(|odd| {
        // Bit `group` goes to bit 4.
        let group = 2 * pair as i32 + odd as i32;
        let up = _mm_cvtsi32_si128((4 - group).max(0));
        let down = _mm_cvtsi32_si128((group - 4).max(0));
        std::array::from_fn(|half| {
            let shifted = match odd {
                0 => packed[half],
                _ => _mm256_srli_epi16(packed[half], 4),
            };
            let low = _mm256_and_si256(shifted, nibble);
            if BITS == 4 {
                return low;
            }
            let moved = _mm256_srl_epi16(_mm256_sll_epi16(high[half], up), down);
            _mm256_or_si256(low, _mm256_and_si256(moved, fifth))
        })
    })
}

/// Sixteen-bit sums of weights times activations.
#[inline]
#[target_feature(enable = "avx2")]
fn add_products(dot: &mut Halves<__m256i>, numbers: Halves<__m256i>, x: __m256i) {
    for half in 0..2 {
        dot[half] = _mm256_add_epi16(dot[half], _mm256_maddubs_epi16(numbers[half], x));
    }
}

/// Sixteen-bit sums times the scale of their row, added in 32 bits.
#[inline]
#[target_feature(enable = "avx2")]
fn add_scaled(product: &mut Halves<__m256i>, dot: Halves<__m256i>, scales: Halves<__m256i>) {
    for half in 0..2 {
        let scaled = _mm256_madd_epi16(dot[half], scales[half]);
        product[half] = _mm256_add_epi32(product[half], scaled);
    }
}

/// Q4_K and Q5_K.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn scaled<const BITS: usize, const N: usize>(
    strip: &[u8],
    x: &[Row<'_>; N],
    fetch: bool,
) -> [Halves<__m256>; N] {
    let size = if BITS == 4 { Format::Q4K } else { Format::Q5K }.tile_bytes();
    let mut sums = [[_mm256_setzero_ps(); 2]; N];
    for block in 0..x[0].scales.len() {
        // SAFETY: the caller checked the sizes; all offsets stay inside the tile and the block.
        unsafe {
            let tile = strip.as_ptr().add(block * size);
            let mut products = [[_mm256_setzero_si256(); 2]; N];
            for sub in 0..8 {
                if fetch {
                    prefetch(tile.wrapping_add(sub * size / 8), size / 8);
                }
                let high = match BITS {
                    4 => [_mm256_setzero_si256(); 2],
                    _ => load(tile.add(offset::HIGH + sub * 64)),
                };
                let scales = tile.add(offset::scales(BITS) + sub * ROWS).cast();
                let scales = _mm_loadu_si128(scales);
                let scales = [
                    _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(scales, scales)),
                    _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(scales, scales)),
                ];
                // Five bits leave room for half a sub-block in sixteen bits.
                let pairs = if BITS == 4 { 4 } else { 2 };
                for first in (0..4).step_by(pairs) {
                    let mut dots = [[_mm256_setzero_si256(); 2]; N];
                    for pair in first..first + pairs {
                        let packed = load(tile.add((sub * 4 + pair) * 64));
                        let numbers = unpack::<BITS>(packed, high, pair);
                        for (dot, x) in dots.iter_mut().zip(x) {
                            let at = block * 256 + sub * 32 + pair * 8;
                            add_products(dot, numbers[0], broadcast(x.q.as_ptr(), at));
                            add_products(dot, numbers[1], broadcast(x.q.as_ptr(), at + 4));
                        }
                    }
                    for (product, dot) in products.iter_mut().zip(dots) {
                        add_scaled(product, dot, scales);
                    }
                }
            }
            let d = halves(tile.add(offset::d(BITS)));
            let dmin = halves(tile.add(offset::d(BITS) + 32));
            for half in 0..2 {
                let mut minima = [_mm256_setzero_si256(); N];
                for pair in 0..4 {
                    let both = tile.add(offset::minima(BITS) + pair * 32 + half * 16).cast();
                    let both = _mm256_cvtepu8_epi16(_mm_loadu_si128(both));
                    for (minimum, x) in minima.iter_mut().zip(x) {
                        let sums = broadcast(x.sums32.as_ptr(), block * 8 + pair * 2);
                        *minimum = _mm256_add_epi32(*minimum, _mm256_madd_epi16(both, sums));
                    }
                }
                for n in 0..N {
                    let scale = _mm256_set1_ps(*x[n].scales.get_unchecked(block));
                    let product = _mm256_cvtepi32_ps(products[n][half]);
                    let factor = _mm256_mul_ps(d[half], scale);
                    sums[n][half] = _mm256_fmadd_ps(product, factor, sums[n][half]);
                    let minimum = _mm256_cvtepi32_ps(minima[n]);
                    let factor = _mm256_mul_ps(dmin[half], scale);
                    sums[n][half] = _mm256_fnmadd_ps(minimum, factor, sums[n][half]);
                }
            }
        }
    }
    sums
}

/// Q6_K. The offset of 32 is taken out through the activations' sums.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn six_bits<const N: usize>(
    strip: &[u8],
    x: &[Row<'_>; N],
    fetch: bool,
) -> [Halves<__m256>; N] {
    let (nibble, two) = (_mm256_set1_epi8(15), _mm256_set1_epi8(0x30));
    let size = Format::Q6K.tile_bytes();
    let mut sums = [[_mm256_setzero_ps(); 2]; N];
    for block in 0..x[0].scales.len() {
        // SAFETY: the caller checked the sizes; all offsets stay inside the tile and the block.
        unsafe {
            let tile = strip.as_ptr().add(block * size);
            let mut products = [[_mm256_setzero_si256(); 2]; N];
            let mut offsets = [[_mm256_setzero_si256(); 2]; N];
            for sub in 0..8 {
                if fetch {
                    prefetch(tile.wrapping_add(sub * size / 8), size / 8);
                }
                // Scales of two runs of sixteen columns, for each row.
                let both: *const u8 = tile.add(offset::scales(6) + sub * 32);
                let both: Halves<__m256i> = std::array::from_fn(|half| {
                    _mm256_cvtepi8_epi16(_mm_loadu_si128(both.add(16 * half).cast()))
                });
                for run in 0..2 {
                    let high = load(tile.add(offset::HIGH + (sub * 2 + run) * 64));
                    let scales = both.map(|both| pair_of(both, run));
                    for pair in 0..2 {
                        let packed = load(tile.add((sub * 4 + run * 2 + pair) * 64));
                        let even: Halves<__m256i> = std::array::from_fn(|half| {
                            let upper = match pair {
                                0 => _mm256_slli_epi16(high[half], 4),
                                _ => high[half],
                            };
                            let low = _mm256_and_si256(packed[half], nibble);
                            _mm256_or_si256(low, _mm256_and_si256(upper, two))
                        });
                        let odd: Halves<__m256i> = std::array::from_fn(|half| {
                            let upper = match pair {
                                0 => _mm256_slli_epi16(high[half], 2),
                                _ => _mm256_srli_epi16(high[half], 2),
                            };
                            let low = _mm256_srli_epi16(packed[half], 4);
                            let low = _mm256_and_si256(low, nibble);
                            _mm256_or_si256(low, _mm256_and_si256(upper, two))
                        });
                        let at = block * 256 + sub * 32 + run * 16 + pair * 8;
                        for (product, x) in products.iter_mut().zip(x) {
                            let mut dot = [_mm256_setzero_si256(); 2];
                            add_products(&mut dot, even, broadcast(x.q.as_ptr(), at));
                            add_products(&mut dot, odd, broadcast(x.q.as_ptr(), at + 4));
                            add_scaled(product, dot, scales);
                        }
                    }
                }
                for (offset, x) in offsets.iter_mut().zip(x) {
                    let sums = broadcast(x.sums16.as_ptr(), block * 16 + sub * 2);
                    add_scaled(offset, [sums; 2], both);
                }
            }
            let d = halves(tile.add(offset::d(6)));
            for n in 0..N {
                let scale = _mm256_set1_ps(*x[n].scales.get_unchecked(block));
                for half in 0..2 {
                    let offset = _mm256_slli_epi32(offsets[n][half], 5);
                    let product = _mm256_cvtepi32_ps(_mm256_sub_epi32(products[n][half], offset));
                    let factor = _mm256_mul_ps(d[half], scale);
                    sums[n][half] = _mm256_fmadd_ps(product, factor, sums[n][half]);
                }
            }
        }
    }
    sums
}

/// The first or second of each pair of sixteen-bit numbers, twice.
#[inline]
#[target_feature(enable = "avx2")]
fn pair_of(both: __m256i, which: usize) -> __m256i {
    match which {
        0 => _mm256_blend_epi16(both, _mm256_slli_epi32(both, 16), 0b1010_1010),
        _ => _mm256_blend_epi16(_mm256_srli_epi32(both, 16), both, 0b1010_1010),
    }
}

/// Q8_0.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn bytes<const N: usize>(
    strip: &[u8],
    x: &[Row<'_>; N],
    fetch: bool,
) -> [Halves<__m256>; N] {
    let ones = [_mm256_set1_epi16(1); 2];
    let blocks = x[0].scales.len();
    let scales = simple_scales(Format::Q8_0, blocks);
    let mut sums = [[_mm256_setzero_ps(); 2]; N];
    for block in 0..blocks {
        // SAFETY: the caller checked the sizes; all offsets stay inside strip and rows.
        unsafe {
            if fetch {
                prefetch(strip.as_ptr().add(block * 512), 512);
            }
            let mut dots = [[_mm256_setzero_si256(); 2]; N];
            for group in 0..8 {
                let weights = load(strip.as_ptr().add(block * 512 + group * 64));
                let magnitudes = weights.map(|weights| _mm256_abs_epi8(weights));
                for (dot, x) in dots.iter_mut().zip(x) {
                    let x = broadcast(x.q.as_ptr(), block * 32 + group * 4);
                    let products: Halves<__m256i> = std::array::from_fn(|half| {
                        let signed = _mm256_sign_epi8(x, weights[half]);
                        _mm256_maddubs_epi16(magnitudes[half], signed)
                    });
                    add_scaled(dot, products, ones);
                }
            }
            add_block(&mut sums, dots, x, block, strip.as_ptr().add(scales + block * 2 * ROWS));
        }
    }
    sums
}

/// Q4_0. The offset of 8 goes out through the activations' sums.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn nibbles<const N: usize>(
    strip: &[u8],
    x: &[Row<'_>; N],
    fetch: bool,
) -> [Halves<__m256>; N] {
    let ones = [_mm256_set1_epi16(1); 2];
    let none = [_mm256_setzero_si256(); 2];
    let blocks = x[0].scales.len();
    let scales = simple_scales(Format::Q4_0, blocks);
    let mut sums = [[_mm256_setzero_ps(); 2]; N];
    for block in 0..blocks {
        // SAFETY: the caller checked the sizes; all offsets stay inside strip and rows.
        unsafe {
            if fetch {
                prefetch(strip.as_ptr().add(block * 256), 256);
            }
            let mut products = [none; N];
            for pair in 0..4 {
                let packed = load(strip.as_ptr().add(block * 256 + pair * 64));
                let numbers = unpack::<4>(packed, none, pair);
                for (dot, x) in products.iter_mut().zip(x) {
                    let at = block * 32 + pair * 8;
                    add_products(dot, numbers[0], broadcast(x.q.as_ptr(), at));
                    add_products(dot, numbers[1], broadcast(x.q.as_ptr(), at + 4));
                }
            }
            let mut dots: [Halves<__m256i>; N] = std::array::from_fn(|n| {
                let sum = i32::from(*x[n].sums32.get_unchecked(block));
                [_mm256_set1_epi32(-8 * sum); 2]
            });
            for (dot, product) in dots.iter_mut().zip(products) {
                add_scaled(dot, product, ones);
            }
            add_block(&mut sums, dots, x, block, strip.as_ptr().add(scales + block * 2 * ROWS));
        }
    }
    sums
}

/// Adds the integer sums of a block of 32 columns, scaled by weights (sixteen halves at `d`) and
/// activations.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn add_block<const N: usize>(
    sums: &mut [Halves<__m256>; N],
    dots: [Halves<__m256i>; N],
    x: &[Row<'_>; N],
    block: usize,
    d: *const u8,
) {
    // SAFETY: the caller gives 32 bytes at `d` and a block of the rows.
    let d = unsafe { halves(d) };
    for n in 0..N {
        let scale = _mm256_set1_ps(x[n].scales[block]);
        for half in 0..2 {
            let product = _mm256_cvtepi32_ps(dots[n][half]);
            let factor = _mm256_mul_ps(d[half], scale);
            sums[n][half] = _mm256_fmadd_ps(product, factor, sums[n][half]);
        }
    }
}
