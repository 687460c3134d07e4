//! The small steps between the matrix products: each works on host slices with our kernels, or
//! with candle's operations where the tensor lies on another device.

use candle_core::{D, Device, IndexOp, Tensor};
use rayon::prelude::*;

use super::error::ModelError;
use super::kernels::elementwise::{self, Activation};
use super::kernels::level;
use super::weights::{Compute, take_vec, with_slice};

/// Rows below this are not worth sharing among threads.
const PARALLEL_ROWS_MIN: usize = 8;

/// `x + y`, of one shape.
pub(crate) fn add(compute: &Compute, x: &Tensor, y: &Tensor) -> Result<Tensor, ModelError> {
    let Compute::Cpu = compute else {
        return Ok((x + y)?);
    };
    let sum = with_slice(x, |x| {
        with_slice(y, |y| x.iter().zip(y).map(|(x, y)| x + y).collect::<Vec<f32>>())
    })??;
    Ok(Tensor::from_vec(sum, x.shape(), &Device::Cpu)?)
}

/// `factor · x`
pub(crate) fn scale(compute: &Compute, x: Tensor, factor: f32) -> Result<Tensor, ModelError> {
    if factor == 1.0 {
        return Ok(x);
    }
    let Compute::Cpu = compute else {
        return Ok((x * f64::from(factor))?);
    };
    let shape = x.shape().clone();
    let mut values = take_vec(&x)?;
    values.iter_mut().for_each(|v| *v *= factor);
    Ok(Tensor::from_vec(values, shape, &Device::Cpu)?)
}

/// `activation(gate) · up`, both (tokens, n).
pub(crate) fn gated(
    compute: &Compute,
    activation: Activation,
    gate: &Tensor,
    up: &Tensor,
) -> Result<Tensor, ModelError> {
    let Compute::Cpu = compute else {
        let active = match activation {
            Activation::Silu => gate.silu()?,
            Activation::GeluTanh => gate.gelu()?,
        };
        return Ok((active * up)?);
    };
    let (tokens, columns) = gate.dims2()?;
    let mut values = take_vec(gate)?;
    with_slice(up, |up| {
        let rows = values.par_chunks_mut(columns).zip(up.par_chunks(columns));
        rows.with_min_len(PARALLEL_ROWS_MIN)
            .for_each(|(gate, up)| elementwise::gate(level(), activation, gate, up));
    })?;
    Ok(Tensor::from_vec(values, (tokens, columns), &Device::Cpu)?)
}

/// The given rows of `x` (tokens, n), in order.
pub(crate) fn select_rows(x: &Tensor, rows: &[usize]) -> Result<Tensor, ModelError> {
    if rows.len() == x.dim(0)? {
        return Ok(x.clone());
    }
    let picked: Vec<Tensor> =
        rows.iter().map(|&row| x.i(row..row + 1)).collect::<Result<_, _>>()?;
    Ok(Tensor::cat(&picked, 0)?.contiguous()?)
}

/// Softmax over the last dimension with candle's operations.
pub(crate) fn softmax(x: &Tensor) -> Result<Tensor, ModelError> {
    let exponentials = x.broadcast_sub(&x.max_keepdim(D::Minus1)?)?.exp()?;
    Ok(exponentials.broadcast_div(&exponentials.sum_keepdim(D::Minus1)?)?)
}
