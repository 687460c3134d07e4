mod deltas;

use std::collections::BTreeSet;
use std::sync::Mutex;

use jiff::civil::date;

use super::*;
use crate::sync::bundle::{Kind, Stick, unpack};
use crate::sync::trust::{PublicKey, Role, Signed, TrustedKey};

/// A key that is not encrypted, which is quick.
pub(super) struct TestKey {
    pair: minisign::KeyPair,
    public: PublicKey,
}

impl TestKey {
    fn new() -> Self {
        let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
        let public = PublicKey::parse(&pair.pk.to_base64()).unwrap();
        Self { pair, public }
    }

    fn sign(&self, message: &[u8], comment: &str) -> Result<(String, String), String> {
        let signed = minisign::sign(None, &self.pair.sk, message, Some(comment), None);
        let text = signed.map_err(|why| why.to_string())?.into_string();
        Ok((self.public.id().unwrap(), text))
    }
}

/// Root 1 with one key for everything.
fn root_of(key: &TestKey) -> Vec<Link> {
    let id = key.public.id().unwrap();
    let owner = "試験".to_owned();
    let trusted = TrustedKey { id: id.clone(), public_key: key.public.clone(), owner };
    let role = Role { threshold: 1, keys: vec![id] };
    let root = Root::new(1, date(2099, 1, 1), vec![trusted], &role);
    let bytes = serde_json::to_vec(&root).unwrap();
    let signatures = vec![key.sign(&bytes, &root_comment(&root)).unwrap()];
    vec![Link { version: 1, signed: Signed { bytes, signatures } }]
}

fn header(edition: &str, counter: u64) -> Header {
    Header {
        channel: "stable".into(),
        kind: Kind::Dataset,
        id: "town".into(),
        title: "試験町".into(),
        edition: edition.into(),
        counter,
        root_version: 1,
        stale_after_days: 0,
        min_app: "0.1.0".into(),
        security_floor: 0,
    }
}

fn sources(passages: &[u8]) -> Vec<Source> {
    let source = |id: &str, role, bytes: &[u8]| Source {
        id: id.to_owned(),
        role,
        licence: "MIT".into(),
        source: "試験町".into(),
        content: Content::Bytes(bytes.to_vec()),
    };
    vec![
        source("dataset.toml", ArtifactRole::Info, b"id = \"town\"\n"),
        source("passages.jsonl", ArtifactRole::Passages, passages),
        source("a.store", ArtifactRole::Index, passages),
    ]
}

/// A place for bundles, and the key that signs them.
struct Place {
    dir: tempfile::TempDir,
    key: TestKey,
    roots: Vec<Link>,
}

impl Place {
    fn new() -> Self {
        let key = TestKey::new();
        Self { dir: tempfile::tempdir().unwrap(), roots: root_of(&key), key }
    }

    fn pack(
        &self,
        header: Header,
        sources: &[Source],
        since: Option<Earlier<'_>>,
        cancelled: &AtomicBool,
    ) -> Result<Packed, PackError> {
        let packer = Packer {
            header,
            sources,
            roots: &self.roots,
            out: self.dir.path(),
            since,
            packed_before: None,
            signers: &[&|message, comment| self.key.sign(message, comment)],
            progress: &|_| (),
            cancelled,
        };
        packer.pack()
    }

    fn packed(&self, header: Header, passages: &[u8], since: Option<Earlier<'_>>) -> Packed {
        self.pack(header, &sources(passages), since, &AtomicBool::new(false)).unwrap()
    }

    /// Names of files below the place, relative.
    fn files(&self) -> BTreeSet<String> {
        fn walk(dir: &Path, top: &Path, found: &mut BTreeSet<String>) {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => walk(&path, top, found),
                    false => {
                        let name = path.strip_prefix(top).unwrap();
                        found.insert(name.to_str().unwrap().to_owned());
                    }
                }
            }
        }
        let mut found = BTreeSet::new();
        walk(self.dir.path(), self.dir.path(), &mut found);
        found
    }
}

/// An earlier edition of which the manifest alone was kept.
fn alone(manifest: &Manifest) -> Earlier<'_> {
    Earlier { manifest, passages: None }
}

/// Text that does not repeat, as a data set's passages are.
fn text(len: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(len + 32);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(format!("{{\"id\":\"{state:x}\"}}\n").bytes());
    }
    bytes.truncate(len);
    bytes
}

