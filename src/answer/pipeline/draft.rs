//! What assistants add to the one way: their instructions and checks; texts written without data
//! sets; and inputs longer than the context, which are worked on in parts, never cut silently.

use std::sync::Arc;

use super::{ANSWER_LEAST, Gone, Job, Written, message, resolve_sampling};
use crate::answer::assistant::{CheckOutcome, Filled, Join, Long, Made, run_checks, split};
use crate::answer::slot::Loaded;
use crate::answer::types::*;
use crate::document::AssistantIdentity;
use crate::llm::{PromptError, TextRequest};

/// Said where an input leaves no room for passages.
pub(super) const TOO_LONG: &str =
    "入力が長すぎて、資料と合わせて読むことができません。短くして、もう一度お試しください。";

/// Beside every text that no passage supports.
const NO_DATA: &str =
    "資料を使わない下書きです。事実、数字、固有名詞は、必ず元の資料で確かめてください。";

/// Tokens for passages beside what was filled in, at least, however slow the box is.
const PASSAGE_TOKENS: usize = 320;
/// A part of a long input has so many tokens at least, and there are so many parts at most.
const PART_LEAST: usize = 48;
const PARTS_MOST: usize = 64;
/// Tokens by which the count of pieces may differ from that of the whole.
const MARGIN: usize = 16;
/// Times that the points of parts are gathered again because they were still too long.
const ROUNDS: usize = 4;

/// The assistant's side of a job; empty for a plain question.
#[derive(Default)]
pub(super) struct Task {
    filled: Option<Arc<Filled>>,
    outcomes: Vec<CheckOutcome>,
    /// What is being written is for the next step, not for the reader.
    silent: bool,
}

impl Task {
    pub(super) fn of(request: &AnswerRequest) -> Self {
        Self { filled: request.assistant.clone(), ..Self::default() }
    }

    pub(super) fn is_given(&self) -> bool {
        self.filled.is_some()
    }

    pub(super) fn is_silent(&self) -> bool {
        self.silent
    }

    pub(super) fn search_text(&self) -> Option<String> {
        self.filled.as_ref().map(|filled| filled.search_text())
    }

    pub(super) fn instructions(&self) -> Option<String> {
        self.filled.as_ref().map(|filled| filled.assistant().instructions())
    }

    /// What the assistant says of its quotations.
    pub(super) fn verbatim(&self) -> Option<bool> {
        self.filled.as_ref().and_then(|filled| filled.assistant().verbatim)
    }

    pub(super) fn identity(&self) -> Option<AssistantIdentity> {
        self.filled.as_ref().map(|filled| filled.assistant().identity())
    }

    /// Room for what was filled in and some passages, where a slow box would allow less.
    pub(super) fn at_least(
        &self,
        quick: Option<usize>,
        tokens: &impl Fn(&[ChatTurn]) -> Result<Vec<u32>, PromptError>,
    ) -> Result<Option<usize>, PromptError> {
        let (Some(filled), Some(quick)) = (&self.filled, quick) else { return Ok(quick) };
        let own = tokens(&turns(&filled.assistant().instructions(), &filled.request()))?.len();
        Ok(Some(quick.max(own + PASSAGE_TOKENS)))
    }

    /// Runs the assistant's checks on what came out.
    pub(super) fn check(&mut self, text: &str, cited: usize, passages: &[&str]) {
        if let Some(filled) = &self.filled {
            self.outcomes = run_checks(filled, &Made { text, cited, passages });
        }
    }

    pub(super) fn outcomes(&mut self) -> Vec<CheckOutcome> {
        std::mem::take(&mut self.outcomes)
    }
}

/// Why there is no text.
enum Stopped {
    /// The reader went away.
    Gone,
    /// For the reader.
    Why(String),
}

