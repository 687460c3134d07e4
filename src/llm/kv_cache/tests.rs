//! Blocks give back what was stored in them, within what their numbers hold.

use super::*;
use crate::llm::kernels::{Level, level};

/// Numbers of very different sizes: groups with a scale of their own.
fn rows(count: usize, length: usize) -> Vec<f32> {
    (0..count * length)
        .map(|i| ((i * 37 % 101) as f32 - 50.0) * 10f32.powi((i / 32 % 5) as i32 - 2))
        .collect()
}

/// Stores rows from position 5 on over three blocks of a pool in no order, and gives the largest
/// error relative to the largest number of its group of 32.
fn error_max<T: KvNumber>(level: Level, heads: usize, length: usize) -> f32 {
    let mut layer = HostLayer::<T>::new(heads, length, 4);
    let (tokens, position) = (70, 5);
    let (keys, values) = (rows(tokens, heads * length), rows(tokens + 1, heads * length));
    let blocks = [3, 0, 2];
    let span = Span { slot: 0, blocks: &blocks, position, row: 0, tokens };
    layer.write(&[span], &keys, &values);
    let mut loaded = vec![0.0; BLOCK * length];
    let mut error = 0f32;
    let mut compare = |expected: &[f32], stored: &dyn Fn(usize) -> f32| {
        for (index, group) in expected.chunks(32).enumerate() {
            let largest = group.iter().fold(0f32, |most, x| most.max(x.abs()));
            for (i, x) in group.iter().enumerate() {
                error = error.max((stored(index * 32 + i) - x).abs() / largest);
            }
        }
    };
    for token in 0..tokens {
        let (at, lane) = ((position + token) / BLOCK, (position + token) % BLOCK);
        for head in 0..heads {
            let from = (token * heads + head) * length;
            T::load_keys(level, layer.key_block(blocks[at], head), &mut loaded);
            compare(&keys[from..from + length], &|i| loaded[i * BLOCK + lane]);
            T::load_values(level, layer.value_block(blocks[at], head), &mut loaded);
            compare(&values[from..from + length], &|i| loaded[lane * length + i]);
        }
    }
    error
}

#[test]
fn blocks_hold_what_was_stored() {
    for level in [Level::Portable, level()] {
        for length in [32, 64, 80, 128] {
            assert_eq!(error_max::<f32>(level, 2, length), 0.0);
            let half = error_max::<f16>(level, 2, length);
            assert!(half <= 1.0 / 2048.0, "{length}: {half}");
            // Half a step of 1/127, and what rounding the scale to f16 adds to 127 steps.
            let bytes = error_max::<ByteBlocks>(level, 2, length);
            assert!(bytes <= 0.5 / 127.0 + 1.0 / 2048.0, "{length}: {bytes}");
        }
    }
}

#[test]
fn bytes_do_not_hide_what_is_no_number() {
    for bad in [f32::NAN, f32::INFINITY, 1e9] {
        let mut block = ByteBlocks::zeros(ByteBlocks::block_length(64));
        let mut row = vec![1.0; 64];
        row[40] = bad;
        ByteBlocks::store_key(&mut block, 7, &row);
        let mut keys = vec![0.0; 64 * BLOCK];
        ByteBlocks::load_keys(level(), &block, &mut keys);
        assert!(keys[40 * BLOCK + 7].is_nan(), "{bad}");
        assert!((keys[7] - 1.0).abs() < 0.01, "the other group is untouched");
    }
}

#[test]
fn copies_and_cleared_blocks() {
    let mut layer = HostLayer::<f16>::new(1, 32, 3);
    let row = rows(1, 32);
    layer.write(&[Span { slot: 0, blocks: &[1], position: 0, row: 0, tokens: 1 }], &row, &row);
    layer.copy(1, 2);
    assert_eq!(layer.key_block(2, 0), layer.key_block(1, 0));
    layer.clear(1);
    assert!(layer.key_block(1, 0).iter().all(|x| *x == f16::ZERO));
    assert_ne!(layer.value_block(2, 0), layer.value_block(1, 0));
}
