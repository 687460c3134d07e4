"""Measures an exported file: the questions of eval.jsonl, and the same tokens as the trained network.

    python check.py --data DIR [--file FILE.gguf] [--show 10]
"""

import argparse
import json
import pathlib
import re

import gguf
import jax
import jax.numpy as jnp
import jinja2
import numpy as np

import chat
import export
import model
import reader
import tokens

ANSWER = re.compile(r"^「(.*)」\[(\d+)\]$", re.DOTALL)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="build/kura-mini")
    parser.add_argument("--file", default="build/kura-mini/kura-mini-q8_0.gguf")
    parser.add_argument("--show", type=int, default=0, help="print so many wrong answers of each kind")
    parser.add_argument("--peer", type=int, default=20, help="prompts to compare with the trained network")
    parser.add_argument("--most", type=int, default=10_000, help="questions of each kind")
    args = parser.parse_args()
    data = pathlib.Path(args.data)
    tokenizer = tokens.load(data / "tokenizer.json")
    rows = [json.loads(line) for line in open(data / "eval.jsonl", encoding="utf-8")]
    network = reader.Reader(args.file)
    measure(rows, network, tokenizer, args)
    check_template(rows, args.file)
    if args.peer:
        compare(rows[: args.peer], data, tokenizer)


def check_template(rows, path):
    """Fails where the template in the file makes another prompt than the training data."""
    template = jinja2.Template(gguf.GGUFReader(path).fields["tokenizer.chat_template"].contents())
    for row in rows:
        said = chat.user_message(row["passages"], row["question"])
        messages = [{"role": "system", "content": "x"}, {"role": "user", "content": said}]
        made = template.render(messages=messages, add_generation_prompt=True)
        assert made == chat.prompt(row["passages"], row["question"]), made
    print(f"the template makes the trained prompt on {len(rows)} questions")


def measure(rows, network, tokenizer, args):
    """Prints the figures of each kind of question."""
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    for kind in kinds:
        told = {"cited": 0, "verbatim": 0, "exact": 0, "none": 0, "quotes": 0}
        chosen, shown = [r for r in rows if r["kind"] == kind][: args.most], 0
        for row in chosen:
            prompt = tokenizer.encode(chat.prompt(row["passages"], row["question"])).ids
            answer = tokenizer.decode(network.answer(prompt, 80))
            right = judge(row, answer, told)
            if not right and shown < args.show:
                shown += 1
                print(f"  Q {row['question']}\n  want {row['answer']}\n  got  {answer}")
        count = len(chosen)
        print(
            f"{kind} ({count}): cited right {told['cited'] / count:.1%}, exact {told['exact'] / count:.1%}, "
            f"verbatim {told['verbatim']}/{told['quotes']} quotes, 該当なし {told['none'] / count:.1%}",
            flush=True,
        )


def judge(row, answer, told):
    """Counts one answer; true where it is wholly right."""
    found = ANSWER.match(answer)
    told["none"] += answer == chat.NONE
    told["exact"] += answer == row["answer"]
    if found:
        number = int(found.group(2)) - 1
        told["quotes"] += 1
        told["cited"] += number == row["where"]
        inside = 0 <= number < len(row["passages"]) and found.group(1) in row["passages"][number][1]
        told["verbatim"] += inside
    return answer == row["answer"]


def compare(rows, data, tokenizer):
    """Greedy tokens of the F16 file by numpy against the network in JAX, 64 tokens each.

    JAX reads prompt and answer at once: where its best token is the same at every place, greedy decoding is too.
    """
    params = {name: jnp.asarray(array) for name, array in export.parameters(data / "finished.npz").items()}
    exported, shape, same = reader.Reader(data / "kura-mini-f16.gguf"), model.Shape(), 0

    @jax.jit
    def best(ids):
        return model.logits_at(params, model.hidden_states(params, shape, ids, jnp.ones_like(ids))).argmax(-1)[0]

    for row in rows:
        prompt = tokenizer.encode(chat.prompt(row["passages"], row["question"])).ids
        made = exported.answer(prompt, 64)
        ids = np.zeros((1, shape.context), np.int32)
        ids[0, : len(prompt) + len(made)] = prompt + made
        told = np.asarray(best(ids))[len(prompt) - 1 :][: min(64, len(made) + 1)].tolist()
        same += told == (made + [tokens.END])[:64]
    print(f"same greedy tokens as the trained network (F16 file): {same} of {len(rows)} prompts")


if __name__ == "__main__":
    main()
