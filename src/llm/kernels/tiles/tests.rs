//! Every kernel against 64-bit arithmetic over the weights as candle unpacks them.

use candle_core::quantized::k_quants::{self as blocks, GgmlType};
use half::f16;
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;

/// Where the half-precision scales lie in a block of the file.
fn halves(format: Format) -> &'static [usize] {
    match format {
        Format::Q4K | Format::Q5K => &[0, 2],
        Format::Q6K => &[208],
        Format::Q8_0 | Format::Q4_0 => &[0],
    }
}

/// What the bytes of the test matrices are.
#[derive(Clone, Copy, Debug)]
enum Content {
    Random,
    /// All bits set: the largest numbers, scales and minima.
    Ones,
    Zeros,
    /// Scales below the normal range of half precision.
    Denormal,
}

fn gguf(format: Format, rows: usize, columns: usize, content: Content, seed: u64) -> Vec<u8> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut bytes = vec![0u8; rows * columns / format.columns() * format.gguf_bytes()];
    match content {
        Content::Zeros => return bytes,
        Content::Ones => bytes.fill(255),
        Content::Random | Content::Denormal => random.fill(&mut bytes[..]),
    }
    for block in bytes.chunks_exact_mut(format.gguf_bytes()) {
        for &at in halves(format) {
            let half = match content {
                Content::Denormal => f16::from_bits(random.random_range(0..0x400)),
                Content::Ones => f16::from_f32(1000.0),
                _ => f16::from_f32(random.random_range(-0.01..0.01)),
            };
            block[at..at + 2].copy_from_slice(&half.to_le_bytes());
        }
    }
    bytes
}

/// The weights as candle reads them from the same bytes.
fn weights(format: Format, bytes: &[u8], count: usize) -> Vec<f32> {
    fn read<B: GgmlType + Clone>(bytes: &[u8], count: usize) -> Vec<f32> {
        let blocks = count / B::BLCK_SIZE;
        assert_eq!(bytes.len(), blocks * size_of::<B>());
        let mut aligned = vec![B::zeros(); blocks];
        // SAFETY: blocks are plain data of the size that was checked.
        unsafe {
            let to = aligned.as_mut_ptr().cast::<u8>();
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len());
        }
        let mut out = vec![0.0; count];
        B::to_float(&aligned, &mut out);
        out
    }
    match format {
        Format::Q4K => read::<blocks::BlockQ4K>(bytes, count),
        Format::Q5K => read::<blocks::BlockQ5K>(bytes, count),
        Format::Q6K => read::<blocks::BlockQ6K>(bytes, count),
        Format::Q8_0 => read::<blocks::BlockQ8_0>(bytes, count),
        Format::Q4_0 => read::<blocks::BlockQ4_0>(bytes, count),
    }
}

/// A matrix in tiled form, with memory of its own.
struct Packed {
    memory: Vec<u8>,
    start: usize,
    format: Format,
    shape: (usize, usize),
}

impl Packed {
    fn new(format: Format, (rows, columns): (usize, usize), bytes: &[u8]) -> Self {
        let size = format.matrix_bytes(rows, columns);
        let mut memory = vec![0; size + 64];
        let start = memory.as_ptr().align_offset(64);
        let source = ROWS * columns / format.columns() * format.gguf_bytes();
        let strips = memory[start..start + size].chunks_mut(format.strip_bytes(columns));
        for (strip, rows) in strips.zip(bytes.chunks(source)) {
            pack_strip(format, rows, columns, strip);
        }
        Self { memory, start, format, shape: (rows, columns) }
    }

    fn tiles(&self) -> Tiles<'_> {
        let size = self.format.matrix_bytes(self.shape.0, self.shape.1);
        Tiles::new(self.format, self.shape, &self.memory[self.start..self.start + size])
    }
}

fn levels() -> impl Iterator<Item = Level> {
    Level::ALL.into_iter().filter(|level| level.is_supported())
}

/// Checks one product at every level. The integer sums are exact, so what remains is the rounding
/// of single precision: a millionth of the terms' magnitudes. Against the activations before
/// rounding to eight bits, each term may be off by half a step.
fn check(format: Format, (rows, columns): (usize, usize), tokens: usize, content: Content) {
    let bytes = gguf(format, rows, columns, content, 7);
    let weights = weights(format, &bytes, rows * columns);
    let packed = Packed::new(format, (rows, columns), &bytes);
    let tiles = packed.tiles();
    let mut random = StdRng::seed_from_u64(11);
    let x: Vec<f32> = (0..tokens * columns).map(|_| random.random_range(-3.0..3.0)).collect();
    let mut row = vec![0.0; columns];
    for (index, expected) in weights.chunks_exact(columns).enumerate() {
        tiles.dequantize_row(index, &mut row);
        for (got, expected) in row.iter().zip(expected) {
            let tolerance = 1e-6 * expected.abs().max(1e-6);
            assert!((got - expected).abs() <= tolerance, "{format:?} {got} {expected}");
        }
    }
    for level in levels() {
        let quantized = Activations::quantize(level, format.unit(), &x, columns);
        let mut out = vec![f32::NAN; tokens * rows];
        tiles.multiply(level, &quantized, &mut out);
        for (token, out) in out.chunks_exact(rows).enumerate() {
            let q = quantized.row(token);
            let x = &x[token * columns..(token + 1) * columns];
            for (got, w) in out.iter().zip(weights.chunks_exact(columns)) {
                let (mut exact, mut size, mut given, mut step) = (0.0, 0.0, 0.0, 0.0);
                for (column, w) in w.iter().enumerate() {
                    let w = f64::from(*w);
                    let scale = f64::from(q.scales[column / format.columns()]);
                    let rounded = scale * f64::from(q.q[column]);
                    exact += w * rounded;
                    size += (w * rounded).abs();
                    given += w * f64::from(x[column]);
                    // Half a step, and the rounding of a narrow scale to eleven bits.
                    step += w.abs() * (scale.abs() * 0.501 + f64::from(x[column]).abs() / 2048.0);
                }
                let got = f64::from(*got);
                // The parts of a K-quant nearly cancel where the minimum is large.
                let slack = if matches!(format, Format::Q4K | Format::Q5K) { 2e-5 } else { 2e-6 };
                let case = format!("{format:?} {level:?} {content:?} {rows}×{columns} × {tokens}");
                assert!((got - exact).abs() <= slack * size + 1e-30, "{case}: {got} {exact}");
                assert!((got - given).abs() <= step + slack * size + 1e-30, "{case}: {given}");
            }
        }
    }
}

