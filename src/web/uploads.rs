//! Files that a person gives to a conversation: sent, listed, deleted, and asked about.
//!
//! Whose they are comes from the [`Keeper`] alone, as with conversations. The page without script
//! has the same by forms. A file that cannot be read is named with the reason; the others are
//! taken.

mod reading;

use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;
use serde_json::{Value, json};

use super::asker::{self, Asker};
use super::form::Form;
use super::multipart::Part;
use super::problem::Problem;
use super::talks::{Keeper, Talk};
use super::{AppState, body, view};
use crate::answer::{NewUpload, Source, UPLOAD_PREFIX, Upload, UploadContent};
use crate::store::{Store, StoredUpload};

pub use reading::Reader;
pub(crate) use reading::{Readers, plain_name};

/// A body with files has to arrive within this time: an old line takes minutes for 32 MiB.
const ARRIVAL_MAX: Duration = Duration::from_secs(600);

/// Room for what stands around the files in a form.
const FORM_BYTES: usize = 64 * 1024;

/// Files in one conversation, and of one person in all.
const OF_TALK_MAX: usize = 10;
const OF_PERSON_MAX: u64 = 40;

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/uploads", post(send_form))
        .route("/uploads/{id}/delete", post(delete_form))
        .route("/api/uploads", get(list).post(send))
        .route("/api/uploads/text", post(text))
        .route("/api/uploads/{id}/delete", post(delete))
}

/// An upload as the page lists it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Attached {
    pub(crate) id: String,
    /// RFC 3339 in UTC; from then on it is gone.
    pub(crate) expires_at: String,
    #[serde(flatten)]
    pub(crate) content: UploadContent,
    /// What the person has to know of it, in Japanese.
    pub(crate) notes: Vec<String>,
}

/// What the desk shows of files.
#[derive(Clone, Debug, Default)]
pub(crate) struct UploadsDesk {
    pub(crate) conversation: String,
    pub(crate) rows: Vec<Attached>,
    pub(crate) hours: u32,
    pub(crate) bytes_max: usize,
    /// `with`, `only` or `without`.
    pub(crate) chosen: String,
}

/// A file that was not taken.
#[derive(Clone, Debug, Serialize)]
struct Refused {
    name: String,
    message: String,
}

/// What became of a form with files.
struct Outcome {
    /// Empty where nothing was taken into a new one.
    conversation: String,
    refused: Vec<Refused>,
}

/// The files of a conversation as the desk shows them; `None` where none are taken.
pub(crate) async fn desk(
    state: &AppState,
    keeper: &Keeper,
    conversation: &str,
    chosen: &str,
) -> Result<Option<UploadsDesk>, Problem> {
    let options = &state.options;
    if options.upload_hours == 0 {
        return Ok(None);
    }
    Ok(Some(UploadsDesk {
        conversation: conversation.to_owned(),
        rows: attached(keeper, conversation).await?,
        hours: options.upload_hours,
        bytes_max: options.upload_bytes_max,
        chosen: chosen.to_owned(),
    }))
}

/// The files that a question is about, and whether it is about them alone. `mode`: `with` (or
/// nothing), `only`, `without`.
pub(crate) async fn asked(
    talk: Option<&Talk>,
    mode: Option<&str>,
) -> Result<(Vec<Upload>, bool), Problem> {
    let mode = mode.filter(|mode| !mode.is_empty()).unwrap_or("with");
    if !["with", "only", "without"].contains(&mode) {
        let ja = "with、only、without のどれかを指定してください。";
        return Err(Problem::parameter("uploads", ja, "it must be with, only or without"));
    }
    let found = match talk.filter(|_| mode != "without") {
        Some(talk) => talk.keeper().store.uploads(&talk.keeper().person, talk.id()).await?,
        None => Vec::new(),
    };
    let uploads = found.iter().filter_map(read).collect::<Vec<_>>();
    if mode == "only" && uploads.is_empty() {
        let ja = "この会話に、使える資料がありません。期限が過ぎたか、削除されています。もう一度アップロードしてください。";
        let en = "the conversation has no upload: its time is over, or it was deleted";
        return Err(Problem::parameter("uploads", ja, en));
    }
    Ok((uploads, mode == "only"))
}

