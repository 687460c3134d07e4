//! Each kernel against plain arithmetic, at both levels.

use super::activations::{Activations, Unit};
use super::elementwise::Activation;
use super::*;

/// The levels that this processor can run.
fn levels() -> impl Iterator<Item = Level> {
    Level::ALL.into_iter().filter(|level| level.is_supported())
}

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919 % 1009) as f32 - 504.0) / 300.0).collect()
}

#[test]
fn dense_products_add_to_what_is_there() {
    for level in levels() {
        for (rows, k, n) in [(1, 1, 16), (5, 33, 32), (7, 8, 24), (4, 64, 48)] {
            let (a, b) = (numbers(rows * k), numbers(k * n));
            let mut c = vec![0.5; rows * n];
            dense::multiply_add(level, &a, &b, &mut c, (rows, k, n));
            for row in 0..rows {
                for column in 0..n {
                    let exact: f64 = (0..k)
                        .map(|i| f64::from(a[row * k + i]) * f64::from(b[i * n + column]))
                        .sum();
                    let got = f64::from(c[row * n + column]);
                    assert!((got - exact - 0.5).abs() < 1e-4, "{level:?} {got} {exact}");
                }
            }
        }
    }
}

#[test]
fn halves_give_what_their_widened_form_gives() {
    for level in levels() {
        for (rows, k, n) in [(1, 1, 32), (2, 33, 64), (3, 8, 32), (4, 64, 128)] {
            let a = numbers(rows * k);
            let b: Vec<half::f16> = numbers(k * n).into_iter().map(half::f16::from_f32).collect();
            let wide: Vec<f32> = b.iter().map(|b| b.to_f32()).collect();
            let (mut c, mut expected) = (vec![0.5; rows * n], vec![0.5; rows * n]);
            dense::multiply_add_halves(level, &a, &b, &mut c, (rows, k, n), &b);
            dense::multiply_add(level, &a, &wide, &mut expected, (rows, k, n));
            assert_eq!(c, expected, "{level:?} {rows} × {k} × {n}");
        }
    }
}

#[test]
fn exponentials_are_exact_to_single_precision() {
    for level in levels() {
        let mut scores: Vec<f32> = (0..4096).map(|i| -(i as f32) * 0.02).collect();
        let exact: Vec<f64> = scores.iter().map(|x| f64::from(*x).exp()).collect();
        let sum = elementwise::exponentials(level, &mut scores, 0.0);
        for (got, exact) in scores.iter().zip(&exact) {
            assert!((f64::from(*got) / exact - 1.0).abs() < 1e-6, "{level:?} {got} {exact}");
        }
        assert!((f64::from(sum) - exact.iter().sum::<f64>()).abs() < 1e-3);
        let mut edges = [0.0, f32::NEG_INFINITY, -1000.0, -88.0, 0.0, 0.0, 0.0, 0.0];
        elementwise::exponentials(level, &mut edges, 0.0);
        assert_eq!(edges[..3], [1.0, 0.0, 0.0], "{level:?}");
        let mut broken = [f32::NAN; 8];
        assert!(elementwise::exponentials(level, &mut broken, 0.0).is_nan(), "{level:?}");
    }
}

#[test]
fn gates_follow_their_formulas() {
    let silu = |x: f64| x / (1.0 + (-x).exp());
    let gelu = |x: f64| {
        let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3));
        0.5 * x * (1.0 + inner.tanh())
    };
    for level in levels() {
        for activation in [Activation::Silu, Activation::GeluTanh] {
            let x: Vec<f32> = (0..203).map(|i| (i as f32 - 101.0) / 8.0).collect();
            let up = numbers(x.len());
            let mut gate = x.clone();
            elementwise::gate(level, activation, &mut gate, &up);
            for ((x, up), got) in x.iter().zip(&up).zip(&gate) {
                let x = f64::from(*x);
                let value = if activation == Activation::Silu { silu(x) } else { gelu(x) };
                let exact = value * f64::from(*up);
                assert!((f64::from(*got) - exact).abs() < 1e-5, "{level:?} {x} {got} {exact}");
            }
        }
    }
}

#[test]
fn activations_are_rounded_to_eight_bits() {
    let x = numbers(1024);
    for (level, unit) in levels().flat_map(|level| [(level, Unit::Wide), (level, Unit::Narrow)]) {
        let quantized = Activations::quantize(level, unit, &x, 512);
        for (token, x) in x.chunks_exact(512).enumerate() {
            let row = quantized.row(token);
            for (at, x) in x.iter().enumerate() {
                let scale = row.scales[at / unit.len()];
                let back = f32::from(row.q[at]) * scale;
                // Half a step; the narrow scale itself is rounded to eleven bits.
                let most = 0.501 * scale.abs() + x.abs() / 2048.0;
                assert!((x - back).abs() <= most, "{level:?} {x} {back}");
            }
            for (per, sums) in [(16, row.sums16), (32, row.sums32)] {
                for (sum, q) in sums.iter().zip(row.q.chunks_exact(per)) {
                    assert_eq!(*sum, q.iter().map(|q| i16::from(*q)).sum::<i16>());
                }
            }
        }
        for poison in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut x = numbers(256);
            x[100] = poison;
            let scale = |x: &[f32]| {
                Activations::quantize(level, unit, x, 256).row(0).scales[100 / unit.len()]
            };
            assert!(scale(&x).is_nan(), "{level:?}: {poison} is carried on");
            assert!(scale(&[poison; 256]).is_nan(), "{level:?}: {poison} is carried on");
        }
    }
}

#[test]
fn all_levels_round_alike() {
    let x = numbers(1024);
    let plain = Activations::quantize(Level::Portable, Unit::Wide, &x, 1024);
    for level in levels() {
        let quantized = Activations::quantize(level, Unit::Wide, &x, 1024);
        assert_eq!(quantized.row(0).q, plain.row(0).q, "{level:?}");
        assert_eq!(quantized.row(0).scales, plain.row(0).scales, "{level:?}");
    }
}
