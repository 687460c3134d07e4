//! The way of one request: retrieve → prompt → generate → check → stamp, as events.
//!
//! What was found is sent before the model is asked: the reader has the passages, and the sentences
//! of them that fit best, while the model still reads.

mod draft;

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;

use super::checking::{CitationCheck, Evidence, MARK};
use super::layers::Layers;
use super::library::{Shelf, today};
use super::looping::is_looping;
use super::not_found::{NotFound, NotFoundBy};
use super::selection::Selection;
use super::service::Inner;
use super::slot::{Loaded, Slot};
use super::types::*;
use super::{checking, excerpt, follow_up, not_found, prompt, sources, time, uploads};
use crate::document::{DatasetIdentity, ModelIdentity, Provenance, timestamp};
use crate::guard::personal::searchable;
use crate::llm::{
    ChatMessage, PromptError, Sampling, TextEvent, TextReason, TextRequest, Verbatim,
};
use crate::search::{Found, Query, Relevance, SearchError};

/// What the reader sees when nothing fits.
const NOT_FOUND: &str =
    "該当なし\n選ばれたデータセットに、この質問に答えられる記載は見つかりませんでした。";

/// The same of what somebody uploaded.
const NOT_IN_UPLOADS: &str =
    "該当なし\nアップロードした資料に、この質問に答えられる記載は見つかりませんでした。";

/// What the reader sees where there is nothing to look in.
const NO_DATA: &str = "該当なし\n使えるデータセットがありません。情報担当者に知らせてください。";

/// How a model says that nothing fits.
const NOT_FOUND_MARK: &str = "該当なし";

/// Tokens kept free in the context for an answer, at least.
const ANSWER_LEAST: usize = 64;

/// One request under way: where its events go, and what it has counted.
pub(super) struct Job {
    inner: Arc<Inner>,
    events: mpsc::Sender<AnswerEvent>,
    started: Instant,
    usage: Usage,
    notes: Vec<String>,
    layers: Layers,
    /// What was looked in, as it is told at the end.
    selection: Selection,
    /// Told where the answer cites their sources.
    time_notes: Vec<time::SourceNote>,
    /// What an assistant adds.
    task: draft::Task,
    /// What is told beside 該当なし.
    not_found: Option<Box<NotFound>>,
}

/// What an answer is made from.
struct Matter {
    question: String,
    datasets: Vec<DatasetIdentity>,
    sources: Vec<Source>,
    /// The sentences of the sources that fit the question best.
    excerpt: Vec<Excerpt>,
    relevance: Relevance,
    /// What came nearest where nothing fits.
    nearest: Vec<Source>,
}

/// The reader went away.
struct Gone;

/// How a generation ended, with what the citation filter counted.
struct Written {
    finish: FinishReason,
    cited: Vec<usize>,
    counts: CitationCounts,
    text: String,
    /// The model wrote the same without end and was stopped.
    looped: bool,
    failure: Option<String>,
}

impl Written {
    fn nothing() -> Self {
        Self {
            finish: FinishReason::Stop,
            cited: Vec::new(),
            counts: CitationCounts::default(),
            text: String::new(),
            looped: false,
            failure: None,
        }
    }
}

/// A request to the model alone, ready to run.
pub(super) struct Plain {
    loaded: Arc<Loaded>,
    request: TextRequest,
}

impl Plain {
    pub(super) async fn chat(inner: &Inner, request: ChatRequest) -> Result<Self, ServiceError> {
        let loaded = ready(inner).await?;
        let turns: Vec<ChatMessage> = request.turns.into_iter().map(message).collect();
        let prompt = loaded.model.chat_prompt(&turns).map_err(|why| refused("messages", &why))?;
        let (sampling, max_tokens) = (&request.sampling, request.max_tokens);
        let plain = Self::new(inner, loaded, prompt, sampling, max_tokens, request.stop)?;
        Ok(plain.of(request.client))
    }

    pub(super) async fn complete(
        inner: &Inner,
        request: CompletionRequest,
    ) -> Result<Self, ServiceError> {
        let loaded = ready(inner).await?;
        let prompt =
            loaded.model.raw_prompt(&request.prompt).map_err(|why| refused("prompt", &why))?;
        let (sampling, max_tokens) = (&request.sampling, request.max_tokens);
        let plain = Self::new(inner, loaded, prompt, sampling, max_tokens, request.stop)?;
        Ok(plain.of(request.client))
    }

