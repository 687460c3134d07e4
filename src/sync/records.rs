//! What is installed, as JSON: `state.json`, `generation.json`, `model.json`, `evaluation.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::document::DatasetInfo;

/// `state.json`: which generations are in use. No other file that is in use is ever replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Data sets by id.
    #[serde(default)]
    pub datasets: BTreeMap<String, CurrentDataset>,
    /// Models: id to the BLAKE3 of the file, which is the name of its folder.
    #[serde(default)]
    pub models: BTreeMap<String, String>,
    /// Id of the model in use.
    #[serde(default)]
    pub model: Option<String>,
}

/// The generations of one data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurrentDataset {
    /// Folder below `datasets/<id>/`.
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
    /// BLAKE3 over `dataset.toml` and all documents, names and contents, lowercase hexadecimal.
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
