//! What differs between model families, as data read from the GGUF: one decoder serves them all.

use super::error::ModelError;
use super::gguf::{Gguf, GgufError};
use super::kernels::elementwise::Activation;
use super::weights::load_floats;

/// The families that the decoder knows, by `general.architecture`.
pub const ARCHITECTURES: &[&str] = &["llama", "qwen2", "qwen3", "gemma3"];

/// Gemma 3: every sixth layer attends to everything, the others to a window.
const GEMMA3_PATTERN: usize = 6;
/// Gemma 3 27B, told by its layers, scales attention by its width per head instead of the head
/// length.
const GEMMA3_27B_LAYERS: usize = 62;
const HEADS_MAX: usize = 1 << 12;
const LAYERS_MAX: usize = 1 << 12;
const LENGTH_MAX: usize = 1 << 20;

/// Which elements of a head are rotated together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RopeStyle {
    /// 2i with 2i + 1: llama, whose converter permutes the weights for it.
    Adjacent,
    /// i with i + n/2: everything else.
    Halves,
}

/// One set of rotation frequencies.
#[derive(Clone, Debug, PartialEq)]
pub struct RopeBase {
    pub base: f32,
    /// Positions are divided by this (`rope.scaling.factor` of type linear).
    pub position_divisor: f32,
}

/// Hyper-parameters of a decoder.
#[derive(Clone, Debug)]
pub struct Architecture {
    pub name: String,
    pub layers: usize,
    /// Tokens the model was trained for.
    pub context_tokens: usize,
    /// Width of the residual stream.
    pub width: usize,
    pub feed_forward: usize,
    pub heads: usize,
    pub kv_heads: usize,
    /// Length of a head of queries, keys and values.
    pub head_length: usize,
    pub vocabulary: usize,
    pub norm_epsilon: f32,
    pub activation: Activation,
    /// Scores are multiplied by this before the softmax.
    pub attention_scale: f32,
    pub embedding_scale: f32,
    /// Logits become `cap · tanh(logits / cap)`.
    pub logit_cap: Option<f32>,
    pub rope_style: RopeStyle,
    /// Elements of a head that are rotated.
    pub rope_length: usize,
    pub rope: RopeBase,
    /// For the layers with a window, where it differs.
    pub rope_windowed: RopeBase,
    /// Divisors of the frequencies (`rope_freqs.weight`, Llama 3), one for each rotated pair.
    pub rope_factors: Option<Vec<f32>>,
    /// Tokens that a windowed layer sees, itself included.
    pub window: Option<usize>,
    /// Whether each layer attends through the window.
    pub windowed_layers: Vec<bool>,
    /// Queries, keys and values have biases that must be there.
    pub needs_qkv_bias: bool,
    /// A norm over each head of queries and keys.
    pub head_norms: bool,
    /// Norms after attention and feed-forward as well as before.
    pub post_norms: bool,
}

