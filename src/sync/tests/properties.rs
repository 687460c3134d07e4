//! What holds of every input: parsers never panic, what they take is what it says, no name that is
//! let through can leave its folder, nothing unpacks to more than was declared.

use proptest::prelude::*;

use crate::sync::bundle::{
    Artifact, ArtifactRole, Base, Chunk, Header, Kind, Manifest, id_is_plain, pack, pack_against,
    unpack,
};
use crate::sync::trust::{PublicKey, Role, Root, TrustedKey};

fn hash() -> impl Strategy<Value = String> {
    "[0-9a-f]{64}"
}

fn plain() -> impl Strategy<Value = String> {
    "[a-z0-9][a-z0-9._-]{0,63}"
}

/// Names as people write them, in any script.
fn text() -> impl Strategy<Value = String> {
    "[\\p{Hiragana}\\p{Han}A-Za-z0-9 「」（）・]{1,60}"
}

fn chunk() -> impl Strategy<Value = Chunk> {
    (hash(), 1_u32..=1_048_576, 1_u32..=1_048_576).prop_map(|(hash, raw, stored)| Chunk {
        hash,
        raw,
        stored,
        base: Vec::new(),
    })
}

fn artifact(role: ArtifactRole, id: String) -> impl Strategy<Value = Artifact> {
    let rest = (text(), text(), hash(), hash(), proptest::collection::vec(chunk(), 0..6));
    rest.prop_map(move |(licence, source, blake3, sha256, chunks)| Artifact {
        id: id.clone(),
        role,
        licence,
        source,
        len: chunks.iter().map(|chunk| u64::from(chunk.raw)).sum(),
        blake3,
        sha256,
        chunks,
    })
}

prop_compose! {
    fn manifest()(
        id in plain(),
        edition in plain(),
        channel in plain(),
        title in text(),
        counter in 1..=u64::MAX,
        floor in any::<u64>(),
        root_version in any::<u32>(),
        stale_after_days in any::<u32>(),
        info in artifact(ArtifactRole::Info, "dataset.toml".into()),
        passages in artifact(ArtifactRole::Passages, "passages.jsonl".into()),
        index in artifact(ArtifactRole::Index, "segment.idx".into()),
    ) -> Manifest {
        let header = Header {
            channel,
            kind: Kind::Dataset,
            id,
            title,
            edition,
            counter,
            root_version,
            stale_after_days,
            min_app: "0.1.0".into(),
            security_floor: floor % counter,
        };
        Manifest::new(header, vec![info, passages, index])
    }
}

