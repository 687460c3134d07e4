//! How a block of one head is stored: the keys of 32 positions transposed (element by element,
//! positions together), so that scores are computed 16 at a time without shuffling; the values
//! position by position.

use half::f16;
use half::slice::HalfFloatSliceExt;
use half::vec::HalfBitsVecExt;

use super::BLOCK;
use crate::llm::kernels::{Level, bytes, floats};

/// A unit of the storage of keys and values.
pub(crate) trait KvNumber: Copy + Default + Send + Sync {
    /// Units that the keys, or the values, of a block and a head take.
    fn block_length(head_length: usize) -> usize {
        BLOCK * head_length
    }

    /// Memory that the system zeroes when it is first used, so that unused blocks cost nothing.
    fn zeros(count: usize) -> Vec<Self>;

    /// Stores the key of one head at `lane` (0 to 31) of a block.
    fn store_key(block: &mut [Self], lane: usize, key: &[f32]);

    /// Stores the value of one head at `lane` of a block.
    fn store_value(block: &mut [Self], lane: usize, value: &[f32]);

    /// The keys of a block: (head length, 32).
    fn load_keys(level: Level, block: &[Self], keys: &mut [f32]);

    /// The values of a block: (32, head length).
    fn load_values(level: Level, block: &[Self], values: &mut [f32]);

    /// The block itself where it is half-precision numbers in the order of the two above: for few
    /// queries they are multiplied as they are.
    fn halves(_: &[Self]) -> Option<&[f16]> {
        None
    }
}

impl KvNumber for f16 {
    fn zeros(count: usize) -> Vec<Self> {
        // Only for integers does the standard library ask the system for zeroed memory.
        vec![0u16; count].reinterpret_into()
    }

    fn store_key(block: &mut [Self], lane: usize, key: &[f32]) {
        let mut narrow = [Self::ZERO; BLOCK];
        for (rows, key) in block.chunks_mut(BLOCK * BLOCK).zip(key.chunks(BLOCK)) {
            let narrow = &mut narrow[..key.len()];
            narrow.convert_from_f32_slice(key);
            rows[lane..].iter_mut().step_by(BLOCK).zip(narrow).for_each(|(to, from)| *to = *from);
        }
    }

    fn store_value(block: &mut [Self], lane: usize, value: &[f32]) {
        block[lane * value.len()..(lane + 1) * value.len()].convert_from_f32_slice(value);
    }

    fn load_keys(level: Level, block: &[Self], keys: &mut [f32]) {
        floats::widen_f16(level, block, keys);
    }

    fn load_values(level: Level, block: &[Self], values: &mut [f32]) {
        floats::widen_f16(level, block, values);
    }

    fn halves(block: &[Self]) -> Option<&[f16]> {
        Some(block)
    }
}

impl KvNumber for f32 {
    fn zeros(count: usize) -> Vec<Self> {
        vec![0.0; count]
    }

    fn store_key(block: &mut [Self], lane: usize, key: &[f32]) {
        block[lane..].iter_mut().step_by(BLOCK).zip(key).for_each(|(to, from)| *to = *from);
    }

    fn store_value(block: &mut [Self], lane: usize, value: &[f32]) {
        block[lane * value.len()..(lane + 1) * value.len()].copy_from_slice(value);
    }

    fn load_keys(_: Level, block: &[Self], keys: &mut [f32]) {
        keys.copy_from_slice(block);
    }

    fn load_values(_: Level, block: &[Self], values: &mut [f32]) {
        values.copy_from_slice(block);
    }
}

/// q8_0: the numbers of a block as signed bytes, laid out as the other types are; behind them the
/// scales, an f16 in two bytes for each 32 elements of a head (the last may be fewer) and
/// position: (groups, 32) for keys, (32, groups) for values.
pub(crate) type ByteBlocks = i8;

/// Elements of a head that share a scale.
const GROUP: usize = 32;
const SCALE_BYTES: usize = 2;

fn groups(head_length: usize) -> usize {
    head_length.div_ceil(GROUP)
}

