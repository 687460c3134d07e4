//! Attacks by what a chunk of a delta says that it builds on.

use super::attacks;
use super::case::Case;
use super::press::{Draft, hash};
use crate::sync::bundle::{Base, Chunk, pack_against};

/// The first chunks of the edition in use, with their raw bytes.
fn installed() -> Vec<(Chunk, Vec<u8>)> {
    let mut draft = Draft::good("r8.1", 5);
    let listed: Vec<Chunk> = draft
        .passage_chunks()
        .iter()
        .take(3)
        .map(|chunk| serde_json::from_value(chunk.clone()).unwrap())
        .collect();
    let unpacked = listed.into_iter().map(|chunk| {
        let (_, packed) = draft.chunks.iter().find(|(name, _)| *name == chunk.hash).unwrap();
        let raw = zstd::bulk::decompress(packed, chunk.raw as usize).unwrap();
        (chunk, raw)
    });
    unpacked.collect()
}

/// Makes the bundle a delta, and says what its first chunk builds on.
fn builds_on(case: &mut Case, base: &[&str]) {
    case.draft.manifest["since"] = "r8.1".into();
    case.draft.passage_chunks()[0]["base"] = base.into();
}

/// Puts in a first chunk that is packed against an installed one.
fn packed_against(case: &mut Case, at: usize) {
    let (chunk, raw) = installed().swap_remove(at);
    let base = Base { hashes: vec![chunk.hash], raw };
    let mut own = base.raw.clone();
    own.reverse();
    own.extend_from_slice(&base.raw);
    let (made, packed) = pack_against(std::slice::from_ref(&base), &own).unwrap();
    assert!(!made.base.is_empty());
    case.draft.replace_first_chunk(&own, packed);
}

attacks! {
    base_in_a_bundle_that_is_no_delta_is_refused => MalformedManifest, |case| {
        let (chunk, _) = installed().remove(0);
        builds_on(case, &[&chunk.hash]);
        case.draft.manifest.as_object_mut().unwrap().remove("since");
    };
    base_that_the_box_has_not_is_refused => MissingChunk, |case| {
        builds_on(case, &[&hash(b"nowhere")]);
    };
    base_on_the_stick_alone_is_refused => MissingChunk, |case| {
        let own = case.draft.passage_chunks()[1]["hash"].as_str().unwrap().to_owned();
        builds_on(case, &[&own]);
    };
    chunk_that_builds_on_itself_is_refused => MissingChunk, |case| {
        let own = case.draft.passage_chunks()[0]["hash"].as_str().unwrap().to_owned();
        builds_on(case, &[&own]);
    };
    base_that_is_a_path_is_refused => MalformedManifest, |case| {
        builds_on(case, &["../../../../canary/secret"]);
    };
    base_of_three_is_refused => MalformedManifest, |case| {
        let hashes: Vec<String> = installed().into_iter().map(|(chunk, _)| chunk.hash).collect();
        let hashes: Vec<&str> = hashes.iter().map(String::as_str).collect();
        builds_on(case, &hashes);
    };
    base_that_is_no_list_is_refused => MalformedManifest, |case| {
        builds_on(case, &[]);
        case.draft.passage_chunks()[0]["base"] = "0".repeat(64).into();
    };
    /// Packed against one chunk, and said to be packed against another.
    base_that_is_another_is_refused => DamagedChunk, |case| {
        packed_against(case, 0);
        let (other, _) = installed().remove(1);
        builds_on(case, &[&other.hash]);
    };
    base_that_is_left_out_is_refused => DamagedChunk, |case| packed_against(case, 0);
    bomb_behind_a_base_is_refused => DamagedChunk, |case| {
        let (chunk, raw) = installed().remove(0);
        let mut encoder =
            zstd::stream::Encoder::with_dictionary(Vec::new(), 19, &raw).unwrap();
        let zeros = std::io::Read::take(std::io::repeat(0), 1 << 30);
        std::io::copy(&mut { zeros }, &mut encoder).unwrap();
        let bomb = encoder.finish().unwrap();
        case.draft.replace_first_chunk(&vec![0; 65_536], bomb);
        builds_on(case, &[&chunk.hash]);
    };
}
