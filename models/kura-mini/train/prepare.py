"""First command: tokenizer, held-out laws, packed training rows of each stage, evaluation questions.

    python prepare.py --corpus law_corpus_full.jsonl.zst --out DIR

DIR gets tokenizer.json, stage-*.npz (tokens, segments, answer flags) and eval.jsonl.
"""

import argparse
import json
import pathlib
import random
import time

import numpy as np

import chat
import desk
import lawpairs
import samples
import statutes
import tokens

# name: row length, tokens to make, passages, characters per passage (None: of several lengths), characters per quote, share of near
# articles among the distractors, share of 該当なし, shares of (copy, law, town, desk) examples, share of distractors
# that hold a word of the answer
STAGES = {
    "a": (256, 500_000, 2, 70, 45, 0.1, 0.0, (0.5, 0.2, 0.3, 0), 0),
    "b": (320, 2_000_000, 4, 60, 60, 0.4, 0.15, (0.1, 0.5, 0.35, 0.05), 0),
    "c": (512, 8_000_000, 4, 150, 80, 0.5, 0.22, (0.04, 0.58, 0.3, 0.08), 0),
    "d": (640, 3_000_000, 4, 230, 100, 0.6, 0.22, (0.02, 0.5, 0.3, 0.18), 0),
    "e": (768, 7_000_000, 4, None, 100, 0.55, 0.33, (0.02, 0.62, 0.2, 0.16), 0.3),
    "f": (768, 2_300_000, 4, None, 100, 0.55, 0.36, (0.02, 0.48, 0.24, 0.26), 0.3),
}

LENGTHS = (150, 150, 200, 280)  # characters per passage, where a stage has several


def main():
    args = arguments()
    out = pathlib.Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    started = time.time()
    train_laws, test_laws = read_laws(args.corpus, args.limit)
    print(f"{len(train_laws)} laws to train on, {len(test_laws)} held out, {time.time() - started:.0f} s")
    tokenizer = tokenizer_for(train_laws, out / "tokenizer.json", args.vocabulary, args.seed)
    maker = lawpairs.Maker(train_laws, args.seed)
    town = samples.Town(args.seed)
    for name in args.stages.split(","):
        rows = make_stage(name, maker, town, tokenizer, args.seed)
        np.savez(out / f"stage-{name}.npz", **rows)
        print(f"stage {name}: {rows['tokens'].shape}, {time.time() - started:.0f} s", flush=True)
    write_eval(out / "eval.jsonl", test_laws, args.seed)
    write_decide(out / "decide.jsonl", train_laws, args.seed)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--out", default="build/kura-mini")
    parser.add_argument("--vocabulary", type=int, default=8192)
    parser.add_argument("--stages", default=",".join(STAGES))
    parser.add_argument("--limit", type=int, help="read only so many articles (a quick try)")
    parser.add_argument("--seed", type=int, default=7)
    return parser.parse_args()


def read_laws(path, limit):
    """Articles grouped by law: (training, held out)."""
    laws = {}
    for article in statutes.read_articles(path, limit):
        laws.setdefault(article["law"], []).append(article)
    held = [a for law, a in laws.items() if statutes.held_out(law)]
    return [a for law, a in laws.items() if not statutes.held_out(law)], held


def tokenizer_for(laws, path, size, seed):
    """The tokenizer at `path`, trained first where it does not exist."""
    if not path.exists():
        tokens.train(tokenizer_texts(laws, seed), size).save(str(path))
    return tokens.load(path)


def tokenizer_texts(laws, seed):
    """30 MB of statutes and as many town documents as give everyday words their place."""
    rng, town = random.Random(seed), samples.Town(seed)
    articles = [a for law in laws for a in law]
    for article in rng.sample(articles, min(len(articles), 50_000)):
        yield article["text"][:600] + article["cap"]
    for _ in range(12_000):
        passages, question, answer, _ = town.example(4, 4, 0.1)
        yield chat.prompt(passages, question) + answer


def make_stage(name, maker, town, tokenizer, seed):
    """Packed rows of one stage; the last asks everyday questions that nearly all have an answer."""
    length, wanted, passages, chars, quote, hard, none, shares, alike = STAGES[name]
    if alike:
        maker.index()
    everyday_none = 0.08 if name == "f" else none
    rng = random.Random(f"{seed}{name}")
    maker.random.seed(f"{seed}{name}")
    town.random.seed(f"{seed}{name}")
    late = length > 700
    written = desk.Desk(f"{seed}{name}", more=late)
    packer, made = Packer(length, places=alike > 0), 0
    while made < wanted:
        kind = rng.choices(("copy", "law", "town", "desk"), shares)[0]
        if rng.random() < 0.015:
            example = samples.everyday(rng)
        elif kind == "town" and late and rng.random() < 0.3:
            example = town.sites(passages)
        elif kind == "town":
            example = town.example(passages, 3 if length < 400 else 5 if length < 760 else 7, everyday_none)
        elif kind == "desk":
            example = written.example(passages, everyday_none, lambda: town.example(1, 4, 0)[0][0])
        else:
            example = maker.example(
                passages, chars or rng.choice(LENGTHS), quote, hard, 0 if kind == "copy" else none, alike
            )
        if late and kind in ("town", "desk"):
            example = best_first(example, rng)
        shown, question, answer, where = example
        if kind == "copy" and where >= 0:
            question = part_of(answer, rng)
        ids, prompt = chat.encode_example(tokenizer, shown, question, answer)
        if len(ids) <= length:
            packer.add(ids, prompt)
            made += len(ids)
    return packer.rows(rng)


