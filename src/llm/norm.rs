//! RMS normalization: `y = w · x / √(mean(x²) + ε)`, over a row or over each head of a row.

use candle_core::{D, Device, Tensor};
use rayon::prelude::*;

use super::error::ModelError;
use super::gguf::Gguf;
use super::weights::{Compute, Vector, take_vec};

const PARALLEL_ROWS_MIN: usize = 8;

pub(crate) struct RmsNorm {
    weight: Vector,
    epsilon: f32,
}

impl RmsNorm {
    pub(crate) fn load(
        gguf: &Gguf,
        name: &str,
        (length, epsilon): (usize, f32),
        compute: &Compute,
    ) -> Result<Self, ModelError> {
        Ok(Self { weight: Vector::load(gguf, name, length, compute)?, epsilon })
    }

    /// Normalizes the last dimension.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor, ModelError> {
        match &self.weight {
            Vector::Device(weight) => {
                let mean = x.sqr()?.mean_keepdim(D::Minus1)?;
                let root = (mean + f64::from(self.epsilon))?.sqrt()?;
                Ok(x.broadcast_div(&root)?.broadcast_mul(weight)?)
            }
            Vector::Host(_) => {
                let mut values = take_vec(x)?;
                self.apply(&mut values);
                Ok(Tensor::from_vec(values, x.shape(), &Device::Cpu)?)
            }
        }
    }

    /// Normalizes consecutive runs of the weight's length in place. Host weights only; on another
    /// device [`Self::forward`] is used.
    pub(crate) fn apply(&self, values: &mut [f32]) {
        let Vector::Host(weight) = &self.weight else {
            return;
        };
        let rows = values.par_chunks_mut(weight.len()).with_min_len(PARALLEL_ROWS_MIN);
        rows.for_each(|row| normalize(row, weight, self.epsilon));
    }
}

fn normalize(row: &mut [f32], weight: &[f32], epsilon: f32) {
    let mut squares = [0f32; 8];
    let (chunks, tail) = row.as_chunks::<8>();
    for chunk in chunks {
        for i in 0..8 {
            squares[i] += chunk[i] * chunk[i];
        }
    }
    let sum = squares.iter().sum::<f32>() + tail.iter().map(|x| x * x).sum::<f32>();
    let root = (sum / row.len() as f32 + epsilon).sqrt();
    for (x, w) in row.iter_mut().zip(weight) {
        *x = *x / root * w;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_get_unit_mean_square_times_weight() {
        let norm = RmsNorm { weight: Vector::Host(vec![1.0, 2.0, 1.0, 1.0]), epsilon: 0.0 };
        let x = Tensor::new(&[[1f32, -1.0, 1.0, 1.0], [0.0, 4.0, 0.0, 0.0]], &Device::Cpu);
        let y = norm.forward(&x.unwrap()).unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(y, [[1.0, -2.0, 1.0, 1.0], [0.0, 4.0, 0.0, 0.0]]);
    }
}