    fn of(mut self, client: Option<u64>) -> Self {
        self.request.client = client;
        self
    }

    fn new(
        inner: &Inner,
        loaded: Arc<Loaded>,
        prompt: Vec<u32>,
        sampling: &SamplingRequest,
        max_tokens: Option<usize>,
        stop: Vec<String>,
    ) -> Result<Self, ServiceError> {
        let limit = loaded.model.context_tokens();
        if prompt.len() >= limit {
            return Err(ServiceError::TooLong { tokens: prompt.len(), limit: limit - 1 });
        }
        let max_tokens = max_tokens.unwrap_or(inner.settings.max_tokens).min(limit - prompt.len());
        let sampling = resolve_sampling(inner, sampling);
        Ok(Self {
            loaded,
            request: TextRequest {
                prompt,
                max_tokens,
                sampling,
                stop,
                client: None,
                constraint: None,
            },
        })
    }
}

/// Runs a request to the model alone.
pub(super) async fn plain(mut job: Job, plain: Plain) {
    let Ok(()) = job.announce(&[], &[]).await else { return };
    let Ok(written) = job.generate(&plain.loaded, plain.request, None).await else { return };
    job.close(AnswerKind::Plain, written, Some(&plain.loaded), Vec::new()).await;
}

pub(super) use draft::write_draft;

/// Answers a question from the data sets of a shelf.
pub(super) async fn answer(mut job: Job, shelf: Arc<Shelf>, request: AnswerRequest) {
    job.task = draft::Task::of(&request);
    let mut matter = match job.retrieve(&shelf, &request).await {
        Ok(matter) => matter,
        Err(why) => return job.fail(format!("検索できませんでした（{why}）。")).await,
    };
    let Ok(()) = job.announce(&matter.sources, &matter.excerpt).await else { return };
    if matter.sources.is_empty() {
        let text = match request.uploads_only {
            true => NOT_IN_UPLOADS,
            false if shelf.records.is_empty() => NO_DATA,
            false => NOT_FOUND,
        };
        let (by, nearest) = (NotFoundBy::Search, std::mem::take(&mut matter.nearest));
        job.not_found = Some(NotFound::new(by, &shelf, &matter.datasets, nearest).into());
        return job.whole(AnswerKind::NotFound, text, Vec::new(), matter.datasets).await;
    }
    let loaded = match job.inner.model.settled().await {
        Slot::Ready(loaded) => loaded,
        Slot::Unusable(why) => return job.quote(matter, &why).await,
        Slot::Loading => return,
    };
    let none = NotFound::new(NotFoundBy::Model, &shelf, &matter.datasets, Vec::new());
    job.not_found = Some(none.into());
    match job.prepare(&loaded, &request, &matter).await {
        Ok(Some((text_request, evidence))) => {
            job.write(&loaded, text_request, evidence, matter).await;
        }
        Ok(None) if request.assistant.is_some() => job.fail(draft::TOO_LONG.to_owned()).await,
        Ok(None) => job.quote(matter, "資料がモデルの扱える長さを超えています").await,
        Err(why) => job.quote(matter, &why).await,
    }
}

impl Job {
    pub(super) fn new(inner: Arc<Inner>, events: mpsc::Sender<AnswerEvent>) -> Self {
        let usage = Usage::default();
        let (notes, time_notes, selection) = (Vec::new(), Vec::new(), Selection::default());
        let (started, layers) = (Instant::now(), Layers::default());
        let task = draft::Task::default();
        let not_found = None;
        Self {
            inner,
            events,
            started,
            usage,
            notes,
            layers,
            selection,
            time_notes,
            task,
            not_found,
        }
    }

    /// The same with something to say beside the answer before anything else.
    pub(super) fn noting(mut self, notes: Vec<String>) -> Self {
        self.notes.extend(notes);
        self
    }

    async fn send(&self, event: AnswerEvent) -> Result<(), Gone> {
        self.events.send(event).await.map_err(|_| Gone)
    }

    async fn announce(&self, sources: &[Source], excerpt: &[Excerpt]) -> Result<(), Gone> {
        let (sources, excerpt) = (sources.to_vec(), excerpt.to_vec());
        self.send(AnswerEvent::Sources { sources, excerpt }).await
    }

