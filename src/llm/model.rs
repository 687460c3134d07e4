//! A model that speaks text: engine, tokenizer and chat template of one file.
//!
//! The engine's thread sees token ids only; rendering, tokenizing, stop strings and putting
//! characters together happen here, on the threads of the requests.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::chat_template::{ChatMessage, ChatTemplate, RenderOptions, TemplateError};
use super::detokenize::Detokenizer;
use super::engine::{
    Engine, EngineError, EngineMemory, EngineOptions, Event, Finish, Generation, Health, Reason,
    Request,
};
use super::error::ModelError;
use super::gguf::{Gguf, GgufError};
use super::info::ModelInfo;
use super::sampler::Sampling;
use super::stop::StopMatcher;
use super::tokenizer::{EncodeOptions, Tokenizer, TokenizerError, Vocabulary};
use super::verbatim::{Guide, Spelling, Verbatim};

/// Why a file cannot serve as a model.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Gguf(#[from] GgufError),
    #[error("{}: {source}", path.display())]
    Tokenizer { path: PathBuf, source: TokenizerError },
    #[error("{}: {source}", path.display())]
    Template { path: PathBuf, source: TemplateError },
}

/// Why a prompt cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
}

/// A loaded model.
pub struct Model {
    engine: Engine,
    tokenizer: Arc<Tokenizer>,
    template: ChatTemplate,
    /// Made by the first request that quotes.
    spelling: OnceLock<Arc<Spelling>>,
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model").field("info", self.engine.info()).finish_non_exhaustive()
    }
}

/// What to write.
#[derive(Clone, Debug)]
pub struct TextRequest {
    /// Token ids, from [`Model::chat_prompt`] or [`Model::raw_prompt`].
    pub prompt: Vec<u32>,
    /// Tokens at most.
    pub max_tokens: usize,
    pub sampling: Sampling,
    /// The text ends before the first of these.
    pub stop: Vec<String>,
    /// Whom it is for, as in [`Request::client`].
    pub client: Option<u64>,
    /// What it writes in 「」 is held to these texts.
    pub constraint: Option<Arc<Verbatim>>,
}

/// What comes while a model writes.
#[derive(Clone, Debug, PartialEq)]
pub enum TextEvent {
    /// Nothing is written yet: `place` requests are before this one. Comes again when that
    /// changes.
    Queued { place: usize },
    /// More text: whole characters.
    Text(String),
    /// The end; [`TextStream::counts`] tells how much was written.
    Finished(TextReason),
    /// The model failed, and why.
    Failed(String),
}

/// Why a text ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextReason {
    /// The model ended it, or a stop string came.
    Stop,
    /// No tokens left.
    Length,
    /// The engine is shutting down.
    Cancelled,
}

impl Model {
    /// Opens a file, checks it, and starts its engine.
    ///
    /// # Errors
    /// The file is no usable model, or memory does not suffice.
    pub fn load(path: &Path, options: &EngineOptions) -> Result<Self, LoadError> {
        let gguf = Gguf::open(path)?;
        let tokenizer = read_tokenizer(&gguf)?;
        let template = read_template(path, &tokenizer)?;
        let engine = Engine::from_gguf(&gguf, options)?;
        let (tokenizer, spelling) = (Arc::new(tokenizer), OnceLock::new());
        Ok(Self { engine, tokenizer, template, spelling })
    }

    /// Checks everything but the computation: header, tokenizer, template, architecture.
    ///
    /// # Errors
    /// As for `load`.
    pub fn check(path: &Path) -> Result<ModelInfo, LoadError> {
        let gguf = Gguf::open(path)?;
        let tokenizer = read_tokenizer(&gguf)?;
        read_template(path, &tokenizer)?;
        super::architecture::Architecture::read(&gguf)?;
        Ok(ModelInfo::read(&gguf)?)
    }

    /// Memory that the model of a file would take with these options, without loading it.
    ///
    /// # Errors
    /// As for `load`.
    pub fn memory(path: &Path, options: &EngineOptions) -> Result<EngineMemory, LoadError> {
        Ok(EngineMemory::of(&Gguf::open(path)?, options)?)
    }

    pub fn info(&self) -> &ModelInfo {
        self.engine.info()
    }

    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// What the tokens of this model spell, for a [`Guide`].
    pub fn spelling(&self) -> Arc<Spelling> {
        self.spelling.get_or_init(|| Arc::new(Spelling::new(self.tokenizer.clone()))).clone()
    }

