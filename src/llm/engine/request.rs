//! What goes into the engine and what comes out of it.

use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;

use crate::llm::sampler::{SamplerError, Sampling};
use crate::llm::verbatim::Guide;

/// What to generate.
#[derive(Clone, Debug)]
pub struct Request {
    pub prompt: Vec<u32>,
    /// Tokens to generate at most.
    pub max_tokens: usize,
    pub sampling: Sampling,
    /// Tokens that end the answer; they are not reported.
    pub eos: Vec<u32>,
    /// Whom it is for: slots are shared fairly between clients, not between requests. Without
    /// one, a request counts as a person of its own.
    pub client: Option<u64>,
    /// Holds what it writes in 「」 to given texts.
    pub guide: Option<Guide>,
}

/// What a generation reports, in order; `Finished` is the last.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// It waits for a slot, and `place` requests are before it. Comes again when that changes;
    /// a request that need not wait has none.
    Queued {
        place: usize,
    },
    Token {
        id: u32,
    },
    Finished(Finish),
}

/// How a generation ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Finish {
    pub reason: Reason,
    pub prompt_tokens: usize,
    /// Prompt tokens that were in the cache already, from another request.
    pub cached_tokens: usize,
    pub completion_tokens: usize,
    /// Tokens that were guessed from the text so far, and how many of them were right.
    pub drafted_tokens: usize,
    pub accepted_tokens: usize,
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

/// The events of one request. Dropping it cancels the request.
#[derive(Debug)]
pub struct Generation {
    pub(super) events: UnboundedReceiver<Event>,
}

impl Generation {
    /// Events from elsewhere than an engine, to see what becomes of them.
    #[cfg(test)]
    pub(crate) fn of(events: UnboundedReceiver<Event>) -> Self {
        Self { events }
    }

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
                Event::Queued { .. } => {}
                Event::Token { id } => tokens.push(id),
                Event::Finished(finish) => return (tokens, Some(finish)),
            }
        }
        (tokens, None)
    }
}
