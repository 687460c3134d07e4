//! The office's own assistants: every version is kept, and none is ever changed.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Store, StoreError};

/// One version as it was saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssistantVersion {
    pub id: String,
    /// Counted from 1 for each id.
    pub revision: i64,
    /// TOML; empty where the office's version was taken away.
    pub content: String,
    /// Why, in the words of the author.
    pub note: String,
    /// Who saved it.
    pub author: String,
    /// RFC 3339.
    pub saved_at: String,
}

impl Store {
    /// The newest version of each, by id.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn assistants(&self) -> Result<Vec<AssistantVersion>, StoreError> {
        let rows = sqlx::query(
            "SELECT a.id, a.revision, a.content, a.note, a.author, a.saved_at FROM assistants a \
             WHERE a.revision = (SELECT MAX(b.revision) FROM assistants b WHERE b.id = a.id) \
             ORDER BY a.id",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::query("read the assistants"))?;
        rows.iter().map(version).collect()
    }

    /// All versions of one, the newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn assistant_versions(&self, id: &str) -> Result<Vec<AssistantVersion>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, revision, content, note, author, saved_at FROM assistants \
             WHERE id = $1 ORDER BY revision DESC",
        )
        .bind(id)
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::query("read the versions of an assistant"))?;
        rows.iter().map(version).collect()
    }

    /// Adds a version. False when another was saved meanwhile with the same revision.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn add_assistant_version(&self, new: &AssistantVersion) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "INSERT INTO assistants (id, revision, content, note, author, saved_at) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(new.id.as_str())
        .bind(new.revision)
        .bind(new.content.as_str())
        .bind(new.note.as_str())
        .bind(new.author.as_str())
        .bind(new.saved_at.as_str())
        .execute(&self.pool)
        .await;
        match done {
            Ok(_) => Ok(true),
            Err(sqlx::Error::Database(why)) if why.is_unique_violation() => Ok(false),
            Err(why) => Err(StoreError::query("save an assistant")(why)),
        }
    }
}

fn version(row: &AnyRow) -> Result<AssistantVersion, StoreError> {
    let failed = |why| StoreError::query("read an assistant")(why);
    Ok(AssistantVersion {
        id: row.try_get("id").map_err(failed)?,
        revision: row.try_get("revision").map_err(failed)?,
        content: row.try_get("content").map_err(failed)?,
        note: row.try_get("note").map_err(failed)?,
        author: row.try_get("author").map_err(failed)?,
        saved_at: row.try_get("saved_at").map_err(failed)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_version(id: &str, revision: i64) -> AssistantVersion {
        AssistantVersion {
            id: id.to_owned(),
            revision,
            content: format!("title = \"第{revision}版\""),
            note: "文言を直した".to_owned(),
            author: "佐藤".to_owned(),
            saved_at: "2026-04-01T09:00:00+09:00".to_owned(),
        }
    }

    #[tokio::test]
    async fn versions_add_up_and_none_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).await.unwrap();
        assert_eq!(store.assistants().await.unwrap(), []);
        for revision in [1, 2] {
            assert!(store.add_assistant_version(&a_version("mail", revision)).await.unwrap());
        }
        assert!(store.add_assistant_version(&a_version("bunsho", 1)).await.unwrap());
        let other = AssistantVersion { content: "別".to_owned(), ..a_version("mail", 2) };
        assert!(!store.add_assistant_version(&other).await.unwrap(), "somebody was quicker");
        let newest = store.assistants().await.unwrap();
        assert_eq!(newest, [a_version("bunsho", 1), a_version("mail", 2)]);
        let versions = store.assistant_versions("mail").await.unwrap();
        assert_eq!(versions, [a_version("mail", 2), a_version("mail", 1)]);
        assert_eq!(store.assistant_versions("none").await.unwrap(), []);
    }
}
