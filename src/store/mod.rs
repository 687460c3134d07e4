//! What can't be derived again: people, conversations, records of answers, in one SQLite file.
//!
//! The only module that names sqlx. The SQL is the part that SQLite and PostgreSQL share (text,
//! 64-bit integers, `$1` parameters), through sqlx's `Any` driver, so that several appliances can
//! share a database later. Each subject has its own file with its own queries; the tables are in
//! `migrations/`, numbered, and never changed once they have shipped.

mod answers;
mod api_keys;
mod assistants;
mod conversations;
mod events;
mod password;
mod people;
mod sessions;
mod settings;
mod uploads;

use std::path::{Path, PathBuf};

use sqlx::any::{AnyPoolOptions, install_default_drivers};
use sqlx::migrate::Migrator;
use sqlx::{AnyConnection, AnyPool, Connection, Executor};

pub use answers::{ListedAnswer, ReviewStep, StoredAnswer};
pub use api_keys::ApiKey;
pub use assistants::AssistantVersion;
pub use conversations::{Conversation, NewTurn, Place, TITLE_CHARS_MAX, Turn};
pub use events::{Event, Happened};
pub use password::{CHARS_MIN, Weak, one_time};
pub use people::{
    Account, AccountError, NAME_CHARS_MAX, NewAccount, SHARED, Standing, TRIAL, plain_login,
};
pub use settings::Setting;
pub use uploads::StoredUpload;

/// Name of the database in the data folder.
pub const FILE: &str = "kura.db";

/// Connections kept; SQLite writes by one at a time anyway.
const CONNECTIONS: u32 = 4;

/// Durable against a power cut (FULL), readers beside a writer (WAL), and what is deleted does not
/// stay in the file (secure_delete).
const PRAGMAS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
     PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 10000; PRAGMA secure_delete = ON;";

static MIGRATIONS: Migrator = sqlx::migrate!("src/store/migrations");

/// Why the database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the database {path} cannot be opened: {why}")]
    Open { path: PathBuf, why: String },
    /// A newer program has written it: an older one must not.
    #[error("the database {path} was made by a newer version of kura")]
    Newer { path: PathBuf },
    #[error("the database failed to {operation}: {why}")]
    Query { operation: &'static str, why: String },
    #[error("a password could not be hashed")]
    Hash,
}

impl StoreError {
    /// For `map_err`: what was asked of the database.
    fn query(operation: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |why| Self::Query { operation, why: why.to_string() }
    }
}

/// The database, shared by clones.
#[derive(Clone, Debug)]
pub struct Store {
    pool: AnyPool,
}

impl Store {
    /// Opens `kura.db` in the data folder, made where it is not there (readable by its owner
    /// only), and brings its tables up to date.
    ///
    /// # Errors
    /// It can't be opened or made, or a newer program has written it.
    pub async fn open(data_dir: &Path) -> Result<Self, StoreError> {
        install_default_drivers();
        let path = data_dir.join(FILE);
        let failed = |why: &dyn std::fmt::Display| StoreError::Open {
            path: path.clone(),
            why: why.to_string(),
        };
        private_folder(data_dir).map_err(|why| failed(&why))?;
        private_file(&path).map_err(|why| failed(&why))?;
        let url = path.to_str().ok_or_else(|| failed(&"its path is not UTF-8"))?;
        let url = format!("sqlite://{}", escaped(url));
        // By hand first: the pool would try a damaged file again and again for half a minute.
        let mut first = AnyConnection::connect(&url).await.map_err(|why| failed(&why))?;
        first.execute(PRAGMAS).await.map_err(|why| failed(&why))?;
        first.close().await.map_err(|why| failed(&why))?;
        let pool = AnyPoolOptions::new()
            .max_connections(CONNECTIONS)
            .after_connect(|connection, _| {
                Box::pin(async move { connection.execute(PRAGMAS).await.map(|_| ()) })
            })
            .connect(&url)
            .await
            .map_err(|why| failed(&why))?;
        MIGRATIONS.run(&pool).await.map_err(|why| match why {
            sqlx::migrate::MigrateError::VersionMissing(_) => {
                StoreError::Newer { path: path.clone() }
            }
            other => failed(&other),
        })?;
        Ok(Self { pool })
    }

