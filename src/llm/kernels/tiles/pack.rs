//! From the blocks of a GGUF file to tiles, and single weights back out of them.
//!
//! In a tile of nibbles, group `g` of four columns (`column / 4`) lies in 64 bytes, four for each
//! row: even groups in the lower nibbles, the odd one after it in the upper nibbles of the same
//! bytes. Block layouts of GGUF: ggml's `ggml-common.h` and `ggml-quants.c`.

use half::f16;

use super::{Format, ROWS, Unit};

/// Offsets within a tile of the K-quants.
pub(super) mod offset {
    /// Fifth bits (Q5_K) or upper two bits (Q6_K), after the nibbles.
    pub(in super::super) const HIGH: usize = 2048;

    pub(in super::super) const fn scales(bits: usize) -> usize {
        match bits {
            4 => HIGH,
            5 => HIGH + 512,
            _ => HIGH + 1024,
        }
    }

    /// Q4_K and Q5_K only.
    pub(in super::super) const fn minima(bits: usize) -> usize {
        scales(bits) + 128
    }

    pub(in super::super) const fn d(bits: usize) -> usize {
        scales(bits) + 256
    }
}

/// Rearranges up to sixteen rows, given as the bytes of a GGUF tensor, into a strip of zeros.
pub(crate) fn pack_strip(format: Format, rows: &[u8], columns: usize, strip: &mut [u8]) {
    let blocks = columns / format.columns();
    for (row, bytes) in rows.chunks_exact(blocks * format.gguf_bytes()).enumerate() {
        for (block, bytes) in bytes.chunks_exact(format.gguf_bytes()).enumerate() {
            match format {
                Format::Q4K => pack_q4k(bytes, tile(format, strip, block), row),
                Format::Q5K => pack_q5k(bytes, tile(format, strip, block), row),
                Format::Q6K => pack_q6k(bytes, tile(format, strip, block), row),
                Format::Q8_0 | Format::Q4_0 => pack_simple(format, bytes, strip, block, row),
            }
        }
    }
}

fn tile(format: Format, strip: &mut [u8], block: usize) -> &mut [u8] {
    &mut strip[block * format.tile_bytes()..(block + 1) * format.tile_bytes()]
}

