"""Questions from the structure of a law: caption, subject, predicate, article number, key nouns.

Each question points at one sentence of one article. `Maker.example` shows it among other passages (neighbouring
articles first) and makes sure that no other sentence shown carries the same key words.
"""

import math
import random
import re

import chat

NOUN = re.compile(r"(?:(?![及又並若])[一-龥々ァ-ヴー]){2,14}")
STOP = re.compile(
    r"^((?:法|令|規則|昭和|平成|令和|大正|明治|同)?第?[一二三四五六七八九十百千]+.*|(?:昭和|平成|令和|大正|明治).*|規定|場合|前項|前条|各号|次|事項|当該|政令|省令|同項|同条|以下|以上|以外|前号|次条|次項|法律|者|"
    r"必要|一部|全部|同様|準用|適用|掲|定|関|係|又|及|その|とき|この)$"
)
SUBJECT = re.compile(r"^(?:[一二三四五六七八九十\d]+　)?([^、。（「]{2,28}?)は、")
ITEM_NUMBER = re.compile(r"^[\d一二三四五六七八九十イロハニホヘトチリヌの]+　")
DEFINED = re.compile(r"「([^」]{2,24})」とは、")

ASK_TOPIC = [
    "{x}について教えてください。", "{x}について教えて", "{x}について知りたい", "{x}はどのように定められていますか。", "{x}とは",
    "{x}はどうなっていますか。", "{x}に関する決まりはありますか。", "{x}の内容は？", "{x}", "{x}の規定は？", "{x}の取扱いは",
    "{x}について、どのような定めがありますか。", "{x}はどうすればよいですか。", "{x}を確認したい。",
]
ASK_TWO = [
    "{a}と{b}について教えてください。", "{a}の{b}は？", "{a}の{b}はどうなっていますか。", "{a}に関する{b}を教えて", "{a}の場合の{b}は",
    "{a} {b}", "{a}について、{b}はどう定められていますか。", "{a}には{b}が必要ですか。", "{b}は{a}とどう関係しますか。",
]
ASK_MUST = [
    "{s}は何をしなければなりませんか。", "{s}の義務は何ですか。", "{s}は{a}についてどうしなければなりませんか。", "{s}がしなければならないことは？",
    "{s}は{a}をする必要がありますか。",
]
ASK_CAN = ["{s}は何ができますか。", "{s}は{a}をすることができますか。", "{s}にできることは？", "{s}は{a}についてどんなことができますか。"]
ASK_BAN = ["{s}がしてはならないことは何ですか。", "{s}は{a}をしてもよいですか。", "{s}に禁止されていることは？"]
ASK_IS = ["{s}はどうなっていますか。", "{s}は？", "{s}について教えて", "{s}はどう定められていますか。", "{s}は何ですか。", "{s}とは"]
ASK_TIME = ["{a}はいつまでにしなければなりませんか。", "{a}の期限は？", "{a}の期間は何日ですか。", "{a}は何日以内ですか。"]
ASK_MONEY = ["{a}はいくらですか。", "{a}の額は？", "{a}の金額を教えて", "{a}は何円ですか。"]
ASK_WORD = ["「{w}」とは何ですか。", "{w}の意味は？", "{w}の定義を教えてください。", "{w}とは何のことですか。", "{w}とは"]
ASK_NUMBER = ["{h}には何が書いてありますか。", "{h}の内容を教えて", "{h}は何を定めていますか。", "{l}{h}は？", "{l}{h}について教えてください。"]


def nouns(text):
    """Content words of a text, in order, without law boilerplate."""
    return [n for n in dict.fromkeys(NOUN.findall(text)) if not STOP.match(n)]