    /// Takes out of the write-ahead log what has been deleted from the tables. Only SQLite has one.
    ///
    /// # Errors
    /// The database cannot be written.
    async fn empty_log(&self) -> Result<(), StoreError> {
        let failed = StoreError::query("empty its log");
        let emptied = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&self.pool).await;
        if people::number(&emptied.map_err(failed)?, 0)? != 0 {
            // Somebody reads an older state all the time; the daily sweep tries again.
            tracing::warn!("what was deleted is still in the write-ahead log of the database");
        }
        Ok(())
    }

    /// Closes the database, so that all of it is in its one file.
    pub async fn close(self) {
        self.pool.close().await;
    }
}

/// The time of now as it is kept: RFC 3339 in UTC, to the second.
pub(crate) fn now() -> String {
    stamp(0)
}

/// The time of now to the millisecond, where the order of a list hangs on it: two questions can
/// be asked within one second.
fn moment() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// So many hours from now.
fn stamp(hours: i64) -> String {
    let at = jiff::Timestamp::now();
    let at = at.checked_add(jiff::SignedDuration::from_hours(hours)).unwrap_or(at);
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The day of now in UTC.
fn today() -> String {
    now()[..10].to_owned()
}

/// An id that never comes again and tells nothing.
pub(crate) fn new_id() -> String {
    hex(&rand::random::<[u8; 12]>())
}

/// A secret that a browser or a program holds, and the hash of it that is kept. It is random and
/// long, so that a fast hash does.
fn secret() -> (String, String) {
    let token = hex(&rand::random::<[u8; 32]>());
    let hash = hash_of(&token);
    (token, hash)
}

fn hash_of(token: &str) -> String {
    blake3::hash(token.as_bytes()).to_hex().to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Makes the data folder where it is not there yet.
fn private_folder(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes the file before SQLite would, so that it is never readable by others.
fn private_file(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600).open(path).map(|_| ())
}

/// A path inside a URL.
fn escaped(path: &str) -> String {
    path.bytes().fold(String::new(), |mut url, byte| {
        match byte {
            b'%' | b'?' | b'#' => url.push_str(&format!("%{byte:02X}")),
            0x21..=0x7e => url.push(char::from(byte)),
            _ => url.push_str(&format!("%{byte:02X}")),
        }
        url
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::Row;

    #[tokio::test]
    async fn a_store_opens_again_and_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("50% 庁内 #1?");
        std::fs::create_dir(&folder).unwrap();
        for _ in 0..2 {
            let store = Store::open(&folder).await.unwrap();
            let row = sqlx::query("SELECT COUNT(*) FROM people").fetch_one(&store.pool).await;
            assert_eq!(row.unwrap().get::<i64, _>(0), 2, "shared and trial");
            store.pool.close().await;
        }
        let mode = std::fs::metadata(folder.join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let others: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
        assert_eq!(others.len(), 1, "no file beside the folder");
    }

    #[tokio::test]
    async fn a_newer_database_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).await.unwrap();
        sqlx::query(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             VALUES (99999, 'later', 1, x'00', 0)",
        )
        .execute(&store.pool)
        .await
        .unwrap();
        store.pool.close().await;
        assert!(matches!(Store::open(dir.path()).await, Err(StoreError::Newer { .. })));
    }

    #[tokio::test]
    async fn a_damaged_database_is_named() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE), "これはデータベースではありません".repeat(100))
            .unwrap();
        let why = Store::open(dir.path()).await.unwrap_err().to_string();
        assert!(why.contains(FILE), "{why}");
    }
}
