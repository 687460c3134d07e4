//! Activations in blocks of 256 eight-bit numbers with one scale: the partner of the K-quants.

/// 256 activations: `x[i] ≈ scale · q[i]`.
#[derive(Clone)]
#[repr(C, align(32))]
pub(crate) struct BlockQ8K {
    pub(crate) q: [i8; 256],
    /// Sums of 16 consecutive `q` each.
    pub(crate) sums: [i16; 16],
    pub(crate) scale: f32,
}

impl BlockQ8K {
    pub(crate) const ZERO: Self = Self {
        q: [0; 256],
        sums: [0; 16],
        scale: 0.0,
    };

    /// The element of largest magnitude becomes −128, so that the range of a byte is used whole.
    pub(crate) fn quantize(row: &[f32], out: &mut [Self]) {
        for (x, block) in row.as_chunks::<256>().0.iter().zip(out) {
            let (mut largest, mut magnitude) = (0f32, 0f32);
            for &value in x {
                if value.abs() > magnitude {
                    (largest, magnitude) = (value, value.abs());
                }
            }
            // A NaN or infinity anywhere must reach the result, where it is reported.
            if !x.iter().all(|x| x.is_finite()) {
                *block = Self {
                    scale: f32::NAN,
                    ..Self::ZERO
                };
                continue;
            }
            if magnitude == 0.0 {
                *block = Self::ZERO;
                continue;
            }
            let inverse = -128.0 / largest;
            for (x, q) in x.iter().zip(&mut block.q) {
                *q = round_to_i8(inverse * x);
            }
            for (sum, q) in block.sums.iter_mut().zip(block.q.as_chunks::<16>().0) {
                *sum = q.iter().map(|&q| i16::from(q)).sum();
            }
            block.scale = 1.0 / inverse;
        }
    }
}

/// Rounds half to even by letting the addition of 1.5·2²³ drop the fraction.
fn round_to_i8(x: f32) -> i8 {
    const SHIFT: f32 = 12_582_912.0;
    let whole = ((x + SHIFT).to_bits() as i32) - (SHIFT.to_bits() as i32);
    whole.min(127) as i8
}
