//! Who is signed in: random tokens that browsers hold, of which only hashes are kept here.

use super::people::{Standing, standing};
use super::{Store, StoreError, now, secret, stamp};

/// A working day and its overtime, in hours; a closed browser ends it sooner.
const HOURS: i64 = 12;

impl Store {
    /// Begins a session and gives its token, which is nowhere else. Sessions that have run out go.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn begin_session(&self, person: &str) -> Result<String, StoreError> {
        self.begin_session_until(person, &stamp(HOURS)).await
    }

    async fn begin_session_until(&self, person: &str, end: &str) -> Result<String, StoreError> {
        let failed = || StoreError::query("begin a session");
        let (token, hash) = secret();
        sqlx::query("DELETE FROM sessions WHERE expires_at <= $1")
            .bind(now())
            .execute(&self.pool)
            .await
            .map_err(failed())?;
        sqlx::query(
            "INSERT INTO sessions (token_hash, person, created_at, expires_at) \
             VALUES ($1, $2, $3, $4)",
        )
        .bind(hash)
        .bind(person)
        .bind(now())
        .bind(end)
        .execute(&self.pool)
        .await
        .map_err(failed())?;
        sqlx::query("UPDATE people SET signed_in_at = $1 WHERE id = $2")
            .bind(now())
            .bind(person)
            .execute(&self.pool)
            .await
            .map_err(failed())?;
        Ok(token)
    }

    /// Who holds the token; `None` where the session has ended or its person is disabled.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn session(&self, token: &str) -> Result<Option<Standing>, StoreError> {
        let row = sqlx::query(
            "SELECT people.id, login, name, section, role, must_change, guide_read_at \
             FROM sessions JOIN people ON people.id = sessions.person \
             WHERE token_hash = $1 AND expires_at > $2 AND disabled = 0",
        )
        .bind(super::hash_of(token))
        .bind(now())
        .fetch_optional(&self.pool)
        .await
        .map_err(StoreError::query("read a session"))?;
        row.as_ref().map(standing).transpose()
    }

    /// Ends the session of a token.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn end_session(&self, token: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM sessions WHERE token_hash = $1")
            .bind(super::hash_of(token))
            .execute(&self.pool)
            .await
            .map(|_| ())
            .map_err(StoreError::query("end a session"))
    }

    /// Ends every session of a person.
    ///
    /// # Errors
    /// The database cannot be written.
    pub(super) async fn end_sessions_of(&self, person: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM sessions WHERE person = $1")
            .bind(person)
            .execute(&self.pool)
            .await
            .map(|_| ())
            .map_err(StoreError::query("end sessions"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::people::TRIAL;

    #[tokio::test]
    async fn a_session_lasts_until_its_time_or_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).await.unwrap();
        let token = store.begin_session(TRIAL).await.unwrap();
        assert_eq!(store.session(&token).await.unwrap().unwrap().person.id, TRIAL);
        assert_eq!(store.session(&token[1..]).await.unwrap(), None);
        let over = store.begin_session_until(TRIAL, &stamp(-1)).await.unwrap();
        assert_eq!(store.session(&over).await.unwrap(), None, "run out");
        let row = sqlx::query("SELECT token_hash FROM sessions").fetch_all(&store.pool).await;
        assert_eq!(row.unwrap().len(), 2);
        store.end_session(&token).await.unwrap();
        assert_eq!(store.session(&token).await.unwrap(), None, "signed out");
        store.begin_session(TRIAL).await.unwrap();
        let row = sqlx::query("SELECT token_hash FROM sessions").fetch_all(&store.pool).await;
        assert_eq!(row.unwrap().len(), 1, "what has run out was swept away");
    }

    #[tokio::test]
    async fn the_file_holds_no_token() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).await.unwrap();
        let token = store.begin_session(TRIAL).await.unwrap();
        store.pool.close().await;
        for entry in std::fs::read_dir(dir.path()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            let found = bytes.windows(token.len()).any(|part| part == token.as_bytes());
            assert!(!found, "a copy of the file opens a session");
        }
    }
}
