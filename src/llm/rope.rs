//! Rotary position embedding: pairs of elements of each head are turned by an angle of position
//! times frequency.
//!
//! Angles are computed for the positions of a batch when they are needed, in f64: no table as
//! long as the context, and exact at any position.

use candle_core::{Device, Tensor};

use super::architecture::{Architecture, RopeBase, RopeStyle};
use super::error::ModelError;
use super::kernels::pool;

/// Tokens below this are turned by one thread.
const PARALLEL_TOKENS_MIN: usize = 8;

/// The frequencies of one kind of layer.
pub(crate) struct Rope {
    style: RopeStyle,
    /// Radians a position, one for each pair.
    frequencies: Vec<f64>,
    head_length: usize,
}

impl Rope {
    pub(crate) fn new(architecture: &Architecture, windowed: bool) -> Self {
        let base = if windowed { &architecture.rope_windowed } else { &architecture.rope };
        let factors = architecture.rope_factors.as_deref();
        Self {
            style: architecture.rope_style,
            frequencies: frequencies(base, architecture.rope_length, factors),
            head_length: architecture.head_length,
        }
    }

    /// The rotation of each token of a batch.
    pub(crate) fn at(&self, positions: &[usize]) -> Rotation {
        let pairs = self.frequencies.len();
        let mut sines = Vec::with_capacity(positions.len() * pairs);
        let mut cosines = Vec::with_capacity(positions.len() * pairs);
        for &position in positions {
            for frequency in &self.frequencies {
                let (sine, cosine) = (position as f64 * frequency).sin_cos();
                sines.push(sine as f32);
                cosines.push(cosine as f32);
            }
        }
        Rotation { style: self.style, head_length: self.head_length, pairs, sines, cosines }
    }
}

/// `base^(−2i/n)`, divided by the linear scaling and by the factor of pair `i`.
fn frequencies(base: &RopeBase, rope_length: usize, factors: Option<&[f32]>) -> Vec<f64> {
    let mut frequencies: Vec<f64> = (0..rope_length / 2)
        .map(|i| f64::from(base.base).powf(-2.0 * i as f64 / rope_length as f64))
        .map(|frequency| frequency / f64::from(base.position_divisor))
        .collect();
    if let Some(factors) = factors {
        frequencies.iter_mut().zip(factors).for_each(|(f, factor)| *f /= f64::from(*factor));
    }
    frequencies
}

/// Sines and cosines for the tokens of a batch: (tokens, pairs).
pub(crate) struct Rotation {
    style: RopeStyle,
    head_length: usize,
    pairs: usize,
    sines: Vec<f32>,
    cosines: Vec<f32>,
}

impl Rotation {
    /// Turns `x` (tokens, heads · head length) in place.
    pub(crate) fn apply(&self, x: &mut [f32], heads: usize) {
        let rows = x.chunks_exact_mut(heads * self.head_length).enumerate();
        pool::for_each(rows, PARALLEL_TOKENS_MIN, |(token, row)| {
            let range = token * self.pairs..(token + 1) * self.pairs;
            let (sines, cosines) = (&self.sines[range.clone()], &self.cosines[range]);
            for head in row.chunks_exact_mut(self.head_length) {
                match self.style {
                    RopeStyle::Adjacent => turn_adjacent(head, sines, cosines),
                    RopeStyle::Halves => turn_halves(head, sines, cosines),
                }
            }
        });
    }

    /// The same with candle's operations: `x` (tokens, heads, head length).
    pub(crate) fn forward(&self, x: &Tensor, device: &Device) -> Result<Tensor, ModelError> {
        let (tokens, heads, length) = x.dims3()?;
        let (pairs, rotated) = (self.pairs, 2 * self.pairs);
        let part = x.narrow(2, 0, rotated)?;
        let (dim, split_shape) = match self.style {
            RopeStyle::Adjacent => (3, (tokens, heads, pairs, 2)),
            RopeStyle::Halves => (2, (tokens, heads, 2, pairs)),
        };
        let part = part.contiguous()?.reshape(split_shape)?;
        let table_shape = if dim == 3 { (tokens, 1, pairs, 1) } else { (tokens, 1, 1, pairs) };
        let sines = Tensor::from_slice(&self.sines, table_shape, device)?;
        let cosines = Tensor::from_slice(&self.cosines, table_shape, device)?;
        let (a, b) = (part.narrow(dim, 0, 1)?, part.narrow(dim, 1, 1)?);
        let first = (a.broadcast_mul(&cosines)? - b.broadcast_mul(&sines)?)?;
        let second = (a.broadcast_mul(&sines)? + b.broadcast_mul(&cosines)?)?;
        let turned = Tensor::cat(&[first, second], dim)?.reshape((tokens, heads, rotated))?;
        if rotated == length {
            return Ok(turned);
        }
        let rest = x.narrow(2, rotated, length - rotated)?;
        Ok(Tensor::cat(&[turned, rest.contiguous()?], 2)?)
    }
}

fn turn_adjacent(head: &mut [f32], sines: &[f32], cosines: &[f32]) {
    for (pair, (sine, cosine)) in
        head.as_chunks_mut::<2>().0.iter_mut().zip(sines.iter().zip(cosines))
    {
        let [a, b] = *pair;
        *pair = [a * cosine - b * sine, a * sine + b * cosine];
    }
}

fn turn_halves(head: &mut [f32], sines: &[f32], cosines: &[f32]) {
    let (first, second) = head.split_at_mut(sines.len());
    for ((a, b), (sine, cosine)) in first.iter_mut().zip(second).zip(sines.iter().zip(cosines)) {
        (*a, *b) = (*a * cosine - *b * sine, *a * sine + *b * cosine);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rotation(style: RopeStyle, position: usize) -> Rotation {
        let base = RopeBase { base: 10_000.0, position_divisor: 1.0 };
        let rope = Rope { style, frequencies: frequencies(&base, 4, None), head_length: 6 };
        rope.at(&[position])
    }

    #[test]
    fn pairs_turn_by_position_times_frequency() {
        let (sine, cosine) = 3f32.sin_cos();
        let mut x = [1.0, 0.0, 0.0, 0.0, 7.0, 8.0];
        rotation(RopeStyle::Adjacent, 3).apply(&mut x, 1);
        assert_eq!(x, [cosine, sine, 0.0, 0.0, 7.0, 8.0], "the rest of the head stays");
        let mut x = [1.0, 0.0, 0.0, 0.0, 7.0, 8.0];
        rotation(RopeStyle::Halves, 3).apply(&mut x, 1);
        assert_eq!(x, [cosine, 0.0, sine, 0.0, 7.0, 8.0]);
    }

    #[test]
    fn candle_operations_turn_alike() {
        for style in [RopeStyle::Adjacent, RopeStyle::Halves] {
            let mut x: Vec<f32> = (0..12).map(|i| i as f32 * 0.3 - 1.0).collect();
            let tensor = Tensor::from_slice(&x, (1, 2, 6), &Device::Cpu).unwrap();
            rotation(style, 5).apply(&mut x, 2);
            let turned = rotation(style, 5).forward(&tensor, &Device::Cpu).unwrap();
            assert_eq!(turned.flatten_all().unwrap().to_vec1::<f32>().unwrap(), x, "{style:?}");
        }
    }

    #[test]
    fn llama3_factors_and_linear_scaling_slow_the_frequencies() {
        let base = RopeBase { base: 10_000.0, position_divisor: 2.0 };
        let scaled = frequencies(&base, 4, Some(&[1.0, 8.0]));
        assert_eq!(scaled, [0.5, 0.01 / 2.0 / 8.0]);
    }
}
