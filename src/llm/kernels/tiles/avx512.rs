//! Kernels for AVX-512 with VNNI: one instruction multiplies 64 weights with four activations for
//! sixteen rows and adds up.

use std::arch::x86_64::*;

use super::pack::{offset, simple_scales};
use super::{Format, ROWS, Row, TOKENS_MAX};
use super::{check_sizes, prefetch};

/// Four activations, or two sums, broadcast.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn broadcast<T>(numbers: *const T, at: usize) -> __m512i {
    // SAFETY: the caller says that the four bytes from `at` on lie inside.
    unsafe { _mm512_set1_epi32(numbers.add(at).cast::<i32>().read_unaligned()) }
}

/// A strip times `N` tokens; `fetch` asks for what lies behind in memory, so that it is in cache
/// when its turn comes.
///
/// # Safety
/// The processor has the instructions. `strip` holds a strip of the format as wide as the rows.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
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
            Format::Q8_0 => simple::<8, N>(strip, x, fetch),
            Format::Q4_0 => simple::<4, N>(strip, x, fetch),
        }
    };
    for (result, sum) in results.iter_mut().zip(sums) {
        // SAFETY: a result is sixteen numbers.
        unsafe { _mm512_storeu_ps(result.as_mut_ptr(), sum) };
    }
}

/// Q4_K and Q5_K.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn scaled<const BITS: usize, const N: usize>(
    strip: &[u8],
    x: &[Row<'_>; N],
    fetch: bool,
) -> [__m512; N] {
    let nibble = _mm512_set1_epi8(15);
    let size = if BITS == 4 { Format::Q4K } else { Format::Q5K }.tile_bytes();
    let mut sums = [_mm512_setzero_ps(); N];
    for block in 0..x[0].scales.len() {
        // SAFETY: the caller checked the sizes; all offsets stay inside the tile and the block.
        unsafe {
            let tile = strip.as_ptr().add(block * size);
            let mut products = [_mm512_setzero_si512(); N];
            for sub in 0..8 {
                if fetch {
                    prefetch(tile.wrapping_add(sub * size / 8), size / 8);
                }
                let mut dots = [_mm512_setzero_si512(); N];
                let high = match BITS {
                    4 => _mm512_setzero_si512(),
                    _ => _mm512_loadu_si512(tile.add(offset::HIGH + sub * 64).cast()),
                };
                for pair in 0..4 {
                    let packed = _mm512_loadu_si512(tile.add((sub * 4 + pair) * 64).cast());
                    let mut even = _mm512_and_si512(packed, nibble);
                    let mut odd = _mm512_and_si512(_mm512_srli_epi16(packed, 4), nibble);
                    if BITS == 5 {
                        even = _mm512_or_si512(even, fifth_bit(high, 2 * pair));
                        odd = _mm512_or_si512(odd, fifth_bit(high, 2 * pair + 1));
                    }
                    let at = block * 256 + sub * 32 + pair * 8;
                    for (dot, x) in dots.iter_mut().zip(x) {
                        let q = x.q.as_ptr();
                        *dot = _mm512_dpbusd_epi32(*dot, even, broadcast(q, at));
                        *dot = _mm512_dpbusd_epi32(*dot, odd, broadcast(q, at + 4));
                    }
                }
                let scales = tile.add(offset::scales(BITS) + sub * ROWS).cast();
                let scales = _mm512_cvtepu8_epi32(_mm_loadu_si128(scales));
                for (product, dot) in products.iter_mut().zip(dots) {
                    *product = _mm512_add_epi32(*product, _mm512_mullo_epi32(dot, scales));
                }
            }
            let mut minima = [_mm512_setzero_si512(); N];
            for pair in 0..4 {
                let both = tile.add(offset::minima(BITS) + pair * 32).cast();
                let both = _mm512_cvtepu8_epi16(_mm256_loadu_si256(both));
                for (minimum, x) in minima.iter_mut().zip(x) {
                    let sums = broadcast(x.sums32.as_ptr(), block * 8 + pair * 2);
                    *minimum = _mm512_dpwssd_epi32(*minimum, both, sums);
                }
            }
            let d = halves(tile.add(offset::d(BITS)));
            let dmin = halves(tile.add(offset::d(BITS) + 32));
            for n in 0..N {
                let scale = _mm512_set1_ps(*x[n].scales.get_unchecked(block));
                let product = _mm512_cvtepi32_ps(products[n]);
                sums[n] = _mm512_fmadd_ps(product, _mm512_mul_ps(d, scale), sums[n]);
                let minimum = _mm512_cvtepi32_ps(minima[n]);
                sums[n] = _mm512_fnmadd_ps(minimum, _mm512_mul_ps(dmin, scale), sums[n]);
            }
        }
    }
    sums
}

/// Bit `group` of each byte, at bit 4.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn fifth_bit(high: __m512i, group: usize) -> __m512i {
    let up = _mm_cvtsi32_si128(4 - group.min(4) as i32);
    let down = _mm_cvtsi32_si128(group.max(4) as i32 - 4);
    let moved = _mm512_srl_epi16(_mm512_sll_epi16(high, up), down);
    _mm512_and_si512(moved, _mm512_set1_epi8(16))
}

/// Sixteen half-precision numbers.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn halves(at: *const u8) -> __m512 {
    // SAFETY: the caller gives 32 bytes.
    unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(at.cast())) }
}

