//! Who may pass: requests addressed to this computer, not sent by a foreign page, with the key.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::AppState;
use super::problem::{Audience, Problem};

/// Lets the request through to its handler, or refuses it.
pub(crate) async fn check(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    // Step 1: a name that a foreign page made point at this computer is not ours. The style of
    // the page that says so is no secret.
    let is_asset = request.uri().path().starts_with("/assets/");
    let (name, port) = host(&request).map_or(("", ""), name_and_port);
    if state.options.loopback_only && !is_asset && !is_loopback(name, port) {
        let secure = state.options.tls.is_some();
        return Problem::WrongHost { secure, port: port.parse().ok() }.into_response();
    }
    // Step 2: a foreign page can send forms here, but its browser says whence.
    let reads_only = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !reads_only && comes_from_elsewhere(headers, state.options.tls.is_some()) {
        return Problem::WrongOrigin.into_response();
    }
    // Step 3: the key, by header (programs) or by the cookie of the log-in form (browsers).
    let path = request.uri().path();
    let open = path == "/healthz" || path == "/login" || is_asset;
    if let Some(key) = state.options.access_key.as_deref().filter(|_| !open) {
        let bearer = bearer_key(headers);
        let allowed = bearer.is_some_and(|given| state.sessions.same_key(given, key.as_bytes()))
            || state.sessions.is_logged_in(headers);
        if !allowed {
            if bearer.is_some() {
                state.sessions.slow_down().await;
            }
            return match Audience::of(path) {
                Audience::Page if *request.method() == Method::GET => {
                    Redirect::to("/login").into_response()
                }
                _ => Problem::NoKey.into_response(),
            };
        }
    }
    next.run(request).await
}

fn host(request: &Request) -> Option<&str> {
    let named = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    named.or_else(|| request.uri().authority().map(|authority| authority.as_str()))
}

fn name_and_port(host: &str) -> (&str, &str) {
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, port)) => (name, port.strip_prefix(':').unwrap_or(port)),
        None => host.split_once(':').unwrap_or((host, "")),
    }
}

fn is_loopback(name: &str, port: &str) -> bool {
    let is_port = port.chars().all(|c| c.is_ascii_digit());
    is_port && (matches!(name, "127.0.0.1" | "::1") || name.eq_ignore_ascii_case("localhost"))
}

/// Programs send neither header. Browsers send `Origin` with every POST, and `Sec-Fetch-Site`
/// where they trust the connection. Where https is served here (`secure`), a page of http is a
/// foreign one even under the same name; otherwise something in front may have added https.
fn comes_from_elsewhere(headers: &HeaderMap, secure: bool) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if let Some(site) = text(header::HeaderName::from_static("sec-fetch-site")) {
        return !matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text(header::ORIGIN) else {
        return false;
    };
    let Some((scheme, authority)) = origin.split_once("://") else {
        return true;
    };
    Some(authority) != text(header::HOST) || (secure && scheme != "https")
}

/// Bytes, because a key need not be ASCII.
fn bearer_key(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, key) = value.split_at_checked("bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| key.trim_ascii())
}
