//! Conversations: what a person asked and was answered, found again, and deleted for good.
//!
//! Every query names the person, so that an id alone opens nothing. Deleting overwrites
//! (`secure_delete`), and takes what was deleted out of the write-ahead log as well.

mod retention;

use sqlx::any::AnyRow;

use super::people::{number, text};
use super::{Store, StoreError, moment, new_id};
use crate::text::normalize;

/// Longest title, in characters; a longer one is cut.
pub const TITLE_CHARS_MAX: usize = 60;

/// Words of a search that count; more would not make it narrower in practice.
const WORDS: usize = 4;

/// One conversation as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    pub id: String,
    pub title: String,
    /// RFC 3339 in UTC.
    pub created_at: String,
    /// When it was last asked in, RFC 3339 in UTC.
    pub used_at: String,
    /// Questions in it.
    pub turns: i64,
}

/// One question with its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Counted from 1; numbers of one conversation ascend.
    pub number: i64,
    /// RFC 3339 in UTC.
    pub asked_at: String,
    pub question: String,
    pub answer: String,
    /// JSON of what came with the answer.
    pub record: String,
}

/// A turn to be kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewTurn {
    /// As it was sent: what was masked stays so.
    pub question: String,
    pub answer: String,
    /// JSON of what came with the answer.
    pub record: String,
}

/// Where a turn goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Whose conversation it is.
    pub person: String,
    /// Id of the conversation.
    pub conversation: String,
    /// Whether the conversation begins with it.
    pub begins: bool,
}

impl Place {
    /// A conversation that begins with its first turn.
    pub fn new(person: &str) -> Self {
        Self { person: person.to_owned(), conversation: new_id(), begins: true }
    }

    /// A conversation that is there.
    pub fn of(person: &str, conversation: &str) -> Self {
        let (person, conversation) = (person.to_owned(), conversation.to_owned());
        Self { person, conversation, begins: false }
    }
}

