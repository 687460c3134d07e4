//! Any bytes as `manifest.json`: refused, or a manifest that says what it says and whose names stay
//! in their folder.
#![no_main]

use kura_fuzz::sync::bundle::{Manifest, id_is_plain};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(manifest) = Manifest::parse(bytes) else { return };
    let again = serde_json::to_vec(&manifest).unwrap();
    assert_eq!(Manifest::parse(&again).as_ref(), Ok(&manifest));
    let mut places = std::collections::BTreeSet::new();
    for artifact in &manifest.artifacts {
        assert!(id_is_plain(&artifact.id));
        let place = artifact.place();
        assert!(!place.starts_with('/') && place.split('/').all(|part| part != ".." && part != "."));
        assert!(places.insert(place), "two files in one place");
    }
    assert!(id_is_plain(&manifest.id) && id_is_plain(&manifest.edition));
    assert!(manifest.counter > 0 && manifest.counter >= manifest.security_floor);
});
