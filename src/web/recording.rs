//! Makes a record of an answer on its way to a client, so that it can be saved, reviewed and
//! verified.

use tokio::sync::mpsc;

use super::AppState;
use super::asker::Asker;
use super::records;
use crate::answer::record::Records;
use crate::answer::{AnswerEvent, AnswerStream, AnswerSummary, Source};
use crate::document::Person;

/// Events on their way; the stream before it has the buffer.
const EVENTS: usize = 1;

/// Said beside an answer of which no record could be made.
const NOT_KEPT: &str = "回答の記録を作成できなかったため、保存と確認の依頼はできません。情報担当者に知らせてください。";

/// For whom, and of what question.
pub(crate) struct Keeper {
    records: Records,
    person: Person,
    question: String,
}

impl Keeper {
    /// `question` as it was typed: what the settings mask is masked in the record as well. `None`
    /// where nothing keeps records.
    pub(crate) fn of(state: &AppState, asker: &Asker, question: &str) -> Option<Self> {
        let records = match records::open(state) {
            Ok(records) => records?,
            Err(error) => {
                tracing::error!(%error, "no records are kept");
                return None;
            }
        };
        let question = state.service.screen(question).text;
        Some(Self { records, person: asker.0.clone(), question })
    }

    /// Passes events on; the last one names the record. Ends with either side.
    pub(crate) fn through(self, mut events: AnswerStream) -> AnswerStream {
        let (out, stream) = mpsc::channel(EVENTS);
        tokio::spawn(async move {
            let (mut text, mut found) = (String::new(), Vec::new());
            loop {
                let event = tokio::select! {
                    event = events.recv() => event,
                    () = out.closed() => return,
                };
                let Some(mut event) = event else { return };
                match &mut event {
                    AnswerEvent::Sources { sources, .. } => found.clone_from(sources),
                    AnswerEvent::Text { text: more } => text.push_str(more),
                    AnswerEvent::Finished { summary } => self.keep(&text, &found, summary).await,
                    _ => {}
                }
                if out.send(event).await.is_err() {
                    return;
                }
            }
        });
        stream
    }

    async fn keep(&self, text: &str, sources: &[Source], summary: &mut AnswerSummary) {
        let kept = self.records.keep(&self.person, &self.question, text, sources, summary).await;
        match kept {
            Ok(code) => summary.record = Some(code.to_string()),
            Err(error) => {
                tracing::error!(%error, "no record was made of an answer");
                summary.notes.push(NOT_KEPT.to_owned());
            }
        }
    }
}
