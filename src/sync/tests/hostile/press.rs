//! Makes bundles: right ones, and parts to make wrong ones of.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ct_codecs::{Base64, Encoder};
use minisign::KeyPair;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::sync::bundle::{Artifact, ArtifactRole, Chunk, Header, Kind, Manifest, cut, pack};
use crate::sync::trust::PublicKey;

/// Keys 0 to 2 sign roots and programs (two of them), 3 models, two of 3 to 5 data sets, 5
/// assistants. Those from 6 on are strangers'.
const KEYS: usize = 10;

pub(super) fn key(n: usize) -> &'static KeyPair {
    static PAIRS: OnceLock<Vec<KeyPair>> = OnceLock::new();
    let pair = |_| KeyPair::generate_unencrypted_keypair().unwrap();
    &PAIRS.get_or_init(|| (0..KEYS).map(pair).collect())[n]
}

pub(super) fn public(n: usize) -> String {
    key(n).pk.to_base64()
}

pub(super) fn id(n: usize) -> String {
    PublicKey::parse(&public(n)).unwrap().id().unwrap()
}

pub(super) fn sign(n: usize, bytes: &[u8]) -> String {
    minisign::sign(None, &key(n).sk, bytes, Some("kura"), None).unwrap().into_string()
}

/// As in a root document.
pub(super) fn owned(n: usize) -> Value {
    json!({ "id": id(n), "public_key": public(n), "owner": format!("鍵{n}") })
}

pub(super) fn role(threshold: u32, keys: &[usize]) -> Value {
    let keys: Vec<String> = keys.iter().map(|n| id(*n)).collect();
    json!({ "threshold": threshold, "keys": keys })
}

pub(super) fn root(version: u32) -> Value {
    json!({
        "format": "kura-root-1",
        "version": version,
        "issued_at": "2026-11-24T09:00:00+09:00",
        "expires": "2031-11-24",
        "keys": (0..6).map(owned).collect::<Vec<_>>(),
        "root": role(2, &[0, 1, 2]),
        "app": role(2, &[0, 1, 2]),
        "model": role(1, &[3]),
        "dataset": role(2, &[3, 4, 5]),
        "assistants": role(1, &[5]),
    })
}

pub(super) fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

pub(super) fn base64(bytes: &[u8]) -> String {
    Base64::encode_to_string(bytes).unwrap()
}

/// A root document on the stick.
#[derive(Clone)]
pub(super) struct RootFile {
    /// The number in its name.
    pub(super) stem: String,
    pub(super) bytes: Vec<u8>,
    pub(super) signers: Vec<usize>,
}

impl RootFile {
    pub(super) fn of(json: &Value, signers: &[usize]) -> Self {
        Self {
            stem: json["version"].to_string(),
            bytes: serde_json::to_vec(json).unwrap(),
            signers: signers.to_vec(),
        }
    }
}

/// What a stick will carry.
pub(super) struct Draft {
    pub(super) roots: Vec<RootFile>,
    pub(super) manifest: Value,
    /// In place of `manifest`, byte for byte.
    pub(super) bytes: Option<Vec<u8>>,
    pub(super) signers: Vec<usize>,
    /// Packed chunks by hash.
    pub(super) chunks: Vec<(String, Vec<u8>)>,
}

impl Draft {
    /// A good bundle of the data set `town` under roots 1 and 2.
    pub(super) fn good(edition: &str, counter: u64) -> Self {
        let mut chunks = Vec::new();
        let info = format!("id = \"town\"\nedition = \"{edition}\"\n");
        let passages = passages(edition);
        let artifacts = vec![
            artifact("dataset.toml", ArtifactRole::Info, info.as_bytes(), &mut chunks),
            artifact("passages.jsonl", ArtifactRole::Passages, &passages, &mut chunks),
        ];
        let header = Header {
            channel: "stable".into(),
            kind: Kind::Dataset,
            id: "town".into(),
            title: "町のデータ".into(),
            edition: edition.into(),
            counter,
            root_version: 2,
            stale_after_days: 365,
            min_app: "0.1.0".into(),
            security_floor: 3,
        };
        let manifest = serde_json::to_value(Manifest::new(header, artifacts)).unwrap();
        let roots = (1..=2).map(|n| RootFile::of(&root(n), &[0, 1])).collect();
        Self { roots, manifest, bytes: None, signers: vec![3, 4], chunks }
    }

