//! A publisher of updates: a key, a root that trusts it, and bundles on a medium.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::AtomicBool;

use kura::ingest::{self, chunk, folder, manifest};
use kura::search::Index;
use kura::sync::bundle::{ArtifactRole, Header, Kind};
use kura::sync::pack::{Content, Earlier, Packed, Packer, Source, root_comment};
use kura::sync::trust::{Link, PublicKey, Role, Root, Signed, TrustedKey};
use serde_json::Value;

use crate::env::{Env, text};

/// Whose name stands in the root.
pub(crate) const OWNER: &str = "試験県データ室";

/// Signs with one key, which its root trusts for everything.
pub(crate) struct Publisher {
    pair: minisign::KeyPair,
    id: String,
    roots: Vec<Link>,
    work: tempfile::TempDir,
}

impl Publisher {
    pub(crate) fn new() -> Self {
        Self::owned_by(OWNER)
    }

    /// One whose key stands under this name in the root.
    pub(crate) fn owned_by(owner: &str) -> Self {
        let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
        let public = PublicKey::parse(&pair.pk.to_base64()).unwrap();
        let id = public.id().unwrap();
        let (work, roots) = (tempfile::tempdir().unwrap(), Vec::new());
        let mut publisher = Self { pair, id: id.clone(), roots, work };
        let trusted = TrustedKey { id: id.clone(), public_key: public, owner: owner.to_owned() };
        let role = Role { threshold: 1, keys: vec![id] };
        let root = Root::new(1, jiff::civil::date(2099, 12, 31), vec![trusted], &role);
        let bytes = serde_json::to_vec(&root).unwrap();
        let signatures = vec![publisher.sign(&bytes, &root_comment(&root)).unwrap()];
        publisher.roots.push(Link { version: 1, signed: Signed { bytes, signatures } });
        publisher
    }

    /// Id of its key.
    pub(crate) fn key(&self) -> &str {
        &self.id
    }

    /// What a box is told to trust.
    pub(crate) fn fingerprint(&self) -> String {
        blake3::hash(&self.roots[0].signed.bytes).to_hex().to_string()
    }

    fn sign(&self, message: &[u8], comment: &str) -> Result<(String, String), String> {
        let signed = minisign::sign(None, &self.pair.sk, message, Some(comment), None);
        Ok((self.id.clone(), signed.map_err(|why| why.to_string())?.into_string()))
    }

    /// Packs files onto a medium.
    pub(crate) fn pack(
        &self,
        out: &Path,
        header: Header,
        sources: &[Source],
        since: Option<&Packed>,
    ) -> Packed {
        std::fs::create_dir_all(out).unwrap();
        let kept = |packed: &Packed| self.passages_of(&packed.manifest.id, packed.manifest.counter);
        let kept = since.map(kept).filter(|path| path.exists());
        let passages = kept.as_deref();
        let since = since.map(|packed| Earlier { manifest: &packed.manifest, passages });
        let packer = Packer {
            header,
            sources,
            roots: &self.roots,
            out,
            since,
            packed_before: None,
            signers: &[&|message, comment| self.sign(message, comment)],
            progress: &|_| (),
            cancelled: &AtomicBool::new(false),
        };
        packer.pack().unwrap()
    }

    /// Where the passages of a release are kept.
    pub(crate) fn passages_of(&self, id: &str, counter: u64) -> PathBuf {
        self.work.path().join(format!("passages-{id}-{counter}"))
    }

    /// Packs the data set of a folder, with its index or without.
    pub(crate) fn dataset(
        &self,
        out: &Path,
        dir: &Path,
        counter: u64,
        with_index: bool,
        since: Option<&Packed>,
    ) -> Packed {
        let info = manifest::load(&dir.join("dataset.toml")).unwrap();
        let mut passages = Vec::new();
        folder::read_folder(
            dir,
            ingest::read,
            |path, document| {
                let defaults = chunk::defaults_for(&info, path);
                passages.extend(chunk::passages(&document, path, &defaults));
            },
            |_| (),
            &AtomicBool::new(false),
        )
        .unwrap();
        let lines = passages.iter().map(|passage| passage.to_line(info.as_of).unwrap() + "\n");
        let kept = self.passages_of(&info.id, counter);
        std::fs::write(&kept, lines.collect::<String>()).unwrap();
        let lines = Content::File(kept);
        let file = |name: &str| Content::File(dir.join(name));
        let mut sources = vec![
            source("dataset.toml", ArtifactRole::Info, file("dataset.toml")),
            source("passages.jsonl", ArtifactRole::Passages, lines),
        ];
        if dir.join("golden.toml").exists() {
            sources.push(source("golden.toml", ArtifactRole::Golden, file("golden.toml")));
        }
        if with_index {
            let index = self.work.path().join(format!("index-{}-{counter}", info.id));
            Index::build(&index, passages.into_iter(), |_| (), &AtomicBool::new(false)).unwrap();
            for entry in std::fs::read_dir(&index).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                // Locks and the engine's own list are no content.
                if !name.starts_with('.') {
                    sources.push(source(&name, ArtifactRole::Index, Content::File(path)));
                }
            }
        }
        let header = header(Kind::Dataset, &info.id, &info.edition, counter);
        self.pack(out, header, &sources, since)
    }
}

/// A file of a bundle.
pub(crate) fn source(id: &str, role: ArtifactRole, content: Content) -> Source {
    Source { id: id.to_owned(), role, licence: "MIT".into(), source: "試験".into(), content }
}

/// A release.
pub(crate) fn header(kind: Kind, id: &str, edition: &str, counter: u64) -> Header {
    Header {
        channel: "stable".into(),
        kind,
        id: id.to_owned(),
        title: format!("試験の{id}"),
        edition: edition.to_owned(),
        counter,
        root_version: 1,
        stale_after_days: 30,
        min_app: "0.1.0".into(),
        security_floor: 0,
    }
}

/// A box that trusts a publisher.
pub(crate) struct Appliance {
    pub(crate) env: Env,
    pub(crate) publisher: Publisher,
}

impl Appliance {
    pub(crate) fn new() -> Self {
        Self { env: Env::new(), publisher: Publisher::new() }
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.env.command(arguments);
        command.env("KURA_SYNC_TRUSTED_ROOT", self.publisher.fingerprint());
        command.env("KURA_SYNC_OPERATOR", "試験 太郎");
        command
    }

    /// `kura sync` with `--json`: how it ended, and the reports.
    pub(crate) fn sync(&self, medium: &Path, more: &[&str]) -> (Option<i32>, Value) {
        let approver: &[&str] = match more.contains(&"--approver") {
            true => &[],
            false => &["--approver", "試験 課長"],
        };
        let arguments = [&["sync", text(medium), "--json"], approver, more].concat();
        let output = self.command(&arguments).output().unwrap();
        (output.status.code(), json(&output))
    }

    /// Runs a command, expects success, parses what it printed.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        json(&output)
    }

    /// A folder for a medium.
    pub(crate) fn medium(&self, name: &str) -> PathBuf {
        self.env.path(name)
    }
}

fn json(output: &Output) -> Value {
    let printed = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&printed).unwrap_or_else(|why| {
        panic!("{why}: {printed} {}", String::from_utf8_lossy(&output.stderr))
    })
}
