//! 業務アシスタント in the browser: the list, using one, making and changing, versions, and the
//! exchange between offices. Everything works without script; with it, answers come as a stream.

mod edit;
mod edit_form;
mod exchange;
mod rights;
mod use_one;
mod versions;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::AppState;
use super::form::Form;
use super::problem::Problem;
use super::view;
use crate::answer::assistant::{CabinetError, Entry};
use crate::text::Lang;

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/assistants", get(list))
        .route("/assistants/new", get(edit::new).post(edit::make))
        .route("/assistants/import", get(exchange::ask).post(exchange::take))
        .route("/assistants/export", get(exchange::set))
        .route("/assistants/{id}", get(use_one::show).post(use_one::run))
        .route("/assistants/{id}/edit", get(edit::open).post(edit::change))
        .route("/assistants/{id}/export", get(exchange::one))
        .route("/assistants/{id}/versions", get(versions::show))
        .route("/assistants/{id}/restore", post(versions::restore))
        .route("/assistants/{id}/remove", post(versions::remove))
        .route("/api/assistants", get(list_json))
        .route("/api/assistants/{id}/run", post(use_one::stream))
}

/// `?done=removed` and the like, after a change.
async fn list(State(state): State<AppState>, request: Request) -> Html<String> {
    let listing = state.cabinet.list().await;
    let query = Form::parse(request.uri().query().unwrap_or_default());
    let may_edit = rights::editor(request.extensions()).is_ok();
    let done = match query.first("done") {
        Some("removed") => "この庁の版を取り除きました。版の履歴は残っています。".to_owned(),
        Some("imported") => {
            let count = query.first("count").and_then(|count| count.parse::<usize>().ok());
            format!("{}件の業務アシスタントを取り込みました。", count.unwrap_or_default())
        }
        _ => String::new(),
    };
    Html(view::assistants_page(&listing, may_edit, &done))
}

async fn list_json(State(state): State<AppState>) -> Json<Value> {
    let listing = state.cabinet.list().await;
    let assistants: Vec<_> = listing.entries.iter().map(Entry::summary).collect();
    Json(json!({"assistants": assistants, "problems": listing.problems}))
}

impl From<CabinetError> for Problem {
    fn from(error: CabinetError) -> Self {
        let (status, code) = match &error {
            CabinetError::Store(_) | CabinetError::Sync(_) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "internal")
            }
            CabinetError::Changed(_) => (StatusCode::CONFLICT, "conflict"),
            CabinetError::Unknown(_) => (StatusCode::NOT_FOUND, "assistant_not_found"),
            CabinetError::Wrong(_) => (StatusCode::BAD_REQUEST, "invalid_assistant"),
        };
        Self::Assistant { status, code, ja: error.message(Lang::Ja), en: error.to_string() }
    }
}
