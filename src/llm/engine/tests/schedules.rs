//! Whatever happens around it, a sequence writes what it would write alone, one token at a time,
//! without chunks, shared blocks, or guesses: random schedules on a worker that is driven by hand.

use std::sync::LazyLock;

use candle_core::quantized::GgmlDType;
use proptest::prelude::*;

use super::*;
use crate::llm::decoder::{Batch, BatchSequence};
use crate::llm::kv_cache::BLOCK;
use crate::llm::model::read_tokenizer;
use crate::llm::verbatim::{Guide, Spelling, Verbatim};

const CONTEXT: usize = 256;

/// Two small models of different architectures, the second with a window; and a larger one that
/// mostly goes on with the successor that its tokens prefer.
static MODELS: LazyLock<[Gguf; 3]> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let small = |name: &str| TestModel {
        width: 64,
        feed_forward: 128,
        heads: 4,
        head_length: 32,
        window: 40,
        ..TestModel::new(name)
    };
    let models = [
        TestModel { kind: GgmlDType::Q8_0, ..small("qwen3") },
        TestModel { kind: GgmlDType::F32, ..small("gemma3") },
        TestModel::new("llama"),
    ];
    models.map(|model| {
        let path = folder.path().join(format!("{}.gguf", model.architecture));
        model.write(&path).unwrap();
        Gguf::open(&path).unwrap()
    })
});

/// What quotations are held to; the tokens of all three models are bytes.
pub(super) const QUOTED: &str =
    "市長は、「特例」を定めることができる。\nThe mayor may make exceptions.";

static SPELLING: LazyLock<Arc<Spelling>> = LazyLock::new(|| {
    let tokenizer = read_tokenizer(&MODELS[0]).unwrap();
    Arc::new(Spelling::new(Arc::new(tokenizer)))
});

/// Holds an answer that begins inside of a quotation, since these models open none.
pub(super) fn quoting() -> Guide {
    Guide::quoting(Arc::new(Verbatim::new(&[QUOTED])), SPELLING.clone())
}

/// How a schedule is run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    pub(super) model: usize,
    pub(super) slots: usize,
    pub(super) blocks: usize,
    pub(super) kv_type: KvType,
    pub(super) chunk: (usize, usize),
    pub(super) speculation: bool,
    /// The way that other devices take.
    pub(super) on_device: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            model: 0,
            slots: 3,
            blocks: 3 * CONTEXT / BLOCK,
            kv_type: KvType::F16,
            chunk: (32, 128),
            speculation: true,
            on_device: false,
        }
    }
}

/// A worker that does a round when it is told to.
pub(super) struct Driven {
    pub(super) worker: Worker,
    pub(super) shared: Arc<Shared>,
    asked: u64,
}

fn decoder(setup: Setup) -> Decoder {
    decoder_of(&MODELS[setup.model], setup)
}

pub(super) fn decoder_of(gguf: &Gguf, setup: Setup) -> Decoder {
    let architecture = Architecture::read(gguf).unwrap();
    let compute = match setup.on_device {
        true => Compute::Candle(candle_core::Device::Cpu),
        false => Compute::Cpu,
    };
    let (slots, blocks, kv_type) = (setup.slots, setup.blocks, setup.kv_type);
    let options = DecoderOptions { slots, context_tokens: CONTEXT, blocks, kv_type, compute };
    Decoder::load(gguf, architecture, options).unwrap()
}

impl Driven {
    pub(super) fn new(setup: Setup) -> Self {
        Self::of(decoder(setup), setup)
    }

    /// The same with another model.
    pub(super) fn of(decoder: Decoder, setup: Setup) -> Self {
        let shared = Arc::new(Shared::new(64, setup.slots));
        let limits = worker::Limits {
            slots: setup.slots,
            context_tokens: CONTEXT,
            chunk: setup.chunk,
            step: Duration::from_millis(250),
            speculation: setup.speculation,
        };
        let pool = Arc::new(Pool::new(2).unwrap());
        let worker = Worker::new(decoder, pool, limits, shared.clone());
        Self { worker, shared, asked: 0 }
    }

    pub(super) fn ask(&mut self, request: Request) -> Generation {
        let (sender, events) = unbounded_channel();
        self.asked += 1;
        let sequence = Sequence::new(NewSequence {
            owner: request.client.map_or(Owner::Alone(self.asked), Owner::Client),
            events: sender,
            prompt: request.prompt,
            max_tokens: request.max_tokens,
            eos: request.eos,
            sampler: Sampler::new(request.sampling).unwrap().guided(request.guide),
        });
        assert!(self.shared.queue.push(sequence).is_ok());
        Generation { events }
    }

    /// Does rounds while there is something to do, at most so many.
    pub(super) fn rounds(&mut self, most: usize) {
        for _ in 0..most {
            // A round without anything to do would wait for somebody to come.
            self.worker.drop_cancelled();
            if self.worker.running() == 0 && self.shared.queue.len() == 0 {
                break;
            }
            assert!(self.worker.round());
            self.worker.check();
        }
        self.worker.publish();
    }

    /// The tokens of a request that nothing else disturbs.
    pub(super) fn alone(&mut self, request: Request) -> (Vec<u32>, Finish) {
        let generation = self.ask(request);
        self.rounds(usize::MAX);
        finish(generation.blocking_collect())
    }

    pub(super) fn stats(&self) -> EngineStats {
        self.shared.counters.read()
    }
}

