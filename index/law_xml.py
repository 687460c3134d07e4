"""Turns a law written as plain text into e-Gov's 法令標準XML. Used by make_sample.py.

The text opens with `key: value` lines (title, kana, abbrev, num, type, date; for a revision also amended, enforced or
scheduled, and status). Then: 「第一章　総則」,
「（目的）」, 「第一条　…」, 「２　…」 for a paragraph, 「一　…」 for an item, `|…|…|` for the rows of a table, 「附　則」.
"""

import re
from xml.sax.saxutils import escape

DIGITS = "〇一二三四五六七八九"
ERAS = {"令和": ("Reiwa", 2018), "平成": ("Heisei", 1988)}


def number(kanji):
    """Reads a number below 1,000 written as laws write it."""
    total, digit = 0, 0
    for letter in kanji:
        if letter in "百十":
            total += (digit or 1) * {"百": 100, "十": 10}[letter]
            digit = 0
        else:
            digit = DIGITS.index(letter)
    return total + digit


class Writer:
    """Collects indented lines; knows which elements are open."""

    def __init__(self):
        self.lines, self.open = ['<?xml version="1.0" encoding="UTF-8"?>'], []

    def start(self, name, attributes=""):
        self.lines.append("  " * len(self.open) + f"<{name}{attributes}>")
        self.open.append(name)

    def end(self, name):
        """Closes `name` and what is open inside it; nothing where it is not open."""
        while name in self.open:
            last = self.open.pop()
            self.lines.append("  " * len(self.open) + f"</{last}>")
            if last == name:
                break

    def leaf(self, name, text, attributes=""):
        line = f"<{name}{attributes}>{escape(text)}</{name}>" if text else f"<{name}{attributes}/>"
        self.lines.append("  " * len(self.open) + line)

    def sentences(self, name, text):
        self.start(name)
        parts = re.findall(r"(?:（[^）]*）|[^。])+。?", text)
        for at, part in enumerate(parts, 1):
            role = ""
            if len(parts) > 1:
                role = ' Function="proviso"' if part.startswith("ただし") else ' Function="main"'
            self.leaf("Sentence", part, f'{role} Num="{at}" WritingMode="vertical"')
        self.end(name)

    def item(self, number_text, text):
        self.end("Item")
        self.start("Item", f' Num="{number(number_text)}"')
        self.leaf("ItemTitle", number_text)
        if "　" in text:  # two columns: a thing and what is said of it
            self.start("ItemSentence")
            for at, column in enumerate(text.split("　"), 1):
                self.start("Column", f' Num="{at}"')
                self.leaf("Sentence", column, ' Num="1" WritingMode="vertical"')
                self.end("Column")
            self.end("ItemSentence")
        else:
            self.sentences("ItemSentence", text)

    def paragraph(self, num, number_text, text):
        self.end("Paragraph")
        self.start("Paragraph", f' Num="{num}"')
        self.leaf("ParagraphNum", number_text)
        self.sentences("ParagraphSentence", text)

    def row(self, line):
        if "TableStruct" not in self.open:
            self.start("TableStruct")
            self.start("Table", ' WritingMode="vertical"')
        self.start("TableRow")
        for cell in line.strip("|").split("|"):
            self.start("TableColumn", "".join(f' Border{s}="solid"' for s in ("Bottom", "Left", "Right", "Top")))
            self.leaf("Sentence", cell, ' Num="1" WritingMode="vertical"')
            self.end("TableColumn")
        self.end("TableRow")


def opening(xml, facts):
    year, month, day = map(int, facts["date"].split("-"))
    era, start = ERAS[facts["num"][:2]]
    law_number = number(re.search(r"第(.+)号", facts["num"])[1])
    revision = "".join(
        f' {name}="{facts[key].replace("-", "/")}"'
        for key, name in [
            ("amended", "AmendmentPromulgateDate"),
            ("enforced", "EnforcementDate"),
            ("scheduled", "ScheduledEnforcementDate"),
            ("status", "Status"),
        ]
        if key in facts
    )
    xml.start("Law", f' Era="{era}" Lang="ja" LawType="{facts["type"]}" Num="{law_number:03}"'
                     f' PromulgateDay="{day:02}" PromulgateMonth="{month:02}" Year="{year - start:02}"{revision}')
    xml.leaf("LawNum", facts["num"])
    xml.start("LawBody")
    names = f' Abbrev="{facts["abbrev"]}" AbbrevKana="" Kana="{facts["kana"]}"'
    xml.leaf("LawTitle", facts["title"], names)
    xml.start("MainProvision")


def line_into(xml, line, state):
    """Writes one line of the law; `state` holds a caption that waits for its article."""
    if chapter := re.match(r"第([〇一二三四五六七八九十]+)章　", line):
        xml.end("Chapter")
        xml.start("Chapter", f' Num="{number(chapter[1])}"')
        xml.leaf("ChapterTitle", line)
    elif re.fullmatch(r"（.+）", line):
        state["caption"] = line
    elif article := re.match(r"(第([〇一二三四五六七八九十]+)条)　(.+)", line):
        xml.end("Article")
        xml.start("Article", f' Num="{number(article[2])}"')
        xml.leaf("ArticleCaption", state.pop("caption"))
        xml.leaf("ArticleTitle", article[1])
        xml.paragraph(1, "", article[3])
    elif paragraph := re.match(r"([２-９])　(.+)", line):
        xml.paragraph(int(paragraph[1]), paragraph[1], paragraph[2])
    elif item := re.match(r"([一二三四五六七八九十]+)　(.+)", line):
        xml.item(item[1], item[2])
    elif line.startswith("|"):
        xml.row(line)
    elif line == "附　則":
        xml.end("MainProvision")
        xml.start("SupplProvision")
        xml.leaf("SupplProvisionLabel", line)
    else:
        xml.paragraph(1, "", line)


def convert(text):
    """The whole file."""
    facts, xml, state = {}, Writer(), {}
    for line in filter(None, text.splitlines()):
        if "num" in facts and "LawBody" not in xml.open and ": " not in line:
            opening(xml, facts)
        if "LawBody" not in xml.open:
            key, _, value = line.partition(": ")
            facts[key] = value
        else:
            if not line.startswith("|"):
                xml.end("TableStruct")
            line_into(xml, line, state)
    xml.end("Law")
    return "\n".join(xml.lines) + "\n"
