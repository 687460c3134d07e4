//! Attacks on keys, signatures and root documents.

use serde_json::{Value, json};

use super::attacks;
use super::case::Case;
use super::press::{RootFile, base64, hash, id, key, owned, public, put, role, root, sign};

/// The text of a signature with its second line's bytes changed.
fn with_algorithm(text: &str, algorithm: &[u8; 2]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    // Base64 of the first three bytes: algorithm, and the first of the key number.
    let mut head = algorithm.to_vec();
    head.push(key(3).pk.keynum()[0]);
    lines[1].replace_range(0..4, &base64(&head));
    lines.join("\n") + "\n"
}

/// The public key with another key number or algorithm: the same Ed25519 key.
fn renumbered(n: usize, algorithm: &[u8; 2], number: u8) -> String {
    let mut bytes = key(n).pk.to_bytes();
    bytes[..2].copy_from_slice(algorithm);
    bytes[2..10].fill(number);
    base64(&bytes)
}

/// A root chain of strangers, right in itself.
fn strangers(version: u32) -> RootFile {
    let mut json = root(version);
    json["keys"] = (6..10).map(owned).collect();
    for name in ["root", "app", "model", "dataset", "assistants"] {
        json[name] = role(2, &[6, 7, 8]);
    }
    RootFile::of(&json, &[6, 7])
}

/// A bundle of a model signed by a key that wrote the legacy form: the bytes themselves signed,
/// not their hash.
fn legacy(case: &mut Case) {
    use rcgen::{KeyPair, PKCS_ED25519, SigningKey};
    let pair = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let number = [7; 8];
    let public = base64(&[b"Ed".as_slice(), &number, pair.public_key_raw()].concat());
    let known = crate::sync::trust::PublicKey::parse(&public).unwrap();
    let id = known.id().unwrap();
    case.draft.root_3(|root| {
        let owned = json!({ "id": id, "public_key": public, "owner": "旧式" });
        root["keys"].as_array_mut().unwrap().push(owned);
        root["dataset"] = json!({ "threshold": 1, "keys": [id] });
    });
    case.brings_root = true;
    let message = serde_json::to_vec(&case.draft.manifest).unwrap();
    let signature = pair.sign(&message).unwrap();
    let comment = b"legacy";
    let whole = pair.sign(&[signature.as_slice(), comment].concat()).unwrap();
    let text = format!(
        "untrusted comment: -\n{}\ntrusted comment: legacy\n{}\n",
        base64(&[b"Ed".as_slice(), &number, &signature].concat()),
        base64(&whole)
    );
    // The signature is right; what is refused is its form.
    let verifier = minisign_verify::PublicKey::from_base64(&public).unwrap();
    let decoded = minisign_verify::Signature::decode(&text).unwrap();
    verifier.verify(&message, &decoded, true).unwrap();
    case.draft.signers.clear();
    case.write();
    put(&case.bundle().join(format!("manifest.{id}.minisig")), text.as_bytes());
}

fn signature_file(case: &Case, n: usize) -> std::path::PathBuf {
    case.bundle().join(format!("manifest.{}.minisig", id(n)))
}

fn manifest(case: &Case) -> Vec<u8> {
    serde_json::to_vec(&case.draft.manifest).unwrap()
}

/// Changes the signature text of key 4.
fn change_signature(case: &mut Case, change: fn(String) -> String) {
    case.write();
    let text = change(sign(4, &manifest(case)));
    put(&signature_file(case, 4), text.as_bytes());
}

