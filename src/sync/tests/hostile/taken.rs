//! What must come in, and exactly as it was verified: without this, a box that refuses everything
//! would pass the rest.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use super::case::{Case, import};
use super::press::{hash, id, put};
use crate::sync::bundle::{Stick, pack};
use crate::sync::ledger::{Event, Ledger, Record};
use crate::sync::{Imported, Installation};

fn data(case: &Case) -> Installation {
    Installation::new(&case.home().join("data"))
}

fn taken(case: &mut Case) -> Imported {
    case.finish();
    let (result, prepared) = import(case.home(), &case.setting);
    assert!(prepared);
    let imported = result.unwrap();
    assert!(imported.changed);
    imported
}

fn last_record(case: &Case) -> Record {
    Ledger::of(&data(case)).read().unwrap().records.pop().unwrap()
}

fn generation(case: &Case) -> PathBuf {
    data(case).generation_dir("town", "r8.2")
}

#[test]
fn the_draft_that_the_attacks_change() {
    let mut case = Case::new();
    taken(&mut case);
    let state = data(&case).state().unwrap();
    assert_eq!(state.datasets["town"].current, "r8.2");
    assert_eq!(state.datasets["town"].previous.as_deref(), Some("r8.1"));
    assert_eq!(last_record(&case).event, Event::Imported);
}

#[test]
fn a_newer_root_counts_from_then_on() {
    let mut case = Case::new();
    case.draft.root_3(|_| ());
    taken(&mut case);
    assert_eq!(data(&case).state().unwrap().trust.unwrap().root_version, 3);
}

/// A medium whose manifest is another one after its signatures were checked: what was checked is
/// what is used, and what the ledger names.
#[test]
fn a_manifest_swapped_after_the_check_is_not_read_again() {
    let mut case = Case::new();
    case.write();
    let (signed, other) = (case.bundle().join("manifest.json"), case.spare("manifest.json"));
    let before = fs::read(&signed).unwrap();
    put(&other, b"{\"format\":\"kura-bundle-1\"}");
    case.setting.swaps.push((other, signed));
    assert_eq!(taken(&mut case).manifest_blake3, hash(&before));
    assert_eq!(fs::read(generation(&case).join("manifest.json")).unwrap(), before);
    assert_eq!(last_record(&case).manifest, hash(&before));
}

/// The ledger writes down the manifest before it is checked: both see the same bytes.
#[test]
fn a_manifest_swapped_before_the_check_is_not_read_again() {
    let mut case = Case::new();
    case.write();
    let stick = Stick::find(&case.medium()).unwrap().remove(0);
    let first = stick.manifest().unwrap().clone();
    put(&case.bundle().join("manifest.json"), b"another");
    assert_eq!(stick.manifest().unwrap(), &first);
}

/// Anybody can put files beside a manifest; those that did not count do not come in.
#[test]
fn signatures_that_did_not_count_stay_outside() {
    let mut case = Case::new();
    case.write();
    for n in 0..100 {
        put(&case.bundle().join(format!("manifest.{n:016x}.minisig")), b"junk");
    }
    taken(&mut case);
    let names = fs::read_dir(generation(&case)).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut kept: Vec<String> = names.filter(|name| name.ends_with(".minisig")).collect();
    kept.sort();
    let mut due = [3, 4].map(|n| format!("manifest.{}.minisig", id(n)));
    due.sort();
    assert_eq!(kept, due);
}

/// Half-made files have names that no id can have.
#[test]
fn no_file_takes_the_place_of_another_on_the_way() {
    let mut case = Case::new();
    let names = ["segment.part", "segment", "segment.part.part"];
    for name in names {
        let content = format!("content of {name}");
        let (chunk, packed) = pack(content.as_bytes()).unwrap();
        case.draft.chunks.push((chunk.hash.clone(), packed));
        let sha256 = <sha2::Sha256 as sha2::Digest>::digest(content.as_bytes());
        let sha256: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        let artifact = json!({
            "id": name, "role": "index", "licence": "", "source": "", "len": content.len(),
            "blake3": hash(content.as_bytes()), "sha256": sha256, "chunks": [chunk],
        });
        case.draft.manifest["artifacts"].as_array_mut().unwrap().push(artifact);
        let totals = &mut case.draft.manifest["totals"];
        for (field, more) in [("artifacts", 1), ("chunks", 1), ("raw", content.len() as u64)] {
            totals[field] = (totals[field].as_u64().unwrap() + more).into();
        }
    }
    taken(&mut case);
    for name in names {
        let content = fs::read_to_string(generation(&case).join("index").join(name)).unwrap();
        assert_eq!(content, format!("content of {name}"));
    }
}