    async fn fail(self, message: String) {
        tracing::warn!(message, "an answer broke off");
        // Nobody is left to tell when the reader has gone.
        let _ = self.send(AnswerEvent::Failed { message }).await;
    }

    fn note_data(&mut self, shelf: &Shelf, datasets: &[DatasetIdentity]) {
        for dataset in datasets.iter().filter(|dataset| dataset.stale) {
            self.notes.push(format!(
                "「{}」は基準日（{}）から時間が経っています。最新の内容を確かめてください。",
                dataset.title, dataset.as_of
            ));
        }
        for (id, _) in &shelf.broken {
            self.notes.push(format!("データセット「{id}」を開けないため、使っていません。"));
        }
    }

    async fn retrieve(
        &mut self,
        shelf: &Arc<Shelf>,
        request: &AnswerRequest,
    ) -> Result<Matter, String> {
        let followed = follow_up::Followed::of(&request.question, &request.earlier);
        self.notes.extend(followed.note());
        let text = self.task.search_text().unwrap_or_else(|| followed.search_text());
        let text = searchable(&text);
        let mut asking = time::asking(&text, &request.selection, today());
        self.notes.append(&mut asking.notes);
        self.selection = asking.selection.clone();
        let datasets = shelf.identities(request.selection.datasets.as_deref());
        self.note_data(shelf, &datasets);
        let query = Query {
            text: asking.text.clone(),
            datasets: request.selection.datasets.clone(),
            limit: self.inner.settings.passages,
            filter: asking.filter.clone(),
            known: shelf.names(),
            keep_weak: true,
            ..Query::default()
        };
        let searching = shelf.clone();
        let searched = tokio::task::spawn_blocking(move || {
            let found = searching.searcher.search(&query)?;
            let asked = searching.searcher.relevance(&query.text, query.datasets.as_deref())?;
            let missed = time::missed(&searching, &query, &found)?;
            Ok::<_, SearchError>((found, asked, missed))
        });
        let searched = searched.await.map_err(|why| why.to_string())?;
        let (mut found, relevance, missed) = searched.map_err(|why| why.to_string())?;
        let missed = sources::ranked(shelf, missed, asking.day);
        self.notes.extend(time::not_in_force(&missed, asking.day));
        let nearest = not_found::nearest(shelf, &mut found, asking.day);
        self.take_whole(shelf, request, &mut found)?;
        self.notes.extend(not_found::elsewhere(&found));
        for label in sources::unresolved(&found) {
            self.notes.push(format!("「{label}」は、選ばれたデータセットにありません。"));
        }
        let sources = sources::number(shelf, found.hits, asking.day);
        self.time_notes = time::notes(shelf, &sources, &asking);
        self.notes.extend(sources::warnings(&sources));
        let excerpt = excerpts(&relevance, &sources);
        let scopes = request.selection.scopes.as_deref();
        self.layers = Layers::of(&request.question, &relevance, &sources, scopes);
        self.usage.search_ms = self.started.elapsed().as_secs_f64() * 1e3;
        let question = request.question.clone();
        Ok(Matter { question, datasets, sources, excerpt, relevance, nearest })
    }

    /// Where a question is about an uploaded document as a whole, its beginning is what was found:
    /// the words of 「要約して」 stand nowhere in it.
    fn take_whole(
        &mut self,
        shelf: &Shelf,
        request: &AnswerRequest,
        found: &mut Found,
    ) -> Result<(), String> {
        let uploads = &request.uploads;
        let (question, only) = (&request.question, request.uploads_only);
        if uploads.is_empty() || !uploads::asks_for_whole(question, only) {
            return Ok(());
        }
        let most = self.inner.settings.passages;
        found.hits = uploads::leading(shelf, uploads, most).map_err(|why| why.to_string())?;
        let all: u64 = uploads.iter().map(|upload| upload.content.passages).sum();
        if all > found.hits.len() as u64 {
            self.notes.push(format!(
                "資料全体についての質問とみて、先頭から{}か所（全{all}か所のうち）を使いました。長い資料の要約には、業務アシスタント「要約」を使ってください。",
                found.hits.len()
            ));
        }
        Ok(())
    }

