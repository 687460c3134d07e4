//! Attacks by a manifest whose signatures are right: a publisher's mistake, or stolen keys.

use serde_json::{Value, json};

use super::attacks;
use super::case::Case;
use crate::sync::bundle::CHUNK_BYTES_MAX;

/// The exact bytes, with a piece of them replaced.
fn replaced(case: &mut Case, from: &str, to: &str) {
    let text = serde_json::to_string(&case.draft.manifest).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    case.draft.bytes = Some(text.replacen(from, to, 1).into_bytes());
}

fn bytes(case: &Case) -> Vec<u8> {
    serde_json::to_vec(&case.draft.manifest).unwrap()
}

fn file_id(case: &mut Case, id: &str) {
    case.draft.manifest["artifacts"][1]["id"] = id.into();
}

fn chunk(case: &mut Case) -> &mut Value {
    &mut case.draft.passage_chunks()[0]
}

/// As many files as asked for, all empty.
fn files(case: &mut Case, count: usize, role: &str) {
    let empty = json!({
        "id": "", "role": role, "licence": "", "source": "", "len": 0,
        "blake3": blake3::hash(b"").to_hex().as_str(),
        "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "chunks": [],
    });
    let artifacts = case.draft.manifest["artifacts"].as_array_mut().unwrap();
    for n in 0..count {
        let mut file = empty.clone();
        file["id"] = format!("extra-{n}").into();
        artifacts.push(file);
    }
    let count = artifacts.len();
    case.draft.manifest["totals"]["artifacts"] = count.into();
}

