//! Making, copying and changing one: a form that can be looked at, tried and saved.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::super::form::Form;
use super::super::problem::Problem;
use super::super::view::{self, EditDesk};
use super::super::{AppState, api, body, connection};
use super::{edit_form, rights, use_one};
use crate::answer::Service;
use crate::answer::assistant::{Assistant, CabinetError, Filled, Saving, validate};
use crate::text::Lang;

/// `?from=ID` begins with a copy.
pub(super) async fn new(
    State(state): State<AppState>,
    request: Request,
) -> Result<Html<String>, Problem> {
    rights::editor(request.extensions())?;
    let query = Form::parse(request.uri().query().unwrap_or_default());
    let mut assistant = edit_form::blank();
    let mut source = String::new();
    if let Some(from) = query.first("from").filter(|from| !from.is_empty()) {
        assistant = state.cabinet.get(from).await?.assistant.as_ref().clone();
        source.clone_from(&assistant.id);
        assistant.id = String::new();
        assistant.title = format!("{}の写し", assistant.title);
        assistant.version = 1;
    }
    let desk = EditDesk { is_new: true, source, ..desk(&state, assistant).await? };
    Ok(Html(view::edit_page(&desk)))
}

pub(super) async fn open(
    State(state): State<AppState>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Html<String>, Problem> {
    rights::editor(request.extensions())?;
    let entry = state.cabinet.get(&id).await?;
    let assistant = entry.assistant.as_ref().clone();
    let base = head(&state, &id).await?;
    let desk = EditDesk { source: id, base, ..desk(&state, assistant).await? };
    Ok(Html(view::edit_page(&desk)))
}

/// The office's newest revision of an id; 0 where there is none.
async fn head(state: &AppState, id: &str) -> Result<i64, Problem> {
    let versions = state.cabinet.versions(id).await?;
    Ok(versions.first().map_or(0, |version| version.revision))
}

async fn desk(state: &AppState, assistant: Assistant) -> Result<EditDesk, Problem> {
    let datasets =
        api::off_the_async_threads(state, |service: &Service| Ok(service.datasets())).await?;
    Ok(EditDesk { assistant, datasets, ..EditDesk::default() })
}

pub(super) async fn make(
    State(state): State<AppState>,
    request: Request,
) -> Result<Response, Problem> {
    handle(&state, request, None).await
}

pub(super) async fn change(
    State(state): State<AppState>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    handle(&state, request, Some(id)).await
}

/// `action` is `save` or `try`; anything else shows the form again, with the prompt as sent.
async fn handle(
    state: &AppState,
    request: Request,
    id: Option<String>,
) -> Result<Response, Problem> {
    let author = rights::editor(request.extensions())?;
    let client = connection::client(request.extensions(), None);
    let form = body::form(request, state.options.body_bytes_max).await?;
    let source = form.first("source").unwrap_or_default().to_owned();
    let old = state.cabinet.get(&source).await.ok();
    let (mut assistant, mut faults) =
        edit_form::read(&form, old.as_ref().map(|entry| entry.assistant.as_ref()));
    match &id {
        Some(id) => assistant.id.clone_from(id),
        None if state.cabinet.get(&assistant.id).await.is_ok() => {
            faults.push(format!("ID「{}」は、既に使われています。", assistant.id));
        }
        None => {}
    }
    faults.extend(validate(&assistant).iter().map(edit_form::friendly));
    let base = form.first("base").and_then(|base| base.parse().ok()).unwrap_or_default();
    let mut desk = EditDesk {
        is_new: id.is_none(),
        source,
        base,
        note: form.first("note").unwrap_or_default().to_owned(),
        faults,
        ..desk(state, assistant).await?
    };
    match form.first("action") {
        Some("save") if desk.faults.is_empty() => match save(state, &desk, author).await {
            Ok(saved) => {
                let to = format!("/assistants/{}?done=saved", saved.id);
                return Ok(Redirect::to(&to).into_response());
            }
            Err(CabinetError::Wrong(faults)) => {
                desk.faults = faults.iter().map(edit_form::friendly).collect();
            }
            Err(other @ CabinetError::Changed(_)) => desk.faults.push(other.message(Lang::Ja)),
            Err(other) => return Err(other.into()),
        },
        Some("try") if desk.faults.is_empty() => run(state, &mut desk, client).await,
        _ => {}
    }
    desk.previewed = true;
    let status = match desk.faults.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::BAD_REQUEST,
    };
    Ok((status, Html(view::edit_page(&desk))).into_response())
}

async fn save(
    state: &AppState,
    desk: &EditDesk,
    author: String,
) -> Result<Assistant, CabinetError> {
    let (assistant, note) = (desk.assistant.clone(), desk.note.trim().to_owned());
    // A new one may have the id of one that was taken away: its versions go on.
    let base = match desk.is_new {
        true => state.cabinet.versions(&assistant.id).await?.first().map_or(0, |v| v.revision),
        false => desk.base,
    };
    state.cabinet.save(Saving { assistant, base, note, author }).await
}

/// Runs it on its first example, unsaved.
async fn run(state: &AppState, desk: &mut EditDesk, client: Option<u64>) {
    let assistant = Arc::new(desk.assistant.clone());
    let example = assistant.examples.first().cloned().unwrap_or_default();
    let value = |id: &str| {
        example.values.iter().find(|(known, _)| known == id).map(|(_, value)| value.as_str())
    };
    let filled = match Filled::new(assistant.clone(), value) {
        Ok(filled) => Arc::new(filled),
        Err(gaps) => {
            let said = gaps.iter().map(|gap| format!("試す内容の「{}」：{}", gap.label, gap.ja));
            desk.faults.extend(said);
            return;
        }
    };
    match use_one::whole(state, filled.clone(), client, None).await {
        Ok(answer) => desk.answer = Some((filled.title(), answer)),
        Err(problem) => desk.error = problem.message(Lang::Ja),
    }
}
