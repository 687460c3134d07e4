//! `root/N.json`: the keys that count, and for what.
//!
//! ```json
//! { "format": "kura-root-1", "version": 1, "issued_at": "2026-11-24T09:00:00+09:00",
//!   "expires": "2031-11-24",
//!   "keys": [{ "id": "0123456789abcdef", "public_key": "RWQ…", "owner": "総務課 情報係" }],
//!   "root": { "threshold": 2, "keys": ["0123456789abcdef", "…"] },
//!   "app": { … }, "model": { … }, "dataset": { … }, "assistants": { … } }
//! ```

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::super::bundle::{Kind, is_text, is_time};
use super::super::{Reason, Refusal};
use super::key::{PublicKey, Signed};

/// The value of `format`.
const FORMAT: &str = "kura-root-1";
/// A root document is at most so long, in bytes.
pub(crate) const ROOT_BYTES_MAX: u64 = 64 * 1024;
/// Days before its last day from which an office is told.
const EXPIRY_NOTICE_DAYS: i64 = 90;
/// Keys of a root document at most.
const KEYS_MAX: usize = 32;

/// A root document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Root {
    format: String,
    /// Counted from 1 without gaps.
    pub version: u32,
    /// RFC 3339.
    pub issued_at: String,
    /// The last day on which an import under this root is taken. What is installed stays in use.
    pub expires: Date,
    pub keys: Vec<TrustedKey>,
    /// Signs root documents.
    pub root: Role,
    /// Sign bundles of their kind.
    pub app: Role,
    pub model: Role,
    pub dataset: Role,
    pub assistants: Role,
}

/// A key and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedKey {
    /// [`PublicKey::id`]
    pub id: String,
    pub public_key: PublicKey,
    /// For people; nothing is decided by it.
    pub owner: String,
}

/// So many of these keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    pub threshold: u32,
    /// Key ids.
    pub keys: Vec<String>,
}

impl Root {
    /// A document of this format.
    pub fn new(version: u32, expires: Date, keys: Vec<TrustedKey>, role: &Role) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version,
            issued_at: crate::document::timestamp(),
            expires,
            keys,
            root: role.clone(),
            app: role.clone(),
            model: role.clone(),
            dataset: role.clone(),
            assistants: role.clone(),
        }
    }

    /// Reads and checks a document; who signed it is another question.
    ///
    /// # Errors
    /// Not of this format, an id that is not its key's, one key under two names, a threshold of 0
    /// or above the number of keys, an owner that cannot be shown.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let malformed = |why: String| Refusal::new(Reason::MalformedRoot, why);
        if bytes.len() as u64 > ROOT_BYTES_MAX {
            return Err(malformed(format!("longer than {ROOT_BYTES_MAX} bytes")));
        }
        let root: Self = serde_json::from_slice(bytes).map_err(|why| malformed(why.to_string()))?;
        if root.format != FORMAT {
            return Err(malformed(format!("format {:?}, not {FORMAT}", root.format)));
        }
        if root.version == 0 {
            return Err(malformed("version 0".to_owned()));
        }
        if !is_time(&root.issued_at) {
            return Err(malformed(format!("issued_at {:?}", root.issued_at)));
        }
        root.check_keys()?;
        for (name, role) in root.roles() {
            root.check_role(name, role)?;
        }
        Ok(root)
    }

    fn roles(&self) -> [(&'static str, &Role); 5] {
        [
            ("root", &self.root),
            ("app", &self.app),
            ("model", &self.model),
            ("dataset", &self.dataset),
            ("assistants", &self.assistants),
        ]
    }

    fn check_keys(&self) -> Result<(), Refusal> {
        let malformed = |why: String| Refusal::new(Reason::MalformedRoot, why);
        if self.keys.is_empty() || self.keys.len() > KEYS_MAX {
            return Err(malformed(format!("{} keys", self.keys.len())));
        }
        let mut seen = BTreeSet::new();
        for key in &self.keys {
            if key.public_key.id()? != key.id {
                return Err(malformed(format!("key {:?} is not named by its content", key.id)));
            }
            if !is_text(&key.owner) {
                return Err(malformed(format!("owner of key {}", key.id)));
            }
            if !seen.insert(key.public_key.bytes()?) {
                return Err(malformed(format!("key {} stands twice", key.id)));
            }
        }
        Ok(())
    }

    fn check_role(&self, name: &str, role: &Role) -> Result<(), Refusal> {
        let malformed = |why: String| Refusal::new(Reason::MalformedRoot, why);
        let distinct: BTreeSet<&String> = role.keys.iter().collect();
        if distinct.len() != role.keys.len() {
            return Err(malformed(format!("a key stands twice in role {name}")));
        }
        if let Some(unknown) = role.keys.iter().find(|id| self.key(id).is_none()) {
            return Err(malformed(format!("role {name} names the unknown key {unknown:?}")));
        }
        let threshold = usize::try_from(role.threshold).unwrap_or(usize::MAX);
        if threshold == 0 || threshold > role.keys.len() {
            let keys = role.keys.len();
            return Err(malformed(format!("role {name}: threshold {threshold} of {keys} keys")));
        }
        Ok(())
    }

    fn key(&self, id: &str) -> Option<&PublicKey> {
        self.keys.iter().find(|key| key.id == id).map(|key| &key.public_key)
    }

    /// Days until its last day; negative once that is past.
    pub fn days_left(&self, today: Date) -> i64 {
        today.until(self.expires).map_or(0, |span| i64::from(span.get_days()))
    }

    /// Whether it runs out so soon that the next one should be asked for.
    pub fn expires_soon(&self, today: Date) -> bool {
        (0..=EXPIRY_NOTICE_DAYS).contains(&self.days_left(today))
    }

    /// The role that signs bundles of a kind.
    pub fn role(&self, kind: Kind) -> &Role {
        match kind {
            Kind::App => &self.app,
            Kind::Model => &self.model,
            Kind::Dataset => &self.dataset,
            Kind::Assistants => &self.assistants,
        }
    }

    /// The ids of those of the role's keys that signed, where they are enough.
    ///
    /// # Errors
    /// Fewer distinct keys of the role signed than its threshold. Signatures of other keys, and
    /// wrong ones, count for nothing but do no harm.
    pub fn check(&self, role: &Role, signed: &Signed) -> Result<Vec<String>, Refusal> {
        let signers: BTreeSet<&String> = role
            .keys
            .iter()
            .filter(|id| {
                let key = self.key(id);
                let theirs = signed.signatures.iter().filter(|(name, _)| name == *id);
                key.is_some_and(|key| {
                    theirs.into_iter().any(|(_, text)| key.has_signed(&signed.bytes, text))
                })
            })
            .collect();
        let needed = usize::try_from(role.threshold).unwrap_or(usize::MAX);
        if signers.len() < needed {
            let there = signers.len();
            let ja = format!("必要な署名 {needed}、確認できた署名 {there}");
            let en = format!("{there} of {needed} signatures");
            return Err(Refusal::told(Reason::TooFewSignatures, ja, en));
        }
        Ok(signers.into_iter().cloned().collect())
    }
}
