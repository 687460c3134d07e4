//! Which character a glyph of a TrueType or OpenType program draws: its `cmap`, inverted.
//!
//! Every read is checked: the program comes out of a file that nobody vouches for.

use std::collections::HashMap;

/// Glyph id → character, from the Unicode subtables; empty when there is none.
pub(super) fn characters_by_glyph(font: &[u8]) -> HashMap<u32, char> {
    let mut characters = HashMap::new();
    let Some(cmap) = table(font, b"cmap") else {
        return characters;
    };
    let count = u16_at(cmap, 2).unwrap_or(0).min(64);
    for index in 0..usize::from(count) {
        let record = 4 + index * 8;
        let (Some(platform), Some(encoding), Some(offset)) =
            (u16_at(cmap, record), u16_at(cmap, record + 2), u32_at(cmap, record + 4))
        else {
            break;
        };
        let unicode = platform == 0 || (platform == 3 && matches!(encoding, 1 | 10));
        if let Some(subtable) = cmap.get(offset as usize..).filter(|_| unicode) {
            match u16_at(subtable, 0) {
                Some(4) => format4(subtable, &mut characters),
                Some(12) => format12(subtable, &mut characters),
                _ => None,
            };
        }
    }
    characters
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes([pair[0], pair[1]]))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from(u16_at(bytes, at)?) << 16 | u32::from(u16_at(bytes, at.checked_add(2)?)?))
}

fn table<'f>(font: &'f [u8], tag: &[u8; 4]) -> Option<&'f [u8]> {
    let count = usize::from(u16_at(font, 4)?);
    let record =
        (0..count).map(|index| 12 + index * 16).find(|at| font.get(*at..*at + 4) == Some(tag))?;
    font.get(u32_at(font, record + 8)? as usize..)
}

fn insert(characters: &mut HashMap<u32, char>, glyph: u32, code: u32) {
    if let Some(c) = char::from_u32(code).filter(|_| glyph != 0) {
        let kept = characters.entry(glyph).or_insert(c);
        // Of several characters with one glyph, the unified ideograph is the usual one.
        if matches!(u32::from(*kept), 0x2E80..=0x2FDF | 0xF900..=0xFAFF) {
            *kept = c;
        }
    }
}

/// Segments of the basic plane.
fn format4(subtable: &[u8], characters: &mut HashMap<u32, char>) -> Option<()> {
    let segments = usize::from(u16_at(subtable, 6)? / 2);
    // Sound segments do not overlap: together they hold no more codes than the plane.
    let mut codes_left = 0x1_0000u32;
    let (ends, starts) = (14, 16 + segments * 2);
    let (deltas, offsets) = (starts + segments * 2, starts + segments * 4);
    for segment in 0..segments {
        let end = u16_at(subtable, ends + segment * 2)?;
        let start = u16_at(subtable, starts + segment * 2)?;
        let delta = u16_at(subtable, deltas + segment * 2)?;
        let offset_at = offsets + segment * 2;
        let offset = usize::from(u16_at(subtable, offset_at)?);
        codes_left = codes_left.checked_sub(u32::from(end.saturating_sub(start)))?;
        for code in start..=end {
            let glyph = match offset {
                0 => code.wrapping_add(delta),
                _ => {
                    let at = offset_at + offset + usize::from(code - start) * 2;
                    match u16_at(subtable, at) {
                        Some(0) | None => 0,
                        Some(glyph) => glyph.wrapping_add(delta),
                    }
                }
            };
            insert(characters, u32::from(glyph), u32::from(code));
        }
    }
    Some(())
}

/// Groups of all planes.
fn format12(subtable: &[u8], characters: &mut HashMap<u32, char>) -> Option<()> {
    let groups = u32_at(subtable, 12)?.min(20_000) as usize;
    for group in 0..groups {
        let at = 16 + group * 12;
        let (start, end) = (u32_at(subtable, at)?, u32_at(subtable, at + 4)?);
        let first = u32_at(subtable, at + 8)?;
        for code in start..=end.min(start.saturating_add(0xFFFF)) {
            insert(characters, first.wrapping_add(code - start), code);
        }
        if characters.len() > 0x2_0000 {
            break;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A font of one table, whose `cmap` maps 亜 to glyph 7.
    fn tiny_font() -> Vec<u8> {
        let mut cmap = Vec::new();
        let mut put = |values: &[u16]| values.iter().for_each(|v| cmap.extend(v.to_be_bytes()));
        put(&[0, 1, 3, 1, 0, 12]);
        put(&[4, 32, 0, 4, 0, 0, 0, 0x4E9C, 0xFFFF, 0, 0x4E9C, 0xFFFF]);
        put(&[7u16.wrapping_sub(0x4E9C), 1, 0, 0]);
        let mut font = vec![0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        font.extend(b"cmap");
        font.extend([0, 0, 0, 0]);
        font.extend(28u32.to_be_bytes());
        font.extend((cmap.len() as u32).to_be_bytes());
        font.extend(cmap);
        font
    }

    #[test]
    fn a_segment_maps_back() {
        assert_eq!(characters_by_glyph(&tiny_font()).get(&7), Some(&'亜'));
    }

    #[test]
    fn any_prefix_and_any_byte_is_survived() {
        let font = tiny_font();
        for end in 0..font.len() {
            characters_by_glyph(&font[..end]);
            let mut broken = font.clone();
            broken[end] = !broken[end];
            characters_by_glyph(&broken);
        }
    }
}
