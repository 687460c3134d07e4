//! The door to the product for `web` and the commands.

use super::types::*;

/// Installed data, the model in use, and the requests under way.
pub struct Service {}

impl Service {
    /// Answers a question from data sets. Returns at once; the work goes on until the stream ends
    /// or is dropped.
    pub fn answer(&self, _request: AnswerRequest) -> Result<AnswerStream, ServiceError> {
        Err(ServiceError::Stopping)
    }

    /// Continues a conversation with the model alone.
    pub fn chat(&self, _request: ChatRequest) -> Result<AnswerStream, ServiceError> {
        Err(ServiceError::Stopping)
    }

    /// Continues a raw prompt with the model alone.
    pub fn complete(&self, _request: CompletionRequest) -> Result<AnswerStream, ServiceError> {
        Err(ServiceError::Stopping)
    }

    /// Searches without answering. Blocks for milliseconds: call it off the async threads.
    pub fn search(&self, _request: &SearchRequest) -> Result<SearchResponse, ServiceError> {
        Err(ServiceError::Stopping)
    }

    /// One passage by data set and id, numbered 1. Blocks as `search` does.
    pub fn passage(&self, _dataset: &str, _id: &str) -> Result<Option<Source>, ServiceError> {
        Err(ServiceError::Stopping)
    }

    /// The installed data sets, by id.
    pub fn datasets(&self) -> Vec<DatasetSummary> {
        Vec::new()
    }

    /// The installed models; the one in use first.
    pub fn models(&self) -> Vec<ModelSummary> {
        Vec::new()
    }

    /// The model that a request names; `default` is the one in use.
    pub fn resolve_model(&self, name: &str) -> Result<ModelSummary, ServiceError> {
        Err(ServiceError::UnknownModel(name.to_owned()))
    }

    /// What works now.
    pub fn health(&self) -> Health {
        Health {
            search: false,
            model: false,
            model_problem: String::new(),
            datasets: 0,
            active_requests: 0,
        }
    }

    /// Ends every generation; later requests are refused with `Stopping`.
    pub fn shutdown(&self) {}
}
