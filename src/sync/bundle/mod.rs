//! What the stick carries: plain chunk files and a signed manifest. No archive format, because
//! links, traversal and bombs come in by those.
//!
//! ```text
//! kura-bundle/root/1.json … N.json         all root documents: a box may be years behind
//! kura-bundle/root/1.<key id>.minisig      their signatures
//! kura-bundle/manifest.json                at most 4 MiB; its exact bytes are signed
//! kura-bundle/manifest.<key id>.minisig    at least the role's threshold of them
//! kura-bundle/chunks/ab/<blake3>.zst       at most 1 MiB raw each
//! ```
//!
//! A delta has the same form: its manifest lists every chunk, the stick lacks those that the
//! edition before had. So what is verified is always the whole. A chunk of passages that changed a
//! little names one or two chunks of the edition before as its `base`, and its file is a zstd frame
//! with their raw bytes as dictionary (`zstd -d -D`): one edited passage costs its own bytes, not
//! those of the 16 KiB around it. What comes out is held to the chunk's length and hash as ever.

mod chunk;
mod manifest;
mod stick;

pub use chunk::{BASES_MAX, Base, CHUNK_BYTES_MAX, cut, pack, pack_against, read_at, unpack};
pub(crate) use manifest::version_numbers;
pub use manifest::{
    Artifact, Chunk, Header, Kind, MANIFEST_BYTES_MAX, Manifest, Role as ArtifactRole, Totals,
    id_is_plain,
};
pub(in crate::sync) use manifest::{is_text, is_time};
pub use stick::Stick;

#[cfg(test)]
mod tests;
