//! Text to token ids, as the GGUF's own metadata describes it.
//!
//! Three families cover the models that kura runs: byte-level BPE (`gpt2`), SentencePiece BPE with
//! scores (`llama`) and SentencePiece unigram (`t5`). All of the metadata is untrusted: whatever is
//! wrong with it comes out of [`Tokenizer::new`] as a [`TokenizerError`].

mod bpe;
mod charsmap;
mod merge;
mod pretokenize;
mod special;
mod spm;
#[cfg(test)]
mod tests;
mod unigram;
mod vocabulary;

use std::borrow::Cow;

use bpe::ByteLevelBpe;
use special::{Piece, SpecialTokens};
use spm::ScoredBpe;
use unigram::UnigramModel;
use vocabulary::{Checked, TokenType};

pub use vocabulary::{TokenizerError, Vocabulary};

/// How a text is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EncodeOptions {
    /// Put BOS before and EOS behind as the model wants it. Leave it out for a rendered chat
    /// template, which writes its own.
    pub add_special: bool,
    /// Read the texts of control tokens (`<|im_start|>`) as those tokens. Only for text that we
    /// wrote ourselves; see [`Tokenizer::guard`] for the parts of it that we did not.
    pub parse_special: bool,
}

enum Kind {
    ByteLevel(Box<ByteLevelBpe>),
    Scored(Box<ScoredBpe>),
    Unigram(Box<UnigramModel>),
}

/// Text to ids and back to bytes. Immutable, so that threads share one.
pub struct Tokenizer {
    kind: Kind,
    special: SpecialTokens,
    types: Vec<TokenType>,
    /// The bytes of all tokens, one after another, and where each ends.
    bytes: Vec<u8>,
    byte_ends: Vec<usize>,
    bos_id: Option<u32>,
    eos_id: Option<u32>,
    end_ids: Vec<u32>,
    add_bos: bool,
    add_eos: bool,
    add_space_prefix: bool,
    chat_template: Option<String>,
}

impl Tokenizer {
    /// Checks a vocabulary and builds the tokenizer that it describes.
    pub fn new(vocabulary: Vocabulary) -> Result<Self, TokenizerError> {
        let mut checked = Checked::new(vocabulary)?;
        let special = SpecialTokens::new(&checked.vocabulary.tokens, &checked.types)?;
        let (bytes, byte_ends) = checked.token_bytes();
        let end_ids = checked.end_ids();
        let (kind, add_bos, add_eos) = match checked.vocabulary.model.as_str() {
            "gpt2" => {
                let model = ByteLevelBpe::new(&mut checked)?;
                let add_bos = model.adds_bos();
                (Kind::ByteLevel(Box::new(model)), add_bos, false)
            }
            "llama" => (Kind::Scored(Box::new(ScoredBpe::new(&mut checked)?)), true, false),
            "t5" => (Kind::Unigram(Box::new(UnigramModel::new(&mut checked)?)), false, true),
            other => return Err(TokenizerError::UnknownModel(other.to_owned())),
        };
        let vocabulary = checked.vocabulary;
        Ok(Self {
            add_space_prefix: match kind {
                Kind::ByteLevel(_) => false,
                Kind::Scored(_) | Kind::Unigram(_) => vocabulary.add_space_prefix.unwrap_or(true),
            },
            kind,
            special,
            types: checked.types,
            bytes,
            byte_ends,
            bos_id: vocabulary.bos_id,
            eos_id: vocabulary.eos_id,
            end_ids,
            add_bos: vocabulary.add_bos.unwrap_or(add_bos),
            add_eos: vocabulary.add_eos.unwrap_or(add_eos),
            chat_template: vocabulary.chat_template,
        })
    }

    /// The ids of a text. Guard characters (see [`Tokenizer::guard`]) are dropped.
    pub fn encode(&self, text: &str, options: EncodeOptions) -> Result<Vec<u32>, TokenizerError> {
        let mut ids = Vec::with_capacity(text.len() / 3 + 2);
        if options.add_special && self.add_bos {
            ids.extend(self.bos_id);
        }
        for piece in self.special.split(text, options.parse_special) {
            match piece {
                Piece::Special(id) => ids.push(id),
                Piece::Text(text) => self.encode_text(&special::unguarded(text), &mut ids)?,
            }
        }
        if options.add_special && self.add_eos {
            ids.extend(self.eos_id);
        }
        Ok(ids)
    }

    fn encode_text(&self, text: &str, ids: &mut Vec<u32>) -> Result<(), TokenizerError> {
        if text.is_empty() {
            return Ok(());
        }
        match &self.kind {
            Kind::ByteLevel(model) => model.encode(text, ids),
            Kind::Scored(model) => model.encode(text, self.add_space_prefix, ids),
            Kind::Unigram(model) => model.encode(text, self.add_space_prefix, ids),
        }
    }

    /// Marks a text from outside so that [`Tokenizer::encode`] reads no control token in it, even
    /// with `parse_special`: a document that contains `<|im_end|>` cannot close its own message.
    pub fn guard<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.special.guard(text)
    }

    /// The bytes that a token stands for; its own text for control tokens. Empty for an id beyond
    /// the vocabulary, which models with padded matrices can produce.
    pub fn token_bytes(&self, id: u32) -> &[u8] {
        let at = id as usize;
        let Some(&end) = self.byte_ends.get(at) else {
            return &[];
        };
        let start = at.checked_sub(1).map_or(0, |before| self.byte_ends[before]);
        &self.bytes[start..end]
    }

    /// True for tokens that are never shown: control tokens and the unknown token.
    pub fn is_control(&self, id: u32) -> bool {
        let kind = self.types.get(id as usize);
        matches!(kind, Some(TokenType::Control | TokenType::Unknown))
    }

    /// Ids that end a generation: EOS, end of turn, end of message, in rising order.
    pub fn end_ids(&self) -> &[u32] {
        &self.end_ids
    }

    /// True when this token ends a generation.
    pub fn is_end(&self, id: u32) -> bool {
        self.end_ids.binary_search(&id).is_ok()
    }

    /// The id of BOS, where the model has one.
    pub fn bos_id(&self) -> Option<u32> {
        self.bos_id
    }

    /// The id of EOS, where the model has one.
    pub fn eos_id(&self) -> Option<u32> {
        self.eos_id
    }

    /// The text of BOS, for the chat template; empty without one.
    pub fn bos_text(&self) -> Cow<'_, str> {
        self.special_text(self.bos_id)
    }

    /// The text of EOS, for the chat template; empty without one.
    pub fn eos_text(&self) -> Cow<'_, str> {
        self.special_text(self.eos_id)
    }

    fn special_text(&self, id: Option<u32>) -> Cow<'_, str> {
        id.map_or(Cow::Borrowed(""), |id| String::from_utf8_lossy(self.token_bytes(id)))
    }

    /// How many tokens the vocabulary has.
    pub fn vocab_size(&self) -> usize {
        self.byte_ends.len()
    }

    /// The chat template of the file, unparsed.
    pub fn chat_template(&self) -> Option<&str> {
        self.chat_template.as_deref()
    }

    /// True when a space that stands first in the decoded text was put there by the encoder.
    pub(crate) fn has_space_prefix(&self) -> bool {
        self.add_space_prefix
    }
}