    /// Tokens of prompt and answer together.
    pub fn context_tokens(&self) -> usize {
        self.engine.context_tokens()
    }

    /// Why the model does not answer any more; `None` while it does.
    pub fn problem(&self) -> Option<String> {
        match self.engine.health() {
            Health::Ready => None,
            Health::Failed(why) => Some(why),
            Health::Stopped => Some("停止しました".to_owned()),
        }
    }

    /// Ends the engine: what is being written breaks off.
    pub fn shutdown(&self) {
        self.engine.shutdown();
    }

    /// The token ids of a conversation, as the model's template writes it. A template that takes
    /// no system turn gets it at the head of the first user turn.
    ///
    /// # Errors
    /// The template refuses the turns, or the text cannot be tokenized.
    pub fn chat_prompt(&self, messages: &[ChatMessage]) -> Result<Vec<u32>, PromptError> {
        let guarded: Vec<ChatMessage> = messages
            .iter()
            .map(|message| ChatMessage {
                role: message.role.clone(),
                content: self.tokenizer.guard(&message.content).into_owned(),
            })
            .collect();
        let options = RenderOptions::default();
        let rendered = match self.template.render(&guarded, options) {
            Err(TemplateError::Refused(why)) => match without_system(&guarded) {
                Some(merged) => self.template.render(&merged, options)?,
                None => return Err(TemplateError::Refused(why).into()),
            },
            other => other?,
        };
        // Some templates write the BOS themselves, others leave it to the tokenizer.
        let bos = self.tokenizer.bos_text();
        let add_special = bos.is_empty() || !rendered.starts_with(bos.as_ref());
        let options = EncodeOptions { add_special, parse_special: true };
        let mut ids = self.tokenizer.encode(&rendered, options)?;
        if add_special && self.tokenizer.eos_id().is_some_and(|eos| ids.last() == Some(&eos)) {
            ids.pop();
        }
        Ok(ids)
    }

    /// The token ids of a raw prompt: control tokens in it are plain text.
    ///
    /// # Errors
    /// The text cannot be tokenized.
    pub fn raw_prompt(&self, text: &str) -> Result<Vec<u32>, PromptError> {
        let options = EncodeOptions { add_special: true, parse_special: false };
        Ok(self.tokenizer.encode(text, options)?)
    }

    /// Starts writing. Dropping the stream stops it.
    ///
    /// # Errors
    /// The queue is full, the prompt is empty or too long, or the engine has failed.
    pub fn generate(&self, request: TextRequest) -> Result<TextStream, EngineError> {
        let prompt_tokens = request.prompt.len();
        let generation = self.engine.generate(Request {
            prompt: request.prompt,
            max_tokens: request.max_tokens,
            sampling: request.sampling,
            eos: self.tokenizer.end_ids().to_vec(),
            client: request.client,
            guide: request.constraint.map(|texts| Guide::new(texts, self.spelling())),
        })?;
        Ok(TextStream::new(generation, self.tokenizer.clone(), request.stop, prompt_tokens))
    }
}

/// Text as it is being written.
pub struct TextStream {
    generation: Generation,
    tokenizer: Arc<Tokenizer>,
    detokenizer: Detokenizer,
    stops: StopMatcher,
    prompt_tokens: usize,
    completion_tokens: usize,
    /// How the engine ended it; `None` until then.
    finish: Option<Finish>,
    /// The last event, held until the text before it has been given.
    ended: Option<TextEvent>,
    over: bool,
}

impl TextStream {
    fn new(
        generation: Generation,
        tokenizer: Arc<Tokenizer>,
        stop: Vec<String>,
        prompt_tokens: usize,
    ) -> Self {
        Self {
            generation,
            detokenizer: Detokenizer::new(&tokenizer),
            tokenizer,
            stops: StopMatcher::new(stop),
            prompt_tokens,
            completion_tokens: 0,
            finish: None,
            ended: None,
            over: false,
        }
    }

    /// The next piece of text or the end; `None` after the end. Safe to cancel.
    pub async fn next(&mut self) -> Option<TextEvent> {
        loop {
            if let Some(last) = self.ended.take() {
                self.over = true;
                return Some(last);
            }
            if self.over {
                return None;
            }
            let event = self.generation.next().await;
            let text = match event {
                Some(Event::Queued { place }) => return Some(TextEvent::Queued { place }),
                Some(Event::Token { id }) => self.token(id),
                Some(Event::Finished(finish)) => {
                    let reason = finish.reason.clone();
                    self.finish = Some(finish);
                    self.end(reason)
                }
                None => self.end(Reason::Error("the engine stopped".to_owned())),
            };
            if !text.is_empty() {
                return Some(TextEvent::Text(text));
            }
        }
    }