    /// Root 3, rightly signed by two of the old keys; the manifest names it.
    pub(super) fn root_3(&mut self, change: impl FnOnce(&mut Value)) {
        let mut json = root(3);
        change(&mut json);
        self.roots.push(RootFile { stem: "3".into(), ..RootFile::of(&json, &[0, 1]) });
        self.manifest["root_version"] = 3.into();
    }

    /// The chunks of the passages, as the manifest lists them.
    pub(super) fn passage_chunks(&mut self) -> &mut Vec<Value> {
        self.manifest["artifacts"][1]["chunks"].as_array_mut().unwrap()
    }

    /// Puts other raw bytes and another packed form in place of the first chunk of the passages,
    /// with all lengths and sums right; its hash is that of `raw`.
    pub(super) fn replace_first_chunk(&mut self, raw: &[u8], packed: Vec<u8>) -> String {
        let hash = hash(raw);
        let before = self.passage_chunks()[0]["raw"].as_u64().unwrap();
        self.passage_chunks()[0] =
            json!({ "hash": hash, "raw": raw.len(), "stored": packed.len() });
        let grown = |value: &Value| value.as_u64().unwrap() + raw.len() as u64 - before;
        let len = &mut self.manifest["artifacts"][1]["len"];
        *len = grown(len).into();
        let total = &mut self.manifest["totals"]["raw"];
        *total = grown(total).into();
        self.chunks.push((hash.clone(), packed));
        hash
    }

    fn manifest_bytes(&self) -> Vec<u8> {
        self.bytes.clone().unwrap_or_else(|| serde_json::to_vec(&self.manifest).unwrap())
    }

    pub(super) fn write(&self, dir: &Path) {
        std::fs::create_dir_all(dir.join("root")).unwrap();
        for root in &self.roots {
            put(&dir.join(format!("root/{}.json", root.stem)), &root.bytes);
            for n in &root.signers {
                let name = format!("root/{}.{}.minisig", root.stem, id(*n));
                put(&dir.join(name), sign(*n, &root.bytes).as_bytes());
            }
        }
        let bytes = self.manifest_bytes();
        put(&dir.join("manifest.json"), &bytes);
        for n in &self.signers {
            let name = format!("manifest.{}.minisig", id(*n));
            put(&dir.join(name), sign(*n, &bytes).as_bytes());
        }
        for (hash, packed) in &self.chunks {
            put(&chunk_path(dir, hash), packed);
        }
    }
}

pub(super) fn chunk_path(dir: &Path, hash: &str) -> PathBuf {
    dir.join("chunks").join(&hash[..2]).join(format!("{hash}.zst"))
}

pub(super) fn put(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Some 200 KB in lines of which no two are equal, so that there are many chunks.
fn passages(edition: &str) -> Vec<u8> {
    let line = |n: u64| {
        format!("{{\"n\":{n},\"text\":\"{}\"}}\n", hash(format!("{edition}{n}").as_bytes()))
    };
    (0..2_400).map(line).collect::<String>().into_bytes()
}

fn artifact(
    id: &str,
    role: ArtifactRole,
    bytes: &[u8],
    chunks: &mut Vec<(String, Vec<u8>)>,
) -> Artifact {
    let mut listed: Vec<Chunk> = Vec::new();
    cut(Kind::Dataset, bytes, |raw| {
        let (chunk, packed) = pack(raw)?;
        chunks.push((chunk.hash.clone(), packed));
        listed.push(chunk);
        Ok(())
    })
    .unwrap();
    Artifact {
        id: id.into(),
        role,
        licence: "CC0-1.0".into(),
        source: "町".into(),
        len: bytes.len() as u64,
        blake3: hash(bytes),
        sha256: Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect(),
        chunks: listed,
    }
}
