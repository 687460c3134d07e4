//! The pages. With script, the page asks through the JSON API; without, its form comes here.

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;

use super::answering::{Answering, WholeAnswer};
use super::form::Form;
use super::problem::Problem;
use super::view::{self, Desk};
use super::{AppState, api, body, connection};
use crate::answer::{AnswerRequest, Service};
use crate::text::Lang;

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/", get(index))
        .route("/ask", get(async || Redirect::to("/")).post(ask))
        .route("/status", get(status))
}

async fn index(State(state): State<AppState>) -> Result<Html<String>, Problem> {
    let desk = desk(&state).await?;
    Ok(Html(view::desk_page(&desk, None)))
}

async fn desk(state: &AppState) -> Result<Desk, Problem> {
    let read = |service: &Service| Ok((service.health(), service.datasets()));
    let (health, datasets) = api::off_the_async_threads(state, read).await?;
    Ok(Desk {
        health,
        datasets,
        samples: state.options.sample_questions.clone(),
        question: String::new(),
        ticked: None,
        error: String::new(),
    })
}

/// The form without script: the whole answer in one page.
async fn ask(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let client = connection::client(request.extensions(), None);
    let form = body::form(request, state.options.body_bytes_max).await?;
    let mut desk = desk(&state).await?;
    desk.question = form.first("question").unwrap_or_default().trim().to_owned();
    desk.ticked = form.list("datasets");
    match whole_answer(&state, &form, client).await {
        Ok(answer) => Ok(Html(view::desk_page(&desk, Some(&answer))).into_response()),
        Err(problem) => {
            let status = problem.status();
            desk.error = match &problem {
                Problem::Parameter { ja, .. } => ja.clone(),
                other => other.message(Lang::Ja),
            };
            let page = Html(view::desk_page(&desk, None));
            let mut response = (status, page).into_response();
            problem.set_retry_after(response.headers_mut());
            Ok(response)
        }
    }
}

async fn whole_answer(
    state: &AppState,
    form: &Form,
    client: Option<u64>,
) -> Result<WholeAnswer, Problem> {
    let question = api::question("question", form.first("question").unwrap_or_default())?;
    if question.is_empty() {
        return Err(Problem::parameter("question", "質問を入力してください。", "it is empty"));
    }
    api::need_datasets(state).await?;
    let datasets = form.list("datasets");
    let request = AnswerRequest { question, datasets, client, ..AnswerRequest::default() };
    let answering = Answering::start(state, async |service| service.answer(request).await).await?;
    answering.whole().await
}

async fn status(State(state): State<AppState>) -> Result<Html<String>, Problem> {
    let read = |service: &Service| Ok((service.health(), service.datasets(), service.models()));
    let (health, datasets, models) = api::off_the_async_threads(&state, read).await?;
    Ok(Html(view::status_page(&health, &datasets, &models)))
}
