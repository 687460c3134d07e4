//! The two hashes of a whole file, as a manifest names them: BLAKE3, and SHA-256 for those who
//! check with the tools they know.

use sha2::{Digest, Sha256};

use super::bundle::Artifact;

/// Hashes that grow with the file.
#[derive(Clone, Default)]
pub(super) struct Hashes {
    blake3: blake3::Hasher,
    sha256: Sha256,
}

impl Hashes {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.blake3.update(bytes);
        self.sha256.update(bytes);
    }

    /// BLAKE3 and SHA-256 of all that came, in lowercase hexadecimal.
    pub(super) fn finish(self) -> (String, String) {
        let sha256 = self.sha256.finalize();
        let sha256 = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        (self.blake3.finalize().to_hex().to_string(), sha256)
    }

    /// Whether what came is the artifact's content.
    pub(super) fn are_of(self, artifact: &Artifact) -> bool {
        let (blake3, sha256) = self.finish();
        blake3 == artifact.blake3 && sha256 == artifact.sha256
    }
}
