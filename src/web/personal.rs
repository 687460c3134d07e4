//! Personal data while one types: a text comes in, the places of what was found go out. Nothing is
//! stored or logged; what is sent as a question is screened again by the service.

use axum::extract::{Request, State};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::fields::Fields;
use super::problem::Problem;
use super::{AppState, api, body};
use crate::config::Handling;
use crate::guard::personal::Kind;

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/api/personal", post(personal))
}

/// `POST {text}`; places are counted in UTF-16 units, as scripts of a page count.
async fn personal(State(state): State<AppState>, request: Request) -> Result<Json<Value>, Problem> {
    let map = body::json(request, state.options.body_bytes_max).await?;
    let fields = Fields::new(&map);
    fields.only(&["text"])?;
    let text = fields.required_text("text")?.to_owned();
    api::question("text", &text)?;
    let found = api::off_the_async_threads(&state, move |service| {
        let rules = service.personal_rules();
        let handling = |kind: Kind| {
            rules.iter().find(|(each, _)| *each == kind).map_or(Handling::Mask, |(_, way)| *way)
        };
        let units = |to: usize| text[..to].encode_utf16().count();
        let found = service.personal_data(&text).into_iter().map(|found| {
            json!({
                "start": units(found.range.start), "end": units(found.range.end),
                "kind": found.kind, "label": found.kind.label(),
                "handling": handling(found.kind).name(),
            })
        });
        Ok(found.collect::<Vec<_>>())
    });
    Ok(Json(json!({"found": found.await?})))
}
