//! The fields of the index, and the tokenizers that fill them.

use tantivy::schema::{
    BytesOptions, FAST, Field, IndexRecordOption, NumericOptions, STORED, Schema,
    TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{Token, TokenStream, Tokenizer, TokenizerManager};

use super::analysis::{self, Sink};
use super::titles::title_key;
use crate::document::{ArticleRef, Passage};
use crate::text::fold;

const GRAMS: &str = "kura_grams";
const WORDS: &str = "kura_words";

/// Handles of the fields; the same numbers in every index, so that terms travel between them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields {
    /// Exact id of the passage.
    pub(super) id: Field,
    /// Exact path of the document.
    pub(super) path: Field,
    /// Law, main part or 附則, article: see [`provision_key`].
    pub(super) provision: Field,
    /// Bigrams of [`indexed_text`].
    pub(super) grams: Field,
    /// Dictionary words of [`indexed_text`].
    pub(super) words: Field,
    /// Place in reading order over the whole data set.
    pub(super) ordinal: Field,
    /// Number of its document: see [`super::documents`].
    pub(super) document: Field,
    /// The passage as JSON.
    pub(super) passage: Field,
}

/// Name of the fast field that orders passages.
pub(super) const ORDINAL: &str = "ordinal";

/// Name of the fast field that tells the document.
pub(super) const DOCUMENT: &str = "document";

/// The schema and its handles.
pub(super) fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let exact = || {
        let indexing = TextFieldIndexing::default()
            .set_tokenizer("raw")
            .set_fieldnorms(false)
            .set_index_option(IndexRecordOption::Basic);
        TextOptions::default().set_indexing_options(indexing)
    };
    let ranked = |tokenizer: &str| {
        let indexing = TextFieldIndexing::default()
            .set_tokenizer(tokenizer)
            .set_index_option(IndexRecordOption::WithFreqs);
        TextOptions::default().set_indexing_options(indexing)
    };
    let fields = Fields {
        id: builder.add_text_field("id", exact()),
        path: builder.add_text_field("path", exact()),
        provision: builder.add_text_field("provision", exact()),
        grams: builder.add_text_field("grams", ranked(GRAMS)),
        words: builder.add_text_field("words", ranked(WORDS)),
        ordinal: builder.add_u64_field(ORDINAL, NumericOptions::from(FAST)),
        document: builder.add_u64_field(DOCUMENT, NumericOptions::from(FAST)),
        passage: builder.add_bytes_field("passage", BytesOptions::from(STORED)),
    };
    (builder.build(), fields)
}

/// The analysers under the names that the schema uses.
pub(super) fn register(tokenizers: &TokenizerManager) {
    tokenizers.register(GRAMS, Analyser(analysis::grams));
    tokenizers.register(WORDS, Analyser(analysis::words));
}

/// What a passage is found by: its title and ancestors, then its text, folded.
pub(super) fn indexed_text(passage: &Passage) -> String {
    let text = titles_of(passage);
    if passage.text.is_empty() { fold(&text) } else { fold(&format!("{text}\n{}", passage.text)) }
}

/// Of [`indexed_text`], what stands above the text.
pub(super) fn indexed_title(passage: &Passage) -> String {
    fold(&titles_of(passage))
}

fn titles_of(passage: &Passage) -> String {
    let mut text = passage.title.clone();
    let label = passage.article.as_ref().map(ArticleRef::label).unwrap_or_default();
    let parts = passage.headings.iter().chain([&passage.caption, &label]);
    for part in parts.filter(|part| !part.is_empty()) {
        text.push('\n');
        text.push_str(part);
    }
    text
}

/// The exact term under which all passages of an article are found.
pub(super) fn provision_key(title: &str, provision: &ArticleRef) -> String {
    let part = if provision.supplement.is_some() { "附則" } else { "" };
    format!("{}\u{1f}{part}\u{1f}{}", title_key(title), provision.article)
}

/// One of the two analyses, for tantivy; it takes texts that are folded already.
#[derive(Clone)]
struct Analyser(fn(&str, Sink<'_>));

impl Tokenizer for Analyser {
    type TokenStream<'a> = Terms;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Terms {
        let (mut terms, mut ends) = (String::new(), Vec::new());
        (self.0)(text, &mut |term, _| {
            terms.push_str(term);
            ends.push(terms.len());
        });
        Terms { terms, ends, at: 0, token: Token::default() }
    }
}

/// Terms of one text, one behind the other.
struct Terms {
    terms: String,
    ends: Vec<usize>,
    at: usize,
    token: Token,
}

impl TokenStream for Terms {
    fn advance(&mut self) -> bool {
        let Some(&end) = self.ends.get(self.at) else { return false };
        let start = if self.at == 0 { 0 } else { self.ends[self.at - 1] };
        self.token.text.clear();
        self.token.text.push_str(&self.terms[start..end]);
        self.token.position = self.at;
        self.at += 1;
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}
