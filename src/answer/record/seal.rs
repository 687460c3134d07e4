//! The secret of this box, with which it marks what it made, and knows it again.

use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Name of the file in the data folder.
const FILE: &str = "record.key";

/// Bytes of a MAC and of a text's hash that a mark carries.
const MARK_BYTES: usize = 16;

/// Why the secret cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("the secret {path} cannot be read or made: {why}")]
    File { path: PathBuf, why: std::io::Error },
    /// It is there but is none.
    #[error("{path} does not hold a secret of 64 hexadecimal digits")]
    Damaged { path: PathBuf },
}

/// The secret, and what is made with it.
#[derive(Clone)]
pub struct Seal {
    key: [u8; 32],
    id: String,
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seal").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Seal {
    /// Reads the secret of a data folder. The first time one is made, readable by its owner only;
    /// of two who make it at once, one wins.
    ///
    /// # Errors
    /// It cannot be read or made, or is damaged. It is never made anew in place of a damaged one:
    /// nothing that was sealed before could be recognized any more.
    pub fn open(data_dir: &Path) -> Result<Self, SealError> {
        let path = data_dir.join(FILE);
        let failed = |why| SealError::File { path: path.clone(), why };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(why) if why.kind() == ErrorKind::NotFound => {
                make(data_dir, &path).map_err(failed)?;
                std::fs::read_to_string(&path).map_err(failed)?
            }
            Err(why) => return Err(failed(why)),
        };
        let damaged = || SealError::Damaged { path: path.clone() };
        let secret = blake3::Hash::from_hex(text.trim()).map_err(|_| damaged())?;
        Ok(Self::of(secret.as_bytes()))
    }

    fn of(secret: &[u8; 32]) -> Self {
        let id = blake3::derive_key("kura 2026 id of a box, from its secret", secret);
        Self {
            key: blake3::derive_key("kura 2026 seal of records, from the secret of a box", secret),
            id: hex(&id[..4]),
        }
    }

    /// Tells boxes apart; says nothing of the secret.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What this box alone can make of these parts. `purpose` keeps the uses apart.
    pub fn mac(&self, purpose: &str, parts: &[&str]) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        for part in [purpose].iter().chain(parts) {
            // With its length, so that no two lists of parts read the same.
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hex(&hasher.finalize().as_bytes()[..MARK_BYTES])
    }

    /// Whether a MAC is this box's, in a time that tells nothing.
    pub fn knows(&self, mac: &str, purpose: &str, parts: &[&str]) -> bool {
        // Of equal length always; equal hashes are compared in constant time.
        blake3::hash(mac.as_bytes()) == blake3::hash(self.mac(purpose, parts).as_bytes())
    }
}

/// The hash of a text as a mark carries it.
pub(super) fn short_hash(text: &str) -> String {
    hex(&blake3::hash(text.as_bytes()).as_bytes()[..MARK_BYTES])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// Makes the file whole or not at all, and never over another.
fn make(data_dir: &Path, path: &Path) -> std::io::Result<()> {
    let secret: [u8; 32] = rand::random();
    let new = data_dir.join(format!("{FILE}.{}", hex(&rand::random::<[u8; 4]>())));
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(&new)?;
    let written = writeln!(file, "{}", hex(&secret).to_lowercase()).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| std::fs::hard_link(&new, path));
    std::fs::remove_file(&new)?;
    match linked {
        Err(why) if why.kind() != ErrorKind::AlreadyExists => Err(why),
        _ => std::fs::File::open(data_dir)?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once_and_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let seal = Seal::open(dir.path()).unwrap();
        let again = Seal::open(dir.path()).unwrap();
        assert_eq!((seal.id(), &seal.key), (again.id(), &again.key));
        let mode = std::fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left over");
        let mac = seal.mac("a", &["b", "c"]);
        assert!(seal.knows(&mac, "a", &["b", "c"]));
        for (purpose, parts) in [("a", ["bc", ""]), ("ab", ["", "c"]), ("a", ["c", "b"])] {
            assert!(!seal.knows(&mac, purpose, &parts), "{purpose} {parts:?}");
        }
        let foreign = Seal::open(other.path()).unwrap();
        assert_ne!(foreign.id(), seal.id());
        assert!(!foreign.knows(&mac, "a", &["b", "c"]));
    }

    #[test]
    fn a_damaged_secret_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE), "").unwrap();
        assert!(matches!(Seal::open(dir.path()), Err(SealError::Damaged { .. })));
        assert_eq!(std::fs::read(dir.path().join(FILE)).unwrap(), b"");
    }
}
