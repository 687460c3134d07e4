//! The door to the product for `web` and the commands.

mod assist;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

use super::library::{Library, today};
use super::pipeline::{self, Job};
use super::slot::{ModelSlot, Slot};
use super::types::*;
use super::uploads::Uploads;
use super::{not_found, sources, time};
use crate::config::{AnswerConfig, Config, GuardConfig};
use crate::guard::personal::searchable;
use crate::llm::{EngineOptions, EngineStats};
use crate::search::{Query, SearchError};
use crate::sync::Installation;

/// Events that may wait for a slow reader before generation pauses.
const EVENTS: usize = 64;

/// Passages of a search that names no limit, and the most that one may ask for.
const LIMIT: usize = 10;
const LIMIT_MOST: usize = 100;

/// Characters of a question at most.
const QUESTION_MOST: usize = 4000;

/// Installed data, the model in use, and the requests under way.
#[derive(Clone, Debug)]
pub struct Service {
    inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) library: Library,
    pub(super) uploads: Uploads,
    pub(super) model: Arc<ModelSlot>,
    pub(super) settings: AnswerConfig,
    guard: GuardConfig,
    pub(super) stopping: watch::Sender<bool>,
    runtime: Handle,
    active: AtomicUsize,
    active_most: usize,
    slots: usize,
}

/// Counts a request as active while it lives.
#[derive(Debug)]
pub(super) struct Admission(Arc<Inner>);

impl Drop for Admission {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Service {
    /// Opens the data folder and starts loading the model in the background. Must be called inside
    /// a tokio runtime, which then does the work of every request.
    ///
    /// # Errors
    /// The data folder cannot be made or read.
    pub fn open(config: &Config) -> Result<Self, ServiceError> {
        Self::with(config, |installation| {
            let options = EngineOptions::from_config(&config.engine);
            ModelSlot::new(installation, config.model.clone(), options)
        })
    }

    /// The same without a model, for commands that only search.
    ///
    /// # Errors
    /// The data folder cannot be made or read.
    pub fn open_without_model(config: &Config) -> Result<Self, ServiceError> {
        Self::with(config, |installation| ModelSlot::unused(installation, config.model.clone()))
    }

