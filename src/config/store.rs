//! `[store]`: how long what people leave behind is kept.

/// `[store]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreConfig {
    /// Days after the last question that a conversation is kept; 0 keeps it until its person
    /// deletes it.
    pub conversation_days: u32,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self { conversation_days: 365 }
    }
}
