//! Signed bytes times their scales: the reading side of keys and values in 8 bits.

use super::Level;

/// `to[r][c] = from[r][c] · scales[c]`, rows of 32.
pub(crate) fn scale_columns(level: Level, from: &[i8], scales: &[f32; 32], to: &mut [f32]) {
    assert_eq!(from.len(), to.len(), "as many numbers as places");
    #[cfg(target_arch = "x86_64")]
    if level.has_avx2() {
        // SAFETY: the level says that the processor has the instructions.
        unsafe { avx2::scale_columns(from, scales, to) };
        return;
    }
    let _ = level;
    columns(from, scales, to);
}

/// `to[i] = from[i] · scale`
pub(crate) fn scale_run(level: Level, from: &[i8], scale: f32, to: &mut [f32]) {
    assert_eq!(from.len(), to.len(), "as many numbers as places");
    #[cfg(target_arch = "x86_64")]
    if level.has_avx2() {
        // SAFETY: the level says that the processor has the instructions.
        unsafe { avx2::scale_run(from, scale, to) };
        return;
    }
    let _ = level;
    run(from, scale, to);
}

#[inline(always)]
fn columns(from: &[i8], scales: &[f32; 32], to: &mut [f32]) {
    for (from, to) in from.as_chunks::<32>().0.iter().zip(to.as_chunks_mut::<32>().0) {
        for i in 0..32 {
            to[i] = f32::from(from[i]) * scales[i];
        }
    }
}

#[inline(always)]
fn run(from: &[i8], scale: f32, to: &mut [f32]) {
    for (from, to) in from.iter().zip(to) {
        *to = f32::from(*from) * scale;
    }
}

/// The same loops, compiled for these instructions.
#[cfg(target_arch = "x86_64")]
mod avx2 {
    #[target_feature(enable = "avx2")]
    pub(super) fn scale_columns(from: &[i8], scales: &[f32; 32], to: &mut [f32]) {
        super::columns(from, scales, to);
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn scale_run(from: &[i8], scale: f32, to: &mut [f32]) {
        super::run(from, scale, to);
    }
}
