//! The pages. With script, the page asks through the JSON API; without, its form comes here.

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;

use super::answering::{Answering, WholeAnswer};
use super::asker::{self, Asker};
use super::form::Form;
use super::problem::Problem;
use super::recording::Keeper as RecordKeeper;
use super::talks::{Keeper, Talk};
use super::view::{self, Desk};
use super::{AppState, api, body, choosing, connection, uploads};
use crate::answer::{AnswerRequest, Service, ServiceError};
use crate::guard::personal::labels;
use crate::text::Lang;

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/", get(index))
        .route("/ask", get(async || Redirect::to("/")).post(ask))
        .route("/status", get(status))
}

/// `?conversation=` goes on in one of the person's conversations.
async fn index(
    State(state): State<AppState>,
    asker: Asker,
    request: Request,
) -> Result<Html<String>, Problem> {
    let query = Form::parse(request.uri().query().unwrap_or_default());
    let mut desk = desk(&state).await?;
    if let Some(keeper) = Keeper::of(&state, &asker) {
        let id = query.first("conversation").unwrap_or_default();
        if !id.is_empty() {
            keeper.conversation(id).await?;
        }
        desk.talks = Some(keeper.beside(Some(id)).await?);
        desk.uploads = uploads::desk(&state, &keeper, id, "").await?;
        let choice = keeper.choice().await?.unwrap_or_default();
        desk.chosen = choosing::to_form(&choice, &desk.datasets);
        desk.ticked = desk.chosen.list("datasets");
    }
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
        chosen: Form::default(),
        error: String::new(),
        talks: None,
        uploads: None,
    })
}

/// The form without script: the whole answer in one page.
async fn ask(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let client = connection::client(request.extensions(), None);
    let asker = asker::of(request.extensions())?;
    let form = body::form(request, state.options.body_bytes_max).await?;
    let mut desk = desk(&state).await?;
    desk.question = form.first("question").unwrap_or_default().trim().to_owned();
    desk.ticked = form.list("datasets");
    desk.chosen = form.clone();
    let talk = Talk::of(&state, &asker, form.first("conversation")).await?;
    let answered = whole_answer(&state, &form, client, &asker, talk.as_ref()).await;
    if let Some(keeper) = Keeper::of(&state, &asker) {
        let id = talk.as_ref().map(Talk::id);
        desk.talks = Some(keeper.beside(id).await?);
        let used = form.first("uploads").unwrap_or_default();
        desk.uploads = uploads::desk(&state, &keeper, id.unwrap_or_default(), used).await?;
    }
    match answered {
        Ok(answer) => {
            desk.question = state.service.screen(&desk.question).text;
            Ok(Html(view::desk_page(&desk, Some(&answer))).into_response())
        }
        Err(problem) => {
            desk.question = state.service.screen(&desk.question).text;
            let status = problem.status();
            desk.error = match &problem {
                Problem::Parameter { ja, .. } => ja.clone(),
                Problem::Service(ServiceError::PersonalData { kinds }) => {
                    let kinds = labels(kinds);
                    format!(
                        "{kinds}が含まれているため、送信しませんでした。質問欄では、その部分を伏せてあります。確かめてから、もう一度送信してください。"
                    )
                }
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
    asker: &Asker,
    talk: Option<&Talk>,
) -> Result<WholeAnswer, Problem> {
    let question = api::question("question", form.first("question").unwrap_or_default())?;
    if question.is_empty() {
        return Err(Problem::parameter("question", "質問を入力してください。", "it is empty"));
    }
    let (files, uploads_only) = uploads::asked(talk, form.first("uploads")).await?;
    if !uploads_only {
        api::need_datasets(state).await?;
    }
    let selection = choosing::of_form(form)?;
    let keeper = RecordKeeper::of(state, asker, &question);
    let asked = (state.service.screen(&question).text, selection.clone());
    let earlier = talk.map(|talk| talk.earlier.clone()).unwrap_or_default();
    let request = AnswerRequest {
        question,
        selection,
        uploads: files,
        uploads_only,
        client,
        earlier,
        ..AnswerRequest::default()
    };
    let answering = Answering::start(state, async |service| service.answer(request).await).await?;
    let mut answer = answering.kept(keeper).whole().await?;
    if let Some(talk) = talk {
        let recorder = talk.recorder(asked.0, &asked.1).await?;
        let said = recorder.keep(&answer).await;
        answer.summary.notes.extend(said.map(str::to_owned));
    }
    Ok(answer)
}

async fn status(State(state): State<AppState>) -> Result<Html<String>, Problem> {
    let read = |service: &Service| Ok((service.health(), service.datasets(), service.models()));
    let (health, datasets, models) = api::off_the_async_threads(&state, read).await?;
    let has_accounts = state.door.has_accounts().await?;
    let personal = state.service.personal_rules();
    Ok(Html(view::status_page(&health, &datasets, &models, &personal, has_accounts)))
}
