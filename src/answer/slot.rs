//! The model in use: loaded beside the running service, exchanged when the state names another.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::pace::Pace;
use super::types::ModelSummary;
use crate::llm::gguf::Gguf;
use crate::llm::prepared;
use crate::llm::tokenizer::EncodeOptions;
use crate::llm::{EngineOptions, Model};
use crate::sync::{Evaluation, Installation, ModelRecord};

/// What the slot holds.
#[derive(Clone, Debug)]
pub(super) enum Slot {
    /// Being read; requests wait.
    Loading,
    /// Answers.
    Ready(Arc<Loaded>),
    /// Cannot answer, and why, in Japanese. Requests get excerpt answers.
    Unusable(String),
}

/// A model that answers, with its record and its speed on this box.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) model: Model,
    pub(super) record: ModelRecord,
    pub(super) pace: Pace,
}

impl Loaded {
    /// Tokens of a piece of text inside a prompt, about: what begins and ends it is left out.
    pub(super) fn text_tokens(&self, text: &str) -> usize {
        let options = EncodeOptions { add_special: false, parse_special: false };
        let tokens = self.model.tokenizer().encode(text, options);
        tokens.map_or_else(|_| text.chars().count(), |tokens| tokens.len())
    }
}

/// Keeps one model ready.
#[derive(Debug)]
pub(super) struct ModelSlot {
    installation: Installation,
    /// The settings' choice; it goes before the state's.
    chosen: Option<String>,
    options: EngineOptions,
    /// Measures the speed of a model that has been loaded, beside its first requests.
    measures: bool,
    slot: watch::Sender<Slot>,
    /// BLAKE3 of the model that is loaded or being loaded, empty for none; `None` where the slot
    /// never loads.
    wanted: Option<Mutex<String>>,
}

impl ModelSlot {
    pub(super) fn new(
        installation: Installation,
        chosen: Option<String>,
        options: EngineOptions,
    ) -> Arc<Self> {
        Self::open(installation, chosen, options, true)
    }

    /// The same without a measurement of its own, for those who measure.
    pub(super) fn quiet(
        installation: Installation,
        chosen: Option<String>,
        options: EngineOptions,
    ) -> Arc<Self> {
        Self::open(installation, chosen, options, false)
    }

    fn open(
        installation: Installation,
        chosen: Option<String>,
        options: EngineOptions,
        measures: bool,
    ) -> Arc<Self> {
        let (slot, _) = watch::channel(Slot::Loading);
        let wanted = Some(Mutex::new("not looked yet".to_owned()));
        let model_slot = Arc::new(Self { installation, chosen, options, measures, slot, wanted });
        model_slot.refresh();
        model_slot
    }

    /// A slot that never loads anything, for commands that only search.
    pub(super) fn unused(installation: Installation, chosen: Option<String>) -> Arc<Self> {
        let (slot, _) = watch::channel(Slot::Unusable("検索だけを行っています".to_owned()));
        let options = EngineOptions::default();
        let wanted = None;
        Arc::new(Self { installation, chosen, options, measures: false, slot, wanted })
    }

    /// What the slot holds now.
    pub(super) fn now(&self) -> Slot {
        self.slot.borrow().clone()
    }

    /// What the slot holds once loading has ended.
    pub(super) async fn settled(&self) -> Slot {
        let mut receiver = self.slot.subscribe();
        match receiver.wait_for(|slot| !matches!(slot, Slot::Loading)).await {
            Ok(slot) => slot.clone(),
            Err(_) => Slot::Unusable("停止しました".to_owned()),
        }
    }

    /// Looks at the state and loads another model in the background when it names one.
    pub(super) fn refresh(self: &Arc<Self>) {
        let Some(wanted) = &self.wanted else { return };
        let record = self.wanted_record();
        let hash = match &record {
            Ok(record) => record.blake3.clone(),
            Err(_) => String::new(),
        };
        {
            let mut wanted = wanted.lock().unwrap_or_else(PoisonError::into_inner);
            if *wanted == hash {
                return;
            }
            wanted.clone_from(&hash);
        }
        match record {
            Ok(record) => self.load(record),
            Err(why) => {
                self.slot.send_replace(Slot::Unusable(why));
            }
        }
    }

