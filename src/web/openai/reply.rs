//! Writing what the OpenAI API answers, whole or in chunks.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use crate::answer::{AnswerSummary, Excerpt, FinishReason, ModelSummary, Source, Usage};
use crate::web::answering::WholeAnswer;

/// Which route is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Chat,
    Completion,
}

/// What all objects of one response share.
pub(crate) struct Reply {
    shape: Shape,
    id: String,
    created: u64,
    model: String,
    fingerprint: String,
}

impl Reply {
    /// `model` is `None` when the answer is made of excerpts.
    pub(crate) fn new(shape: Shape, model: Option<&ModelSummary>) -> Self {
        let prefix = if shape == Shape::Chat { "chatcmpl" } else { "cmpl" };
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let hash = model.map_or("", |model| model.blake3.as_str());
        let made_by = format!("{hash} {}", env!("CARGO_PKG_VERSION"));
        let fingerprint = blake3::hash(made_by.as_bytes()).to_hex();
        Self {
            shape,
            id: format!("{prefix}-{:032x}", rand::random::<u128>()),
            created: since.map_or(0, |since| since.as_secs()),
            model: model.map_or_else(|| "default".to_owned(), |model| model.id.clone()),
            fingerprint: format!("fp_{}", &fingerprint[..12]),
        }
    }

    fn object(&self, chat: &str, completion: &str, choices: &Value) -> Map<String, Value> {
        let name = if self.shape == Shape::Chat { chat } else { completion };
        let mut object = Map::new();
        object.insert("id".to_owned(), json!(self.id));
        object.insert("object".to_owned(), json!(name));
        object.insert("created".to_owned(), json!(self.created));
        object.insert("model".to_owned(), json!(self.model));
        object.insert("system_fingerprint".to_owned(), json!(self.fingerprint));
        object.insert("choices".to_owned(), choices.clone());
        object
    }

    /// The response without streaming.
    pub(crate) fn whole(&self, answer: &WholeAnswer) -> Value {
        let reason = finish_reason(answer.summary.finish);
        let choice = match self.shape {
            Shape::Chat => json!({
                "index": 0,
                "message": {"role": "assistant", "content": answer.text, "refusal": null},
                "logprobs": null,
                "finish_reason": reason,
            }),
            Shape::Completion => json!({
                "index": 0, "text": answer.text, "logprobs": null, "finish_reason": reason,
            }),
        };
        let mut object = self.object("chat.completion", "text_completion", &json!([choice]));
        object.insert("usage".to_owned(), usage(&answer.summary.usage));
        object.insert("kura".to_owned(), extension(&answer.sources, &answer.summary));
        Value::Object(object)
    }

    /// The first chunk of a chat, which says who speaks. Completions have none.
    pub(crate) fn opening(&self) -> Option<Map<String, Value>> {
        (self.shape == Shape::Chat).then(|| {
            let delta = json!({"role": "assistant", "content": "", "refusal": null});
            self.chunk(&delta, "", None)
        })
    }

    /// A chunk without text: what was found, and the sentences to read until there is an answer.
    pub(crate) fn found(&self, sources: &[Source], excerpt: &[Excerpt]) -> Map<String, Value> {
        let mut chunk = self.chunk(&json!({}), "", None);
        chunk.insert("kura".to_owned(), json!({"citations": sources, "excerpt": excerpt}));
        chunk
    }

    /// A chunk without text: so many others come first.
    pub(crate) fn queued(&self, place: usize) -> Map<String, Value> {
        let mut chunk = self.chunk(&json!({}), "", None);
        chunk.insert("kura".to_owned(), json!({"queued": place}));
        chunk
    }

    /// A chunk with text.
    pub(crate) fn text(&self, text: &str) -> Map<String, Value> {
        self.chunk(&json!({"content": text}), text, None)
    }

    /// The chunk that says why it ended; it carries what kura adds.
    pub(crate) fn ending(&self, sources: &[Source], summary: &AnswerSummary) -> Map<String, Value> {
        let mut chunk = self.chunk(&json!({}), "", Some(finish_reason(summary.finish)));
        chunk.insert("kura".to_owned(), extension(sources, summary));
        chunk
    }

    /// The last chunk, for those who asked for it.
    pub(crate) fn usage(&self, spent: &Usage) -> Map<String, Value> {
        let mut chunk = self.object("chat.completion.chunk", "text_completion", &json!([]));
        chunk.insert("usage".to_owned(), usage(spent));
        chunk
    }

    fn chunk(&self, delta: &Value, text: &str, finish: Option<&str>) -> Map<String, Value> {
        let choice = match self.shape {
            Shape::Chat => json!({
                "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish,
            }),
            Shape::Completion => json!({
                "index": 0, "text": text, "logprobs": null, "finish_reason": finish,
            }),
        };
        self.object("chat.completion.chunk", "text_completion", &json!([choice]))
    }
}

fn finish_reason(finish: FinishReason) -> &'static str {
    match finish {
        FinishReason::Length => "length",
        FinishReason::Stop | FinishReason::Cancelled => "stop",
    }
}

fn usage(usage: &Usage) -> Value {
    json!({
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    })
}

/// Sources and provenance, which every answer carries.
fn extension(sources: &[Source], summary: &AnswerSummary) -> Value {
    json!({
        "kind": summary.kind,
        "citations": sources,
        "cited": summary.cited,
        "citations_removed": summary.citations_removed,
        "citation_check": summary.citation_check,
        "notes": summary.notes,
        "layers": summary.layers,
        "selection": summary.selection,
        "provenance": summary.provenance,
    })
}
