//! SentencePiece unigram (`t5` in a GGUF): the segmentation with the best sum of scores.

use std::collections::HashMap;

use tokenizers::models::unigram::Unigram;

use super::charsmap::Charsmap;
use super::spm::{ByteFallback, SPACE};
use super::{Checked, TokenizerError};

/// Starts the stand-in for a token that plain text must not become. The guard character has
/// been taken out of every text before it comes here, so that nothing matches it.
const UNREACHABLE: char = '\u{10FFFF}';

/// A unigram vocabulary with its normalization.
pub(super) struct UnigramModel {
    model: Unigram,
    ids: HashMap<String, u32>,
    charsmap: Option<Charsmap>,
    remove_extra_whitespaces: bool,
    fallback: ByteFallback,
}

impl UnigramModel {
    pub(super) fn new(checked: &mut Checked) -> Result<Self, TokenizerError> {
        let vocabulary = &checked.vocabulary;
        let scores = checked.scores()?;
        let mut pieces: Vec<(String, f64)> = Vec::with_capacity(scores.len() + 1);
        for (id, (text, score)) in vocabulary.tokens.iter().zip(scores).enumerate() {
            let reachable = checked.ids.get(text).is_some_and(|first| *first as usize == id);
            pieces.push(match reachable {
                true => (text.clone(), f64::from(*score)),
                false => (format!("{UNREACHABLE}{id}"), 0.0),
            });
        }
        // The library wants an unknown token; what it gives to that one is ours to spell in bytes.
        pieces.push((UNREACHABLE.to_string(), 0.0));
        let unknown = Some(pieces.len() - 1);
        let model = Unigram::from(pieces, unknown, false).map_err(|error| as_error(&error))?;
        let fallback = ByteFallback::new(checked);
        let charsmap = vocabulary.precompiled_charsmap.as_deref().filter(|map| !map.is_empty());
        let charsmap = charsmap.map(Charsmap::parse).transpose()?;
        let remove_extra_whitespaces = vocabulary.remove_extra_whitespaces;
        Ok(Self {
            model,
            ids: std::mem::take(&mut checked.ids),
            charsmap,
            remove_extra_whitespaces,
            fallback,
        })
    }

    pub(super) fn encode(
        &self,
        text: &str,
        add_space_prefix: bool,
        ids: &mut Vec<u32>,
    ) -> Result<(), TokenizerError> {
        let written = self.normalize(text, add_space_prefix);
        for piece in self.model.encode(&written).map_err(|error| as_error(&error))? {
            match self.ids.get(&piece) {
                Some(id) => ids.push(*id),
                None => self.fallback.push(&piece, ids)?,
            }
        }
        Ok(())
    }

    fn normalize(&self, text: &str, add_space_prefix: bool) -> String {
        let mapped = self.charsmap.as_ref().map(|charsmap| charsmap.apply(text));
        let mut written = mapped.unwrap_or_else(|| text.to_owned());
        if self.remove_extra_whitespaces {
            let words: Vec<&str> = written.split(' ').filter(|word| !word.is_empty()).collect();
            written = words.join(" ");
        }
        if add_space_prefix && !written.is_empty() {
            written.insert(0, ' ');
        }
        written.replace(' ', SPACE)
    }
}

fn as_error(error: &tokenizers::Error) -> TokenizerError {
    TokenizerError::Model(error.to_string())
}
