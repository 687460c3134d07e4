//! The outermost step of every request: counts it, turns a problem into a body, sets the headers
//! that keep a browser safe.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::{Body, HttpBody};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use tokio_stream::StreamExt;

use super::connection::Connection;
use super::problem::{Audience, Problem};
use super::{AppState, head};

/// Scripts, styles and calls from this origin only; no frames, no plug-ins, no inline code.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'";

/// `same-origin` and not `no-referrer`: with the latter, browsers send `Origin: null` with the
/// page's own forms, which the origin check must refuse.
const FIXED_HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Runs the request and finishes its response.
pub(crate) async fn finish(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    // Pages are rendered inside of it, those of refusals too.
    head::scope(run(state, request, next)).await
}

async fn run(state: AppState, request: Request, next: Next) -> Response {
    let connection = request.extensions().get::<ConnectInfo<Connection>>();
    let under_way = UnderWay {
        _at_connection: connection.map(|info| info.0.busy()),
        _counted: Counted::new(state.metrics.active()),
    };
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let allow = response.headers_mut().remove(header::ALLOW);
        response = problem.render(Audience::of(&path));
        if let Some(allow) = allow {
            response.headers_mut().insert(header::ALLOW, allow);
        }
    }
    set_headers(response.headers_mut());
    state.metrics.count_request(route_label(&path), response.status().as_u16());
    hold_while_sending(response, under_way)
}

fn set_headers(headers: &mut HeaderMap) {
    for (name, value) in FIXED_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// A request that is not over yet; for a stream, until its last byte or until the client is gone.
struct UnderWay {
    _at_connection: Option<super::connection::Busy>,
    _counted: Counted,
}

/// One more in a shared count, until it is dropped.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Streams keep `under_way` alive; a body of known size is handed over as a whole.
fn hold_while_sending(response: Response, under_way: UnderWay) -> Response {
    if response.body().size_hint().exact().is_some() {
        return response;
    }
    response.map(|body| {
        Body::from_stream(body.into_data_stream().map(move |piece| {
            let _held = &under_way;
            piece
        }))
    })
}

/// The label of a path in the metrics: few values, whatever clients ask for.
fn route_label(path: &str) -> &'static str {
    const ROUTES: [&str; 33] = [
        "/",
        "/ask",
        "/status",
        "/updates",
        "/updates/ledger",
        "/updates/ledger.csv",
        "/updates/rollback",
        "/login",
        "/logout",
        "/account",
        "/guide",
        "/people",
        "/people/add",
        "/people/edit",
        "/people/reset",
        "/people/disable",
        "/people/enable",
        "/healthz",
        "/metrics",
        "/api/answer",
        "/api/search",
        "/api/datasets",
        "/api/models",
        "/api/passage",
        "/api/status",
        "/api/updates",
        "/v1/models",
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/embeddings",
        "/assets",
        "/assistants",
        "/api/assistants",
    ];
    if let Some(route) = ROUTES.iter().find(|route| **route == path) {
        return route;
    }
    match path {
        path if path.starts_with("/assets/") => "/assets",
        path if path.starts_with("/assistants/") => "/assistants",
        path if path.starts_with("/api/assistants/") => "/api/assistants",
        path if path.starts_with("/v1/models/") => "/v1/models",
        path if path.starts_with("/api/updates/") => match path.ends_with("/commit") {
            true => "/api/updates/commit",
            false => "/api/updates/chunks",
        },
        _ => "other",
    }
}
