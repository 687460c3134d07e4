//! The log-in form, for when an access key is set. The cookie never holds the key: it holds a
//! time and a hash of it, keyed by a secret that this process drew and keeps.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use tokio::sync::Mutex;

use super::problem::Problem;
use super::{AppState, body, view};

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
    Router::new().route("/login", get(show).post(submit))
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

    fn cookie_name(&self) -> &'static str {
        if self.secure { SECURE_COOKIE } else { COOKIE }
    }

    /// The header that logs a browser in.
    fn set_cookie(&self) -> String {
        let (name, value) = (self.cookie_name(), self.cookie_value(now_s()));
        let secure = if self.secure { "; Secure" } else { "" };
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}")
    }

    /// Compares in constant time: blake3's hashes compare so.
    pub(crate) fn same_key(&self, given: &[u8], key: &[u8]) -> bool {
        self.hash(given) == self.hash(key)
    }

    /// True when a cookie of this process is there and has not run out.
    pub(crate) fn is_logged_in(&self, headers: &HeaderMap) -> bool {
        let cookies =
            headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
        let ours = self.cookie_name();
        pairs.any(|(name, value)| name.trim() == ours && self.is_valid(value.trim(), now_s()))
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

async fn show(State(state): State<AppState>) -> Response {
    match state.options.access_key {
        Some(_) => Html(view::login_page("")).into_response(),
        None => Redirect::to("/").into_response(),
    }
}

async fn submit(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let form = body::form(request, state.options.body_bytes_max).await?;
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
