//! HTTP: the page for staff, its JSON API, the OpenAI API, health and metrics.
//!
//! The only module that names axum. A request passes [`edge`] (metrics, problems into bodies,
//! security headers), then [`gate`] (host, origin, who asks: [`asker`]), then its handler:
//! [`page`], [`compare`], [`login`], [`account`], [`people`] and [`guide`] (HTML), [`api`] (JSON
//! and events), [`openai`] (`/v1`), [`updates`] (what is installed, and what comes in),
//! [`assistants`] (業務アシスタント), [`talks`] (会話), [`uploads`] (files in them), [`records`]
//! (records of answers, review, verification), [`assets`].
//! Handlers return a [`problem::Problem`]; the edge gives it the form that the path asks for.

mod account;
mod answering;
mod api;
mod asker;
mod assets;
mod assistants;
mod body;
mod choosing;
mod compare;
mod connection;
mod edge;
mod fields;
mod form;
mod gate;
mod guide;
mod head;
mod login;
mod metrics;
mod multipart;
mod openai;
mod page;
mod people;
mod personal;
mod problem;
mod recording;
mod records;
mod serve;
mod talks;
mod throttle;
mod tls;
mod updates;
mod uploads;
mod view;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;

use crate::answer::Service;
use crate::answer::assistant::Cabinet;
use crate::store::Store;
use asker::Door;
use metrics::Metrics;
use problem::Problem;
use updates::Intake;
use uploads::Readers;

pub use serve::serve;
pub use tls::{PemKind, Tls, TlsError};
pub use updates::Updates;
pub use uploads::Reader;

/// What the settings say about the web side.
#[derive(Clone, Debug)]
pub struct WebOptions {
    /// When set, everything but `/healthz`, the log-in form and its style needs this key; once
    /// people have accounts, it opens only what other systems call: `/v1`, `/api/search` and
    /// `/metrics`.
    pub access_key: Option<String>,
    /// The database of accounts; without one, nobody has an account.
    pub store: Option<Store>,
    /// Whether everybody who comes in without signing in is the person of a demo, accounts or not.
    pub trial: bool,
    /// Answer only to requests addressed to this computer by a loopback name, so that a foreign
    /// page cannot reach the appliance through a name of its own (DNS rebinding). [`serve`] turns
    /// it on by itself when its listener is on loopback.
    pub loopback_only: bool,
    /// Certificate and key, where https is served in place of http.
    pub tls: Option<Tls>,
    /// Longest request body, in bytes.
    pub body_bytes_max: usize,
    /// Connections at once; more wait to be accepted.
    pub connections_max: usize,
    /// A connection on which no request is under way is closed after this time.
    pub quiet_max: Duration,
    /// Days after the last question that a conversation is kept; 0 keeps it.
    pub conversation_days: u32,
    /// Hours that a file in a conversation is kept; 0 takes none.
    pub upload_hours: u32,
    /// Largest files of one request together, in bytes.
    pub upload_bytes_max: usize,
    /// How those files are read.
    pub reader: Reader,
    /// Questions that the page offers to try.
    pub sample_questions: Vec<String>,
    /// How updates that come through the browser are judged; `None` refuses them, and leaves
    /// roll-back to the commands as well.
    pub updates: Option<Arc<dyn Updates>>,
}

impl Default for WebOptions {
    fn default() -> Self {
        Self {
            access_key: None,
            store: None,
            trial: false,
            loopback_only: false,
            tls: None,
            body_bytes_max: 1024 * 1024,
            connections_max: 512,
            quiet_max: Duration::from_secs(30),
            conversation_days: 365,
            upload_hours: 24,
            upload_bytes_max: 32 << 20,
            reader: Reader::default(),
            sample_questions: Vec::new(),
            updates: None,
        }
    }
}

/// What every handler shares.
#[derive(Clone)]
pub struct AppState {
    service: Service,
    options: Arc<WebOptions>,
    metrics: Arc<Metrics>,
    sessions: Arc<login::Sessions>,
    door: Arc<Door>,
    intake: Arc<Intake>,
    cabinet: Cabinet,
    readers: Arc<Readers>,
}

impl AppState {
    /// The state of one server: its counters start at zero, and nobody is logged in.
    pub fn new(service: Service, options: WebOptions) -> Self {
        let intake = Intake::new(service.installation(), options.updates.clone());
        Self {
            intake: Arc::new(intake),
            readers: Arc::new(Readers::new(options.reader.clone())),
            cabinet: Cabinet::over(service.installation(), options.store.clone()),
            service,
            sessions: Arc::new(login::Sessions::new(options.tls.is_some())),
            door: Door::new(options.store.clone(), options.trial),
            options: Arc::new(options),
            metrics: Arc::new(Metrics::new()),
        }
    }
}

/// The whole web side as a service that needs no port.
pub fn router(state: AppState) -> Router {
    Router::new()
        .merge(page::routes())
        .merge(login::routes())
        .merge(account::routes())
        .merge(people::routes())
        .merge(guide::routes())
        .merge(api::routes())
        .merge(compare::routes())
        .merge(openai::routes())
        .merge(personal::routes())
        .merge(talks::routes())
        .merge(updates::routes())
        .merge(uploads::routes())
        .merge(assistants::routes())
        .merge(records::routes())
        .route("/assets/{name}", get(assets::asset))
        .method_not_allowed_fallback(async || Problem::WrongMethod)
        .fallback(async || Problem::NoRoute)
        .layer(from_fn_with_state(state.clone(), gate::check))
        .layer(from_fn_with_state(state.clone(), edge::finish))
        .with_state(state)
}
