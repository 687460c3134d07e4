//! The `tokenizer.*` metadata of a GGUF, checked before anything is built from it.

use std::collections::{HashMap, HashSet};

use super::{bpe, spm};

/// More tokens than any published vocabulary has; a larger count is a damaged or hostile file.
const TOKENS_MAX: usize = 4_000_000;

/// Texts of tokens that end a turn in well-known models, for files that do not name their ids.
const END_OF_TURN_TEXTS: [&str; 9] = [
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|eom_id|>",
    "<|end_of_sentence|>",
    "<EOT>",
];

/// The `tokenizer.*` metadata of a GGUF, before any of it is believed.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    /// `tokenizer.ggml.model`: `gpt2`, `llama` or `t5`.
    pub model: String,
    /// `tokenizer.ggml.pre`: how byte-level BPE splits text into words.
    pub pre: Option<String>,
    /// `tokenizer.ggml.tokens`: the id is the position.
    pub tokens: Vec<String>,
    /// `tokenizer.ggml.scores`: one per token.
    pub scores: Option<Vec<f32>>,
    /// `tokenizer.ggml.token_type`: one per token.
    pub token_types: Option<Vec<i32>>,
    /// `tokenizer.ggml.merges`: two tokens with a space between, best first.
    pub merges: Vec<String>,
    /// `tokenizer.ggml.bos_token_id`
    pub bos_id: Option<u32>,
    /// `tokenizer.ggml.eos_token_id`
    pub eos_id: Option<u32>,
    /// `tokenizer.ggml.eot_token_id`
    pub eot_id: Option<u32>,
    /// `tokenizer.ggml.eom_token_id`
    pub eom_id: Option<u32>,
    /// `tokenizer.ggml.unknown_token_id`
    pub unk_id: Option<u32>,
    /// `tokenizer.ggml.add_bos_token`; the kind of tokenizer decides when absent.
    pub add_bos: Option<bool>,
    /// `tokenizer.ggml.add_eos_token`; the kind of tokenizer decides when absent.
    pub add_eos: Option<bool>,
    /// `tokenizer.ggml.add_space_prefix`; SentencePiece kinds say yes when absent.
    pub add_space_prefix: Option<bool>,
    /// `tokenizer.ggml.remove_extra_whitespaces` (unigram only).
    pub remove_extra_whitespaces: bool,
    /// `tokenizer.chat_template`
    pub chat_template: Option<String>,
    /// `tokenizer.ggml.precompiled_charsmap` (unigram only).
    pub precompiled_charsmap: Option<Vec<u8>>,
}

