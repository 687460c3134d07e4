//! The versions that the office kept of one, going back to one of them, and taking the office's
//! away.

use axum::extract::{Path, Request, State};
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::super::form::Form;
use super::super::problem::Problem;
use super::super::{AppState, body, view};
use super::rights;

pub(super) async fn show(
    State(state): State<AppState>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Html<String>, Problem> {
    let versions = state.cabinet.versions(&id).await?;
    let entry = match (state.cabinet.get(&id).await, versions.is_empty()) {
        (Ok(entry), _) => Some(entry),
        // Taken away here, and nothing lies below: its versions can still be put back.
        (Err(_), false) => None,
        (Err(why), true) => return Err(why.into()),
    };
    let may_edit = rights::editor(request.extensions()).is_ok();
    Ok(Html(view::versions_page(&id, entry.as_ref(), &versions, may_edit)))
}

/// What both changes say: from which revision on, and who it is.
async fn asked(state: &AppState, request: Request) -> Result<(Form, i64, String), Problem> {
    let author = rights::editor(request.extensions())?;
    let form = body::form(request, state.options.body_bytes_max).await?;
    let base = number(&form, "base")?;
    Ok((form, base, author))
}

fn number(form: &Form, name: &str) -> Result<i64, Problem> {
    let number = form.first(name).and_then(|number| number.parse().ok());
    number.ok_or_else(|| Problem::parameter(name, "整数で指定してください。", "an integer"))
}

/// `revision` becomes the newest version again.
pub(super) async fn restore(
    State(state): State<AppState>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (form, base, author) = asked(&state, request).await?;
    let revision = number(&form, "revision")?;
    let restored = state.cabinet.restore(&id, revision, base, author).await?;
    Ok(Redirect::to(&format!("/assistants/{}?done=restored", restored.id)).into_response())
}

pub(super) async fn remove(
    State(state): State<AppState>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (_, base, author) = asked(&state, request).await?;
    state.cabinet.remove(&id, base, author).await?;
    Ok(Redirect::to("/assistants?done=removed").into_response())
}