/// The file of a role as the stick gives it back.
fn read_back(stick: &Stick, manifest: &Manifest, role: ArtifactRole) -> Vec<u8> {
    let artifact = manifest.artifact(role).unwrap();
    let mut bytes = Vec::new();
    for chunk in &artifact.chunks {
        let packed = stick.chunk(chunk).unwrap().unwrap();
        bytes.extend(unpack(chunk, &packed, b"").unwrap());
    }
    assert_eq!(blake3::hash(&bytes).to_hex().as_str(), artifact.blake3);
    assert_eq!(bytes.len() as u64, artifact.len);
    bytes
}

#[test]
fn what_was_packed_comes_back() {
    let place = Place::new();
    let passages = text(300_000);
    let packed = place.packed(header("r8.1", 1), &passages, None);
    assert_eq!(packed.path, place.dir.path().join("kura-bundle"));

    let stick = Stick::find(place.dir.path()).unwrap().remove(0);
    let signed = stick.manifest().unwrap();
    assert_eq!(signed.bytes, packed.signed.bytes);
    let manifest = Manifest::parse(&signed.bytes).unwrap();
    assert_eq!(manifest, packed.manifest);
    assert_eq!(read_back(&stick, &manifest, ArtifactRole::Passages), passages);
    assert_eq!(read_back(&stick, &manifest, ArtifactRole::Index), passages);
    assert_eq!(read_back(&stick, &manifest, ArtifactRole::Info), b"id = \"town\"\n");
    let sha256: String = <sha2::Sha256 as sha2::Digest>::digest(&passages)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert_eq!(manifest.artifact(ArtifactRole::Passages).unwrap().sha256, sha256);

    let links = stick.roots().unwrap();
    assert_eq!(links, place.roots);
    let chain = newest_root(&links).unwrap();
    let signers = chain.root.check(chain.root.role(Kind::Dataset), signed).unwrap();
    assert_eq!(signers, [place.key.public.id().unwrap()]);
    let (_, signature) = &signed.signatures[0];
    assert!(signature.contains("kura dataset id:town edition:r8.1 counter:1 root:1"));
}

#[test]
fn each_chunk_is_written_once() {
    let place = Place::new();
    let half = text(200_000);
    let twice = [half.as_slice(), half.as_slice()].concat();
    let packed = place.packed(header("r8.1", 1), &twice, None);
    let manifest = &packed.manifest;
    let all: BTreeSet<&String> =
        manifest.artifacts.iter().flat_map(|a| &a.chunks).map(|chunk| &chunk.hash).collect();
    let files: Vec<String> =
        place.files().into_iter().filter(|name| name.ends_with(".zst")).collect();
    assert_eq!(files.len(), all.len());
    assert_eq!(packed.sizes.chunks, all.len() as u64);
    assert!(all.len() < manifest.artifacts.iter().map(|a| a.chunks.len()).sum());
    let on_disk: u64 =
        files.iter().map(|name| fs::metadata(place.dir.path().join(name)).unwrap().len()).sum();
    assert_eq!(packed.sizes.stored, on_disk);
}

#[test]
fn a_delta_leaves_out_exactly_what_the_earlier_edition_has() {
    let place = Place::new();
    let old = text(400_000);
    let mut new = old.clone();
    new.splice(200_000..200_000, *b"{\"id\":\"a new line\"}\n");
    let first = place.packed(header("r8.1", 1), &old, None);
    let known: BTreeSet<String> = chunk_hashes(&first.manifest);
    let second = place.packed(header("r8.2", 2), &new, Some(alone(&first.manifest)));
    let wanted: BTreeSet<String> =
        chunk_hashes(&second.manifest).difference(&known).cloned().collect();
    let carried: BTreeSet<String> = place
        .files()
        .iter()
        .filter_map(|name| Some(name.strip_suffix(".zst")?.rsplit('/').next()?.to_owned()))
        .collect();
    assert_eq!(carried, wanted);
    assert!(!wanted.is_empty());
    let sizes = second.sizes;
    assert_eq!(sizes.raw, second.manifest.totals.raw);
    assert!(sizes.left_out > sizes.raw / 3, "{sizes:?}");
}

fn chunk_hashes(manifest: &Manifest) -> BTreeSet<String> {
    let chunks = manifest.artifacts.iter().flat_map(|artifact| &artifact.chunks);
    chunks.map(|chunk| chunk.hash.clone()).collect()
}

/// The promise of content-defined chunks, on the figure that the project names.
#[test]
fn one_changed_byte_in_4_mb_costs_at_most_5_percent() {
    let place = Place::new();
    let mut passages = text(4_000_000);
    let only = |passages: &[u8]| {
        let mut sources = sources(passages);
        sources.retain(|source| source.role != ArtifactRole::Index);
        sources
    };
    let cancelled = AtomicBool::new(false);
    let first = place.pack(header("r8.1", 1), &only(&passages), None, &cancelled).unwrap();
    passages[2_000_000] ^= 1;
    let since = Some(alone(&first.manifest));
    let second = place.pack(header("r8.2", 2), &only(&passages), since, &cancelled).unwrap();
    assert!(second.sizes.chunks >= 1);
    assert!(second.sizes.stored * 20 <= first.sizes.stored, "{:?}", second.sizes);
}

