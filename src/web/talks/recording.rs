//! Keeping an answer while it goes to its reader: whole, or as far as it came.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use serde_json::{Value, json};
use tokio_stream::Stream;

use crate::answer::{AnswerEvent, FinishReason, Selection};
use crate::store::{NewTurn, Place, Store, StoreError};
use crate::web::answering::{Answering, WholeAnswer};

/// Said beside an answer that could not be kept.
const NOT_KEPT: &str =
    "この回答を会話に保存できませんでした。必要なときは、文章を写し取ってください。";

/// What an answer became so far.
#[derive(Debug)]
pub(crate) struct Recorder {
    store: Store,
    place: Place,
    turn: NewTurn,
    selection: Value,
    sources: Value,
    excerpt: Value,
    /// Whether it is kept already, or has been tried to be.
    ended: bool,
}

impl Recorder {
    pub(super) fn new(store: Store, place: Place, question: String, selection: &Selection) -> Self {
        Self {
            store,
            place,
            turn: NewTurn { question, ..NewTurn::default() },
            selection: json!(selection),
            sources: json!([]),
            excerpt: json!([]),
            ended: false,
        }
    }

    /// Keeps an answer that is there as a whole. What to say beside it where that failed.
    pub(crate) async fn keep(mut self, answer: &WholeAnswer) -> Option<&'static str> {
        self.sources = json!(answer.sources);
        self.excerpt = json!(answer.excerpt);
        self.turn.answer.clone_from(&answer.text);
        let state = state_of(answer.summary.finish);
        let turn = self.end(state, &json!(answer.summary), "");
        save(self.store.clone(), self.place.clone(), turn).await
    }

    /// Takes an event in; the turn to keep when it was the last one.
    fn note(&mut self, event: &AnswerEvent) -> Option<NewTurn> {
        match event {
            AnswerEvent::Sources { sources, excerpt } => {
                (self.sources, self.excerpt) = (json!(sources), json!(excerpt));
                None
            }
            AnswerEvent::Text { text } => {
                self.turn.answer.push_str(text);
                None
            }
            AnswerEvent::Queued { .. } | AnswerEvent::Progress { .. } => None,
            AnswerEvent::Finished { summary } => {
                Some(self.end(state_of(summary.finish), &json!(summary), ""))
            }
            AnswerEvent::Failed { message } => Some(self.end("failed", &Value::Null, message)),
        }
    }

    fn end(&mut self, state: &str, summary: &Value, message: &str) -> NewTurn {
        self.ended = true;
        let mut turn = std::mem::take(&mut self.turn);
        turn.record = json!({
            "state": state,
            "message": message,
            "selection": self.selection,
            "sources": self.sources,
            "excerpt": self.excerpt,
            "summary": summary,
        })
        .to_string();
        turn
    }
}

impl Drop for Recorder {
    /// The reader stopped it or went away: what was written so far is kept.
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if !self.ended {
            let turn = self.end("stopped", &Value::Null, "");
            let saving = save(self.store.clone(), self.place.clone(), turn);
            runtime.spawn(async move {
                // Nobody is left to tell; the log has it.
                let _ = saving.await;
            });
        }
    }
}

fn state_of(finish: FinishReason) -> &'static str {
    match finish {
        FinishReason::Cancelled => "stopped",
        FinishReason::Stop | FinishReason::Length => "done",
    }
}

/// Keeps a turn, and says so where that failed. One whose conversation was deleted meanwhile stays
/// away: that was the person's will.
async fn save(store: Store, place: Place, turn: NewTurn) -> Option<&'static str> {
    let saved: Result<bool, StoreError> = store.add_turn(&place, &turn).await;
    let failed = saved.err()?;
    tracing::error!(error = %failed, "an answer could not be kept");
    Some(NOT_KEPT)
}

type Saving = Pin<Box<dyn Future<Output = Option<&'static str>> + Send>>;

/// The events of an answer; the last one goes out when the answer is kept, so that the list that
/// the page then asks for holds it.
pub(crate) struct Recording {
    answering: Answering,
    recorder: Option<Recorder>,
    saving: Option<(Saving, AnswerEvent)>,
}

impl Recording {
    /// With no recorder the events pass as they are.
    pub(crate) fn new(answering: Answering, recorder: Option<Recorder>) -> Self {
        Self { answering, recorder, saving: None }
    }
}

impl Stream for Recording {
    type Item = AnswerEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<AnswerEvent>> {
        if self.saving.is_none() {
            let Some(event) = ready!(self.answering.poll_event(context)) else {
                return Poll::Ready(None);
            };
            let Some(recorder) = &mut self.recorder else { return Poll::Ready(Some(event)) };
            let Some(turn) = recorder.note(&event) else { return Poll::Ready(Some(event)) };
            let saving = save(recorder.store.clone(), recorder.place.clone(), turn);
            self.saving = Some((Box::pin(saving), event));
        }
        let Some((saving, _)) = &mut self.saving else { return Poll::Ready(None) };
        let said = ready!(saving.as_mut().poll(context));
        let event = self.saving.take().map(|(_, event)| event);
        Poll::Ready(event.map(|event| match (event, said) {
            (AnswerEvent::Finished { mut summary }, Some(said)) => {
                summary.notes.push(said.to_owned());
                AnswerEvent::Finished { summary }
            }
            (event, _) => event,
        }))
    }
}
