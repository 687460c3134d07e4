//! What happened to accounts, for those who answer for them: sign-ins, refusals, changes.

use super::people::text;
use super::{Store, StoreError, new_id, now};

/// What can happen. The names are those of the log and the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    SignedIn,
    SignInRefused,
    SignedOut,
    PasswordChanged,
    AccountAdded,
    AccountChanged,
    AccountDisabled,
    AccountEnabled,
    PasswordReset,
    ApiKeyAdded,
    ApiKeyRevoked,
}

impl Happened {
    /// Every value with its name in the table and its word in the interface.
    const ALL: [(Self, &'static str, &'static str); 11] = [
        (Self::SignedIn, "signed-in", "ログイン"),
        (Self::SignInRefused, "sign-in-refused", "ログイン失敗"),
        (Self::SignedOut, "signed-out", "ログアウト"),
        (Self::PasswordChanged, "password-changed", "パスワード変更"),
        (Self::AccountAdded, "account-added", "利用者の追加"),
        (Self::AccountChanged, "account-changed", "利用者の変更"),
        (Self::AccountDisabled, "account-disabled", "利用停止"),
        (Self::AccountEnabled, "account-enabled", "利用再開"),
        (Self::PasswordReset, "password-reset", "パスワードの再設定"),
        (Self::ApiKeyAdded, "api-key-added", "APIキーの追加"),
        (Self::ApiKeyRevoked, "api-key-revoked", "APIキーの失効"),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(each, ..)| *each == self).map_or("", |(_, name, _)| name)
    }
}

/// One line of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// RFC 3339 in UTC.
    pub at: String,
    /// The word of the interface.
    pub what: String,
    /// The login or system it happened to.
    pub subject: String,
    /// The login of who did it; `(command)` for a command, `(trial)` for the person of a demo.
    pub actor: String,
}

impl Store {
    /// Writes it down, in the log as well. `subject` and `actor` are logins or systems that exist:
    /// what was typed for a name that does not may be a password in the wrong field.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn note(&self, what: Happened, subject: &str, actor: &str) -> Result<(), StoreError> {
        tracing::info!(what = what.name(), subject, actor, "accounts");
        sqlx::query("INSERT INTO events (id, at, what, subject, actor) VALUES ($1, $2, $3, $4, $5)")
            .bind(new_id())
            .bind(now())
            .bind(what.name())
            .bind(subject)
            .bind(actor)
            .execute(&self.pool)
            .await
            .map(|_| ())
            .map_err(StoreError::query("write down what happened"))
    }

    /// The latest ones, the newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn events(&self, most: u32) -> Result<Vec<Event>, StoreError> {
        let rows = sqlx::query(
            "SELECT at, what, subject, actor FROM events ORDER BY at DESC, id DESC LIMIT $1",
        )
        .bind(i64::from(most))
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::query("read what happened"))?;
        let event = |row| {
            let name = text(row, 1)?;
            let known = Happened::ALL.iter().find(|(_, each, _)| *each == name);
            Ok(Event {
                at: text(row, 0)?,
                what: known.map_or(name.clone(), |(_, _, word)| (*word).to_owned()),
                subject: text(row, 2)?,
                actor: text(row, 3)?,
            })
        };
        rows.iter().map(event).collect()
    }
}