    fn with(
        config: &Config,
        model: impl FnOnce(Installation) -> Arc<ModelSlot>,
    ) -> Result<Self, ServiceError> {
        let internal = |why: &dyn std::fmt::Display| ServiceError::Internal(why.to_string());
        let installation = Installation::new(&config.data_dir);
        let model = model(installation.clone());
        let engine = &config.engine;
        let inner = Inner {
            library: Library::new(installation),
            uploads: Uploads::new(config),
            model,
            settings: config.answer.clone(),
            guard: config.guard.clone(),
            stopping: watch::channel(false).0,
            runtime: Handle::try_current().map_err(|why| internal(&why))?,
            active: AtomicUsize::new(0),
            active_most: engine.slots + engine.queue,
            slots: engine.slots,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The data folder that it serves.
    pub fn installation(&self) -> &Installation {
        self.inner.library.installation()
    }

    /// The data sets as they are installed now.
    pub(super) fn shelf(&self) -> Result<Arc<super::library::Shelf>, ServiceError> {
        self.inner.library.shelf()
    }

    pub(super) fn library(&self) -> &Library {
        &self.inner.library
    }

    pub(super) fn uploads(&self) -> &Uploads {
        &self.inner.uploads
    }

    pub(super) fn guard(&self) -> &GuardConfig {
        &self.inner.guard
    }

    /// Answers a question from data sets. Returns at once; the work goes on until the stream ends
    /// or is dropped.
    pub async fn answer(&self, request: AnswerRequest) -> Result<AnswerStream, ServiceError> {
        if let Some(filled) = request.assistant.clone() {
            return self.assist(filled, request).await;
        }
        check_question(&request.question)?;
        check_sampling(&request.sampling)?;
        let (question, notes) = self.admissible(&request.question)?;
        let request = AnswerRequest { question, ..request };
        let admission = self.admit()?;
        let (shelf, selection) = self.shelf_for(&request).await?;
        let request = AnswerRequest { selection, ..request };
        Ok(self.start(move |job| pipeline::answer(job.noting(notes), shelf, request), admission))
    }

    /// Continues a conversation with the model alone.
    pub async fn chat(&self, request: ChatRequest) -> Result<AnswerStream, ServiceError> {
        check_sampling(&request.sampling)?;
        let (turns, notes) = self.admissible_turns(request.turns).await?;
        let request = ChatRequest { turns, ..request };
        let admission = self.admit()?;
        let plain = pipeline::Plain::chat(&self.inner, request).await?;
        Ok(self.start(move |job| pipeline::plain(job.noting(notes), plain), admission))
    }

    /// Continues a raw prompt with the model alone.
    pub async fn complete(&self, request: CompletionRequest) -> Result<AnswerStream, ServiceError> {
        check_sampling(&request.sampling)?;
        let (prompt, notes) = self.admissible_prompt(request.prompt).await?;
        let request = CompletionRequest { prompt, ..request };
        let admission = self.admit()?;
        let plain = pipeline::Plain::complete(&self.inner, request).await?;
        Ok(self.start(move |job| pipeline::plain(job.noting(notes), plain), admission))
    }

    /// Searches without answering. Blocks for milliseconds: call it off the async threads.
    pub fn search(&self, request: &SearchRequest) -> Result<SearchResponse, ServiceError> {
        check_question(&request.query)?;
        let (text, _) = self.admissible(&request.query)?;
        let text = searchable(&text);
        let limit = request.limit.unwrap_or(LIMIT);
        if !(1..=LIMIT_MOST).contains(&limit) {
            return Err(outside("limit", "1", &LIMIT_MOST.to_string()));
        }
        let started = Instant::now();
        let shelf = self.inner.library.chosen(&request.selection)?;
        let asking = time::asking(&text, &request.selection, today());
        let query = Query {
            text: asking.text.clone(),
            datasets: request.selection.datasets.clone(),
            limit,
            filter: asking.filter.clone(),
            known: shelf.names(),
            ..Query::default()
        };
        let internal = |why: SearchError| ServiceError::Internal(why.to_string());
        let found = shelf.searcher.search(&query).map_err(internal)?;
        let missed = time::missed(&shelf, &query, &found).map_err(internal)?;
        let mut notes = asking.notes.clone();
        notes.extend(time::not_in_force(&sources::ranked(&shelf, missed, asking.day), asking.day));
        notes.extend(not_found::elsewhere(&found));
        let unresolved = sources::unresolved(&found);
        let sources = sources::ranked(&shelf, found.hits, asking.day);
        notes.extend(time::of_all(time::notes(&shelf, &sources, &asking)));
        Ok(SearchResponse {
            unresolved,
            sources,
            selection: asking.selection,
            notes,
            search_ms: started.elapsed().as_secs_f64() * 1e3,
        })
    }

    /// One passage by data set and id, numbered 1. Blocks as `search` does.
    pub fn passage(&self, dataset: &str, id: &str) -> Result<Option<Source>, ServiceError> {
        let shelf = self.inner.library.shelf()?;
        shelf.check(Some(&[dataset.to_owned()]))?;
        let passage = shelf
            .searcher
            .passage(dataset, id)
            .map_err(|why| ServiceError::Internal(why.to_string()))?;
        Ok(passage.and_then(|passage| sources::whole(&shelf, dataset, passage, today())))
    }

    /// The installed data sets, by id. Empty when the state cannot be read (see `health`).
    pub fn datasets(&self) -> Vec<DatasetSummary> {
        self.inner.library.shelf().map(|shelf| shelf.summaries()).unwrap_or_default()
    }

    /// The installed models; the one in use first.
    pub fn models(&self) -> Vec<ModelSummary> {
        self.inner.model.refresh();
        self.inner.model.models()
    }

    /// The model that a request names; `default` is the one in use.
    pub fn resolve_model(&self, name: &str) -> Result<ModelSummary, ServiceError> {
        let mut models = self.models().into_iter();
        let found = models.find(|model| {
            model.current && (name == "default" || name == model.id || name == model.name)
        });
        found.ok_or_else(|| match name {
            "default" => ServiceError::NoModel(self.health().model_problem),
            _ => ServiceError::UnknownModel(name.to_owned()),
        })
    }

    /// What works now.
    pub fn health(&self) -> Health {
        self.inner.model.refresh();
        let shelf = self.inner.library.shelf();
        let model_problem = match self.inner.model.now() {
            Slot::Ready(loaded) => loaded.model.problem().unwrap_or_default(),
            Slot::Loading => "モデルを読み込んでいます".to_owned(),
            Slot::Unusable(why) => why,
        };
        Health {
            search: shelf.as_ref().is_ok_and(|shelf| shelf.broken.is_empty()),
            model: model_problem.is_empty(),
            model_problem,
            datasets: shelf.map_or(0, |shelf| shelf.records.len()),
            active_requests: self.inner.active.load(Ordering::Relaxed),
        }
    }

    /// Answers that are being written or wait for it.
    pub fn active_requests(&self) -> usize {
        self.inner.active.load(Ordering::Relaxed)
    }

    /// What the loaded model's engine has done so far; `None` while there is no model.
    pub fn engine_stats(&self) -> Option<EngineStats> {
        match self.inner.model.now() {
            Slot::Ready(loaded) => Some(loaded.model.engine().stats()),
            Slot::Loading | Slot::Unusable(_) => None,
        }
    }

    /// Waits until the model has been loaded, or cannot be.
    pub async fn model_settled(&self) {
        self.inner.model.settled().await;
    }

    /// Ends every generation; later requests are refused with `Stopping`.
    pub fn shutdown(&self) {
        self.inner.stopping.send_replace(true);
        if let Slot::Ready(loaded) = self.inner.model.now() {
            loaded.model.shutdown();
        }
    }

    fn admit(&self) -> Result<Admission, ServiceError> {
        if *self.inner.stopping.borrow() {
            return Err(ServiceError::Stopping);
        }
        self.inner.model.refresh();
        let before = self.inner.active.fetch_add(1, Ordering::Relaxed);
        // Counted from here on: dropped with the refusal, too.
        let admission = Admission(self.inner.clone());
        if before >= self.inner.active_most {
            let rounds = before.div_ceil(self.inner.slots.max(1)) as u64;
            return Err(ServiceError::Busy { retry_after_s: (5 * rounds).clamp(5, 60) });
        }
        Ok(admission)
    }

    fn start<F, W>(&self, work: F, admission: Admission) -> AnswerStream
    where
        F: FnOnce(Job) -> W,
        W: Future<Output = ()> + Send + 'static,
    {
        let (events, stream) = mpsc::channel(EVENTS);
        let job = Job::new(self.inner.clone(), events);
        let work = work(job);
        self.inner.runtime.spawn(async move {
            work.await;
            drop(admission);
        });
        stream
    }

    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, ServiceError> + Send + 'static,
    ) -> Result<T, ServiceError> {
        let inner = self.inner.clone();
        let joined = self.inner.runtime.spawn_blocking(move || work(&inner)).await;
        joined.unwrap_or_else(|why| Err(ServiceError::Internal(why.to_string())))
    }
}

fn check_question(question: &str) -> Result<(), ServiceError> {
    let (ja, en) = match question.chars().count() {
        _ if question.trim().is_empty() => {
            ("質問を入力してください".to_owned(), "it is empty".to_owned())
        }
        length if length > QUESTION_MOST => (
            format!("{QUESTION_MOST}文字までで入力してください（いまは{length}文字です）"),
            format!("it has {length} characters; at most {QUESTION_MOST} are read"),
        ),
        _ => return Ok(()),
    };
    Err(ServiceError::Invalid { parameter: "question", ja, en })
}

/// A number out of range.
fn outside(parameter: &'static str, least: &str, most: &str) -> ServiceError {
    ServiceError::Invalid {
        parameter,
        ja: format!("{least}から{most}までの数を指定してください"),
        en: format!("a number from {least} to {most} is expected"),
    }
}

fn check_sampling(sampling: &SamplingRequest) -> Result<(), ServiceError> {
    let ranges = [
        ("temperature", sampling.temperature, 0.0, 2.0),
        ("top_p", sampling.top_p, 0.0, 1.0),
        ("min_p", sampling.min_p, 0.0, 1.0),
        ("repetition_penalty", sampling.repetition_penalty, 0.1, 10.0),
    ];
    for (parameter, value, least, most) in ranges {
        if value.is_some_and(|value| !(least..=most).contains(&value)) {
            return Err(outside(parameter, &least.to_string(), &most.to_string()));
        }
    }
    Ok(())
}