class Maker:
    """Makes examples from a list of laws, each a list of articles in order."""

    def __init__(self, laws, seed):
        self.laws = [law for law in laws if len(law) >= 2]
        self.random = random.Random(seed)
        counts, self.articles = {}, 0
        for law in self.laws:
            for article in law:
                self.articles += 1
                for noun in set(nouns(article["text"])):
                    counts[noun] = counts.get(noun, 0) + 1
        self.rarity = {n: math.log(self.articles / c) for n, c in counts.items()}

    def index(self):
        """Where each word stands that is neither common nor alone: articles that talk of like things."""
        found = {}
        for law in self.laws:
            for article in law:
                for noun in set(nouns(article["text"])):
                    found.setdefault(noun, []).append(article)
        self.holding = {noun: articles for noun, articles in found.items() if 1 < len(articles) <= 300}

    def rare(self, text, count):
        """The words of a text, the rare ones likelier first."""
        found = sorted(nouns(text), key=lambda n: -self.rarity.get(n, 5) * self.random.uniform(0.5, 1))
        return found[:count]

    def question(self, article, sentence):
        """(question, key words that single out the sentence), or None."""
        pick, words = self.random.choice, self.rare(sentence, 2)
        if not words:
            return None
        a, b = words[0], words[-1]
        subject = SUBJECT.match(sentence)
        s = subject.group(1) if subject else ""
        kinds = [(ASK_TOPIC, {"x": a}, [a])]
        if len(words) == 2:
            kinds += [(ASK_TWO, {"a": a, "b": b}, [a, b])] * 2
        if s and nouns(s):
            keys = nouns(s)[:2]
            forms = ASK_IS
            if sentence.endswith("なければならない。"):
                forms = ASK_MUST
            elif sentence.endswith("ことができる。"):
                forms = ASK_CAN
            elif sentence.endswith("てはならない。"):
                forms = ASK_BAN
            kinds += [(forms, {"s": s, "a": a}, keys + [a])] * 3
        if re.search(r"日以内|月以内|年以内|までに|期間", sentence):
            kinds += [(ASK_TIME, {"a": a}, [a])] * 2
        if re.search(r"[一二三四五六七八九十百千万〇]円", sentence):
            kinds += [(ASK_MONEY, {"a": a}, [a])] * 2
        word = DEFINED.search(sentence)
        if word:
            kinds = [(ASK_WORD, {"w": word.group(1)}, [f"「{word.group(1)}」"])]
        forms, fill, keys = pick(kinds)
        form = pick(forms)
        used = [k for k in keys if any(k in str(v) and "{%s}" % n in form for n, v in fill.items())]
        return form.format(**fill), used or keys

    def caption_question(self, article):
        """A question by the caption or number of the article; the answer is its first or nearest sentence."""
        if self.random.random() < 0.2:
            form = self.random.choice(ASK_NUMBER)
            return form.format(h=article["head"], l=article["law"]), [article["head"]], 0
        cap = article["cap"]
        keys = nouns(cap)[:2] or [cap]
        form = self.random.choice(ASK_TOPIC)
        x = cap if self.random.random() < 0.7 else f"{article['law']}の{cap}"
        hits = [sum(k in s for k in keys) for s in article["sentences"]]
        return form.format(x=x.removesuffix("等")), keys, max(range(len(hits)), key=lambda i: (hits[i], -i))

    def example(self, passages_max, chars_max, quote_max, hard, none_share, alike=0):
        """(passages, question, answer, index of the passage or -1); tries until one fits.

        `alike` is the share of distractors that hold a word of the sentence; then some passages come twice, changed.
        """
        while True:
            law = self.random.choice(self.laws)
            at = self.random.randrange(len(law))
            made = self.attempt(law, at, passages_max, chars_max, quote_max, hard, none_share, alike)
            if made:
                return made

    def attempt(self, law, at, passages_max, chars_max, quote_max, hard, none_share, alike):
        """One try at `example`; None where the article or its neighbours do not suit."""
        r, article = self.random, law[at]
        if article["cap"] and r.random() < 0.4:
            question, keys, gold = self.caption_question(article)
            in_label = True
        else:
            gold = r.randrange(len(article["sentences"]))
            made = self.question(article, article["sentences"][gold])
            if not made:
                return None
            question, keys = made
            in_label = False
        sentence = article["sentences"][gold]
        if not 12 <= len(sentence) <= quote_max or len(question) > 60:
            return None
        nothing = r.random() < none_share
        count = max(r.randint(0, passages_max - 1), r.randint(0, passages_max - 1), int(nothing))
        others = self.others(law, at, count + nothing, hard, sentence if alike else "", alike)
        passages = []
        for other, spot in [(article, gold)] * (not nothing) + [(o, None) for o in others]:
            passages.append((self.label(other), self.window(other, spot, r.randint(30, chars_max))))
        for label, text in passages[(0 if nothing else 1) :]:
            whole = label + "\n" + text if in_label else text
            if all(k in whole for k in keys):
                return None
        if alike and not nothing and len(passages) > 1 and len(article["law"]) <= 24 and r.random() < 0.15:
            question = f"{article['law']}{r.choice(['では、', 'の', ' '])}{question}"
            passages[-1] = (passages[-1][0], self.changed(passages[0][1]))
        if not nothing and not in_label:
            same = [s for s in sentences_of(passages[0][1]) if all(k in s for k in keys)]
            if len(same) > 1 and same[0] != sentence:
                return None
        some = any if not alike or r.random() < 0.5 else all  # half an answer is none
        if nothing and any(some((keys[-1] in t, keys[0] in t)) for _, t in passages):
            return None
        order = list(range(len(passages)))
        r.shuffle(order)
        shown = [passages[i] for i in order]
        where = -1 if nothing else order.index(0)
        answer = chat.NONE if nothing else chat.quote(ITEM_NUMBER.sub("", sentence), where + 1)
        return shown, question, answer, where

    def changed(self, text):
        """Another version of a text: other figures, words exchanged, a sentence less."""
        r = self.random
        figure = lambda match: r.choice("一二三四五六七八九" if match.group() > "9" else "123456789")
        words = nouns(text)
        for word in r.sample(words, min(len(words), r.randint(1, 4))):
            text = text.replace(word, r.choice(words))
        if r.random() < 0.7:
            text = re.sub("[一二三四五六七八九1-9]", lambda match: figure(match) if r.random() < 0.6 else match.group(), text)
        pieces = sentences_of(text)
        if len(pieces) > 2 and r.random() < 0.5:
            del pieces[r.randrange(len(pieces))]
        return "\n".join(pieces) if "\n" in text else "".join(pieces)

    def others(self, law, at, count, hard, sentence, alike):
        """Distractors: near articles of the same law with probability `hard`, else any article."""
        found = []
        words = [n for n in nouns(sentence) if n in self.holding] if sentence else []
        for _ in range(count):
            if words and self.random.random() < alike:
                found.append(self.random.choice(self.holding[self.random.choice(words)]))
            elif self.random.random() < hard:
                near = [i for i in range(max(0, at - 6), min(len(law), at + 7)) if i != at]
                found.append(law[self.random.choice(near)])
            else:
                found.append(self.random.choice(self.random.choice(self.laws)))
        unique = {id(a): a for a in found if a is not law[at]}
        return list(unique.values())

    def label(self, article):
        """As kura cites: title, article, caption."""
        cap = f"（{article['cap']}）" if article["cap"] else ""
        return f"{article['law'][:40]} {article['head']}{cap}"

    def window(self, article, spot, chars):
        """Whole sentences around `spot` until `chars` is reached."""
        pieces = article["sentences"]
        if spot is None:
            spot = self.random.randrange(len(pieces))
        first = last = spot
        text = pieces[spot][:300]
        while True:
            left, right = first - 1, last + 1
            options = []
            if left >= 0 and len(text) + len(pieces[left]) <= chars:
                options.append("left")
            if right < len(pieces) and len(text) + len(pieces[right]) <= chars:
                options.append("right")
            if not options:
                return text
            if self.random.choice(options) == "left":
                text, first = pieces[left] + "\n" + text, left
            else:
                text, last = text + "\n" + pieces[right], right


def sentences_of(text):
    """Sentences of a shown passage."""
    return [s for s in re.split(r"(?<=。)|\n", text) if s]
