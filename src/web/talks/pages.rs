//! The pages of conversations: forms that work without script.

use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::Keeper;
use crate::store::{Conversation, Setting, Turn};
use crate::web::asker::{self, Asker};
use crate::web::form::Form;
use crate::web::problem::Problem;
use crate::web::view::{self, TalkDesk, TalksDesk};
use crate::web::{AppState, body, uploads};

/// Conversations that a list shows; a search finds the others.
const LISTED: u32 = 100;

/// `?q=` words to search for; `?done=` what was just done.
pub(super) async fn all(
    State(state): State<AppState>,
    asker: Asker,
    request: Request,
) -> Result<Html<String>, Problem> {
    let keeper = Keeper::required(&state, &asker)?;
    let query = Form::parse(request.uri().query().unwrap_or_default());
    let desk = desk(&state, &asker, &keeper, &query).await?;
    Ok(Html(view::talks_page(&desk)))
}

async fn desk(
    state: &AppState,
    asker: &Asker,
    keeper: &Keeper,
    query: &Form,
) -> Result<TalksDesk, Problem> {
    let words = query.first("q").unwrap_or_default().trim().to_owned();
    let mut rows = keeper.store.conversations(&keeper.person, &words, LISTED + 1).await?;
    let more = rows.len() > LISTED as usize;
    rows.truncate(LISTED as usize);
    let own = keeper.store.setting(&keeper.person, Setting::ConversationDays).await?;
    Ok(TalksDesk {
        rows,
        more,
        words,
        done: query.first("done").unwrap_or_default().to_owned(),
        days: state.options.conversation_days,
        own_days: own.and_then(|days| days.parse().ok()).unwrap_or(0),
        shared: asker.is_shared(),
    })
}

pub(super) async fn one(
    State(state): State<AppState>,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<Html<String>, Problem> {
    let keeper = Keeper::required(&state, &asker)?;
    let conversation = keeper.conversation(&id).await?;
    let turns = keeper.store.turns(&keeper.person, &id).await?;
    let shared = asker.is_shared();
    Ok(Html(view::talk_page(&TalkDesk { conversation, turns, shared })))
}

/// The form of a request, and whose conversations it is about.
async fn form(state: &AppState, request: Request) -> Result<(Keeper, Form), Problem> {
    let asker = asker::of(request.extensions())?;
    let keeper = Keeper::required(state, &asker)?;
    Ok((keeper, body::form(request, state.options.body_bytes_max).await?))
}

/// The form: `title`.
pub(super) async fn rename(
    State(state): State<AppState>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (keeper, form) = form(&state, request).await?;
    let title = state.service.screen(form.first("title").unwrap_or_default()).text;
    if title.trim().is_empty() {
        return Err(Problem::parameter("title", "名前を入力してください。", "it is empty"));
    }
    match keeper.store.rename_conversation(&keeper.person, &id, &title).await? {
        true => Ok(Redirect::to(&format!("/conversations/{id}")).into_response()),
        false => Err(Problem::NoRoute),
    }
}

pub(super) async fn delete(
    State(state): State<AppState>,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<Redirect, Problem> {
    let keeper = Keeper::required(&state, &asker)?;
    let deleted = keeper.store.delete_conversation(&keeper.person, &id).await?;
    uploads::tidy(&state, &keeper.store).await;
    match deleted {
        true => Ok(Redirect::to("/conversations?done=deleted")),
        false => Err(Problem::NoRoute),
    }
}

pub(super) async fn delete_all(
    State(state): State<AppState>,
    asker: Asker,
) -> Result<Redirect, Problem> {
    let keeper = Keeper::required(&state, &asker)?;
    keeper.store.delete_conversations(&keeper.person).await?;
    uploads::tidy(&state, &keeper.store).await;
    Ok(Redirect::to("/conversations?done=all"))
}

/// The form: `days`, 0 for what the box says. Takes effect at once.
pub(super) async fn keep(
    State(state): State<AppState>,
    request: Request,
) -> Result<Redirect, Problem> {
    let (keeper, form) = form(&state, request).await?;
    let days = form.first("days").and_then(|days| days.parse::<u32>().ok());
    let Some(days) = days.filter(|days| view::KEPT_DAYS.contains(days) || *days == 0) else {
        let ja = "選択肢の中から選んでください。";
        return Err(Problem::parameter("days", ja, "it is none of the choices"));
    };
    keeper.store.set(&keeper.person, Setting::ConversationDays, &days.to_string()).await?;
    keeper.store.sweep_conversations(state.options.conversation_days).await?;
    uploads::tidy(&state, &keeper.store).await;
    Ok(Redirect::to("/conversations?done=kept"))
}

/// All conversations as one text file.
pub(super) async fn export(
    State(state): State<AppState>,
    asker: Asker,
) -> Result<Response, Problem> {
    let keeper = Keeper::required(&state, &asker)?;
    let mut whole: Vec<(Conversation, Vec<Turn>)> = Vec::new();
    for conversation in keeper.store.conversations(&keeper.person, "", u32::MAX).await? {
        let turns = keeper.store.turns(&keeper.person, &conversation.id).await?;
        whole.push((conversation, turns));
    }
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"kura-conversations.txt\""),
    ];
    Ok((StatusCode::OK, headers, view::talks_text(&asker.or_called(&asker.0.name), &whole))
        .into_response())
}
