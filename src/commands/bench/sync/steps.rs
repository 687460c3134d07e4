//! The steps of an import one by one, and the disk without them.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Instant;

use rustix::fs::{Advice, fadvise};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::MB;
use crate::sync::SyncError;
use crate::sync::bundle::{Chunk, Stick, unpack};
use crate::sync::pack::Packed;

/// Bytes of raw content that are held for the rates of the processor.
const HELD_BYTES: u64 = 256 * 1024 * 1024;

/// The disk's own rates: one file in one piece, written until it lasts, read past the page cache.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Disk {
    pub(super) write_mb_per_s: f64,
    pub(super) read_mb_per_s: f64,
}

impl Disk {
    pub(super) fn measure(dir: &Path, bytes: u64) -> io::Result<Self> {
        let path = dir.join("disk");
        let mut piece: Vec<u8> = (0..1_u32 << 20).map(|at| (at * 31 % 251) as u8).collect();
        let pieces = bytes.div_ceil(piece.len() as u64);
        let started = Instant::now();
        let mut file = File::create(&path)?;
        for _ in 0..pieces {
            file.write_all(&piece)?;
        }
        file.sync_all()?;
        let write = started.elapsed().as_secs_f64();
        fadvise(&file, 0, None, Advice::DontNeed)?;
        let mut file = File::open(&path)?;
        let started = Instant::now();
        while file.read(&mut piece)? > 0 {}
        let read = started.elapsed().as_secs_f64();
        fs::remove_file(path)?;
        let mb = (pieces * piece.len() as u64) as f64 / MB;
        Ok(Self { write_mb_per_s: mb / write, read_mb_per_s: mb / read })
    }
}

/// Rates of one thread, in millions of raw bytes a second; reading in those of the stick.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Steps {
    /// Chunk files opened, checked and read, one by one.
    pub(super) read_mb_per_s: f64,
    /// Decompression with the check of the chunk's hash.
    pub(super) unpack_mb_per_s: f64,
    pub(super) blake3_mb_per_s: f64,
    pub(super) sha256_mb_per_s: f64,
}

impl Steps {
    pub(super) fn measure(packed: &Packed) -> io::Result<Self> {
        forget(packed)?;
        let stick = Stick::find(&packed.path).map_err(io::Error::other)?.remove(0);
        let (mut read, mut unpacking) = (Rate::default(), Rate::default());
        let (mut blake3_rate, mut sha256_rate) = (Rate::default(), Rate::default());
        for chunk in chunks(packed) {
            let bytes = read.time(u64::from(chunk.stored), || stick.chunk(chunk));
            let bytes = bytes.map_err(io::Error::other)?;
            let bytes = bytes.ok_or_else(|| io::Error::other(SyncError::from(missing(chunk))))?;
            if unpacking.bytes >= HELD_BYTES {
                continue;
            }
            let len = u64::from(chunk.raw);
            let raw =
                unpacking.time(len, || unpack(chunk, &bytes, b"")).map_err(io::Error::other)?;
            blake3_rate.time(len, || std::hint::black_box(blake3::hash(&raw)));
            sha256_rate.time(len, || std::hint::black_box(Sha256::digest(&raw)));
        }
        Ok(Self {
            read_mb_per_s: read.mb_per_s(),
            unpack_mb_per_s: unpacking.mb_per_s(),
            blake3_mb_per_s: blake3_rate.mb_per_s(),
            sha256_mb_per_s: sha256_rate.mb_per_s(),
        })
    }
}

fn missing(chunk: &Chunk) -> crate::sync::Refusal {
    crate::sync::Refusal::new(crate::sync::Reason::MissingChunk, chunk.hash.clone())
}

#[derive(Default)]
struct Rate {
    bytes: u64,
    seconds: f64,
}

impl Rate {
    fn time<T>(&mut self, bytes: u64, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let done = work();
        self.seconds += started.elapsed().as_secs_f64();
        self.bytes += bytes;
        done
    }

    fn mb_per_s(&self) -> f64 {
        self.bytes as f64 / MB / self.seconds
    }
}

fn chunks(packed: &Packed) -> impl Iterator<Item = &Chunk> {
    packed.manifest.artifacts.iter().flat_map(|artifact| &artifact.chunks)
}

/// Puts the chunk files out of the page cache.
pub(super) fn forget(packed: &Packed) -> io::Result<()> {
    for dir in fs::read_dir(packed.path.join("chunks"))? {
        for entry in fs::read_dir(dir?.path())? {
            let file = File::open(entry?.path())?;
            file.sync_all()?;
            fadvise(&file, 0, None, Advice::DontNeed)?;
        }
    }
    Ok(())
}
