//! Attacks by the content: chunks that are not what the signed list says.

use std::fs;

use super::attacks;
use super::case::Case;
use super::press::{chunk_path, hash, put};
use crate::sync::bundle::{CHUNK_BYTES_MAX, Chunk, unpack};

fn first(case: &mut Case) -> Chunk {
    serde_json::from_value(case.draft.passage_chunks()[0].clone()).unwrap()
}

/// Changes the file of the first chunk.
fn change(case: &mut Case, change: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    case.write();
    let path = case.first_chunk();
    let bytes = change(fs::read(&path).unwrap());
    fs::write(path, bytes).unwrap();
}

/// Changes it, and lets the signed list give its new length.
fn change_with_length(case: &mut Case, change: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    let hash = first(case).hash;
    let chunk = case.draft.chunks.iter_mut().find(|(name, _)| *name == hash).unwrap();
    chunk.1 = change(chunk.1.clone());
    let len = chunk.1.len();
    case.draft.passage_chunks()[0]["stored"] = len.into();
}

/// A frame of zstd that says nothing of its length: `len` zeros.
fn zeros(len: u64) -> Vec<u8> {
    let mut encoder = zstd::stream::Encoder::new(Vec::new(), 19).unwrap();
    std::io::copy(&mut std::io::Read::take(std::io::repeat(0), len), &mut encoder).unwrap();
    encoder.finish().unwrap()
}

/// Moves another file over that of the first chunk once the signatures were found right.
fn swap_after_the_check(case: &mut Case, bytes: &[u8]) {
    case.write();
    let (spare, path) = (case.spare("chunk"), case.first_chunk());
    put(&spare, bytes);
    case.setting.swaps.push((spare, path));
}

