//! The OpenAI API: models, chat, completions. [`request`] reads what a client asks for,
//! [`assistants`] puts an assistant in place of a model, [`reply`] writes what a client gets,
//! [`stream`] sends it piece by piece.

mod assistants;
mod reply;
mod request;
mod stream;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use super::answering::Answering;
use super::api::{self, KEEP_ALIVE, off_the_async_threads};
use super::asker::{self, Asker};
use super::fields::Fields;
use super::problem::Problem;
use super::recording::Keeper;
use super::{AppState, body, connection};
use crate::answer::{FinishReason, ModelSummary, Service, ServiceError};
use reply::{Reply, Shape};
use request::{Job, Task};
use stream::ChunkStream;

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/v1/models", get(models))
        .route("/v1/models/{*id}", get(model))
        .route("/v1/chat/completions", post(chat))
        .route("/v1/completions", post(completions))
        .route("/v1/embeddings", post(embeddings))
}

async fn models(State(state): State<AppState>) -> Result<Json<Value>, Problem> {
    let models = off_the_async_threads(&state, |service| Ok(service.models())).await?;
    let mut models: Vec<_> = models.iter().map(model_object).collect();
    models.extend(assistants::objects(&state).await);
    Ok(Json(json!({"object": "list", "data": models})))
}

async fn model(
    State(state): State<AppState>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, Problem> {
    let Path(id) = id.map_err(|_| Problem::NoRoute)?;
    if let Some(assistant) = assistants::find(&state, &id).await? {
        return Ok(Json(assistant));
    }
    let found = off_the_async_threads(&state, move |service| {
        let installed = service.models().into_iter().find(|model| model.id == id);
        installed.map_or_else(|| service.resolve_model(&id), Ok)
    });
    Ok(Json(model_object(&found.await?)))
}

fn model_object(model: &ModelSummary) -> Value {
    json!({
        "id": model.id, "object": "model", "created": 0, "owned_by": "kura",
        "kura": {
            "name": model.name, "blake3": model.blake3, "quantization": model.quantization,
            "architecture": model.architecture, "context_tokens": model.context_tokens,
            "self_test": model.self_test, "current": model.current,
            "evaluation": model.evaluation,
        },
    })
}

async fn chat(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let extensions = request.extensions().clone();
    let map = body::json_whatever_its_type(request, state.options.body_bytes_max).await?;
    let client = connection::client(&extensions, user(&map));
    let job = assistants::resolve(&state, request::chat(&Fields::new(&map), client)?).await?;
    run(&state, Shape::Chat, job, &asker::of(&extensions)?).await
}

async fn completions(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let extensions = request.extensions().clone();
    let map = body::json_whatever_its_type(request, state.options.body_bytes_max).await?;
    let client = connection::client(&extensions, user(&map));
    let job = request::completion(&Fields::new(&map), client)?;
    run(&state, Shape::Completion, job, &asker::of(&extensions)?).await
}

/// The person that a calling program asks for.
fn user(map: &Map<String, Value>) -> Option<&str> {
    map.get("user").and_then(Value::as_str)
}

async fn embeddings(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    body::json_whatever_its_type(request, state.options.body_bytes_max).await?;
    Err(Problem::NotImplemented { what: "embeddings" })
}

async fn run(state: &AppState, shape: Shape, job: Job, asker: &Asker) -> Result<Response, Problem> {
    let Job { model, stream, include_usage, task } = job;
    let reply = Reply::new(shape, model_in_use(state, model, &task).await?.as_ref());
    let (extra_notes, needs_data) = (task.notes(), task.needs_data());
    let keeper = Keeper::of(state, asker, &task.question());
    let begin = async |service: &Service| match task {
        Task::Chat(request) => service.chat(request).await,
        Task::Complete(request) => service.complete(request).await,
        Task::Grounded { request, .. } => service.answer(request).await,
    };
    if needs_data {
        api::need_datasets(state).await?;
    }
    let answering = Answering::start(state, begin).await?.kept(keeper);
    if stream {
        let chunks = ChunkStream::new(answering, reply, include_usage, extra_notes);
        return Ok(Sse::new(chunks)
            .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
            .into_response());
    }
    let mut answer = answering.whole().await?;
    if answer.summary.finish == FinishReason::Cancelled {
        return Err(ServiceError::Stopping.into());
    }
    answer.summary.notes.extend(extra_notes);
    Ok(Json(reply.whole(&answer)).into_response())
}

/// The model that will write; `None` when an answer from data sets goes without one.
async fn model_in_use(
    state: &AppState,
    name: String,
    task: &Task,
) -> Result<Option<ModelSummary>, Problem> {
    let grounded = task.is_grounded();
    let found = off_the_async_threads(state, move |service| {
        let resolved = service.resolve_model(&name);
        let installed = service.models().iter().any(|model| model.id == name);
        Ok((resolved, installed, name))
    });
    match found.await? {
        (Ok(model), _, _) if model.current => Ok(Some(model)),
        (Ok(_), _, name) => Err(Problem::ModelNotInUse(name)),
        (Err(ServiceError::NoModel(_)), _, _) if grounded => Ok(None),
        (Err(ServiceError::UnknownModel(name)), true, _) => Err(Problem::ModelNotInUse(name)),
        (Err(error), _, _) => Err(error.into()),
    }
}