impl Architecture {
    /// Reads and checks the hyper-parameters.
    ///
    /// # Errors
    /// The architecture is unknown, or a value is missing, of the wrong type, or contradicts
    /// another: the error names the key.
    pub fn read(gguf: &Gguf) -> Result<Self, ModelError> {
        let key = "general.architecture";
        let name = gguf.string(key)?.ok_or_else(|| gguf.key_error(key, "is missing"))?;
        if !ARCHITECTURES.contains(&name) {
            return Err(ModelError::Architecture {
                path: gguf.path().to_path_buf(),
                found: name.to_string(),
                supported: ARCHITECTURES,
            });
        }
        let keys = Keys { gguf, prefix: name };
        keys.refuse_experts()?;
        let shape = keys.shape()?;
        let gemma = name == "gemma3";
        let (window, windowed_layers) = keys.window(gemma, shape.layers)?;
        let rope_length = keys.size_or("rope.dimension_count", shape.head_length, LENGTH_MAX)?;
        if rope_length > shape.head_length || !rope_length.is_multiple_of(2) {
            return Err(keys.error("rope.dimension_count", "is odd or longer than a head").into());
        }
        let (rope, rope_windowed) = keys.rope(gemma)?;
        let scale_length = if gemma && shape.layers == GEMMA3_27B_LAYERS {
            shape.width / shape.heads
        } else {
            shape.head_length
        };
        Ok(Self {
            name: name.to_string(),
            context_tokens: keys.size("context_length", usize::MAX)?,
            vocabulary: vocabulary(gguf, shape.width)?,
            norm_epsilon: keys.positive("attention.layer_norm_rms_epsilon", None)?,
            activation: if gemma { Activation::GeluTanh } else { Activation::Silu },
            attention_scale: 1.0 / (scale_length as f32).sqrt(),
            embedding_scale: if gemma { (shape.width as f32).sqrt() } else { 1.0 },
            logit_cap: keys.optional_positive("final_logit_softcapping")?,
            rope_style: if name == "llama" { RopeStyle::Adjacent } else { RopeStyle::Halves },
            rope_length,
            rope,
            rope_windowed,
            rope_factors: rope_factors(gguf, rope_length)?,
            window,
            windowed_layers,
            needs_qkv_bias: name == "qwen2",
            head_norms: name == "qwen3" || gemma,
            post_norms: gemma,
            layers: shape.layers,
            width: shape.width,
            feed_forward: shape.feed_forward,
            heads: shape.heads,
            kv_heads: shape.kv_heads,
            head_length: shape.head_length,
        })
    }
}

struct Shape {
    layers: usize,
    width: usize,
    feed_forward: usize,
    heads: usize,
    kv_heads: usize,
    head_length: usize,
}

/// The keys of one architecture: `<architecture>.<key>`.
struct Keys<'a> {
    gguf: &'a Gguf,
    prefix: &'a str,
}

