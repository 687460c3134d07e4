"""Second command: trains through the stages, resumable, with checkpoints and the remaining time, then exports.

    python train.py --data DIR

DIR is what prepare.py wrote; checkpoints go to DIR/checkpoint.npz, the GGUF files to DIR. Run again after a stop: it goes
on from there.
"""

import argparse
import functools
import os
import pathlib
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax

import export
import model
import tokens
import wiring

# stage: (rows per step, weighed positions per row, steps, weight of the loss on text outside the answers)
PLAN = [
    ("a", (16, 72, 60, 0.1)),
    ("b", (12, 84, 340, 0.03)),
    ("c", (7, 120, 900, 0.02)),
    ("d", (6, 130, 800, 0.02)),
]
CHOICE = 4.0  # weight of the tokens that choose: the first two of an answer, and its number


def main():
    args = arguments()
    data = pathlib.Path(args.data)
    shape = model.Shape()
    total = sum(steps for _, (_, _, steps, _) in PLAN)
    decay = total * 2 // 5
    rate = optax.join_schedules(
        [optax.linear_schedule(0.0, args.rate, 20), optax.linear_schedule(args.rate, args.rate * 0.02, decay)],
        [total - decay],
    )
    mask = lambda tree: {name: value.ndim == 2 for name, value in tree.items()}
    optimizer = optax.chain(
        optax.clip_by_global_norm(1.0), optax.adamw(rate, b1=0.9, b2=0.98, weight_decay=0.02, mask=mask)
    )
    clues = wiring.clues(tokens.load(data / "tokenizer.json"), np.load(data / "stage-b.npz")["tokens"])
    params = model.initial(shape, args.seed, clues)
    # The codes of the tokens stay: trained, those of rare tokens would drift all one way, and copying would mix them up.
    codes = {"embedding": params.pop("embedding")}
    state, step = optimizer.init(params), 0
    checkpoint = data / "checkpoint.npz"
    if checkpoint.exists():
        params, state, step = restore(checkpoint, params, state)
        print(f"going on from step {step}")
    advance = make_step(shape, optimizer, codes)
    clock = Clock(total, step)
    begin = 0
    for name, (rows, places, steps, other) in PLAN:
        stage = dict(np.load(data / f"stage-{name}.npz")) if step < begin + steps else None
        while step < begin + steps:
            batch = pick(stage, rows, places, args.seed, step - begin, other)
            params, state, loss, right = advance(params, state, batch)
            step += 1
            clock.tell(step, name, batch["tokens"].size, loss, right)
            if step % args.every == 0 or step == total:
                save(checkpoint, params | codes, state, step)
        begin += steps
    export.both(data, data)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="build/kura-mini")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--every", type=int, default=50, help="steps between checkpoints")
    parser.add_argument("--seed", type=int, default=7)
    return parser.parse_args()


def pick(stage, rows, places, seed, step, other):
    """A batch: rows in a seeded order, and the positions whose next token is learnt, answers first."""
    count = len(stage["tokens"])
    epoch, at = divmod(step * rows, count - rows)
    order = np.random.default_rng([seed, epoch]).permutation(count)[at : at + rows]
    tokens = stage["tokens"][order].astype(np.int32)
    segments = stage["segments"][order].astype(np.int32)
    rng = np.random.default_rng([seed, step, 1])
    where = np.zeros((rows, places), np.int32)
    weight = np.zeros((rows, places), np.float32)
    for row in range(rows):
        answer = np.flatnonzero(stage["answer"][order[row]])[:places]
        free = np.flatnonzero((segments[row, :-1] > 0) & (segments[row, :-1] == segments[row, 1:]))
        rest = rng.choice(free, places - len(answer))
        where[row] = np.concatenate([answer, rest])
        weight[row, : len(answer)] = 1
        first = np.isin(answer - 1, answer, invert=True)
        last = np.isin(answer + 1, answer, invert=True)
        weight[row, : len(answer)][first | np.roll(first, 1) | np.roll(last, -2)] = CHOICE
        weight[row, len(answer) :] = other
    target = np.take_along_axis(tokens, where + 1, 1)
    return {"tokens": tokens, "segments": segments, "where": where, "weight": weight, "target": target}


def make_step(shape, optimizer, codes):
    """One optimizer step: (params, state, loss on answers, shares of answer and choice tokens right)."""

    def loss_of(params, batch):
        params = params | codes
        states = model.hidden_states(params, shape, batch["tokens"], batch["segments"])
        chosen = jnp.take_along_axis(states, batch["where"][..., None], 1)
        logits = model.logits_at(params, chosen)
        loss = optax.softmax_cross_entropy_with_integer_labels(logits, batch["target"])
        answer, choice = batch["weight"] >= 1, batch["weight"] == CHOICE
        correct = logits.argmax(-1) == batch["target"]
        right = jnp.stack([jnp.sum(correct & chosen) / chosen.sum() for chosen in (answer, choice)])
        mean = jnp.sum(loss * batch["weight"]) / batch["weight"].sum()
        return mean, (jnp.sum(loss * answer) / answer.sum(), right)

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def advance(params, state, batch):
        (_, told), slope = jax.value_and_grad(loss_of, has_aux=True)(params, batch)
        update, state = optimizer.update(slope, state, params)
        return optax.apply_updates(params, update), state, *told

    return advance


class Clock:
    """Prints progress every 20 steps, with tokens per second and the remaining time."""

    def __init__(self, total, done):
        self.total, self.tokens, self.loss, self.right = total, 0, [], []
        self.began = self.last = time.time()

    def tell(self, step, name, tokens, loss, right):
        self.tokens += tokens
        self.loss.append(float(loss))
        self.right.append(np.asarray(right))
        if step % 20:
            return
        speed = self.tokens / (time.time() - self.last)
        left = (self.total - step) * self.tokens / len(self.loss) / speed / 60
        right = np.mean(self.right, 0)
        print(
            f"{time.strftime('%H:%M:%S')} stage {name} step {step}/{self.total} loss {np.mean(self.loss):.3f} "
            f"right {right[0]:.3f} choice {right[1]:.3f} {speed:.0f} tokens/s, about {left:.0f} min left",
            flush=True,
        )
        self.tokens, self.loss, self.right, self.last = 0, [], [], time.time()


def save(path, params, state, step):
    """Writes the checkpoint beside the old one, then renames."""
    arrays = {f"param:{name}": np.asarray(value) for name, value in params.items()}
    arrays |= {f"state:{i}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(state))}
    temporary = path.with_suffix(".new.npz")
    np.savez(temporary, step=step, **arrays)
    os.replace(temporary, path)


def restore(path, params, state):
    """The reverse of `save`."""
    file = np.load(path)
    params = {name: jnp.asarray(file[f"param:{name}"]) for name in params}
    leaves, tree = jax.tree.flatten(state)
    state = jax.tree.unflatten(tree, [jnp.asarray(file[f"state:{i}"]) for i in range(len(leaves))])
    return params, state, int(file["step"])


if __name__ == "__main__":
    main()
