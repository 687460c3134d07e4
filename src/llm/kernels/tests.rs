//! Each kernel against plain arithmetic, at both levels.

use super::elementwise::Activation;
use super::q8k::BlockQ8K;
use super::*;

const LEVELS: [Level; 2] = [Level::Avx2, Level::Portable];

/// The levels that this processor can run.
fn levels() -> impl Iterator<Item = Level> {
    LEVELS.into_iter().filter(|&l| l == Level::Portable || level() == Level::Avx2)
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
    let x = numbers(512);
    for level in levels() {
        let mut blocks = vec![BlockQ8K::ZERO; 2];
        BlockQ8K::quantize(level, &x, &mut blocks);
        for (x, block) in x.chunks_exact(256).zip(&blocks) {
            for (i, x) in x.iter().enumerate() {
                let back = f32::from(block.q[i]) * block.scale;
                assert!((x - back).abs() <= 0.501 * block.scale.abs(), "{level:?} {x} {back}");
            }
            for (sum, q) in block.sums.iter().zip(block.q.chunks_exact(16)) {
                assert_eq!(*sum, q.iter().map(|q| i16::from(*q)).sum::<i16>());
            }
        }
        for poison in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut x = numbers(256);
            x[100] = poison;
            BlockQ8K::quantize(level, &x, &mut blocks);
            assert!(blocks[0].scale.is_nan(), "{level:?}: {poison} is carried on");
            BlockQ8K::quantize(level, &[poison; 256], &mut blocks);
            assert!(blocks[0].scale.is_nan(), "{level:?}: {poison} is carried on");
        }
    }
}

#[test]
fn both_levels_round_alike() {
    if level() == Level::Avx2 {
        let (mut fast, mut portable) = (vec![BlockQ8K::ZERO; 4], vec![BlockQ8K::ZERO; 4]);
        BlockQ8K::quantize(Level::Avx2, &numbers(1024), &mut fast);
        BlockQ8K::quantize(Level::Portable, &numbers(1024), &mut portable);
        for (fast, portable) in fast.iter().zip(&portable) {
            assert_eq!((fast.q, fast.scale), (portable.q, portable.scale));
        }
    }
}