#[test]
fn every_token_count_and_odd_rows() {
    for format in Format::ALL {
        for tokens in 1..=33 {
            check(format, (17, 256), tokens, Content::Random);
        }
        for rows in [1, 15, 16, 33] {
            check(format, (rows, 512), 5, Content::Random);
        }
    }
}

#[test]
fn extreme_blocks() {
    for format in Format::ALL {
        for content in [Content::Ones, Content::Zeros, Content::Denormal] {
            check(format, (16, 512), 9, content);
        }
    }
}

#[test]
fn narrow_types_take_any_multiple_of_32() {
    for format in [Format::Q8_0, Format::Q4_0] {
        for columns in [32, 96, 160, 320] {
            check(format, (20, columns), 3, Content::Random);
        }
    }
}

#[test]
fn extreme_activations() {
    for format in Format::ALL {
        let columns = 256;
        let bytes = gguf(format, 16, columns, Content::Ones, 1);
        let weights = weights(format, &bytes, 16 * columns);
        let packed = Packed::new(format, (16, columns), &bytes);
        // All at the largest magnitude: the sixteen-bit sums of AVX2 come closest to their limit.
        for x in [[1e6f32; 256], [-1e6; 256], [0.0; 256], [1e-42; 256]] {
            for level in levels() {
                let quantized = Activations::quantize(level, format.unit(), &x, columns);
                let mut out = [0.0; 16];
                packed.tiles().multiply(level, &quantized, &mut out);
                for (got, w) in out.iter().zip(weights.chunks_exact(columns)) {
                    let exact: f64 = w.iter().zip(&x).map(|(w, x)| f64::from(w * x)).sum();
                    // The narrow scale is rounded to eleven bits.
                    let close = (f64::from(*got) - exact).abs() <= 5e-4 * exact.abs() + 1e-30;
                    // Activations below the normal range count as zero.
                    let tiny = x[0].abs() < f32::MIN_POSITIVE && *got == 0.0;
                    assert!(close || tiny, "{format:?} {level:?} {}: {got} {exact}", x[0]);
                }
            }
        }
    }
}

#[test]
fn what_is_no_number_reaches_the_result() {
    for format in Format::ALL {
        let bytes = gguf(format, 16, 256, Content::Random, 2);
        let packed = Packed::new(format, (16, 256), &bytes);
        for poison in [f32::NAN, f32::INFINITY] {
            let mut x = vec![1.0; 512];
            x[300] = poison;
            for level in levels() {
                let quantized = Activations::quantize(level, format.unit(), &x, 256);
                let mut out = [0.0; 32];
                packed.tiles().multiply(level, &quantized, &mut out);
                assert!(out[..16].iter().all(|x| x.is_finite()), "{format:?} {level:?}");
                assert!(out[16..].iter().all(|x| x.is_nan()), "{format:?} {level:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// One token alone, and among others: the same to the last bit, at every level.
    #[test]
    fn a_token_does_not_depend_on_its_neighbours(
        format in prop::sample::select(Format::ALL.to_vec()),
        rows in 1usize..70,
        blocks in 1usize..4,
        tokens in 1usize..80,
        seed in any::<u64>(),
    ) {
        let columns = blocks * 256;
        let bytes = gguf(format, rows, columns, Content::Random, seed);
        let packed = Packed::new(format, (rows, columns), &bytes);
        let mut random = StdRng::seed_from_u64(seed);
        let x: Vec<f32> = (0..tokens * columns).map(|_| random.random_range(-2.0..2.0)).collect();
        for level in levels() {
            let quantize = |x: &[f32]| Activations::quantize(level, format.unit(), x, columns);
            let mut together = vec![0.0; tokens * rows];
            packed.tiles().multiply(level, &quantize(&x), &mut together);
            for (x, together) in x.chunks_exact(columns).zip(together.chunks_exact(rows)) {
                let mut alone = vec![0.0; rows];
                packed.tiles().multiply(level, &quantize(x), &mut alone);
                prop_assert_eq!(&alone[..], together, "{:?} {:?}", format, level);
            }
        }
    }
}