attacks! {
    chunk_swapped_for_another_is_refused => DamagedChunk, |case| {
        // Two of equal lengths, so that only the hash can tell.
        let (one, two) = (vec![b'a'; 5_000], vec![b'b'; 5_000]);
        let packed = zstd::bulk::compress(&one, 3).unwrap();
        let other = zstd::bulk::compress(&two, 3).unwrap();
        assert_eq!(packed.len(), other.len());
        case.draft.replace_first_chunk(&one, packed);
        change(case, |_| other);
    };
    chunk_with_one_bit_turned_is_refused => DamagedChunk, |case| change(case, |mut bytes| {
        let at = bytes.len() / 2;
        bytes[at] ^= 1;
        bytes
    });
    chunk_longer_than_declared_is_refused => WrongLength, |case| {
        change(case, |bytes| [bytes, vec![0]].concat());
    };
    truncated_chunk_is_refused => WrongLength, |case| change(case, |mut bytes| {
        bytes.pop();
        bytes
    });
    empty_chunk_is_refused => WrongLength, |case| change(case, |_| Vec::new());
    missing_chunk_is_refused => MissingChunk, |case| {
        case.write();
        fs::remove_file(case.first_chunk()).unwrap();
    };
    stick_without_chunks_is_refused => MissingChunk, |case| {
        case.write();
        fs::remove_dir_all(case.bundle().join("chunks")).unwrap();
    };
    chunk_in_capitals_is_not_found => MissingChunk, |case| {
        case.write();
        let path = case.first_chunk();
        let name = path.file_name().unwrap().to_str().unwrap().to_uppercase();
        fs::rename(&path, path.with_file_name(name)).unwrap();
    };
    /// A gibibyte of zeros behind a length of 64 KiB.
    zstd_bomb_is_refused => DamagedChunk, |case| {
        let raw = vec![0; 65_536];
        let bomb = zeros(1 << 30);
        assert!(bomb.len() < 200_000, "{}", bomb.len());
        case.draft.replace_first_chunk(&raw, bomb);
    };
    zstd_bomb_of_many_frames_is_refused => DamagedChunk, |case| {
        let raw = vec![0; 65_536];
        case.draft.replace_first_chunk(&raw, zeros(65_536).repeat(10_000));
    };
    /// The frame's header says how much memory to take: here 2 GiB less a little.
    frame_with_a_huge_window_is_refused => DamagedChunk, |case| {
        let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x03, 0x00, 0x00];
        case.draft.replace_first_chunk(&[0; 4_096], frame.to_vec());
    };
    frame_with_a_false_length_is_refused => DamagedChunk, |case| {
        // Single segment, eight bytes of length: all ones.
        let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0xe0];
        frame.extend([0xff; 8]);
        frame.extend([0x01, 0x00, 0x00]);
        case.draft.replace_first_chunk(&[0; 4_096], frame);
    };
    chunk_that_unpacks_to_more_is_refused => DamagedChunk, |case| {
        change_with_length(case, |packed| [packed.clone(), packed].concat());
    };
    chunk_that_unpacks_to_less_is_refused => DamagedChunk, |case| {
        change_with_length(case, |_| zstd::bulk::compress(b"short", 3).unwrap());
    };
    chunk_that_is_not_compressed_is_refused => DamagedChunk, |case| {
        case.draft.replace_first_chunk(&[b'x'; 4_096], vec![b'x'; 4_096]);
    };
    chunk_of_another_compression_is_refused => DamagedChunk, |case| {
        change_with_length(case, |_| vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0]);
    };
    garbage_behind_a_frame_is_refused => DamagedChunk, |case| {
        change_with_length(case, |packed| [packed, b"#!/bin/sh".to_vec()].concat());
    };
    sparse_chunk_is_refused => DamagedChunk, |case| change(case, |bytes| vec![0; bytes.len()]);
    sparse_chunk_of_a_gibibyte_is_refused => WrongLength, |case| {
        case.write();
        let file = fs::File::options().write(true).open(case.first_chunk()).unwrap();
        file.set_len(1 << 30).unwrap();
    };
    list_of_another_file_is_refused => WrongFile, |case| {
        case.draft.manifest["artifacts"][1]["blake3"] = hash(b"another").into();
    };
    /// BLAKE3 right, SHA-256 not: both must hold.
    second_hash_of_another_file_is_refused => WrongFile, |case| {
        case.draft.manifest["artifacts"][1]["sha256"] = hash(b"another").into();
    };
    chunks_in_another_order_are_refused => WrongFile, |case| {
        case.draft.passage_chunks().swap(0, 1);
    };
    chunk_named_twice_is_refused => WrongFile, |case| {
        let chunks = case.draft.passage_chunks();
        let (raw, last) = (chunks[0].clone(), chunks.len() - 1);
        chunks[last] = raw.clone();
        let len: u64 = chunks.iter().map(|chunk| chunk["raw"].as_u64().unwrap()).sum();
        let before = case.draft.manifest["artifacts"][1]["len"].as_u64().unwrap();
        case.draft.manifest["artifacts"][1]["len"] = len.into();
        let total = case.draft.manifest["totals"]["raw"].as_u64().unwrap() + len - before;
        case.draft.manifest["totals"]["raw"] = total.into();
    };
    chunk_changed_after_the_check_is_refused => DamagedChunk, |case| {
        let len = first(case).stored as usize;
        swap_after_the_check(case, &vec![0x28; len]);
    };
    chunk_grown_after_the_check_is_refused => WrongLength, |case| {
        swap_after_the_check(case, &vec![0; 2 << 20]);
    };
    /// Everything is there, and of length 0.
    truncated_everything_is_refused => MalformedRoot, |case| {
        case.draft.root_3(|_| ());
        case.write();
        let mut folders = vec![case.bundle()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let known = path.ends_with("1.json") || path.ends_with("2.json");
                match path.is_dir() {
                    true => folders.push(path),
                    false if known => {}
                    false => fs::write(path, b"").unwrap(),
                }
            }
        }
    };
    /// A chunk of the edition in use, damaged on the box, is not made good by a stick that lies.
    chunk_of_the_name_of_an_installed_one_is_checked_too => WrongFile, |case| {
        // The stick says that its file is made of the chunks of the edition in use.
        let old = super::press::Draft::good("r8.1", 5).manifest;
        let file = &mut case.draft.manifest["artifacts"][1];
        let before = file["len"].as_u64().unwrap();
        for field in ["len", "chunks"] {
            file[field] = old["artifacts"][1][field].clone();
        }
        let len = file["len"].as_u64().unwrap();
        let totals = &mut case.draft.manifest["totals"];
        totals["raw"] = (totals["raw"].as_u64().unwrap() + len - before).into();
        let chunks = old["artifacts"][1]["chunks"].as_array().unwrap().len();
        totals["chunks"] = (chunks + 1).into();
    };
}

/// Lengths far above what a chunk may be are cut before memory is taken.
#[test]
fn no_more_memory_than_a_chunk_may_have_is_taken() {
    let chunk = Chunk { hash: hash(b""), raw: u32::MAX, stored: 1, base: Vec::new() };
    assert!(unpack(&chunk, &zeros(u64::from(CHUNK_BYTES_MAX) * 4), b"").is_err());
    assert!(chunk_path(std::path::Path::new("x"), &chunk.hash).starts_with("x/chunks"));
}
