//! What is installed, as JSON: `state.json`, `generation.json`, `model.json`, `evaluation.json`.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize};

use crate::document::DatasetInfo;

/// The version of `state.json` that this program writes. An older program meets a higher one and
/// does not touch it.
pub const STATE_FORMAT: u32 = 2;

/// `state.json`: which generations are in use. No other file that is in use is ever replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Missing in what the first releases wrote.
    #[serde(default)]
    pub format: u32,
    /// Data sets by id.
    #[serde(default)]
    pub datasets: BTreeMap<String, CurrentDataset>,
    /// Models: id to the BLAKE3 of the file, which is the name of its folder.
    #[serde(default)]
    pub models: BTreeMap<String, String>,
    /// The file before, of models that an update replaced; kept for roll-back.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub previous_models: BTreeMap<String, String>,
    /// Id of the model in use.
    #[serde(default)]
    pub model: Option<String>,
    /// Assistants by id of their collection.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub assistants: BTreeMap<String, CurrentDataset>,
    /// The program; `None` while the installed package runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<CurrentApp>,
    /// The root that was last verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<Trust>,
    /// What was imported of each `kind/id`; never goes down.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub floors: BTreeMap<String, Floor>,
}

/// `state.json` as any version of it can be read.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct FormatMark {
    #[serde(default)]
    pub(super) format: u32,
}

/// The newest root known, `trust/<version>.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trust {
    /// The fingerprint in the settings from which trust was reached.
    pub anchor: String,
    pub root_version: u32,
    /// BLAKE3 of the root document.
    pub root_blake3: String,
}

/// The guard against going back, for one `kind/id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Floor {
    /// Highest counter imported.
    pub counter: u64,
    /// BLAKE3 of the manifest that had it.
    pub manifest: String,
    /// The ledger's number of the attempt that brought it: after a power cut it tells whether the
    /// switch was that attempt's.
    #[serde(default)]
    pub attempt: u64,
    /// Highest security floor that a publisher set.
    pub security_floor: u64,
    /// When that manifest was issued, RFC 3339.
    pub issued_at: String,
    /// Days from then on until an update is due; 0 = never.
    pub stale_after_days: u32,
}

impl Floor {
    /// Whether the publisher said that an update is due by now.
    pub fn is_due(&self, today: Date) -> bool {
        let issued = self.issued_at.get(..10).and_then(|day| day.parse::<Date>().ok());
        let days = issued.and_then(|issued| days_between(issued, today));
        self.stale_after_days > 0
            && days.is_some_and(|days| days > i64::from(self.stale_after_days))
    }
}

/// Days from a day to another one; negative where that lies before.
pub fn days_between(from: Date, to: Date) -> Option<i64> {
    to.since(from).ok().map(|span| i64::from(span.get_days()))
}

/// The program's generations, `app/<blake3>/kura`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurrentApp {
    /// BLAKE3 of the binary; `None` is the installed package.
    pub current: Option<String>,
    /// The one before; the outer `None` means that there is none, and is not written; the inner
    /// one is the installed package, and is written as `null`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "written")]
    pub previous: Option<Option<String>>,
    /// Set from the switch until the new program has run for a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<Trial>,
}

/// What is written is there, `null` as well.
fn written<'de, D: Deserializer<'de>>(source: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(source).map(Some)
}

/// A program that has yet to show that it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// Starts so far. One that is begun while another is open means that the other died.
    pub starts: u32,
}

/// The generations of one data set, or of one collection of assistants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurrentDataset {
    /// Folder below `datasets/<id>/` or `assistants/<id>/`.
    pub current: String,
    /// The one before, kept for roll-back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
}

/// `generation.json`: what a generation of a data set holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenerationRecord {
    /// `dataset.toml` as it was.
    pub info: DatasetInfo,
    /// BLAKE3 over `dataset.toml` and all documents, names and contents, lowercase hexadecimal;
    /// of the bytes of the bundle's manifest, which names all contents, where a bundle brought it.
    pub content_blake3: String,
    /// Documents that were indexed.
    pub documents: usize,
    /// Passages in the index.
    pub passages: u64,
    /// Files that were not indexed.
    pub failures: Vec<FileProblem>,
    /// Parts of indexed files that were not read.
    pub warnings: Vec<FileProblem>,
    /// RFC 3339, local time.
    pub added_at: String,
    /// Version that built the index.
    pub kura_version: String,
}

/// A file, or a part of one, that was not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileProblem {
    /// Path inside the data set.
    pub path: String,
    /// What happened and what to do, in Japanese.
    pub ja: String,
    /// The same in English.
    pub en: String,
}

/// `model.json`: an installed model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelRecord {
    /// Name by which commands and requests choose it.
    pub id: String,
    /// Name in the interface.
    pub name: String,
    /// BLAKE3 of the file, lowercase hexadecimal.
    pub blake3: String,
    /// `Q4_K_M`, `F16`, …
    pub quantization: String,
    /// `llama`, `qwen3`, …
    pub architecture: String,
    /// Size of the file.
    pub size_bytes: u64,
    /// Context that the model was made for.
    pub context_tokens: usize,
    /// Licence as the file states it; empty when it does not.
    pub licence: String,
    /// 動作確認用
    pub self_test: bool,
    /// RFC 3339, local time.
    pub added_at: String,
}

/// `evaluation.json` beside a model: what `kura eval model` measured on this box.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Questions asked.
    pub questions: usize,
    /// BLAKE3 of the set of questions and its data set: figures of other sets do not compare.
    pub questions_blake3: String,
    /// Multiple-choice questions answered rightly.
    pub choices: Share,
    /// Answerable questions whose first citation was the right passage.
    pub cited: Share,
    /// Quotations that stand word for word in one of the passages given.
    pub verbatim: Share,
    /// Unanswerable questions answered with 該当なし.
    pub none_recall: Share,
    /// Answers 該当なし that were right.
    pub none_precision: Share,
    /// Speed of reading prompts on this box.
    pub prefill_tokens_per_s: f64,
    /// Speed of writing answers on this box.
    pub decode_tokens_per_s: f64,
    /// Version that measured.
    pub kura_version: String,
    /// RFC 3339, local time.
    pub evaluated_at: String,
}

impl Evaluation {
    /// The figures in one line of Japanese, for beside a model's name.
    pub fn label(&self) -> String {
        let shares = [
            ("四択の正答", self.choices),
            ("正しい出典", self.cited),
            ("原文どおりの引用", self.verbatim),
            ("答えのない質問への該当なし", self.none_recall),
            ("該当なしの正しさ", self.none_precision),
        ];
        let told = shares.iter().filter_map(|(name, share)| {
            let percent = share.percent()?;
            Some(format!("{name}{percent:.0}%（{}/{}）", share.right, share.of))
        });
        format!("見本データによる{}問：{}", self.questions, told.collect::<Vec<_>>().join("、"))
    }
}

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    pub right: usize,
    pub of: usize,
}

impl Share {
    /// Counts one more.
    pub fn count(&mut self, right: bool) {
        self.right += usize::from(right);
        self.of += 1;
    }

    /// In percent, 0 to 100; `None` when nothing was counted.
    pub fn percent(self) -> Option<f64> {
        (self.of > 0).then(|| self.right as f64 * 100.0 / self.of as f64)
    }
}
