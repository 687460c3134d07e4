//! What goes into the [`Service`](super::Service) and what comes out: requests, events, errors.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::assistant::{CheckOutcome, Filled};
use super::follow_up::Earlier;
use super::layers::LayerSummary;
use super::not_found::NotFound;
use super::selection::Selection;
use super::time::SourceTime;
use super::uploads::Upload;
use crate::document::{DatasetIdentity, Passage, Provenance};
use crate::guard::personal::{Kind, labels};
use crate::sync::{Evaluation, MeasuredRates};
use crate::text::Lang;

/// How tokens are chosen. `None` means the default of the settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SamplingRequest {
    /// 0 is greedy.
    pub temperature: Option<f32>,
    pub top_k: Option<usize>,
    pub top_p: Option<f32>,
    pub min_p: Option<f32>,
    pub repetition_penalty: Option<f32>,
    pub seed: Option<u64>,
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatTurn {
    /// `system`, `user` or `assistant`.
    pub role: String,
    pub content: String,
}

/// A question to be answered from data sets.
#[derive(Clone, Debug, Default)]
pub struct AnswerRequest {
    /// Set from what was filled in where an assistant is given.
    pub question: String,
    /// What was asked and answered before in the same conversation, the first one first.
    pub earlier: Vec<Earlier>,
    /// The assistant whose task it is, with what was filled in; `None` is a plain question.
    pub assistant: Option<Arc<Filled>>,
    /// Where to look; the default is everything as of today.
    pub selection: Selection,
    /// Files of the conversation that it is about, beside the data sets of the selection.
    pub uploads: Vec<Upload>,
    /// Whether it is about these files alone.
    pub uploads_only: bool,
    pub sampling: SamplingRequest,
    /// At most so many tokens are generated; `None` means the default of the settings.
    pub max_tokens: Option<usize>,
    /// Whether quotations are held to the passages while they are written; `None` means as the
    /// settings say.
    pub verbatim: Option<bool>,
    /// Whom it is for: people are served in turn, however much each of them asks. Without one, a
    /// request counts as a person of its own.
    pub client: Option<u64>,
}

/// A conversation without data sets.
#[derive(Clone, Debug, Default)]
pub struct ChatRequest {
    pub turns: Vec<ChatTurn>,
    pub sampling: SamplingRequest,
    pub max_tokens: Option<usize>,
    /// Generation ends before the first of these strings, which is not part of the text.
    pub stop: Vec<String>,
    /// Whom it is for: people are served in turn, however much each of them asks. Without one, a
    /// request counts as a person of its own.
    pub client: Option<u64>,
}

/// A raw prompt to be continued.
#[derive(Clone, Debug, Default)]
pub struct CompletionRequest {
    pub prompt: String,
    pub sampling: SamplingRequest,
    pub max_tokens: Option<usize>,
    pub stop: Vec<String>,
    /// Whom it is for: people are served in turn, however much each of them asks. Without one, a
    /// request counts as a person of its own.
    pub client: Option<u64>,
}

/// A passage with the number under which an answer cites it.
#[derive(Clone, Debug, Serialize)]
pub struct Source {
    /// Counted from 1, as in `[1]`. In an answer the order is that of layer, authority, data set,
    /// document and place in it, which does not change with the question.
    pub number: usize,
    /// Place in the order of the search: 1 fits best.
    pub rank: usize,
    /// Where it comes from.
    pub dataset: DatasetIdentity,
    pub passage: Passage,
    /// 「地方自治法 第十条第二項」
    pub citation: String,
    /// 通例 or 固有
    pub scope_label: &'static str,
    /// 法律, 通知, …
    pub authority_label: &'static str,
    /// Where it stands on the day that was asked.
    pub time: SourceTime,
    /// The best stretch of the passage's text, with byte ranges of the words that matched.
    pub snippet: String,
    pub highlights: Vec<Range<usize>>,
    /// What the reader is told about the passage, in Japanese: it speaks to an AI, or held
    /// characters that nobody sees.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// A sentence of a source, word for word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Excerpt {
    /// Number of the source.
    pub number: usize,
    pub text: String,
}

/// Who wrote the text of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerKind {
    /// The model, from the passages.
    Generated,
    /// Sentences quoted from the passages, because no model could be used.
    Excerpt,
    /// 該当なし
    NotFound,
    /// The model alone, without data sets (chat, completions, assistants without data).
    Plain,
}