    /// The request to the model and the sources that it holds; `None` when not even one passage
    /// fits the context.
    async fn prepare(
        &self,
        loaded: &Loaded,
        request: &AnswerRequest,
        matter: &Matter,
    ) -> Result<Option<(TextRequest, Evidence)>, String> {
        let settings = &self.inner.settings;
        let context = loaded.model.context_tokens();
        let wanted = request.max_tokens.unwrap_or(settings.max_tokens);
        let room = wanted.min(context / 3).max(ANSWER_LEAST);
        let bare = |turns: &[ChatTurn]| {
            let messages: Vec<ChatMessage> = turns.iter().cloned().map(message).collect();
            loaded.model.chat_prompt(&messages)
        };
        let quick = loaded.pace.budget_tokens(settings.first_token_target_s).await;
        let quick = self.task.at_least(quick, &bare).map_err(|why| why.to_string())?;
        let instructions = self.task.instructions();
        let budget = context.saturating_sub(room).min(quick.unwrap_or(usize::MAX));
        let before = follow_up::fitting(&request.earlier, budget, |text| loaded.text_tokens(text));
        let tokens = |turns: &[ChatTurn]| bare(&follow_up::between(turns, &before));
        let asked = prompt::Asked {
            instructions: instructions.as_deref().unwrap_or(prompt::INSTRUCTIONS),
            question: &matter.question,
            relevance: &matter.relevance,
            layered: !loaded.record.self_test,
        };
        let shown: Vec<_> = matter.sources.iter().map(sources::for_model).collect();
        let given = matter.sources.iter().zip(&shown).map(|(source, passage)| prompt::Given {
            number: source.number,
            rank: source.rank,
            passage,
        });
        let given: Vec<_> = given.collect();
        let count = |turns: &[ChatTurn]| tokens(turns).map(|tokens| tokens.len());
        let built = prompt::build(asked, &given, budget, count, |text| loaded.text_tokens(text));
        let Some(built) = built.map_err(|why| why.to_string())? else { return Ok(None) };
        let prompt = tokens(&built.turns).map_err(|why| why.to_string())?;
        let max_tokens = wanted.min(context - prompt.len());
        let sampling = resolve_sampling(&self.inner, &request.sampling);
        // As the model got them: what was left out of a passage is no basis either.
        let passages = matter.sources.iter().zip(&shown).map(|(s, passage)| (s.number, &**passage));
        let in_prompt = passages.filter(|(number, _)| built.numbers.contains(number));
        let evidence = Evidence::of(in_prompt, &matter.question);
        let verbatim = request.verbatim.or(self.task.verbatim()).unwrap_or(settings.verbatim);
        let constraint = verbatim.then(|| Arc::new(Verbatim::new(&evidence.quotable())));
        let (stop, client) = (Vec::new(), request.client);
        let request = TextRequest { prompt, max_tokens, sampling, stop, client, constraint };
        Ok(Some((request, evidence)))
    }

    async fn write(
        mut self,
        loaded: &Loaded,
        request: TextRequest,
        evidence: Evidence,
        matter: Matter,
    ) {
        let Ok(mut written) = self.generate(loaded, request, Some(evidence)).await else { return };
        if let (Some(why), true) = (&written.failure, written.text.is_empty()) {
            return self.quote(matter, why).await;
        }
        let kind = match is_not_found(&written.text, !written.cited.is_empty()) {
            true => AnswerKind::NotFound,
            false => AnswerKind::Generated,
        };
        if kind == AnswerKind::Generated && written.cited.is_empty() {
            let Ok(()) = self.support(&matter.excerpt, &mut written).await else { return };
        }
        // Against the whole passages, of which the model may have seen a part.
        let texts: Vec<&str> =
            matter.sources.iter().map(|source| source.passage.text.as_str()).collect();
        if kind == AnswerKind::Generated {
            self.task.check(&written.text, written.cited.len(), &texts);
        }
        self.close(kind, written, Some(loaded), matter.datasets).await;
    }

    /// Adds the best sentences of the passages to an answer that cites nothing.
    async fn support(&mut self, excerpt: &[Excerpt], written: &mut Written) -> Result<(), Gone> {
        let mark = match written.counts.unconfirmed {
            0 => MARK,
            _ => "",
        };
        written.counts.unconfirmed = written.counts.unconfirmed.max(1);
        let quoted = excerpt::compose(excerpt);
        self.show(written, format!("{mark}\n\n該当箇所の文：\n{quoted}")).await?;
        written.cited = cited(excerpt);
        let note = "モデルの回答に出典が付いていなかったため、該当箇所の文を抜き出して添えました。";
        self.notes.push(note.to_owned());
        Ok(())
    }

