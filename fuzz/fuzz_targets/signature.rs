//! Any text as a key's line and as a `.minisig` file: no panic, and no signature that counts.
#![no_main]

use kura_fuzz::sync::trust::{PublicKey, key_id_is_well_formed};
use libfuzzer_sys::fuzz_target;

/// A key whose secret half was thrown away.
const KEY: &str = include_str!("../seeds/key.pub");

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let (line, signature) = text.split_once('\n').unwrap_or((&text, ""));
    if let Ok(key) = PublicKey::parse(line) {
        assert!(key_id_is_well_formed(&key.id().unwrap()));
        assert_eq!(PublicKey::parse(key.as_str()).as_ref(), Ok(&key));
        let _ = key.has_signed(b"message", signature);
    }
    let known = PublicKey::parse(KEY).unwrap();
    assert!(!known.has_signed(b"message", &text));
    assert!(!known.has_signed(b"message", signature));
});
