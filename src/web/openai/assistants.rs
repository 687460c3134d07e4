//! Assistants as models, `kura/<id>`: what the last message says is filled into the one field that
//! must be filled in.

use std::sync::Arc;

use serde_json::{Value, json};

use super::request::{Job, Task};
use crate::answer::assistant::{Assistant, Entry, Filled, Kind};
use crate::answer::{AnswerRequest, ServiceError};
use crate::text::Lang;
use crate::web::AppState;
use crate::web::problem::Problem;

const PREFIX: &str = "kura/";

/// The assistants that one message can fill in, as objects of the list of models.
pub(super) async fn objects(state: &AppState) -> Vec<Value> {
    let entries = state.cabinet.list().await.entries;
    let usable = entries.iter().filter(|entry| main_field(&entry.assistant).is_some());
    usable.map(object).collect()
}

/// The object of one; `None` where the id names no assistant.
pub(super) async fn find(state: &AppState, id: &str) -> Result<Option<Value>, Problem> {
    let Some(name) = id.strip_prefix(PREFIX) else { return Ok(None) };
    Ok(Some(object(&entry(state, name).await?)))
}

async fn entry(state: &AppState, name: &str) -> Result<Entry, Problem> {
    let unknown = |_| ServiceError::UnknownModel(format!("{PREFIX}{name}")).into();
    state.cabinet.get(name).await.map_err(unknown)
}

fn object(entry: &Entry) -> Value {
    let assistant = entry.summary();
    json!({
        "id": format!("{PREFIX}{}", assistant.id), "object": "model", "created": 0,
        "owned_by": "kura", "kura": {"name": assistant.title.clone(), "assistant": assistant},
    })
}

/// The field that a message fills in: the only one that is required, and takes any text.
fn main_field(assistant: &Assistant) -> Option<&str> {
    let mut required = assistant.fields.iter().filter(|field| field.required);
    let field = required.next().or_else(|| assistant.fields.first())?;
    let takes_text = matches!(field.kind, Kind::Text | Kind::Line);
    (takes_text && required.next().is_none()).then_some(&field.id)
}

/// A job that names an assistant becomes its task, with the model in use.
pub(super) async fn resolve(state: &AppState, job: Job) -> Result<Job, Problem> {
    let Some(name) = job.model.strip_prefix(PREFIX) else { return Ok(job) };
    let assistant = entry(state, name).await?.assistant;
    let wrong = |ja: &str, en: &str| Problem::parameter("model", ja, en);
    let Task::Chat(chat) = job.task else {
        let ja = "業務アシスタントは、kura.datasetsなしのチャットで使ってください。";
        return Err(wrong(ja, "an assistant is used in a chat without 'kura.datasets'"));
    };
    let Some(field) = main_field(&assistant) else {
        let ja =
            "この業務アシスタントには入力欄が複数あります。画面か/api/assistantsで使ってください。";
        return Err(wrong(ja, "this assistant asks for several fields; use /api/assistants"));
    };
    if !chat.stop.is_empty() {
        let ja = "業務アシスタントと一緒には使えません。";
        return Err(Problem::parameter("stop", ja, "it cannot be used with an assistant"));
    }
    let last = chat.turns.last().filter(|turn| turn.role == "user");
    let Some(last) = last else {
        let ja = "最後は、利用者の発言にしてください。";
        return Err(Problem::parameter("messages", ja, "the last one must be a user's"));
    };
    let value = |id: &str| (id == field).then_some(last.content.as_str());
    let filled = Filled::new(Arc::clone(&assistant), value).map_err(|gaps| {
        let join = |lang| gaps.iter().map(|gap| gap.message(lang)).collect::<Vec<_>>().join(" ");
        Problem::parameter("messages", join(Lang::Ja), join(Lang::En))
    })?;
    let request = AnswerRequest {
        assistant: Some(Arc::new(filled)),
        sampling: chat.sampling,
        max_tokens: chat.max_tokens,
        client: chat.client,
        ..AnswerRequest::default()
    };
    let earlier_turns = chat.turns.len() > 1;
    Ok(Job { model: "default".to_owned(), task: Task::Grounded { request, earlier_turns }, ..job })
}