/// A passage of an upload of the person; `dataset` begins with the prefix of uploads.
pub(crate) async fn passage(
    state: &AppState,
    keeper: &Keeper,
    dataset: &str,
    id: String,
) -> Result<Option<Source>, Problem> {
    let upload = dataset.strip_prefix(UPLOAD_PREFIX).unwrap_or_default();
    let stored = keeper.store.upload(&keeper.person, upload).await?;
    let Some(upload) = stored.as_ref().and_then(read) else { return Ok(None) };
    super::api::off_the_async_threads(state, move |service| service.upload_passage(&upload, &id))
        .await
}

/// Removes from the disk what the database no longer names. What fails is tried again by the sweep.
pub(crate) async fn tidy(state: &AppState, store: &Store) {
    if let Err(error) = state.service.tidy_uploads(store).await {
        tracing::error!(%error, "an upload could not be removed from the disk");
    }
}

async fn attached(keeper: &Keeper, conversation: &str) -> Result<Vec<Attached>, Problem> {
    if conversation.is_empty() {
        return Ok(Vec::new());
    }
    let stored = keeper.store.uploads(&keeper.person, conversation).await?;
    let row = |stored: &StoredUpload| {
        let Upload { id, content } = read(stored)?;
        let notes = view::upload_notes(&content);
        Some(Attached { id, expires_at: stored.expires_at.clone(), content, notes })
    };
    Ok(stored.iter().filter_map(row).collect())
}

fn read(stored: &StoredUpload) -> Option<Upload> {
    match serde_json::from_str(&stored.content) {
        Ok(content) => Some(Upload { id: stored.id.clone(), content }),
        Err(why) => {
            tracing::error!(%why, "what is known of an upload cannot be read");
            None
        }
    }
}

/// `GET ?conversation=ID`
async fn list(State(state): State<AppState>, request: Request) -> Result<Json<Value>, Problem> {
    let asker = asker::of(request.extensions())?;
    let keeper = Keeper::required(&state, &asker)?;
    let query = Form::parse(request.uri().query().unwrap_or_default());
    let id = query.first("conversation").unwrap_or_default();
    Ok(Json(json!({"uploads": attached(&keeper, id).await?})))
}

/// `POST multipart/form-data {conversation?, file…}`; answers with the conversation, all its files,
/// and those that were not taken.
async fn send(State(state): State<AppState>, request: Request) -> Result<Json<Value>, Problem> {
    let (keeper, outcome) = take(&state, request).await?;
    let id = outcome.conversation;
    let title = match id.is_empty() {
        true => String::new(),
        false => keeper.conversation(&id).await?.title,
    };
    let uploads = attached(&keeper, &id).await?;
    let refused = outcome.refused;
    Ok(Json(json!({
        "conversation": id, "title": title, "uploads": uploads, "refused": refused,
    })))
}

/// The same by a form: back to the desk, or a page that says what was not taken.
async fn send_form(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let (_, outcome) = take(&state, request).await?;
    if outcome.refused.is_empty() {
        let to = format!("/?conversation={}#uploads", outcome.conversation);
        return Ok(Redirect::to(&to).into_response());
    }
    let line = |each: &Refused| format!("「{}」：{}", each.name, each.message);
    let lines: Vec<String> = outcome.refused.iter().map(line).collect();
    Err(Problem::Upload { ja: lines.join(" "), en: "some files were not taken".to_owned() })
}

/// `POST multipart/form-data {file}`; answers with the text of the file, for a field of a form.
/// Nothing is kept.
async fn text(State(state): State<AppState>, request: Request) -> Result<Json<Value>, Problem> {
    let mut files =
        sent(&state, request).await?.into_iter().filter(|part| !part.file_name.is_empty());
    let file = files.next().ok_or_else(no_file)?;
    match state.readers.text(&state.service, &file.file_name, file.bytes).await {
        Ok((content, text)) => {
            let notes = view::upload_notes(&content);
            Ok(Json(json!({"name": content.name, "text": text, "notes": notes})))
        }
        Err(ja) => Err(Problem::Upload { ja, en: "the file was not taken".to_owned() }),
    }
}

fn no_file() -> Problem {
    Problem::parameter("file", "ファイルを選んでください。", "no file was sent")
}

/// The parts of a form with files.
async fn sent(state: &AppState, request: Request) -> Result<Vec<Part>, Problem> {
    let options = &state.options;
    if options.upload_hours == 0 {
        return Err(Problem::NoRoute);
    }
    let most = options.upload_bytes_max.saturating_add(FORM_BYTES);
    let parts = body::multipart_within(request, most, ARRIVAL_MAX).await;
    parts.map_err(|why| match why {
        Problem::TooLarge { .. } => too_large(options.upload_bytes_max),
        why => why,
    })
}