impl Store {
    /// A person's conversations, the last used first; `words`, parted by blanks, must all be in
    /// the title, a question or an answer of one turn. Blank words find all.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn conversations(
        &self,
        person: &str,
        words: &str,
        most: u32,
    ) -> Result<Vec<Conversation>, StoreError> {
        let patterns = patterns(words);
        let rows = sqlx::query(
            "SELECT c.id, c.title, c.created_at, c.used_at, \
             (SELECT COUNT(*) FROM turns n WHERE n.conversation = c.id) \
             FROM conversations c WHERE c.person = $1 AND (EXISTS (SELECT 1 FROM turns t \
             WHERE t.conversation = c.id AND (c.words || ' ' || t.words) LIKE $2 ESCAPE '!' \
             AND (c.words || ' ' || t.words) LIKE $3 ESCAPE '!' \
             AND (c.words || ' ' || t.words) LIKE $4 ESCAPE '!' \
             AND (c.words || ' ' || t.words) LIKE $5 ESCAPE '!') \
             OR (c.words LIKE $2 ESCAPE '!' AND c.words LIKE $3 ESCAPE '!' \
             AND c.words LIKE $4 ESCAPE '!' AND c.words LIKE $5 ESCAPE '!')) \
             ORDER BY c.used_at DESC, c.created_at DESC, c.id LIMIT $6",
        )
        .bind(person)
        .bind(&patterns[0])
        .bind(&patterns[1])
        .bind(&patterns[2])
        .bind(&patterns[3])
        .bind(i64::from(most))
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::query("list conversations"))?;
        rows.iter().map(conversation).collect()
    }

    /// One conversation of a person; `None` where it is not theirs.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn conversation(
        &self,
        person: &str,
        id: &str,
    ) -> Result<Option<Conversation>, StoreError> {
        let row = sqlx::query(
            "SELECT c.id, c.title, c.created_at, c.used_at, \
             (SELECT COUNT(*) FROM turns n WHERE n.conversation = c.id) \
             FROM conversations c WHERE c.person = $1 AND c.id = $2",
        )
        .bind(person)
        .bind(id)
        .fetch_optional(&self.pool)
        .await
        .map_err(StoreError::query("read a conversation"))?;
        row.as_ref().map(conversation).transpose()
    }

    /// The turns of a person's conversation, the first one first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn turns(&self, person: &str, id: &str) -> Result<Vec<Turn>, StoreError> {
        let rows = sqlx::query(
            "SELECT t.number, t.asked_at, t.question, t.answer, t.record FROM turns t \
             JOIN conversations c ON c.id = t.conversation \
             WHERE c.person = $1 AND c.id = $2 ORDER BY t.number",
        )
        .bind(person)
        .bind(id)
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::query("read the turns of a conversation"))?;
        let turn = |row| {
            Ok(Turn {
                number: number(row, 0)?,
                asked_at: text(row, 1)?,
                question: text(row, 2)?,
                answer: text(row, 3)?,
                record: text(row, 4)?,
            })
        };
        rows.iter().map(turn).collect()
    }

    /// Keeps a turn. False where its conversation was deleted meanwhile: it stays deleted.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn add_turn(&self, place: &Place, turn: &NewTurn) -> Result<bool, StoreError> {
        let failed = || StoreError::query("save a turn");
        let at = moment();
        let mut transaction = self.pool.begin().await.map_err(failed())?;
        if place.begins {
            let title = short(&turn.question);
            sqlx::query(
                "INSERT INTO conversations (id, person, title, words, created_at, used_at) \
                 VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(&place.conversation)
            .bind(&place.person)
            .bind(&title)
            .bind(searchable(&title))
            .bind(&at)
            .bind(&at)
            .execute(&mut *transaction)
            .await
            .map_err(failed())?;
        }
        let added = sqlx::query(
            "INSERT INTO turns (conversation, number, asked_at, question, answer, record, words) \
             SELECT c.id, (SELECT COALESCE(MAX(t.number), 0) + 1 FROM turns t \
             WHERE t.conversation = c.id), $1, $2, $3, $4, $5 \
             FROM conversations c WHERE c.id = $6 AND c.person = $7",
        )
        .bind(&at)
        .bind(&turn.question)
        .bind(&turn.answer)
        .bind(&turn.record)
        .bind(searchable(&format!("{} {}", turn.question, turn.answer)))
        .bind(&place.conversation)
        .bind(&place.person)
        .execute(&mut *transaction)
        .await
        .map_err(failed())?;
        sqlx::query("UPDATE conversations SET used_at = $1 WHERE id = $2 AND person = $3")
            .bind(&at)
            .bind(&place.conversation)
            .bind(&place.person)
            .execute(&mut *transaction)
            .await
            .map_err(failed())?;
        transaction.commit().await.map_err(failed())?;
        Ok(added.rows_affected() > 0)
    }

    /// Begins a conversation that has no question yet, and gives its id.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn add_conversation(&self, person: &str, title: &str) -> Result<String, StoreError> {
        let (id, at, title) = (new_id(), moment(), short(title));
        sqlx::query(
            "INSERT INTO conversations (id, person, title, words, created_at, used_at) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&id)
        .bind(person)
        .bind(&title)
        .bind(searchable(&title))
        .bind(&at)
        .bind(&at)
        .execute(&self.pool)
        .await
        .map_err(StoreError::query("begin a conversation"))?;
        Ok(id)
    }

    /// Gives a conversation another title. False where it is not the person's.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn rename_conversation(
        &self,
        person: &str,
        id: &str,
        title: &str,
    ) -> Result<bool, StoreError> {
        let title = short(title);
        let renamed = sqlx::query(
            "UPDATE conversations SET title = $1, words = $2 WHERE id = $3 AND person = $4",
        )
        .bind(&title)
        .bind(searchable(&title))
        .bind(id)
        .bind(person)
        .execute(&self.pool)
        .await
        .map_err(StoreError::query("rename a conversation"))?;
        Ok(renamed.rows_affected() > 0)
    }

    /// Deletes a conversation with all of its turns. False where it is not the person's.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn delete_conversation(&self, person: &str, id: &str) -> Result<bool, StoreError> {
        let deleted = sqlx::query("DELETE FROM conversations WHERE id = $1 AND person = $2")
            .bind(id)
            .bind(person)
            .execute(&self.pool)
            .await
            .map_err(StoreError::query("delete a conversation"))?;
        self.empty_log().await?;
        Ok(deleted.rows_affected() > 0)
    }

    /// Deletes all conversations of a person, and says how many there were.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn delete_conversations(&self, person: &str) -> Result<u64, StoreError> {
        let deleted = sqlx::query("DELETE FROM conversations WHERE person = $1")
            .bind(person)
            .execute(&self.pool)
            .await
            .map_err(StoreError::query("delete conversations"))?;
        self.empty_log().await?;
        Ok(deleted.rows_affected())
    }
}

fn conversation(row: &AnyRow) -> Result<Conversation, StoreError> {
    Ok(Conversation {
        id: text(row, 0)?,
        title: text(row, 1)?,
        created_at: text(row, 2)?,
        used_at: text(row, 3)?,
        turns: number(row, 4)?,
    })
}

/// A title of bearable length on one line; never empty.
fn short(given: &str) -> String {
    let line = given.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut chars = line.chars();
    let title: String = chars.by_ref().take(TITLE_CHARS_MAX).collect();
    match (title.is_empty(), chars.next().is_some()) {
        (true, _) => "無題の会話".to_owned(),
        (false, true) => format!("{title}…"),
        (false, false) => title,
    }
}

/// What a search compares: full-width and half-width, large and small are one.
fn searchable(text: &str) -> String {
    normalize(text).to_lowercase()
}

/// A pattern of LIKE for each word; `%`, which fits everything, where there are fewer.
fn patterns(words: &str) -> [String; WORDS] {
    let words = searchable(words);
    let mut words = words.split_whitespace().map(|word| {
        let literal = word.replace('!', "!!").replace('%', "!%").replace('_', "!_");
        format!("%{literal}%")
    });
    std::array::from_fn(|_| words.next().unwrap_or_else(|| "%".to_owned()))
}

#[cfg(test)]
mod tests;
