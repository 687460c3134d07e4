//! Our own side of a measurement, in a process of its own: see [`super::side`].

use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::super::{Context, Failure, bundled};
use super::side::{Answer, Ask, Generate, Hello, Load, Stream};
use crate::llm::verbatim::{Guide, Verbatim};
use crate::llm::{
    DeviceChoice, EngineOptions, Event, Generation, Model, Reason, Request, Sampling, prompt_logits,
};

/// As many passages, and as long ones, as an answer is given at most.
const QUOTED_TEXTS: usize = 4;
const QUOTED_CHARS: usize = 2000;

/// Answers until the input ends.
pub(super) fn run(context: &Context) -> Result<(), Failure> {
    let broken = |why: &dyn std::fmt::Display| {
        Failure::new(format!("測定用の通信が切れました（{why}）。"), format!("broken pipe: {why}"))
    };
    let mut out = std::io::stdout().lock();
    let mut answer = |answer: &Answer| {
        let line = serde_json::to_string(answer).map_err(|why| broken(&why))?;
        writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|why| broken(&why))
    };
    answer(&Answer::Hello(hello()))?;
    let mut model: Option<Model> = None;
    let mut opened: Option<Load> = None;
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|why| broken(&why))?;
        let done = match serde_json::from_str(&line).map_err(|why| broken(&why))? {
            Ask::Load(asked) => {
                let started = Instant::now();
                let loaded = load(context, &asked).map(|loaded| {
                    model = Some(loaded);
                    Answer::Loaded { seconds: started.elapsed().as_secs_f64() }
                });
                opened = Some(asked);
                loaded
            }
            Ask::Logits { prompt } => match &opened {
                Some(opened) => prompt_logits(Path::new(&opened.path), opened.threads, &prompt)
                    .map(Answer::Logits)
                    .map_err(|why| why.to_string()),
                None => Err("no model is loaded".to_owned()),
            },
            Ask::Generate(asked) => match &model {
                Some(model) => generate(model, asked).map(Answer::Streams),
                None => Err("no model is loaded".to_owned()),
            },
        };
        answer(&done.unwrap_or_else(Answer::Error))?;
    }
    Ok(())
}

fn hello() -> Hello {
    Hello {
        name: "kura".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        // Chosen at run time, from what the processor has.
        instructions: Vec::new(),
        speculation: true,
    }
}

fn load(context: &Context, asked: &Load) -> Result<Model, String> {
    let configured = EngineOptions::from_config(&context.config.engine);
    let options = EngineOptions {
        threads: asked.threads,
        slots: asked.slots,
        context_tokens: asked.context_tokens,
        device: if asked.gpu { configured.device } else { DeviceChoice::Cpu },
        speculation: asked.speculation,
        queue_requests: configured.queue_requests.max(asked.slots),
        ..configured
    };
    Model::load(Path::new(&asked.path), &options).map_err(|why| why.to_string())
}

/// All prompts at once, each followed by a thread of its own, so that no time is noted late.
fn generate(model: &Model, asked: Generate) -> Result<Vec<Stream>, String> {
    let engine = model.engine();
    // Made before the clock runs: once for a model, and while a prompt is read for an answer.
    let spent = Arc::new(AtomicU64::new(0));
    let quoting = asked.quoting.then(|| {
        let texts = bundled::texts(QUOTED_TEXTS, QUOTED_CHARS);
        let verbatim = Arc::new(Verbatim::new(&texts));
        Guide::endless(verbatim, model.spelling()).timed(Arc::clone(&spent))
    });
    let started = Instant::now();
    let max_tokens = asked.tokens;
    let generations = asked.prompts.into_iter().map(|prompt| {
        let (sampling, eos) = (Sampling::default(), Vec::new());
        let (client, guide) = (None, quoting.clone());
        engine.generate(Request { prompt, max_tokens, sampling, eos, client, guide })
    });
    let generations = generations.collect::<Result<Vec<_>, _>>().map_err(|why| why.to_string())?;
    let follow = |mut generation: Generation| {
        let mut stream = Stream::default();
        loop {
            match generation.blocking_next() {
                Some(Event::Queued { .. }) => {}
                Some(Event::Token { id }) => {
                    stream.tokens.push(id);
                    stream.times.push(started.elapsed().as_secs_f64());
                }
                Some(Event::Finished(finish)) => {
                    stream.cached_tokens = finish.cached_tokens;
                    stream.drafted_tokens = finish.drafted_tokens;
                    stream.accepted_tokens = finish.accepted_tokens;
                    return match finish.reason {
                        Reason::Error(why) => Err(why),
                        _ => Ok(stream),
                    };
                }
                None => return Err(format!("{:?}", engine.health())),
            }
        }
    };
    let streams: Result<Vec<Stream>, String> = std::thread::scope(|scope| {
        let follow = &follow;
        let threads: Vec<_> = generations
            .into_iter()
            .map(|generation| scope.spawn(move || follow(generation)))
            .collect();
        let joined = threads.into_iter().map(|thread| {
            thread.join().unwrap_or_else(|_| Err("a thread of the measurement failed".to_owned()))
        });
        joined.collect()
    });
    let mut streams = streams?;
    let seconds = Duration::from_nanos(spent.load(Ordering::Relaxed)).as_secs_f64();
    let share = seconds / streams.len().max(1) as f64;
    streams.iter_mut().for_each(|stream| stream.choosing_seconds = share);
    Ok(streams)
}
