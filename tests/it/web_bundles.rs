//! Signed bundles of a test's own, and a [`Prepare`] that makes them ready to be searched.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use kura::document::{Passage, timestamp};
use kura::ingest::{self, chunk, manifest};
use kura::search::Index;
use kura::sync::bundle::{ArtifactRole, Header, Kind, Manifest};
use kura::sync::pack::{Content, Packed};
use kura::sync::{GenerationRecord, ModelRecord, Prepare, Reason, Refusal, TrustSettings};
use kura::text::Lang;
use kura::web::Updates;
use serde_json::{Value, json};

use crate::publisher::{self, source};

/// Passages of a data set: a few dozen chunks.
pub(crate) const PASSAGES: usize = 600;

/// One who may sign, and a place for bundles.
pub(crate) struct Publisher {
    dir: tempfile::TempDir,
    publisher: publisher::Publisher,
}

/// A bundle as a browser sees it.
pub(crate) struct Bundle {
    pub(crate) path: PathBuf,
    /// Packed chunks by hash.
    pub(crate) chunks: BTreeMap<String, Vec<u8>>,
    packed: Packed,
}

impl Publisher {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { dir, publisher: publisher::Publisher::owned_by("試験町 総務課") }
    }

    /// What a box that trusts this publisher has in its settings.
    pub(crate) fn updates(&self) -> Arc<dyn Updates> {
        let fingerprint = Some(self.publisher.fingerprint());
        let trust = TrustSettings { fingerprint, channel: "stable".to_owned() };
        Arc::new(TestUpdates { trust })
    }

    /// A data set in which `changed` replaces the text of one passage.
    pub(crate) fn dataset(&self, id: &str, counter: u64, changed: &str) -> Bundle {
        let (info, passages) = content(id, counter, changed);
        self.pack(id, counter, info.as_bytes(), passages.as_bytes())
    }

    /// The same as a delta from an edition, packed against its passages.
    pub(crate) fn delta(&self, id: &str, counter: u64, changed: &str, since: &Bundle) -> Bundle {
        let (info, passages) = content(id, counter, changed);
        self.packed(id, counter, (info.as_bytes(), passages.as_bytes()), Some(&since.packed))
    }

    /// A data set of any content.
    pub(crate) fn pack(&self, id: &str, counter: u64, info: &[u8], passages: &[u8]) -> Bundle {
        self.packed(id, counter, (info, passages), None)
    }

    fn packed(
        &self,
        id: &str,
        counter: u64,
        (info, passages): (&[u8], &[u8]),
        since: Option<&Packed>,
    ) -> Bundle {
        let kept = self.publisher.passages_of(id, counter);
        std::fs::write(&kept, passages).unwrap();
        let sources = [
            source("dataset.toml", ArtifactRole::Info, Content::Bytes(info.to_vec())),
            source("passages.jsonl", ArtifactRole::Passages, Content::File(kept)),
        ];
        let header = Header {
            title: "試験町のデータ".into(),
            stale_after_days: 36500,
            ..publisher::header(Kind::Dataset, id, &counter.to_string(), counter)
        };
        let out = self.dir.path().join(format!("{id}-{counter}"));
        let packed = self.publisher.pack(&out, header, &sources, since);
        let path = packed.path.clone();
        let mut chunks = BTreeMap::new();
        for folder in std::fs::read_dir(path.join("chunks")).unwrap() {
            for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
                let file = file.unwrap().path();
                let hash = file.file_stem().unwrap().to_str().unwrap().to_owned();
                chunks.insert(hash, std::fs::read(&file).unwrap());
            }
        }
        Bundle { path, chunks, packed }
    }
}

/// `dataset.toml` and `passages.jsonl`.
fn content(id: &str, counter: u64, changed: &str) -> (String, String) {
    let info = format!(
        "id = \"{id}\"\ntitle = \"試験町のデータ\"\nscope = \"local\"\nauthority = \"manual\"\n\
         as_of = \"2026-10-01\"\nedition = \"{counter}\"\npublisher = \"試験町\"\n\
         licence = \"MIT\"\nstale_after_days = 36500\n"
    );
    let mut lines = String::new();
    for passage in passages(&info, changed) {
        lines += &passage.to_line(passage.as_of).unwrap();
        lines.push('\n');
    }
    (info, lines)
}

