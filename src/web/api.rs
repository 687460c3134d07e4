//! The JSON API of the page, and health and metrics for those who watch the box.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio_stream::StreamExt;

use super::answering::Answering;
use super::fields::Fields;
use super::form::Form;
use super::problem::Problem;
use super::recording::Keeper;
use super::talks::{self, Recording, Talk};
use super::{AppState, asker, body, choosing, connection, uploads, view};
use crate::answer::{
    AnswerRequest, SearchRequest, SearchResponse, Service, ServiceError, UPLOAD_PREFIX,
};

/// A comment goes out so often while nothing else does, so that a dead line is noticed.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Longest question, in characters.
pub(crate) const QUESTION_CHARS_MAX: usize = 4000;

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/answer", post(answer))
        .route("/api/search", get(search_by_query).post(search_by_json))
        .route("/api/datasets", get(datasets))
        .route("/api/models", get(models))
        .route("/api/passage", get(passage))
        .route("/api/status", get(status))
        .route("/healthz", get(healthz))
        .route("/metrics", get(metrics))
}

/// `POST {question, max_tokens?, conversation?, uploads?}` and what `choosing` reads; answers with
/// a stream of `AnswerEvent`s.
async fn answer(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let client = connection::client(request.extensions(), None);
    let asker = asker::of(request.extensions())?;
    let map = body::json(request, state.options.body_bytes_max).await?;
    let fields = Fields::new(&map);
    let own = ["question", "max_tokens", "conversation", "uploads"];
    fields.only(&[&choosing::FIELDS[..], &own].concat())?;
    let talk = Talk::of(&state, &asker, fields.text("conversation")?).await?;
    let (files, uploads_only) = uploads::asked(talk.as_ref(), fields.text("uploads")?).await?;
    let request = AnswerRequest {
        question: question("question", fields.required_text("question")?)?,
        selection: choosing::of_json(&fields)?,
        uploads: files,
        uploads_only,
        max_tokens: fields.count("max_tokens", 1..=1_000_000)?,
        earlier: talk.as_ref().map(|talk| talk.earlier.clone()).unwrap_or_default(),
        client,
        ..AnswerRequest::default()
    };
    if !uploads_only {
        need_datasets(&state).await?;
    }
    let keeper = Keeper::of(&state, &asker, &request.question);
    let kept = (state.service.screen(&request.question).text, request.selection.clone());
    let answering = Answering::start(&state, async |service| service.answer(request).await).await?;
    let answering = answering.kept(keeper);
    let recorder = match &talk {
        Some(talk) => Some(talk.recorder(kept.0, &kept.1).await?),
        None => None,
    };
    let events = Recording::new(answering, recorder);
    let events = events.map(|event| Event::default().json_data(event));
    let id = talk.map(|talk| [(talks::HEADER, talk.id().to_owned())]);
    let stream = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    Ok(match id {
        Some(id) => (id, stream).into_response(),
        None => stream.into_response(),
    })
}

/// A question of bearable length, without blank ends; `name` is the parameter that holds it.
pub(crate) fn question(name: &str, text: &str) -> Result<String, Problem> {
    if text.chars().count() > QUESTION_CHARS_MAX {
        return Err(Problem::parameter(
            name,
            format!("{QUESTION_CHARS_MAX}文字以内にしてください。"),
            format!("it must have at most {QUESTION_CHARS_MAX} characters"),
        ));
    }
    Ok(text.trim().to_owned())
}

/// Refuses to look where nothing is installed: 該当なし would sound as if something had been
/// read.
pub(crate) async fn need_datasets(state: &AppState) -> Result<(), Problem> {
    let health = off_the_async_threads(state, |service| Ok(service.health())).await?;
    match health.search && health.datasets == 0 {
        true => Err(Problem::NoDatasets),
        false => Ok(()),
    }
}

async fn search_by_query(
    State(state): State<AppState>,
    request: Request,
) -> Result<Json<SearchResponse>, Problem> {
    let form = Form::parse(request.uri().query().unwrap_or_default());
    let limit = form.first("limit").map(|limit| {
        let wrong =
            || Problem::parameter("limit", "整数で指定してください。", "it must be an integer");
        limit.parse().map_err(|_| wrong())
    });
    let query = form.first("q").unwrap_or_default().to_owned();
    let selection = choosing::of_form(&form)?;
    let query = SearchRequest { query, selection, limit: limit.transpose()? };
    search(&state, query, "q").await
}

