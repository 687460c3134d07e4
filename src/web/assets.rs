//! The page's files, embedded in the binary.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::problem::Problem;
use crate::sync::ledger;

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Name, media type, content.
const FILES: &[(&str, &str, &str)] = &[
    ("kura.css", CSS, include_str!("assets/kura.css")),
    ("icon.svg", "image/svg+xml", include_str!("assets/icon.svg")),
    ("app.js", SCRIPT, include_str!("assets/app.js")),
    ("answer.js", SCRIPT, include_str!("assets/answer.js")),
    ("assistant.js", SCRIPT, include_str!("assets/assistant.js")),
    ("assistant_import.js", SCRIPT, include_str!("assets/assistant_import.js")),
    ("assistants.css", CSS, include_str!("assets/assistants.css")),
    ("choice.js", SCRIPT, include_str!("assets/choice.js")),
    ("compare.js", SCRIPT, include_str!("assets/compare.js")),
    ("layers.css", CSS, include_str!("assets/layers.css")),
    ("layers.js", SCRIPT, include_str!("assets/layers.js")),
    ("bundle.js", SCRIPT, include_str!("assets/bundle.js")),
    ("copy.js", SCRIPT, include_str!("assets/copy.js")),
    ("dom.js", SCRIPT, include_str!("assets/dom.js")),
    ("forget.js", SCRIPT, include_str!("assets/forget.js")),
    ("format.js", SCRIPT, include_str!("assets/format.js")),
    ("handover.js", SCRIPT, include_str!("assets/handover.js")),
    ("history.js", SCRIPT, include_str!("assets/history.js")),
    ("ledger.css", CSS, ledger::STYLE),
    ("people.css", CSS, include_str!("assets/people.css")),
    ("not_found.css", CSS, include_str!("assets/not_found.css")),
    ("not_found.js", SCRIPT, include_str!("assets/not_found.js")),
    ("passage.js", SCRIPT, include_str!("assets/passage.js")),
    ("selection.js", SCRIPT, include_str!("assets/selection.js")),
    ("personal.css", CSS, include_str!("assets/personal.css")),
    ("personal.js", SCRIPT, include_str!("assets/personal.js")),
    ("record.css", CSS, include_str!("assets/record.css")),
    ("record.js", SCRIPT, include_str!("assets/record.js")),
    ("record_page.js", SCRIPT, include_str!("assets/record_page.js")),
    ("stream.js", SCRIPT, include_str!("assets/stream.js")),
    ("talks.css", CSS, include_str!("assets/talks.css")),
    ("talks.js", SCRIPT, include_str!("assets/talks.js")),
    ("time.css", CSS, include_str!("assets/time.css")),
    ("unconfirmed.css", CSS, include_str!("assets/unconfirmed.css")),
    ("unconfirmed.js", SCRIPT, include_str!("assets/unconfirmed.js")),
    ("uploads.css", CSS, include_str!("assets/uploads.css")),
    ("uploads.js", SCRIPT, include_str!("assets/uploads.js")),
    ("updates.js", SCRIPT, include_str!("assets/updates.js")),
];

/// `ETag` of each file, by its content.
static TAGS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let tag = |content: &str| format!("\"{}\"", &blake3::hash(content.as_bytes()).to_hex()[..16]);
    FILES.iter().map(|(_, _, content)| tag(content)).collect()
});

/// One file. Browsers keep it but ask each time, so that an update is seen at once.
pub(crate) async fn asset(
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let at = FILES.iter().position(|(known, _, _)| *known == name).ok_or(Problem::NoRoute)?;
    let (_, media_type, content) = FILES[at];
    let tag = TAGS[at].as_str();
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let known = known.is_some_and(|list| list.split(',').any(|each| each.trim() == tag));
    let cached = [(header::ETAG, tag), (header::CACHE_CONTROL, "no-cache")];
    if known {
        return Ok((StatusCode::NOT_MODIFIED, cached).into_response());
    }
    Ok((cached, [(header::CONTENT_TYPE, media_type)], content).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_fetched_from_elsewhere() {
        for (name, _, content) in FILES {
            let bare = content.replace("http://www.w3.org/2000/svg", "");
            assert!(!bare.contains("http://") && !bare.contains("https://"), "{name}");
            assert!(!bare.contains("innerHTML") && !bare.contains("insertAdjacentHTML"), "{name}");
        }
    }
}
