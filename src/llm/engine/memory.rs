//! Whether a model fits the memory of this machine.

use super::options::EngineMemory;
use crate::llm::error::ModelError;

const MIB: u64 = 1 << 20;
/// Activations, thread stacks, and what the rest of the process grows by while answering.
const WORKING_BYTES: u64 = 128 * MIB;

/// `MemAvailable` of this machine; `None` where the system does not tell.
pub fn available_bytes() -> Option<u64> {
    let meminfo = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

impl EngineMemory {
    /// All that the engine may take: weights, a full cache, and room to work.
    pub fn needed_bytes(self) -> u64 {
        let (weights, cache) = (self.weights as u64, self.kv_cache as u64);
        weights.saturating_add(cache).saturating_add(WORKING_BYTES)
    }
}

/// # Errors
/// Weights and a full cache need more than what is available.
pub(super) fn check(memory: EngineMemory, available: Option<u64>) -> Result<(), ModelError> {
    let Some(available) = available else {
        return Ok(());
    };
    let (weights, cache) = (memory.weights as u64, memory.kv_cache as u64);
    let needed = memory.needed_bytes();
    if needed <= available {
        return Ok(());
    }
    Err(ModelError::Memory {
        needed_mib: needed.div_ceil(MIB),
        weights_mib: weights.div_ceil(MIB),
        cache_mib: cache.div_ceil(MIB),
        available_mib: available / MIB,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_memory_is_refused_with_figures() {
        let memory = EngineMemory { weights: 300 << 20, kv_cache: 100 << 20 };
        assert!(check(memory, None).is_ok(), "an unknown amount refuses nothing");
        assert!(check(memory, Some(600 << 20)).is_ok());
        let error = check(memory, Some(500 << 20)).unwrap_err().to_string();
        assert!(error.contains("528 MiB") && error.contains("500 MiB"), "{error}");
    }

    #[test]
    fn a_cache_beyond_all_numbers_is_refused() {
        let memory = EngineMemory { weights: 1, kv_cache: usize::MAX };
        assert!(check(memory, Some(u64::MAX - 1)).is_err());
    }
}
