//! Records of answers: read again, saved as files, reviewed (作成 → 確認 → 承認), and documents
//! verified. Forms that work without script.

mod check;
mod review;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};

use super::AppState;
use super::asker::Asker;
use super::problem::Problem;
use super::view::{self, RecordDesk};
use crate::answer::record::review::may_read;
use crate::answer::record::{Code, Format, Kept, ModelSince, RecordError, Records, SourceSince};
use crate::text::Lang;

/// Records that a list shows.
const LISTED: u32 = 100;

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/answers", get(list))
        .route("/answers/{name}", get(show))
        .route("/answers/{name}/review", post(review::step))
        .route("/reviews", get(review::show))
        .route("/reviews/rule", post(review::set_rule))
        .route("/verify", get(check::show).post(check::check))
}

/// The records of this server; `None` where it has no database.
pub(crate) fn open(state: &AppState) -> Result<Option<Records>, RecordError> {
    let Ok(store) = state.door.store() else { return Ok(None) };
    Records::open(store.clone(), state.service.installation().root()).map(Some)
}

/// How many records wait for a step of the asker's, for the head of a page: which is shown
/// whatever becomes of this.
pub(crate) async fn waiting(state: &AppState, asker: &Asker) -> usize {
    review::count(state, asker).await.unwrap_or_else(|problem| {
        tracing::warn!(?problem, "what waits for a review cannot be counted");
        0
    })
}

fn records(state: &AppState) -> Result<Records, Problem> {
    open(state)?.ok_or(Problem::NoRoute)
}

/// A record that the asker may read. To others it is as if it were not there.
async fn readable(records: &Records, code: &str, asker: &Asker) -> Result<Kept, Problem> {
    let code = Code::parse(code).ok_or(Problem::NoRoute)?;
    let kept = records.find(&code).await?.ok_or(Problem::NoRoute)?;
    let author = &kept.record.author;
    match may_read(&asker.0, &author.id, &author.section) {
        true => Ok(kept),
        false => Err(Problem::NoRoute),
    }
}

/// One's own records.
async fn list(State(state): State<AppState>, asker: Asker) -> Result<Html<String>, Problem> {
    let own = state.door.store()?.answers_of(&asker.0.id, LISTED).await?;
    Ok(Html(view::records_page(&own)))
}

/// `CODE`: the page. `CODE.docx` and the like: the file.
async fn show(
    State(state): State<AppState>,
    asker: Asker,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let records = records(&state)?;
    let (code, extension) = name.split_once('.').unwrap_or((&name, ""));
    let kept = readable(&records, code, &asker).await?;
    if extension.is_empty() {
        let page = page(&state, &records, &kept, &asker, String::new()).await?;
        return Ok(Html(page).into_response());
    }
    let format = Format::of(extension).ok_or(Problem::NoRoute)?;
    let rule = records.rule(&kept.record.author.section).await?;
    let (name, bytes) = records.save(&kept, rule, format)?;
    let code = kept.record.code.to_string();
    let disposition = format!(
        "attachment; filename=\"kura-{code}.{extension}\"; filename*=UTF-8''{}",
        percent_encoded(&name)
    );
    let disposition = HeaderValue::try_from(disposition).map_err(|_| Problem::NoRoute)?;
    let media_type = HeaderValue::from_static(format.media_type());
    let headers = [(header::CONTENT_TYPE, media_type), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, bytes).into_response())
}

/// The page of a record; `error` says what is wrong with a step that was not taken.
async fn page(
    state: &AppState,
    records: &Records,
    kept: &Kept,
    asker: &Asker,
    error: String,
) -> Result<String, Problem> {
    let rule = records.rule(&kept.record.author.section).await?;
    let (sources, model) = since(state, kept).await?;
    Ok(view::record_page(&RecordDesk {
        blocks: records.document(kept, rule),
        actions: kept.case(rule).open_to(&asker.0),
        kept,
        rule,
        sources,
        model,
        error,
    }))
}

/// What became of the sources and the model.
async fn since(state: &AppState, kept: &Kept) -> Result<(Vec<SourceSince>, ModelSince), Problem> {
    let record = kept.as_cited();
    super::api::off_the_async_threads(state, move |service| {
        Ok((service.sources_since(&record)?, service.model_since(&record)))
    })
    .await
}

/// As RFC 8187 writes a name in a header.
fn percent_encoded(name: &str) -> String {
    name.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            b'-' | b'.' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
        encoded
    })
}

impl From<RecordError> for Problem {
    fn from(error: RecordError) -> Self {
        let (status, code, ja) = match &error {
            RecordError::Store(_) => {
                tracing::error!(%error, "the database failed");
                return Self::NoStore;
            }
            RecordError::Refused(refusal) => {
                (StatusCode::BAD_REQUEST, "review_refused", refusal.ja().to_owned())
            }
            RecordError::Tampered { code } => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "record_tampered",
                format!(
                    "記録 {code} がデータベースの中で書き換えられているため、表示できません。情報担当者に知らせてください。"
                ),
            ),
            RecordError::Seal(_) | RecordError::NoCode | RecordError::Write(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "record_failed",
                "回答の記録を扱えませんでした。情報担当者に知らせてください。".to_owned(),
            ),
        };
        if status.is_server_error() {
            tracing::error!(%error, "a record cannot be used");
        }
        Self::Record { status, code, ja, en: error.to_string() }
    }
}

/// What is wrong, for the page that shows it.
fn said(problem: &Problem) -> String {
    problem.message(Lang::Ja)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn japanese_names_fit_into_a_header() {
        assert_eq!(percent_encoded("回答_1-a.md"), "%E5%9B%9E%E7%AD%94_1-a.md");
    }
}
