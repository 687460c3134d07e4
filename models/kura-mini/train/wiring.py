"""First weights that already copy, choose and cite, roughly; training then makes them good.

Left to chance, such heads take more tokens than a CPU can train in an hour. Wired are
  layer 0: one, two and three tokens back; "I stand in the passages"
  layer 1: "I stand in the question" (its rarity); the first token of my sentence; the number of my passage
  layer 2: how much of the question stands in the last words; trails: what stood one to nine, and eight
           to twenty-four tokens back, as means
  layer 3: after 「, the first token of the sentence that scores best; else what followed the last tokens before,
           and the number of the passage where that was; the trails tell like places apart
  layer 4: after 」[, that number; after <|assistant|>, 「 or 該当なし by the best score
Residual: this token, the one before, two before, three before, the first of the sentence, trails, numbers, flags.
"""

import dataclasses

import numpy as np

import tokens

NOW, ONE, TWO, THREE = slice(0, 64), slice(64, 112), slice(112, 152), slice(152, 184)
START, TRAIL, TRAIL_ONE = slice(184, 220), slice(220, 240), slice(240, 260)
LONG, LONG_ONE = slice(260, 280), slice(280, 300)
NUMBER, COPIED = slice(300, 306), slice(306, 312)
SCORE, ASKED, RARITY, INSIDE, TOKEN_USER, TOKEN_MARK, TOKEN_ASK, CONSTANT = range(312, 320)
WIDTH = 320
SIZE = 96  # of a head
CODE = 64  # of a token
FLAG = 94  # the head dimension of the slowest RoPE pair: it carries logits that do not depend on distance
SECOND_FLAG = 92
CONTENT = slice(28, 92)  # slow pairs: what is compared
SHARP, TRAIL_SHARP, LONG_SHARP, START_SHARP = 14, 12, 14, 6  # of the copying heads: a like token, trails (means, so short), start
KEY_FORCE = 6  # of every clock's key, since two heads share one
NOISE = 0.06  # of the random weights that everything starts from
HALF = 0.5  # the constant in every embedding
NORM = 1.4  # squared norm of every embedding


@dataclasses.dataclass
class Clues:
    """What the wiring has to know of the vocabulary: token ids, and how rare each token is (0 to 1)."""

    separators: list
    bracket: int
    quote: int
    none: int
    digits: list
    rarity: np.ndarray


def clues(tokenizer, rows):
    """Separators end a sentence or stand before one; rarity is counted on training rows."""
    single = lambda text: tokenizer.encode(text).ids[0]
    counts = np.bincount(rows.ravel(), minlength=tokenizer.get_vocab_size()) + 20
    rarity = np.clip(np.log(counts.sum() / counts) / 10 - 0.35, 0, 0.6) / 0.6
    rarity[: len(tokens.SPECIALS)] = 0
    for token in range(len(rarity)):
        text = tokenizer.decode([token])
        if text and all("ぁ" <= char <= "ん" or not char.isalnum() for char in text):
            rarity[token] *= 0.2
    separators = [tokens.DOCS, *(single(text) for text in ("。", "\n", "「", "　", "・", "："))]
    digits = [single(str(digit)) for digit in range(1, 7)]
    return Clues(separators, single("["), single("「"), single("該当なし"), digits, rarity)


def wire(params, shape, rng, clues):
    """Adds the heads to random parameters, in place."""
    for layer in range(5):
        for name in "qkvo":
            params[f"{layer}.{name}"] *= NOISE
        params[f"{layer}.down"] *= 0.1
    embed(params["embedding"], rng, clues)
    angle = shape.rope_base ** (-np.arange(0, SIZE, 2) / SIZE)
    basis = lambda: np.linalg.qr(rng.normal(size=(CODE, CODE)))[0]
    mix = {"one": basis()[:, :48], "two": basis()[:, :40], "three": basis()[:, :32], "start": basis()[:, :36]}
    look_back(params, level(NORM), angle, mix)
    in_passage(params, level(4.4), angle, basis(), mix, clues)
    score(params, level(5.4), angle)
    trail(params, level(5.4), angle, mix, basis()[:48, :20])
    choose(params, level(7.4), mix, clues)
    copy(params, level(7.4), mix, [basis() for _ in range(4)], [basis()[:20] for _ in range(2)])
    cite(params, level(70), angle, clues)


def level(norm):
    """Root mean square of the residual when its squared norm is `norm`: what RMSNorm divides by."""
    return np.sqrt(norm / WIDTH)