/// Four bytes as a number, so that four weights are moved at once.
fn four(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Adds bits to four bytes.
fn add_four(bytes: &mut [u8], at: usize, bits: u32) {
    let sum = four(bytes, at) | bits;
    bytes[at..at + 4].copy_from_slice(&sum.to_le_bytes());
}

/// The lowest `count` bits of each of four bytes.
const fn low(count: u32) -> u32 {
    0x0101_0101 * ((1 << count) - 1)
}

/// The bytes of a group's nibbles in a tile, and the shift within them.
fn nibbles(row: usize, group: usize) -> (usize, u32) {
    (group / 2 * 64 + row * 4, 4 * (group % 2) as u32)
}

fn put_half(tile: &mut [u8], at: usize, row: usize, half: [u8; 2]) {
    tile[at + 2 * row..at + 2 * row + 2].copy_from_slice(&half);
}

fn get_half(tile: &[u8], at: usize, row: usize) -> f32 {
    f16::from_le_bytes([tile[at + 2 * row], tile[at + 2 * row + 1]]).to_f32()
}

/// Scale and minimum of sub-block `sub`: six bits each, packed in twelve bytes.
fn scale_and_minimum(packed: &[u8], sub: usize) -> (u8, u8) {
    if sub < 4 {
        (packed[sub] & 63, packed[sub + 4] & 63)
    } else {
        let low = packed[sub + 4];
        let high = |at: usize| packed[at] >> 6 << 4;
        ((low & 15) | high(sub - 4), (low >> 4) | high(sub))
    }
}

/// Scales of a sub-block side by side; minima of two sub-blocks in turn, as pairs for one
/// multiplication.
fn put_scales(bits: usize, packed: &[u8], tile: &mut [u8], row: usize) {
    for sub in 0..8 {
        let (scale, minimum) = scale_and_minimum(packed, sub);
        tile[offset::scales(bits) + sub * ROWS + row] = scale;
        tile[offset::minima(bits) + sub / 2 * 32 + row * 2 + sub % 2] = minimum;
    }
}

/// The nibbles of Q4_K and Q5_K: 32 bytes hold 32 columns low and the next 32 high.
fn put_nibbles(numbers: &[u8], tile: &mut [u8], row: usize) {
    for group in 0..64 {
        let packed = four(numbers, group / 16 * 32 + group % 8 * 4);
        let q = packed >> (group / 8 % 2 * 4) & low(4);
        let (at, shift) = nibbles(row, group);
        add_four(tile, at, q << shift);
    }
}

fn pack_q4k(block: &[u8], tile: &mut [u8], row: usize) {
    put_half(tile, offset::d(4), row, [block[0], block[1]]);
    put_half(tile, offset::d(4) + 32, row, [block[2], block[3]]);
    put_scales(4, &block[4..16], tile, row);
    put_nibbles(&block[16..144], tile, row);
}

fn pack_q5k(block: &[u8], tile: &mut [u8], row: usize) {
    put_half(tile, offset::d(5), row, [block[0], block[1]]);
    put_half(tile, offset::d(5) + 32, row, [block[2], block[3]]);
    put_scales(5, &block[4..16], tile, row);
    put_nibbles(&block[48..176], tile, row);
    for group in 0..64 {
        // Bit `sub` of a byte belongs to sub-block `sub`.
        let fifth = four(block, 16 + group % 8 * 4) >> (group / 8) & low(1);
        add_four(tile, high5(row, group), fifth << (group % 8));
    }
}

/// The bytes with the fifth bits of a sub-block's eight groups: bit `g` belongs to group `g`.
fn high5(row: usize, group: usize) -> usize {
    offset::HIGH + group / 8 * 64 + row * 4
}

fn pack_q6k(block: &[u8], tile: &mut [u8], row: usize) {
    put_half(tile, offset::d(6), row, [block[208], block[209]]);
    for sub in 0..16 {
        tile[offset::scales(6) + sub / 2 * 32 + row * 2 + sub % 2] = block[192 + sub];
    }
    for group in 0..64 {
        // In each half of 128 columns: 64 bytes of nibbles, 32 bytes of upper bits.
        let (half, group_in) = (group / 32, group % 32);
        let nibble = four(block, half * 64 + group_in % 16 * 4) >> (group_in / 16 * 4) & low(4);
        let upper = four(block, 128 + half * 32 + group_in % 8 * 4) >> (group_in / 8 * 2) & low(2);
        let (at, shift) = nibbles(row, group);
        add_four(tile, at, nibble << shift);
        add_four(tile, high6(row, group), upper << (group % 4 * 2));
    }
}

/// The bytes with the upper bits of four groups, two each.
fn high6(row: usize, group: usize) -> usize {
    offset::HIGH + group / 4 * 64 + row * 4
}

/// Where the scales of a strip of the simple types begin.
pub(super) const fn simple_scales(format: Format, blocks: usize) -> usize {
    blocks * (format.tile_bytes() - 2 * ROWS)
}

fn pack_simple(format: Format, block: &[u8], strip: &mut [u8], at: usize, row: usize) {
    let blocks = strip.len() / format.tile_bytes();
    put_half(strip, simple_scales(format, blocks) + at * 2 * ROWS, row, [block[0], block[1]]);
    let numbers = &mut strip[at * (format.tile_bytes() - 2 * ROWS)..];
    for group in 0..8 {
        if format == Format::Q8_0 {
            add_four(numbers, group * 64 + row * 4, four(block, 2 + group * 4));
        } else {
            let q = four(block, 2 + group % 4 * 4) >> (group / 4 * 4) & low(4);
            let (at, shift) = nibbles(row, group);
            add_four(numbers, at, q << shift);
        }
    }
}

/// The number of a row and column of the strip, as it is multiplied by its scale.
pub(super) fn number(format: Format, strip: &[u8], row: usize, column: usize) -> i32 {
    let (block, column) = (column / format.columns(), column % format.columns());
    let (group, lane) = (column / 4, column % 4);
    let (at, shift) = nibbles(row, group);
    let nibble = |tile: &[u8]| i32::from(tile[at + lane] >> shift & 15);
    let tile = |format: Format| &strip[block * format.tile_bytes()..];
    match format {
        Format::Q4_0 => nibble(&strip[block * 256..]) - 8,
        Format::Q8_0 => i32::from(strip[block * 512 + group * 64 + row * 4 + lane].cast_signed()),
        Format::Q4K => nibble(tile(format)),
        Format::Q5K => {
            let fifth = tile(format)[high5(row, group) + lane] >> (group % 8) & 1;
            nibble(tile(format)) | i32::from(fifth) << 4
        }
        Format::Q6K => {
            let upper = tile(format)[high6(row, group) + lane] >> (group % 4 * 2) & 3;
            (nibble(tile(format)) | i32::from(upper) << 4) - 32
        }
    }
}

/// What turns the numbers of a run of columns into weights: `w = d · scale · q − dmin · minimum`.
pub(super) struct Scale {
    pub(super) d: f32,
    pub(super) scale: i32,
    pub(super) dmin: f32,
    pub(super) minimum: i32,
}

/// The scale of the run that `column` belongs to: 32 columns, 16 with Q6_K.
pub(super) fn scale(format: Format, strip: &[u8], row: usize, column: usize) -> Scale {
    let (block, column) = (column / format.columns(), column % format.columns());
    let blocks = strip.len() / format.tile_bytes();
    let tile = match format.unit() {
        Unit::Wide => &strip[block * format.tile_bytes()..],
        Unit::Narrow => strip,
    };
    match format {
        Format::Q8_0 | Format::Q4_0 => {
            let d = get_half(strip, simple_scales(format, blocks) + block * 2 * ROWS, row);
            Scale { d, scale: 1, dmin: 0.0, minimum: 0 }
        }
        Format::Q6K => {
            let sub = column / 16;
            let at = offset::scales(6) + sub / 2 * 32 + row * 2 + sub % 2;
            let scale = i32::from(tile[at].cast_signed());
            Scale { d: get_half(tile, offset::d(6), row), scale, dmin: 0.0, minimum: 0 }
        }
        Format::Q4K | Format::Q5K => {
            let (bits, sub) = (if format == Format::Q4K { 4 } else { 5 }, column / 32);
            let minimum = tile[offset::minima(bits) + sub / 2 * 32 + row * 2 + sub % 2];
            Scale {
                d: get_half(tile, offset::d(bits), row),
                scale: i32::from(tile[offset::scales(bits) + sub * ROWS + row]),
                dmin: get_half(tile, offset::d(bits) + 32, row),
                minimum: i32::from(minimum),
            }
        }
    }
}

/// Columns that share a [`Scale`].
pub(super) const fn run(format: Format) -> usize {
    if matches!(format, Format::Q6K) { 16 } else { 32 }
}

/// The weights of a row as numbers.
pub(super) fn dequantize_row(format: Format, strip: &[u8], row: usize, out: &mut [f32]) {
    let run = run(format);
    for (index, out) in out.chunks_exact_mut(run).enumerate() {
        let s = scale(format, strip, row, index * run);
        let (d, minimum) = (s.d * s.scale as f32, s.dmin * s.minimum as f32);
        for (i, out) in out.iter_mut().enumerate() {
            *out = d * number(format, strip, row, index * run + i) as f32 - minimum;
        }
    }
}