impl Bundle {
    /// The papers as the page sends them.
    pub(crate) fn papers(&self) -> Value {
        let root = self.path.join("root/1.json");
        json!({
            "operator": "佐藤", "approver": "鈴木", "media": "USB-07",
            "roots": [{
                "version": 1,
                "text": std::fs::read_to_string(root).unwrap(),
                "signatures": signatures(&self.path.join("root"), "1."),
            }],
            "manifest": {
                "text": std::fs::read_to_string(self.path.join("manifest.json")).unwrap(),
                "signatures": signatures(&self.path, "manifest."),
            },
        })
    }
}

fn signatures(dir: &Path, stem: &str) -> Vec<Value> {
    let names = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
    names
        .filter_map(|name| {
            let name = name.to_str()?;
            let key = name.strip_prefix(stem)?.strip_suffix(".minisig")?;
            let text = std::fs::read_to_string(dir.join(name)).ok()?;
            Some(json!({"key": key, "text": text}))
        })
        .collect()
}

/// Passages that compress badly enough to need many chunks.
fn passages(info: &str, changed: &str) -> Vec<Passage> {
    let info = manifest::parse(info).unwrap();
    let text = "# 受付の手引\n\n## 第1項\n\n受付は、平日に行う。\n";
    let format = ingest::Format::of(Path::new("a.md")).unwrap();
    let document = ingest::read_bytes(format, text.as_bytes(), "a.md").unwrap();
    let first = chunk::passages(&document, "a.md", &chunk::defaults_for(&info, "a.md"));
    let number = |at: usize| blake3::hash(&at.to_le_bytes()).to_hex().to_string();
    (0..PASSAGES)
        .map(|at| Passage {
            id: format!("a.md#{at}"),
            text: match at {
                0 => changed.to_owned(),
                at => format!("受付番号{}の申請は、窓口{at}で受け付ける。", number(at)),
            },
            ..first[0].clone()
        })
        .collect()
}

struct TestUpdates {
    trust: TrustSettings,
}

impl Updates for TestUpdates {
    fn trust(&self) -> TrustSettings {
        self.trust.clone()
    }

    fn prepare<'p>(&'p self, cancelled: &'p AtomicBool) -> Box<dyn Prepare + 'p> {
        Box::new(Builder { cancelled })
    }
}

/// Reads what was staged and builds its index. Takes data sets only.
struct Builder<'p> {
    cancelled: &'p AtomicBool,
}

fn unusable(why: impl std::fmt::Display) -> Refusal {
    Refusal::new(Reason::UnusableContent, why.to_string())
}

impl Prepare for Builder<'_> {
    fn found(&self, _: Lang) -> Option<String> {
        Some("確認用の質問：1問のうち1問が正答".to_owned())
    }

    fn dataset(&self, stage: &Path, _: &Manifest) -> Result<GenerationRecord, Refusal> {
        let info = manifest::load(&stage.join("dataset.toml")).map_err(unusable)?;
        let lines = std::fs::read_to_string(stage.join("passages.jsonl")).map_err(unusable)?;
        let read = |line: &str| Passage::from_line(line.as_bytes(), info.as_of);
        let passages = lines.lines().map(read);
        let passages = passages.collect::<Result<Vec<_>, _>>().map_err(unusable)?;
        let index = stage.join("index");
        let stats = Index::build(&index, passages.into_iter(), |_| (), self.cancelled);
        Ok(GenerationRecord {
            info,
            content_blake3: String::new(),
            documents: 1,
            passages: stats.map_err(unusable)?.passages,
            failures: Vec::new(),
            warnings: Vec::new(),
            added_at: timestamp(),
            kura_version: "0".into(),
        })
    }

    fn model(&self, _: &Path, _: &Manifest) -> Result<ModelRecord, Refusal> {
        Err(unusable("a model"))
    }

    fn app(&self, _: &Path, _: &Manifest) -> Result<(), Refusal> {
        Err(unusable("a program"))
    }

    fn assistants(&self, _: &Path, _: &Manifest) -> Result<(), Refusal> {
        Err(unusable("assistants"))
    }
}
