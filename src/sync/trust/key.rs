//! Public keys and detached signatures in minisign's format.

use ct_codecs::{Base64, Decoder};
use serde::{Deserialize, Serialize};

use super::super::{Reason, Refusal};

/// Characters of a key id.
const ID_CHARS: usize = 16;

/// A minisign public key: base64 of the algorithm (2 bytes), minisign's own key number (8) and the
/// Ed25519 key (32).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PublicKey(String);

impl PublicKey {
    /// Reads the base64 line of a `.pub` file.
    ///
    /// # Errors
    /// It is no minisign key.
    pub fn parse(line: &str) -> Result<Self, Refusal> {
        let key = Self(line.trim().to_owned());
        key.bytes().map(|_| key.clone())
    }

    /// The base64 line.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The 32 bytes of the Ed25519 key. Two keys are one where these are equal: the key number
    /// beside them can be chosen freely, so that counting numbers counts one signer twice
    /// (CVE-2021-41131 and like).
    pub fn bytes(&self) -> Result<[u8; 32], Refusal> {
        let malformed = || Refusal::new(Reason::MalformedKey, self.0.clone());
        minisign_verify::PublicKey::from_base64(&self.0).map_err(|_| malformed())?;
        let raw = Base64::decode_to_vec(&self.0, None).map_err(|_| malformed())?;
        raw.get(10..42).and_then(|key| key.try_into().ok()).ok_or_else(malformed)
    }

    /// Name of the key in file names and root documents: the first 16 hexadecimal digits of the
    /// BLAKE3 of its 32 bytes.
    pub fn id(&self) -> Result<String, Refusal> {
        let hex = blake3::hash(&self.bytes()?).to_hex();
        Ok(hex.as_str().chars().take(ID_CHARS).collect())
    }

    /// Whether `signature` (the text of a `.minisig` file) is this key's over `message`.
    pub fn has_signed(&self, message: &[u8], signature: &str) -> bool {
        let key = minisign_verify::PublicKey::from_base64(&self.0);
        let signature = minisign_verify::Signature::decode(signature);
        match (key, signature) {
            // `false`: only the prehashed kind, which every minisign since 0.9 writes.
            (Ok(key), Ok(signature)) => key.verify(message, &signature, false).is_ok(),
            _ => false,
        }
    }
}

/// A document as its bytes came, with the signatures found beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signed {
    pub bytes: Vec<u8>,
    /// Texts of `.minisig` files, by the key id in their names.
    pub signatures: Vec<(String, String)>,
}

/// Whether a name has the form of a key id.
pub fn key_id_is_well_formed(id: &str) -> bool {
    id.len() == ID_CHARS && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