#[test]
fn the_same_subject_is_replaced_and_another_gets_its_own_folder() {
    let place = Place::new();
    place.packed(header("r8.1", 1), &text(10_000), None);
    let again = place.packed(header("r8.2", 2), &text(20_000), None);
    assert_eq!(again.path, place.dir.path().join("kura-bundle"));
    let other = Header { id: "city".into(), ..header("r8.1", 1) };
    let other = place.packed(other, &text(10_000), None);
    assert_eq!(other.path, place.dir.path().join("kura-bundle-dataset-city"));
    let sticks = Stick::find(place.dir.path()).unwrap();
    let editions: Vec<String> = sticks
        .iter()
        .map(|stick| Manifest::parse(&stick.manifest().unwrap().bytes).unwrap().edition)
        .collect();
    assert_eq!(editions, ["r8.2", "r8.1"]);
    let left = place.files().into_iter().filter(|name| name.starts_with(".kura")).count();
    assert_eq!(left, 0);
}

#[test]
fn stopped_or_refused_nothing_is_left() {
    let place = Place::new();
    let passages = text(100_000);
    let stopped = AtomicBool::new(true);
    let outcome = place.pack(header("r8.1", 1), &sources(&passages), None, &stopped);
    assert!(matches!(outcome, Err(PackError::Cancelled)));

    let go = AtomicBool::new(false);
    let bad = Header { edition: "令和8年".into(), ..header("r8.1", 1) };
    let outcome = place.pack(bad, &sources(&passages), None, &go);
    assert!(matches!(outcome, Err(PackError::Unfit(_))));

    let mut absent = sources(&passages);
    absent[1].content = Content::File(place.dir.path().join("nothing"));
    let outcome = place.pack(header("r8.1", 1), &absent, None, &go);
    assert!(matches!(outcome, Err(PackError::Sync(_))));

    let mut twice = sources(&passages);
    twice.push(twice[0].clone());
    let outcome = place.pack(header("r8.1", 1), &twice, None, &go);
    assert!(matches!(outcome, Err(PackError::Unfit(_))));
    assert_eq!(place.files(), BTreeSet::new());

    let first = place.packed(header("r8.1", 1), &passages, None);
    let other = Header { id: "city".into(), ..header("r8.1", 1) };
    let outcome = place.pack(other, &sources(&passages), Some(alone(&first.manifest)), &go);
    assert!(matches!(outcome, Err(PackError::OtherSubject { .. })));
    // What was there before is there still.
    assert_eq!(Stick::find(place.dir.path()).unwrap().len(), 1);
}

#[test]
fn measuring_says_what_packing_writes() {
    let place = Place::new();
    let sources = sources(&text(150_000));
    let heard = Mutex::new(0);
    let packer = Packer {
        header: header("r8.1", 1),
        sources: &sources,
        roots: &place.roots,
        out: place.dir.path(),
        since: None,
        packed_before: None,
        signers: &[],
        progress: &|bytes| *heard.lock().unwrap() += bytes,
        cancelled: &AtomicBool::new(false),
    };
    let sizes = packer.measure().unwrap();
    assert_eq!(place.files(), BTreeSet::new());
    assert_eq!(packer.raw_bytes().unwrap(), *heard.lock().unwrap());
    assert_eq!(packer.pack().unwrap().sizes, sizes);
}

#[test]
fn root_documents_as_files() {
    let place = Place::new();
    let dir = place.dir.path();
    let path = write_root(dir, &place.roots[0]).unwrap();
    assert_eq!(path, dir.join("root/1.json"));
    assert!(write_root(dir, &place.roots[0]).is_err(), "a root is never overwritten");
    fs::write(dir.join("root/01.json"), "{").unwrap();
    fs::write(dir.join("root/1.nokey.minisig"), "").unwrap();
    assert_eq!(read_roots(dir).unwrap(), place.roots);
    assert_eq!(read_roots(&dir.join("root")).unwrap(), place.roots);
    let next = Link { version: 2, ..place.roots[0].clone() };
    assert_eq!(write_root(&dir.join("root"), &next).unwrap(), dir.join("root/2.json"));
    assert_eq!(newest_root(&place.roots).unwrap().root.version, 1);
    assert!(newest_root(&[]).is_err());
}
