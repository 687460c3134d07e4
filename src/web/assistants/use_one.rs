//! Using one: its fields, what came out, and how the checks on it came out.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::Extensions;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Response};
use serde_json::{Map, Value};
use tokio_stream::StreamExt;

use super::super::answering::{Answering, WholeAnswer};
use super::super::asker;
use super::super::fields::Fields;
use super::super::form::Form;
use super::super::problem::Problem;
use super::super::recording::Keeper;
use super::super::view::{self, AssistantDesk};
use super::super::{AppState, api, body, choosing, connection};
use super::rights;
use crate::answer::assistant::{Assistant, Entry, Filled};
use crate::answer::{AnswerRequest, Service};
use crate::text::Lang;

/// `?example=1` fills in the first example; `?done=saved` comes from saving.
pub(super) async fn show(
    State(state): State<AppState>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Html<String>, Problem> {
    let query = Form::parse(request.uri().query().unwrap_or_default());
    let entry = state.cabinet.get(&id).await?;
    let example = query.first("example").and_then(|number| number.parse::<usize>().ok());
    let example =
        example.and_then(|number| Filled::example(entry.assistant.clone(), number.checked_sub(1)?));
    let mut desk = desk(&state, entry, request.extensions()).await?;
    if let Some(example) = example {
        for field in &desk.entry.assistant.fields {
            desk.values.push((field.id.clone(), example.value(&field.id).to_owned()));
        }
    }
    desk.done = match query.first("done") {
        Some("saved") => "保存しました。前の版は「版の履歴」から戻せます。",
        Some("restored") => "選んだ版に戻しました。",
        _ => "",
    };
    Ok(Html(view::assistant_page(&desk, None)))
}

/// The page before anything is filled in.
async fn desk(
    state: &AppState,
    entry: Entry,
    extensions: &Extensions,
) -> Result<AssistantDesk, Problem> {
    let read = |service: &Service| Ok((service.health(), service.datasets(), service.models()));
    let (health, datasets, models) = api::off_the_async_threads(state, read).await?;
    Ok(AssistantDesk {
        may_edit: rights::editor(extensions).is_ok(),
        banner: view::banner(&health),
        self_test: models.iter().any(|model| model.current && model.self_test),
        datasets,
        entry,
        values: Vec::new(),
        gaps: Vec::new(),
        error: String::new(),
        done: "",
    })
}

/// The form without script: what came out, in one page.
pub(super) async fn run(
    State(state): State<AppState>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let extensions = request.extensions().clone();
    let client = connection::client(&extensions, None);
    let form = body::form(request, state.options.body_bytes_max).await?;
    let entry = state.cabinet.get(&id).await?;
    let assistant = entry.assistant.clone();
    let mut desk = desk(&state, entry, &extensions).await?;
    let value = |id: &str| form.first(&format!("input-{id}"));
    for field in &assistant.fields {
        desk.values.push((field.id.clone(), value(&field.id).unwrap_or_default().to_owned()));
    }
    let filled = match Filled::new(assistant, value) {
        Ok(filled) => Arc::new(filled),
        Err(gaps) => {
            desk.gaps = gaps;
            let page = Html(view::assistant_page(&desk, None));
            return Ok((axum::http::StatusCode::BAD_REQUEST, page).into_response());
        }
    };
    let asker = asker::of(&extensions)?;
    let keeper = Keeper::of(&state, &asker, &filled.request());
    match whole(&state, filled.clone(), client, keeper).await {
        Ok(answer) => {
            Ok(Html(view::assistant_page(&desk, Some((&filled.title(), &answer)))).into_response())
        }
        Err(problem) => {
            desk.error = problem.message(Lang::Ja);
            let page = Html(view::assistant_page(&desk, None));
            let mut response = (problem.status(), page).into_response();
            problem.set_retry_after(response.headers_mut());
            Ok(response)
        }
    }
}

/// Runs an assistant to its end; a trial of one leaves no record.
pub(super) async fn whole(
    state: &AppState,
    filled: Arc<Filled>,
    client: Option<u64>,
    keeper: Option<Keeper>,
) -> Result<WholeAnswer, Problem> {
    need_data(state, filled.assistant()).await?;
    let request = AnswerRequest { assistant: Some(filled), client, ..AnswerRequest::default() };
    let answering = Answering::start(state, async |service| service.answer(request).await).await?;
    answering.kept(keeper).whole().await
}

async fn need_data(state: &AppState, assistant: &Assistant) -> Result<(), Problem> {
    match assistant.uses_data() {
        true => api::need_datasets(state).await,
        false => Ok(()),
    }
}

/// `POST {inputs: {field: value}, max_tokens?}` and what `choosing` reads; answers with a stream
/// of `AnswerEvent`s.
pub(super) async fn stream(
    State(state): State<AppState>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let client = connection::client(request.extensions(), None);
    let asker = asker::of(request.extensions())?;
    let map = body::json(request, state.options.body_bytes_max).await?;
    let fields = Fields::new(&map);
    fields.only(&[&choosing::FIELDS[..], &["inputs", "max_tokens"]].concat())?;
    let entry = state.cabinet.get(&id).await?;
    let filled = Arc::new(filled(&map, entry.assistant)?);
    need_data(&state, filled.assistant()).await?;
    let keeper = Keeper::of(&state, &asker, &filled.request());
    let request = AnswerRequest {
        assistant: Some(filled),
        selection: choosing::of_json(&fields)?,
        max_tokens: fields.count("max_tokens", 1..=1_000_000)?,
        client,
        ..AnswerRequest::default()
    };
    let answering = Answering::start(&state, async |service| service.answer(request).await).await?;
    let events = answering.kept(keeper).map(|event| Event::default().json_data(event));
    let keep_alive = KeepAlive::new().interval(api::KEEP_ALIVE);
    Ok(Sse::new(events).keep_alive(keep_alive).into_response())
}

/// The inputs of a JSON request; a field that the assistant does not have is refused.
fn filled(map: &Map<String, Value>, assistant: Arc<Assistant>) -> Result<Filled, Problem> {
    let fields = Fields::new(map);
    let empty = Map::new();
    let inputs = fields.object("inputs", "inputs.")?;
    let inputs = inputs.unwrap_or_else(|| Fields::new(&empty));
    let known: Vec<&str> = assistant.fields.iter().map(|field| field.id.as_str()).collect();
    inputs.only(&known)?;
    let mut values = Vec::with_capacity(known.len());
    for id in known {
        values.push((id.to_owned(), inputs.text(id)?.unwrap_or_default().to_owned()));
    }
    let value =
        |id: &str| values.iter().find(|(known, _)| known == id).map(|(_, value)| value.as_str());
    Filled::new(assistant, value).map_err(|gaps| {
        let join = |lang| gaps.iter().map(|gap| gap.message(lang)).collect::<Vec<_>>().join(" ");
        Problem::Assistant {
            status: axum::http::StatusCode::BAD_REQUEST,
            code: "invalid_input",
            ja: join(Lang::Ja),
            en: join(Lang::En),
        }
    })
}
