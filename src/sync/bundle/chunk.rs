//! Chunks: cut where the content says (FastCDC, Xia et al., USENIX ATC 2016), so that the next
//! edition shares all that did not change; packed with zstd; never longer than 1 MiB. A chunk that
//! changed a little is packed against those that it came from, which a delta leaves to the box.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

use fastcdc::v2020::StreamCDC;

use super::super::{Reason, Refusal};
use super::manifest::{Chunk, Kind};

/// Raw bytes of a chunk at most.
pub const CHUNK_BYTES_MAX: u32 = 1024 * 1024;

/// Chunks that one chunk may build on.
pub const BASES_MAX: usize = 2;

/// zstd's default; more costs the packing side time and gains a few percent.
const LEVEL: i32 = 3;

/// Smallest, average and largest chunk in bytes. Texts change in many small places; models do not
/// change in part, and one of 8 GB must fit its list into the manifest.
fn sizes(kind: Kind) -> (usize, usize, usize) {
    match kind {
        Kind::Model => (512 * 1024, 768 * 1024, 1024 * 1024),
        Kind::App => (32 * 1024, 128 * 1024, 512 * 1024),
        Kind::Dataset | Kind::Assistants => (4 * 1024, 16 * 1024, 64 * 1024),
    }
}

/// Cuts a file and hands each chunk on, in order.
///
/// # Errors
/// Reading failed, or `each` did.
pub fn cut(
    kind: Kind,
    source: impl Read,
    mut each: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let (least, average, most) = sizes(kind);
    for piece in StreamCDC::new(source, least, average, most) {
        each(&piece.map_err(io::Error::from)?.data)?;
    }
    Ok(())
}

/// The bytes of a chunk out of a whole file in which it begins at `at`; `None` where they cannot be
/// read, or are not what `hash` (BLAKE3) says.
pub fn read_at(file: &File, at: u64, len: u32, hash: &str) -> Option<Vec<u8>> {
    let mut raw = vec![0; usize::try_from(len.min(CHUNK_BYTES_MAX)).ok()?];
    file.read_exact_at(&mut raw, at).ok()?;
    (blake3::hash(&raw).to_hex().as_str() == hash).then_some(raw)
}

/// What a chunk is packed against.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Base {
    /// BLAKE3 of the chunks, in order; at most [`BASES_MAX`].
    pub hashes: Vec<String>,
    /// Their raw bytes, one behind the other: zstd's dictionary.
    pub raw: Vec<u8>,
}

/// Packs the raw bytes of a chunk: how the manifest names it, and what its file holds.
///
/// # Errors
/// zstd ran out of memory.
pub fn pack(raw: &[u8]) -> io::Result<(Chunk, Vec<u8>)> {
    let packed = zstd::bulk::compress(raw, LEVEL)?;
    Ok((chunk(raw, &packed, Vec::new())?, packed))
}

/// As [`pack`], against one of `bases` or alone, whichever takes least.
///
/// # Errors
/// As [`pack`].
pub fn pack_against(bases: &[Base], raw: &[u8]) -> io::Result<(Chunk, Vec<u8>)> {
    let (mut least, mut packed) = pack(raw)?;
    for base in bases {
        let other = zstd::bulk::Compressor::with_dictionary(LEVEL, &base.raw)?.compress(raw)?;
        if other.len() + naming(&base.hashes) < packed.len() + naming(&least.base) {
            (least, packed) = (chunk(raw, &other, base.hashes.clone())?, other);
        }
    }
    Ok((least, packed))
}

/// Bytes that naming a base takes in the manifest.
fn naming(hashes: &[String]) -> usize {
    match hashes.is_empty() {
        true => 0,
        false => {
            hashes.iter().map(|hash| hash.len() + "\"\",".len()).sum::<usize>()
                + ",\"base\":[]".len()
        }
    }
}

fn chunk(raw: &[u8], packed: &[u8], base: Vec<String>) -> io::Result<Chunk> {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(io::Error::other);
    let hash = blake3::hash(raw).to_hex().to_string();
    Ok(Chunk { hash, raw: length(raw)?, stored: length(packed)?, base })
}

/// Unpacks a chunk into memory of the declared length, and checks what came out. `base` are the
/// raw bytes of the chunks that it builds on, empty where there are none.
///
/// # Errors
/// It is not zstd, was packed against something else, is longer or shorter than declared, or has
/// another hash.
pub fn unpack(chunk: &Chunk, packed: &[u8], base: &[u8]) -> Result<Vec<u8>, Refusal> {
    let damaged = || Refusal::new(Reason::DamagedChunk, chunk.hash.clone());
    let len = usize::try_from(chunk.raw.min(CHUNK_BYTES_MAX)).map_err(|_| damaged())?;
    // The buffer has the declared length, so that a bomb runs into its end.
    let raw = match base.is_empty() {
        true => zstd::bulk::decompress(packed, len),
        false => zstd::bulk::Decompressor::with_dictionary(base)
            .and_then(|mut unpacking| unpacking.decompress(packed, len)),
    };
    let raw = raw.map_err(|_| damaged())?;
    let right = raw.len() == len && blake3::hash(&raw).to_hex().as_str() == chunk.hash;
    right.then_some(raw).ok_or_else(damaged)
}
