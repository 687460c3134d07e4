//! The engine: one inference thread that owns the model; requests go in by a bounded queue,
//! tokens come out by a channel for each request.
//!
//! Text is no business of this module: prompts are token ids, results are token ids; stop strings
//! are the caller's, who drops the [`Generation`] to stop. Several sequences decode together, and
//! a long prompt is computed in chunks between their tokens.

mod memory;
mod queue;
#[cfg(test)]
mod tests;
mod worker;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

pub use self::memory::available_bytes as available_memory_bytes;
use self::queue::{Job, PushError, Queue};
use self::worker::Worker;
use super::architecture::Architecture;
use super::decoder::{Decoder, DecoderOptions};
use super::error::ModelError;
use super::gguf::Gguf;
use super::info::ModelInfo;
use super::kernels::pool::Pool;
use super::kv_cache::{KvType, cache_size_bytes};
use super::sampler::{Sampler, SamplerError, Sampling};
use super::weights::Compute;
use crate::config::{Device, EngineConfig};

/// Where the model computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    #[default]
    Cpu,
    /// The CUDA device of this number; needs the Cargo feature `cuda`.
    Cuda(usize),
}

/// How a model is loaded.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Threads of the computation; 0 takes all processors.
    pub threads: usize,
    /// Sequences that decode at once.
    pub slots: usize,
    /// Tokens of prompt and answer together, for each slot; at most what the model was trained for.
    pub context_tokens: usize,
    pub device: DeviceChoice,
    pub kv_type: KvType,
    /// Tokens of prompt in one step while nobody else waits for a token.
    pub prefill_chunk_tokens: usize,
    /// The same while other sequences are decoding.
    pub prefill_chunk_tokens_shared: usize,
    /// Requests that may wait for a slot.
    pub queue_requests: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            threads: 0,
            slots: 4,
            context_tokens: 4096,
            device: DeviceChoice::Cpu,
            kv_type: KvType::F16,
            prefill_chunk_tokens: 128,
            prefill_chunk_tokens_shared: 32,
            queue_requests: 64,
        }
    }
}

impl EngineOptions {
    /// Context where the settings leave it to the model.
    const CONTEXT_TOKENS_AUTO: usize = 4096;

    /// What `[engine]` of the settings asks for.
    pub fn from_config(config: &EngineConfig) -> Self {
        let device = match config.device {
            Device::Cpu => DeviceChoice::Cpu,
            Device::Cuda => DeviceChoice::Cuda(0),
        };
        let context_tokens = match config.context_tokens {
            0 => Self::CONTEXT_TOKENS_AUTO,
            tokens => tokens,
        };
        Self {
            threads: config.threads,
            slots: config.slots,
            context_tokens,
            device,
            queue_requests: config.queue + config.slots,
            ..Self::default()
        }
    }
}

/// What to generate.
#[derive(Clone, Debug)]
pub struct Request {
    pub prompt: Vec<u32>,
    /// Tokens to generate at most.
    pub max_tokens: usize,
    pub sampling: Sampling,
    /// Tokens that end the answer; they are not reported.
    pub eos: Vec<u32>,
}

/// What a generation reports, in order; `Finished` is the last.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    Token { id: u32 },
    Finished(Finish),
}

/// How a generation ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Finish {
    pub reason: Reason,
    pub prompt_tokens: usize,
    /// Prompt tokens that were still in the cache from an earlier request.
    pub cached_tokens: usize,
    pub completion_tokens: usize,
    /// From the request to the start of its computation.
    pub queued: Duration,
    /// From the request to its first token.
    pub time_to_first_token: Option<Duration>,
    /// From the request to its end.
    pub total: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// An end token.
    Stop,
    /// `max_tokens`, or the context is full.
    Length,
    /// The engine is shutting down.
    Cancelled,
    Error(String),
}

/// Why a request was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    #[error("{waiting} requests are waiting already; try again later")]
    QueueFull { waiting: usize },
    #[error("the prompt is empty")]
    EmptyPrompt,
    #[error("the prompt has {tokens} tokens; the context holds {context}, answer included")]
    PromptTooLong { tokens: usize, context: usize },
    #[error("token {id} is outside the model's vocabulary of {vocabulary}")]
    Token { id: u32, vocabulary: usize },
    #[error(transparent)]
    Sampling(#[from] SamplerError),
    #[error("the engine has stopped: {0}")]
    Unusable(String),
}