async fn search_by_json(
    State(state): State<AppState>,
    request: Request,
) -> Result<Json<SearchResponse>, Problem> {
    let map = body::json(request, state.options.body_bytes_max).await?;
    let fields = Fields::new(&map);
    fields.only(&[&choosing::FIELDS[..], &["query", "limit"]].concat())?;
    let query = SearchRequest {
        query: fields.required_text("query")?.to_owned(),
        selection: choosing::of_json(&fields)?,
        limit: fields.count("limit", 1..=100)?,
    };
    search(&state, query, "query").await
}

async fn search(
    state: &AppState,
    query: SearchRequest,
    name: &'static str,
) -> Result<Json<SearchResponse>, Problem> {
    if query.query.trim().is_empty() {
        return Err(Problem::parameter(name, "空です。", "it is empty"));
    }
    question(name, &query.query)?;
    if !query.limit.is_none_or(|limit| (1..=100).contains(&limit)) {
        let ja = "1から100までで指定してください。";
        return Err(Problem::parameter("limit", ja, "it must lie between 1 and 100"));
    }
    need_datasets(state).await?;
    let found = off_the_async_threads(state, move |service| service.search(&query)).await?;
    state.metrics.count_search(found.search_ms);
    Ok(Json(found))
}

/// Runs what blocks for milliseconds where it holds up nobody.
pub(crate) async fn off_the_async_threads<T: Send + 'static>(
    state: &AppState,
    work: impl FnOnce(&Service) -> Result<T, ServiceError> + Send + 'static,
) -> Result<T, Problem> {
    let service = state.service.clone();
    let done = tokio::task::spawn_blocking(move || work(&service)).await;
    done.map_err(|error| ServiceError::Internal(error.to_string()))?.map_err(Problem::from)
}

async fn datasets(State(state): State<AppState>) -> Result<Json<Value>, Problem> {
    let datasets = off_the_async_threads(&state, |service| Ok(service.datasets())).await?;
    Ok(Json(json!({"datasets": datasets})))
}

async fn models(State(state): State<AppState>) -> Result<Json<Value>, Problem> {
    let models = off_the_async_threads(&state, |service| Ok(service.models())).await?;
    Ok(Json(json!({"models": models})))
}

/// `?dataset=ID&id=PATH%23N`
async fn passage(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let form = Form::parse(request.uri().query().unwrap_or_default());
    let part = |name: &str| match form.first(name) {
        Some(value) if !value.is_empty() => Ok(value.to_owned()),
        _ => Err(Problem::parameter(name, "指定してください。", "it is required")),
    };
    let (dataset, id) = (part("dataset")?, part("id")?);
    if dataset.starts_with(UPLOAD_PREFIX) {
        let asker = asker::of(request.extensions())?;
        let keeper = talks::Keeper::required(&state, &asker)?;
        let found = uploads::passage(&state, &keeper, &dataset, id).await?;
        return Ok(Json(found.ok_or(Problem::NoPassage)?).into_response());
    }
    let found = off_the_async_threads(&state, move |service| service.passage(&dataset, &id));
    let source = found.await?.ok_or(Problem::NoPassage)?;
    Ok(Json(source).into_response())
}

/// For the page: what works, and what to tell the reader about it.
async fn status(State(state): State<AppState>) -> Result<Json<Value>, Problem> {
    let health = off_the_async_threads(&state, |service| Ok(service.health())).await?;
    let banner = view::banner(&health);
    let version = env!("CARGO_PKG_VERSION");
    Ok(Json(json!({"health": health, "banner": banner, "version": version})))
}

/// 200 as long as search works: then questions are answered, by excerpts if need be.
async fn healthz(State(state): State<AppState>) -> Result<Response, Problem> {
    let health = off_the_async_threads(&state, |service| Ok(service.health())).await?;
    let status = match health.search {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    Ok((status, Json(health)).into_response())
}

async fn metrics(State(state): State<AppState>) -> impl IntoResponse {
    let (media_type, text) = state.metrics.render(state.service.engine_stats());
    ([(header::CONTENT_TYPE, media_type)], text)
}
