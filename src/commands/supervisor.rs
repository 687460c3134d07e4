//! What systemd is told: ready, stopping, giving place to a new program, and alive. Without
//! systemd nothing of it happens.

use std::time::Duration;

use sd_notify::NotifyState;

use crate::answer::{SearchRequest, Service};

/// Requests are taken.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// A person asked to stop.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Another program takes this one's place; it says [`ready`] in its turn. Not "stopping", after
/// which systemd would end the process.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "the clock cannot be read"),
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd could not be told");
    }
}

/// Pings the watchdog, where there is one, as long as real searches work: a process that lives but
/// does not answer is to be started anew.
pub(super) async fn watchdog(service: Service) {
    let Some(limit) = sd_notify::watchdog_enabled() else { return };
    loop {
        let service = service.clone();
        let looked = tokio::task::spawn_blocking(move || probe(&service)).await;
        match looked {
            Ok(Ok(())) => tell(&[NotifyState::Watchdog]),
            Ok(Err(why)) => tracing::error!(why, "a search for the watchdog failed"),
            Err(error) => tracing::error!(%error, "a search for the watchdog failed"),
        }
        tokio::time::sleep((limit / 2).max(Duration::from_millis(10))).await;
    }
}

/// A search for what is surely there; where nothing is installed, a look at the health, which has
/// to come to an end.
fn probe(service: &Service) -> Result<(), String> {
    let datasets = service.datasets();
    let Some(first) = datasets.first() else {
        service.health();
        return Ok(());
    };
    let request =
        SearchRequest { query: first.identity.title.clone(), limit: Some(1), ..Default::default() };
    service.search(&request).map(|_| ()).map_err(|why| why.to_string())
}
