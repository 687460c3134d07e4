//! Special tokens written in a text, and the guard that keeps foreign text from writing them.

use std::borrow::Cow;
use std::collections::HashMap;

use regex::{Regex, RegexBuilder};

use super::{TokenType, TokenizerError};

/// Put inside foreign text that looks like a control token. It is a noncharacter, which no text
/// that is exchanged may contain, and it never reaches the model.
const GUARD: char = '\u{10FFFF}';

/// Memory for a compiled matcher of special tokens: thousands of them fit.
const MATCHER_BYTES_MAX: usize = 256 << 20;

/// A stretch of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'t> {
    Text(&'t str),
    Special(u32),
}

/// Finds special tokens in text: leftmost first, at one place the longest.
pub(super) struct SpecialTokens {
    ids: HashMap<String, u32>,
    /// User-defined tokens, which any text may contain.
    plain: Option<Regex>,
    /// Control tokens, which only our own text may contain, and user-defined ones of their form:
    /// some files list the marks of their turns (`<|user|>`, `<start_of_turn>`) among those.
    control: Option<Regex>,
    /// Both.
    all: Option<Regex>,
}

impl SpecialTokens {
    pub(super) fn new(tokens: &[String], types: &[TokenType]) -> Result<Self, TokenizerError> {
        let (mut plain, mut control, mut marks) = (Vec::new(), Vec::new(), Vec::new());
        let mut ids = HashMap::new();
        for (id, (text, kind)) in tokens.iter().zip(types).enumerate() {
            let list = match kind {
                TokenType::UserDefined => &mut plain,
                TokenType::Control | TokenType::Unknown => &mut control,
                TokenType::Normal | TokenType::Unused | TokenType::Byte => continue,
            };
            if !text.is_empty() && !ids.contains_key(text) {
                list.push(text.as_str());
                if matches!(kind, TokenType::UserDefined) && is_mark(text) {
                    marks.push(text.as_str());
                }
                ids.insert(text.clone(), id as u32); // at most TOKENS_MAX
            }
        }
        let all = plain.iter().chain(&control).copied().collect();
        control.append(&mut marks);
        Ok(Self { ids, plain: matcher(plain)?, control: matcher(control)?, all: matcher(all)? })
    }

    /// Cuts a text into special tokens and what lies between them.
    pub(super) fn split<'t>(&self, text: &'t str, parse_special: bool) -> Vec<Piece<'t>> {
        let regex = if parse_special { &self.all } else { &self.plain };
        let mut pieces = Vec::new();
        let mut done = 0;
        for found in regex.iter().flat_map(|regex| regex.find_iter(text)) {
            let Some(&id) = self.ids.get(found.as_str()) else {
                continue;
            };
            if text[found.end()..].starts_with(GUARD) {
                continue; // a control token of one character, guarded
            }
            if done < found.start() {
                pieces.push(Piece::Text(&text[done..found.start()]));
            }
            pieces.push(Piece::Special(id));
            done = found.end();
        }
        if done < text.len() {
            pieces.push(Piece::Text(&text[done..]));
        }
        pieces
    }

    /// Puts a guard behind every character of what looks like a control token: that one and any
    /// that overlaps it cannot be found any more.
    pub(super) fn guard<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let clean = unguarded(text);
        let Some(control) = &self.control else {
            return clean;
        };
        if !control.is_match(&clean) {
            return clean;
        }
        let guarded = control.replace_all(&clean, |found: &regex::Captures<'_>| {
            found[0].chars().flat_map(|c| [c, GUARD]).collect::<String>()
        });
        Cow::Owned(guarded.into_owned())
    }
}

/// True for what is written like the mark of a turn.
fn is_mark(text: &str) -> bool {
    let between = |open: char, close: char| text.starts_with(open) && text.ends_with(close);
    text.len() > 2 && (between('<', '>') || between('[', ']'))
}

/// The text without guards.
pub(super) fn unguarded(text: &str) -> Cow<'_, str> {
    match text.contains(GUARD) {
        true => Cow::Owned(text.replace(GUARD, "")),
        false => Cow::Borrowed(text),
    }
}

/// One matcher for all texts, longest first; `None` for none.
fn matcher(mut texts: Vec<&str>) -> Result<Option<Regex>, TokenizerError> {
    if texts.is_empty() {
        return Ok(None);
    }
    texts.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
    let escaped: Vec<String> = texts.into_iter().map(regex::escape).collect();
    let compiled = RegexBuilder::new(&escaped.join("|")).size_limit(MATCHER_BYTES_MAX).build();
    compiled.map(Some).map_err(|error| TokenizerError::SpecialTokens(error.to_string()))
}
