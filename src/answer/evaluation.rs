//! What an installed model is worth: questions with known answers, put the way staff put them.
//!
//! Each question is asked with the passages that search finds for it; where the deciding passage
//! is not among them it takes a place there. They stand in an order that says nothing (by a hash),
//! so that the model is measured and not the search. Number of passages and length of context are
//! not those of the settings but always the same, so that figures compare.
//! Every question is put once as it stands (is the right passage cited, are quotations word for
//! word, is 該当なし said where nothing fits?) and, where it has choices, once more with these.

pub mod grounds;
pub mod judge;
pub mod questions;
pub mod survival;

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::library::{Library, Shelf};
use super::pipeline::message;
use super::prompt::{self, Asked, CHOOSE, Given, INSTRUCTIONS};
use super::slot::{Loaded, ModelSlot, Slot};
use super::types::ChatTurn;
use crate::config::{Config, EngineConfig};
use crate::document::Passage;
use crate::llm::{ChatMessage, EngineOptions, Sampling, TextEvent, TextRequest};
use crate::search::Query;
use crate::sync::{Evaluation, Installation, ModelRecord};
use crate::text::Lang;
use judge::Tally;
use questions::{Question, Source};

/// Tokens of an answer at most: a sentence or two with their quotations.
const ANSWER_TOKENS: usize = 200;

/// Passages given with a question.
const PASSAGES: usize = 4;

/// Why an evaluation stopped.
#[derive(Debug, thiserror::Error)]
pub enum EvaluationError {
    #[error("the model cannot be used: {0}")]
    Model(String),
    #[error("the sample data set cannot be opened: {0}")]
    Data(String),
    #[error("question {question:?}: {path} holds no passage with {quote:?}")]
    NoPassage { question: String, path: String, quote: String },
    #[error("question {question:?}: not even one passage fits the model's context")]
    TooLong { question: String },
    #[error("question {question:?}: {why}")]
    Generation { question: String, why: String },
}

impl EvaluationError {
    /// What happened and what to do, in the words of a language.
    pub fn message(&self, lang: Lang) -> String {
        if lang == Lang::En {
            return self.to_string();
        }
        match self {
            Self::Model(why) => format!("モデルを使えません（{why}）。"),
            Self::Data(why) => format!("見本データを開けません（{why}）。"),
            Self::NoPassage { question, path, quote } => {
                format!("「{question}」の根拠「{quote}」が{path}にありません。")
            }
            Self::TooLong { question } => format!(
                "「{question}」の資料が、このモデルの扱える長さに入りません。より長い文を扱えるモデルをお使いください。"
            ),
            Self::Generation { question, why } => {
                format!("「{question}」への回答が途中で止まりました（{why}）。")
            }
        }
    }
}

/// A model beside the sample data set, ready to be asked.
#[derive(Debug)]
pub struct Examiner {
    shelf: Arc<Shelf>,
    loaded: Arc<Loaded>,
    clock: Clock,
    tally: Tally,
}

/// What a model said to one question, and what that was worth.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Reply {
    pub question: String,
    /// Number of the deciding passage among those given; `None` where 該当なし is right.
    pub expected: Option<usize>,
    /// The answer to the question as it stands.
    pub answer: String,
    pub verdict: judge::Verdict,
    /// The answer to the question with its choices; empty where it has none.
    pub choice_answer: String,
    /// The letter that the answer was taken for.
    pub chosen: Option<char>,
    pub choice_right: Option<bool>,
}

/// Tokens and time, prompts and answers apart.
#[derive(Debug, Default)]
struct Clock {
    prompt_tokens: usize,
    prompt_time: Duration,
    decoded_tokens: usize,
    decode_time: Duration,
}

impl Examiner {
    /// Loads the model `id` of `config`'s data folder; `data` holds the sample data set.
    ///
    /// # Errors
    /// The model cannot be loaded, or the data set cannot be opened.
    pub async fn open(
        config: &Config,
        id: &str,
        data: Installation,
    ) -> Result<Self, EvaluationError> {
        let installation = Installation::new(&config.data_dir);
        let engine = EngineConfig { slots: 1, context_tokens: 0, ..config.engine.clone() };
        let options = EngineOptions::from_config(&engine);
        let shelf = Library::new(data).shelf().map_err(|why| data_error(&why))?;
        let slot = ModelSlot::quiet(installation, Some(id.to_owned()), options);
        let loaded = match slot.settled().await {
            Slot::Ready(loaded) => loaded,
            Slot::Unusable(why) => return Err(EvaluationError::Model(why)),
            Slot::Loading => return Err(EvaluationError::Model("it is still loading".to_owned())),
        };
        Ok(Self { shelf, loaded, clock: Clock::default(), tally: Tally::default() })
    }