impl Keys<'_> {
    fn full(&self, key: &str) -> String {
        format!("{}.{key}", self.prefix)
    }

    fn error(&self, key: &str, what: &str) -> GgufError {
        self.gguf.key_error(&self.full(key), what)
    }

    fn optional_size(&self, key: &str, max: usize) -> Result<Option<usize>, GgufError> {
        match self.gguf.u32(&self.full(key))? {
            None => Ok(None),
            Some(value) if value > 0 && value as usize <= max => Ok(Some(value as usize)),
            Some(value) => Err(self.error(key, &format!("{value} is not a sensible value"))),
        }
    }

    fn size(&self, key: &str, max: usize) -> Result<usize, GgufError> {
        self.optional_size(key, max)?.ok_or_else(|| self.error(key, "is missing"))
    }

    fn size_or(&self, key: &str, default: usize, max: usize) -> Result<usize, GgufError> {
        Ok(self.optional_size(key, max)?.unwrap_or(default))
    }

    fn optional_positive(&self, key: &str) -> Result<Option<f32>, GgufError> {
        match self.gguf.f32(&self.full(key))? {
            Some(value) if value <= 0.0 => Err(self.error(key, "must be above 0")),
            value => Ok(value),
        }
    }

    fn positive(&self, key: &str, default: Option<f32>) -> Result<f32, GgufError> {
        let value = self.optional_positive(key)?.or(default);
        value.ok_or_else(|| self.error(key, "is missing"))
    }

    fn refuse_experts(&self) -> Result<(), GgufError> {
        match self.gguf.u32(&self.full("expert_count"))? {
            None | Some(0) => Ok(()),
            Some(_) => Err(self.error("expert_count", "mixtures of experts are not supported")),
        }
    }

    fn shape(&self) -> Result<Shape, GgufError> {
        let width = self.size("embedding_length", LENGTH_MAX)?;
        let heads = self.size("attention.head_count", HEADS_MAX)?;
        let kv_heads = self.size_or("attention.head_count_kv", heads, HEADS_MAX)?;
        if !heads.is_multiple_of(kv_heads) {
            let what = format!("{kv_heads} does not divide the {heads} heads");
            return Err(self.error("attention.head_count_kv", &what));
        }
        let head_length = match self.optional_size("attention.key_length", LENGTH_MAX)? {
            Some(length) => length,
            None if width.is_multiple_of(heads) => width / heads,
            None => return Err(self.error("attention.head_count", "does not divide the width")),
        };
        if !head_length.is_multiple_of(8) {
            let what = format!("heads of {head_length} elements; a multiple of 8 is needed");
            return Err(self.error("attention.key_length", &what));
        }
        if self.size_or("attention.value_length", head_length, LENGTH_MAX)? != head_length {
            let what = "differs from the length of a key, which is not supported";
            return Err(self.error("attention.value_length", what));
        }
        Ok(Shape {
            layers: self.size("block_count", LAYERS_MAX)?,
            width,
            feed_forward: self.size("feed_forward_length", LENGTH_MAX)?,
            heads,
            kv_heads,
            head_length,
        })
    }

    /// The window and which layers have it. A pattern of n means that each n-th layer sees
    /// everything.
    fn window(&self, gemma: bool, layers: usize) -> Result<(Option<usize>, Vec<bool>), GgufError> {
        if !gemma {
            return Ok((None, vec![false; layers]));
        }
        let window = self.size("attention.sliding_window", usize::MAX)?;
        let key = "attention.sliding_window_pattern";
        let windowed = if self.gguf.is_array(&self.full(key)) {
            self.gguf.bools(&self.full(key))?.unwrap_or_default()
        } else {
            let pattern = self.size_or(key, GEMMA3_PATTERN, LAYERS_MAX)?;
            (0..layers).map(|layer| !(layer + 1).is_multiple_of(pattern)).collect()
        };
        if windowed.len() != layers {
            return Err(self.error(key, "does not have one value for each layer"));
        }
        Ok((Some(window), windowed))
    }

    /// The bases for layers that see everything and for those with a window.
    fn rope(&self, gemma: bool) -> Result<(RopeBase, RopeBase), GgufError> {
        let default = if gemma { 1_000_000.0 } else { 10_000.0 };
        let base = self.positive("rope.freq_base", Some(default))?;
        let kind = self.gguf.string(&self.full("rope.scaling.type"))?;
        let position_divisor = match kind {
            None if gemma => 1.0,
            None => self.positive("rope.scale_linear", Some(1.0))?,
            Some("none") => 1.0,
            Some("linear") => self.positive("rope.scaling.factor", None)?,
            Some(other) => {
                let what = format!("{other:?} is not supported, only none and linear");
                return Err(self.error("rope.scaling.type", &what));
            }
        };
        let rope = RopeBase { base, position_divisor };
        if !gemma {
            return Ok((rope.clone(), rope));
        }
        let local = match self.optional_positive("rope.freq_base_swa")? {
            Some(base) => base,
            None => self.positive("rope.local_freq_base", Some(10_000.0))?,
        };
        Ok((rope, RopeBase { base: local, position_divisor: 1.0 }))
    }
}

fn rope_factors(gguf: &Gguf, rope_length: usize) -> Result<Option<Vec<f32>>, ModelError> {
    let name = "rope_freqs.weight";
    if gguf.tensor(name).is_none() {
        return Ok(None);
    }
    let factors = load_floats(gguf, name, rope_length / 2)?;
    if factors.iter().any(|f| !f.is_finite() || *f <= 0.0) {
        return Err(gguf.tensor_error(name, "has a factor that is not above 0").into());
    }
    Ok(Some(factors))
}

/// Rows of the embedding table; the tokenizer may have fewer tokens (tables are padded), never
/// more.
fn vocabulary(gguf: &Gguf, width: usize) -> Result<usize, GgufError> {
    let name = "token_embd.weight";
    let table = gguf.tensor(name).ok_or_else(|| gguf.tensor_error(name, "is missing"))?;
    let [rows, columns] = table.shape[..] else {
        return Err(gguf.tensor_error(name, "is not a matrix"));
    };
    if columns != width {
        let what = format!("has rows of {columns} elements, but embedding_length is {width}");
        return Err(gguf.tensor_error(name, &what));
    }
    let key = "tokenizer.ggml.tokens";
    match gguf.byte_strings(key)?.map(|tokens| tokens.len()) {
        Some(tokens) if tokens > rows => {
            let what = format!("has {tokens} tokens, but the embedding table has {rows} rows");
            Err(gguf.key_error(key, &what))
        }
        _ => Ok(rows),
    }
}
