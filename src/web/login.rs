//! Signing in and out. With accounts: name and password, and a cookie with the token of a session.
//! Before the first account, where an access key is set: the key, and a cookie that never holds it
//! but a time and a hash of it, keyed by a secret that this process drew and keeps.

use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use tokio::sync::Mutex;

use super::asker::{self, Asker};
use super::form::Form;
use super::problem::Problem;
use super::{AppState, body, connection, view};
use crate::store::Happened;

const COOKIE: &str = "kura_session";

/// Its name over https. Browsers take this prefix only with `Secure`, for this host alone, so that
/// nothing that is served without https, nor a neighbouring name, can plant one.
const SECURE_COOKIE: &str = "__Host-kura_session";

/// A working day and its overtime; a closed browser ends it sooner.
const SESSION_MAX: Duration = Duration::from_secs(12 * 60 * 60);

/// Wait after a wrong key. Wrong keys wait for each other, so guessing stays slow however many
/// connections do it, and the right key never waits.
const WRONG_KEY_WAIT: Duration = Duration::from_millis(500);

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/login", get(show).post(submit))
        .route("/logout", post(sign_out).get(async || Redirect::to("/")))
}

/// Makes and checks the cookies of this process.
pub(crate) struct Sessions {
    secret: [u8; 32],
    /// Whether https is served.
    secure: bool,
    wrong_keys: Mutex<()>,
}

impl Sessions {
    pub(crate) fn new(secure: bool) -> Self {
        Self { secret: rand::random(), secure, wrong_keys: Mutex::new(()) }
    }

    pub(crate) fn cookie_name(&self) -> &'static str {
        if self.secure { SECURE_COOKIE } else { COOKIE }
    }

    /// The header that logs a browser in with the access key.
    fn set_cookie(&self) -> String {
        self.cookie(&self.cookie_value(now_s()))
    }

    /// The header that gives a browser the token of a session.
    pub(crate) fn cookie(&self, value: &str) -> String {
        let (name, secure) = (self.cookie_name(), if self.secure { "; Secure" } else { "" });
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}")
    }

    /// Compares in constant time: blake3's hashes compare so.
    pub(crate) fn same_key(&self, given: &[u8], key: &[u8]) -> bool {
        self.hash(given) == self.hash(key)
    }

    /// True when a cookie of this process is there and has not run out.
    pub(crate) fn is_logged_in(&self, headers: &HeaderMap) -> bool {
        let value = asker::cookie(headers, self.cookie_name());
        value.is_some_and(|value| self.is_valid(value, now_s()))
    }

    /// Called after each wrong key.
    pub(crate) async fn slow_down(&self) {
        let _turn = self.wrong_keys.lock().await;
        tokio::time::sleep(WRONG_KEY_WAIT).await;
    }

    fn cookie_value(&self, now_s: u64) -> String {
        let until_s = now_s + SESSION_MAX.as_secs();
        format!("{until_s}.{}", self.mark(until_s).to_hex())
    }

    fn is_valid(&self, value: &str, now_s: u64) -> bool {
        let Some((until, mark)) = value.split_once('.') else {
            return false;
        };
        let (Ok(until_s), Ok(mark)) = (until.parse::<u64>(), blake3::Hash::from_hex(mark)) else {
            return false;
        };
        mark == self.mark(until_s) && now_s < until_s
    }

    fn mark(&self, until_s: u64) -> blake3::Hash {
        self.hash(format!("logged in until {until_s}").as_bytes())
    }

    fn hash(&self, bytes: &[u8]) -> blake3::Hash {
        blake3::keyed_hash(&self.secret, bytes)
    }
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Whether names and passwords are asked for here: pages need them, or a demo lets them be tried.
async fn asks_for_names(state: &AppState) -> Result<bool, Problem> {
    let door = &state.door;
    Ok(door.is_closed().await? || (state.options.trial && door.has_accounts().await? == Some(true)))
}

async fn show(State(state): State<AppState>) -> Result<Response, Problem> {
    if asks_for_names(&state).await? {
        return Ok(Html(view::sign_in_page("", "")).into_response());
    }
    Ok(match state.options.access_key {
        Some(_) => Html(view::login_page("")).into_response(),
        None => Redirect::to("/").into_response(),
    })
}

