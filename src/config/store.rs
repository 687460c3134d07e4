//! `[store]`: how long what people leave behind is kept.

/// `[store]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreConfig {
    /// Days after the last question that a conversation is kept; 0 keeps it until its person
    /// deletes it.
    pub conversation_days: u32,
    /// Days after it was made that the record of an answer is kept; 0 keeps it.
    pub record_days: u32,
    /// Hours that a file in a conversation is kept; 0 takes none.
    pub upload_hours: u32,
    /// Largest files of one request together, in MiB.
    pub upload_mib: u32,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self { conversation_days: 365, record_days: 0, upload_hours: 24, upload_mib: 32 }
    }
}