/// What the request gives in a bare decoder: the whole prompt, then token by token.
pub(super) fn reference(setup: Setup, request: &Request) -> Vec<u32> {
    let blocks = CONTEXT / BLOCK;
    let mut decoder = decoder(Setup { slots: 1, blocks, ..setup });
    let sampler = Sampler::new(request.sampling.clone()).unwrap();
    let mut sampler = sampler.guided(request.guide.clone());
    let mut tokens = request.prompt.clone();
    let mut computed = 0;
    while tokens.len() < (request.prompt.len() + request.max_tokens).min(CONTEXT) {
        let sequence = BatchSequence {
            slot: 0,
            blocks: (0..blocks as u32).collect(),
            position: computed,
            tokens: tokens[computed..].to_vec(),
            logits: 1,
        };
        computed = tokens.len();
        let mut logits = decoder.forward(&Batch { sequences: vec![sequence] }).unwrap();
        let row = logits.rows_mut().next().unwrap();
        let token = sampler.sample(row, &tokens).unwrap();
        if request.eos.contains(&token) {
            break;
        }
        tokens.push(token);
    }
    tokens.split_off(request.prompt.len())
}

/// Text that the model would go on with, now and then broken: tokens prefer one successor each
/// (see `TestModel`).
pub(super) fn text(seed: usize, length: usize) -> Vec<u32> {
    let mut token = seed * 53 % 288;
    (0..length)
        .map(|i| {
            token = if (i * 7 + seed).is_multiple_of(19) {
                i * 31 % 288
            } else {
                (145 * token + 35) % 288
            };
            token as u32
        })
        .collect()
}

#[derive(Clone, Debug)]
struct Ask {
    /// Which text it begins with, how far, and what it goes on with.
    base: usize,
    common: usize,
    own: usize,
    max_tokens: usize,
    client: Option<u64>,
    temperature: f32,
}

impl Ask {
    fn request(&self, number: usize) -> Request {
        let mut prompt = text(self.base, self.common);
        prompt.extend(text(10 + number, self.own));
        let seed = Some(number as u64);
        let temperature = self.temperature;
        let repetition_penalty = if self.own.is_multiple_of(2) { 1.0 } else { 1.1 };
        Request {
            prompt,
            max_tokens: self.max_tokens,
            sampling: Sampling { temperature, seed, repetition_penalty, ..Sampling::default() },
            // An end that some meet.
            eos: vec![17, 211],
            client: self.client,
            guide: self.base.eq(&1).then(quoting),
        }
    }
}

#[derive(Clone, Debug)]
enum Action {
    Ask(Ask),
    Rounds(usize),
    Cancel(prop::sample::Index),
}

fn ask() -> impl Strategy<Value = Ask> {
    let client = prop::option::of(0u64..2);
    let temperature = prop_oneof![2 => Just(0.0f32), 1 => Just(0.8f32)];
    (0usize..2, 0usize..110, 1usize..60, 0usize..40, client, temperature).prop_map(
        |(base, common, own, max_tokens, client, temperature)| Ask {
            base,
            common,
            own,
            max_tokens,
            client,
            temperature,
        },
    )
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let action = prop_oneof![
        4 => ask().prop_map(Action::Ask),
        4 => (1usize..12).prop_map(Action::Rounds),
        1 => any::<prop::sample::Index>().prop_map(Action::Cancel),
    ];
    prop::collection::vec(action, 2..16)
}

fn setup() -> impl Strategy<Value = Setup> {
    let kv_type = prop_oneof![Just(KvType::F16), Just(KvType::F32), Just(KvType::Q8_0)];
    let chunk = (1usize..80, 1usize..140);
    // From hardly more than one context to plenty.
    (0usize..2, 1usize..4, CONTEXT / BLOCK..30, kv_type, chunk, any::<bool>()).prop_map(
        |(model, slots, blocks, kv_type, chunk, speculation)| Setup {
            model,
            slots,
            blocks,
            kv_type,
            chunk,
            speculation,
            on_device: false,
        },
    )
}

fn check(setup: Setup, actions: Vec<Action>) {
    let mut driven = Driven::new(setup);
    let mut asked: Vec<(Request, Option<Generation>)> = Vec::new();
    for action in actions {
        match action {
            Action::Ask(ask) => {
                let request = ask.request(asked.len());
                asked.push((request.clone(), Some(driven.ask(request))));
            }
            Action::Rounds(rounds) => driven.rounds(rounds),
            Action::Cancel(_) if asked.is_empty() => {}
            Action::Cancel(index) => {
                let index = index.index(asked.len());
                asked[index].1 = None;
            }
        }
    }
    driven.rounds(10_000);
    assert_eq!((driven.worker.running(), driven.shared.queue.len()), (0, 0));
    assert_eq!(driven.stats().cache_blocks_used, 0);
    for (number, (request, generation)) in asked.into_iter().enumerate() {
        let Some(generation) = generation else { continue };
        let (tokens, end) = finish(generation.blocking_collect());
        assert!(matches!(end.reason, Reason::Stop | Reason::Length), "{:?}", end.reason);
        assert_eq!(tokens, reference(setup, &request), "request {number} with {setup:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn every_schedule_gives_the_same_tokens(setup in setup(), actions in actions()) {
        check(setup, actions);
    }
}

#[test]
fn slots_of_a_device_give_the_same_tokens() {
    let setup = Setup { on_device: true, kv_type: KvType::F32, slots: 2, ..Setup::default() };
    let mut driven = Driven::new(setup);
    let requests: Vec<Request> =
        (0..4).map(|i| Request { prompt: text(i % 2, 40 + 11 * i), ..request(1, 20) }).collect();
    let generations: Vec<Generation> = requests.iter().map(|r| driven.ask(r.clone())).collect();
    driven.rounds(usize::MAX);
    for (request, generation) in requests.iter().zip(generations) {
        assert_eq!(generation.blocking_collect().0, reference(setup, request));
    }
    let (_, again) = driven.alone(requests[0].clone());
    assert_eq!(again.cached_tokens, 39);
}