def embed(embedding, rng, clues):
    """Separators share one direction; all rows have the same norm, or RMSNorm would bend the clocks."""
    embedding[:, 64:] = 0
    embedding[:, CONSTANT] = HALF
    embedding[:, RARITY] = clues.rarity * 0.5
    embedding[tokens.USER, TOKEN_USER] = 0.8
    embedding[[tokens.DOCS, tokens.ASK], TOKEN_MARK] = 0.7
    embedding[tokens.ASK, TOKEN_ASK] = 0.7
    rest = np.sqrt(NORM - (embedding[:, 64:] ** 2).sum(1, keepdims=True))
    words = rng.normal(0, 1, (len(embedding), CODE))
    words[:, 0] = 0
    words /= np.linalg.norm(words, axis=1, keepdims=True)
    words[clues.separators] *= 0.6
    words[clues.separators, 0] = 0.8
    embedding[:, NOW] = words * rest


def clock(params, layer, head, kv_head, back, strength, pairs, angle, unit):
    """Makes a head prefer the token `back` places ago; `unit` turns the constant into 1."""
    q, k = params[f"{layer}.q"], params[f"{layer}.k"]
    force = strength * np.sqrt(SIZE) / len(pairs) / KEY_FORCE
    for pair in pairs:
        q[CONSTANT, head * SIZE + 2 * pair] += force * unit * np.cos(angle[pair] * back)
        q[CONSTANT, head * SIZE + 2 * pair + 1] -= force * unit * np.sin(angle[pair] * back)
        k[CONSTANT, kv_head * SIZE + 2 * pair] = KEY_FORCE * unit


def look_back(params, size, angle, mix):
    """Layer 0. Head 2 looks at <|docs|> and <|ask|> alike: their values cancel once both stand before."""
    unit = size / HALF
    q, k, v, o = (params[f"0.{name}"] for name in "qkvo")
    for head, kv_head, back in ((0, 0, 1), (1, 0, 2), (3, 1, 3)):
        clock(params, 0, head, kv_head, back, 90, range(6), angle, unit)
    v[NOW, 0:CODE] += np.eye(CODE) * size
    o[0:CODE, ONE] += mix["one"]
    o[SIZE : SIZE + CODE, TWO] += mix["two"]
    v[NOW, SIZE : SIZE + 32] += mix["three"] * size
    o[3 * SIZE : 3 * SIZE + 32, THREE] += np.eye(32)
    k[TOKEN_MARK, SIZE + FLAG] += 20 * size
    v[TOKEN_MARK, SIZE + 40] += size
    v[TOKEN_ASK, SIZE + 40] -= 2 * size
    q[CONSTANT, 2 * SIZE + FLAG] += 10 * unit
    o[2 * SIZE + 40, INSIDE] += 1 / 0.7


def in_passage(params, size, angle, compare, mix, clues):
    """Layer 1. Head 0 looks the token up in the question; 2 finds the start of the sentence, 3 the number."""
    unit = size / HALF
    q, k, v, o = (params[f"1.{name}"] for name in "qkvo")
    embedding = params["embedding"]
    for matrix in (q, k):
        matrix[NOW, CONTENT] += compare * 15 * size
    q[CONSTANT, FLAG] += 10 * unit
    k[INSIDE, FLAG] -= 24 * size
    k[TOKEN_USER, FLAG] += 15 * size
    v[RARITY, 0] += 2 * size
    o[0, ASKED] += 1
    separator = np.eye(CODE)[0] @ mix["one"]
    opened = embedding[clues.bracket, NOW] @ mix["one"]
    clock(params, 1, 2, 1, -25, 60, (7, 8), angle, unit)  # the nearest within a sentence
    clock(params, 1, 3, 1, -300, 60, (10, 11), angle, unit)  # the nearest within the whole prompt
    for head, flag, before, strength in ((2, FLAG, separator, 50), (3, SECOND_FLAG, opened, 70)):
        q[CONSTANT, head * SIZE + flag] += 20 * unit
        k[ONE, SIZE + flag] += before / (before @ before) * strength * size * 0.9
    v[NOW, SIZE : SIZE + CODE] += np.eye(CODE) * size
    o[2 * SIZE : 2 * SIZE + CODE, START] += mix["start"]
    for place, digit in enumerate(clues.digits):
        code = embedding[digit, NOW]
        o[3 * SIZE : 3 * SIZE + CODE, NUMBER.start + place] += code / (code @ code)


def score(params, size, angle):
    """Layer 2: the asked words among the last fifteen or so."""
    clock(params, 2, 0, 0, 0, 8, (4, 5), angle, size / HALF)
    params["2.v"][ASKED, 0] += size
    params["2.o"][0, SCORE] += 3