/// Changes a few bytes: another one, one more, one less, a piece twice.
fn mutated(mut bytes: Vec<u8>, changes: &[(usize, u8, u8)]) -> Vec<u8> {
    for (at, how, byte) in changes {
        if bytes.is_empty() {
            break;
        }
        let at = at % bytes.len();
        match how % 4 {
            0 => bytes[at] = *byte,
            1 => bytes.insert(at, *byte),
            2 => drop(bytes.remove(at)),
            _ => {
                let piece = bytes[at..bytes.len().min(at + usize::from(*byte))].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}

fn changes() -> impl Strategy<Value = Vec<(usize, u8, u8)>> {
    proptest::collection::vec(any::<(usize, u8, u8)>(), 1..8)
}

fn root_json() -> Vec<u8> {
    let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
    let public_key = PublicKey::parse(&pair.pk.to_base64()).unwrap();
    let id = public_key.id().unwrap();
    let role = Role { threshold: 1, keys: vec![id.clone()] };
    let key = TrustedKey { id, public_key, owner: "総務課".into() };
    let root = Root::new(1, jiff::civil::date(2031, 11, 24), vec![key], &role);
    serde_json::to_vec(&root).unwrap()
}

proptest! {
    #[test]
    fn what_a_manifest_says_is_read_again(manifest in manifest()) {
        let bytes = serde_json::to_vec(&manifest).unwrap();
        let read = Manifest::parse(&bytes);
        prop_assert_eq!(read.as_ref(), Ok(&manifest));
        for artifact in &manifest.artifacts {
            let place = artifact.place();
            prop_assert!(!place.starts_with('/') && !place.split('/').any(|part| part == ".."));
        }
    }

    /// Where a changed manifest is taken, it is again one that says what it says.
    #[test]
    fn a_changed_manifest_is_refused_or_whole(manifest in manifest(), changes in changes()) {
        let bytes = mutated(serde_json::to_vec(&manifest).unwrap(), &changes);
        if let Ok(read) = Manifest::parse(&bytes) {
            let again = serde_json::to_vec(&read).unwrap();
            prop_assert_eq!(Manifest::parse(&again), Ok(read));
        }
    }

    #[test]
    fn a_changed_root_is_refused_or_whole(changes in changes()) {
        let bytes = root_json();
        prop_assert!(Root::parse(&bytes).is_ok());
        if let Ok(read) = Root::parse(&mutated(bytes, &changes)) {
            let again = serde_json::to_vec(&read).unwrap();
            prop_assert_eq!(Root::parse(&again), Ok(read));
        }
    }

    #[test]
    fn any_bytes_are_no_manifest_and_no_root(
        bytes in proptest::collection::vec(any::<u8>(), 0..4_000),
    ) {
        prop_assert!(Manifest::parse(&bytes).is_err());
        prop_assert!(Root::parse(&bytes).is_err());
    }

    #[test]
    fn what_is_packed_is_unpacked(raw in proptest::collection::vec(any::<u8>(), 1..20_000)) {
        let (chunk, packed) = pack(&raw).unwrap();
        prop_assert_eq!(packed.len(), chunk.stored as usize);
        prop_assert_eq!(unpack(&chunk, &packed, b""), Ok(raw));
    }

    #[test]
    fn what_is_packed_against_a_base_is_unpacked_with_it(
        base in proptest::collection::vec(any::<u8>(), 1..9_000),
        raw in proptest::collection::vec(any::<u8>(), 1..3_000),
        from in 0_usize..9_000,
    ) {
        let own = [&base[from.min(base.len())..], &raw].concat();
        let base = Base { hashes: vec![blake3::hash(&base).to_hex().to_string()], raw: base };
        let (chunk, packed) = pack_against(std::slice::from_ref(&base), &own).unwrap();
        let built_on = if chunk.base.is_empty() { &[][..] } else { &base.raw };
        prop_assert_eq!(unpack(&chunk, &packed, built_on), Ok(own));
    }

    /// Whatever lies in a chunk's file: what comes out is what was declared, or nothing.
    #[test]
    fn nothing_unpacks_to_other_than_declared(
        raw in proptest::collection::vec(0_u8..4, 1..5_000),
        declared in any::<u32>(),
        changes in changes(),
    ) {
        let (chunk, packed) = pack(&raw).unwrap();
        let changed = mutated(packed.clone(), &changes);
        if let Ok(read) = unpack(&chunk, &changed, b"") {
            prop_assert_eq!(&read, &raw);
        }
        let lying = Chunk { raw: declared, ..chunk };
        prop_assert_eq!(unpack(&lying, &packed, b"").is_ok(), declared as usize == raw.len());
    }

    #[test]
    fn a_plain_name_stays_in_its_folder(name in any::<String>(), ascii in "[ -~]{0,70}") {
        for name in [name, ascii] {
            if id_is_plain(&name) {
                prop_assert!(!name.is_empty() && name.len() <= 64);
                prop_assert!(!name.contains(['/', '\\', '\0', '~']) && !name.starts_with('.'));
                let path = std::path::Path::new("folder").join(&name);
                prop_assert_eq!(path.components().count(), 2);
                prop_assert!(name.chars().all(|c| c.is_ascii() && !c.is_ascii_uppercase()));
            }
        }
    }

    #[test]
    fn a_key_is_what_it_says_or_none(line in "[A-Za-z0-9+/=]{0,60}", any in any::<String>()) {
        for line in [line, any] {
            if let Ok(key) = PublicKey::parse(&line) {
                prop_assert!(key.bytes().is_ok() && key.id().is_ok());
                prop_assert!(!key.has_signed(b"message", &line));
            }
        }
    }
}
