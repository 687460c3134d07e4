//! Listening, and ending well: generations stop, streams say so, and nobody lingers.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::connection::{Connection, PatientListener};
use super::{AppState, WebOptions, router};
use crate::answer::Service;

/// Time for streams to end by themselves after the shutdown signal.
const GRACE: Duration = Duration::from_secs(5);

/// Serves until `shutdown` is ready, then ends every generation and returns when all connections
/// are closed, or after 5 seconds; what lingers then ends with the runtime.
///
/// # Errors
/// `PermissionDenied` when the listener is not on loopback and there is no access key; otherwise
/// what the listener reports.
pub async fn serve(
    listener: TcpListener,
    service: Service,
    mut options: WebOptions,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    // A socket for both protocols shows 127.0.0.1 as ::ffff:127.0.0.1.
    let is_loopback = address.ip().to_canonical().is_loopback();
    let key_is_set = options.access_key.as_ref().is_some_and(|key| !key.is_empty());
    if !is_loopback && !key_is_set {
        let problem = format!("listening on {address} needs an access_key in the settings");
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, problem));
    }
    options.loopback_only |= is_loopback;
    let WebOptions { connections_max, quiet_max, .. } = options;
    let tls = options.tls.clone();
    let state = AppState::new(service.clone(), options);
    let intake = Arc::clone(&state.intake);
    let app = router(state);
    let (told, signal_came) = oneshot::channel();
    let signal = async move {
        shutdown.await;
        service.shutdown();
        intake.stop();
        let _ = told.send(());
    };
    let app = app.into_make_service_with_connect_info::<Connection>();
    let listener = PatientListener::new(listener, tls, connections_max, quiet_max);
    let serving = axum::serve(listener, app).with_graceful_shutdown(signal);
    let grace_is_over = async {
        if signal_came.await.is_err() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        served = serving.into_future() => served,
        () = grace_is_over => Ok(()),
    }
}
