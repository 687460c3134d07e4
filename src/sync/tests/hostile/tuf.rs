//! The rotations of the conformance suite, those that must be taken among them, by its own tables:
//! which keys a version lists, how many must sign, who signed.

use serde_json::json;

use super::press::{RootFile, id, role, root, sign};
use crate::sync::Reason;
use crate::sync::bundle::Kind;
use crate::sync::trust::{Chain, Link, Root, Signed};

/// Keys, threshold, signers.
type Version = (&'static [usize], u32, &'static [usize]);

const ALL: &[usize] = &[0, 1, 2, 3, 4];
const ONE_CHANGED: &[usize] = &[0, 1, 3, 4, 5];
const NEW: &[usize] = &[5, 6, 7, 8, 9];

fn signed(bytes: Vec<u8>, signers: &[usize]) -> Signed {
    let signatures = signers.iter().map(|n| (id(*n), sign(*n, &bytes))).collect();
    Signed { bytes, signatures }
}

fn link(number: u32, (keys, threshold, signers): Version) -> Link {
    let mut json = root(number);
    json["keys"] = keys.iter().map(|n| super::press::owned(*n)).collect();
    for name in ["root", "app", "model", "dataset", "assistants"] {
        json[name] = role(threshold, keys);
    }
    Link { version: number, signed: signed(RootFile::of(&json, &[]).bytes, signers) }
}

/// Follows the versions from the first, which is trusted; the version that is reached.
fn follow(versions: &[Version]) -> Result<u32, Reason> {
    let links: Vec<Link> = (1..).zip(versions).map(|(number, one)| link(number, *one)).collect();
    let chain = Chain::known(links[0].signed.bytes.clone()).and_then(|known| known.follow(&links));
    chain.map(|chain| chain.root.version).map_err(|refusal| refusal.reason)
}

#[test]
fn root_rotations() {
    let taken: [(&str, &[Version]); 9] = [
        ("1 of 1, key changed", &[(&[1], 1, &[1]), (&[2], 1, &[2, 1]), (&[2], 1, &[2])]),
        (
            "1 of 1, key changed, signatures that do not count",
            &[(&[1], 1, &[3, 1, 4]), (&[2], 1, &[3, 2, 1, 4]), (&[2], 1, &[3, 2, 4])],
        ),
        (
            "3 of 5, other signers each time",
            &[
                (ALL, 3, &[0, 2, 4]),
                (ALL, 3, &[0, 4, 1]),
                (ALL, 3, &[0, 1, 3]),
                (ALL, 3, &[0, 1, 3]),
            ],
        ),
        ("3 of 5, one key changed", &[(ALL, 3, &[0, 2, 4]), (ONE_CHANGED, 3, &[0, 4, 1])]),
        (
            "3 of 5, one key changed, a step between",
            &[(ALL, 3, &[0, 2, 4]), (ONE_CHANGED, 3, &[0, 2, 4, 5]), (ONE_CHANGED, 3, &[0, 4, 5])],
        ),
        (
            "3 of 5, all keys changed, a step between",
            &[(ALL, 3, &[0, 2, 4]), (NEW, 3, &[0, 2, 4, 5, 6, 7]), (NEW, 3, &[5, 6, 7])],
        ),
        ("1 of 3 to 2 of 3", &[(&[1, 2, 3], 1, &[1]), (&[1, 2, 3], 2, &[1, 2])]),
        (
            "2 of 3 to 1 of 3",
            &[(&[1, 2, 3], 2, &[1, 2]), (&[1, 2, 3], 1, &[1, 2]), (&[1, 2, 3], 1, &[1])],
        ),
        ("1 of 1 to 2 of 2", &[(&[1], 1, &[1]), (&[1, 2], 2, &[1, 2])]),
    ];
    for (name, versions) in taken {
        assert_eq!(follow(versions), Ok(versions.len() as u32), "{name}");
    }
    let refused: [(&str, [Version; 2]); 6] = [
        ("not signed with the old key", [(&[1], 1, &[1]), (&[2], 1, &[2, 3, 4])]),
        ("not signed with the new key", [(&[1], 1, &[1]), (&[2], 1, &[1, 3, 4])]),
        ("not with three new keys", [(ALL, 3, &[0, 2, 4]), (ONE_CHANGED, 3, &[0, 2, 4])]),
        ("not with three old keys", [(ALL, 3, &[0, 2, 4]), (ONE_CHANGED, 3, &[0, 4, 5])]),
        ("below the new threshold", [(&[1, 2, 3], 1, &[1]), (&[1, 2, 3], 2, &[2])]),
        ("below the old threshold", [(&[1, 2, 3], 2, &[1, 2]), (&[1, 2, 3], 1, &[1])]),
    ];
    for (name, versions) in refused {
        assert_eq!(follow(&versions), Err(Reason::BrokenRootChain), "{name}");
    }
}

#[test]
fn rotations_of_other_roles() {
    let cases: [(&str, Version, bool); 10] = [
        ("key changed", (&[2], 1, &[2]), true),
        ("signatures that do not count", (&[1], 1, &[3, 1, 4]), true),
        ("not signed with the new key", (&[2], 1, &[1, 3, 4]), false),
        ("two of the three, one of a key taken back", (ONE_CHANGED, 3, &[0, 2, 4]), false),
        ("two of three", (ONE_CHANGED, 3, &[0, 4]), false),
        ("first three", (ALL, 3, &[0, 2, 4]), true),
        ("second three", (ALL, 3, &[0, 4, 1]), true),
        ("third three", (ALL, 3, &[0, 1, 3]), true),
        ("fourth three", (ALL, 3, &[1, 2, 3]), true),
        ("fifth three", (ALL, 3, &[2, 3, 4]), true),
    ];
    for kind in [Kind::App, Kind::Model, Kind::Dataset, Kind::Assistants] {
        for (name, (keys, threshold, signers), taken) in cases {
            let mut json = root(1);
            json["keys"] = (0..6).map(super::press::owned).collect();
            json[kind.name()] = role(threshold, keys);
            let root = Root::parse(&serde_json::to_vec(&json).unwrap()).unwrap();
            let message = json!({ "kind": kind }).to_string().into_bytes();
            let counted = root.check(root.role(kind), &signed(message, signers));
            assert_eq!(counted.is_ok(), taken, "{name}, {kind:?}");
        }
    }
}
