//! Step 5: the stage, and room for what comes.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::bundle::Manifest;
use super::super::disk;
use super::super::writer::Writer;
use super::super::{Reason, Refusal, Room, SyncError};
use super::Importer;
use super::checks::Checked;

/// Left free beyond what is needed, in bytes: state, ledger, conversations go on being written.
pub(in crate::sync) const SPARE: u64 = 64 * 1024 * 1024;
/// Index or prepared form of a file, in parts of its size.
const DERIVED: u64 = 2;

impl Importer<'_> {
    /// The folder in which this bundle is put together: the same one again after an interruption.
    pub(super) fn open_stage(
        &self,
        writer: &Writer,
        checked: &Checked,
    ) -> Result<PathBuf, SyncError> {
        let parent = self.installation.staging_dir();
        let short: String = checked.manifest_blake3.chars().take(16).collect();
        let stage = parent.join(format!("sync-{short}"));
        for other in writer.stages()? {
            if other != stage && is_of(&other, &checked.manifest) {
                disk::remove(&other)?;
            }
        }
        if Room::of(&parent)?.free < needed(&checked.manifest, &stage) {
            for other in writer.stages()? {
                if other != stage {
                    disk::remove(&other)?;
                }
            }
            let (free, needed) = (Room::of(&parent)?.free, needed(&checked.manifest, &stage));
            if free < needed {
                return Err(too_little(free, needed).into());
            }
        }
        disk::make_dir(&stage)?;
        disk::write(&stage.join("manifest.json"), &checked.signed.bytes)?;
        for (id, text) in &checked.signed.signatures {
            disk::write(&stage.join(format!("manifest.{id}.minisig")), text.as_bytes())?;
        }
        Ok(stage)
    }
}

/// Whether a stage was for the same subject, or for nothing that can be told.
fn is_of(stage: &Path, manifest: &Manifest) -> bool {
    let bytes = fs::read(stage.join("manifest.json")).unwrap_or_default();
    Manifest::parse(&bytes).map_or(true, |other| other.subject() == manifest.subject())
}

/// Bytes that have yet to be written: files, and what is derived from those that have a derived
/// form.
fn needed(manifest: &Manifest, stage: &Path) -> u64 {
    use super::super::bundle::ArtifactRole as Role;
    let brings_index = manifest.artifacts.iter().any(|artifact| artifact.role == Role::Index);
    let of = |artifact: &super::super::bundle::Artifact| {
        let size = |path: PathBuf| fs::metadata(path).map_or(0, |meta| meta.len());
        let place = stage.join(artifact.place());
        let there = size(place.clone()).max(size(super::assemble::part_of(&place)));
        let derived = match artifact.role {
            Role::Weights => artifact.len,
            Role::Passages if !brings_index => artifact.len * DERIVED,
            _ => 0,
        };
        artifact.len.saturating_sub(there).saturating_add(derived)
    };
    manifest.artifacts.iter().map(of).fold(SPARE, u64::saturating_add)
}

/// So many bytes are free, so many are needed.
pub(in crate::sync) fn too_little(free: u64, needed: u64) -> Refusal {
    let (free, needed) = (free >> 20, needed >> 20);
    let ja = format!("空き {free} MB、必要 {needed} MB");
    Refusal::told(Reason::NoSpace, ja, format!("{free} MB free, {needed} MB needed"))
}
