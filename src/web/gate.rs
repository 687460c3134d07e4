//! Who may pass: requests addressed to this computer, not sent by a foreign page, of somebody who
//! is known: by a session once people have accounts, by the access key before.

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::asker::{self, Asker, role_for};
use super::problem::{Audience, Problem};
use super::{AppState, head, records};
use crate::store::Standing;

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
    // Step 3: somebody who is known, and may see this.
    let path = request.uri().path();
    let open = path == "/healthz" || path == "/login" || is_asset;
    if !open {
        // The body stays aside: it is not read here, and could not be shared between threads.
        let (mut parts, body) = request.into_parts();
        match admit(&state, &parts).await {
            Ok(asker) => {
                let waiting = match shows_a_page(&parts) && !asker.is_shared() {
                    true => records::waiting(&state, &asker).await,
                    false => 0,
                };
                head::tell(&asker, waiting);
                parts.extensions.insert(asker);
            }
            Err(refusal) => return *refusal,
        }
        return next.run(Request::from_parts(parts, body)).await;
    }
    next.run(request).await
}

/// Who it is, in the order of what tells most: a session, the key of a system, the access key.
async fn admit(state: &AppState, request: &Parts) -> Result<Asker, Box<Response>> {
    let (door, headers, path) = (&state.door, &request.headers, request.uri.path());
    let failed = |problem: Problem| Box::new(problem.into_response());
    let token = asker::cookie(headers, state.sessions.cookie_name());
    if let Some(standing) = door.session(token).await.map_err(failed)? {
        return let_in(standing, request);
    }
    let bearer = bearer_key(headers);
    let for_systems = asker::is_for_systems(path);
    if for_systems && let Some(system) = door.system(bearer).await.map_err(failed)? {
        return Ok(system);
    }
    let key = state.options.access_key.as_deref();
    let has_key =
        key.zip(bearer).is_some_and(|(key, given)| state.sessions.same_key(given, key.as_bytes()));
    if door.is_closed().await.map_err(failed)? {
        if for_systems && has_key {
            return Ok(Asker(asker::system("access_key", "access_key".to_owned())));
        }
        let problem = if for_systems { Problem::NoKey } else { Problem::SignIn };
        return Err(Box::new(refuse(state, request, problem).await));
    }
    if key.is_some() && !has_key && !state.sessions.is_logged_in(headers) {
        return Err(Box::new(refuse(state, request, Problem::NoKey).await));
    }
    let_in(door.resident().await.map_err(failed)?, request)
}

/// Browsers are shown where to sign in; who guesses keys waits.
async fn refuse(state: &AppState, request: &Parts, problem: Problem) -> Response {
    if bearer_key(&request.headers).is_some() {
        state.sessions.slow_down().await;
    }
    match shows_a_page(request) {
        true => Redirect::to("/login").into_response(),
        false => problem.into_response(),
    }
}

/// A known person comes first to what is due, then to what the role opens.
fn let_in(standing: Standing, request: &Parts) -> Result<Asker, Box<Response>> {
    let path = request.uri.path();
    let always = matches!(path, "/account" | "/logout");
    if standing.must_change && !always {
        return Err(Box::new(match shows_a_page(request) {
            true => Redirect::to("/account").into_response(),
            false => Problem::ChangePassword.into_response(),
        }));
    }
    if !standing.guide_read && !always && path != "/guide" && shows_a_page(request) {
        return Err(Box::new(Redirect::to("/guide").into_response()));
    }
    let asker = Asker(standing.person);
    match asker.must_be(role_for(path)) {
        Ok(()) => Ok(asker),
        Err(problem) => {
            // The page of the refusal says whose it is.
            head::tell(&asker, 0);
            Err(Box::new(problem.into_response()))
        }
    }
}

fn shows_a_page(request: &Parts) -> bool {
    Audience::of(request.uri.path()) == Audience::Page && request.method == Method::GET
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
