//! A response in chunks: server-sent events that end with `[DONE]`.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::response::sse::Event;
use serde_json::{Map, Value};
use tokio_stream::Stream;

use super::reply::Reply;
use crate::answer::{AnswerEvent, AnswerSummary, FinishReason, ServiceError, Source};
use crate::web::answering::Answering;
use crate::web::problem::Problem;

/// Turns the events of an answer into chunks. Dropping it stops the generation.
pub(crate) struct ChunkStream {
    answering: Answering,
    reply: Reply,
    include_usage: bool,
    /// Said in addition to the notes of the answer.
    extra_notes: Vec<String>,
    sources: Vec<Source>,
    ready: VecDeque<String>,
}

impl ChunkStream {
    pub(crate) fn new(
        answering: Answering,
        reply: Reply,
        include_usage: bool,
        extra_notes: Vec<String>,
    ) -> Self {
        let (sources, ready) = (Vec::new(), VecDeque::new());
        let mut stream = Self { answering, reply, include_usage, extra_notes, sources, ready };
        if let Some(opening) = stream.reply.opening() {
            stream.push(opening);
        }
        stream
    }

    /// Where usage was asked for, every other chunk says `"usage": null`.
    fn push(&mut self, mut chunk: Map<String, Value>) {
        if self.include_usage && !chunk.contains_key("usage") {
            chunk.insert("usage".to_owned(), Value::Null);
        }
        self.ready.push_back(Value::Object(chunk).to_string());
    }

    fn take(&mut self, event: AnswerEvent) {
        match event {
            AnswerEvent::Sources { sources, excerpt } => {
                if !sources.is_empty() {
                    self.push(self.reply.found(&sources, &excerpt));
                }
                self.sources = sources;
            }
            AnswerEvent::Queued { place } => self.push(self.reply.queued(place)),
            // Clients of this interface know no such chunk.
            AnswerEvent::Progress { .. } => {}
            AnswerEvent::Text { text } => self.push(self.reply.text(&text)),
            AnswerEvent::Finished { summary } if summary.finish == FinishReason::Cancelled => {
                self.fail(ServiceError::Stopping);
            }
            AnswerEvent::Finished { summary } => self.finish(*summary),
            AnswerEvent::Failed { message } => self.fail(ServiceError::Internal(message)),
        }
    }

    fn finish(&mut self, mut summary: AnswerSummary) {
        summary.notes.append(&mut self.extra_notes);
        self.push(self.reply.ending(&self.sources, &summary));
        if self.include_usage {
            self.push(self.reply.usage(&summary.usage));
        }
        self.ready.push_back("[DONE]".to_owned());
    }

    fn fail(&mut self, error: ServiceError) {
        self.ready.push_back(Problem::Service(error).openai().to_string());
        self.ready.push_back("[DONE]".to_owned());
    }
}

impl Stream for ChunkStream {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(data) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(Event::default().data(data))));
            }
            match ready!(Pin::new(&mut self.answering).poll_next(context)) {
                Some(event) => self.take(event),
                None => return Poll::Ready(None),
            }
        }
    }
}
