//! One question against two choices of data, side by side.
//!
//! Both answers are asked for at once and for the same person, so that a comparison takes no more
//! of the others' turns than two questions of one person do. With script they stream
//! ([`api`]); without, the form brings one page with both.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use jiff::ToSpan;
use serde::Serialize;
use tokio_stream::{Stream, StreamExt};

use super::answering::{Answering, WholeAnswer};
use super::asker::{self, Asker};
use super::fields::Fields;
use super::form::Form;
use super::problem::Problem;
use super::recording::Keeper;
use super::view::{self, CompareDesk, Compared};
use super::{AppState, api, body, choosing, connection};
use crate::answer::{
    AnswerEvent, AnswerRequest, Comparison, DatasetSummary, Excerpt, Half, Selection, Service,
    Source, compare,
};
use crate::text::Lang;

/// The two sides, as events and the fields of JSON name them.
pub(crate) const SIDES: [&str; 2] = ["left", "right"];
/// … and before the names of the fields of a form.
pub(crate) const PREFIXES: [&str; 2] = ["left.", "right."];

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/compare", get(page).post(without_script))
        .route("/api/compare", post(stream))
}

async fn page(State(state): State<AppState>, request: Request) -> Result<Html<String>, Problem> {
    let query = Form::parse(request.uri().query().unwrap_or_default());
    let mut desk = desk(&state).await?;
    desk.form = preset_form(query.first("preset").unwrap_or("layers"), &desk.datasets);
    Ok(Html(view::compare_page(&desk, None)))
}

async fn desk(state: &AppState) -> Result<CompareDesk, Problem> {
    let read = |service: &Service| Ok((service.health(), service.datasets()));
    let (health, datasets) = api::off_the_async_threads(state, read).await?;
    let (question, error) = (String::new(), String::new());
    Ok(CompareDesk { health, datasets, question, form: Form::default(), error })
}

/// The form filled with one of the offered comparisons.
fn preset_form(preset: &str, datasets: &[DatasetSummary]) -> Form {
    let empty = Form::default();
    match preset {
        "layers" => empty.with("left.scopes", "common").with("right.scopes", "local"),
        "editions" => match datasets.iter().find(|dataset| !dataset.older.is_empty()) {
            Some(dataset) => {
                let (id, older) = (&dataset.identity.id, &dataset.older[0].edition);
                empty.with("left.editions", &format!("{id}={older}"))
            }
            None => empty,
        },
        "dates" => {
            let before = jiff::ZonedDateTime::now().date().saturating_sub(1.year());
            empty.with("left.as_of", &before.to_string())
        }
        "datasets" => match datasets {
            [one, other, ..] => empty
                .with("left.datasets", &one.identity.id)
                .with("right.datasets", &other.identity.id),
            _ => empty,
        },
        _ => empty,
    }
}

/// The form without script: a preset fills it, the button asks both sides and waits.
async fn without_script(
    State(state): State<AppState>,
    request: Request,
) -> Result<Response, Problem> {
    let client = connection::client(request.extensions(), None);
    let asker = asker::of(request.extensions())?;
    let form = body::form(request, state.options.body_bytes_max).await?;
    let mut desk = desk(&state).await?;
    desk.question = state.service.screen(form.first("question").unwrap_or_default().trim()).text;
    if let Some(preset) = form.first("preset") {
        desk.form = preset_form(preset, &desk.datasets);
        return Ok(Html(view::compare_page(&desk, None)).into_response());
    }
    desk.form = form;
    match both(&state, &desk.form, client, &asker).await {
        Ok(compared) => Ok(Html(view::compare_page(&desk, Some(&compared))).into_response()),
        Err(problem) => {
            desk.error = match &problem {
                Problem::Parameter { ja, .. } => ja.clone(),
                other => other.message(Lang::Ja),
            };
            let page = Html(view::compare_page(&desk, None));
            let mut response = (problem.status(), page).into_response();
            problem.set_retry_after(response.headers_mut());
            Ok(response)
        }
    }
}

async fn both(
    state: &AppState,
    form: &Form,
    client: Option<u64>,
    asker: &Asker,
) -> Result<Compared, Problem> {
    let question = api::question("question", form.first("question").unwrap_or_default())?;
    let [left, right] = PREFIXES.map(|prefix| choosing::of_form(&form.under(prefix)));
    let asked = start(state, question, [left?, right?], client, asker).await?;
    let [left, right] = asked.map(Answering::whole);
    let (left, right) = tokio::try_join!(left, right)?;
    let comparison = compare(half(&left), half(&right));
    Ok(Compared { answers: [left, right], comparison })
}

fn half(answer: &WholeAnswer) -> Half<'_> {
    Half { text: &answer.text, sources: &answer.sources, excerpt: &answer.excerpt }
}

