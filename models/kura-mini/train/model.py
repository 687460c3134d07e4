"""The network: a small llama (RMSNorm, interleaved RoPE, grouped heads, SwiGLU, tied embeddings) in plain JAX.

`initial` wires copying in before the first step: two heads of layer 0 look one and two tokens back, two average
the last words, and two heads of layer 2 look for the place where the last tokens stood before and write what
followed. Left to chance, such heads take more tokens than a CPU can train in an hour.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np


@dataclasses.dataclass(frozen=True)
class Shape:
    """Sizes of the network."""

    vocabulary: int = 8192
    width: int = 256
    layers: int = 4
    heads: int = 4
    kv_heads: int = 2
    head: int = 64
    hidden: int = 512
    rope_base: float = 1e6
    epsilon: float = 1e-5
    context: int = 1024


def initial(shape, seed):
    """Parameters as a dict of float32 arrays; matrices are (in, out)."""
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
    wire_copying(params, shape, rng)
    return {name: jnp.asarray(value) for name, value in params.items()}


def wire_copying(params, shape, rng):
    """Residual: 0–63 this token, 64–127 the one before, 128–191 two before, 192–247 recent words, 255 constant."""
    size, constant = 64, shape.width - 1
    now, one, two = slice(0, 64), slice(64, 128), slice(128, 192)
    params["embedding"][:, now] += rng.normal(0, 1 / 8, (shape.vocabulary, size))
    params["embedding"][:, constant] += 0.5
    level = np.sqrt((1 + 0.25) / shape.width)  # root mean square after the embedding
    angle = shape.rope_base ** (-np.arange(0, size, 2) / size)

    for name in "0.q", "0.k", "2.q", "2.k":
        params[name] *= 0.3
    q, k, v, o = (params[f"0.{name}"] for name in "qkvo")
    k[constant, 0:14:2] += 10 * level / 0.5  # kv head 0: a sharp clock of seven fast pairs
    k[constant, 64 + 14 : 64 + 28 : 2] += 3 * level / 0.5  # kv head 1: a blunt one
    for head, back, pairs in ((0, 1, range(7)), (1, 2, range(7)), (2, 3, range(7, 14)), (3, 12, range(7, 14))):
        strength = 10 if head < 2 else 3
        for pair in pairs:
            at = head * size + 2 * pair
            q[constant, at] += strength * level / 0.5 * np.cos(angle[pair] * back)
            q[constant, at + 1] -= strength * level / 0.5 * np.sin(angle[pair] * back)
    for kv_head in range(2):
        v[now, kv_head * size : (kv_head + 1) * size] += np.eye(size) * level * 4
    o[0:64, one] += np.eye(size) / 4
    o[64:128, two] += np.eye(size) / 4
    mix = rng.normal(0, 1 / 8, (size, 56))
    o[128:192, 192:220] += mix[:, :28] / 4
    o[192:256, 220:248] += mix[:, 28:] / 4

    q, k, v, o = (params[f"2.{name}"] for name in "qkvo")
    level = np.sqrt(3.6 / shape.width)
    first, second = (np.linalg.qr(rng.normal(size=(size, size)))[0][:, :32] for _ in range(2))
    slow = slice(32, 64)  # the pairs that hardly turn within the context
    k[one, slow] += first * 9 * level
    k[two, slow] += second * 9 * level
    for head, with_second in ((0, 0.3), (1, 1.0)):
        start = head * size
        q[now, start + 32 : start + 64] += first * 9 * level
        q[one, start + 32 : start + 64] += second * 9 * level * with_second
        o[start : start + size, now] += np.eye(size)
    v[now, 0:size] += np.eye(size) * level * 4


def normalize(x, weight, epsilon):
    """RMSNorm."""
    return x * jax.lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + epsilon) * weight


def rotate(x, positions, base):
    """Interleaved RoPE of (batch, time, heads, head)."""
    half = x.shape[-1] // 2
    angle = positions[..., None] * base ** (-jnp.arange(half) / half)
    cos, sin = jnp.cos(angle)[..., None, :], jnp.sin(angle)[..., None, :]
    even, odd = x[..., 0::2], x[..., 1::2]
    return jnp.stack([even * cos - odd * sin, even * sin + odd * cos], -1).reshape(x.shape)


def hidden_states(params, shape, tokens, segments):
    """(batch, time, width) after the last norm; a token sees the earlier ones of its own segment."""
    batch, time = tokens.shape
    positions = jnp.arange(time)[None, :]
    allowed = (segments[:, :, None] == segments[:, None, :]) & jnp.tril(jnp.ones((time, time), bool))
    bias = jnp.where(allowed, 0.0, -1e9)[:, None, None]
    x = params["embedding"][tokens]
    for layer in range(shape.layers):
        weight = lambda name: params[f"{layer}.{name}"]
        h = normalize(x, weight("attention_norm"), shape.epsilon)
        group = shape.heads // shape.kv_heads
        q = rotate((h @ weight("q")).reshape(batch, time, shape.heads, shape.head), positions, shape.rope_base)
        k = rotate((h @ weight("k")).reshape(batch, time, shape.kv_heads, shape.head), positions, shape.rope_base)
        v = (h @ weight("v")).reshape(batch, time, shape.kv_heads, shape.head)
        q = q.reshape(batch, time, shape.kv_heads, group, shape.head)
        scores = jnp.einsum("btkgd,bskd->bkgts", q, k) * shape.head**-0.5
        shares = jax.nn.softmax(scores + bias, -1)
        mixed = jnp.einsum("bkgts,bskd->btkgd", shares, v).reshape(batch, time, -1)
        x = x + mixed @ weight("o")
        h = normalize(x, weight("feed_norm"), shape.epsilon)
        x = x + (jax.nn.silu(h @ weight("gate")) * (h @ weight("up"))) @ weight("down")
    return normalize(x, params["norm"], shape.epsilon)


def logits_at(params, states):
    """Scores over the vocabulary; the embedding is the output matrix as well."""
    return states @ params["embedding"].T
