//! What runs out is deleted: conversations and records at the start of the server and once a day,
//! files in conversations every few minutes.

use std::time::Duration;

use crate::answer::Service;
use crate::config::StoreConfig;
use crate::store::Store;

/// Between two sweeps.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const MINUTES: Duration = Duration::from_secs(5 * 60);

/// Sweeps until the runtime ends. Counts go into the log, names and words never.
pub(super) async fn daily(store: Store, config: StoreConfig) {
    loop {
        match store.sweep_conversations(config.conversation_days).await {
            Ok(deleted) => tracing::info!(deleted, "conversations whose time was over"),
            Err(error) => tracing::error!(%error, "old conversations could not be deleted"),
        }
        match store.sweep_answers(config.record_days).await {
            Ok(0) => {}
            Ok(deleted) => tracing::info!(deleted, "records of answers whose time was over"),
            Err(error) => tracing::error!(%error, "old records could not be deleted"),
        }
        tokio::time::sleep(DAY).await;
    }
}

/// Deletes files whose time is over, and what an end of the program left of others.
pub(super) async fn uploads(store: Store, service: Service) {
    loop {
        match sweep(&store, &service).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "uploaded files whose time was over"),
            Err(error) => tracing::error!(error, "old uploads could not be deleted"),
        }
        tokio::time::sleep(MINUTES).await;
    }
}

async fn sweep(store: &Store, service: &Service) -> Result<usize, String> {
    store.sweep_uploads().await.map_err(|why| why.to_string())?;
    service.tidy_uploads(store).await.map_err(|why| why.to_string())
}
