//! The small steps between the matrix products, with candle's operations, for devices.

use candle_core::{D, IndexOp, Tensor};

use super::error::ModelError;
use super::kernels::elementwise::Activation;

/// `factor · x`
pub(crate) fn scale(x: Tensor, factor: f32) -> Result<Tensor, ModelError> {
    if factor == 1.0 { Ok(x) } else { Ok((x * f64::from(factor))?) }
}

/// `activation(gate) · up`, both (tokens, n).
pub(crate) fn gated(
    activation: Activation,
    gate: &Tensor,
    up: &Tensor,
) -> Result<Tensor, ModelError> {
    let active = match activation {
        Activation::Silu => gate.silu()?,
        Activation::GeluTanh => gate.gelu()?,
    };
    Ok((active * up)?)
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

/// Softmax over the last dimension.
pub(crate) fn softmax(x: &Tensor) -> Result<Tensor, ModelError> {
    let exponentials = x.broadcast_sub(&x.max_keepdim(D::Minus1)?)?.exp()?;
    Ok(exponentials.broadcast_div(&exponentials.sum_keepdim(D::Minus1)?)?)
}
