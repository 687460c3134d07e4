//! Records of answers and the trail of their review: lines are added, and never changed.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::people::text;
use super::{Store, StoreError, stamp};

/// A record as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    pub code: String,
    /// Id of who asked.
    pub person: String,
    pub section: String,
    /// RFC 3339 in UTC.
    pub created_at: String,
    pub kind: String,
    pub question: String,
    /// The canonical form of the record.
    pub body: String,
    /// BLAKE3 of `body`, lowercase hexadecimal.
    pub hash: String,
    /// What only this box can make of code and hash.
    pub mac: String,
}

/// What lists show of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedAnswer {
    pub code: String,
    pub person: String,
    pub section: String,
    /// RFC 3339 in UTC.
    pub created_at: String,
    pub kind: String,
    pub question: String,
    /// Name of who asked.
    pub author: String,
    /// The last step of the review: its name, and when it was, RFC 3339 in UTC.
    pub action: String,
    pub acted_at: String,
    /// Id of who took it.
    pub acted_by: String,
}

/// One line of the trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewStep {
    pub code: String,
    /// Counted from 1 for each record.
    pub step: i64,
    /// RFC 3339 in UTC.
    pub at: String,
    /// Id of who did it.
    pub person: String,
    pub name: String,
    pub section: String,
    pub action: String,
    pub comment: String,
    /// The text as it was put right in this step; empty where it was left as it was.
    pub text: String,
    /// What the box noted with it (JSON); empty for steps of before there were such notes.
    pub noted: String,
    /// What only this box can make of this line and the one before it.
    pub mac: String,
}

const LISTED: &str = "SELECT a.code, a.person, a.section, a.created_at, a.kind, a.question, \
     f.name, s.action, s.at, s.person FROM answers a \
     JOIN review_steps f ON f.code = a.code AND f.step = 1 \
     JOIN review_steps s ON s.code = a.code AND s.step = \
     (SELECT MAX(l.step) FROM review_steps l WHERE l.code = a.code)";

impl Store {
    /// Keeps a record with the first line of its trail. False where the code is taken.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn add_answer(
        &self,
        answer: &StoredAnswer,
        first: &ReviewStep,
    ) -> Result<bool, StoreError> {
        let failed = || StoreError::query("keep an answer");
        let mut transaction = self.pool.begin().await.map_err(failed())?;
        let kept = sqlx::query(
            "INSERT INTO answers (code, person, section, created_at, kind, question, body, hash, \
             mac) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(answer.code.as_str())
        .bind(answer.person.as_str())
        .bind(answer.section.as_str())
        .bind(answer.created_at.as_str())
        .bind(answer.kind.as_str())
        .bind(answer.question.as_str())
        .bind(answer.body.as_str())
        .bind(answer.hash.as_str())
        .bind(answer.mac.as_str())
        .execute(&mut *transaction)
        .await;
        if let Err(why) = kept {
            return match why {
                sqlx::Error::Database(why) if why.is_unique_violation() => Ok(false),
                why => Err(failed()(why)),
            };
        }
        insert(first).execute(&mut *transaction).await.map_err(failed())?;
        transaction.commit().await.map_err(failed())?;
        Ok(true)
    }

    /// A record by its code.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn answer(&self, code: &str) -> Result<Option<StoredAnswer>, StoreError> {
        let row = sqlx::query(
            "SELECT code, person, section, created_at, kind, question, body, hash, mac \
             FROM answers WHERE code = $1",
        )
        .bind(code)
        .fetch_optional(&self.pool)
        .await
        .map_err(StoreError::query("read an answer"))?;
        row.as_ref().map(stored).transpose()
    }

    /// The latest records of a person, the newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn answers_of(
        &self,
        person: &str,
        most: u32,
    ) -> Result<Vec<ListedAnswer>, StoreError> {
        let query = format!("{LISTED} WHERE a.person = $1 ORDER BY a.created_at DESC, a.code");
        let query = format!("{query} LIMIT $2");
        let rows = sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(person)
            .bind(i64::from(most))
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::query("list answers"))?;
        rows.iter().map(listed).collect()
    }

    /// The records whose review goes on, the oldest first: asked for, confirmed or sent back.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn answers_in_review(&self) -> Result<Vec<ListedAnswer>, StoreError> {
        let query = format!(
            "{LISTED} WHERE a.code IN (SELECT q.code FROM review_steps q WHERE q.action = 'requested') \
             AND s.action IN ('requested', 'confirmed', 'returned') ORDER BY s.at, a.code"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(query))
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::query("list reviews"))?;
        rows.iter().map(listed).collect()
    }

    /// Deletes the records made before a time (RFC 3339 in UTC) with their trails, and says how
    /// many. What was saved of them can still be verified: it carries its own seal.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn forget_answers(&self, before: &str) -> Result<u64, StoreError> {
        let failed = || StoreError::query("delete answers");
        let mut transaction = self.pool.begin().await.map_err(failed())?;
        sqlx::query(
            "DELETE FROM review_steps WHERE code IN \
             (SELECT code FROM answers WHERE created_at < $1)",
        )
        .bind(before)
        .execute(&mut *transaction)
        .await
        .map_err(failed())?;
        let done = sqlx::query("DELETE FROM answers WHERE created_at < $1")
            .bind(before)
            .execute(&mut *transaction)
            .await
            .map_err(failed())?;
        transaction.commit().await.map_err(failed())?;
        Ok(done.rows_affected())
    }

    /// Deletes the records that are older than so many days (0 keeps them), and says how many.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn sweep_answers(&self, days: u32) -> Result<u64, StoreError> {
        if days == 0 {
            return Ok(0);
        }
        let deleted = self.forget_answers(&stamp(-24 * i64::from(days))).await?;
        if deleted > 0 {
            self.empty_log().await?;
        }
        Ok(deleted)
    }

    /// The trail of a record, in its order.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn review_steps(&self, code: &str) -> Result<Vec<ReviewStep>, StoreError> {
        let rows = sqlx::query(
            "SELECT code, step, at, person, name, section, action, comment, text, mac, noted \
             FROM review_steps WHERE code = $1 ORDER BY step",
        )
        .bind(code)
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::query("read a review"))?;
        rows.iter().map(step).collect()
    }

    /// Adds a line to a trail. False where somebody else added one with its number first.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn add_review_step(&self, step: &ReviewStep) -> Result<bool, StoreError> {
        match insert(step).execute(&self.pool).await {
            Ok(_) => Ok(true),
            Err(sqlx::Error::Database(why)) if why.is_unique_violation() => Ok(false),
            Err(why) => Err(StoreError::query("add to a review")(why)),
        }
    }

    /// What the sections ask for: section and rule; the empty section is the whole office.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn review_rules(&self) -> Result<Vec<(String, String)>, StoreError> {
        let rows = sqlx::query("SELECT section, rule FROM review_rules ORDER BY section")
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::query("read the rules of review"))?;
        rows.iter().map(|row| Ok((text(row, 0)?, text(row, 1)?))).collect()
    }

    /// Sets what a section asks for; an empty rule takes the section's own away.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn set_review_rule(&self, section: &str, rule: &str) -> Result<(), StoreError> {
        let failed = || StoreError::query("set a rule of review");
        let mut transaction = self.pool.begin().await.map_err(failed())?;
        sqlx::query("DELETE FROM review_rules WHERE section = $1")
            .bind(section)
            .execute(&mut *transaction)
            .await
            .map_err(failed())?;
        if !rule.is_empty() {
            sqlx::query("INSERT INTO review_rules (section, rule) VALUES ($1, $2)")
                .bind(section)
                .bind(rule)
                .execute(&mut *transaction)
                .await
                .map_err(failed())?;
        }
        transaction.commit().await.map_err(failed())
    }
}