attacks! {
    duplicate_signatures_count_once => TooFewSignatures, |case| {
        case.draft.signers = vec![3];
        case.write();
        put(&signature_file(case, 4), sign(3, &manifest(case)).as_bytes());
    };
    one_key_under_two_ids_counts_once => MalformedRoot, |case| case.draft.root_3(|root| {
        let twice = json!({ "id": "0123456789abcdef", "public_key": public(3), "owner": "" });
        root["keys"].as_array_mut().unwrap().push(twice);
        root["dataset"] = json!({ "threshold": 2, "keys": [id(3), "0123456789abcdef"] });
    });
    one_key_with_two_numbers_counts_once => MalformedRoot, |case| case.draft.root_3(|root| {
        let number = renumbered(3, b"Ed", 9);
        let twice = json!({ "id": id(3), "public_key": number, "owner": "" });
        root["keys"].as_array_mut().unwrap().push(twice);
    });
    key_twice_in_a_role_counts_once => MalformedRoot, |case| {
        case.draft.root_3(|root| root["dataset"] = role(2, &[3, 3]));
    };
    threshold_zero_is_refused => MalformedRoot, |case| {
        case.draft.root_3(|root| root["dataset"]["threshold"] = 0.into());
    };
    threshold_above_the_keys_is_refused => MalformedRoot, |case| {
        case.draft.root_3(|root| root["dataset"]["threshold"] = 4.into());
    };
    negative_threshold_is_refused => MalformedRoot, |case| {
        case.draft.root_3(|root| root["dataset"]["threshold"] = (-1).into());
    };
    threshold_beyond_all_numbers_is_refused => MalformedRoot, |case| {
        case.draft.root_3(|root| root["dataset"]["threshold"] = (1_u64 << 32).into());
    };
    role_without_keys_is_refused => MalformedRoot, |case| {
        case.draft.root_3(|root| root["app"] = role(1, &[]));
    };
    role_with_an_unknown_key_is_refused => MalformedRoot, |case| {
        case.draft.root_3(|root| root["app"] = role(1, &[0, 9]));
    };
    root_without_a_role_is_refused => MalformedRoot, |case| case.draft.root_3(|root| {
        root.as_object_mut().unwrap().remove("app");
    });
    root_with_a_hundred_keys_is_refused => MalformedRoot, |case| case.draft.root_3(|root| {
        root["keys"] = (0..100).map(|n| owned(n % 10)).collect();
    });
    /// The newer root is kept (TUF 5.3.10 comes after 5.3.8): it may be the one that takes back
    /// a stolen key.
    expired_root_is_refused => RootExpired, |case| {
        case.draft.root_3(|root| root["expires"] = "2026-11-23".into());
        case.brings_root = true;
    };
    rolled_back_root_is_refused => RootRolledBack, |case| {
        case.draft.roots.truncate(1);
        case.draft.manifest["root_version"] = 1.into();
    };
    stick_without_roots_is_refused => RootRolledBack, |case| case.draft.roots.clear();
    skipped_root_is_refused => BrokenRootChain, |case| {
        case.draft.roots.push(RootFile::of(&root(4), &[0, 1]));
        case.draft.manifest["root_version"] = 4.into();
    };
    root_of_the_highest_number_is_refused => BrokenRootChain, |case| {
        case.draft.roots.push(RootFile::of(&root(u32::MAX), &[0, 1]));
    };
    root_signed_by_new_keys_only_is_refused => BrokenRootChain, |case| {
        case.draft.root_3(|root| root["root"] = role(2, &[3, 4]));
        case.draft.roots[2].signers = vec![3, 4];
    };
    root_signed_by_old_keys_only_is_refused => BrokenRootChain, |case| {
        case.draft.root_3(|root| root["root"] = role(2, &[3, 4]));
    };
    root_below_the_old_threshold_is_refused => BrokenRootChain, |case| {
        case.draft.root_3(|root| root["root"]["threshold"] = 1.into());
        case.draft.roots[2].signers = vec![0];
    };
    root_without_signatures_is_refused => BrokenRootChain, |case| {
        case.draft.root_3(|_| ());
        case.draft.roots[2].signers.clear();
    };
    root_changed_after_signing_is_refused => BrokenRootChain, |case| {
        case.draft.root_3(|_| ());
        case.write();
        let mut json = root(3);
        json["dataset"] = role(1, &[3]);
        put(&case.bundle().join("root/3.json"), &serde_json::to_vec(&json).unwrap());
    };
    other_root_of_a_known_number_is_refused => UntrustedRoot, |case| {
        let mut json = root(2);
        json["dataset"] = role(1, &[3]);
        case.draft.roots[1] = RootFile::of(&json, &[0, 1]);
    };
    root_whose_file_name_lies_is_refused => BrokenRootChain, |case| {
        case.draft.root_3(|root| root["version"] = 4.into());
    };
    root_of_version_zero_is_refused => MalformedRoot, |case| {
        case.draft.root_3(|root| root["version"] = 0.into());
    };
    root_of_another_format_is_refused => MalformedRoot, |case| {
        case.draft.root_3(|root| root["format"] = "kura-root-2".into());
    };
    root_without_end_is_refused => MalformedRoot, |case| {
        case.draft.root_3(|_| ());
        case.draft.roots[2].bytes.pop();
    };
    root_with_an_unknown_field_is_refused => MalformedRoot, |case| {
        case.draft.root_3(|root| root["mirror"] = "https://example.jp".into());
    };
    root_with_a_repeated_field_is_refused => MalformedRoot, |case| {
        case.draft.root_3(|_| ());
        let bytes = &mut case.draft.roots[2].bytes;
        bytes.splice(1..1, br#""version":3,"#.iter().copied());
    };
    root_over_its_size_is_refused => WrongLength, |case| {
        case.draft.root_3(|root| root["keys"][0]["owner"] = "鍵".repeat(30_000).into());
    };
    key_of_another_algorithm_is_refused => MalformedKey, |case| case.draft.root_3(|root| {
        root["keys"][5]["public_key"] = renumbered(5, b"Rs", 1).into();
    });
    key_of_a_wrong_length_is_refused => MalformedKey, |case| case.draft.root_3(|root| {
        root["keys"][5]["public_key"] = base64(&key(5).pk.to_bytes()[..41]).into();
    });
    key_that_is_no_base64_is_refused => MalformedKey, |case| case.draft.root_3(|root| {
        root["keys"][5]["public_key"] = format!("{}\u{200b}", public(5)).into();
    });
    owner_with_terminal_escapes_is_refused => MalformedRoot, |case| {
        case.draft.root_3(|root| root["keys"][0]["owner"] = "\u{1b}[2J総務課".into());
    };
    root_issued_at_no_time_is_refused => MalformedRoot, |case| {
        case.draft.root_3(|root| root["issued_at"] = "<b>きのう</b>".into());
    };
    root_chain_of_strangers_is_refused => UntrustedRoot, |case| {
        case.draft.roots = vec![strangers(1), strangers(2)];
        case.draft.signers = vec![6, 7];
    };
    root_of_strangers_after_ours_is_refused => BrokenRootChain, |case| {
        case.draft.roots.push(strangers(3));
        case.draft.manifest["root_version"] = 3.into();
        case.draft.signers = vec![6, 7];
    };
    box_without_a_trusted_root_takes_nothing => NoTrustedRoot, |case| {
        case.setting.fingerprint = None;
    };
    fingerprint_of_a_root_that_is_not_there_is_refused => UntrustedRoot, |case| {
        case.setting.fingerprint = Some(hash(b"another"));
    };
    anchor_without_its_own_signatures_is_refused => TooFewSignatures, |case| {
        let mut json = root(1);
        json["issued_at"] = "2026-11-24T10:00:00+09:00".into();
        case.draft.roots[0] = RootFile::of(&json, &[0]);
        case.setting.fingerprint = Some(hash(&case.draft.roots[0].bytes));
    };
    anchor_without_a_version_is_refused => MalformedRoot, |case| {
        let mut json = root(1);
        json.as_object_mut().unwrap().remove("version");
        case.draft.roots[0] = RootFile { stem: "1".into(), ..RootFile::of(&json, &[0, 1]) };
        case.setting.fingerprint = Some(hash(&case.draft.roots[0].bytes));
    };
    unsigned_manifest_is_refused => TooFewSignatures, |case| case.draft.signers.clear();
    one_signature_of_two_is_refused => TooFewSignatures, |case| case.draft.signers = vec![3];
    signatures_of_strangers_are_refused => TooFewSignatures, |case| {
        case.draft.signers = vec![6, 7, 8];
    };
    signature_of_a_stranger_under_our_name_is_refused => TooFewSignatures, |case| {
        case.write();
        put(&signature_file(case, 4), sign(6, &manifest(case)).as_bytes());
    };
    signature_over_other_bytes_is_refused => TooFewSignatures, |case| {
        case.write();
        let mut other = case.draft.manifest.clone();
        other["counter"] = 7.into();
        put(&case.bundle().join("manifest.json"), &serde_json::to_vec(&other).unwrap());
    };
    signature_of_a_root_is_none_of_a_manifest => TooFewSignatures, |case| {
        case.draft.bytes = Some(case.draft.roots[1].bytes.clone());
        case.draft.signers.clear();
        case.write();
        for n in [3, 4] {
            put(&signature_file(case, n), sign(n, &manifest(case)).as_bytes());
        }
    };
    legacy_signature_is_refused => TooFewSignatures, legacy;
    signature_renamed_to_the_legacy_form_is_refused => TooFewSignatures, |case| {
        case.write();
        let text = with_algorithm(&sign(3, &manifest(case)), b"Ed");
        put(&signature_file(case, 3), text.as_bytes());
    };
    signature_of_another_algorithm_is_refused => TooFewSignatures, |case| {
        case.write();
        let text = with_algorithm(&sign(3, &manifest(case)), b"XX");
        put(&signature_file(case, 3), text.as_bytes());
    };
    changed_trusted_comment_is_refused => TooFewSignatures, |case| {
        change_signature(case, |text| text.replace("comment: kura", "comment: KURA"));
    };
    empty_signature_is_refused => TooFewSignatures, |case| {
        change_signature(case, |_| String::new());
    };
    truncated_signature_is_refused => TooFewSignatures, |case| {
        change_signature(case, |text| text[..text.len() / 2].to_owned());
    };
    signature_that_is_no_text_is_refused => TooFewSignatures, |case| {
        case.write();
        put(&signature_file(case, 4), &[0xff; 300]);
    };
    manifest_signed_by_keys_taken_back_is_refused => TooFewSignatures, |case| {
        case.draft.root_3(|root| root["dataset"] = role(2, &[0, 1]));
        case.brings_root = true;
    };
    manifest_signed_by_root_keys_is_refused => TooFewSignatures, |case| {
        case.draft.signers = vec![0, 1, 2];
    };
    manifest_signed_by_data_keys_cannot_bring_a_program => TooFewSignatures, |case| {
        as_program(&mut case.draft.manifest);
    };
    manifest_signed_by_data_keys_cannot_bring_a_model => TooFewSignatures, |case| {
        as_program(&mut case.draft.manifest);
        case.draft.manifest["kind"] = "model".into();
        case.draft.manifest["artifacts"][0]["role"] = "weights".into();
        // Key 3 alone would do for a model.
        case.draft.signers = vec![4, 5];
    };
    /// Two programs with two counters would be a way back to the older one.
    program_under_another_id_is_refused => MalformedManifest, |case| {
        as_program(&mut case.draft.manifest);
        case.draft.manifest["id"] = "kura2".into();
        case.draft.signers = vec![0, 1];
    };
}

/// Leaves the first file, as the program.
fn as_program(manifest: &mut Value) {
    manifest["kind"] = "app".into();
    manifest["id"] = "kura".into();
    let artifacts = manifest["artifacts"].as_array_mut().unwrap();
    artifacts.truncate(1);
    artifacts[0]["role"] = "program".into();
    let totals = json!({
        "artifacts": 1,
        "chunks": artifacts[0]["chunks"].as_array().unwrap().len(),
        "raw": artifacts[0]["len"],
    });
    manifest["totals"] = totals;
}
