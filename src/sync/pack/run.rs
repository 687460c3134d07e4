//! One pass over the files of a bundle: each is read once, cut, hashed and packed on the way, and
//! every chunk is written once.

use std::cell::Cell;
use std::collections::HashMap;
use std::io;

use super::super::SyncError;
use super::super::bundle::{self, Artifact, ArtifactRole, Base, CHUNK_BYTES_MAX, Chunk, Kind};
use super::super::hashes::Hashes;
use super::bases::Bases;
use super::place::Fresh;
use super::{PackError, Packer, Sizes, Source};

/// What is known of a file when it was read to its end.
#[derive(Default)]
pub(super) struct Whole {
    hashes: Hashes,
    len: u64,
    chunks: Vec<Chunk>,
}

pub(super) fn artifact(source: &Source, whole: Whole) -> Artifact {
    let (blake3, sha256) = whole.hashes.finish();
    Artifact {
        id: source.id.clone(),
        role: source.role,
        licence: source.licence.clone(),
        source: source.source.clone(),
        len: whole.len,
        blake3,
        sha256,
        chunks: whole.chunks,
    }
}

/// One pass over all files.
pub(super) struct Run<'r> {
    packer: &'r Packer<'r>,
    /// Where chunks are written; `None` only counts them.
    fresh: Option<&'r Fresh>,
    /// Chunks by hash: those of the earlier edition (true), and those written in this run.
    known: HashMap<String, (Chunk, bool)>,
    /// What changed chunks of passages are packed against.
    bases: Option<Bases>,
    pub(super) sizes: Sizes,
}

impl<'r> Run<'r> {
    pub(super) fn begin(
        packer: &'r Packer<'r>,
        fresh: Option<&'r Fresh>,
    ) -> Result<Self, PackError> {
        let bases = packer.since.map(|since| Bases::open(&since)).transpose()?.flatten();
        let mut known = HashMap::new();
        for artifact in packer.since.iter().flat_map(|since| &since.manifest.artifacts) {
            for chunk in &artifact.chunks {
                // The box has it whole, however it came.
                let chunk = Chunk { base: Vec::new(), ..chunk.clone() };
                known.insert(chunk.hash.clone(), (chunk, true));
            }
        }
        Ok(Self { packer, fresh, known, bases, sizes: Sizes::default() })
    }

    pub(super) fn take(&mut self, source: &Source) -> Result<Artifact, PackError> {
        let reader = source.content.open()?;
        let kind = cut_like(self.packer.header.kind, source.role);
        let mut whole = Whole::default();
        // The cutter speaks of I/O only; what else stops it waits here.
        let stopped = Cell::new(None);
        let cut = bundle::cut(kind, reader, |raw| {
            self.chunk(source.role, raw, &mut whole).map_err(|why| {
                stopped.set(Some(why));
                io::Error::other("stopped")
            })
        });
        if let Some(why) = stopped.take() {
            return Err(why);
        }
        cut.map_err(SyncError::io("read", source.content.path()))?;
        Ok(artifact(source, whole))
    }

    fn chunk(
        &mut self,
        role: ArtifactRole,
        raw: &[u8],
        whole: &mut Whole,
    ) -> Result<(), PackError> {
        self.packer.go_on()?;
        debug_assert!(raw.len() <= CHUNK_BYTES_MAX as usize);
        let len = raw.len() as u64;
        whole.hashes.update(raw);
        whole.len += len;
        self.sizes.raw += len;
        let hash = blake3::hash(raw).to_hex();
        let bases = self.bases.as_mut().filter(|_| role == ArtifactRole::Passages);
        let chunk = match self.known.get(hash.as_str()) {
            Some((chunk, earlier)) => {
                self.sizes.left_out += if *earlier { len } else { 0 };
                if let Some(bases) = bases {
                    bases.pass(&chunk.hash);
                }
                chunk.clone()
            }
            None => {
                let bases = bases.map(Bases::due).unwrap_or_default();
                self.fresh_chunk(raw, &bases)?
            }
        };
        whole.chunks.push(chunk);
        (self.packer.progress)(len);
        Ok(())
    }

    fn fresh_chunk(&mut self, raw: &[u8], bases: &[Base]) -> Result<Chunk, PackError> {
        let out = self.packer.out;
        let packed = bundle::pack_against(bases, raw);
        let (chunk, packed) = packed.map_err(SyncError::io("pack for", out))?;
        if let Some(fresh) = self.fresh {
            fresh.write_chunk(&chunk, &packed)?;
        }
        self.sizes.chunks += 1;
        self.sizes.stored += u64::from(chunk.stored);
        self.known.insert(chunk.hash.clone(), (chunk.clone(), false));
        Ok(chunk)
    }
}

/// The kind by whose sizes a file is cut. The files of an index are new in every edition: small
/// chunks would find nothing to share and only make the list of them long.
fn cut_like(kind: Kind, role: ArtifactRole) -> Kind {
    match role {
        ArtifactRole::Index => Kind::Model,
        _ => kind,
    }
}