/// The scale of a group, and what its numbers are multiplied by to become bytes. A group that
/// holds something that is no number, or is too large, gets a scale that makes all of it NaN: an
/// overflow must not pass for small numbers.
fn scale_of(group: &[f32]) -> (f16, f32) {
    let largest = group.iter().fold(0f32, |largest, x| largest.max(x.abs()));
    let scale = f16::from_f32(largest / 127.0);
    match scale.to_f32() {
        _ if group.iter().any(|x| !x.is_finite()) => (f16::NAN, 0.0),
        0.0 => (scale, 0.0),
        wide if wide.is_finite() => (scale, 1.0 / wide),
        _ => (f16::NAN, 0.0),
    }
}

fn byte(x: f32, factor: f32) -> i8 {
    // The cast saturates: rounding of the scale may push the largest number to 127.06.
    (x * factor).round().clamp(-127.0, 127.0) as i8
}

fn write_scale(at: &mut [i8], scale: f16) {
    at.copy_from_slice(&scale.to_le_bytes().map(u8::cast_signed));
}

fn read_scale(at: &[i8]) -> f32 {
    f16::from_le_bytes([at[0].cast_unsigned(), at[1].cast_unsigned()]).to_f32()
}

impl KvNumber for ByteBlocks {
    fn block_length(head_length: usize) -> usize {
        BLOCK * (head_length + SCALE_BYTES * groups(head_length))
    }

    fn zeros(count: usize) -> Vec<Self> {
        vec![0; count]
    }

    fn store_key(block: &mut [Self], lane: usize, key: &[f32]) {
        let (numbers, scales) = block.split_at_mut(BLOCK * key.len());
        for (index, group) in key.chunks(GROUP).enumerate() {
            let (scale, factor) = scale_of(group);
            write_scale(&mut scales[(index * BLOCK + lane) * SCALE_BYTES..][..SCALE_BYTES], scale);
            let lanes = numbers[index * GROUP * BLOCK + lane..].iter_mut().step_by(BLOCK);
            lanes.zip(group).for_each(|(to, from)| *to = byte(*from, factor));
        }
    }

    fn store_value(block: &mut [Self], lane: usize, value: &[f32]) {
        let (numbers, scales) = block.split_at_mut(BLOCK * value.len());
        let numbers = &mut numbers[lane * value.len()..(lane + 1) * value.len()];
        for (index, (to, group)) in numbers.chunks_mut(GROUP).zip(value.chunks(GROUP)).enumerate() {
            let (scale, factor) = scale_of(group);
            let at = (lane * groups(value.len()) + index) * SCALE_BYTES;
            write_scale(&mut scales[at..at + SCALE_BYTES], scale);
            to.iter_mut().zip(group).for_each(|(to, from)| *to = byte(*from, factor));
        }
    }

    fn load_keys(level: Level, block: &[Self], keys: &mut [f32]) {
        let (numbers, scales) = block.split_at(keys.len());
        let groups = numbers.chunks(GROUP * BLOCK).zip(keys.chunks_mut(GROUP * BLOCK));
        for ((numbers, keys), scales) in groups.zip(scales.chunks_exact(BLOCK * SCALE_BYTES)) {
            let mut wide = [0f32; BLOCK];
            let pairs = wide.iter_mut().zip(scales.chunks_exact(SCALE_BYTES));
            pairs.for_each(|(to, scale)| *to = read_scale(scale));
            bytes::scale_columns(level, numbers, &wide, keys);
        }
    }

    fn load_values(level: Level, block: &[Self], values: &mut [f32]) {
        let (numbers, scales) = block.split_at(values.len());
        let length = values.len() / BLOCK;
        let rows = numbers.chunks_exact(length).zip(values.chunks_exact_mut(length));
        let scales = scales.chunks_exact(groups(length) * SCALE_BYTES);
        for ((numbers, values), scales) in rows.zip(scales) {
            let groups = numbers.chunks(GROUP).zip(values.chunks_mut(GROUP));
            for ((numbers, values), scale) in groups.zip(scales.chunks_exact(SCALE_BYTES)) {
                bytes::scale_run(level, numbers, read_scale(scale), values);
            }
        }
    }
}
