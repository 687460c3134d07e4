//! The local model: GGUF, tokenizer, chat template, decoder, sampler, engine.

pub mod chat_template;
pub mod detokenize;
pub mod stop;
pub mod tokenizer;
