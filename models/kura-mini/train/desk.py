"""Passages written by hand in the manner of a town hall's files, with questions as staff would put them (desk.txt).

desk.txt: `@label`, then lines `sentence | question / question`; a line without ` | ` is text nobody asks about.
Figures change from example to example, so that no answer can be learnt by heart. Every eighth passage is held out.
desk-more.txt came later and is all for training.
"""

import pathlib
import random
import re

import chat

FIGURE = re.compile(r"\d+")


class Desk:
    """Makes examples from desk.txt; `held` picks the held-out passages instead of the others."""

    def __init__(self, seed, held=False, more=False):
        self.random = random.Random(seed)
        passages = read(pathlib.Path(__file__).with_name("desk.txt"))
        self.passages = [p for n, p in enumerate(passages) if (n % 8 == 3) == held]
        self.layouts = ["", "\n", "1　", "(1)　", "・", "- "]
        self.more = more
        if more:
            self.passages += read(pathlib.Path(__file__).with_name("desk-more.txt"))
            self.layouts += ["第1条　", "第１条 "]

    def example(self, passages_max, none_share, other=None):
        """(passages, question, answer, index or -1); `other` makes a foreign (label, text) now and then."""
        r = self.random
        gold = r.choice(self.passages)
        asked = r.choice([n for n, (_, questions) in enumerate(gold[1]) if questions])
        nothing = r.random() < none_share
        count = max(r.randint(1, passages_max), r.randint(1, passages_max))
        shown = [] if nothing else [(gold[0], *self.write(gold[1], asked))]
        question = r.choice(gold[1][asked][1])
        others = r.sample([p for p in self.passages if p is not gold], count)
        if self.more and r.random() < 0.6:  # a search finds other parts of the same document
            document = gold[0].split(" ")[0]
            others = [p for p in self.passages if p is not gold and p[0].startswith(document)][:2] + others
        for distractor in others:
            if len(shown) >= count:
                break
            if other and r.random() < 0.3:
                shown.append((*other(), None))
            else:
                shown.append((distractor[0], *self.write(distractor[1], None)))
        if nothing and r.random() < 0.4:
            rest = [line for n, line in enumerate(gold[1]) if n != asked]
            if rest and not similar(question, rest):
                shown[0] = (gold[0], *self.write(rest, None))
        wanted = None if nothing else shown[0]
        r.shuffle(shown)
        passages = [(label, text) for label, text, _ in shown]
        if nothing:
            return passages, question, chat.NONE, -1
        where = next(n for n, passage in enumerate(shown) if passage is wanted)
        return passages, question, chat.quote(wanted[2], where + 1), where

    def write(self, lines, asked):
        """(text, the asked sentence as it stands there): some lines of a passage in one of several layouts."""
        r = self.random
        chosen = [n for n in range(len(lines)) if n == asked or r.random() < 0.75] or [0]
        article = r.randint(1, 9) if self.more else 1
        layout, out, target = r.choice(self.layouts), [], None
        for number, n in enumerate(chosen, 1):
            sentence, questions = lines[n]
            if n == asked or r.random() < 0.5:
                sentence = self.figures(sentence, questions)
            target = sentence if n == asked else target
            mark = {"1　": f"{number}　", "(1)　": f"({number})　"}.get(layout, layout.strip("\n"))
            if layout.startswith("第"):  # an article: its number before the first paragraph alone
                mark = layout.replace("1", str(article)).replace("１", "１２３４５６７８９"[article - 1]) if number == 1 else f"{number}　"
            table = " / " in sentence
            out.append(sentence if table or not mark else mark + sentence)
        glue = "" if layout == "" and not any(" / " in s for s in out) else "\n"
        return glue.join(out), target

    def figures(self, sentence, questions):
        """Other figures of the same length, unless a question names one."""
        if any(figure in "".join(questions) for figure in FIGURE.findall(sentence)) or self.random.random() < 0.3:
            return sentence
        fresh = lambda match: "".join(
            digit if digit == "0" else str(self.random.randint(1, 9)) for digit in match.group()
        )
        return FIGURE.sub(fresh, sentence)


def similar(question, lines):
    """True where another line shares a way to ask with the question: it might answer it."""
    return any(len(set(question) & set("".join(questions))) > len(set(question)) * 0.8 for _, questions in lines)


def read(path):
    """[(label, [(sentence, questions)])]."""
    passages = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("@"):
            passages.append((line[1:], []))
        elif line:
            sentence, _, questions = line.partition(" | ")
            passages[-1][1].append((sentence, [q for q in questions.split(" / ") if q]))
    return passages