/// Why generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FinishReason {
    /// The model ended, or a stop string came.
    Stop,
    /// `max_tokens` or the context was used up.
    Length,
    /// The client went away, pressed stop, or the server is shutting down.
    Cancelled,
}

/// Counts and times of one answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Usage {
    pub prompt_tokens: usize,
    /// Of these, those that the engine had computed for an earlier prompt.
    pub cached_tokens: usize,
    pub completion_tokens: usize,
    pub search_ms: f64,
    /// From the request to the first token; 0 when no token came.
    pub first_token_ms: f64,
    pub total_ms: f64,
}

/// What the check of citations found in one answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CitationCounts {
    /// Numbers that were written.
    pub checked: usize,
    /// Quotations that were put right from a passage.
    pub requoted: usize,
    /// Places whose number was put right.
    pub renumbered: usize,
    /// Citations taken out: of no passage that was given; for a quotation that is not in the
    /// passage; for a law or article that is another one.
    pub removed_not_given: usize,
    pub removed_misquoted: usize,
    pub removed_misnamed: usize,
    /// Sentences that carry the mark 根拠未確認.
    pub unconfirmed: usize,
}

impl CitationCounts {
    /// What was put right.
    pub fn repaired(self) -> usize {
        self.requoted + self.renumbered
    }

    /// Citations taken out.
    pub fn removed(self) -> usize {
        self.removed_not_given + self.removed_misquoted + self.removed_misnamed
    }
}

impl std::ops::AddAssign for CitationCounts {
    fn add_assign(&mut self, more: Self) {
        self.checked += more.checked;
        self.requoted += more.requoted;
        self.renumbered += more.renumbered;
        self.removed_not_given += more.removed_not_given;
        self.removed_misquoted += more.removed_misquoted;
        self.removed_misnamed += more.removed_misnamed;
        self.unconfirmed += more.unconfirmed;
    }
}

/// The end of an answer.
#[derive(Clone, Debug, Serialize)]
pub struct AnswerSummary {
    pub kind: AnswerKind,
    pub finish: FinishReason,
    /// Citations that did not hold, and so were removed from the text.
    pub citations_removed: usize,
    /// What the check of citations found.
    pub citation_check: CitationCounts,
    /// Numbers of the sources that the text cites, ascending.
    pub cited: Vec<usize>,
    /// Said to the reader beside the answer, in Japanese: stale data, no model, self-test model, …
    pub notes: Vec<String>,
    /// What the assistant asks of its output, and how it came out; empty without one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckOutcome>,
    /// How it stands on 国の共通ルール and 本市の取扱い.
    pub layers: LayerSummary,
    /// What the answer was made from, with the day and the editions that were used; for an answer
    /// without data sets it says nothing.
    pub selection: Selection,
    /// What is told beside 該当なし; `None` for every other kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_found: Option<Box<NotFound>>,
    pub provenance: Provenance,
    /// Code of the record that was made of it; `None` where none is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    pub usage: Usage,
}

/// What an answer sends, in this order: `Sources` once, `Queued` and then `Text` any number of
/// times, then one of the last two.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum AnswerEvent {
    /// The numbered passages that the answer may cite, and their sentences that fit the question
    /// best, to be read until there is an answer; right after the search, before a model is asked.
    /// Both empty for chat and completions.
    Sources { sources: Vec<Source>, excerpt: Vec<Excerpt> },
    /// The model is busy with others; `place` of them come first.
    Queued { place: usize },
    /// A long input is worked on in parts; so many are done.
    Progress { done: usize, parts: usize },
    /// More text; its citations are checked already.
    Text { text: String },
    /// The answer is whole.
    Finished { summary: Box<AnswerSummary> },
    /// It broke off. The text so far stands.
    Failed { message: String },
}

/// The stream of an answer. Dropping it stops the generation.
pub type AnswerStream = tokio::sync::mpsc::Receiver<AnswerEvent>;

/// A search without an answer.
#[derive(Clone, Debug, Default)]
pub struct SearchRequest {
    pub query: String,
    /// Where to look; the default is everything as of today.
    pub selection: Selection,
    /// At most so many passages, 1 to 100; `None` means 10.
    pub limit: Option<usize>,
}

