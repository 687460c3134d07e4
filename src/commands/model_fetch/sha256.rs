//! SHA-256: the hash by which the hub names the content of a large file. Everything else in kura
//! is hashed with BLAKE3.

use std::fmt::Write as _;
use std::io::{self, Read};

use sha2::{Digest, Sha256};

/// Bytes read at once.
const STEP: usize = 1 << 20;

/// The hash of all that a source gives, in lowercase hexadecimal.
///
/// # Errors
/// The source cannot be read.
pub(super) fn of(mut source: impl Read) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; STEP];
    loop {
        let count = match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&buffer[..count]);
    }
    Ok(hasher.finalize().iter().fold(String::new(), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example "abc" of FIPS 180-4, and what comes in more than one piece.
    #[test]
    fn known_hashes() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of(&b"abc"[..]).unwrap(), abc);
        assert_eq!(of((&b"a"[..]).chain(&b"bc"[..])).unwrap(), abc);
    }
}