    /// The excerpt as the answer, where no model can be used.
    async fn quote(mut self, matter: Matter, why: &str) {
        self.notes
            .push(format!("モデルを使えないため（{why}）、該当箇所の文をそのまま抜き出しました。"));
        let text = excerpt::compose(&matter.excerpt);
        self.whole(AnswerKind::Excerpt, &text, cited(&matter.excerpt), matter.datasets).await;
    }

    /// Sends a text that no model wrote, and closes.
    async fn whole(
        self,
        kind: AnswerKind,
        text: &str,
        cited: Vec<usize>,
        datasets: Vec<DatasetIdentity>,
    ) {
        let Ok(()) = self.send(AnswerEvent::Text { text: text.to_owned() }).await else { return };
        let written = Written { cited, text: text.to_owned(), ..Written::nothing() };
        self.close(kind, written, None, datasets).await;
    }

    /// Streams what the model writes. `evidence`, the passages in the prompt, turns the check of
    /// citations on.
    async fn generate(
        &mut self,
        loaded: &Loaded,
        request: TextRequest,
        evidence: Option<Evidence>,
    ) -> Result<Written, Gone> {
        let mut check = evidence.map(CitationCheck::new);
        // What the model wrote, before any check.
        let mut raw = String::new();
        let mut stopping = self.inner.stopping.subscribe();
        let mut written = Written::nothing();
        let mut stream = match loaded.model.generate(request) {
            Ok(stream) => stream,
            Err(why) => {
                written.failure = Some(why.to_string());
                return Ok(written);
            }
        };
        loop {
            let event = tokio::select! {
                event = stream.next() => event,
                () = self.events.closed() => return Err(Gone),
                _ = stopping.wait_for(|stopping| *stopping) => {
                    written.finish = FinishReason::Cancelled;
                    break;
                }
            };
            match event {
                Some(TextEvent::Queued { place }) => {
                    self.send(AnswerEvent::Queued { place }).await?;
                }
                Some(TextEvent::Text(text)) => {
                    self.note_first();
                    raw.push_str(&text);
                    let text = match &mut check {
                        Some(check) => check.push(&text),
                        None => text,
                    };
                    self.show(&mut written, text).await?;
                    if (check.is_some() || self.task.is_given()) && is_looping(&raw) {
                        written.looped = true;
                        break;
                    }
                }
                Some(TextEvent::Finished(reason)) => {
                    written.finish = finish(reason);
                    break;
                }
                Some(TextEvent::Failed(why)) => {
                    written.failure = Some(why);
                    break;
                }
                None => {
                    written.failure = Some("モデルが停止しました".to_owned());
                    break;
                }
            }
        }
        (self.usage.prompt_tokens, self.usage.completion_tokens) = stream.counts();
        if let Some(timing) = stream.timing() {
            self.usage.cached_tokens = timing.cached_tokens;
            loaded.pace.note(timing);
        }
        if let Some(check) = &mut check {
            let rest = check.finish();
            self.show(&mut written, rest).await?;
            written.cited = check.cited();
            written.counts = check.counts();
        }
        Ok(written)
    }

    async fn show(&mut self, written: &mut Written, text: String) -> Result<(), Gone> {
        if text.is_empty() {
            return Ok(());
        }
        written.text.push_str(&text);
        if self.task.is_silent() {
            return Ok(());
        }
        self.send(AnswerEvent::Text { text }).await
    }

    /// Something was written, whether or not it is shown yet.
    fn note_first(&mut self) {
        if self.usage.first_token_ms == 0.0 {
            self.usage.first_token_ms = self.started.elapsed().as_secs_f64() * 1e3;
        }
    }