/// Numbered passages, best first.
#[derive(Clone, Debug, Serialize)]
pub struct SearchResponse {
    pub sources: Vec<Source>,
    /// Provisions that the question names but no data set holds: 「民法 第九千条」.
    pub unresolved: Vec<String>,
    /// What was looked in, with the day that counted.
    pub selection: Selection,
    /// What the reader should know of the day that counted, in Japanese.
    pub notes: Vec<String>,
    pub search_ms: f64,
}

/// A data set as the interface lists it.
#[derive(Clone, Debug, Serialize)]
pub struct DatasetSummary {
    #[serde(flatten)]
    pub identity: DatasetIdentity,
    pub scope_label: &'static str,
    pub authority_label: &'static str,
    pub publisher: String,
    pub licence: String,
    pub documents: usize,
    pub passages: u64,
    /// Files that could not be read when the data set was added.
    pub failures: usize,
    /// Editions that are installed beside the current one and can be chosen.
    pub older: Vec<DatasetIdentity>,
    /// How often search errs with 該当なし on it, as measured on this box.
    pub measured: Option<MeasuredRates>,
}

/// A model as the interface lists it.
#[derive(Clone, Debug, Serialize)]
pub struct ModelSummary {
    /// Name by which a request chooses it.
    pub id: String,
    /// Name in the interface.
    pub name: String,
    pub blake3: String,
    pub quantization: String,
    pub architecture: String,
    pub size_bytes: u64,
    pub context_tokens: usize,
    pub self_test: bool,
    /// True for the one in use.
    pub current: bool,
    /// What `kura eval model` measured with it on this box.
    pub evaluation: Option<Evaluation>,
}

/// State of the box for `/healthz`.
#[derive(Clone, Debug, Serialize)]
pub struct Health {
    /// Search works.
    pub search: bool,
    /// The model answers; false means excerpt answers.
    pub model: bool,
    /// Why the model does not answer, in Japanese; empty when it does.
    pub model_problem: String,
    pub datasets: usize,
    /// Requests waiting or being answered.
    pub active_requests: usize,
}

/// Why a request is refused before anything was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    #[error("too many requests are waiting; try again in {retry_after_s} s")]
    Busy { retry_after_s: u64 },
    #[error("no model can be used: {0}")]
    NoModel(String),
    #[error("model {0:?} is not installed")]
    UnknownModel(String),
    #[error("data set {0:?} is not installed")]
    UnknownDataset(String),
    #[error("the prompt has {tokens} tokens, but the model takes at most {limit}")]
    TooLong { tokens: usize, limit: usize },
    /// A parameter is out of range: its name and what is allowed, in both languages.
    #[error("{parameter}: {en}")]
    Invalid { parameter: &'static str, ja: String, en: String },
    /// The text holds personal data that the settings refuse.
    #[error("the text holds personal data that may not be sent: {}", english(.kinds))]
    PersonalData { kinds: Vec<Kind> },
    #[error("the server is shutting down")]
    Stopping,
    #[error("internal error: {0}")]
    Internal(String),
}

fn english(kinds: &[Kind]) -> String {
    kinds.iter().map(|kind| kind.english()).collect::<Vec<_>>().join(", ")
}

impl ServiceError {
    /// For the reader of the page.
    pub fn message(&self, lang: Lang) -> String {
        if lang == Lang::En {
            return self.to_string();
        }
        match self {
            Self::Busy { retry_after_s } => {
                format!(
                    "ただいま混み合っています。{retry_after_s}秒ほど待ってから、もう一度お試しください。"
                )
            }
            Self::NoModel(why) => format!("モデルを使えません（{why}）。"),
            Self::UnknownModel(name) => format!("モデル「{name}」は登録されていません。"),
            Self::UnknownDataset(id) => format!("データセット「{id}」は登録されていません。"),
            Self::TooLong { tokens, limit } => format!(
                "文章が長すぎます（{tokens}トークン）。このモデルで扱えるのは{limit}トークンまでです。短くしてください。"
            ),
            Self::Invalid { parameter, ja, .. } => {
                format!("{parameter}の指定が正しくありません：{ja}")
            }
            Self::PersonalData { kinds } => {
                format!(
                    "{}が含まれているため、送信できません。その部分を消してから、もう一度送信してください。",
                    labels(kinds)
                )
            }
            Self::Stopping => "停止の準備中です。しばらくしてからお試しください。".to_owned(),
            Self::Internal(why) => {
                format!("処理中に問題が起きました（{why}）。情報担当者に知らせてください。")
            }
        }
    }
}