fn insert(step: &ReviewStep) -> sqlx::query::Query<'_, sqlx::Any, sqlx::any::AnyArguments> {
    sqlx::query(
        "INSERT INTO review_steps (code, step, at, person, name, section, action, comment, text, \
         mac, noted) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(step.code.as_str())
    .bind(step.step)
    .bind(step.at.as_str())
    .bind(step.person.as_str())
    .bind(step.name.as_str())
    .bind(step.section.as_str())
    .bind(step.action.as_str())
    .bind(step.comment.as_str())
    .bind(step.text.as_str())
    .bind(step.mac.as_str())
    .bind(step.noted.as_str())
}

fn stored(row: &AnyRow) -> Result<StoredAnswer, StoreError> {
    Ok(StoredAnswer {
        code: text(row, 0)?,
        person: text(row, 1)?,
        section: text(row, 2)?,
        created_at: text(row, 3)?,
        kind: text(row, 4)?,
        question: text(row, 5)?,
        body: text(row, 6)?,
        hash: text(row, 7)?,
        mac: text(row, 8)?,
    })
}

fn listed(row: &AnyRow) -> Result<ListedAnswer, StoreError> {
    Ok(ListedAnswer {
        code: text(row, 0)?,
        person: text(row, 1)?,
        section: text(row, 2)?,
        created_at: text(row, 3)?,
        kind: text(row, 4)?,
        question: text(row, 5)?,
        author: text(row, 6)?,
        action: text(row, 7)?,
        acted_at: text(row, 8)?,
        acted_by: text(row, 9)?,
    })
}

fn step(row: &AnyRow) -> Result<ReviewStep, StoreError> {
    Ok(ReviewStep {
        code: text(row, 0)?,
        step: row.try_get(1).map_err(StoreError::query("read a review"))?,
        at: text(row, 2)?,
        person: text(row, 3)?,
        name: text(row, 4)?,
        section: text(row, 5)?,
        action: text(row, 6)?,
        comment: text(row, 7)?,
        text: text(row, 8)?,
        mac: text(row, 9)?,
        noted: text(row, 10)?,
    })
}

#[cfg(test)]
mod tests;
