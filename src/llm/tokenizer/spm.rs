//! SentencePiece BPE with scores (`llama` in a GGUF): of all neighbours that form a token, the
//! pair with the best score is merged first; what is left over is written in byte tokens.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::merge::merge;
use super::{Checked, TokenizerError};

/// How SentencePiece writes a space.
pub(super) const SPACE: &str = "\u{2581}";

/// Tokens with scores, and bytes to fall back on.
pub(super) struct ScoredBpe {
    /// Text to id and score.
    tokens: HashMap<String, (u32, Score)>,
    fallback: ByteFallback,
}

/// What becomes of text that no token covers.
pub(super) struct ByteFallback {
    bytes: [Option<u32>; 256],
    unk_id: Option<u32>,
}

impl ByteFallback {
    pub(super) fn new(checked: &Checked) -> Self {
        Self { bytes: checked.bytes, unk_id: checked.vocabulary.unk_id }
    }

    /// Byte tokens where all bytes have one, else one unknown token.
    pub(super) fn push(&self, text: &str, ids: &mut Vec<u32>) -> Result<(), TokenizerError> {
        let found: Option<Vec<u32>> =
            text.bytes().map(|byte| self.bytes[usize::from(byte)]).collect();
        match (found, self.unk_id) {
            (Some(found), _) => ids.extend(found),
            (None, Some(unk_id)) => ids.push(unk_id),
            (None, None) => {
                let missing = text.bytes().find(|byte| self.bytes[usize::from(*byte)].is_none());
                return Err(TokenizerError::Unencodable(missing.unwrap_or_default()));
            }
        }
        Ok(())
    }
}

/// A score with the order that a heap needs.
#[derive(Clone, Copy, PartialEq)]
struct Score(f32);

impl Eq for Score {}

impl Ord for Score {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl ScoredBpe {
    pub(super) fn new(checked: &mut Checked) -> Result<Self, TokenizerError> {
        let ids = std::mem::take(&mut checked.ids);
        let scores = checked.scores()?;
        let tokens = ids.into_iter().map(|(text, id)| (text, (id, Score(scores[id as usize]))));
        Ok(Self { tokens: tokens.collect(), fallback: ByteFallback::new(checked) })
    }

    pub(super) fn encode(
        &self,
        text: &str,
        add_space_prefix: bool,
        ids: &mut Vec<u32>,
    ) -> Result<(), TokenizerError> {
        let mut written = if add_space_prefix { SPACE.to_owned() } else { String::new() };
        written.push_str(&text.replace(' ', SPACE));
        let characters = written.char_indices().map(|(start, c)| (start, start + c.len_utf8()));
        let pieces = merge(characters, |left: (usize, usize), right: (usize, usize)| {
            let joined = (left.0, right.1);
            let (_, score) = self.tokens.get(&written[joined.0..joined.1])?;
            Some((*score, joined))
        });
        for (start, end) in pieces {
            match self.tokens.get(&written[start..end]) {
                Some((id, _)) => ids.push(*id),
                None => self.fallback.push(&written[start..end], ids)?,
            }
        }
        Ok(())
    }
}