impl From<Gone> for Stopped {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

/// Runs an assistant that uses no data set.
pub(in crate::answer) async fn write_draft(
    mut job: Job,
    loaded: Arc<Loaded>,
    request: AnswerRequest,
) {
    let Some(filled) = request.assistant.clone() else { return };
    job.task = Task::of(&request);
    job.notes.push(NO_DATA.to_owned());
    let Ok(()) = job.announce(&[], &[]).await else { return };
    match Draft::new(&job, &loaded, &filled, &request).write(&mut job).await {
        Ok(written) => {
            if written.finish != FinishReason::Cancelled {
                job.task.check(&written.text, 0, &[]);
            }
            job.close(AnswerKind::Plain, written, Some(&loaded), Vec::new()).await;
        }
        Err(Stopped::Gone) => {}
        Err(Stopped::Why(message)) => job.fail(message).await,
    }
}

fn turns(instructions: &str, request: &str) -> Vec<ChatTurn> {
    let turn =
        |role: &str, content: &str| ChatTurn { role: role.to_owned(), content: content.to_owned() };
    vec![turn("system", instructions), turn("user", request)]
}

/// A text without data sets, with the room that it has.
struct Draft<'d> {
    loaded: &'d Loaded,
    filled: &'d Filled,
    request: &'d AnswerRequest,
    context: usize,
    /// Tokens written at most, and those of them that are kept free whatever comes in.
    wanted: usize,
    room: usize,
}

impl<'d> Draft<'d> {
    fn new(job: &Job, loaded: &'d Loaded, filled: &'d Filled, request: &'d AnswerRequest) -> Self {
        let context = loaded.model.context_tokens();
        let wanted = request.max_tokens.unwrap_or(job.inner.settings.max_tokens);
        let room = wanted.min(context / 3).max(ANSWER_LEAST);
        Self { loaded, filled, request, context, wanted, room }
    }

    fn tokens(&self, instructions: &str, text: &str) -> Result<Vec<u32>, Stopped> {
        let messages: Vec<_> = turns(instructions, text).into_iter().map(message).collect();
        self.loaded
            .model
            .chat_prompt(&messages)
            .map_err(|why| Stopped::Why(format!("このモデルでは扱えません（{why}）。")))
    }

    async fn write(&self, job: &mut Job) -> Result<Written, Stopped> {
        let assistant = self.filled.assistant();
        let (instructions, request) = (assistant.instructions(), self.filled.request());
        let tokens = self.tokens(&instructions, &request)?.len();
        let long = assistant.long.as_ref();
        if tokens + self.room <= self.context && !long.is_some_and(|long| self.outgrows(long)) {
            return self.once(job, &instructions, &request, self.wanted).await;
        }
        match long {
            None => Err(self.too_long(tokens)),
            Some(long) if long.join == Join::Concat => self.one_by_one(job, long).await,
            Some(long) => self.gathered(job, long).await,
        }
    }

    /// Whether a text that is written anew would come out longer than may be written.
    fn outgrows(&self, long: &Long) -> bool {
        let tokens = self.loaded.text_tokens(self.filled.value(&long.field));
        long.join == Join::Concat && tokens > self.room * 4 / 5
    }

    fn too_long(&self, tokens: usize) -> Stopped {
        let most = self.context - self.room;
        Stopped::Why(format!(
            "入力が長すぎます（指示と合わせて{tokens}トークン。一度に扱えるのは{most}トークンまでです）。何も処理していません。短く分けて、もう一度お試しください。"
        ))
    }

    /// The parts of the long field beside `instructions`.
    fn parts(
        &self,
        long: &Long,
        instructions: &str,
        filled: &Filled,
    ) -> Result<Vec<String>, Stopped> {
        let frame = self.tokens(instructions, &filled.with(&long.field, "").request())?.len();
        let value = filled.value(&long.field);
        let room = self.context.saturating_sub(self.room + frame + MARGIN);
        let most = match long.join {
            Join::Concat => room.min(self.room * 4 / 5),
            Join::Merge => room,
        };
        if most < PART_LEAST {
            return Err(self.too_long(frame + self.loaded.text_tokens(value)));
        }
        let parts = split(value, most, |text| self.loaded.text_tokens(text));
        match parts.len() > PARTS_MOST {
            true => Err(self.too_long(frame + self.loaded.text_tokens(value))),
            false => Ok(parts),
        }
    }

    /// Each part by itself, shown one after the other.
    async fn one_by_one(&self, job: &mut Job, long: &Long) -> Result<Written, Stopped> {
        let instructions = self.filled.assistant().instructions();
        let parts = self.parts(long, &instructions, self.filled)?;
        let mut whole = Written::nothing();
        for (done, part) in parts.iter().enumerate() {
            job.send(AnswerEvent::Progress { done, parts: parts.len() }).await?;
            if done > 0 {
                job.show(&mut whole, "\n".to_owned()).await?;
            }
            let request = self.filled.with(&long.field, part).request();
            let written = self.once(job, &instructions, &request, self.wanted).await?;
            let ended = add(&mut whole, written);
            if ended {
                return Ok(whole);
            }
        }
        job.notes.push(format!(
            "入力が長いため、{}個に分けて処理し、順につなぎました。つなぎ目を確かめてください。",
            parts.len()
        ));
        Ok(whole)
    }