/// Whether the engine answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    Ready,
    /// The inference thread died; the reason. The model must be loaded again.
    Failed(String),
    Stopped,
}

/// Memory that the engine accounts for, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineMemory {
    /// The mapped model file; shared with the system's file cache.
    pub weights: usize,
    /// Keys and values when all slots are full.
    pub kv_cache: usize,
}

impl EngineMemory {
    fn needed(gguf: &Gguf, architecture: &Architecture, options: &EngineOptions) -> Self {
        let context = options.context_tokens.min(architecture.context_tokens);
        let kv_cache = cache_size_bytes(architecture, options.slots, context, options.kv_type);
        Self { weights: gguf.file_size_bytes(), kv_cache }
    }

    /// What a model would take with these options, without loading it.
    ///
    /// # Errors
    /// The model is of an unknown kind or damaged.
    pub fn of(gguf: &Gguf, options: &EngineOptions) -> Result<Self, ModelError> {
        Ok(Self::needed(gguf, &Architecture::read(gguf)?, options))
    }
}

/// What the engine and its thread share.
struct Shared {
    queue: Queue,
    health: Mutex<Health>,
    running: AtomicUsize,
    stopping: AtomicBool,
}

impl Shared {
    fn set_health(&self, health: Health) {
        *self.health.lock().unwrap_or_else(PoisonError::into_inner) = health;
    }
}

/// A loaded model that generates. Dropping it shuts it down.
pub struct Engine {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    info: ModelInfo,
    memory: EngineMemory,
    vocabulary: usize,
    context_tokens: usize,
    slots: usize,
}

impl Engine {
    /// Opens and loads a model; see [`Self::from_gguf`].
    ///
    /// # Errors
    /// The file is unusable, or as for `from_gguf`.
    pub fn load(path: &Path, options: &EngineOptions) -> Result<Self, ModelError> {
        Self::from_gguf(&Gguf::open(path)?, options)
    }

    /// Loads a model from its opened file and starts the inference thread.
    ///
    /// # Errors
    /// The model is of an unknown kind or damaged, an option is wrong, or memory does not suffice.
    pub fn from_gguf(gguf: &Gguf, options: &EngineOptions) -> Result<Self, ModelError> {
        check_options(options)?;
        let architecture = Architecture::read(gguf)?;
        let context_tokens = options.context_tokens.min(architecture.context_tokens);
        let memory = EngineMemory::needed(gguf, &architecture, options);
        if options.device == DeviceChoice::Cpu {
            memory::check(memory, memory::available_bytes())?;
            if !super::has_fast_kernels() {
                tracing::warn!("this CPU has no AVX2: the model runs several times more slowly");
            }
        }
        let pool = Pool::new(options.threads).map_err(|why| ModelError::Thread(why.to_string()))?;
        let pool = Arc::new(pool);
        let _installed = pool.installed();
        let decoder_options = DecoderOptions {
            slots: options.slots,
            context_tokens,
            kv_type: options.kv_type,
            compute: compute(options.device)?,
        };
        let decoder = Decoder::load(gguf, architecture, decoder_options)?;
        let vocabulary = decoder.architecture().vocabulary;
        let shared = Arc::new(Shared {
            queue: Queue::new(options.queue_requests),
            health: Mutex::new(Health::Ready),
            running: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
        });
        let limits = worker::Limits {
            slots: options.slots,
            context_tokens,
            chunk_alone: options.prefill_chunk_tokens,
            chunk_shared: options.prefill_chunk_tokens_shared,
        };
        let worker = Worker::new(decoder, pool, limits, shared.clone());
        let thread = std::thread::Builder::new()
            .name("kura-inference".to_string())
            .spawn(move || worker::run(worker))
            .map_err(|error| ModelError::Thread(error.to_string()))?;
        Ok(Self {
            shared,
            thread: Mutex::new(Some(thread)),
            info: ModelInfo::read(gguf)?,
            memory,
            vocabulary,
            context_tokens,
            slots: options.slots,
        })
    }

