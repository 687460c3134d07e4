//! Uploads: files that a person gave to a conversation, for a time.
//!
//! Here is what a list of them shows; their passages lie in the data folder. One whose time is over
//! is never found again, whether it has been swept yet or not.

use sqlx::any::AnyRow;

use super::people::{number, text};
use super::{Store, StoreError, moment, now, stamp};

/// A file in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredUpload {
    pub id: String,
    /// Id of its conversation.
    pub conversation: String,
    /// JSON of what was read of it.
    pub content: String,
    /// RFC 3339 in UTC.
    pub created_at: String,
    /// RFC 3339 in UTC; from then on it is gone.
    pub expires_at: String,
}

impl Store {
    /// Keeps an upload for so many hours. False where the conversation is not the person's, or was
    /// deleted meanwhile.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn add_upload(
        &self,
        person: &str,
        conversation: &str,
        id: &str,
        content: &str,
        hours: u32,
    ) -> Result<bool, StoreError> {
        let added = sqlx::query(
            "INSERT INTO uploads (id, conversation, content, created_at, expires_at) \
             SELECT $1, c.id, $2, $3, $4 FROM conversations c WHERE c.id = $5 AND c.person = $6",
        )
        .bind(id)
        .bind(content)
        .bind(moment())
        .bind(stamp(i64::from(hours)))
        .bind(conversation)
        .bind(person)
        .execute(&self.pool)
        .await
        .map_err(StoreError::query("save an upload"))?;
        Ok(added.rows_affected() > 0)
    }

    /// What a conversation of a person has, the first one first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn uploads(
        &self,
        person: &str,
        conversation: &str,
    ) -> Result<Vec<StoredUpload>, StoreError> {
        let rows = sqlx::query(
            "SELECT u.id, u.conversation, u.content, u.created_at, u.expires_at FROM uploads u \
             JOIN conversations c ON c.id = u.conversation \
             WHERE c.person = $1 AND c.id = $2 AND u.expires_at > $3 ORDER BY u.created_at, u.id",
        )
        .bind(person)
        .bind(conversation)
        .bind(now())
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::query("list uploads"))?;
        rows.iter().map(upload).collect()
    }

    /// One upload of a person; `None` where it is not theirs, or its time is over.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn upload(&self, person: &str, id: &str) -> Result<Option<StoredUpload>, StoreError> {
        let row = sqlx::query(
            "SELECT u.id, u.conversation, u.content, u.created_at, u.expires_at FROM uploads u \
             JOIN conversations c ON c.id = u.conversation \
             WHERE c.person = $1 AND u.id = $2 AND u.expires_at > $3",
        )
        .bind(person)
        .bind(id)
        .bind(now())
        .fetch_optional(&self.pool)
        .await
        .map_err(StoreError::query("read an upload"))?;
        row.as_ref().map(upload).transpose()
    }

    /// How many a person has in all conversations.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn count_uploads(&self, person: &str) -> Result<u64, StoreError> {
        let failed = || StoreError::query("count uploads");
        let row = sqlx::query(
            "SELECT COUNT(*) FROM uploads u JOIN conversations c ON c.id = u.conversation \
             WHERE c.person = $1 AND u.expires_at > $2",
        )
        .bind(person)
        .bind(now())
        .fetch_one(&self.pool)
        .await
        .map_err(failed())?;
        Ok(number(&row, 0)?.unsigned_abs())
    }

    /// Deletes one. False where it is not the person's.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn delete_upload(&self, person: &str, id: &str) -> Result<bool, StoreError> {
        let deleted = sqlx::query(
            "DELETE FROM uploads WHERE id = $1 AND conversation IN \
             (SELECT c.id FROM conversations c WHERE c.person = $2)",
        )
        .bind(id)
        .bind(person)
        .execute(&self.pool)
        .await
        .map_err(StoreError::query("delete an upload"))?;
        self.empty_log().await?;
        Ok(deleted.rows_affected() > 0)
    }

    /// Deletes those whose time is over, and says how many there were.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn sweep_uploads(&self) -> Result<u64, StoreError> {
        let deleted = sqlx::query("DELETE FROM uploads WHERE expires_at <= $1")
            .bind(now())
            .execute(&self.pool)
            .await
            .map_err(StoreError::query("delete old uploads"))?;
        if deleted.rows_affected() > 0 {
            self.empty_log().await?;
        }
        Ok(deleted.rows_affected())
    }

    /// The ids of all that are there: what else lies in the data folder is to go.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn upload_ids(&self) -> Result<Vec<String>, StoreError> {
        let rows = sqlx::query("SELECT id FROM uploads")
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::query("list all uploads"))?;
        rows.iter().map(|row| text(row, 0)).collect()
    }
}

fn upload(row: &AnyRow) -> Result<StoredUpload, StoreError> {
    Ok(StoredUpload {
        id: text(row, 0)?,
        conversation: text(row, 1)?,
        content: text(row, 2)?,
        created_at: text(row, 3)?,
        expires_at: text(row, 4)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::TRIAL;

    async fn conversation() -> (tempfile::TempDir, Store, String) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).await.unwrap();
        let id = store.add_conversation(TRIAL, "会議資料.docx").await.unwrap();
        (dir, store, id)
    }

    #[tokio::test]
    async fn only_its_person_finds_an_upload() {
        let (_dir, store, talk) = conversation().await;
        assert!(store.add_upload(TRIAL, &talk, "u1", "{}", 24).await.unwrap());
        assert!(!store.add_upload("shared", &talk, "u2", "{}", 24).await.unwrap());
        assert!(!store.add_upload(TRIAL, "none", "u3", "{}", 24).await.unwrap());
        assert_eq!(store.uploads(TRIAL, &talk).await.unwrap().len(), 1);
        assert!(store.uploads("shared", &talk).await.unwrap().is_empty());
        assert!(store.upload("shared", "u1").await.unwrap().is_none());
        assert!(!store.delete_upload("shared", "u1").await.unwrap());
        assert_eq!(store.count_uploads(TRIAL).await.unwrap(), 1);
        assert!(store.delete_upload(TRIAL, "u1").await.unwrap());
        assert!(store.upload_ids().await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn what_is_over_is_not_found_and_is_swept() {
        let (_dir, store, talk) = conversation().await;
        assert!(store.add_upload(TRIAL, &talk, "old", "{}", 0).await.unwrap());
        assert!(store.add_upload(TRIAL, &talk, "new", "{}", 1).await.unwrap());
        let found = store.uploads(TRIAL, &talk).await.unwrap();
        assert_eq!(found.iter().map(|each| each.id.as_str()).collect::<Vec<_>>(), ["new"]);
        assert!(store.upload(TRIAL, "old").await.unwrap().is_none());
        assert_eq!(store.sweep_uploads().await.unwrap(), 1);
        assert_eq!(store.upload_ids().await.unwrap(), ["new"]);
    }

    #[tokio::test]
    async fn uploads_go_with_their_conversation() {
        let (_dir, store, talk) = conversation().await;
        assert!(store.add_upload(TRIAL, &talk, "u1", "{}", 24).await.unwrap());
        let listed = store.conversations(TRIAL, "会議", 10).await.unwrap();
        assert_eq!(listed.len(), 1, "found by its title, without a question");
        assert!(store.conversations(TRIAL, "議会", 10).await.unwrap().is_empty());
        assert!(store.delete_conversation(TRIAL, &talk).await.unwrap());
        assert!(store.upload_ids().await.unwrap().is_empty());
    }
}