    /// The points of each part, and then the task on them.
    async fn gathered(&self, job: &mut Job, long: &Long) -> Result<Written, Stopped> {
        let assistant = self.filled.assistant();
        let (instructions, for_part) = (assistant.instructions(), assistant.part_instructions());
        let mut filled = self.filled.clone();
        let mut first_parts = 0;
        for _ in 0..ROUNDS {
            let parts = self.parts(long, &for_part, &filled)?;
            first_parts = first_parts.max(parts.len());
            let points = match self.points(job, long, &for_part, &parts).await? {
                Ok(points) => points,
                Err(ended) => return Ok(ended),
            };
            filled = filled.with(&long.field, &points);
            let request = filled.request();
            let tokens = self.tokens(&instructions, &request)?.len();
            if tokens + self.room > self.context {
                continue;
            }
            job.notes.push(format!(
                "入力が長いため、{first_parts}個に分けて要点を書き出し、それをもとに作成しました。細かな内容が抜けることがあります。原文と照らし合わせてください。"
            ));
            return self.once(job, &instructions, &request, self.wanted).await;
        }
        Err(self.too_long(self.tokens(&instructions, &self.filled.request())?.len()))
    }

    /// What the model notes down of each part; the inner error is a part that broke off.
    async fn points(
        &self,
        job: &mut Job,
        long: &Long,
        instructions: &str,
        parts: &[String],
    ) -> Result<Result<String, Written>, Stopped> {
        let mut points = Vec::with_capacity(parts.len());
        for (done, part) in parts.iter().enumerate() {
            job.send(AnswerEvent::Progress { done, parts: parts.len() }).await?;
            let request = self.filled.with(&long.field, part).request();
            // A third of what was read at most, so that every round makes it shorter.
            let most = (self.loaded.text_tokens(part) / 3).max(ANSWER_LEAST / 2);
            job.task.silent = true;
            let written = self.once(job, instructions, &request, most).await;
            job.task.silent = false;
            let written = written?;
            if written.failure.is_some() || written.finish == FinishReason::Cancelled {
                return Ok(Err(Written { text: String::new(), ..written }));
            }
            points.push(written.text.trim().to_owned());
        }
        job.send(AnswerEvent::Progress { done: parts.len(), parts: parts.len() }).await?;
        points.retain(|point| !point.is_empty());
        match points.is_empty() {
            true => Err(Stopped::Why("入力から要点を書き出せませんでした。".to_owned())),
            false => Ok(Ok(points.join("\n"))),
        }
    }

    /// One run of the model; counts add up over the runs of one request.
    async fn once(
        &self,
        job: &mut Job,
        instructions: &str,
        request: &str,
        most: usize,
    ) -> Result<Written, Stopped> {
        let prompt = self.tokens(instructions, request)?;
        let Some(left) = self.context.checked_sub(prompt.len()).filter(|left| *left > 0) else {
            return Err(self.too_long(prompt.len()));
        };
        let text_request = TextRequest {
            prompt,
            max_tokens: most.min(left),
            sampling: resolve_sampling(&job.inner, &self.request.sampling),
            stop: Vec::new(),
            client: self.request.client,
            constraint: None,
        };
        let before = std::mem::take(&mut job.usage);
        let written = job.generate(self.loaded, text_request, None).await?;
        let usage = &mut job.usage;
        usage.prompt_tokens += before.prompt_tokens;
        usage.cached_tokens += before.cached_tokens;
        usage.completion_tokens += before.completion_tokens;
        if before.first_token_ms > 0.0 {
            usage.first_token_ms = before.first_token_ms;
        }
        Ok(written)
    }
}

/// Joins the next part; true when there is no going on after it.
fn add(whole: &mut Written, part: Written) -> bool {
    whole.text.push_str(&part.text);
    whole.looped |= part.looped;
    whole.failure = part.failure;
    if part.finish != FinishReason::Stop {
        whole.finish = part.finish;
    }
    whole.failure.is_some() || part.finish == FinishReason::Cancelled
}
