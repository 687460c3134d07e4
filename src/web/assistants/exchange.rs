//! Files between offices: one assistant or a set goes out as TOML, and comes in after a look at
//! what it will do. What others wrote is text here, and nothing else.

use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::super::form::Form;
use super::super::problem::Problem;
use super::super::view::{self, ImportDesk};
use super::super::{AppState, body};
use super::rights;
use crate::answer::Service;
use crate::answer::assistant::{Assistant, Effect, Entry, Origin, read_all, to_set, to_toml};
use crate::text::Lang;
use crate::web::api::off_the_async_threads;

fn file(name: &str, text: String) -> Response {
    // The name is an id, or ours.
    let disposition = format!("attachment; filename=\"{name}.toml\"");
    let headers = [
        (header::CONTENT_TYPE, "application/toml; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    (headers, text).into_response()
}

pub(super) async fn one(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let entry = state.cabinet.get(&id).await?;
    Ok(file(&format!("kura-assistant-{}", entry.assistant.id), to_toml(&entry.assistant)))
}

/// `?ids=a&ids=b`, or `?which=office` (what was made here), or all.
pub(super) async fn set(
    State(state): State<AppState>,
    request: Request,
) -> Result<Response, Problem> {
    let query = Form::parse(request.uri().query().unwrap_or_default());
    let (ids, office) = (query.list("ids"), query.first("which") == Some("office"));
    let entries = state.cabinet.list().await.entries;
    let wanted = |entry: &&Entry| match &ids {
        Some(ids) => ids.contains(&entry.assistant.id),
        None => !office || matches!(entry.origin, Origin::Office { .. }),
    };
    let chosen: Vec<&Assistant> =
        entries.iter().filter(wanted).map(|entry| entry.assistant.as_ref()).collect();
    if chosen.is_empty() {
        return Err(Problem::Assistant {
            status: StatusCode::NOT_FOUND,
            code: "assistant_not_found",
            ja: "書き出す業務アシスタントがありません。".to_owned(),
            en: "There is no assistant to export.".to_owned(),
        });
    }
    Ok(file("kura-assistants", to_set(chosen)))
}

pub(super) async fn ask(request: Request) -> Result<Html<String>, Problem> {
    rights::editor(request.extensions())?;
    Ok(Html(view::import_page(&ImportDesk::default())))
}

/// `content` is the file's text; `action=import` takes what was looked at.
pub(super) async fn take(
    State(state): State<AppState>,
    request: Request,
) -> Result<Response, Problem> {
    let author = rights::editor(request.extensions())?;
    let form = body::form(request, state.options.body_bytes_max).await?;
    let content = form.first("content").unwrap_or_default().replace("\r\n", "\n");
    let mut desk = ImportDesk { content, ..ImportDesk::default() };
    if desk.content.trim().is_empty() {
        desk.mistakes.push("ファイルを選ぶか、中身を貼り付けてください。".to_owned());
        return Ok(refused(&desk));
    }
    let (assistants, mistakes) = read_all(&desk.content, form.first("name").unwrap_or_default());
    if !mistakes.is_empty() {
        desk.mistakes = mistakes.iter().map(|mistake| mistake.message(Lang::Ja)).collect();
        return Ok(refused(&desk));
    }
    desk.planned = state.cabinet.plan(assistants).await?;
    desk.datasets =
        off_the_async_threads(&state, |service: &Service| Ok(service.datasets())).await?;
    if form.first("action") != Some("import") {
        return Ok(Html(view::import_page(&desk)).into_response());
    }
    // What was looked at is what is done: a change in between shows the page again.
    let seen = form.first("seen").unwrap_or_default();
    if seen != desk.mark() {
        desk.mistakes.push(
            "確認のあとに、登録されている内容が変わりました。もう一度確かめてください。".to_owned(),
        );
        return Ok((StatusCode::CONFLICT, Html(view::import_page(&desk))).into_response());
    }
    let planned = desk.planned.into_iter().filter(|each| each.effect != Effect::Same).collect();
    let kept = state.cabinet.carry_out(planned, "ファイルから取り込み", &author).await?;
    Ok(Redirect::to(&format!("/assistants?done=imported&count={kept}")).into_response())
}

fn refused(desk: &ImportDesk) -> Response {
    (StatusCode::BAD_REQUEST, Html(view::import_page(desk))).into_response()
}
