//! The resumable upload: papers first, then the chunks that are missing, then the import.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use super::super::api::KEEP_ALIVE;
use super::super::asker::{self, Asker};
use super::super::fields::Fields;
use super::super::problem::Problem;
use super::super::{AppState, body};
use super::{off_the_async_threads, problems};
use crate::sync::bundle::CHUNK_BYTES_MAX;
use crate::sync::ledger::Who;
use crate::sync::trust::{Link, Signed};
use crate::sync::{Begun, Imported, Papers, Progress, SyncError};
use crate::text::Lang;

/// Roots, manifest and signatures, as JSON; a manifest has at most 4 MiB.
const PAPERS_BYTES_MAX: usize = 6 * 1024 * 1024;
/// A packed chunk; what does not compress grows by a few bytes only.
const PACKED_BYTES_MAX: usize = CHUNK_BYTES_MAX as usize + CHUNK_BYTES_MAX as usize / 64;
/// Longest name of a person or a medium, in characters.
const NAME_CHARS_MAX: usize = 100;
/// Events that may wait for a slow reader.
const EVENTS: usize = 64;
/// How often the progress of copying is told.
const TOLD_EVERY: Duration = Duration::from_millis(100);

/// `POST {roots: [{version, text, signatures: [{key, text}]}], manifest: {text, signatures},
/// operator, approver, media?}`; answers what it is and which chunks are missing.
pub(super) async fn begin(
    State(state): State<AppState>,
    request: Request,
) -> Result<Json<Value>, Problem> {
    let updates = state.intake.updates()?;
    let asker = asker::of(request.extensions())?;
    let map = body::json(request, PAPERS_BYTES_MAX).await?;
    let fields = Fields::new(&map);
    fields.only(&["roots", "manifest", "operator", "approver", "media"])?;
    let (who, papers) = (who(&fields, &asker)?, papers(&fields)?);
    let intake = state.intake.clone();
    let begun = off_the_async_threads(move || {
        intake.with_importer(updates.as_ref(), who, &|_| (), |importer| {
            intake.inboxes.begin(importer, &papers)
        })
    });
    Ok(Json(told(&begun.await??)))
}

fn told(begun: &Begun) -> Value {
    let Begun { id, preview, missing } = begun;
    let manifest = &preview.manifest;
    let stored: u64 = missing.iter().map(|chunk| u64::from(chunk.stored)).sum();
    let hashes: Vec<&str> = missing.iter().map(|chunk| chunk.hash.as_str()).collect();
    json!({
        "id": id,
        "kind": manifest.kind.name(),
        "kind_label": manifest.kind.label(),
        "title": manifest.title,
        "edition": manifest.edition,
        "counter": manifest.counter,
        "signers": preview.signers,
        "is_in_use": preview.is_in_use,
        "bytes": manifest.totals.raw,
        "missing_bytes": stored,
        "missing": hashes,
    })
}

fn who(fields: &Fields<'_>, asker: &Asker) -> Result<Who, Problem> {
    let given = |key, required| name(key, fields.text(key)?.unwrap_or_default(), required);
    let called = fields.text("operator")?.unwrap_or_default();
    Ok(Who {
        operator: name("operator", &asker.or_called(called), true)?,
        approver: given("approver", true)?,
        media: given("media", false)?,
    })
}

/// The name of a person or a medium.
pub(super) fn name(key: &str, given: &str, required: bool) -> Result<String, Problem> {
    let given = given.trim();
    if required && given.is_empty() {
        return Err(Problem::parameter(key, "入力してください。", "it is empty"));
    }
    if given.chars().count() > NAME_CHARS_MAX {
        let ja = format!("{NAME_CHARS_MAX}文字以内にしてください。");
        let en = format!("it must have at most {NAME_CHARS_MAX} characters");
        return Err(Problem::parameter(key, ja, en));
    }
    Ok(given.to_owned())
}

fn papers(fields: &Fields<'_>) -> Result<Papers, Problem> {
    let roots = objects(fields, "roots")?
        .map(|root| {
            let fields = root?;
            let version = fields.count("version", 1..=u64::from(u32::MAX))?;
            let version = version.and_then(|version| u32::try_from(version).ok());
            let version = version.ok_or_else(|| fields.missing("version"))?;
            Ok(Link { version, signed: signed(&fields)? })
        })
        .collect::<Result<_, Problem>>()?;
    let manifest = fields.object("manifest", "manifest.")?;
    let manifest = signed(&manifest.ok_or_else(|| fields.missing("manifest"))?)?;
    Ok(Papers { roots, manifest })
}

