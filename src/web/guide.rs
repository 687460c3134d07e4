//! The first-use page (情報リテラシー): what a person has to know before the first question. Shown
//! once to everybody with an account, and to be read again from the foot of every page.

use axum::Router;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;

use super::asker::Asker;
use super::problem::Problem;
use super::{AppState, api, view};
use crate::document::{Person, Role};
use crate::store::{SHARED, Store};

/// Administrators that are named.
const ADMINS: usize = 3;

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/guide", get(show).post(confirm))
}

async fn show(
    State(state): State<AppState>,
    Asker(person): Asker,
) -> Result<Html<String>, Problem> {
    let models = api::off_the_async_threads(&state, |service| Ok(service.models())).await?;
    let confirmed = match state.door.store() {
        // Nobody can confirm for all who share.
        Ok(store) if person.id != SHARED => store.has_read_guide(&person.id).await?,
        _ => true,
    };
    let admins = match state.door.store() {
        Ok(store) => admins(store).await?,
        Err(_) => Vec::new(),
    };
    Ok(Html(view::guide_page(&models, &admins, confirmed)))
}

/// Those to ask, at most a few.
async fn admins(store: &Store) -> Result<Vec<Person>, Problem> {
    let enabled = store.accounts().await?.into_iter().filter(|account| !account.disabled);
    let admins = enabled.map(|account| account.person).filter(|who| who.role == Role::Admin);
    Ok(admins.take(ADMINS).collect())
}

async fn confirm(State(state): State<AppState>, Asker(person): Asker) -> Result<Response, Problem> {
    if let Ok(store) = state.door.store()
        && person.id != SHARED
    {
        store.confirm_guide(&person.id).await?;
    }
    Ok(Redirect::to("/").into_response())
}