    /// The model that is asked.
    pub fn model(&self) -> &ModelRecord {
        &self.loaded.record
    }

    /// Asks one question and counts what came.
    ///
    /// # Errors
    /// The deciding passage is missing, the prompt does not fit, or generation failed.
    pub async fn ask(&mut self, question: &Question) -> Result<Reply, EvaluationError> {
        let mut passages = self.retrieve(question)?;
        self.fit(question, &mut passages)?;
        let expected = passages.iter().position(|passage| question.decides(passage));
        let texts: Vec<&str> = passages.iter().map(|passage| passage.text.as_str()).collect();
        let answer =
            self.generate(question, &passages, INSTRUCTIONS, &question.text, |_| false).await?;
        let verdict = judge::verdict(&answer, expected, &texts);
        let mut reply = Reply {
            question: question.text.clone(),
            expected: expected.map(|at| at + 1),
            answer,
            verdict,
            choice_answer: String::new(),
            chosen: None,
            choice_right: None,
        };
        if let Some(choices) = &question.choices {
            let asked = choices.ask(&question.text);
            let done =
                |text: &str| text.chars().count() > judge::HEAD && judge::letter(text).is_some();
            reply.choice_answer = self.generate(question, &passages, CHOOSE, &asked, done).await?;
            reply.chosen = judge::chosen(&reply.choice_answer, &choices.texts);
            reply.choice_right = Some(reply.chosen == Some(choices.answer));
        }
        self.tally.add(&reply);
        Ok(reply)
    }

    /// The counts so far as the record that is kept with the model. `questions_blake3` names the
    /// set of questions.
    pub fn evaluation(&self, questions_blake3: &str) -> Evaluation {
        let speed = |tokens: usize, time: Duration| tokens as f64 / time.as_secs_f64().max(1e-9);
        let clock = &self.clock;
        Evaluation {
            prefill_tokens_per_s: speed(clock.prompt_tokens, clock.prompt_time),
            decode_tokens_per_s: speed(clock.decoded_tokens, clock.decode_time),
            ..self.tally.evaluation(questions_blake3)
        }
    }

    /// Ends the model's work.
    pub fn shutdown(&self) {
        self.loaded.model.shutdown();
    }

    /// The passages given with a question, in an order that says nothing.
    fn retrieve(&self, question: &Question) -> Result<Vec<Passage>, EvaluationError> {
        let searcher = &self.shelf.searcher;
        let query = Query {
            text: question.text.clone(),
            limit: PASSAGES,
            keep_weak: true,
            ..Query::default()
        };
        let found = searcher.search(&query).map_err(|why| data_error(&why))?;
        let mut passages: Vec<Passage> = found.hits.into_iter().map(|hit| hit.passage).collect();
        let order = |passage: &Passage| {
            let name = format!("{}\n{}", question.text, passage.id);
            *blake3::hash(name.as_bytes()).as_bytes()
        };
        let found = passages.iter().any(|passage| question.decides(passage));
        if let Some(source) = question.source.as_ref().filter(|_| !found) {
            passages.truncate(PASSAGES - 1);
            passages.push(self.deciding(question, source)?);
        }
        passages.sort_by_key(order);
        Ok(passages)
    }

    /// Leaves passages out, the deciding one last, until the rest fits the context.
    fn fit(&self, question: &Question, passages: &mut Vec<Passage>) -> Result<(), EvaluationError> {
        while self.prompt(question, passages, INSTRUCTIONS, &question.text)?.is_none() {
            let spare = passages.iter().rposition(|passage| !question.decides(passage));
            match spare {
                Some(at) => drop(passages.remove(at)),
                None => {
                    return Err(EvaluationError::TooLong { question: question.text.clone() });
                }
            }
        }
        Ok(())
    }

