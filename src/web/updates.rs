//! Updates in the browser: what is installed, the ledger, roll-back, and bundles that come as an
//! upload instead of on a stick. They pass the same checks as those on a stick; the layers above
//! say how ([`Updates`]).

mod overview;
mod pages;
mod problems;
mod upload;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post, put};

use super::AppState;
use super::problem::Problem;
use crate::sync::{Importer, Inboxes, Installation, Prepare, Progress, TrustSettings, ledger};
pub(crate) use overview::{Overview, Subject};

/// Who judges what comes in.
pub trait Updates: Send + Sync {
    /// What the settings say about trust.
    fn trust(&self) -> TrustSettings;

    /// Makes ready to serve what was staged, and checks it; gives up when `cancelled` is set.
    fn prepare<'p>(&'p self, cancelled: &'p AtomicBool) -> Box<dyn Prepare + 'p>;
}

impl fmt::Debug for dyn Updates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Updates").field("trust", &self.trust()).finish_non_exhaustive()
    }
}

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/updates", get(pages::show))
        .route("/updates/ledger", get(pages::printed))
        .route("/updates/ledger.csv", get(pages::table))
        .route("/updates/rollback", get(pages::ask_back).post(pages::go_back))
        .route("/api/updates", post(upload::begin))
        .route("/api/updates/{id}/chunks/{hash}", put(upload::chunk))
        .route("/api/updates/{id}/commit", post(upload::commit))
}

/// What the handlers of updates share.
#[derive(Debug)]
pub(crate) struct Intake {
    installation: Installation,
    updates: Option<Arc<dyn Updates>>,
    inboxes: Arc<Inboxes>,
    stopping: AtomicBool,
}

impl Intake {
    pub(crate) fn new(installation: &Installation, updates: Option<Arc<dyn Updates>>) -> Self {
        Self {
            installation: installation.clone(),
            updates,
            inboxes: Arc::new(Inboxes::new(installation)),
            stopping: AtomicBool::new(false),
        }
    }

    /// Stops imports under way; they go on when they are tried again.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    fn updates(&self) -> Result<Arc<dyn Updates>, Problem> {
        self.updates.clone().ok_or_else(|| Problem::Update {
            status: StatusCode::FORBIDDEN,
            code: "updates_off",
            ja: "この機器では、画面からの更新を受け付けていません。kura syncで取り込んでください。"
                .to_owned(),
            en: "This server takes no updates through the browser; use kura sync.".to_owned(),
        })
    }

    /// Hands an importer to `work`.
    fn with_importer<T>(
        &self,
        updates: &dyn Updates,
        who: ledger::Who,
        progress: &(dyn Fn(Progress) + Sync),
        work: impl FnOnce(&Importer<'_>) -> T,
    ) -> T {
        let (trust, prepare) = (updates.trust(), updates.prepare(&self.stopping));
        work(&Importer {
            installation: &self.installation,
            trust: &trust,
            today: overview::today(),
            who,
            prepare: prepare.as_ref(),
            progress,
            cancelled: &self.stopping,
        })
    }
}

/// Runs what reads or writes files where it holds up nobody.
async fn off_the_async_threads<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| problems::internal(&error))
}
