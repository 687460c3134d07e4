//! The engine: one inference thread that owns the model; requests go in by a bounded queue,
//! tokens come out by a channel for each request.
//!
//! Text is no business of this module: prompts are token ids, results are token ids; stop strings
//! are the caller's, who drops the [`Generation`] to stop.
//!
//! Sequences join and leave at every step ([`worker`]). A step has a token of everybody who reads
//! along, guesses behind it ([`draft`]) and a piece of prompt ([`scheduler`]) as long as the time
//! allows ([`pace`]). Who waits is served fairly ([`queue`]). Keys and values lie in blocks that
//! sequences with the same beginning share ([`blocks`]). None of it changes a token: each
//! sequence writes what it would write alone.

mod blocks;
mod draft;
mod memory;
mod options;
mod pace;
mod placement;
mod queue;
mod request;
mod scheduler;
mod sequence;
mod slots;
mod stats;
#[cfg(test)]
mod tests;
mod worker;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::mpsc::unbounded_channel;

pub use self::memory::available_bytes as available_memory_bytes;
pub use self::options::{DeviceChoice, EngineMemory, EngineOptions};
use self::queue::{Owner, PushError, Queue};
pub use self::request::{EngineError, Event, Finish, Generation, Reason, Request};
use self::sequence::{NewSequence, Sequence};
use self::stats::Counters;
pub use self::stats::EngineStats;
use self::worker::Worker;
use super::architecture::Architecture;
use super::decoder::{Decoder, DecoderOptions};
use super::error::ModelError;
use super::gguf::Gguf;
use super::info::ModelInfo;
use super::kernels::pool::Pool;
use super::sampler::Sampler;
use super::weights::Compute;

/// Whether the engine answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    Ready,
    /// The inference thread died; the reason. The model must be loaded again.
    Failed(String),
    Stopped,
}

/// What the engine and its thread share.
struct Shared {
    queue: Queue,
    health: Mutex<Health>,
    running: AtomicUsize,
    stopping: AtomicBool,
    counters: Counters,
}

impl Shared {
    fn new(queue_requests: usize, slots: usize) -> Self {
        Self {
            queue: Queue::new(queue_requests, slots),
            health: Mutex::new(Health::Ready),
            running: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
            counters: Counters::default(),
        }
    }

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
    /// Requests so far: those without a client are told apart by their number.
    requests: AtomicU64,
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
        options.check()?;
        let architecture = Architecture::read(gguf)?;
        let context_tokens = options.context_tokens.min(architecture.context_tokens);
        let memory = EngineMemory::needed(gguf, &architecture, options)?;
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
            blocks: options.blocks(&architecture)?,
            kv_type: options.kv_type,
            compute: compute(options.device)?,
        };
        let decoder = Decoder::load(gguf, architecture, decoder_options)?;
        let vocabulary = decoder.architecture().vocabulary;
        let shared = Arc::new(Shared::new(options.queue_requests, options.slots));
        let limits = worker::Limits {
            slots: options.slots,
            context_tokens,
            chunk: (options.prefill_chunk_tokens_shared, options.prefill_chunk_tokens),
            step: options.prefill_step,
            speculation: options.speculation,
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
            requests: AtomicU64::new(0),
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
        let sampler = Sampler::new(request.sampling)?.guided(request.guide);
        let (sender, events) = unbounded_channel();
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let sequence = Sequence::new(NewSequence {
            owner: request.client.map_or(Owner::Alone(number), Owner::Client),
            events: sender,
            prompt: request.prompt,
            max_tokens: request.max_tokens,
            eos: request.eos,
            sampler,
        });
        match self.shared.queue.push(sequence) {
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

    /// What was done since the model was loaded.
    pub fn stats(&self) -> EngineStats {
        self.shared.counters.read()
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

fn compute(device: DeviceChoice) -> Result<Compute, ModelError> {
    match device {
        DeviceChoice::Cpu => Ok(Compute::Cpu),
        DeviceChoice::Cuda(index) => candle_core::Device::new_cuda(index)
            .map(Compute::Candle)
            .map_err(|source| ModelError::Device { index, source }),
    }
}
