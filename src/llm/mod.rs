//! The local model: GGUF, tokenizer, chat template, decoder, sampler, engine.