async fn submit(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let from = connection::address(request.extensions());
    let form = body::form(request, state.options.body_bytes_max).await?;
    if asks_for_names(&state).await? {
        return sign_in(&state, &form, from).await;
    }
    let Some(key) = &state.options.access_key else {
        return Ok(Redirect::to("/").into_response());
    };
    let given = form.first("access_key").unwrap_or_default();
    if !state.sessions.same_key(given.as_bytes(), key.as_bytes()) {
        state.sessions.slow_down().await;
        let page = view::login_page("アクセスキーが違います。もう一度入力してください。");
        return Ok((StatusCode::UNAUTHORIZED, Html(page)).into_response());
    }
    let cookie = [(header::SET_COOKIE, state.sessions.set_cookie())];
    Ok((cookie, Redirect::to("/")).into_response())
}

async fn sign_in(state: &AppState, form: &Form, from: Option<IpAddr>) -> Result<Response, Problem> {
    let (store, throttle) = (state.door.store()?, &state.door.throttle);
    let given = |name: &str| form.first(name).unwrap_or_default();
    let login = given("login");
    let wait = throttle.attempt(login, from, Instant::now());
    if !wait.is_zero() {
        let wait_s = wait.as_secs() + 1;
        let said = format!(
            "パスワードの間違いが続いたため、受け付けを止めています。{wait_s}秒ほど待ってから、もう一度ログインしてください。"
        );
        let page = Html(view::sign_in_page(login, &said));
        let retry = [(header::RETRY_AFTER, wait_s.to_string())];
        return Ok((StatusCode::TOO_MANY_REQUESTS, retry, page).into_response());
    }
    let Some(person) = store.sign_in(login, given("password")).await? else {
        let known = store.account(login).await?;
        let subject = known.map_or_else(String::new, |account| account.person.login);
        store.note(Happened::SignInRefused, &subject, "").await?;
        state.sessions.slow_down().await;
        let said = "利用者名かパスワードが違います。もう一度入力してください。";
        let page = Html(view::sign_in_page(login, said));
        return Ok((StatusCode::UNAUTHORIZED, page).into_response());
    };
    throttle.right(login, from);
    let token = store.begin_session(&person.id).await?;
    store.note(Happened::SignedIn, &person.login, &person.login).await?;
    let cookie = [(header::SET_COOKIE, state.sessions.cookie(&token))];
    Ok((cookie, Redirect::to("/")).into_response())
}

/// Ends the session here and in the browser, with what the page keeps there (questions asked).
async fn sign_out(
    State(state): State<AppState>,
    Asker(person): Asker,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let token = asker::cookie(&headers, state.sessions.cookie_name());
    if let Ok(store) = state.door.store()
        && let Some(token) = token
        && store.session(token).await?.is_some()
    {
        store.end_session(token).await?;
        store.note(Happened::SignedOut, &person.login, &person.login).await?;
    }
    let gone = format!("{}; Max-Age=0", state.sessions.cookie(""));
    let headers = [
        (header::SET_COOKIE, gone),
        (HeaderName::from_static("clear-site-data"), "\"storage\"".to_owned()),
    ];
    Ok((headers, Redirect::to("/login")).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_good_until_its_time_and_only_in_its_process() {
        let sessions = Sessions::new(false);
        let value = sessions.cookie_value(1000);
        let end = 1000 + SESSION_MAX.as_secs();
        assert!(sessions.is_valid(&value, 1000) && sessions.is_valid(&value, end - 1));
        assert!(!sessions.is_valid(&value, end), "run out");
        assert!(!Sessions::new(false).is_valid(&value, 1000), "another process");
        let later = value.replacen(&end.to_string(), &(end + 1).to_string(), 1);
        assert!(!sessions.is_valid(&later, 1000), "a moved time");
        for forged in ["", ".", "1.", "99999999999.00", "x.y"] {
            assert!(!sessions.is_valid(forged, 1000), "{forged}");
        }
    }

    #[test]
    fn over_https_the_cookie_goes_nowhere_else() {
        let (plain, secure) = (Sessions::new(false), Sessions::new(true));
        assert!(!plain.set_cookie().contains("Secure"), "a browser would drop it over http");
        let cookie = secure.set_cookie();
        for part in
            ["__Host-kura_session=", "; Path=/", "; HttpOnly", "; SameSite=Strict", "; Secure"]
        {
            assert!(cookie.contains(part), "{cookie}");
        }
        let logged_in = |name: &str| {
            let mut headers = HeaderMap::new();
            let pair = format!("{name}={}", secure.cookie_value(now_s()));
            headers.insert(header::COOKIE, pair.parse().unwrap());
            secure.is_logged_in(&headers)
        };
        assert!(logged_in(SECURE_COOKIE));
        assert!(!logged_in(COOKIE), "one that may have come over http");
    }
}
