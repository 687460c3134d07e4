"""Second command: trains through the stages, resumable, with checkpoints and the remaining time, then exports.

    python train.py --data DIR

DIR is what prepare.py wrote; checkpoints go to DIR/checkpoint.npz, the GGUF files to DIR. Run again after a stop: it goes
on from there.
"""

import argparse
import functools
import math
import os
import pathlib
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax

import decide
import export
import model
import tokens
import wiring

# phase: (learning rate, share of its steps before the rate falls, stages: (name, (rows per step, weighed positions per row, steps,
# weight of the loss on text outside the answers)))
PLAN = [
    (1e-3, 0.6, [("a", (16, 72, 60, 0.1)), ("b", (12, 84, 340, 0.03)), ("c", (7, 120, 900, 0.02)), ("d", (6, 130, 800, 0.02))]),
    (3e-4, 0.0, [("e", (6, 130, 1150, 0.02))]),
    (1.2e-4, 0.0, [("f", (6, 130, 420, 0.02))]),
]
PLACE = 2.5  # weight of the tokens before which the prompt goes on in several ways, so that only the place tells
CHOICE = 4.0  # weight of the tokens that choose: the first two of an answer, and its number


def main():
    args = arguments()
    data = pathlib.Path(args.data)
    shape = model.Shape()
    clues = wiring.clues(tokens.load(data / "tokenizer.json"), np.load(data / "stage-b.npz")["tokens"])
    params = model.initial(shape, args.seed, clues)
    # The codes of the tokens stay: trained, those of rare tokens would drift all one way, and copying would mix them up.
    codes = {"embedding": params.pop("embedding")}
    mask = lambda tree: {name: value.ndim == 2 for name, value in tree.items()}
    optimizer = optax.chain(
        optax.clip_by_global_norm(1.0), optax.adamw(1.0, b1=0.9, b2=0.98, weight_decay=0.02, mask=mask)
    )
    state, step = optimizer.init(params), 0
    checkpoint, first = data / "checkpoint.npz", data / "first.npz"
    if checkpoint.exists():
        params, state, step = restore(checkpoint, params, state)
        print(f"going on from step {step}")
    advance = make_step(shape, optimizer, codes)
    total = sum(steps for *_, stages in PLAN for _, (_, _, steps, _) in stages)
    clock, begin = Clock(total, step), 0
    for peak, held, stages in PLAN:
        phase, length = begin, sum(steps for _, (_, _, steps, _) in stages)
        if step == phase and step > 0:
            state = optimizer.init(params)
            if not first.exists():
                save(first, params | codes, state, step)
        for name, (rows, places, steps, other) in stages:
            stage = dict(np.load(data / f"stage-{name}.npz")) if step < begin + steps else None
            while step < begin + steps:
                batch = pick(stage, rows, places, args.seed, step - begin, other)
                rate = jnp.float32(peak * rate_at(step - phase, length, held))
                params, state, loss, right = advance(params, state, batch, rate)
                step += 1
                clock.tell(step, name, batch["tokens"].size, loss, right)
                if step % args.every == 0 or step == total:
                    save(checkpoint, params | codes, state, step)
            begin += steps
    finish(params | codes, first, shape, data)
    export.both(data, data)


def finish(params, first, shape, data):
    """The mean of the weights after the first phase and after the last, which errs less than either; then 該当なし."""
    before = np.load(first)
    mean = {name: (np.asarray(value) + before[f"param:{name}"]) / 2 for name, value in params.items()}
    decide.settle(mean, shape, data)
    np.savez(data / "finished.npz", **{f"param:{name}": value for name, value in mean.items()})


def rate_at(step, steps, held):
    """Share of the highest rate: up over 20 steps, held, then down along a cosine."""
    fall = max(0.0, step / steps - held) / (1 - held)
    return min(1.0, (step + 1) / 20) * 0.5 * (1 + math.cos(math.pi * fall))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="build/kura-mini")
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
        weight[row, : len(answer)] = np.where(stage["answer"][order[row]][answer] > 1, PLACE, 1)
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
    def advance(params, state, batch, rate):
        (_, told), slope = jax.value_and_grad(loss_of, has_aux=True)(params, batch)
        update, state = optimizer.update(slope, state, params)
        update = jax.tree.map(lambda part: part * rate, update)
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
