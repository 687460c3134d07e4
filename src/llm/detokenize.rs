//! Token ids to text while they arrive: no character is ever split.

use super::tokenizer::Tokenizer;

/// Turns one sequence of tokens into text, piece by piece.
///
/// Together the pieces are what decoding all tokens at once would give: bytes that begin a
/// character are held back until it is whole, bytes that cannot become one are U+FFFD.
#[derive(Debug)]
pub struct Detokenizer {
    /// The beginning of a character; at most 3 bytes between calls.
    pending: Vec<u8>,
    /// Drop one space if it comes first: SentencePiece put it before the text.
    drop_space: bool,
}

impl Detokenizer {
    /// For a new text from this tokenizer.
    pub fn new(tokenizer: &Tokenizer) -> Self {
        Self { pending: Vec::new(), drop_space: tokenizer.has_space_prefix() }
    }

    /// The text that this token completes; often empty. Control tokens give none.
    pub fn push(&mut self, tokenizer: &Tokenizer, id: u32) -> String {
        if tokenizer.is_control(id) {
            return String::new();
        }
        self.push_bytes(tokenizer.token_bytes(id))
    }

    /// The end of the text: bytes still held back cannot become a character any more.
    pub fn flush(&mut self) -> String {
        match std::mem::take(&mut self.pending).is_empty() {
            true => String::new(),
            false => char::REPLACEMENT_CHARACTER.to_string(),
        }
    }

    fn push_bytes(&mut self, mut bytes: &[u8]) -> String {
        if self.drop_space && !bytes.is_empty() {
            self.drop_space = false;
            bytes = bytes.strip_prefix(b" ").unwrap_or(bytes);
        }
        self.pending.extend_from_slice(bytes);
        let mut text = String::new();
        let mut rest = self.pending.as_slice();
        while !rest.is_empty() {
            let (valid, error_len) = match std::str::from_utf8(rest) {
                Ok(_) => (rest.len(), None),
                Err(error) => (error.valid_up_to(), error.error_len()),
            };
            let (whole, tail) = rest.split_at(valid);
            text.push_str(&String::from_utf8_lossy(whole));
            rest = tail;
            let Some(invalid) = error_len else {
                break; // nothing left, or a character that may still become whole
            };
            text.push(char::REPLACEMENT_CHARACTER);
            rest = &rest[invalid..];
        }
        self.pending = rest.to_vec();
        text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::llm::tokenizer::Vocabulary;

    fn detokenizer() -> Detokenizer {
        Detokenizer { pending: Vec::new(), drop_space: false }
    }

    #[test]
    fn characters_stay_whole() {
        let mut stream = detokenizer();
        let kura = "蔵".as_bytes();
        assert_eq!(stream.push_bytes(&kura[..1]), "");
        assert_eq!(stream.push_bytes(&kura[1..2]), "");
        assert_eq!(stream.push_bytes(&kura[2..]), "蔵");
        assert_eq!(stream.push_bytes(&[b'a', 0xE8]), "a");
        assert_eq!(stream.push_bytes(b"b"), "\u{FFFD}b");
        assert_eq!(stream.push_bytes(&[0xF0, 0x9F]), "");
        assert_eq!(stream.flush(), "\u{FFFD}");
        assert_eq!(stream.flush(), "");
    }

    #[test]
    fn space_rule_and_control_tokens() {
        let vocabulary = Vocabulary {
            model: "llama".to_owned(),
            tokens: ["<unk>", "<s>", "\u{2581}蔵", "\u{2581}b"].map(str::to_owned).to_vec(),
            scores: Some(vec![0.0; 4]),
            token_types: Some(vec![2, 3, 1, 1]),
            ..Vocabulary::default()
        };
        let tokenizer = Tokenizer::new(vocabulary).unwrap();
        let mut stream = Detokenizer::new(&tokenizer);
        let text: Vec<String> = [1, 2, 3, 0, 2, 99].map(|id| stream.push(&tokenizer, id)).to_vec();
        assert_eq!(text, ["", "蔵", " b", "", " 蔵", ""]);
    }

    proptest! {
        #[test]
        fn streaming_equals_decoding_at_once(
            bytes in proptest::collection::vec(
                prop_oneof![any::<u8>(), proptest::sample::select("蔵é🦙a".as_bytes().to_vec())],
                0..40,
            ),
            chunk in 1usize..5,
        ) {
            let mut stream = detokenizer();
            let parts = bytes.chunks(chunk);
            let mut text: String = parts.map(|part| stream.push_bytes(part)).collect();
            text.push_str(&stream.flush());
            prop_assert_eq!(text, String::from_utf8_lossy(&bytes));
        }
    }
}
