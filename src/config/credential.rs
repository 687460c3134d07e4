//! Files that may come from systemd: `credential:NAME` is the file NAME that `LoadCredential=`
//! handed over. It is looked up when the file is needed, since only the service has it.

use std::fmt;
use std::path::{Path, PathBuf};

use super::Said;

const PREFIX: &str = "credential:";

/// Where a secret or a certificate lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileSource {
    File(PathBuf),
    /// Name of a systemd credential.
    Credential(String),
}

impl FileSource {
    /// Reads a path, or `credential:NAME`.
    pub(super) fn parse(value: &str) -> Result<Self, Said> {
        let Some(name) = value.strip_prefix(PREFIX) else {
            return Ok(Self::File(PathBuf::from(super::keys::non_empty(value)?)));
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        match !name.is_empty() && !name.starts_with('.') && name.chars().all(plain) {
            true => Ok(Self::Credential(name.to_owned())),
            false => Err(Said::new(
                "credential: の後には、半角の英数字と . _ - の名前を書いてください",
                "a name of ASCII letters, digits and . _ - is expected after credential:",
            )),
        }
    }

    /// The path of the file. `credentials` is `$CREDENTIALS_DIRECTORY`.
    ///
    /// # Errors
    /// systemd handed no credentials over.
    pub fn path(&self, credentials: Option<&Path>) -> Result<PathBuf, Said> {
        match (self, credentials) {
            (Self::File(path), _) => Ok(path.clone()),
            (Self::Credential(name), Some(dir)) => Ok(dir.join(name)),
            (Self::Credential(name), None) => Err(Said::new(
                format!(
                    "{PREFIX}{name}を使うには、systemdの設定（LoadCredential={name}:…）で渡してください"
                ),
                format!("{PREFIX}{name} needs systemd to hand it over (LoadCredential={name}:…)"),
            )),
        }
    }
}

impl fmt::Display for FileSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Credential(name) => write!(f, "{PREFIX}{name}"),
        }
    }
}
