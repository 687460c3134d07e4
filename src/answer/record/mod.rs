//! The record of an answer: what was asked, by whom, what was answered, and from what.
//!
//! A record has a [`Code`] that people can read out and type. It is kept in its canonical form,
//! and every document that is saved of it ([`Format`]) ends with a [`Mark`] that this box alone can
//! make ([`Seal`]), so that [`Records::check`] tells later whether a document came from here and
//! whether it was changed, also when the record is gone. Who confirmed and approved it is its
//! trail ([`review`]).

mod audited;
mod blocks;
mod changes;
mod code;
mod docx;
mod html;
mod keeper;
mod mark;
mod plain;
pub mod review;
mod seal;
mod since;
mod verdict;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::selection::Selection;
use super::types::{AnswerKind, AnswerSummary, FinishReason, Source};
use crate::document::{
    ArticleRef, AssistantIdentity, Authority, DatasetIdentity, ModelIdentity, Person, Scope,
};

pub use blocks::{Block, Style, clock, document};
pub use changes::{Change, changes};
pub use code::Code;
pub use keeper::{Kept, RecordError, Records};
pub use mark::Mark;
pub use seal::{Seal, SealError};
pub use since::{ModelSince, Since, SourceSince};
pub use verdict::{Origin, TextState, Verdict};

/// The form that this program writes.
const FORM: u32 = 1;

/// A record. Its canonical form is its JSON in UTF-8 without white space between tokens, members
/// in the order of the fields here and those of `None` and of empty lists left out where a field
/// says so; `hash` is BLAKE3 of these bytes. The bytes are kept as they were made, so that a later
/// program which knows more fields still finds the same hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Which form this is, counted from 1.
    pub form: u32,
    pub code: Code,
    pub author: Author,
    /// RFC 3339, in local time.
    pub created_at: String,
    /// As it was let through: masked personal data is masked here as well.
    pub question: String,
    pub kind: AnswerKind,
    pub finish: FinishReason,
    /// The answer as it was shown.
    pub text: String,
    /// The same by layer, where the page showed it so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<Layer>,
    /// What was said beside it.
    pub notes: Vec<String>,
    pub sources: Vec<RecordSource>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelIdentity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assistant: Option<AssistantIdentity>,
    pub datasets: Vec<DatasetIdentity>,
    pub selection: Selection,
    pub kura_version: String,
}

/// Who asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    pub id: String,
    pub name: String,
    pub section: String,
}

/// Sentences under the heading of their layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    pub label: String,
    pub text: String,
}

/// A passage that the answer could cite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordSource {
    pub number: usize,
    pub cited: bool,
    /// Id of the data set, and what it was.
    pub dataset: DatasetIdentity,
    /// Id of the passage in this edition.
    pub passage: String,
    pub path: String,
    /// 「地方自治法 第十条第二項」
    pub citation: String,
    pub scope: Scope,
    pub authority: Authority,
    pub as_of: Date,
    /// 「施行日 令和7年4月1日」; empty where nothing was said.
    pub time: String,
    /// 未施行, 旧版, …; empty where it was in force or did not say.
    pub caution: String,
    /// Page, slide or rows.
    pub place: String,
    /// The passage itself, so that a text that is put right later can be checked against it. The
    /// first records have it only where it is cited, and else empty; so are the three below.
    pub text: String,
    /// BLAKE3 of the passage's text, lowercase hexadecimal.
    pub hash: String,
    /// Title of its document, and what else it goes by.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub abbreviations: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub article: Option<ArticleRef>,
}

impl Record {
    /// The record of a finished answer. `question` is masked already.
    pub fn new(
        code: Code,
        person: &Person,
        question: &str,
        text: &str,
        sources: &[Source],
        summary: &AnswerSummary,
    ) -> Self {
        let layers = summary.layers.groups.iter();
        let provenance = &summary.provenance;
        Self {
            form: FORM,
            code,
            author: Author {
                id: person.id.clone(),
                name: person.name.clone(),
                section: person.section.clone(),
            },
            created_at: provenance.created_at.clone(),
            question: question.to_owned(),
            kind: summary.kind,
            finish: summary.finish,
            text: text.to_owned(),
            layers: layers
                .map(|group| Layer { label: group.label.to_owned(), text: group.text.clone() })
                .collect(),
            notes: summary.notes.clone(),
            sources: sources.iter().map(|each| source(each, &summary.cited)).collect(),
            model: provenance.model.clone(),
            assistant: provenance.assistant.clone(),
            datasets: provenance.datasets.clone(),
            selection: summary.selection.clone(),
            kura_version: provenance.kura_version.clone(),
        }
    }

    /// The canonical form.
    ///
    /// # Errors
    /// None that the type allows.
    pub fn canonical(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }

    /// Whether a model wrote it.
    pub fn is_generated(&self) -> bool {
        matches!(self.kind, AnswerKind::Generated | AnswerKind::Plain) || self.model.is_some()
    }
}

fn source(source: &Source, cited: &[usize]) -> RecordSource {
    let (passage, cited) = (&source.passage, cited.contains(&source.number));
    RecordSource {
        number: source.number,
        cited,
        dataset: source.dataset.clone(),
        passage: passage.id.clone(),
        path: passage.path.clone(),
        citation: source.citation.clone(),
        scope: passage.scope,
        authority: passage.authority,
        as_of: passage.as_of,
        time: source.time.words.clone(),
        caution: if source.time.caution { source.time.label.to_owned() } else { String::new() },
        place: passage.locator.label(),
        text: passage.text.clone(),
        hash: hash_of(&passage.text),
        title: passage.title.clone(),
        abbreviations: passage.abbreviations.clone(),
        article: passage.article.clone(),
    }
}

/// BLAKE3 as lowercase hexadecimal.
pub(super) fn hash_of(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// What a record is saved as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Docx,
    /// A4 when it is printed, or made into a PDF by the browser.
    Html,
    Markdown,
    Text,
}

impl Format {
    /// Every format with the end of its file names.
    pub const ALL: [(Self, &'static str); 4] =
        [(Self::Docx, "docx"), (Self::Html, "html"), (Self::Markdown, "md"), (Self::Text, "txt")];

    /// By the end of a file's name.
    pub fn of(extension: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, end)| *end == extension).map(|(format, _)| *format)
    }

    /// The end of its file names, without the dot.
    pub fn extension(self) -> &'static str {
        Self::ALL.iter().find(|(format, _)| *format == self).map_or("", |(_, end)| end)
    }

    /// For HTTP.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Self::Html => "text/html; charset=utf-8",
            Self::Markdown => "text/markdown; charset=utf-8",
            Self::Text => "text/plain; charset=utf-8",
        }
    }

    /// Writes blocks in this format.
    ///
    /// # Errors
    /// The file cannot be put together (DOCX only).
    pub fn write(self, blocks: &[Block]) -> std::io::Result<Vec<u8>> {
        match self {
            Self::Docx => docx::write(blocks),
            Self::Html => Ok(html::write(blocks).into_bytes()),
            Self::Markdown => Ok(plain::markdown(blocks).into_bytes()),
            Self::Text => Ok(plain::text(blocks).into_bytes()),
        }
    }
}
