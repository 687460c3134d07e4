//! The small dense product inside attention: `c += a · b`, all row-major f32.

use half::f16;

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

/// Rows up to which [`multiply_add_halves`] is the quicker way.
pub(crate) const FEW_ROWS: usize = 4;
/// What the columns of half-precision matrices are a multiple of.
pub(crate) const HALVES_COLUMNS: usize = 32;

/// The same as [`multiply_add`] with `b` in half precision, for up to [`FEW_ROWS`] rows and `n` a
/// multiple of [`HALVES_COLUMNS`]; every element of `c` gets the same products in the same order.
/// Meanwhile `next` is asked for from memory.
pub(crate) fn multiply_add_halves(
    level: Level,
    a: &[f32],
    b: &[f16],
    c: &mut [f32],
    (rows, k, n): (usize, usize, usize),
    next: &[f16],
) {
    assert!(rows <= FEW_ROWS && n.is_multiple_of(HALVES_COLUMNS), "few rows, whole strips");
    assert!(a.len() >= rows * k && b.len() >= k * n && c.len() >= rows * n, "whole matrices");
    #[cfg(target_arch = "x86_64")]
    if level.has_avx2() {
        // SAFETY: the level says that the processor has the instructions; the lengths were
        // checked.
        unsafe {
            match rows {
                1 => avx2::halves::<1, 4>(a, b, c, (k, n), next),
                2 => avx2::halves::<2, 4>(a, b, c, (k, n), next),
                3 => avx2::halves::<3, 2>(a, b, c, (k, n), next),
                4 => avx2::halves::<4, 2>(a, b, c, (k, n), next),
                _ => {}
            }
        }
        return;
    }
    let _ = (level, next);
    for row in 0..rows {
        for i in 0..k {
            let factor = a[row * k + i];
            for (c, b) in c[row * n..(row + 1) * n].iter_mut().zip(&b[i * n..(i + 1) * n]) {
                *c += factor * b.to_f32();
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

    use half::f16;

    /// `R` rows of `c` in strips of `W` vectors.
    #[target_feature(enable = "avx2,fma,f16c")]
    pub(super) unsafe fn halves<const R: usize, const W: usize>(
        a: &[f32],
        b: &[f16],
        c: &mut [f32],
        (k, n): (usize, usize),
        next: &[f16],
    ) {
        let next = next.as_ptr_range();
        let mut line = next.start.cast::<u8>();
        for strip in (0..n).step_by(8 * W) {
            // SAFETY: the caller gives R rows of `a` and `c`, and k rows of `b`; a prefetch reads
            // nothing.
            unsafe {
                let mut acc = [[_mm256_setzero_ps(); W]; R];
                for (r, acc) in acc.iter_mut().enumerate() {
                    for (w, acc) in acc.iter_mut().enumerate() {
                        *acc = _mm256_loadu_ps(c.as_ptr().add(r * n + strip + 8 * w));
                    }
                }
                for i in 0..k {
                    if line < next.end.cast() {
                        _mm_prefetch::<_MM_HINT_T0>(line.cast());
                        line = line.wrapping_add(64);
                    }
                    for w in 0..W {
                        let b = b.as_ptr().add(i * n + strip + 8 * w);
                        let b = _mm256_cvtph_ps(_mm_loadu_si128(b.cast()));
                        for (r, acc) in acc.iter_mut().enumerate() {
                            let factor = _mm256_set1_ps(*a.get_unchecked(r * k + i));
                            acc[w] = _mm256_fmadd_ps(factor, b, acc[w]);
                        }
                    }
                }
                for (r, acc) in acc.iter().enumerate() {
                    for (w, acc) in acc.iter().enumerate() {
                        _mm256_storeu_ps(c.as_mut_ptr().add(r * n + strip + 8 * w), *acc);
                    }
                }
            }
        }
    }

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
