//! Any bytes as a root document: refused, or one whose roles can be met, and that nobody signed.
#![no_main]

use std::collections::BTreeSet;

use kura_fuzz::sync::bundle::Kind;
use kura_fuzz::sync::trust::{Chain, Link, Root, Signed};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(root) = Root::parse(bytes) else { return };
    let again = serde_json::to_vec(&root).unwrap();
    assert_eq!(Root::parse(&again).as_ref(), Ok(&root));
    let keys: BTreeSet<[u8; 32]> =
        root.keys.iter().map(|key| key.public_key.bytes().unwrap()).collect();
    assert_eq!(keys.len(), root.keys.len(), "one key counts twice");
    let signed = Signed { bytes: bytes.to_vec(), signatures: Vec::new() };
    for kind in [Kind::App, Kind::Model, Kind::Dataset, Kind::Assistants] {
        let role = root.role(kind);
        assert!(role.threshold > 0 && role.threshold as usize <= role.keys.len());
        assert!(root.check(role, &signed).is_err());
    }
    // As the next one of a chain it lacks every signature.
    let link = Link { version: root.version.saturating_add(1), signed };
    let known = Chain::known(again).unwrap();
    assert!(known.follow(&[link]).is_err());
});