async fn take(state: &AppState, request: Request) -> Result<(Keeper, Outcome), Problem> {
    let asker = asker::of(request.extensions())?;
    let keeper = Keeper::required(state, &asker)?;
    let parts = sent(state, request).await?;
    let named = |part: &&Part| part.name == "conversation" && part.file_name.is_empty();
    let conversation = parts.iter().find(named).map(|part| part.bytes.clone()).unwrap_or_default();
    let conversation = String::from_utf8_lossy(&conversation).trim().to_owned();
    if !conversation.is_empty() {
        keeper.conversation(&conversation).await?;
    }
    let files: Vec<Part> = parts.into_iter().filter(|part| !part.file_name.is_empty()).collect();
    if files.is_empty() {
        return Err(no_file());
    }
    let mut outcome = Outcome { conversation, refused: Vec::new() };
    for file in files {
        let name = file.file_name.clone();
        if let Err(message) = take_one(state, &keeper, &mut outcome.conversation, file).await? {
            let name = state.service.screen(&plain_name(&name)).text;
            outcome.refused.push(Refused { name, message });
        }
    }
    Ok((keeper, outcome))
}

fn too_large(bytes_max: usize) -> Problem {
    let mebibytes = bytes_max >> 20;
    Problem::Upload {
        ja: format!(
            "ファイルが大きすぎます（1回に{mebibytes}MBまで）。ファイルを分けるか、1つずつ送ってください。"
        ),
        en: format!("more than {mebibytes} MiB were sent"),
    }
}

/// Takes one file in, into a new conversation where there is none yet; what is said where it is
/// refused.
async fn take_one(
    state: &AppState,
    keeper: &Keeper,
    conversation: &mut String,
    file: Part,
) -> Result<Result<(), String>, Problem> {
    let here = match conversation.is_empty() {
        true => 0,
        false => keeper.store.uploads(&keeper.person, conversation).await?.len(),
    };
    if here >= OF_TALK_MAX {
        let most = OF_TALK_MAX;
        return Ok(Err(format!(
            "1つの会話で使えるのは{most}件までです。不要な資料を削除してください。"
        )));
    }
    if keeper.store.count_uploads(&keeper.person).await? >= OF_PERSON_MAX {
        let most = OF_PERSON_MAX;
        return Ok(Err(format!("全部で{most}件までです。ほかの会話の資料を削除してください。")));
    }
    let new = match state.readers.keep(&state.service, &file.file_name, file.bytes).await {
        Ok(new) => new,
        Err(message) => return Ok(Err(message)),
    };
    keep(state, keeper, conversation, new).await
}

async fn keep(
    state: &AppState,
    keeper: &Keeper,
    conversation: &mut String,
    new: NewUpload,
) -> Result<Result<(), String>, Problem> {
    let (store, person) = (&keeper.store, &keeper.person);
    if conversation.is_empty() {
        *conversation = store.add_conversation(person, &new.content.name).await?;
    }
    let content = json!(new.content).to_string();
    let hours = state.options.upload_hours;
    match store.add_upload(person, conversation, &new.id, &content, hours).await? {
        true => {
            new.keep();
            Ok(Ok(()))
        }
        false => Ok(Err("会話が削除されたため、使えません。".to_owned())),
    }
}

async fn delete(
    State(state): State<AppState>,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let keeper = Keeper::required(&state, &asker)?;
    let conversation = delete_one(&state, &keeper, &id).await?;
    Ok(Json(json!({"uploads": attached(&keeper, &conversation).await?})))
}

async fn delete_form(
    State(state): State<AppState>,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<Redirect, Problem> {
    let keeper = Keeper::required(&state, &asker)?;
    let conversation = delete_one(&state, &keeper, &id).await?;
    Ok(Redirect::to(&format!("/?conversation={conversation}#uploads")))
}

/// Deletes one of the person's, and gives the conversation that it was in.
async fn delete_one(state: &AppState, keeper: &Keeper, id: &str) -> Result<String, Problem> {
    let stored = keeper.store.upload(&keeper.person, id).await?.ok_or(Problem::NoRoute)?;
    keeper.store.delete_upload(&keeper.person, id).await?;
    tidy(state, &keeper.store).await;
    Ok(stored.conversation)
}
