//! Request bodies: bounded in size and time, and read as JSON, as a form, or as they are.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use serde_json::{Map, Value};
use tokio_stream::StreamExt;

use super::form::Form;
use super::multipart::{self, Part};
use super::problem::Problem;

/// A body has to arrive within this time.
const ARRIVAL_MAX: Duration = Duration::from_secs(30);

/// A JSON object, sent as one.
pub(crate) async fn json(
    request: Request,
    bytes_max: usize,
) -> Result<Map<String, Value>, Problem> {
    if !has_type(request.headers(), "application/json") {
        return Err(Problem::MediaType { expected: "application/json" });
    }
    json_whatever_its_type(request, bytes_max).await
}

/// A JSON object, also where the client calls it a form, as `curl -d` does. A form of a foreign
/// page does not get this far: the gate refuses it by its origin.
pub(crate) async fn json_whatever_its_type(
    request: Request,
    bytes_max: usize,
) -> Result<Map<String, Value>, Problem> {
    let bytes = read(request, bytes_max).await?;
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Problem::BadBody {
            ja: "JSONのオブジェクトを送ってください。",
            en: "The request body must be a JSON object.",
        }),
        Err(error) => Err(Problem::BadJson {
            line: error.line(),
            column: error.column(),
            why: error.to_string(),
        }),
    }
}

/// A form, as a browser sends it without script.
pub(crate) async fn form(request: Request, bytes_max: usize) -> Result<Form, Problem> {
    const TYPE: &str = "application/x-www-form-urlencoded";
    if !has_type(request.headers(), TYPE) {
        return Err(Problem::MediaType { expected: TYPE });
    }
    let bytes = read(request, bytes_max).await?;
    let text = std::str::from_utf8(&bytes).map_err(|_| Problem::BadBody {
        ja: "送られた内容を読めませんでした。",
        en: "The request body is not UTF-8.",
    })?;
    Ok(Form::parse(text))
}

/// Bytes of any content, sent as such.
pub(crate) async fn bytes(request: Request, bytes_max: usize) -> Result<Vec<u8>, Problem> {
    const TYPE: &str = "application/octet-stream";
    if !has_type(request.headers(), TYPE) {
        return Err(Problem::MediaType { expected: TYPE });
    }
    read(request, bytes_max).await
}

/// A form with files, as a browser sends it without script.
pub(crate) async fn multipart(request: Request, bytes_max: usize) -> Result<Vec<Part>, Problem> {
    multipart_within(request, bytes_max, ARRIVAL_MAX).await
}

/// The same where there is more to send.
pub(crate) async fn multipart_within(
    request: Request,
    bytes_max: usize,
    arrival_max: Duration,
) -> Result<Vec<Part>, Problem> {
    const TYPE: &str = "multipart/form-data";
    if !has_type(request.headers(), TYPE) {
        return Err(Problem::MediaType { expected: TYPE });
    }
    let boundary = multipart::boundary(request.headers()).unwrap_or_default();
    let bytes = read_within(request, bytes_max, arrival_max).await?;
    multipart::parse(&boundary, &bytes).ok_or(Problem::BadBody {
        ja: "送られた内容を読めませんでした。",
        en: "The request body is no multipart form.",
    })
}

fn has_type(headers: &HeaderMap, expected: &str) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(expected)
}

async fn read(request: Request, bytes_max: usize) -> Result<Vec<u8>, Problem> {
    read_within(request, bytes_max, ARRIVAL_MAX).await
}

async fn read_within(
    request: Request,
    bytes_max: usize,
    arrival_max: Duration,
) -> Result<Vec<u8>, Problem> {
    let declared = request.headers().get(header::CONTENT_LENGTH);
    let declared: Option<usize> = declared.and_then(|value| value.to_str().ok()?.parse().ok());
    if declared.is_some_and(|length| length > bytes_max) {
        return Err(Problem::TooLarge { bytes_max });
    }
    let collecting = collect(request.into_body(), bytes_max);
    tokio::time::timeout(arrival_max, collecting).await.map_err(|_| Problem::TooSlow)?
}

async fn collect(body: Body, bytes_max: usize) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| Problem::BadBody {
            ja: "送られた内容が途中で切れました。",
            en: "The request body broke off.",
        })?;
        if bytes.len() + piece.len() > bytes_max {
            return Err(Problem::TooLarge { bytes_max });
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}