def best_first(example, rng):
    """Passages in the order of a search that is often right: the one asked for moves to the front."""
    shown, question, answer, where = example
    if where < 1 or rng.random() > 0.4:
        return example
    shown = [shown[where], *shown[:where], *shown[where + 1 :]]
    return shown, question, answer[: answer.rindex("[")] + "[1]", 0


def part_of(answer, rng):
    """A stretch of the quoted sentence: the easiest question there is."""
    sentence = answer[1 : answer.rindex("」[")]
    size = rng.randint(6, 20)
    start = rng.randint(0, max(0, len(sentence) - size))
    return sentence[start : start + size]


class Packer:
    """Puts examples into rows of one length, first fit among the last 64 open rows."""

    def __init__(self, length, places):
        self.length, self.places, self.open, self.full = length, places, [], []

    def add(self, ids, prompt):
        for row in self.open:
            if row["used"] + len(ids) <= self.length:
                break
        else:
            row = {"used": 0, "parts": []}
            self.open.append(row)
            if len(self.open) > 64:
                self.full.append(self.open.pop(0))
        row["parts"].append((ids, prompt))
        row["used"] += len(ids)

    def rows(self, rng):
        """Arrays [rows, length]: tokens, segments (0 is padding), answer (above 0 where the next token is learnt)."""
        rows = self.full + self.open
        rng.shuffle(rows)
        shape = (len(rows), self.length)
        out = {k: np.zeros(shape, t) for k, t in (("tokens", "u2"), ("segments", "u1"), ("answer", "u1"))}
        for row, target in zip(rows, range(len(rows))):
            at = 0
            for segment, (ids, prompt) in enumerate(row["parts"], 1):
                end = at + len(ids)
                out["tokens"][target, at:end] = ids
                out["segments"][target, at:end] = segment
                out["answer"][target, at + prompt - 1 : end - 1] = learnt(ids, prompt) if self.places else 1
                at = end
        return out


def learnt(ids, prompt):
    """1 for each token of the answer, 2 where the two tokens before it go on in more than one way in the prompt."""
    follow = {}
    for before, now, after in zip(ids, ids[1:prompt], ids[2:prompt]):
        follow.setdefault((before, now), set()).add(after)
    return [1 + (len(follow.get((ids[at - 1], ids[at]), ())) > 1) for at in range(prompt - 1, len(ids) - 1)]


def write_eval(path, laws, seed):
    """200 questions on held-out laws with the right article among up to 4, 80 without it, 80 on town documents."""
    maker, town = lawpairs.Maker(laws, seed + 1), samples.Town(seed + 1)
    written = desk.Desk(seed + 1, held=True)
    sets = [
        ("law", 200, lambda: four(lambda: maker.example(4, 150, 80, 0.5, 0))),
        ("law-none", 80, lambda: four(lambda: maker.example(4, 150, 80, 0.5, 1))),
        ("town", 60, lambda: four(lambda: town.example(4, 4, 0))),
        ("town-none", 20, lambda: four(lambda: town.example(4, 4, 1))),
        ("desk", 40, lambda: four(lambda: written.example(4, 0))),
        ("desk-none", 20, lambda: four(lambda: written.example(4, 1))),
    ]
    with open(path, "w", encoding="utf-8") as file:
        for kind, count, make in sets:
            for _ in range(count):
                passages, question, answer, where = make()
                row = {"kind": kind, "passages": passages, "question": question, "answer": answer, "where": where}
                file.write(json.dumps(row, ensure_ascii=False) + "\n")


def write_decide(path, laws, seed):
    """200 questions on laws of the training with the right article among four, 200 without it: see decide.py."""
    maker = lawpairs.Maker(laws, seed + 2)
    with open(path, "w", encoding="utf-8") as file:
        for none in [0, 1] * 200:
            passages, question, answer, where = four(lambda: maker.example(4, 150, 80, 0.5, none))
            row = {"passages": passages, "question": question, "answer": answer, "where": where}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def four(make):
    """Tries until an example shows four passages."""
    while True:
        example = make()
        if len(example[0]) == 4:
            return example


if __name__ == "__main__":
    main()
