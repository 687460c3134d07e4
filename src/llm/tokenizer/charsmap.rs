//! SentencePiece's table of character replacements (`precompiled_charsmap`).
//!
//! The blob is: the size in bytes of a double-array trie (u32, little endian), the trie (u32
//! units), then replacement texts, each ended by a NUL. A unit holds, from the low end: the label
//! (8 bits), a leaf flag (bit 8), a scale flag for the offset (bit 9), the offset (from bit 10); of
//! a value unit the low 31 bits are the start of the replacement.

use super::TokenizerError;

/// A longer replacement is left undone: the longest that Unicode knows has 18 characters, and a
/// hostile one would make a short text fill the memory.
const REPLACEMENT_BYTES_MAX: usize = 256;

/// Replaces the longest known run of characters at each place of a text.
pub(super) struct Charsmap {
    units: Vec<u32>,
    replacements: Vec<u8>,
}

impl Charsmap {
    pub(super) fn parse(blob: &[u8]) -> Result<Self, TokenizerError> {
        let (size, rest) =
            blob.split_first_chunk::<4>().ok_or(TokenizerError::Charsmap("too short"))?;
        let size_bytes = u32::from_le_bytes(*size) as usize;
        if size_bytes == 0 || !size_bytes.is_multiple_of(4) || size_bytes > rest.len() {
            return Err(TokenizerError::Charsmap("the size of its trie is wrong"));
        }
        let (trie, replacements) = rest.split_at(size_bytes);
        if std::str::from_utf8(replacements).is_err() {
            return Err(TokenizerError::Charsmap("its replacements are not UTF-8"));
        }
        let (units, _) = trie.as_chunks::<4>();
        let units = units.iter().map(|unit| u32::from_le_bytes(*unit)).collect();
        Ok(Self { units, replacements: replacements.to_vec() })
    }

    pub(super) fn apply(&self, text: &str) -> String {
        let mut mapped = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            match self.longest(rest) {
                Some((len, replacement)) => {
                    mapped.push_str(replacement);
                    rest = &rest[len..];
                }
                None => {
                    mapped.push(first);
                    rest = &rest[first.len_utf8()..];
                }
            }
        }
        mapped
    }

    /// The longest run at the start of `text` that is replaced: its length in bytes and by what.
    /// A hostile trie may point anywhere, so that every step is checked.
    fn longest(&self, text: &str) -> Option<(usize, &str)> {
        let offset = |unit: u32| ((unit >> 10) << ((unit & (1 << 9)) >> 6)) as usize;
        let mut at = offset(*self.units.first()?);
        let mut found = None;
        for (index, byte) in text.bytes().enumerate() {
            at ^= usize::from(byte);
            let Some(&unit) = self.units.get(at).filter(|_| byte != 0) else {
                break;
            };
            if unit & ((1 << 31) | 0xFF) != u32::from(byte) {
                break;
            }
            at ^= offset(unit);
            let value = (unit >> 8 & 1 == 1).then(|| self.units.get(at)).flatten();
            if let Some(value) = value
                && text.is_char_boundary(index + 1)
                && let Some(replacement) = self.replacement((value & 0x7FFF_FFFF) as usize)
            {
                found = Some((index + 1, replacement));
            }
        }
        found
    }

    fn replacement(&self, start: usize) -> Option<&str> {
        let rest = self.replacements.get(start..)?;
        let rest = &rest[..rest.len().min(REPLACEMENT_BYTES_MAX)];
        let end = rest.iter().position(|byte| *byte == 0)?;
        std::str::from_utf8(&rest[..end]).ok()
    }
}
