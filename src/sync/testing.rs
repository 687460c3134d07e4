//! For tests: publishers with keys and roots, bundles with tiny chunks, sticks as folders.

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use jiff::civil::date;
use sha2::{Digest, Sha256};

use super::bundle::{Artifact, ArtifactRole, Header, Kind, Manifest, Stick, pack};
use super::ledger::Who;
use super::trust::{Link, PublicKey, Role, Root, Signed, TrustedKey};
use super::{
    GenerationRecord, Imported, Importer, Installation, ModelRecord, Prepare, Refusal, SyncError,
    TrustSettings,
};
use crate::document::{Authority, DatasetInfo, Scope};

/// Raw bytes of a chunk here: files of a few kB have several.
const CHUNK_BYTES: usize = 1000;

/// A key pair without a password.
pub(crate) struct Signer {
    pair: minisign::KeyPair,
    pub(crate) key: TrustedKey,
}

impl Signer {
    pub(crate) fn new(owner: &str) -> Self {
        let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
        let public_key = PublicKey::parse(&pair.pk.to_base64()).unwrap();
        let key = TrustedKey { id: public_key.id().unwrap(), public_key, owner: owner.to_owned() };
        Self { pair, key }
    }

    /// The text of a `.minisig` file.
    pub(crate) fn sign(&self, bytes: &[u8]) -> String {
        let (public, secret) = (&self.pair.pk, &self.pair.sk);
        let made = minisign::sign(Some(public), secret, Cursor::new(bytes), None, None);
        made.unwrap().into_string()
    }
}

/// Bytes with signatures, as they lie on a stick.
pub(crate) fn signed(bytes: Vec<u8>, signers: &[&Signer]) -> Signed {
    let signatures = signers.iter().map(|one| (one.key.id.clone(), one.sign(&bytes))).collect();
    Signed { bytes, signatures }
}

/// A root in which each key signs everything.
pub(crate) fn root(version: u32, signers: &[&Signer], threshold: u32) -> Root {
    let keys: Vec<TrustedKey> = signers.iter().map(|one| one.key.clone()).collect();
    let role = Role { threshold, keys: keys.iter().map(|key| key.id.clone()).collect() };
    Root::new(version, date(2036, 3, 31), keys, &role)
}

/// Three keys of which two must sign, and the roots so far.
pub(crate) struct Publisher {
    pub(crate) signers: Vec<Signer>,
    pub(crate) links: Vec<Link>,
}

impl Publisher {
    pub(crate) fn new() -> Self {
        let signers: Vec<Signer> = ["情報係", "総務課長", "監査"].map(Signer::new).into();
        let mut publisher = Self { signers, links: Vec::new() };
        let by: Vec<&Signer> = publisher.signers.iter().collect();
        let bytes = serde_json::to_vec(&root(1, &by, 2)).unwrap();
        let link = Link { version: 1, signed: signed(bytes, &by[..2]) };
        publisher.links.push(link);
        publisher
    }

    /// A new key takes the place of the first: the next root, signed by the old keys and the new.
    pub(crate) fn rotate(&mut self) {
        let new = Signer::new("後任");
        let version = self.links.len() as u32 + 1;
        let kept: Vec<&Signer> = self.signers.iter().skip(1).chain([&new]).collect();
        let bytes = serde_json::to_vec(&root(version, &kept, 2)).unwrap();
        let by: Vec<&Signer> = self.signers.iter().chain([&new]).collect();
        let link = Link { version, signed: signed(bytes, &by) };
        self.links.push(link);
        self.signers.remove(0);
        self.signers.push(new);
    }

    /// Settings of a box that trusts the first root.
    pub(crate) fn settings(&self) -> TrustSettings {
        let fingerprint = blake3::hash(&self.links[0].signed.bytes).to_hex().to_string();
        TrustSettings { fingerprint: Some(fingerprint), channel: "stable".to_owned() }
    }

    /// A bundle, signed by the first two keys.
    pub(crate) fn bundle(&self, header: Header, files: &[(ArtifactRole, &str, &[u8])]) -> Bundle {
        let mut chunks = BTreeMap::new();
        let artifacts =
            files.iter().map(|(role, id, bytes)| artifact(*role, id, bytes, &mut chunks)).collect();
        let manifest = Manifest::new(header, artifacts);
        self.bundle_of(&manifest, chunks)
    }

    /// A bundle of this manifest, signed by the first two keys.
    pub(crate) fn bundle_of(
        &self,
        manifest: &Manifest,
        chunks: BTreeMap<String, Vec<u8>>,
    ) -> Bundle {
        let bytes = serde_json::to_vec(manifest).unwrap();
        let by: Vec<&Signer> = self.signers.iter().take(2).collect();
        Bundle { links: self.links.clone(), manifest: signed(bytes, &by), chunks }
    }

    /// What the packing side would say of a first release under the newest root.
    pub(crate) fn header(&self, kind: Kind, id: &str, edition: &str, counter: u64) -> Header {
        Header {
            channel: "stable".to_owned(),
            kind,
            id: id.to_owned(),
            title: format!("{}の見本", kind.label()),
            edition: edition.to_owned(),
            counter,
            root_version: self.links.len() as u32,
            stale_after_days: 365,
            min_app: "0.1.0".to_owned(),
            security_floor: 0,
        }
    }
}

