//! Byte-level BPE (`gpt2` in a GGUF): every byte is written as a printable character, words are
//! merged pair by pair in the order of the merge list.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::merge::merge;
use super::pretokenize::Pretokenizer;
use super::{Checked, TokenizerError};

/// Two tokens to the place of their rule and the token that they become.
type Merges = HashMap<(u32, u32), (u32, u32)>;

/// A byte-level BPE vocabulary with its splitting rule.
pub(super) struct ByteLevelBpe {
    pretokenizer: Pretokenizer,
    alphabet: [char; 256],
    /// The token of each byte; every one has its own in a sound vocabulary.
    byte_ids: [Option<u32>; 256],
    merges: Merges,
    /// Text to id, for the models that take whole words without merging; else empty.
    words: HashMap<String, u32>,
    unk_id: Option<u32>,
}

impl ByteLevelBpe {
    pub(super) fn new(checked: &mut Checked) -> Result<Self, TokenizerError> {
        let ids = std::mem::take(&mut checked.ids);
        let pretokenizer = Pretokenizer::named(checked.vocabulary.pre.as_deref())?;
        let alphabet = alphabet();
        let byte_ids = alphabet.map(|c| ids.get(c.encode_utf8(&mut [0; 4]) as &str).copied());
        Ok(Self {
            merges: merges(&checked.vocabulary.merges, &ids)?,
            words: if pretokenizer.ignores_merges { ids } else { HashMap::new() },
            pretokenizer,
            alphabet,
            byte_ids,
            unk_id: checked.vocabulary.unk_id,
        })
    }

    pub(super) fn adds_bos(&self) -> bool {
        self.pretokenizer.adds_bos
    }

    pub(super) fn encode(&self, text: &str, ids: &mut Vec<u32>) -> Result<(), TokenizerError> {
        let mut letters = Vec::new();
        for word in self.pretokenizer.split(text)? {
            if let Some(id) = self.whole(word) {
                ids.push(id);
                continue;
            }
            letters.clear();
            for byte in word.bytes() {
                let id = self.byte_ids[usize::from(byte)].or(self.unk_id);
                letters.push(id.ok_or(TokenizerError::Unencodable(byte))?);
            }
            ids.extend(merge(letters.iter().copied(), |left, right| {
                let (rank, merged) = self.merges.get(&(left, right))?;
                Some((Reverse(*rank), *merged))
            }));
        }
        Ok(())
    }

    fn whole(&self, word: &str) -> Option<u32> {
        if self.words.is_empty() {
            return None;
        }
        let written: String = word.bytes().map(|byte| self.alphabet[usize::from(byte)]).collect();
        self.words.get(&written).copied()
    }
}

/// Reads the rules `left right`, best first. Each must join two tokens into a third.
fn merges(rules: &[String], ids: &HashMap<String, u32>) -> Result<Merges, TokenizerError> {
    let mut joined = String::new();
    let mut merges = HashMap::with_capacity(rules.len());
    for (rank, rule) in rules.iter().enumerate() {
        let parts = rule.split_once(' ');
        let merge = parts.and_then(|(left, right)| {
            joined.clear();
            joined.push_str(left);
            joined.push_str(right);
            Some(((*ids.get(left)?, *ids.get(right)?), *ids.get(&joined)?))
        });
        let bad = || TokenizerError::Merge { index: rank, rule: rule.clone() };
        let (pair, merged) = merge.ok_or_else(bad)?;
        let rank = u32::try_from(rank).map_err(|_| bad())?;
        merges.entry(pair).or_insert((rank, merged));
    }
    Ok(merges)
}

/// The character for each byte: printable Latin-1 stands for itself, the other 68 bytes take the
/// characters from U+0100 on, in order.
fn alphabet() -> [char; 256] {
    let mut next = 0x100u32;
    let mut alphabet = ['\0'; 256];
    for (byte, written) in (0u8..=255).zip(&mut alphabet) {
        let code = match byte {
            b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF => u32::from(byte),
            _ => {
                next += 1;
                next - 1
            }
        };
        *written = char::from_u32(code).unwrap_or('\0');
    }
    alphabet
}

/// The inverse of the alphabet.
pub(super) fn bytes_of_alphabet() -> HashMap<char, u8> {
    alphabet().into_iter().zip(0u8..=255).collect()
}

/// Appends what a token stands for; characters outside the alphabet stand for themselves.
pub(super) fn push_bytes(text: &str, alphabet: &HashMap<char, u8>, bytes: &mut Vec<u8>) {
    for c in text.chars() {
        match alphabet.get(&c) {
            Some(byte) => bytes.push(*byte),
            None => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}
