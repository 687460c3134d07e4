//! Accounts as administrators keep them: list, add, change, disable, and another password. Forms
//! that work without script; passwords are made here and shown once.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use super::asker::{self, Asker};
use super::form::Form;
use super::problem::Problem;
use super::view::{self, PeopleDesk, PersonDesk, Typed};
use super::{AppState, body};
use crate::document::{Person, Role};
use crate::store::{Account, AccountError, Happened, NewAccount, Store, one_time};

/// Lines of the record that are shown.
const EVENTS: u32 = 30;

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/people", get(show))
        .route("/people/add", post(add))
        .route("/people/edit", get(edit).post(change))
        .route("/people/reset", post(reset))
        .route("/people/disable", post(disable))
        .route("/people/enable", post(enable))
}

/// `?done=LOGIN` after a change.
async fn show(
    State(state): State<AppState>,
    asker: Asker,
    request: Request,
) -> Result<Html<String>, Problem> {
    let query = Form::parse(request.uri().query().unwrap_or_default());
    let mut desk = desk(&state, &asker).await?;
    let done = query.first("done").unwrap_or_default();
    desk.changed = desk.accounts.iter().find(|each| each.person.login == done).cloned();
    Ok(Html(view::people_page(&desk)))
}

async fn desk(state: &AppState, asker: &Asker) -> Result<PeopleDesk, Problem> {
    let store = state.door.store()?;
    Ok(PeopleDesk {
        accounts: store.accounts().await?,
        events: store.events(EVENTS).await?,
        may_change: may_change(state, asker).is_ok(),
        typed: Typed::default(),
        error: String::new(),
        changed: None,
        one_time: None,
    })
}

/// The first account is made on the machine: whoever shares the access key must not become the
/// administrator of all. A demo is its tester's own.
fn may_change(state: &AppState, asker: &Asker) -> Result<(), Problem> {
    match asker.is_shared() && !state.options.trial {
        true => Err(Problem::NotAllowed { role: Role::Admin }),
        false => Ok(()),
    }
}

/// What every change starts with: who changes, the form, the database.
struct Change<'s> {
    asker: Asker,
    form: Form,
    store: &'s Store,
}

impl<'s> Change<'s> {
    async fn begin(state: &'s AppState, request: Request) -> Result<Self, Problem> {
        let asker = asker::of(request.extensions())?;
        may_change(state, &asker)?;
        let form = body::form(request, state.options.body_bytes_max).await?;
        Ok(Self { asker, form, store: state.door.store()? })
    }

    fn given(&self, name: &str) -> &str {
        self.form.first(name).unwrap_or_default()
    }

    /// The account that the form is about.
    async fn account(&self) -> Result<Account, Problem> {
        self.store.account(self.given("login")).await?.ok_or(Problem::NoRoute)
    }

    async fn note(&self, what: Happened, subject: &Person) -> Result<(), Problem> {
        Ok(self.store.note(what, &subject.login, &self.asker.0.login).await?)
    }

    fn typed(&self) -> Typed {
        Typed {
            login: self.given("login").to_owned(),
            name: self.given("name").to_owned(),
            section: self.given("section").to_owned(),
            role: role(self.given("role")).unwrap_or(Role::Staff),
        }
    }
}

fn role(name: &str) -> Option<Role> {
    Role::ALL.iter().find(|(_, known)| *known == name).map(|(role, _)| *role)
}

/// The page that follows shows the password; it is nowhere else.
async fn add(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let change = Change::begin(&state, request).await?;
    let (typed, password) = (change.typed(), one_time());
    let new = NewAccount {
        login: typed.login.clone(),
        name: typed.name.clone(),
        section: typed.section.clone(),
        role: typed.role,
        password: password.clone(),
        must_change: true,
    };
    match change.store.add_account(new).await {
        Ok(person) => {
            change.note(Happened::AccountAdded, &person).await?;
            let mut desk = desk(&state, &change.asker).await?;
            desk.one_time = Some((person, password));
            Ok(Html(view::people_page(&desk)).into_response())
        }
        Err(AccountError::Store(why)) => Err(why.into()),
        Err(why) => {
            let mut desk = desk(&state, &change.asker).await?;
            (desk.typed, desk.error) = (typed, view::account_error(&why));
            Ok((StatusCode::BAD_REQUEST, Html(view::people_page(&desk))).into_response())
        }
    }
}

/// `?login=LOGIN`
async fn edit(
    State(state): State<AppState>,
    asker: Asker,
    request: Request,
) -> Result<Html<String>, Problem> {
    may_change(&state, &asker)?;
    let query = Form::parse(request.uri().query().unwrap_or_default());
    let login = query.first("login").unwrap_or_default();
    let account = state.door.store()?.account(login).await?.ok_or(Problem::NoRoute)?;
    Ok(Html(view::person_page(&PersonDesk::of(account, &asker.0))))
}

async fn change(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let change = Change::begin(&state, request).await?;
    let (account, typed) = (change.account().await?, change.typed());
    let changed = change
        .store
        .change_account(&account.person.login, typed.role, &typed.name, &typed.section)
        .await;
    finished(&change, Happened::AccountChanged, account, Some(typed), changed).await
}

async fn disable(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let change = Change::begin(&state, request).await?;
    let account = change.account().await?;
    let changed = change.store.set_disabled(&account.person.login, true).await;
    finished(&change, Happened::AccountDisabled, account, None, changed).await
}

async fn enable(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let change = Change::begin(&state, request).await?;
    let account = change.account().await?;
    let changed = change.store.set_disabled(&account.person.login, false).await;
    finished(&change, Happened::AccountEnabled, account, None, changed).await
}

/// Writes down a change and goes back to the list, or says on the page of the person what is wrong.
async fn finished(
    change: &Change<'_>,
    what: Happened,
    account: Account,
    typed: Option<Typed>,
    changed: Result<Person, AccountError>,
) -> Result<Response, Problem> {
    match changed {
        Ok(person) => {
            change.note(what, &person).await?;
            Ok(Redirect::to(&format!("/people?done={}", person.login)).into_response())
        }
        Err(AccountError::Store(why)) => Err(why.into()),
        Err(why) => {
            let mut desk = PersonDesk::of(account, &change.asker.0);
            desk.error = view::account_error(&why);
            desk.typed = typed.unwrap_or(desk.typed);
            Ok((StatusCode::BAD_REQUEST, Html(view::person_page(&desk))).into_response())
        }
    }
}

async fn reset(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let change = Change::begin(&state, request).await?;
    let (account, password) = (change.account().await?, one_time());
    match change.store.reset_password(&account.person.login, password.clone()).await {
        Ok(person) => {
            change.note(Happened::PasswordReset, &person).await?;
            let mut desk = desk(&state, &change.asker).await?;
            desk.one_time = Some((person, password));
            Ok(Html(view::people_page(&desk)).into_response())
        }
        Err(AccountError::Store(why)) => Err(why.into()),
        Err(why) => finished(&change, Happened::PasswordReset, account, None, Err(why)).await,
    }
}
