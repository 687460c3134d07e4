//! How byte-level BPE splits a text into words before it merges inside them.
//!
//! Each model family was trained with its own expressions; a wrong one gives wrong ids silently,
//! so a name that is not known is an error, not a guess.

use fancy_regex::Regex;

use super::TokenizerError;

const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
const LLAMA3: &str = concat!(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|",
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
);
const QWEN2: &str = concat!(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|",
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
);
const GPT4O: &str = concat!(
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?|",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?|",
    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
);
const ONE_DIGIT: &str = r"\p{N}";
const DEFAULT: [&str; 4] = [r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]"];

/// The splitting rule of one model family.
pub(super) struct Pretokenizer {
    /// Applied one after another, each to the pieces that the one before left.
    expressions: Vec<Regex>,
    /// A word that is a token as a whole is taken as such, without merging.
    pub(super) ignores_merges: bool,
    /// These models want BOS unless their file says otherwise.
    pub(super) adds_bos: bool,
}

impl Pretokenizer {
    /// The rule that `tokenizer.ggml.pre` names; the default rule without a name.
    pub(super) fn named(name: Option<&str>) -> Result<Self, TokenizerError> {
        let (expressions, llama3): (&[&str], bool) = match name.unwrap_or("default") {
            "default" => (&DEFAULT, false),
            "gpt-2" | "phi-2" | "mpt" | "olmo" | "jina-es" | "jina-de" | "jina-v2-es"
            | "jina-v2-de" | "jina-v2-code" | "exaone4" | "gigachat" | "mellum" | "modern-bert"
            | "roberta-bpe" => (&[GPT2], false),
            "smollm" | "starcoder" | "refact" | "command-r" | "codeshell" | "exaone"
            | "minerva-7b" => (&[ONE_DIGIT, GPT2], false),
            "llama-bpe" | "llama3" | "llama-v3" | "falcon3" | "falcon-h1" | "pixtral"
            | "midm-2.0" | "lfm2" => (&[LLAMA3], true),
            "dbrx" | "smaug-bpe" => (&[LLAMA3], false),
            "qwen2" | "deepseek-r1-qwen" | "stablelm2" | "hunyuan" | "megrez" => (&[QWEN2], false),
            "gpt-4o" | "llama4" => (&[GPT4O], false),
            other => return Err(TokenizerError::UnknownPretokenizer(other.to_owned())),
        };
        let compiled = expressions.iter().map(|expression| Regex::new(expression));
        Ok(Self {
            expressions: compiled.collect::<Result<_, _>>().map_err(|error| as_error(&error))?,
            ignores_merges: llama3,
            adds_bos: llama3,
        })
    }

    /// The words of a text, in order; together they are the text.
    pub(super) fn split<'t>(&self, text: &'t str) -> Result<Vec<&'t str>, TokenizerError> {
        let mut pieces = vec![text];
        for expression in &self.expressions {
            let mut finer = Vec::with_capacity(pieces.len());
            for piece in pieces {
                split_by(expression, piece, &mut finer)?;
            }
            pieces = finer;
        }
        Ok(pieces)
    }
}

/// Cuts a piece into the matches of an expression and what lies between them.
fn split_by<'t>(
    expression: &Regex,
    piece: &'t str,
    words: &mut Vec<&'t str>,
) -> Result<(), TokenizerError> {
    let mut done = 0;
    for found in expression.find_iter(piece) {
        let found = found.map_err(|error| as_error(&error))?;
        if done < found.start() {
            words.push(&piece[done..found.start()]);
        }
        if found.start() < found.end() {
            words.push(found.as_str());
        }
        done = found.end();
    }
    if done < piece.len() {
        words.push(&piece[done..]);
    }
    Ok(())
}

fn as_error(error: &fancy_regex::Error) -> TokenizerError {
    TokenizerError::Model(error.to_string())
}