    /// The passage that decides a question, wherever it stands.
    fn deciding(&self, question: &Question, source: &Source) -> Result<Passage, EvaluationError> {
        for record in &self.shelf.records {
            let document = self.shelf.searcher.document(&record.info.id, &source.path);
            let passages = document.map_err(|why| data_error(&why))?;
            if let Some(found) = passages.into_iter().find(|passage| question.decides(passage)) {
                return Ok(found);
            }
        }
        Err(EvaluationError::NoPassage {
            question: question.text.clone(),
            path: source.path.clone(),
            quote: source.quote.clone(),
        })
    }

    /// One greedy answer; `done` may end it early.
    async fn generate(
        &mut self,
        question: &Question,
        passages: &[Passage],
        instructions: &str,
        asked: &str,
        done: impl Fn(&str) -> bool,
    ) -> Result<String, EvaluationError> {
        let failed =
            |why: String| EvaluationError::Generation { question: question.text.clone(), why };
        let prompt = self.prompt(question, passages, instructions, asked)?;
        let (prompt, max_tokens) =
            prompt.ok_or_else(|| EvaluationError::TooLong { question: question.text.clone() })?;
        let sampling = Sampling { temperature: 0.0, ..Sampling::default() };
        let stop = Vec::new();
        // The model is measured as it is, without what the product does about its quotations.
        let (client, constraint) = (None, None);
        let request = TextRequest { prompt, max_tokens, sampling, stop, client, constraint };
        let began = Instant::now();
        let mut stream =
            self.loaded.model.generate(request).map_err(|why| failed(why.to_string()))?;
        let (mut text, mut first) = (String::new(), None);
        while let Some(event) = stream.next().await {
            match event {
                TextEvent::Queued { .. } => {}
                TextEvent::Text(more) => {
                    first.get_or_insert_with(Instant::now);
                    text.push_str(&more);
                    if done(&text) || super::looping::is_looping(&text) {
                        break;
                    }
                }
                TextEvent::Finished(_) => break,
                TextEvent::Failed(why) => return Err(failed(why)),
            }
        }
        let (prompt_tokens, tokens) = stream.counts();
        let first = first.unwrap_or_else(Instant::now);
        self.clock.prompt_tokens += prompt_tokens;
        self.clock.prompt_time += first.duration_since(began);
        self.clock.decoded_tokens += tokens.saturating_sub(1);
        self.clock.decode_time += first.elapsed();
        Ok(text)
    }

    /// The prompt and how many tokens its answer may have; `None` when the passages do not fit.
    fn prompt(
        &self,
        question: &Question,
        passages: &[Passage],
        instructions: &str,
        asked: &str,
    ) -> Result<Option<(Vec<u32>, usize)>, EvaluationError> {
        let model = &self.loaded.model;
        let failed =
            |why: String| EvaluationError::Generation { question: question.text.clone(), why };
        let tokens = |turns: &[ChatTurn]| {
            let messages: Vec<ChatMessage> = turns.iter().cloned().map(message).collect();
            model.chat_prompt(&messages)
        };
        let context = model.context_tokens();
        let room = ANSWER_TOKENS.min(context / 3);
        let relevance = self.shelf.searcher.relevance(&question.text, None);
        let relevance = relevance.map_err(|why| data_error(&why))?;
        let asked = Asked {
            instructions,
            question: asked,
            relevance: &relevance,
            layered: !self.loaded.record.self_test && instructions == INSTRUCTIONS,
        };
        let given: Vec<Given<'_>> = (1..)
            .zip(passages)
            .map(|(number, passage)| Given { number, rank: number, passage })
            .collect();
        let count = |turns: &[ChatTurn]| tokens(turns).map(|tokens| tokens.len());
        let text_tokens = |text: &str| self.loaded.text_tokens(text);
        let built = prompt::build(asked, &given, context - room, count, text_tokens)
            .map_err(|why| failed(why.to_string()))?
            .filter(|built| built.numbers.len() == passages.len());
        let Some(built) = built else { return Ok(None) };
        let prompt = tokens(&built.turns).map_err(|why| failed(why.to_string()))?;
        Ok(Some((prompt, room)))
    }
}

fn data_error(why: &dyn std::fmt::Display) -> EvaluationError {
    EvaluationError::Data(why.to_string())
}
