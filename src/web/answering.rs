//! An answer on its way to a client: counted, and cancelled when the client goes away.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio_stream::Stream;

use super::AppState;
use super::metrics::Metrics;
use super::problem::Problem;
use super::recording::Keeper;
use crate::answer::{
    AnswerEvent, AnswerStream, AnswerSummary, Excerpt, Service, ServiceError, Source,
};

/// The events of one answer. It owns the receiver: dropping it (with the response that holds it)
/// stops the generation.
pub(crate) struct Answering {
    events: AnswerStream,
    metrics: Arc<Metrics>,
    ended: bool,
}

/// An answer that ran to its end.
pub(crate) struct WholeAnswer {
    pub(crate) sources: Vec<Source>,
    /// The sentences of the sources that fit best.
    pub(crate) excerpt: Vec<Excerpt>,
    pub(crate) text: String,
    pub(crate) summary: AnswerSummary,
}

impl Answering {
    /// Starts an answer; a refusal for want of room is counted.
    pub(crate) async fn start(
        state: &AppState,
        begin: impl AsyncFnOnce(&Service) -> Result<AnswerStream, ServiceError>,
    ) -> Result<Self, Problem> {
        let begun = begin(&state.service).await;
        if matches!(begun, Err(ServiceError::Busy { .. })) {
            state.metrics.count_refusal();
        }
        let metrics = Arc::clone(&state.metrics);
        Ok(Self { events: begun?, metrics, ended: false })
    }

    /// The same, with a record made of the finished answer.
    pub(crate) fn kept(mut self, keeper: Option<Keeper>) -> Self {
        if let Some(keeper) = keeper {
            let (_, none) = tokio::sync::mpsc::channel(1);
            self.events = keeper.through(std::mem::replace(&mut self.events, none));
        }
        self
    }

    /// Waits for the whole of it.
    pub(crate) async fn whole(mut self) -> Result<WholeAnswer, Problem> {
        let (mut sources, mut excerpt, mut text) = (Vec::new(), Vec::new(), String::new());
        while let Some(event) = std::future::poll_fn(|context| self.poll_event(context)).await {
            match event {
                AnswerEvent::Sources { sources: found, excerpt: best } => {
                    (sources, excerpt) = (found, best);
                }
                AnswerEvent::Queued { .. } | AnswerEvent::Progress { .. } => {}
                AnswerEvent::Text { text: more } => text.push_str(&more),
                AnswerEvent::Finished { summary } => {
                    return Ok(WholeAnswer { sources, excerpt, text, summary: *summary });
                }
                AnswerEvent::Failed { message } => {
                    return Err(ServiceError::Internal(message).into());
                }
            }
        }
        Err(ServiceError::Internal("the answer broke off".to_owned()).into())
    }

    /// The next event; always one of the two last ones before `None`.
    pub(crate) fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Option<AnswerEvent>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let event = ready!(self.events.poll_recv(context)).unwrap_or_else(|| AnswerEvent::Failed {
            message: "回答の途中で処理が止まりました。もう一度お試しください。".to_owned(),
        });
        match &event {
            AnswerEvent::Finished { summary } => {
                self.ended = true;
                self.metrics.count_answer(summary);
            }
            AnswerEvent::Failed { .. } => {
                self.ended = true;
                self.metrics.count_failure();
            }
            AnswerEvent::Sources { .. }
            | AnswerEvent::Queued { .. }
            | AnswerEvent::Progress { .. }
            | AnswerEvent::Text { .. } => {}
        }
        Poll::Ready(Some(event))
    }
}

impl Stream for Answering {
    type Item = AnswerEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<AnswerEvent>> {
        self.poll_event(context)
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if !self.ended {
            self.metrics.count_abandoned();
        }
    }
}
