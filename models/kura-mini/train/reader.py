"""Runs an exported GGUF with numpy alone: the same file that kura reads, so what is measured is what is shipped."""

import gguf
import numpy as np

import tokens


class Reader:
    """A llama GGUF in memory, dequantized, with a KV cache per call of `answer`."""

    def __init__(self, path):
        file = gguf.GGUFReader(str(path))
        field = lambda name: file.fields[f"llama.{name}"].contents()
        self.layers, self.heads = field("block_count"), field("attention.head_count")
        self.kv_heads, self.base = field("attention.head_count_kv"), field("rope.freq_base")
        self.epsilon, self.context = field("attention.layer_norm_rms_epsilon"), field("context_length")
        self.tensor = {t.name: gguf.quants.dequantize(t.data, t.tensor_type).astype(np.float32) for t in file.tensors}
        self.head = self.tensor["blk.0.attn_q.weight"].shape[0] // self.heads

    def answer(self, prompt, most):
        """Greedy tokens after `prompt`, up to `most` or the end token (left out)."""
        self.cache = [None] * self.layers
        scores, made = self.forward(prompt, 0), []
        while len(made) < most:
            token = int(scores.argmax())
            if token == tokens.END:
                break
            made.append(token)
            scores = self.forward([token], len(prompt) + len(made) - 1)
        return made

    def forward(self, ids, start):
        """Scores after the last of `ids`, which stand from position `start`."""
        x = self.tensor["token_embd.weight"][ids]
        positions = np.arange(start, start + len(ids))
        for layer in range(self.layers):
            weight = lambda name: self.tensor[f"blk.{layer}.{name}.weight"]
            h = self.normalize(x, weight("attn_norm"))
            q = self.rotate((h @ weight("attn_q").T).reshape(len(ids), self.heads, self.head), positions)
            k = self.rotate((h @ weight("attn_k").T).reshape(len(ids), self.kv_heads, self.head), positions)
            v = (h @ weight("attn_v").T).reshape(len(ids), self.kv_heads, self.head)
            if self.cache[layer] is not None:
                k, v = (np.concatenate(pair) for pair in zip(self.cache[layer], (k, v)))
            self.cache[layer] = (k, v)
            x = x + self.attend(q, k, v, positions) @ weight("attn_output").T
            h = self.normalize(x, weight("ffn_norm"))
            gate = h @ weight("ffn_gate").T
            x = x + (gate / (1 + np.exp(-gate)) * (h @ weight("ffn_up").T)) @ weight("ffn_down").T
        return self.normalize(x[-1], self.tensor["output_norm.weight"]) @ self.tensor["token_embd.weight"].T

    def attend(self, q, k, v, positions):
        """(time, heads * head): softmax over the earlier positions, each head with its group's keys."""
        group = self.heads // self.kv_heads
        scores = np.einsum("thd,shd->hts", q, np.repeat(k, group, 1)) / np.sqrt(self.head)
        scores = np.where(np.arange(len(k))[None, :] <= positions[:, None], scores, -np.inf)
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        return np.einsum("hts,shd->thd", shares, np.repeat(v, group, 1)).reshape(len(q), -1)

    def normalize(self, x, weight):
        """RMSNorm."""
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + self.epsilon) * weight

    def rotate(self, x, positions):
        """Interleaved RoPE of (time, heads, head)."""
        half = self.head // 2
        angle = positions[:, None, None] * self.base ** (-np.arange(half) / half)
        even, odd = x[..., 0::2], x[..., 1::2]
        turned = even * np.cos(angle) - odd * np.sin(angle), even * np.sin(angle) + odd * np.cos(angle)
        return np.stack(turned, -1).reshape(x.shape).astype(np.float32)
