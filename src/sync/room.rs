//! Free space where a folder lies.

use std::path::Path;

use super::SyncError;

/// Room where a folder lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Bytes that may still be written.
    pub free: u64,
    /// Each file takes a multiple of so many bytes. On a large stick this counts: chunks of texts
    /// are smaller than its blocks.
    pub block: u64,
}

impl Room {
    /// Asks the system.
    ///
    /// # Errors
    /// The folder is not there.
    pub fn of(dir: &Path) -> Result<Self, SyncError> {
        let stat = rustix::fs::statvfs(dir)
            .map_err(|error| SyncError::io("measure the space of", dir)(error.into()))?;
        let free = stat.f_bavail.saturating_mul(stat.f_frsize);
        Ok(Self { free, block: stat.f_frsize.max(1) })
    }

    /// What files of so many bytes take at most.
    pub fn taken(&self, files: u64, bytes: u64) -> u64 {
        bytes.saturating_add(files.saturating_mul(self.block))
    }
}
