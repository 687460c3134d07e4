"""The network: a small llama (RMSNorm, interleaved RoPE, grouped heads, SwiGLU, tied embeddings) in plain JAX.

`initial` wires copying in before the first step: two heads of layer 0 look one and two tokens back, two average
the last words, one head of layer 1 looks at the same token elsewhere (in the question), and two heads of layer 3
look for the place where the last tokens stood before and write what followed. Left to chance, such heads take more tokens than a CPU can train in an hour.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

import wiring


@dataclasses.dataclass(frozen=True)
class Shape:
    """Sizes of the network."""

    vocabulary: int = 8192
    width: int = 320
    layers: int = 5
    heads: int = 4
    kv_heads: int = 2
    head: int = 96
    hidden: int = 384
    rope_base: float = 1e12
    epsilon: float = 1e-5
    context: int = 1024


def initial(shape, seed, clues):
    """Parameters as a dict of float32 arrays; matrices are (in, out). `clues` are wiring.Clues."""
    rng = np.random.default_rng(seed)
    normal = lambda size, scale: rng.normal(0, scale, size).astype(np.float32)
    wide, kv = shape.heads * shape.head, shape.kv_heads * shape.head
    params = {"embedding": normal((shape.vocabulary, shape.width), 0.01), "norm": np.ones(shape.width, np.float32)}
    for layer in range(shape.layers):
        params |= {
            f"{layer}.attention_norm": np.ones(shape.width, np.float32),
            f"{layer}.q": normal((shape.width, wide), 0.03),
            f"{layer}.k": normal((shape.width, kv), 0.03),
            f"{layer}.v": normal((shape.width, kv), 0.03),
            f"{layer}.o": normal((wide, shape.width), 0.01),
            f"{layer}.feed_norm": np.ones(shape.width, np.float32),
            f"{layer}.gate": normal((shape.width, shape.hidden), 0.03),
            f"{layer}.up": normal((shape.width, shape.hidden), 0.03),
            f"{layer}.down": normal((shape.hidden, shape.width), 0.01),
        }
    wiring.wire(params, shape, rng, clues)
    return {name: jnp.asarray(value) for name, value in params.items()}


def normalize(x, weight, epsilon):
    """RMSNorm."""
    return x * jax.lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + epsilon) * weight


def rotate(x, positions, base):
    """Interleaved RoPE of (batch, heads, time, head)."""
    half = x.shape[-1] // 2
    angle = positions[:, None] * base ** (-jnp.arange(half) / half)
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    even, odd = x[..., 0::2], x[..., 1::2]
    return jnp.stack([even * cos - odd * sin, even * sin + odd * cos], -1).reshape(x.shape)


def hidden_states(params, shape, tokens, segments):
    """(batch, time, width) after the last norm; a token sees the earlier ones of its own segment."""
    batch, time = tokens.shape
    positions = jnp.arange(time)
    allowed = (segments[:, :, None] == segments[:, None, :]) & jnp.tril(jnp.ones((time, time), bool))
    bias = jnp.where(allowed, 0.0, -1e9)[:, None]
    x = params["embedding"][tokens]
    for layer in range(shape.layers):
        weight = lambda name: params[f"{layer}.{name}"]
        h = normalize(x, weight("attention_norm"), shape.epsilon)
        heads = lambda name, count: (h @ weight(name)).reshape(batch, time, count, shape.head).transpose(0, 2, 1, 3)
        spread = lambda kv: jnp.repeat(kv, shape.heads // shape.kv_heads, 1)
        q = rotate(heads("q", shape.heads), positions, shape.rope_base) * shape.head**-0.5
        k = spread(rotate(heads("k", shape.kv_heads), positions, shape.rope_base))
        v = spread(heads("v", shape.kv_heads))
        shares = jax.nn.softmax(jnp.einsum("bhtd,bhsd->bhts", q, k) + bias, -1)
        mixed = jnp.einsum("bhts,bhsd->bhtd", shares, v).transpose(0, 2, 1, 3).reshape(batch, time, -1)
        x = x + mixed @ weight("o")
        h = normalize(x, weight("feed_norm"), shape.epsilon)
        x = x + (jax.nn.silu(h @ weight("gate")) * (h @ weight("up"))) @ weight("down")
    return normalize(x, params["norm"], shape.epsilon)


def logits_at(params, states):
    """Scores over the vocabulary; the embedding is the output matrix as well."""
    return states @ params["embedding"].T
