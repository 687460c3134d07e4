"""Last step of training: how readily the network says 該当なし, settled on questions about laws of the training.

The row of that token gets a constant: a direction in which the states at the beginning of answers are all alike (ridge
regression on one), times as little as finds RECALL of the questions without an answer.
"""

import json

import jax
import jax.numpy as jnp
import numpy as np

import chat
import model
import tokens

RECALL = 0.8
LENGTH, ROWS = 640, 8


def settle(params, shape, data):
    """Changes the row of 該当なし in `params`, in place."""
    tokenizer = tokens.load(data / "tokenizer.json")
    none, quote = (tokenizer.encode(text).ids[0] for text in (chat.NONE, "「"))
    rows = [json.loads(line) for line in open(data / "decide.jsonl", encoding="utf-8")]
    states = beginnings(params, shape, tokenizer, rows)
    square = states.T @ states
    ridge = 0.05 * np.trace(square) / len(square) * np.eye(len(square))
    constant = np.linalg.solve(square + ridge, states.T @ np.ones(len(states)))
    lead = states @ (params["embedding"][none] - params["embedding"][quote])
    nothing = np.array([row["where"] < 0 for row in rows])
    size = max(0.0, -np.quantile(lead[nothing], 1 - RECALL))
    params["embedding"][none] += size * constant / (states @ constant).mean()
    turned = (lead[~nothing] + size > 0).mean()
    print(f"該当なし raised by {size:.2f}: {RECALL:.0%} found, {turned:.1%} turned away, of {len(rows)} questions on laws of the training")


def beginnings(params, shape, tokenizer, rows):
    """The states from which the first token of each answer comes."""
    device = {name: jnp.asarray(value) for name, value in params.items()}

    @jax.jit
    def states(ids, last):
        return model.hidden_states(device, shape, ids, jnp.ones_like(ids))[jnp.arange(ROWS), last]

    found = []
    for begin in range(0, len(rows), ROWS):
        ids, last = np.zeros((ROWS, LENGTH), np.int32), np.zeros(ROWS, np.int32)
        for at, row in enumerate(rows[begin : begin + ROWS]):
            prompt = tokenizer.encode(chat.prompt(row["passages"], row["question"])).ids[-LENGTH:]
            ids[at, : len(prompt)], last[at] = prompt, len(prompt) - 1
        found.append(np.asarray(states(ids, last)))
    return np.concatenate(found)[: len(rows)]