/// Describes a file, and adds its packed chunks by hash.
pub(crate) fn artifact(
    role: ArtifactRole,
    id: &str,
    bytes: &[u8],
    packed: &mut BTreeMap<String, Vec<u8>>,
) -> Artifact {
    let cut = |raw: &[u8]| {
        let (chunk, stored) = pack(raw).unwrap();
        packed.insert(chunk.hash.clone(), stored);
        chunk
    };
    let chunks = bytes.chunks(CHUNK_BYTES).map(cut).collect();
    Artifact {
        id: id.to_owned(),
        role,
        licence: "CC0-1.0".to_owned(),
        source: "試験".to_owned(),
        len: bytes.len() as u64,
        blake3: blake3::hash(bytes).to_hex().to_string(),
        sha256: Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect(),
        chunks,
    }
}

/// A folder in memory where there is room: thousands of small trees are made and removed.
pub(crate) fn scratch() -> tempfile::TempDir {
    const ROOM_BYTES: u64 = 512 * 1024 * 1024;
    let memory = Path::new("/dev/shm");
    let room = rustix::fs::statvfs(memory).map_or(0, |stat| stat.f_bavail * stat.f_frsize);
    let in_memory = (room >= ROOM_BYTES).then(|| tempfile::tempdir_in(memory).ok()).flatten();
    in_memory.unwrap_or_else(|| tempfile::tempdir().unwrap())
}

/// What a stick carries.
#[derive(Clone)]
pub(crate) struct Bundle {
    pub(crate) links: Vec<Link>,
    pub(crate) manifest: Signed,
    /// Packed bytes by hash of the raw ones.
    pub(crate) chunks: BTreeMap<String, Vec<u8>>,
}

impl Bundle {
    /// Writes it as the folder `kura-bundle` in `dir`.
    pub(crate) fn write(&self, dir: &Path) -> PathBuf {
        let home = dir.join("kura-bundle");
        fs::create_dir_all(home.join("root")).unwrap();
        for link in &self.links {
            let stem = link.version.to_string();
            write_signed(&home.join("root"), &stem, &link.signed);
        }
        write_signed(&home, "manifest", &self.manifest);
        for (hash, packed) in &self.chunks {
            let path = chunk_path(&home, hash);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, packed).unwrap();
        }
        home
    }
}

/// Where a chunk lies in a bundle's folder.
pub(crate) fn chunk_path(home: &Path, hash: &str) -> PathBuf {
    home.join("chunks").join(&hash[..2]).join(format!("{hash}.zst"))
}

fn write_signed(dir: &Path, stem: &str, document: &Signed) {
    fs::write(dir.join(format!("{stem}.json")), &document.bytes).unwrap();
    for (id, text) in &document.signatures {
        fs::write(dir.join(format!("{stem}.{id}.minisig")), text).unwrap();
    }
}

/// Imports the bundle in `stick` with a [`Prepare`] of the test's own.
pub(crate) fn import_with(
    prepare: &dyn Prepare,
    installation: &Installation,
    trust: &TrustSettings,
    stick: &Path,
) -> Result<Imported, SyncError> {
    let who = Who {
        operator: "試験".to_owned(),
        approver: "係長".to_owned(),
        media: "USB-01".to_owned(),
    };
    let importer = Importer {
        installation,
        trust,
        today: date(2026, 11, 24),
        who,
        prepare,
        progress: &|_| {},
        cancelled: &AtomicBool::new(false),
    };
    let found = Stick::find(stick)?;
    importer.import(&found[0])
}

/// Imports the bundle in `stick`; all content is good.
pub(crate) fn import(
    installation: &Installation,
    trust: &TrustSettings,
    stick: &Path,
) -> Result<Imported, SyncError> {
    import_with(&Willing, installation, trust, stick)
}

/// Takes whatever comes.
pub(crate) struct Willing;

impl Prepare for Willing {
    fn dataset(&self, _: &Path, manifest: &Manifest) -> Result<GenerationRecord, Refusal> {
        Ok(generation_record(manifest))
    }

    fn model(&self, _: &Path, manifest: &Manifest) -> Result<ModelRecord, Refusal> {
        Ok(model_record(manifest))
    }

    fn app(&self, _: &Path, _: &Manifest) -> Result<(), Refusal> {
        Ok(())
    }

    fn assistants(&self, _: &Path, _: &Manifest) -> Result<(), Refusal> {
        Ok(())
    }
}

/// The same at every call, so that what two runs installed can be compared.
pub(crate) fn generation_record(manifest: &Manifest) -> GenerationRecord {
    GenerationRecord {
        info: DatasetInfo {
            id: manifest.id.clone(),
            title: manifest.title.clone(),
            scope: Scope::Local,
            authority: Authority::Manual,
            as_of: date(2026, 4, 1),
            edition: manifest.edition.clone(),
            publisher: "見本町".to_owned(),
            licence: "CC0-1.0".to_owned(),
            stale_after_days: manifest.stale_after_days,
            documents: Vec::new(),
        },
        content_blake3: "00".to_owned(),
        documents: 1,
        passages: 1,
        failures: Vec::new(),
        warnings: Vec::new(),
        added_at: "2026-11-24T09:00:00+09:00".to_owned(),
        kura_version: "0.1.0".to_owned(),
    }
}

/// The same at every call.
pub(crate) fn model_record(manifest: &Manifest) -> ModelRecord {
    let weights = manifest.artifact(ArtifactRole::Weights).unwrap();
    ModelRecord {
        id: manifest.id.clone(),
        name: manifest.title.clone(),
        blake3: weights.blake3.clone(),
        quantization: "Q4_K_M".to_owned(),
        architecture: "llama".to_owned(),
        size_bytes: weights.len,
        context_tokens: 512,
        licence: weights.licence.clone(),
        self_test: false,
        added_at: "2026-11-24T09:00:00+09:00".to_owned(),
    }
}
