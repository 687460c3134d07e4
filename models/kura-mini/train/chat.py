"""The prompt form: what kura sends, what the template makes of it, and the same as token ids.

The question stands before the passages and once more behind them: with the question in front, a passage token
can see at once whether it was asked for, which a model this small needs.
"""

import tokens

MARK = "質問："
NONE = "該当なし"
TEMPLATE = (
    "{%- for message in messages -%}{%- if message.role == 'user' and loop.last -%}"
    "{%- set parts = message.content.split('質問：') -%}{%- set question = parts[-1] | trim -%}"
    "<|user|>{{ question }}"
    "{%- if parts | length > 1 -%}"
    "<|docs|>{{ parts[:-1] | join('質問：') | trim }}<|ask|>{{ question }}"
    "{%- endif -%}<|end|>"
    "{%- endif -%}{%- endfor -%}"
    "{%- if add_generation_prompt -%}<|assistant|>{%- endif -%}"
)


def user_message(passages, question):
    """kura's own user message; `passages` are (label, text)."""
    parts = [f"[{n}] {label}\n{text}\n\n" for n, (label, text) in enumerate(passages, 1)]
    return "".join(parts) + (MARK if passages else "") + question


def prompt(passages, question):
    """What the template makes of `user_message`, as text."""
    docs = user_message(passages, "")[: -len(MARK)].strip() if passages else ""
    body = f"<|docs|>{docs}<|ask|>{question}" if passages else ""
    return f"<|user|>{question}{body}<|end|><|assistant|>"


def quote(sentence, number):
    """An answer: the sentence word for word, and its passage."""
    return f"「{sentence}」[{number}]"


def encode_example(tokenizer, passages, question, answer):
    """(ids of prompt and answer, number of prompt ids); the answer ends with <|end|>."""
    head = tokenizer.encode(prompt(passages, question)).ids
    return head + tokenizer.encode(answer).ids + [tokens.END], len(head)
