//! The review: what waits for me, the steps, and what sections ask for.

use axum::extract::{Path, Request, State};
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::super::asker::{self, Asker};
use super::super::problem::Problem;
use super::super::view::{self, ReviewDesk};
use super::super::{AppState, body};
use super::{page, readable, records, said};
use crate::answer::ServiceError;
use crate::answer::record::review::{Action, Case, Rule};
use crate::document::Role;
use crate::store::{ListedAnswer, Store};

/// Bytes of a form with a text that was put right, at most.
const FORM_BYTES_MAX: usize = 1 << 20;

/// What waits for the asker; administrators also see what sections ask for.
pub(super) async fn show(
    State(state): State<AppState>,
    asker: Asker,
) -> Result<Html<String>, Problem> {
    let (records, store) = (records(&state)?, state.door.store()?);
    let rules = records.rules().await?;
    let waiting = waiting(store, &rules, &asker).await?;
    let mut sections: Vec<String> =
        store.accounts().await?.into_iter().map(|account| account.person.section).collect();
    sections.extend(rules.iter().map(|(section, _)| section.clone()));
    sections.retain(|section| !section.is_empty());
    sections.sort();
    sections.dedup();
    let may_set = asker.must_be(Role::Admin).is_ok();
    Ok(Html(view::reviews_page(&ReviewDesk { waiting, rules, sections, may_set })))
}

/// How much waits for the asker, for the head of every page.
pub(super) async fn count(state: &AppState, asker: &Asker) -> Result<usize, Problem> {
    let Ok(store) = state.door.store() else { return Ok(0) };
    let rules = store.review_rules().await?;
    Ok(waiting(store, &rules, asker).await?.len())
}

async fn waiting(
    store: &Store,
    rules: &[(String, String)],
    asker: &Asker,
) -> Result<Vec<ListedAnswer>, Problem> {
    let waits = |listed: &ListedAnswer| {
        let rule = Rule::for_section(rules, &listed.section);
        let last = Action::of(&listed.action);
        last.is_some_and(|last| {
            let case = Case {
                author: &listed.person,
                section: &listed.section,
                last,
                last_by: &listed.acted_by,
                rule,
            };
            case.waits_for(&asker.0)
        })
    };
    let mut waiting = store.answers_in_review().await?;
    waiting.retain(waits);
    Ok(waiting)
}

/// `section` (empty is the whole office) and `rule` (empty takes the section's own away).
pub(super) async fn set_rule(
    State(state): State<AppState>,
    request: Request,
) -> Result<Response, Problem> {
    let asker = asker::of(request.extensions())?;
    asker.must_be(Role::Admin)?;
    let form = body::form(request, state.options.body_bytes_max).await?;
    let (section, rule) =
        (form.first("section").unwrap_or_default(), form.first("rule").unwrap_or_default());
    if !rule.is_empty() && Rule::of(rule).is_none() {
        let ja = "選べるのは、求めない、確認まで、確認と承認のいずれかです。";
        return Err(Problem::parameter("rule", ja, "it must be none, confirm or approve"));
    }
    state.door.store()?.set_review_rule(section, rule).await?;
    tracing::info!(section, rule, actor = asker.0.login, "a rule of review was set");
    Ok(Redirect::to("/reviews").into_response())
}

/// `action`, `comment` and `text`.
pub(super) async fn step(
    State(state): State<AppState>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let asker = asker::of(request.extensions())?;
    let form = body::form(request, FORM_BYTES_MAX).await?;
    let records = records(&state)?;
    let kept = readable(&records, &name, &asker).await?;
    let action = form.first("action").and_then(Action::of).ok_or_else(|| {
        Problem::parameter("action", "操作を選んでください。", "it names no step")
    })?;
    let masked = |name: &str| {
        let screened = state.service.screen(form.first(name).unwrap_or_default());
        match screened.refused.is_empty() {
            true => Ok(screened.text),
            false => Err(Problem::from(ServiceError::PersonalData { kinds: screened.refused })),
        }
    };
    let taken = match (masked("comment"), masked("text")) {
        (Ok(comment), Ok(text)) => {
            let done = records.review(&kept, &asker.0, action, &comment, &text).await;
            done.map_err(Problem::from)
        }
        (Err(problem), _) | (_, Err(problem)) => Err(problem),
    };
    match taken {
        Ok(()) => {
            let path = format!("/answers/{}", kept.record.code.plain());
            Ok(Redirect::to(&path).into_response())
        }
        Err(Problem::NoStore) => Err(Problem::NoStore),
        Err(problem) => {
            let page = page(&state, &records, &kept, &asker, said(&problem)).await?;
            Ok((problem.status(), Html(page)).into_response())
        }
    }
}