    /// Stamps the answer with its provenance and ends the stream.
    async fn close(
        mut self,
        kind: AnswerKind,
        written: Written,
        loaded: Option<&Loaded>,
        datasets: Vec<DatasetIdentity>,
    ) {
        if let Some(why) = written.failure {
            return self.fail(format!("回答の作成が途中で止まりました（{why}）。")).await;
        }
        let model = loaded.map(|loaded| ModelIdentity {
            name: loaded.record.name.clone(),
            blake3: loaded.record.blake3.clone(),
            quantization: loaded.record.quantization.clone(),
            self_test: loaded.record.self_test,
            evaluation: self
                .inner
                .model
                .evaluation(&loaded.record.blake3)
                .map(|evaluation| evaluation.label()),
        });
        if model.as_ref().is_some_and(|model| model.self_test) {
            self.notes
                .push("動作確認用のモデルによる回答です。業務には使わないでください。".to_owned());
        }
        if written.looped {
            let note = "同じ言葉の繰り返しになったため、回答を途中で止めました。";
            self.notes.push(note.to_owned());
        }
        let layers = self.layers.sum_up(kind, &written.text, &written.cited);
        self.notes.splice(0..0, self.layers.notes(kind, &layers, &written.cited));
        let time_notes = std::mem::take(&mut self.time_notes);
        self.notes.extend(time::of_cited(time_notes, &written.cited));
        self.notes.extend(checking::notes(written.counts));
        self.usage.total_ms = self.started.elapsed().as_secs_f64() * 1e3;
        let summary = AnswerSummary {
            kind,
            finish: written.finish,
            citations_removed: written.counts.removed(),
            citation_check: written.counts,
            cited: written.cited,
            notes: std::mem::take(&mut self.notes),
            checks: self.task.outcomes(),
            layers,
            selection: std::mem::take(&mut self.selection),
            provenance: Provenance {
                assistant: self.task.identity(),
                ..provenance(model, datasets)
            },
            not_found: self.not_found.take().filter(|_| kind == AnswerKind::NotFound),
            record: None,
            usage: self.usage,
        };
        // Nobody is left to tell when the reader has gone.
        let _ = self.send(AnswerEvent::Finished { summary: Box::new(summary) }).await;
    }
}

/// Whether a model's answer says that nothing fits; one that cites something does not.
pub(super) fn is_not_found(answer: &str, cites: bool) -> bool {
    let said = answer.trim_start_matches(|c: char| c.is_whitespace() || "「『\"".contains(c));
    said.starts_with(NOT_FOUND_MARK) && !cites
}

/// The sentences of the sources that answer best.
fn excerpts(relevance: &Relevance, sources: &[Source]) -> Vec<Excerpt> {
    let quotable = sources.iter().map(|source| excerpt::Quotable {
        number: source.number,
        rank: source.rank,
        authority: source.passage.authority,
        text: &source.passage.text,
    });
    excerpt::quotes(relevance, &quotable.collect::<Vec<_>>())
}

/// The numbers that quotes name, each once, ascending.
fn cited(excerpt: &[Excerpt]) -> Vec<usize> {
    let mut numbers: Vec<usize> = excerpt.iter().map(|quote| quote.number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

fn provenance(model: Option<ModelIdentity>, datasets: Vec<DatasetIdentity>) -> Provenance {
    Provenance {
        model,
        assistant: None,
        datasets,
        kura_version: env!("CARGO_PKG_VERSION").to_owned(),
        created_at: timestamp(),
    }
}

pub(super) async fn ready(inner: &Inner) -> Result<Arc<Loaded>, ServiceError> {
    match inner.model.settled().await {
        Slot::Ready(loaded) => Ok(loaded),
        Slot::Unusable(why) => Err(ServiceError::NoModel(why)),
        Slot::Loading => Err(ServiceError::NoModel("モデルを読み込んでいます".to_owned())),
    }
}

fn refused(parameter: &'static str, why: &PromptError) -> ServiceError {
    let ja = format!("このモデルでは扱えません（{why}）");
    ServiceError::Invalid { parameter, ja, en: why.to_string() }
}

pub(super) fn message(turn: ChatTurn) -> ChatMessage {
    ChatMessage { role: turn.role, content: turn.content }
}

fn finish(reason: TextReason) -> FinishReason {
    match reason {
        TextReason::Stop => FinishReason::Stop,
        TextReason::Length => FinishReason::Length,
        TextReason::Cancelled => FinishReason::Cancelled,
    }
}

fn resolve_sampling(inner: &Inner, request: &SamplingRequest) -> Sampling {
    let default = Sampling::default();
    Sampling {
        temperature: request.temperature.unwrap_or(inner.settings.temperature),
        top_k: request.top_k.unwrap_or(default.top_k),
        top_p: request.top_p.unwrap_or(default.top_p),
        min_p: request.min_p.unwrap_or(default.min_p),
        repetition_penalty: request.repetition_penalty.unwrap_or(default.repetition_penalty),
        seed: request.seed.or(default.seed),
        ..default
    }
}