/// Asks the question of both sides. Where there is room for one only, neither is answered.
async fn start(
    state: &AppState,
    question: String,
    selections: [Selection; 2],
    client: Option<u64>,
    asker: &Asker,
) -> Result<[Answering; 2], Problem> {
    if question.is_empty() {
        return Err(Problem::parameter("question", "質問を入力してください。", "it is empty"));
    }
    if selections[0] == selections[1] {
        let ja = "条件Aと条件Bが同じです。どちらかを変えてください。";
        return Err(Problem::parameter("right", ja, "both sides choose the same data"));
    }
    api::need_datasets(state).await?;
    // Without a connection to tell people apart, both sides still are one person's.
    let client = client.or_else(|| Some(rand::random()));
    let keepers = [(); 2].map(|()| Keeper::of(state, asker, &question));
    let [left, right] = selections.map(|selection| {
        let question = question.clone();
        AnswerRequest { question, selection, client, ..AnswerRequest::default() }
    });
    let left = Answering::start(state, async |service| service.answer(left).await).await?;
    let right = Answering::start(state, async |service| service.answer(right).await).await?;
    let [of_left, of_right] = keepers;
    Ok([left.kept(of_left), right.kept(of_right)])
}

/// `POST {question, left, right}`, each side an object of what `choosing` reads; answers with
/// `side` events, each with an `AnswerEvent` of one side, and one `finished` with the comparison,
/// which is null where a side failed.
async fn stream(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let client = connection::client(request.extensions(), None);
    let asker = asker::of(request.extensions())?;
    let map = body::json(request, state.options.body_bytes_max).await?;
    let fields = Fields::new(&map);
    fields.only(&["question", "left", "right"])?;
    let question = api::question("question", fields.required_text("question")?)?;
    let side = |name, prefix| -> Result<Selection, Problem> {
        let Some(side) = fields.object(name, prefix)? else { return Ok(Selection::default()) };
        side.only(&choosing::FIELDS)?;
        choosing::of_json(&side)
    };
    let selections = [side(SIDES[0], PREFIXES[0])?, side(SIDES[1], PREFIXES[1])?];
    let asked = start(&state, question, selections, client, &asker).await?;
    let events = Comparing { sides: asked.map(Running::new), next: 0, compared: false };
    let events = events.map(|event| Event::default().json_data(event));
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(api::KEEP_ALIVE)).into_response())
}

/// What the page gets.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum CompareEvent {
    Side { side: &'static str, event: AnswerEvent },
    Finished { comparison: Option<Comparison> },
}

/// One side under way, with what has come of it.
struct Running {
    answering: Answering,
    sources: Vec<Source>,
    excerpt: Vec<Excerpt>,
    text: String,
    /// `None` until it ended; then whether well.
    ended: Option<bool>,
}

impl Running {
    fn new(answering: Answering) -> Self {
        let (sources, excerpt, text) = (Vec::new(), Vec::new(), String::new());
        Self { answering, sources, excerpt, text, ended: None }
    }

    fn half(&self) -> Half<'_> {
        Half { text: &self.text, sources: &self.sources, excerpt: &self.excerpt }
    }

    fn note(&mut self, event: &AnswerEvent) {
        match event {
            AnswerEvent::Sources { sources, excerpt } => {
                self.sources.clone_from(sources);
                self.excerpt.clone_from(excerpt);
            }
            AnswerEvent::Text { text } => self.text.push_str(text),
            AnswerEvent::Finished { .. } => self.ended = Some(true),
            AnswerEvent::Failed { .. } => self.ended = Some(false),
            AnswerEvent::Queued { .. } | AnswerEvent::Progress { .. } => {}
        }
    }
}

/// The events of both sides as they come, then the comparison.
struct Comparing {
    sides: [Running; 2],
    /// The side that is looked at first, so that one does not hold up the other.
    next: usize,
    compared: bool,
}

impl Stream for Comparing {
    type Item = CompareEvent;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<CompareEvent>> {
        for turn in 0..2 {
            let at = (self.next + turn) % 2;
            let side = &mut self.sides[at];
            if side.ended.is_some() {
                continue;
            }
            if let Poll::Ready(event) = side.answering.poll_event(context) {
                let Some(event) = event else {
                    side.ended = Some(false);
                    continue;
                };
                side.note(&event);
                self.next = 1 - at;
                return Poll::Ready(Some(CompareEvent::Side { side: SIDES[at], event }));
            }
        }
        if self.sides.iter().any(|side| side.ended.is_none()) {
            return Poll::Pending;
        }
        if self.compared {
            return Poll::Ready(None);
        }
        self.compared = true;
        let well = self.sides.iter().all(|side| side.ended == Some(true));
        let comparison = well.then(|| {
            let [left, right] = &self.sides;
            compare(left.half(), right.half())
        });
        Poll::Ready(Some(CompareEvent::Finished { comparison }))
    }
}