attacks! {
    unknown_field_is_refused => MalformedManifest, |case| {
        case.draft.manifest["run_after"] = "reboot".into();
    };
    unknown_field_of_a_file_is_refused => MalformedManifest, |case| {
        case.draft.manifest["artifacts"][1]["path"] = "/etc/passwd".into();
    };
    repeated_field_is_refused => MalformedManifest, |case| {
        replaced(case, "\"counter\":6", "\"counter\":6,\"counter\":7");
    };
    missing_field_is_refused => MalformedManifest, |case| {
        case.draft.manifest.as_object_mut().unwrap().remove("security_floor");
    };
    deep_json_is_refused => MalformedManifest, |case| {
        case.draft.bytes = Some("[".repeat(1_000_000).into_bytes());
    };
    deep_json_in_a_field_is_refused => MalformedManifest, |case| {
        let deep = format!("\"counter\":{}6{}", "[".repeat(100_000), "]".repeat(100_000));
        replaced(case, "\"counter\":6", &deep);
    };
    /// As many of the smallest chunks as fit: the most memory that a list can ask for.
    bomb_of_tiny_chunks_is_refused => MalformedManifest, |case| {
        let tiny = r#"{"hash":"","raw":1,"stored":1},"#.repeat(130_000);
        replaced(case, "\"chunks\":[", &format!("\"chunks\":[{tiny}"));
    };
    bomb_of_one_long_text_is_refused => MalformedManifest, |case| {
        case.draft.manifest["title"] = "蔵".repeat(1_300_000).into();
    };
    manifest_of_five_mebibytes_is_refused => WrongLength, |case| {
        let mut long = bytes(case);
        long.resize(5 << 20, b' ');
        case.draft.bytes = Some(long);
    };
    empty_manifest_is_refused => MalformedManifest, |case| case.draft.bytes = Some(Vec::new());
    manifest_that_is_null_is_refused => MalformedManifest, |case| {
        case.draft.bytes = Some(b"null".to_vec());
    };
    second_manifest_behind_the_first_is_refused => MalformedManifest, |case| {
        let twice = bytes(case).repeat(2);
        case.draft.bytes = Some(twice);
    };
    byte_order_mark_is_refused => MalformedManifest, |case| {
        case.draft.bytes = Some([b"\xef\xbb\xbf".as_slice(), &bytes(case)].concat());
    };
    manifest_in_utf_16_is_refused => MalformedManifest, |case| {
        let text = case.draft.manifest.to_string();
        case.draft.bytes = Some(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
    };
    text_that_is_no_utf_8_is_refused => MalformedManifest, |case| {
        let mut bytes = bytes(case);
        let at = bytes.windows(4).position(|four| four == b"town").unwrap();
        bytes[at] = 0xff;
        case.draft.bytes = Some(bytes);
    };
    manifest_of_another_format_is_refused => MalformedManifest, |case| {
        case.draft.manifest["format"] = "kura-bundle-9".into();
    };
    bundle_of_another_product_is_refused => NotForThisBox, |case| {
        case.draft.manifest["product"] = "kurashi".into();
    };
    bundle_of_another_channel_is_refused => NotForThisBox, |case| {
        case.draft.manifest["channel"] = "trial".into();
    };
    bundle_for_a_newer_program_is_refused => NeedsNewerApp, |case| {
        case.draft.manifest["min_app"] = "99.0.0".into();
    };
    program_version_that_is_none_is_refused => MalformedManifest, |case| {
        case.draft.manifest["min_app"] = "0.1".into();
    };
    unknown_kind_is_refused => MalformedManifest, |case| {
        case.draft.manifest["kind"] = "settings".into();
    };

    /// Mix and match: a list of one time with the keys of another.
    manifest_for_an_older_root_is_refused => MixedManifest, |case| {
        case.draft.manifest["root_version"] = 1.into();
    };
    manifest_for_a_root_to_come_is_refused => MixedManifest, |case| {
        case.draft.manifest["root_version"] = 3.into();
    };
    downgraded_counter_is_refused => RolledBack, |case| case.draft.manifest["counter"] = 4.into();
    same_counter_with_other_content_is_refused => Equivocation, |case| {
        case.draft.manifest["counter"] = 5.into();
    };
    withdrawn_release_is_refused => BelowSecurityFloor, |case| {
        case.draft.manifest["counter"] = 2.into();
        case.draft.manifest["security_floor"] = 1.into();
    };
    counter_zero_is_refused => MalformedManifest, |case| {
        case.draft.manifest["counter"] = 0.into();
        case.draft.manifest["security_floor"] = 0.into();
    };
    security_floor_above_its_own_counter_is_refused => MalformedManifest, |case| {
        case.draft.manifest["security_floor"] = u64::MAX.into();
    };
    huge_counter_is_refused => MalformedManifest, |case| {
        replaced(case, "\"counter\":6", "\"counter\":18446744073709551616");
    };
    counter_of_a_million_digits_is_refused => MalformedManifest, |case| {
        replaced(case, "\"counter\":6", &format!("\"counter\":{}", "9".repeat(1_000_000)));
    };
    negative_counter_is_refused => MalformedManifest, |case| {
        case.draft.manifest["counter"] = (-6).into();
    };
    broken_counter_is_refused => MalformedManifest, |case| {
        replaced(case, "\"counter\":6", "\"counter\":6.5");
    };

    totals_that_are_not_the_sums_are_refused => MalformedManifest, |case| {
        case.draft.manifest["totals"]["raw"] = 1.into();
    };
    totals_that_overflow_are_refused => MalformedManifest, |case| {
        for at in [0, 1] {
            case.draft.manifest["artifacts"][at]["len"] = u64::MAX.into();
        }
    };
    length_that_is_not_that_of_its_chunks_is_refused => MalformedManifest, |case| {
        case.draft.manifest["artifacts"][1]["len"] = 7.into();
    };
    file_twice_is_refused => MalformedManifest, |case| {
        let mut twice = case.draft.manifest["artifacts"][1].clone();
        twice["role"] = "golden".into();
        case.draft.manifest["artifacts"].as_array_mut().unwrap().push(twice);
    };
    two_files_in_one_place_are_refused => MalformedManifest, |case| {
        files(case, 1, "passages");
    };
    program_in_a_data_set_is_refused => MalformedManifest, |case| files(case, 1, "program");
    data_set_without_passages_is_refused => MalformedManifest, |case| {
        case.draft.manifest["artifacts"][1]["role"] = "index".into();
    };
    bundle_without_files_is_refused => MalformedManifest, |case| {
        case.draft.manifest["artifacts"] = json!([]);
        case.draft.manifest["totals"] = json!({ "artifacts": 0, "chunks": 0, "raw": 0 });
    };
    flood_of_files_is_refused => MalformedManifest, |case| files(case, 8_000, "index");

    traversal_in_a_file_id_is_refused => MalformedManifest, |case| file_id(case, "../../secret");
    absolute_file_id_is_refused => MalformedManifest, |case| file_id(case, "/etc/passwd");
    empty_file_id_is_refused => MalformedManifest, |case| file_id(case, "");
    file_id_of_two_dots_is_refused => MalformedManifest, |case| file_id(case, "..");
    hidden_file_id_is_refused => MalformedManifest, |case| file_id(case, ".state.json.new");
    backslash_in_a_file_id_is_refused => MalformedManifest, |case| file_id(case, "a\\..\\b");
    zero_byte_in_a_file_id_is_refused => MalformedManifest, |case| file_id(case, "a\0b");
    line_end_in_a_file_id_is_refused => MalformedManifest, |case| file_id(case, "a\nb");
    capitals_in_a_file_id_are_refused => MalformedManifest, |case| file_id(case, "Passages");
    file_id_of_300_letters_is_refused => MalformedManifest, |case| {
        file_id(case, &"a".repeat(300));
    };
    /// が as two characters: one name, two spellings.
    decomposed_kana_in_a_file_id_is_refused => MalformedManifest, |case| {
        file_id(case, "か\u{3099}");
    };
    turned_direction_in_a_file_id_is_refused => MalformedManifest, |case| {
        file_id(case, "a\u{202e}lnosj");
    };
    zero_width_in_a_file_id_is_refused => MalformedManifest, |case| file_id(case, "a\u{200b}b");
    full_width_slash_in_a_file_id_is_refused => MalformedManifest, |case| {
        file_id(case, "a\u{ff0f}b");
    };
    full_width_letters_in_a_file_id_are_refused => MalformedManifest, |case| {
        file_id(case, "ｐａｓｓａｇｅｓ");
    };
    traversal_in_the_id_is_refused => MalformedManifest, |case| {
        case.draft.manifest["id"] = "../town".into();
    };
    traversal_in_the_edition_is_refused => MalformedManifest, |case| {
        case.draft.manifest["edition"] = "../../r8.2".into();
    };
    edition_of_an_absolute_path_is_refused => MalformedManifest, |case| {
        case.draft.manifest["edition"] = "/tmp/r8.2".into();
    };
    title_with_terminal_escapes_is_refused => MalformedManifest, |case| {
        case.draft.manifest["title"] = "\u{1b}]0;蔵\u{7}".into();
    };
    title_that_turns_direction_is_refused => MalformedManifest, |case| {
        case.draft.manifest["title"] = "\u{202e}版の町".into();
    };
    source_with_line_ends_is_refused => MalformedManifest, |case| {
        case.draft.manifest["artifacts"][0]["source"] = "町\n承認者: 町長".into();
    };
    issued_at_no_time_is_refused => MalformedManifest, |case| {
        case.draft.manifest["issued_at"] = "<script>alert(1)</script>".into();
    };

    chunk_beyond_a_mebibyte_is_refused => MalformedManifest, |case| {
        chunk(case)["raw"] = (CHUNK_BYTES_MAX + 1).into();
    };
    chunk_of_four_gibibytes_is_refused => MalformedManifest, |case| {
        chunk(case)["raw"] = u32::MAX.into();
    };
    chunk_of_nothing_is_refused => MalformedManifest, |case| chunk(case)["raw"] = 0.into();
    chunk_stored_in_four_gibibytes_is_refused => MalformedManifest, |case| {
        chunk(case)["stored"] = u32::MAX.into();
    };
    chunk_stored_in_nothing_is_refused => MalformedManifest, |case| {
        chunk(case)["stored"] = 0.into();
    };
    traversal_in_a_chunk_hash_is_refused => MalformedManifest, |case| {
        chunk(case)["hash"] = "../../../../canary/secret".into();
    };
    capitals_in_a_chunk_hash_are_refused => MalformedManifest, |case| {
        chunk(case)["hash"] = "AB".repeat(32).into();
    };
    short_chunk_hash_is_refused => MalformedManifest, |case| chunk(case)["hash"] = "ab".into();
    file_hash_of_another_form_is_refused => MalformedManifest, |case| {
        case.draft.manifest["artifacts"][1]["sha256"] = "md5:0".into();
    };
}
