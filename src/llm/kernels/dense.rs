//! The small dense product inside attention: `c += a · b`, all row-major f32.

use super::Level;

/// `c` (rows, n) += `a` (rows, k) · `b` (k, n). Each element of `c` takes its `k` products in
/// order, so it does not matter which rows are computed together.
pub(crate) fn multiply_add(
    level: Level,
    a: &[f32],
    b: &[f32],
    c: &mut [f32],
    (rows, k, n): (usize, usize, usize),
) {
    assert!(a.len() >= rows * k && b.len() >= k * n && c.len() >= rows * n, "whole matrices");
    #[cfg(target_arch = "x86_64")]
    if level.has_avx2() && n.is_multiple_of(16) {
        let mut row = 0;
        while row < rows {
            let (a, c) = (&a[row * k..], &mut c[row * n..]);
            // SAFETY: the level says that the processor has the instructions; the lengths were
            // checked.
            unsafe {
                match rows - row {
                    1 => avx2::rows::<1>(a, b, c, k, n),
                    2 => avx2::rows::<2>(a, b, c, k, n),
                    3 => avx2::rows::<3>(a, b, c, k, n),
                    _ => avx2::rows::<4>(a, b, c, k, n),
                }
            }
            row += 4;
        }
        return;
    }
    let _ = level;
    for row in 0..rows {
        for i in 0..k {
            let factor = a[row * k + i];
            for (c, b) in c[row * n..(row + 1) * n].iter_mut().zip(&b[i * n..(i + 1) * n]) {
                *c += factor * b;
            }
        }
    }
}

/// `row *= factor`
pub(crate) fn scale(level: Level, row: &mut [f32], factor: f32) {
    #[cfg(target_arch = "x86_64")]
    if level.has_avx2() {
        // SAFETY: the level says that the processor has the instructions.
        unsafe { avx2::scale(row, factor) };
        return;
    }
    let _ = level;
    for x in row {
        *x *= factor;
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    /// `R` rows of `c` in strips of 16 columns; `n` is a multiple of 16.
    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn rows<const R: usize>(
        a: &[f32],
        b: &[f32],
        c: &mut [f32],
        k: usize,
        n: usize,
    ) {
        for strip in (0..n).step_by(16) {
            // SAFETY: the caller gives R rows of `a` and `c`, and k rows of `b`.
            unsafe {
                let mut acc = [[_mm256_setzero_ps(); 2]; R];
                for (r, acc) in acc.iter_mut().enumerate() {
                    let c = c.as_ptr().add(r * n + strip);
                    *acc = [_mm256_loadu_ps(c), _mm256_loadu_ps(c.add(8))];
                }
                for i in 0..k {
                    let b = b.as_ptr().add(i * n + strip);
                    let (b0, b1) = (_mm256_loadu_ps(b), _mm256_loadu_ps(b.add(8)));
                    for (r, acc) in acc.iter_mut().enumerate() {
                        let factor = _mm256_set1_ps(*a.get_unchecked(r * k + i));
                        acc[0] = _mm256_fmadd_ps(factor, b0, acc[0]);
                        acc[1] = _mm256_fmadd_ps(factor, b1, acc[1]);
                    }
                }
                for (r, acc) in acc.iter().enumerate() {
                    let c = c.as_mut_ptr().add(r * n + strip);
                    _mm256_storeu_ps(c, acc[0]);
                    _mm256_storeu_ps(c.add(8), acc[1]);
                }
            }
        }
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn scale(row: &mut [f32], factor: f32) {
        let whole = row.len() / 8 * 8;
        for i in (0..whole).step_by(8) {
            // SAFETY: i + 8 ≤ whole ≤ the length.
            unsafe {
                let at = row.as_mut_ptr().add(i);
                _mm256_storeu_ps(at, _mm256_mul_ps(_mm256_loadu_ps(at), _mm256_set1_ps(factor)));
            }
        }
        for x in &mut row[whole..] {
            *x *= factor;
        }
    }
}
