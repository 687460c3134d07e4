//! The product in plain Rust, for processors without the vector instructions: what the other
//! kernels must agree with.

use super::{Format, ROWS, Row, pack};

/// One strip times one token. Sums within 256 columns (32 with the simple types) are integers.
pub(super) fn strip(format: Format, strip: &[u8], x: Row<'_>, result: &mut [f32; ROWS]) {
    let run = pack::run(format);
    let columns = format.columns();
    for (row, result) in result.iter_mut().enumerate() {
        let mut sum = 0f32;
        for (block, &x_scale) in x.scales.iter().enumerate() {
            let (mut products, mut minima) = (0i32, 0i32);
            let (mut d, mut dmin) = (0.0, 0.0);
            for start in (block * columns..(block + 1) * columns).step_by(run) {
                let s = pack::scale(format, strip, row, start);
                let dot: i32 = (start..start + run)
                    .map(|column| pack::number(format, strip, row, column) * i32::from(x.q[column]))
                    .sum();
                products += dot * s.scale;
                if s.minimum != 0 {
                    minima += s.minimum * i32::from(x.sums32[start / 32]);
                }
                (d, dmin) = (s.d, s.dmin);
            }
            sum = (products as f32).mul_add(d * x_scale, sum);
            if dmin != 0.0 {
                sum = (-(minima as f32)).mul_add(dmin * x_scale, sum);
            }
        }
        *result = sum;
    }
}