    /// Queues a request. Its events come by the returned [`Generation`]; dropping that cancels it.
    ///
    /// # Errors
    /// The request cannot be served (see [`EngineError`]); `QueueFull` may be tried again.
    pub fn generate(&self, request: Request) -> Result<Generation, EngineError> {
        let (tokens, context) = (request.prompt.len(), self.context_tokens);
        if request.prompt.is_empty() {
            return Err(EngineError::EmptyPrompt);
        }
        if tokens >= context {
            return Err(EngineError::PromptTooLong { tokens, context });
        }
        let vocabulary = self.vocabulary;
        if let Some(&id) = request.prompt.iter().find(|&&id| id as usize >= vocabulary) {
            return Err(EngineError::Token { id, vocabulary });
        }
        let sampler = Sampler::new(request.sampling)?;
        let (sender, events) = unbounded_channel();
        let job = Job {
            prompt: request.prompt,
            max_tokens: request.max_tokens,
            eos: request.eos,
            sampler,
            events: sender,
            requested: Instant::now(),
        };
        match self.shared.queue.push(job) {
            Ok(()) => Ok(Generation { events }),
            Err(PushError::Full(waiting)) => Err(EngineError::QueueFull { waiting }),
            Err(PushError::Closed) => Err(EngineError::Unusable(match self.health() {
                Health::Failed(reason) => reason,
                Health::Ready | Health::Stopped => "it was shut down".to_string(),
            })),
        }
    }

    pub fn health(&self) -> Health {
        self.shared.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Requests that wait for a slot.
    pub fn waiting(&self) -> usize {
        self.shared.queue.len()
    }

    /// Requests that are being computed.
    pub fn running(&self) -> usize {
        self.shared.running.load(Ordering::Relaxed)
    }

    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    pub fn memory(&self) -> EngineMemory {
        self.memory
    }

    /// Tokens of prompt and answer together.
    pub fn context_tokens(&self) -> usize {
        self.context_tokens
    }

    pub fn slots(&self) -> usize {
        self.slots
    }

    /// Rows of the embedding table: token ids are below it.
    pub fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    /// Ends all generations (as `Cancelled`) and the thread, after the step that is being computed.
    pub fn shutdown(&self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        self.shared.queue.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // The thread catches its own panics, so joining cannot fail in a way worth reporting.
            let _ = thread.join();
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.shutdown();
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Engine({}, {} slots)", self.info.name, self.slots)
    }
}

/// The events of one request. Dropping it cancels the request.
#[derive(Debug)]
pub struct Generation {
    events: UnboundedReceiver<Event>,
}

impl Generation {
    /// The next event; `None` after `Finished`, or when the engine died.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// The same for threads outside an async runtime.
    pub fn blocking_next(&mut self) -> Option<Event> {
        self.events.blocking_recv()
    }

    /// The underlying channel, for callers that poll.
    pub fn into_events(self) -> UnboundedReceiver<Event> {
        self.events
    }

    /// Waits for the end, outside an async runtime: the tokens, and how it ended (`None` when the
    /// engine died).
    pub fn blocking_collect(mut self) -> (Vec<u32>, Option<Finish>) {
        let mut tokens = Vec::new();
        while let Some(event) = self.blocking_next() {
            match event {
                Event::Token { id } => tokens.push(id),
                Event::Finished(finish) => return (tokens, Some(finish)),
            }
        }
        (tokens, None)
    }
}

fn check_options(options: &EngineOptions) -> Result<(), ModelError> {
    for (name, value) in [
        ("slots", options.slots),
        ("context_tokens", options.context_tokens),
        ("prefill_chunk_tokens", options.prefill_chunk_tokens),
        ("prefill_chunk_tokens_shared", options.prefill_chunk_tokens_shared),
        ("queue_requests", options.queue_requests),
    ] {
        if value == 0 {
            return Err(ModelError::Option { name, what: "it must be above 0".to_string() });
        }
    }
    Ok(())
}

fn compute(device: DeviceChoice) -> Result<Compute, ModelError> {
    match device {
        DeviceChoice::Cpu => Ok(Compute::Cpu),
        DeviceChoice::Cuda(index) => candle_core::Device::new_cuda(index)
            .map(Compute::Candle)
            .map_err(|source| ModelError::Device { index, source }),
    }
}
