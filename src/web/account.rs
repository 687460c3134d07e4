//! One's own account: name, section, role, and another password.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;

use super::asker::{self, Asker};
use super::form::Form;
use super::problem::Problem;
use super::view::{self, AccountDesk};
use super::{AppState, body, connection};
use crate::document::Person;
use crate::store::{Account, AccountError, Happened};

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/account", get(show).post(change))
}

/// `?done=password` after a change.
async fn show(
    State(state): State<AppState>,
    Asker(person): Asker,
    request: Request,
) -> Result<Html<String>, Problem> {
    let query = Form::parse(request.uri().query().unwrap_or_default());
    let account = account(&state, &person).await?;
    let changed = query.first("done") == Some("password");
    Ok(Html(view::account_page(&AccountDesk { account: &account, changed, error: None })))
}

async fn account(state: &AppState, person: &Person) -> Result<Account, Problem> {
    state.door.store()?.account(&person.login).await?.ok_or(Problem::NoRoute)
}

async fn change(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let Asker(person) = asker::of(request.extensions())?;
    let from = connection::address(request.extensions());
    let form = body::form(request, state.options.body_bytes_max).await?;
    let account = account(&state, &person).await?;
    let error = match try_change(&state, &form, &person, from).await? {
        Ok(token) => {
            let cookie = [(header::SET_COOKIE, state.sessions.cookie(&token))];
            return Ok((cookie, Redirect::to("/account?done=password")).into_response());
        }
        Err(error) => error,
    };
    let desk = AccountDesk { account: &account, changed: false, error: Some(error) };
    Ok((StatusCode::BAD_REQUEST, Html(view::account_page(&desk))).into_response())
}

/// The token of a new session, or the field that is wrong and why. All sessions of before end, so
/// that a password that somebody else knows opens nothing any more.
async fn try_change(
    state: &AppState,
    form: &Form,
    person: &Person,
    from: Option<std::net::IpAddr>,
) -> Result<Result<String, (&'static str, String)>, Problem> {
    let given = |name: &str| form.first(name).unwrap_or_default();
    let (present, new) = (given("present"), given("new"));
    if new != given("again") {
        let said = "新しいパスワードと一致しません。もう一度入力してください。";
        return Ok(Err(("again", said.to_owned())));
    }
    // A browser that was left open is no way to guess either.
    let wait = state.door.throttle.attempt(&person.login, from, std::time::Instant::now());
    if !wait.is_zero() {
        let said = format!("間違いが続いたため、{}秒ほど待ってください。", wait.as_secs() + 1);
        return Ok(Err(("present", said)));
    }
    let store = state.door.store()?;
    let changed = store.change_password(person, present, new.to_owned()).await;
    if !matches!(changed, Err(AccountError::Wrong)) {
        state.door.throttle.right(&person.login, from);
    }
    match changed {
        Ok(()) => {}
        Err(AccountError::Wrong) => {
            let said = "いまのパスワードが違います。もう一度入力してください。";
            return Ok(Err(("present", said.to_owned())));
        }
        Err(AccountError::Store(why)) => return Err(why.into()),
        Err(why) => return Ok(Err(("new", view::account_error(&why)))),
    }
    store.note(Happened::PasswordChanged, &person.login, &person.login).await?;
    Ok(Ok(store.begin_session(&person.id).await?))
}
