//! What each person set for themselves: a text by name.

use super::people::text;
use super::{Store, StoreError};

/// A thing that a person can set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// The choice of data of the last question, as JSON of a selection.
    Choice,
    /// Days that the person's conversations are kept, where that is shorter than the box says.
    ConversationDays,
}

impl Setting {
    /// Its name in the table.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Choice => "choice",
            Self::ConversationDays => "conversation_days",
        }
    }
}

impl Store {
    /// What a person set; `None` where nothing was.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn setting(
        &self,
        person: &str,
        which: Setting,
    ) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT value FROM settings WHERE person = $1 AND name = $2")
            .bind(person)
            .bind(which.name())
            .fetch_optional(&self.pool)
            .await
            .map_err(StoreError::query("read a setting"))?;
        row.map(|row| text(&row, 0)).transpose()
    }

    /// Sets it.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn set(&self, person: &str, which: Setting, value: &str) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO settings (person, name, value) VALUES ($1, $2, $3) \
             ON CONFLICT (person, name) DO UPDATE SET value = excluded.value",
        )
        .bind(person)
        .bind(which.name())
        .bind(value)
        .execute(&self.pool)
        .await
        .map(|_| ())
        .map_err(StoreError::query("write a setting"))
    }
}