    fn load(self: &Arc<Self>, record: ModelRecord) {
        self.slot.send_replace(Slot::Loading);
        let this = self.clone();
        let blake3 = record.blake3.clone();
        let path = self.installation.model_path(&blake3);
        let spawned = std::thread::Builder::new().name("model-load".to_owned()).spawn(move || {
            keep_prepared(&path);
            let slot = match Model::load(&path, &this.options) {
                Ok(model) => {
                    tracing::info!(model = record.name, "the model is ready");
                    let found = this.evaluation(&record.blake3);
                    let pace = Pace::new(&model, found.map(|found| found.prefill_tokens_per_s));
                    // Sorted now, so that the first question need not wait for it.
                    let _ = model.spelling();
                    Slot::Ready(Arc::new(Loaded { model, record, pace }))
                }
                Err(why) => {
                    tracing::error!(%why, "the model cannot be used; answers are excerpts");
                    Slot::Unusable(format!("モデル「{}」を読み込めません：{why}", record.name))
                }
            };
            // Another model may have been chosen meanwhile; its own thread speaks for it then.
            if !this.is_wanted(&blake3) {
                return;
            }
            this.slot.send_replace(slot.clone());
            if let (Slot::Ready(loaded), true) = (slot, this.measures) {
                loaded.pace.measure(&loaded.model);
            }
        });
        if let Err(why) = spawned {
            self.slot.send_replace(Slot::Unusable(format!("モデルを読み込めません：{why}")));
        }
    }

    fn is_wanted(&self, blake3: &str) -> bool {
        let wanted =
            self.wanted.as_ref().map(|it| it.lock().unwrap_or_else(PoisonError::into_inner));
        wanted.is_some_and(|wanted| *wanted == blake3)
    }

    fn wanted_record(&self) -> Result<ModelRecord, String> {
        let state = self.installation.state().map_err(|why| why.to_string())?;
        let id = self.chosen.as_ref().or(state.model.as_ref());
        let id = id.ok_or_else(|| "モデルが登録されていません".to_owned())?;
        let blake3 =
            state.models.get(id).ok_or_else(|| format!("モデル「{id}」は登録されていません"))?;
        self.installation.model(id, blake3).map_err(|why| why.to_string())
    }

    /// All installed models, the one in use first.
    pub(super) fn models(&self) -> Vec<ModelSummary> {
        let used = self.wanted_record().map(|record| record.id).unwrap_or_default();
        let records = self.installation.models().unwrap_or_default();
        let mut summaries: Vec<ModelSummary> =
            records.into_iter().map(|record| self.summary(record, &used)).collect();
        summaries.sort_by_key(|summary| !summary.current);
        summaries
    }

    fn summary(&self, record: ModelRecord, used: &str) -> ModelSummary {
        ModelSummary {
            evaluation: self.evaluation(&record.blake3),
            current: record.id == used,
            id: record.id,
            name: record.name,
            blake3: record.blake3,
            quantization: record.quantization,
            architecture: record.architecture,
            size_bytes: record.size_bytes,
            context_tokens: record.context_tokens,
            self_test: record.self_test,
        }
    }

    /// What was measured with a model; a damaged record counts as none, and is logged.
    pub(super) fn evaluation(&self, blake3: &str) -> Option<Evaluation> {
        self.installation.evaluation(blake3).unwrap_or_else(|why| {
            tracing::warn!(%why, "the evaluation of a model cannot be read");
            None
        })
    }
}

/// Makes the form that is computed with where it is missing or of another version, so that the
/// next start is quick. Where it cannot be kept, loading makes it in memory.
fn keep_prepared(path: &Path) {
    let Ok(gguf) = Gguf::open(path) else { return };
    if let Err(why) = prepared::prepare(&gguf, |_, _| true) {
        tracing::warn!(%why, "the model's prepared form cannot be kept; it is made in memory");
    }
}