    /// Tokens of the prompt, and tokens written so far.
    pub fn counts(&self) -> (usize, usize) {
        (self.prompt_tokens, self.completion_tokens)
    }

    /// What the engine told of the whole once it had ended by itself: counts and times.
    pub fn timing(&self) -> Option<&Finish> {
        self.finish.as_ref()
    }

    fn token(&mut self, id: u32) -> String {
        self.completion_tokens += 1;
        let piece = self.detokenizer.push(&self.tokenizer, id);
        let step = self.stops.push(&piece);
        if step.stopped_by.is_some() {
            self.ended = Some(TextEvent::Finished(TextReason::Stop));
        }
        step.text
    }

    fn end(&mut self, reason: Reason) -> String {
        // Cut by the limit, the last character may be unfinished: it is left out, not replaced.
        let tail = match reason {
            Reason::Length | Reason::Cancelled => String::new(),
            Reason::Stop | Reason::Error(_) => self.detokenizer.flush(),
        };
        let step = self.stops.push(&tail);
        let mut text = step.text;
        if step.stopped_by.is_none() {
            text.push_str(&self.stops.flush());
        }
        self.ended = Some(match reason {
            Reason::Stop => TextEvent::Finished(TextReason::Stop),
            Reason::Length => TextEvent::Finished(TextReason::Length),
            Reason::Cancelled => TextEvent::Finished(TextReason::Cancelled),
            Reason::Error(why) => TextEvent::Failed(why),
        });
        text
    }
}

/// The turns with the system's words at the head of the first user turn.
fn without_system(messages: &[ChatMessage]) -> Option<Vec<ChatMessage>> {
    let (system, mut rest): (Vec<_>, Vec<_>) =
        messages.iter().cloned().partition(|message| message.role == "system");
    let first = rest.iter_mut().find(|message| message.role == "user")?;
    if system.is_empty() {
        return None;
    }
    let words: Vec<&str> = system.iter().map(|message| message.content.as_str()).collect();
    first.content = format!("{}\n\n{}", words.join("\n"), first.content);
    Some(rest)
}

fn read_template(path: &Path, tokenizer: &Tokenizer) -> Result<ChatTemplate, LoadError> {
    let template = match tokenizer.chat_template() {
        Some(source) => ChatTemplate::new(source, &tokenizer.bos_text(), &tokenizer.eos_text()),
        None => ChatTemplate::chatml(),
    };
    template.map_err(|source| LoadError::Template { path: path.to_owned(), source })
}

/// Builds the tokenizer that a file describes.
///
/// # Errors
/// The metadata is missing or contradictory.
pub(super) fn read_tokenizer(gguf: &Gguf) -> Result<Tokenizer, LoadError> {
    let key = |name: &str| format!("tokenizer.ggml.{name}");
    let owned = |name: &str| -> Result<Vec<String>, GgufError> {
        let list = gguf.byte_strings(&key(name))?;
        Ok(list.map_or_else(Vec::new, |list| {
            list.map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
        }))
    };
    let id = |name: &str| gguf.u32(&key(&format!("{name}_token_id")));
    let vocabulary = Vocabulary {
        model: gguf.string(&key("model"))?.unwrap_or_default().to_owned(),
        pre: gguf.string(&key("pre"))?.map(str::to_owned),
        tokens: owned("tokens")?,
        scores: gguf.f32s(&key("scores"))?,
        token_types: gguf.i32s(&key("token_type"))?,
        merges: owned("merges")?,
        bos_id: id("bos")?,
        eos_id: id("eos")?,
        eot_id: id("eot")?,
        eom_id: id("eom")?,
        unk_id: id("unknown")?,
        add_bos: gguf.bool(&key("add_bos_token"))?,
        add_eos: gguf.bool(&key("add_eos_token"))?,
        add_space_prefix: gguf.bool(&key("add_space_prefix"))?,
        remove_extra_whitespaces: gguf.bool(&key("remove_extra_whitespaces"))?.unwrap_or(false),
        chat_template: gguf.string("tokenizer.chat_template")?.map(str::to_owned),
        precompiled_charsmap: gguf.bytes(&key("precompiled_charsmap"))?.map(<[u8]>::to_vec),
    };
    Tokenizer::new(vocabulary)
        .map_err(|source| LoadError::Tokenizer { path: gguf.path().to_owned(), source })
}