fn signed(fields: &Fields<'_>) -> Result<Signed, Problem> {
    let bytes = fields.required_text("text")?.as_bytes().to_vec();
    let signatures = objects(fields, "signatures")?
        .map(|signature| {
            let fields = signature?;
            let part = |name| fields.required_text(name).map(str::to_owned);
            Ok((part("key")?, part("text")?))
        })
        .collect::<Result<_, Problem>>()?;
    Ok(Signed { bytes, signatures })
}

/// The objects in a list.
fn objects<'f>(
    fields: &Fields<'f>,
    name: &'static str,
) -> Result<impl Iterator<Item = Result<Fields<'f>, Problem>>, Problem> {
    let wrong = || {
        Problem::parameter(
            name,
            "オブジェクトの配列で指定してください。",
            "it must be an array of objects",
        )
    };
    let Some(Value::Array(items)) = fields.get(name) else { return Err(wrong()) };
    Ok(items.iter().map(move |item| item.as_object().map(Fields::new).ok_or_else(wrong)))
}

/// `PUT` of the packed bytes of one chunk.
pub(super) async fn chunk(
    State(state): State<AppState>,
    Path((id, hash)): Path<(String, String)>,
    request: Request,
) -> Result<StatusCode, Problem> {
    state.intake.updates()?;
    let packed = body::bytes(request, PACKED_BYTES_MAX).await?;
    let intake = state.intake.clone();
    off_the_async_threads(move || intake.inboxes.take(&id, &hash, &packed)).await??;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST {operator, approver, media?}`; imports what has come, and tells how far it is. It goes on
/// when the browser leaves.
pub(super) async fn commit(
    State(state): State<AppState>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let updates = state.intake.updates()?;
    let asker = asker::of(request.extensions())?;
    let map = body::json(request, state.options.body_bytes_max).await?;
    let fields = Fields::new(&map);
    fields.only(&["operator", "approver", "media"])?;
    let who = who(&fields, &asker)?;
    let inboxes = state.intake.inboxes.clone();
    let claim = off_the_async_threads(move || inboxes.claim(&id)).await??;
    let (sender, receiver) = mpsc::channel(EVENTS);
    let intake = state.intake.clone();
    tokio::task::spawn_blocking(move || {
        let progress = teller(sender.clone());
        let outcome = intake.with_importer(updates.as_ref(), who, &progress, |importer| {
            let imported = claim.import(importer)?;
            Ok((imported, importer.prepare.found(Lang::Ja)))
        });
        // A reader that is gone needs no last word; the ledger has it.
        let _ = sender.blocking_send(last_word(outcome));
    });
    let events = ReceiverStream::new(receiver).map(|event| Event::default().json_data(event));
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

/// Tells the progress as events. What there is no room for is left out: the next one says more.
fn teller(sender: mpsc::Sender<Value>) -> impl Fn(Progress) + Sync {
    let told = Mutex::new(None::<Instant>);
    move |progress| {
        if let Progress::Copied { bytes, of } = &progress {
            let mut told = told.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if bytes < of && told.is_some_and(|at| at.elapsed() < TOLD_EVERY) {
                return;
            }
            *told = Some(Instant::now());
        }
        let _ = sender.try_send(match progress {
            Progress::Verified { title, edition, bytes } => {
                json!({"type": "verified", "title": title, "edition": edition, "bytes": bytes})
            }
            Progress::Copied { bytes, of } => json!({"type": "copied", "bytes": bytes, "of": of}),
            Progress::Preparing => json!({"type": "preparing"}),
            Progress::Switched => json!({"type": "switched"}),
        });
    }
}

fn last_word(outcome: Result<(Imported, Option<String>), SyncError>) -> Value {
    match outcome {
        Ok((imported, found)) => json!({
            "type": "finished",
            "changed": imported.changed,
            "title": imported.manifest.title,
            "edition": imported.manifest.edition,
            "found": found,
        }),
        Err(error) => {
            tracing::warn!(%error, "an upload was not imported");
            json!({"type": "failed", "message": problems::words(&error)})
        }
    }
}
