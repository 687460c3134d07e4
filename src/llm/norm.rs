//! RMS normalization: `y = w · x / √(mean(x²) + ε)`, over a row or over each head of a row.

use candle_core::{D, Tensor};

use super::error::ModelError;
use super::gguf::Gguf;
use super::kernels::pool;
use super::weights::{Compute, Vector};

/// Runs that one task normalizes, and tasks below which it is not worth sharing.
const RUNS_AT_ONCE: usize = 8;
const PARALLEL_TASKS_MIN: usize = 4;

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

    /// Normalizes the last dimension, on a device.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor, ModelError> {
        let weight = self.weight.tensor(x.device())?;
        let mean = x.sqr()?.mean_keepdim(D::Minus1)?;
        let root = (mean + f64::from(self.epsilon))?.sqrt()?;
        Ok(x.broadcast_div(&root)?.broadcast_mul(&weight)?)
    }

    /// Normalizes consecutive runs of the weight's length in place. Host weights only; on a
    /// device [`Self::forward`] is used.
    pub(crate) fn apply(&self, values: &mut [f32]) {
        let Some(weight) = self.weight.host() else { return };
        let tasks = values.chunks_mut(RUNS_AT_ONCE * weight.len());
        pool::for_each(tasks, PARALLEL_TASKS_MIN, |runs| {
            runs.chunks_mut(weight.len()).for_each(|run| normalize(run, weight, self.epsilon));
        });
    }

    /// The same from one buffer to another.
    pub(crate) fn normalize(&self, from: &[f32], to: &mut Vec<f32>) {
        to.clear();
        to.extend_from_slice(from);
        self.apply(to);
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
    use candle_core::Device;

    use super::*;

    #[test]
    fn rows_get_unit_mean_square_times_weight() {
        let norm = RmsNorm { weight: Vector::Host(vec![1.0, 2.0, 1.0, 1.0]), epsilon: 0.0 };
        let mut x = [1f32, -1.0, 1.0, 1.0, 0.0, 4.0, 0.0, 0.0];
        let tensor = Tensor::from_slice(&x, (2, 4), &Device::Cpu).unwrap();
        let expected = [1.0, -2.0, 1.0, 1.0, 0.0, 4.0, 0.0, 0.0];
        norm.apply(&mut x);
        assert_eq!(x, expected);
        let on_device = norm.forward(&tensor).unwrap();
        assert_eq!(on_device.flatten_all().unwrap().to_vec1::<f32>().unwrap(), expected);
    }
}
