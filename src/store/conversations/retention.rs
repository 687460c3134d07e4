//! How long conversations are kept: as the settings say, or shorter where a person wants it so.

use crate::store::people::text;
use crate::store::settings::Setting;
use crate::store::{Store, StoreError, stamp};

impl Store {
    /// Deletes the conversations that nobody asked in for so many days (0 keeps them), and those
    /// of people who keep theirs shorter. Says how many went.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub async fn sweep_conversations(&self, days: u32) -> Result<u64, StoreError> {
        let failed = || StoreError::query("delete old conversations");
        let mut deleted = 0;
        if days > 0 {
            let all = sqlx::query("DELETE FROM conversations WHERE used_at <= $1")
                .bind(before(days))
                .execute(&self.pool)
                .await
                .map_err(failed())?;
            deleted += all.rows_affected();
        }
        let own = sqlx::query("SELECT person, value FROM settings WHERE name = $1")
            .bind(Setting::ConversationDays.name())
            .fetch_all(&self.pool)
            .await
            .map_err(failed())?;
        for row in &own {
            let Some(days) = text(row, 1)?.parse::<u32>().ok().filter(|days| *days > 0) else {
                continue;
            };
            let theirs =
                sqlx::query("DELETE FROM conversations WHERE person = $1 AND used_at <= $2")
                    .bind(text(row, 0)?)
                    .bind(before(days))
                    .execute(&self.pool)
                    .await
                    .map_err(failed())?;
            deleted += theirs.rows_affected();
        }
        self.empty_log().await?;
        Ok(deleted)
    }
}

/// The time so many days ago.
fn before(days: u32) -> String {
    stamp(-24 * i64::from(days))
}
