//! What a record says of the thing that came in, or that was gone back to.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::super::bundle::{Kind, Manifest};
use super::super::trust::key_id_is_well_formed;
use super::super::{Installation, State};
use super::Record;

/// What a bundle was, once its signatures were right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    pub kind: Kind,
    pub id: String,
    pub title: String,
    pub edition: String,
    /// 0 for what did not come by a bundle.
    pub counter: u64,
    /// Key ids that signed.
    pub signers: Vec<String>,
    /// BLAKE3 of each file, by its id.
    pub files: Vec<(String, String)>,
}

impl Subject {
    pub(in crate::sync) fn of(manifest: &Manifest, signers: &[String]) -> Self {
        let files = manifest.artifacts.iter();
        Self {
            kind: manifest.kind,
            id: manifest.id.clone(),
            title: manifest.title.clone(),
            edition: manifest.edition.clone(),
            counter: manifest.counter,
            signers: signers.to_vec(),
            files: files.map(|file| (file.id.clone(), file.blake3.clone())).collect(),
        }
    }

    /// From the manifest and the signatures that an import left in a folder.
    pub(in crate::sync) fn in_dir(dir: &Path) -> Option<(Self, String)> {
        let bytes = fs::read(dir.join("manifest.json")).ok()?;
        let manifest = Manifest::parse(&bytes).ok()?;
        let names =
            fs::read_dir(dir).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut signers: Vec<String> = names
            .filter_map(|name| {
                let id = name.strip_prefix("manifest.")?.strip_suffix(".minisig")?;
                key_id_is_well_formed(id).then(|| id.to_owned())
            })
            .collect();
        signers.sort();
        Some((Self::of(&manifest, &signers), blake3::hash(&bytes).to_hex().to_string()))
    }
}

/// What is known of an attempt: more with every step that it comes through.
#[derive(Clone, Debug, Default)]
pub(in crate::sync) struct Known {
    pub(in crate::sync) subject: Option<Subject>,
    /// Raw bytes that came from the medium.
    pub(in crate::sync) bytes_read: u64,
}

impl Known {
    /// What the stage, or the generation that was put to use, tells of an attempt that could not
    /// end itself.
    pub(super) fn left_by(installation: &Installation, state: &State, begun: &Record) -> Self {
        let short: String = begun.manifest.chars().take(16).collect();
        let stage = installation.staging_dir().join(format!("sync-{short}"));
        let places = std::iter::once(stage).chain(generations(installation, state));
        let subjects = places.filter_map(|dir| Subject::in_dir(&dir));
        let mut ours = subjects.filter(|(_, hash)| *hash == begun.manifest);
        Self { subject: ours.next().map(|(subject, _)| subject), bytes_read: 0 }
    }
}

/// Folders of the generations in use.
fn generations(installation: &Installation, state: &State) -> Vec<PathBuf> {
    let named = |home: PathBuf, all: &std::collections::BTreeMap<String, _>| -> Vec<PathBuf> {
        let dir = |(id, entry): (&String, &super::super::CurrentDataset)| {
            home.join(id).join(&entry.current)
        };
        all.iter().map(dir).collect()
    };
    let mut dirs = named(installation.datasets_dir(), &state.datasets);
    dirs.extend(named(installation.assistants_dir(), &state.assistants));
    dirs.extend(state.models.values().map(|hash| installation.models_dir().join(hash)));
    let app = state.app.as_ref().and_then(|app| app.current.as_ref());
    dirs.extend(app.map(|hash| installation.app_dir().join(hash)));
    dirs
}