def trail(params, size, angle, mix, squeeze):
    """Layer 2: the tokens around five back (head 2) and sixteen back (head 3), here and as the next token will see them."""
    unit = size / HALF
    clock(params, 2, 2, 1, 5, 14, (3, 4, 5), angle, unit)
    clock(params, 2, 3, 1, 16, 10, (4, 5), angle, unit)
    v, o = params["2.v"], params["2.o"]
    separator = mix["one"][0] / np.linalg.norm(mix["one"][0])
    squeeze = squeeze - np.outer(separator, separator @ squeeze)  # what all separators share says nothing
    v[NOW, SIZE : SIZE + 20] += mix["one"] @ squeeze * size
    v[ONE, SIZE + 20 : SIZE + 40] += squeeze * size
    for head, places in ((2, (TRAIL, TRAIL_ONE)), (3, (LONG, LONG_ONE))):
        for part, place in zip((0, 20), places):
            o[head * SIZE + part : head * SIZE + part + 20, place] += np.eye(20) * 2


def choose(params, size, mix, clues):
    """Layer 3, head 2: only after <|assistant|>「; looks at passages, not at the question or their headings."""
    q, k, v, o = (params[f"3.{name}"] for name in "qkvo")
    embedding = params["embedding"]
    q[ONE, 2 * SIZE + FLAG] += embedding[tokens.ASSISTANT, NOW] @ mix["one"] * 24 * size
    k[SCORE, SIZE + FLAG] += 12 * size
    k[INSIDE, SIZE + FLAG] += 24 * size
    k[START, SIZE + FLAG] -= (embedding[clues.bracket, NOW] @ mix["start"]) * 14 * size
    k[TOKEN_MARK, SIZE + FLAG] -= 20 * size
    v[START, SIZE : SIZE + CODE] += mix["start"].T * size
    o[2 * SIZE : 2 * SIZE + CODE, NOW] += np.eye(CODE) * 8


def copy(params, size, mix, views, trail_views):
    """Layer 3, heads 0 and 1: where the last tokens stood before in the passages, what came next, in which passage."""
    q, k, v, o = (params[f"3.{name}"] for name in "qkvo")
    sources = [np.eye(CODE), mix["one"].T, mix["two"].T, mix["three"].T]
    places = [NOW, ONE, TWO, THREE]
    heads = [(head, slice(head * SIZE + CONTENT.start, head * SIZE + CONTENT.stop)) for head in (0, 1)]
    for view, later, now in ((views[0], 1, 0), (views[1], 2, 1), (views[2], 3, 2)):
        k[places[later], CONTENT] += sources[later] @ view * SHARP * size
        for head, content in heads:
            q[places[now], content] += sources[now] @ view * SHARP * size * ((1, 0.7, 0.5), (1, 1, 1))[head][now]
    trails = ((TRAIL, TRAIL_ONE, trail_views[0] * TRAIL_SHARP), (LONG, LONG_ONE, trail_views[1] * LONG_SHARP))
    for now, later, view in trails:
        k[later, CONTENT] += view * size
        for _, content in heads:
            q[now, content] += view * size
    k[START, CONTENT] += mix["start"].T @ views[3] * START_SHARP * size
    k[INSIDE, FLAG] += 8 * size
    for head, content in heads:
        q[START, content] += mix["start"].T @ views[3] * START_SHARP * size
        q[CONSTANT, head * SIZE + FLAG] += 8 * size / HALF
    v[NOW, 0:CODE] += np.eye(CODE) * size * 2
    v[NUMBER, CODE : CODE + 6] += np.eye(6) * size
    for head in (0, 1):
        start = head * SIZE
        o[start : start + CODE, NOW] += np.eye(CODE) * 2
        o[start + CODE : start + CODE + 6, COPIED] += np.eye(6) / 2


def cite(params, size, angle, clues):
    """Layer 4. Head 0: at [ the number copied a few tokens ago, else nothing; head 2: 「 where something scored."""
    unit = size / HALF
    q, k, v, o = (params[f"4.{name}"] for name in "qkvo")
    embedding = params["embedding"]
    clock(params, 4, 0, 0, 4, 20, (3, 4), angle, unit)
    bracket = embedding[clues.bracket, NOW]
    q[CONSTANT, FLAG] += 20 * unit
    k[TOKEN_USER, FLAG] += 30 * size
    q[NOW, FLAG] -= bracket / (bracket @ bracket) * 25 * size
    v[COPIED, 0:6] += np.eye(6) * size
    v[TOKEN_USER, 0:6] -= 0.3 * size
    for place, digit in enumerate(clues.digits):
        o[place, NOW] += embedding[digit, NOW] * 4
    q[NOW, 2 * SIZE + FLAG] += embedding[tokens.ASSISTANT, NOW] * 24 * size
    k[SCORE, SIZE + FLAG] += 12 * size
    k[INSIDE, SIZE + FLAG] += 12 * size
    v[SCORE, SIZE] += size
    o[2 * SIZE, NOW] += (embedding[clues.quote, NOW] - embedding[clues.none, NOW]) * 2
