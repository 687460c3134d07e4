//! How a model is loaded, and the memory that it will take.

use std::time::Duration;

use crate::config::{Device, EngineConfig, KvNumbers};
use crate::llm::architecture::Architecture;
use crate::llm::error::ModelError;
use crate::llm::gguf::Gguf;
use crate::llm::kv_cache::{BLOCK, KvType, block_size_bytes};

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
    /// Memory of the KV cache in MiB, on a CPU; 0 takes what all slots need when they are full.
    /// With less, sequences may have to wait for each other; with more, more is kept for prompts
    /// that begin alike.
    pub kv_cache_mib: usize,
    /// Most tokens of prompt in one step while nobody else waits for a token.
    pub prefill_chunk_tokens: usize,
    /// The same while other sequences are decoding; fewer where `prefill_step` asks for it.
    pub prefill_chunk_tokens_shared: usize,
    /// What a step with tokens of a prompt should take while other sequences are decoding: how
    /// long their streams stop.
    pub prefill_step: Duration,
    /// Guesses tokens from the text so far. The text stays the same.
    pub speculation: bool,
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
            kv_cache_mib: 0,
            prefill_chunk_tokens: 512,
            prefill_chunk_tokens_shared: 512,
            prefill_step: Duration::from_millis(250),
            speculation: true,
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
        let kv_type = match config.kv_type {
            KvNumbers::F16 => KvType::F16,
            KvNumbers::F32 => KvType::F32,
            KvNumbers::Q8_0 => KvType::Q8_0,
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
            kv_type,
            kv_cache_mib: config.kv_cache_mib,
            prefill_step: Duration::from_millis(config.prefill_step_ms),
            speculation: config.speculation,
            queue_requests: config.queue + config.slots,
            ..Self::default()
        }
    }

    /// # Errors
    /// An option that must be above 0 is not.
    pub(super) fn check(&self) -> Result<(), ModelError> {
        for (name, value) in [
            ("slots", self.slots),
            ("context_tokens", self.context_tokens),
            ("prefill_chunk_tokens", self.prefill_chunk_tokens),
            ("prefill_chunk_tokens_shared", self.prefill_chunk_tokens_shared),
            ("queue_requests", self.queue_requests),
        ] {
            if value == 0 {
                return Err(ModelError::Option { name, what: "it must be above 0".to_string() });
            }
        }
        Ok(())
    }

    /// Blocks of the KV cache.
    ///
    /// # Errors
    /// The memory that is allowed does not hold one context.
    pub(super) fn blocks(&self, architecture: &Architecture) -> Result<usize, ModelError> {
        let context = self.context_tokens.min(architecture.context_tokens);
        let least = context.div_ceil(BLOCK);
        if self.kv_cache_mib == 0 || self.device != DeviceChoice::Cpu {
            return Ok(self.slots.saturating_mul(least));
        }
        let block_bytes = block_size_bytes(architecture, self.kv_type);
        let blocks = self.kv_cache_mib.saturating_mul(1 << 20) / block_bytes;
        if blocks >= least {
            return Ok(blocks);
        }
        let mib = least.saturating_mul(block_bytes).div_ceil(1 << 20);
        let what = format!("a context of {context} tokens takes {mib} MiB");
        Err(ModelError::Option { name: "kv_cache_mib", what })
    }
}

/// Memory that the engine accounts for, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineMemory {
    /// The mapped model file; shared with the system's file cache.
    pub weights: usize,
    /// Keys and values when the cache is full.
    pub kv_cache: usize,
}

impl EngineMemory {
    pub(super) fn needed(
        gguf: &Gguf,
        architecture: &Architecture,
        options: &EngineOptions,
    ) -> Result<Self, ModelError> {
        let blocks = options.blocks(architecture)?;
        let kv_cache = blocks.saturating_mul(block_size_bytes(architecture, options.kv_type));
        Ok(Self { weights: gguf.file_size_bytes(), kv_cache })
    }

    /// What a model would take with these options, without loading it.
    ///
    /// # Errors
    /// The model is of an unknown kind or damaged, or the options do not suit it.
    pub fn of(gguf: &Gguf, options: &EngineOptions) -> Result<Self, ModelError> {
        Self::needed(gguf, &Architecture::read(gguf)?, options)
    }
}
