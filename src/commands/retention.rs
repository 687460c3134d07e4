//! What runs out is deleted: at the start of the server, and once a day.

use std::time::Duration;

use crate::config::StoreConfig;
use crate::store::Store;

/// Between two sweeps.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Sweeps until the runtime ends. Counts go into the log, names and words never.
pub(super) async fn daily(store: Store, config: StoreConfig) {
    loop {
        match store.sweep_conversations(config.conversation_days).await {
            Ok(deleted) => tracing::info!(deleted, "conversations whose time was over"),
            Err(error) => tracing::error!(%error, "old conversations could not be deleted"),
        }
        tokio::time::sleep(DAY).await;
    }
}
