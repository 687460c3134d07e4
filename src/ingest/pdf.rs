//! PDF is not read yet.

use super::IngestError;
use crate::document::Document;

/// Always [`IngestError::Unsupported`].
pub(crate) fn read(_bytes: &[u8], _name: &str) -> Result<Document, IngestError> {
    Err(IngestError::Unsupported)
}