/// Why a vocabulary cannot be used or a text not be encoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenizerError {
    /// `tokenizer.ggml.model` names no kind that is implemented.
    #[error("tokenizer kind '{0}' is not supported (supported: gpt2, llama, t5)")]
    UnknownModel(String),
    /// `tokenizer.ggml.pre` names no splitting rule that is implemented.
    #[error("pre-tokenizer '{0}' is not supported")]
    UnknownPretokenizer(String),
    /// Zero tokens, or more than any vocabulary has.
    #[error("the vocabulary has {0} tokens")]
    TokenCount(usize),
    /// A list that has one entry per token has another length.
    #[error("{list} has {found} entries for {expected} tokens")]
    Length { list: &'static str, expected: usize, found: usize },
    /// A list is missing that this kind needs.
    #[error("the vocabulary lacks {0}")]
    Missing(&'static str),
    /// A special token's id lies outside the vocabulary.
    #[error("{name} is {id}, but there are {size} tokens")]
    IdOutOfRange { name: &'static str, id: u32, size: usize },
    /// A token type outside the format's range.
    #[error("token {id} has the unknown type {found}")]
    TokenType { id: usize, found: i32 },
    /// A score that is no number.
    #[error("the score of token {0} is not finite")]
    Score(usize),
    /// A byte token that is not written `<0x00>` to `<0xFF>`.
    #[error("token {0} is marked as a byte but is not written as one")]
    ByteToken(usize),
    /// A merge rule that does not join two tokens into a third.
    #[error("merge {index} ('{rule}') does not join two tokens of the vocabulary into a third")]
    Merge { index: usize, rule: String },
    /// The table of character replacements is damaged.
    #[error("the character map is damaged: {0}")]
    Charsmap(&'static str),
    /// The special tokens could not be compiled into one matcher.
    #[error("the special tokens cannot be matched: {0}")]
    SpecialTokens(String),
    /// The tokenizer library refused the vocabulary or a text.
    #[error("tokenization failed: {0}")]
    Model(String),
    /// The vocabulary has no token for a byte of the text, nor one for the unknown.
    #[error("the vocabulary has no token for the byte {0:#04x}")]
    Unencodable(u8),
}

/// What one token is, as the GGUF numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenType {
    Normal,
    Unknown,
    Control,
    UserDefined,
    Unused,
    Byte,
}

impl TokenType {
    fn of(id: usize, number: i32) -> Result<Self, TokenizerError> {
        Ok(match number {
            0 | 1 => Self::Normal,
            2 => Self::Unknown,
            3 => Self::Control,
            4 => Self::UserDefined,
            5 => Self::Unused,
            6 => Self::Byte,
            found => return Err(TokenizerError::TokenType { id, found }),
        })
    }
}

/// A vocabulary whose lists have been checked against each other; what the kinds are built from.
pub(super) struct Checked {
    pub(super) vocabulary: Vocabulary,
    pub(super) types: Vec<TokenType>,
    /// First id of each text that plain text may become.
    pub(super) ids: HashMap<String, u32>,
    /// Ids of the tokens `<0x00>` to `<0xFF>`.
    pub(super) bytes: [Option<u32>; 256],
}

impl Checked {
    pub(super) fn new(vocabulary: Vocabulary) -> Result<Self, TokenizerError> {
        let size = vocabulary.tokens.len();
        if size == 0 || size > TOKENS_MAX {
            return Err(TokenizerError::TokenCount(size));
        }
        check_length("tokenizer.ggml.scores", size, vocabulary.scores.as_ref().map(Vec::len))?;
        let type_count = vocabulary.token_types.as_ref().map(Vec::len);
        check_length("tokenizer.ggml.token_type", size, type_count)?;
        for (name, id) in [
            ("bos_token_id", vocabulary.bos_id),
            ("eos_token_id", vocabulary.eos_id),
            ("eot_token_id", vocabulary.eot_id),
            ("eom_token_id", vocabulary.eom_id),
            ("unknown_token_id", vocabulary.unk_id),
        ] {
            if let Some(id) = id.filter(|id| *id as usize >= size) {
                return Err(TokenizerError::IdOutOfRange { name, id, size });
            }
        }
        if let Some(scores) = &vocabulary.scores
            && let Some(id) = scores.iter().position(|score| !score.is_finite())
        {
            return Err(TokenizerError::Score(id));
        }
        let types = token_types(&vocabulary)?;
        let mut ids = HashMap::with_capacity(size);
        let mut bytes = [None; 256];
        for (id, (text, kind)) in vocabulary.tokens.iter().zip(&types).enumerate() {
            let number = id as u32; // at most TOKENS_MAX
            match kind {
                TokenType::Normal | TokenType::UserDefined if !text.is_empty() => {
                    ids.entry(text.clone()).or_insert(number);
                }
                TokenType::Byte => {
                    let byte = parse_byte(text).ok_or(TokenizerError::ByteToken(id))?;
                    bytes[usize::from(byte)].get_or_insert(number);
                }
                _ => {}
            }
        }
        Ok(Self { vocabulary, types, ids, bytes })
    }

    /// The scores, which SentencePiece kinds cannot do without.
    pub(super) fn scores(&self) -> Result<&[f32], TokenizerError> {
        let scores = self.vocabulary.scores.as_deref();
        scores.ok_or(TokenizerError::Missing("tokenizer.ggml.scores"))
    }

    /// The bytes of every token in one run, and where each ends.
    pub(super) fn token_bytes(&self) -> (Vec<u8>, Vec<usize>) {
        let byte_level = self.vocabulary.model == "gpt2";
        let alphabet = byte_level.then(bpe::bytes_of_alphabet);
        let mut bytes = Vec::new();
        let mut ends = Vec::with_capacity(self.types.len());
        for (text, kind) in self.vocabulary.tokens.iter().zip(&self.types) {
            match (kind, &alphabet) {
                (TokenType::Byte, _) => bytes.extend(parse_byte(text)),
                (TokenType::Normal | TokenType::Unused, Some(alphabet)) => {
                    bpe::push_bytes(text, alphabet, &mut bytes);
                }
                (TokenType::Control | TokenType::Unknown, _) | (_, Some(_)) => {
                    bytes.extend_from_slice(text.as_bytes());
                }
                (_, None) => bytes.extend_from_slice(text.replace(spm::SPACE, " ").as_bytes()),
            }
            ends.push(bytes.len());
        }
        (bytes, ends)
    }

    pub(super) fn end_ids(&self) -> Vec<u32> {
        let vocabulary = &self.vocabulary;
        let texts: HashSet<&str> = END_OF_TURN_TEXTS.into_iter().collect();
        let named = vocabulary.tokens.iter().zip(&self.types).enumerate();
        let named = named.filter(|(_, (text, kind))| {
            matches!(kind, TokenType::Control | TokenType::UserDefined)
                && texts.contains(text.as_str())
        });
        let mut ids: Vec<u32> = named.map(|(id, _)| id as u32).collect();
        ids.extend([vocabulary.eos_id, vocabulary.eot_id, vocabulary.eom_id].into_iter().flatten());
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

fn check_length(
    list: &'static str,
    expected: usize,
    found: Option<usize>,
) -> Result<(), TokenizerError> {
    match found {
        Some(found) if found != expected => Err(TokenizerError::Length { list, expected, found }),
        _ => Ok(()),
    }
}

/// The type of each token. Where the file has none, only BOS, EOS and their like are control.
fn token_types(vocabulary: &Vocabulary) -> Result<Vec<TokenType>, TokenizerError> {
    if let Some(numbers) = &vocabulary.token_types {
        let numbered = numbers.iter().enumerate();
        return numbered.map(|(id, number)| TokenType::of(id, *number)).collect();
    }
    let mut types = vec![TokenType::Normal; vocabulary.tokens.len()];
    if vocabulary.model != "gpt2" {
        for (kind, text) in types.iter_mut().zip(&vocabulary.tokens) {
            if parse_byte(text).is_some() {
                *kind = TokenType::Byte;
            }
        }
    }
    let ends = [vocabulary.bos_id, vocabulary.eos_id, vocabulary.eot_id, vocabulary.eom_id];
    for id in ends.into_iter().flatten() {
        types[id as usize] = TokenType::Control;
    }
    if let Some(id) = vocabulary.unk_id {
        types[id as usize] = TokenType::Unknown;
    }
    Ok(types)
}

/// Reads `<0x0A>` as 10.
fn parse_byte(text: &str) -> Option<u8> {
    let digits = text.strip_prefix("<0x")?.strip_suffix('>')?;
    let hexadecimal = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    hexadecimal.then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}
