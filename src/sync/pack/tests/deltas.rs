//! Deltas whose changed chunks are packed against those of the edition before.

use super::*;
use crate::sync::Installation;
use crate::sync::testing::import;
use crate::sync::{Reason, SyncError, TrustSettings};

/// So many lines of a length as passages have; those that `changed` says are other ones.
fn lines(count: usize, changed: impl Fn(usize) -> bool) -> Vec<u8> {
    let line = |at: usize| {
        let seed = if changed(at) { at + (1 << 40) } else { at };
        let hash = blake3::hash(&seed.to_le_bytes());
        let mut text = vec![0; 100 + seed % 500];
        blake3::Hasher::new_keyed(hash.as_bytes()).finalize_xof().fill(&mut text);
        let text: String = text.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{{\"id\":{at},\"text\":\"{text}\"}}\n").into_bytes()
    };
    (0..count).flat_map(line).collect()
}

fn scattered(at: usize) -> bool {
    at * 97 % 100 == 50
}

/// Two editions of which the second differs in one line of a hundred.
struct Editions {
    place: Place,
    kept: PathBuf,
    old: Vec<u8>,
    new: Vec<u8>,
    first: Packed,
}

impl Editions {
    fn new() -> Self {
        let place = Place::new();
        let (old, new) = (lines(3_000, |_| false), lines(3_000, scattered));
        let first = place.pack_passages(header("r8.1", 1), &old, None);
        let kept = place.dir.path().join("kept.jsonl");
        fs::write(&kept, &old).unwrap();
        Self { place, kept, old, new, first }
    }

    fn second(&self, passages: Option<&Path>) -> Packed {
        let since = Some(Earlier { manifest: &self.first.manifest, passages });
        self.place.pack_passages(header("r8.2", 2), &self.new, since)
    }
}

impl Place {
    /// A bundle without an index.
    fn pack_passages(&self, header: Header, passages: &[u8], since: Option<Earlier<'_>>) -> Packed {
        let mut sources = sources(passages);
        sources.retain(|source| source.role != ArtifactRole::Index);
        self.pack(header, &sources, since, &AtomicBool::new(false)).unwrap()
    }

    fn trust(&self) -> TrustSettings {
        let fingerprint = blake3::hash(&self.roots[0].signed.bytes).to_hex().to_string();
        TrustSettings { fingerprint: Some(fingerprint), channel: "stable".into() }
    }
}

fn installed(data: &Installation, edition: &str) -> Vec<u8> {
    fs::read(data.generation_dir("town", edition).join("passages.jsonl")).unwrap()
}

#[test]
fn one_line_of_a_hundred_anywhere_costs_at_most_5_percent() {
    let editions = Editions::new();
    let without = editions.second(None).sizes;
    let second = editions.second(Some(&editions.kept));
    let (whole, delta) = (editions.first.sizes.stored, second.sizes.stored);
    assert!(delta * 20 <= whole, "{delta} of {whole}");
    assert!(without.stored * 5 > whole, "chunks alone carry {} of {whole}", without.stored);
    assert_eq!(without.left_out, second.sizes.left_out, "the chunks are the same ones");
}

#[test]
fn what_was_packed_against_a_base_comes_out_whole() {
    let editions = Editions::new();
    let box_dir = tempfile::tempdir().unwrap();
    let (data, trust) = (Installation::new(box_dir.path()), editions.place.trust());
    let stick = editions.place.dir.path();
    assert!(import(&data, &trust, stick).unwrap().changed);
    assert_eq!(installed(&data, "r8.1"), editions.old);
    let second = editions.second(Some(&editions.kept));
    assert!(import(&data, &trust, stick).unwrap().changed);
    assert_eq!(installed(&data, "r8.2"), editions.new);

    // The edition after it builds on chunks that came packed against others.
    fs::write(&editions.kept, &editions.new).unwrap();
    let newest = lines(3_000, |at| scattered(at + 1));
    let since = Earlier { manifest: &second.manifest, passages: Some(&editions.kept) };
    editions.place.pack_passages(header("r8.3", 3), &newest, Some(since));
    assert!(import(&data, &trust, stick).unwrap().changed);
    assert_eq!(installed(&data, "r8.3"), newest);
}

#[test]
fn a_box_without_the_edition_before_says_so() {
    let editions = Editions::new();
    editions.second(Some(&editions.kept));
    let box_dir = tempfile::tempdir().unwrap();
    let data = Installation::new(box_dir.path());
    let refused = import(&data, &editions.place.trust(), editions.place.dir.path());
    let Err(SyncError::Refused(refusal)) = refused else { panic!("{refused:?}") };
    assert_eq!(refusal.reason, Reason::MissingChunk);
    assert!(refusal.to_string().contains("r8.1"), "{refusal}");
}

#[test]
fn a_base_that_rotted_on_the_box_is_not_blamed_on_the_medium() {
    let editions = Editions::new();
    let box_dir = tempfile::tempdir().unwrap();
    let (data, trust) = (Installation::new(box_dir.path()), editions.place.trust());
    let stick = editions.place.dir.path();
    import(&data, &trust, stick).unwrap();
    let second = editions.second(Some(&editions.kept));
    let new = &second.manifest.artifact(ArtifactRole::Passages).unwrap().chunks;
    let base = new.iter().find_map(|chunk| chunk.base.first()).unwrap();
    let old = &editions.first.manifest.artifact(ArtifactRole::Passages).unwrap().chunks;
    let before = old.iter().take_while(|chunk| chunk.hash != *base);
    let at: usize = before.map(|chunk| chunk.raw as usize).sum();
    let path = data.generation_dir("town", "r8.1").join("passages.jsonl");
    let mut bytes = fs::read(&path).unwrap();
    bytes[at] ^= 1;
    fs::write(&path, bytes).unwrap();
    let refused = import(&data, &trust, stick);
    let Err(SyncError::Refused(refusal)) = refused else { panic!("{refused:?}") };
    assert_eq!(refusal.reason, Reason::MissingChunk);
    assert!(refusal.to_string().contains("a whole bundle"), "{refusal}");
}

#[test]
fn what_is_no_longer_what_it_was_is_no_base() {
    let editions = Editions::new();
    let mut other = editions.old.clone();
    other.iter_mut().for_each(|byte| *byte ^= 1);
    fs::write(&editions.kept, other).unwrap();
    let second = editions.second(Some(&editions.kept));
    let chunks = second.manifest.artifacts.iter().flat_map(|artifact| &artifact.chunks);
    assert!(chunks.map(|chunk| &chunk.base).all(Vec::is_empty));
    fs::remove_file(&editions.kept).unwrap();
    let since = Earlier { manifest: &editions.first.manifest, passages: Some(&editions.kept) };
    let sources = sources(&editions.new);
    let go = AtomicBool::new(false);
    let outcome = editions.place.pack(header("r8.3", 3), &sources, Some(since), &go);
    assert!(matches!(outcome, Err(PackError::Sync(_))));
}
