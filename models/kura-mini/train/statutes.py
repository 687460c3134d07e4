"""Statutes: read the corpus, tidy the text, cut it into sentences, hold laws out.

A record is one article: law, head (第三条), cap (（目的）), text. Old statutes in katakana are left out, and so is
what the corpus holds beside statutes (guidelines: no law number).
"""

import hashlib
import io
import json
import re

import zstandard

HIRAGANA = re.compile(r"[ぁ-ん]")
ITEM = re.compile(r"([一二三四五六七八九十]{1,4})\n")


def read_articles(path, limit=None):
    """Yields the usable articles of the corpus, as dicts with `sentences` added."""
    with open(path, "rb") as raw:
        lines = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(raw), encoding="utf-8")
        for count, line in enumerate(lines):
            if limit and count >= limit:
                return
            article = json.loads(line)
            text = tidy(article["text"])
            hiragana = len(HIRAGANA.findall(text))
            statute = article["lawnum"] and article["head"].startswith("第") and "条" in article["head"]
            if not statute or len(text) < 25 or hiragana < len(text) * 0.15:
                continue
            article["text"] = text
            article["sentences"] = sentences(text)
            article["cap"] = article["cap"].strip("（）")
            yield article


def tidy(text):
    """Puts the number of an item in front of its line: the corpus has it at the end of the one before."""
    text = ITEM.sub(lambda m: "\n" + m.group(1) + "　", text)
    return re.sub(r"\n+", "\n", text).strip()


def sentences(text):
    """Cuts at 。 outside parentheses and at line ends; the 。 stays, line ends go."""
    pieces, start, depth = [], 0, 0
    for at, char in enumerate(text):
        if char in "（「":
            depth += 1
        elif char in "）」":
            depth = max(0, depth - 1)
        if char == "\n" or (char == "。" and depth == 0):
            piece = text[start : at + (char == "。")].strip("\n")
            if piece:
                pieces.append(piece)
            start, depth = at + 1, 0
    if text[start:].strip():
        pieces.append(text[start:].strip())
    return pieces


def held_out(law):
    """True for the 3 % of laws that training never sees (by the hash of the name, so it never moves)."""
    return hashlib.sha256(law.encode()).digest()[0] < 8
