//! The pages: what is installed, the ledger to print, and going back. All work without script.

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::super::asker::{self, Asker};
use super::super::form::Form;
use super::super::problem::Problem;
use super::super::view::{self, RollBackDesk};
use super::super::{AppState, body};
use super::overview::Overview;
use super::upload::name;
use super::{Intake, off_the_async_threads};
use crate::sync::bundle::Kind;
use crate::sync::ledger::{self, Chain, Ledger, Who};
use crate::text::Lang;

/// Where the printable page finds its style.
const LEDGER_STYLE: &str = "/assets/ledger.css";

/// `?done=rollback` after going back.
pub(super) async fn show(
    State(state): State<AppState>,
    request: Request,
) -> Result<Html<String>, Problem> {
    let query = Form::parse(request.uri().query().unwrap_or_default());
    let overview = overview(&state).await?;
    let went_back = query.first("done") == Some("rollback");
    let takes = state.intake.updates.as_ref().map(|updates| updates.trust());
    Ok(Html(view::updates_page(&overview, takes.as_ref(), went_back)))
}

async fn overview(state: &AppState) -> Result<Overview, Problem> {
    let installation = state.intake.installation.clone();
    Ok(off_the_async_threads(move || Overview::read(&installation)).await??)
}

async fn chain(state: &AppState) -> Result<Chain, Problem> {
    let ledger = Ledger::of(&state.intake.installation);
    Ok(off_the_async_threads(move || ledger.read()).await??)
}

pub(super) async fn printed(State(state): State<AppState>) -> Result<Html<String>, Problem> {
    Ok(Html(ledger::html_with_style_at(&chain(&state).await?, LEDGER_STYLE)))
}

pub(super) async fn table(State(state): State<AppState>) -> Result<Response, Problem> {
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"kura-ledger.csv\""),
    ];
    Ok((headers, ledger::csv(&chain(&state).await?)).into_response())
}

/// `?kind=dataset&id=town`: asks whether it is meant.
pub(super) async fn ask_back(
    State(state): State<AppState>,
    asker: Asker,
    request: Request,
) -> Result<Html<String>, Problem> {
    state.intake.updates()?;
    let form = Form::parse(request.uri().query().unwrap_or_default());
    let mut desk = desk(&state, &form).await?;
    desk.operator = asker.or_called(&desk.operator);
    Ok(Html(view::rollback_page(&desk)))
}

async fn desk(state: &AppState, form: &Form) -> Result<RollBackDesk, Problem> {
    let overview = overview(state).await?;
    let part = |name: &str| form.first(name).unwrap_or_default();
    let subject = overview.subject(part("kind"), part("id")).ok_or(Problem::NoRoute)?;
    let Some(previous) = subject.previous.clone() else {
        return Err(conflict("戻せる前の世代がありません。", "There is no generation before."));
    };
    Ok(RollBackDesk {
        kind: subject.kind,
        id: subject.id.clone(),
        title: subject.title.clone(),
        current: subject.current.clone(),
        edition: subject.edition.clone(),
        previous,
        operator: part("operator").to_owned(),
        approver: part("approver").to_owned(),
        error: String::new(),
    })
}

/// The confirmed form. `from` is the generation that was in use when it was shown: sent twice, it
/// does not go back and come forward again.
pub(super) async fn go_back(
    State(state): State<AppState>,
    request: Request,
) -> Result<Response, Problem> {
    state.intake.updates()?;
    let asker = asker::of(request.extensions())?;
    let form = body::form(request, state.options.body_bytes_max).await?;
    let mut desk = desk(&state, &form).await?;
    if form.first("from") != Some(desk.current.as_str()) {
        return Err(conflict(
            "既に切り替わっています。更新の画面を開き直して、いまの世代を確かめてください。",
            "The generation in use has changed since the form was shown.",
        ));
    }
    let given = |key: &str| form.first(key).unwrap_or_default();
    desk.operator = asker.or_called(given("operator"));
    let who = name("operator", &desk.operator, true)
        .and_then(|operator| Ok((operator, name("approver", given("approver"), false)?)));
    match who {
        Ok((operator, approver)) => {
            let who = Who { operator, approver, media: String::new() };
            roll_back(&state, desk.kind, desk.id, who).await?;
            Ok(Redirect::to("/updates?done=rollback").into_response())
        }
        Err(problem) => {
            desk.error = problem.message(Lang::Ja);
            Ok((problem.status(), Html(view::rollback_page(&desk))).into_response())
        }
    }
}

async fn roll_back(state: &AppState, kind: Kind, id: String, who: Who) -> Result<(), Problem> {
    let intake: std::sync::Arc<Intake> = state.intake.clone();
    let work = move || intake.installation.roll_back(kind, &id, &who);
    off_the_async_threads(work).await??;
    Ok(())
}

fn conflict(ja: &str, en: &str) -> Problem {
    Problem::Update {
        status: StatusCode::CONFLICT,
        code: "conflict",
        ja: ja.to_owned(),
        en: en.to_owned(),
    }
}
