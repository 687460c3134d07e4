//! Keys of other systems for the OpenAI API: one for each system, shown once, revocable.

use super::people::text;
use super::{Store, StoreError, new_id, now, secret, today};

/// First letters of every key, so that one that leaks is recognized.
const PREFIX: &str = "kura-";

/// A key as administrators see it: never the key itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    pub id: String,
    /// Name of the system that holds it.
    pub system: String,
    /// RFC 3339 in UTC.
    pub created_at: String,
    /// Day of its last use in UTC, `YYYY-MM-DD`; empty before the first.
    pub used_on: String,
    /// RFC 3339 in UTC; empty while it is good.
    pub revoked_at: String,
}

impl Store {
    /// Makes a key for a system: what is listed, and the key, which is nowhere else.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn add_api_key(&self, system: &str) -> Result<(ApiKey, String), StoreError> {
        let (token, _) = secret();
        let key = format!("{PREFIX}{token}");
        let added = ApiKey {
            id: new_id(),
            system: system.to_owned(),
            created_at: now(),
            used_on: String::new(),
            revoked_at: String::new(),
        };
        sqlx::query(
            "INSERT INTO api_keys (id, system, key_hash, created_at, used_on, revoked_at) \
             VALUES ($1, $2, $3, $4, '', '')",
        )
        .bind(&added.id)
        .bind(&added.system)
        .bind(super::hash_of(&key))
        .bind(&added.created_at)
        .execute(&self.pool)
        .await
        .map_err(StoreError::query("add an API key"))?;
        Ok((added, key))
    }

    /// All keys, the newest last, revoked ones included.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn api_keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, system, created_at, used_on, revoked_at FROM api_keys \
             ORDER BY created_at, id",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::query("list API keys"))?;
        let key = |row| {
            Ok(ApiKey {
                id: text(row, 0)?,
                system: text(row, 1)?,
                created_at: text(row, 2)?,
                used_on: text(row, 3)?,
                revoked_at: text(row, 4)?,
            })
        };
        rows.iter().map(key).collect()
    }

    /// The system that a key belongs to, as (id, name); `None` for one that is not good. Notes the
    /// day of use, once a day.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub async fn system_of(&self, key: &str) -> Result<Option<(String, String)>, StoreError> {
        let failed = || StoreError::query("read an API key");
        let row = sqlx::query(
            "SELECT id, system, used_on FROM api_keys WHERE key_hash = $1 AND revoked_at = ''",
        )
        .bind(super::hash_of(key))
        .fetch_optional(&self.pool)
        .await
        .map_err(failed())?;
        let Some(row) = row else { return Ok(None) };
        let (id, system) = (text(&row, 0)?, text(&row, 1)?);
        if text(&row, 2)? != today() {
            sqlx::query("UPDATE api_keys SET used_on = $1 WHERE id = $2")
                .bind(today())
                .bind(&id)
                .execute(&self.pool)
                .await
                .map_err(failed())?;
        }
        Ok(Some((id, system)))
    }

    /// Revokes a key; false where there is no such key, or it was revoked before.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn revoke_api_key(&self, id: &str) -> Result<bool, StoreError> {
        let revoked =
            sqlx::query("UPDATE api_keys SET revoked_at = $1 WHERE id = $2 AND revoked_at = ''")
                .bind(now())
                .bind(id)
                .execute(&self.pool)
                .await
                .map_err(StoreError::query("revoke an API key"))?;
        Ok(revoked.rows_affected() > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_key_is_good_until_it_is_revoked() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).await.unwrap();
        let (added, key) = store.add_api_key("文書管理").await.unwrap();
        let (_, other) = store.add_api_key("窓口支援").await.unwrap();
        assert_ne!(key, other);
        assert_eq!(store.api_keys().await.unwrap()[0].used_on, "");
        let system = store.system_of(&key).await.unwrap();
        assert_eq!(system, Some((added.id.clone(), "文書管理".to_owned())));
        assert_eq!(store.system_of(&key[1..]).await.unwrap(), None);
        let listed = store.api_keys().await.unwrap();
        let listed = listed.iter().find(|key| key.id == added.id).unwrap();
        assert_eq!(listed.used_on.len(), 10);
        assert!(store.revoke_api_key(&added.id).await.unwrap());
        assert!(!store.revoke_api_key(&added.id).await.unwrap(), "only once");
        assert_eq!(store.system_of(&key).await.unwrap(), None);
        assert!(store.system_of(&other).await.unwrap().is_some());
    }
}