/// Q6_K. The offset of 32 is taken out through the activations' sums.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn six_bits<const N: usize>(strip: &[u8], x: &[Row<'_>; N], fetch: bool) -> [__m512; N] {
    let (nibble, two) = (_mm512_set1_epi8(15), _mm512_set1_epi8(0x30));
    let size = Format::Q6K.tile_bytes();
    let mut sums = [_mm512_setzero_ps(); N];
    for block in 0..x[0].scales.len() {
        // SAFETY: the caller checked the sizes; all offsets stay inside the tile and the block.
        unsafe {
            let tile = strip.as_ptr().add(block * size);
            let mut products = [_mm512_setzero_si512(); N];
            let mut offsets = [_mm512_setzero_si512(); N];
            for sub in 0..8 {
                if fetch {
                    prefetch(tile.wrapping_add(sub * size / 8), size / 8);
                }
                // Scales of two runs of sixteen columns, for each row.
                let both = tile.add(offset::scales(6) + sub * 32).cast();
                let both = _mm512_cvtepi8_epi16(_mm256_loadu_si256(both));
                for run in 0..2 {
                    let high = tile.add(offset::HIGH + (sub * 2 + run) * 64).cast();
                    let high = _mm512_loadu_si512(high);
                    let uppers = [
                        _mm512_slli_epi16(high, 4),
                        _mm512_slli_epi16(high, 2),
                        high,
                        _mm512_srli_epi16(high, 2),
                    ];
                    let mut dots = [_mm512_setzero_si512(); N];
                    for pair in 0..2 {
                        let packed = tile.add((sub * 4 + run * 2 + pair) * 64).cast();
                        let packed = _mm512_loadu_si512(packed);
                        let even = _mm512_or_si512(
                            _mm512_and_si512(packed, nibble),
                            _mm512_and_si512(uppers[2 * pair], two),
                        );
                        let odd = _mm512_or_si512(
                            _mm512_and_si512(_mm512_srli_epi16(packed, 4), nibble),
                            _mm512_and_si512(uppers[2 * pair + 1], two),
                        );
                        let at = block * 256 + sub * 32 + run * 16 + pair * 8;
                        for (dot, x) in dots.iter_mut().zip(x) {
                            let q = x.q.as_ptr();
                            *dot = _mm512_dpbusd_epi32(*dot, even, broadcast(q, at));
                            *dot = _mm512_dpbusd_epi32(*dot, odd, broadcast(q, at + 4));
                        }
                    }
                    let scales = match run {
                        0 => _mm512_srai_epi32(_mm512_slli_epi32(both, 16), 16),
                        _ => _mm512_srai_epi32(both, 16),
                    };
                    for (product, dot) in products.iter_mut().zip(dots) {
                        *product = _mm512_add_epi32(*product, _mm512_mullo_epi32(dot, scales));
                    }
                }
                for (offset, x) in offsets.iter_mut().zip(x) {
                    let sums = broadcast(x.sums16.as_ptr(), block * 16 + sub * 2);
                    *offset = _mm512_dpwssd_epi32(*offset, both, sums);
                }
            }
            let d = halves(tile.add(offset::d(6)));
            for n in 0..N {
                let scale = _mm512_set1_ps(*x[n].scales.get_unchecked(block));
                let product = _mm512_sub_epi32(products[n], _mm512_slli_epi32(offsets[n], 5));
                let product = _mm512_cvtepi32_ps(product);
                sums[n] = _mm512_fmadd_ps(product, _mm512_mul_ps(d, scale), sums[n]);
            }
        }
    }
    sums
}

/// Q8_0 and Q4_0: weights are made unsigned by an offset, which goes out through the sums.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn simple<const BITS: usize, const N: usize>(
    strip: &[u8],
    x: &[Row<'_>; N],
    fetch: bool,
) -> [__m512; N] {
    let (format, weight_offset) = if BITS == 8 { (Format::Q8_0, -128) } else { (Format::Q4_0, -8) };
    let (sign, nibble) = (_mm512_set1_epi8(-128), _mm512_set1_epi8(15));
    let blocks = x[0].scales.len();
    let scales = simple_scales(format, blocks);
    let mut sums = [_mm512_setzero_ps(); N];
    for block in 0..blocks {
        // SAFETY: the caller checked the sizes; all offsets stay inside strip and rows.
        unsafe {
            let numbers = strip.as_ptr().add(block * BITS * 64);
            if fetch {
                prefetch(numbers, BITS * 64);
            }
            let mut dots: [__m512i; N] = std::array::from_fn(|n| {
                let sum = i32::from(*x[n].sums32.get_unchecked(block));
                _mm512_set1_epi32(weight_offset * sum)
            });
            for pair in 0..4 {
                let (even, odd) = if BITS == 8 {
                    let at = numbers.add(pair * 128);
                    let load =
                        |at: *const u8| _mm512_xor_si512(_mm512_loadu_si512(at.cast()), sign);
                    (load(at), load(at.add(64)))
                } else {
                    let packed = _mm512_loadu_si512(numbers.add(pair * 64).cast());
                    let odd = _mm512_and_si512(_mm512_srli_epi16(packed, 4), nibble);
                    (_mm512_and_si512(packed, nibble), odd)
                };
                let at = block * 32 + pair * 8;
                for (dot, x) in dots.iter_mut().zip(x) {
                    let q = x.q.as_ptr();
                    *dot = _mm512_dpbusd_epi32(*dot, even, broadcast(q, at));
                    *dot = _mm512_dpbusd_epi32(*dot, odd, broadcast(q, at + 4));
                }
            }
            let d = halves(strip.as_ptr().add(scales + block * 2 * ROWS));
            for n in 0..N {
                let scale = _mm512_set1_ps(*x[n].scales.get_unchecked(block));
                let product = _mm512_cvtepi32_ps(dots[n]);
                sums[n] = _mm512_fmadd_ps(product, _mm512_mul_ps(d, scale), sums[n]);
            }
        }
    }
    sums
}
