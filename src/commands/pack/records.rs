//! What was packed before: `packed/<kind>/<id>/<edition>.json`, the manifests as they were signed.
//! They give the next number, and what a delta may leave out. Beside the last ones of a data set
//! lie their passages, against which a delta packs what changed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::super::Failure;
use super::super::key::{replace, unusable};
use crate::sync::bundle::{Kind, Manifest, id_is_plain};

/// Releases of which the passages are kept: deltas build on the last one, now and then on the one
/// before, and a copy of every edition would fill the disk.
const PASSAGES_KEPT: usize = 2;

/// The manifests of one kind and id.
#[derive(Debug)]
pub(super) struct Records {
    dir: PathBuf,
    manifests: Vec<Manifest>,
}

impl Records {
    /// Reads them; a folder that is not there holds none.
    pub(super) fn read(packed: &Path, kind: Kind, id: &str) -> Result<Self, Failure> {
        let dir = packed.join(kind.name()).join(id);
        let mut manifests = Vec::new();
        let listing = match fs::read_dir(&dir) {
            Ok(listing) => listing,
            Err(why) if why.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { dir, manifests });
            }
            Err(why) => return Err(unusable(&dir, &why)),
        };
        for entry in listing {
            let path = entry.map_err(|why| unusable(&dir, &why))?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let bytes = fs::read(&path).map_err(|why| unusable(&path, &why))?;
            manifests.push(Manifest::parse(&bytes).map_err(|why| {
                let path = path.display();
                Failure::new(
                    format!("{path}が壊れています（{why}）。控えから戻すか、消して --counter で番号を指定してください。"),
                    format!("{path} is damaged ({why}); restore it, or remove it and give the number with --counter"),
                )
            })?);
        }
        manifests.sort_by_key(|manifest| manifest.counter);
        Ok(Self { dir, manifests })
    }

    /// The number of the last release; 0 where there was none.
    pub(super) fn last_counter(&self) -> u64 {
        self.manifests.last().map_or(0, |manifest| manifest.counter)
    }

    /// What was packed under an edition before, and where its manifest is kept.
    pub(super) fn packed(&self, edition: &str) -> Option<(&Path, &Manifest)> {
        let found = self.manifests.iter().find(|manifest| manifest.edition == edition)?;
        Some((&self.dir, found))
    }

    /// The manifest of an edition.
    pub(super) fn edition(&self, edition: &str) -> Result<&Manifest, Failure> {
        if let Some(found) = self.manifests.iter().find(|manifest| manifest.edition == edition) {
            return Ok(found);
        }
        let known: Vec<&str> =
            self.manifests.iter().map(|manifest| manifest.edition.as_str()).collect();
        let (dir, known) = (self.dir.display(), known.join(", "));
        Err(match known.is_empty() {
            true => Failure::new(
                format!(
                    "{dir}に、これまでの版の目録がありません。差分は、前の版をここで作ったときだけ作れます（--packed で場所を指定できます）。"
                ),
                format!(
                    "{dir} has no manifest of an earlier edition; a delta needs one that was packed here (or name its folder with --packed)"
                ),
            ),
            false => Failure::new(
                format!("版「{edition}」の目録が{dir}にありません。あるもの：{known}"),
                format!("{dir} has no manifest of edition {edition}; there are: {known}"),
            ),
        })
    }

    /// The passages of an edition, if they are kept.
    pub(super) fn passages(&self, edition: &str) -> Option<PathBuf> {
        Some(self.place_of_passages(edition)).filter(|path| path.is_file())
    }

    fn place_of_passages(&self, edition: &str) -> PathBuf {
        self.dir.join(format!("{edition}.passages.jsonl"))
    }

    /// Keeps the passages of a release, and lets those of older ones go.
    pub(super) fn keep_passages(&self, manifest: &Manifest, from: &Path) -> Result<(), Failure> {
        let place = self.place_of_passages(&manifest.edition);
        let growing = place.with_extension("new");
        let kept = fs::copy(from, &growing).and_then(|_| fs::rename(&growing, &place));
        kept.map_err(|why| {
            let _ = fs::remove_file(&growing);
            unusable(&place, &why)
        })?;
        let others = self.manifests.iter().rev().map(|earlier| &earlier.edition);
        let others = others.filter(|edition| **edition != manifest.edition);
        for edition in others.skip(PASSAGES_KEPT - 1) {
            let old = self.place_of_passages(edition);
            match fs::remove_file(&old) {
                Err(why) if why.kind() != io::ErrorKind::NotFound => {
                    return Err(unusable(&old, &why));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Keeps the manifest of a release.
    pub(super) fn keep(&self, manifest: &Manifest, bytes: &[u8]) -> Result<PathBuf, Failure> {
        debug_assert!(id_is_plain(&manifest.edition));
        let place = self.dir.join(format!("{}.json", manifest.edition));
        fs::create_dir_all(&self.dir).map_err(|why| unusable(&place, &why))?;
        replace(&place, bytes)?;
        Ok(place)
    }
}
