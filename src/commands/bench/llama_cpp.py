"""llama.cpp as one side of `kura bench`: JSON lines in, JSON lines out (see side.rs)."""

import json
import os
import sys
import time

# What the library prints goes to stderr; the real stdout is for answers only.
ANSWERS = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

BATCH = 2048
PART = 512
FLASH_OFF, FLASH_ON = 0, 1
LOG_ERROR = 4


def answer(kind, value):
    ANSWERS.write(json.dumps({kind: value}) + "\n")
    ANSWERS.flush()


try:
    import numpy as np
    import llama_cpp as api
except ImportError as why:
    answer("missing", str(why))
    sys.exit(1)


@api.llama_log_callback
def log(level, text, _data):
    """The library talks a lot while it loads; errors are kept."""
    if level == LOG_ERROR:
        sys.stderr.write(text.decode(errors="replace"))


class Failed(Exception):
    pass


class Model:
    """A loaded model whose sequences keep what they computed for the next prompt."""

    def __init__(self, ask):
        params = api.llama_model_default_params()
        params.n_gpu_layers = -1 if ask["gpu"] else 0
        self.model = api.llama_model_load_from_file(ask["path"].encode(), params)
        if not self.model:
            raise Failed("the model cannot be opened")
        params = api.llama_context_default_params()
        params.n_ctx = ask["context_tokens"] * ask["slots"]
        params.n_seq_max = ask["slots"]
        params.kv_unified = False
        params.n_batch = BATCH
        params.n_ubatch = PART
        params.n_threads = params.n_threads_batch = ask["threads"]
        params.flash_attn_type = FLASH_ON if ask["flash_attention"] else FLASH_OFF
        params.no_perf = True
        self.context = api.llama_init_from_model(self.model, params)
        if not self.context:
            raise Failed("there is no room for the context")
        self.memory = api.llama_get_memory(self.context)
        self.vocabulary = api.llama_vocab_n_tokens(api.llama_model_get_vocab(self.model))
        self.batch = api.llama_batch_init(BATCH, 0, 1)
        self.cached = [[] for _ in range(ask["slots"])]
        self.lookup = None
        if ask["speculation"]:
            from llama_cpp.llama_speculative import LlamaPromptLookupDecoding

            self.lookup = LlamaPromptLookupDecoding()

    def compute(self, rows):
        """One batch of (sequence, token, wants logits); the best token after each wanted row."""
        batch = self.batch
        batch.n_tokens = len(rows)
        for at, (sequence, token, wanted) in enumerate(rows):
            batch.token[at] = token
            batch.pos[at] = len(self.cached[sequence])
            batch.n_seq_id[at] = 1
            batch.seq_id[at][0] = sequence
            batch.logits[at] = wanted
            self.cached[sequence].append(token)
        if api.llama_decode(self.context, batch) != 0:
            raise Failed("the computation failed")
        return [self.best(at) if row[2] else None for at, row in enumerate(rows)]

    def best(self, row):
        logits = api.llama_get_logits_ith(self.context, row)
        return int(np.ctypeslib.as_array(logits, shape=(self.vocabulary,)).argmax())

    def logits(self, prompt):
        """The scores of the token after a prompt."""
        sequence = self.place([prompt])[0][0]
        self.keep(sequence, 0)
        last = len(prompt) - 1
        for first in range(0, len(prompt), BATCH):
            part = range(first, min(first + BATCH, len(prompt)))
            self.compute([(sequence, prompt[at], at == last) for at in part])
        scores = api.llama_get_logits_ith(self.context, -1)
        return np.ctypeslib.as_array(scores, shape=(self.vocabulary,)).tolist()

    def keep(self, sequence, tokens):
        """Forgets all but the first tokens of a sequence."""
        if tokens < len(self.cached[sequence]):
            api.llama_memory_seq_rm(self.memory, sequence, tokens, -1)
            del self.cached[sequence][tokens:]

    def place(self, prompts):
        """For each prompt the free sequence with most of its beginning, and how much that is.
        The last token is always computed, since its logits are needed."""
        free = list(range(len(self.cached)))
        placed = []
        for prompt in prompts:
            def fits(sequence):
                common = common_length(self.cached[sequence], prompt[:-1])
                return common, -len(self.cached[sequence])

            sequence = max(free, key=fits)
            free.remove(sequence)
            common = fits(sequence)[0]
            self.keep(sequence, common)
            placed.append((sequence, common))
        return placed

    def generate(self, ask):
        prompts, tokens = ask["prompts"], ask["tokens"]
        started = time.perf_counter()
        placed = self.place(prompts)
        streams = [
            {
                "tokens": [],
                "times": [],
                "cached_tokens": common,
                "drafted_tokens": 0,
                "accepted_tokens": 0,
            }
            for _, common in placed
        ]
        rows, owners = [], []
        for at, (prompt, (sequence, common)) in enumerate(zip(prompts, placed)):
            last = len(prompt) - 1
            for position in range(common, len(prompt)):
                rows.append((sequence, prompt[position], position == last))
                owners.append(at)
        for first in range(0, len(rows), BATCH):
            self.give(rows[first : first + BATCH], owners[first:], streams, started)
        if self.lookup and len(prompts) == 1:
            self.speculate(prompts[0], placed[0][0], streams[0], tokens, started)
        while len(streams[-1]["tokens"]) < tokens:
            rows = [(place[0], s["tokens"][-1], True) for place, s in zip(placed, streams)]
            self.give(rows, range(len(streams)), streams, started)
        return streams

    def give(self, rows, owners, streams, started):
        best = self.compute(rows)
        now = time.perf_counter() - started
        for owner, token in zip(owners, best):
            if token is not None:
                streams[owner]["tokens"].append(token)
                streams[owner]["times"].append(now)

    def speculate(self, prompt, sequence, stream, tokens, started):
        """Draft tokens are computed in one batch with the last one; those that are what the
        model itself says are kept."""
        given = stream["tokens"]
        while len(given) < tokens:
            ids = np.array(prompt + given, dtype=np.intc)
            draft = [int(token) for token in self.lookup(ids)][: tokens - len(given) - 1]
            rows = [(sequence, token, True) for token in [given[-1], *draft]]
            before = len(self.cached[sequence])
            best = self.compute(rows)
            right = common_length(draft, best)
            stream["drafted_tokens"] += len(draft)
            stream["accepted_tokens"] += right
            self.keep(sequence, before + 1 + right)
            given.extend(best[: right + 1])
            now = time.perf_counter() - started
            stream["times"].extend([now] * (right + 1))


def common_length(a, b):
    length = 0
    for x, y in zip(a, b):
        if x != y:
            break
        length += 1
    return length


def instructions():
    """The instruction sets that the library says it was built with."""
    info = api.llama_print_system_info().decode()
    parts = [part.split(":")[-1].split("=") for part in info.split("|")]
    return [part[0].strip() for part in parts if len(part) == 2 and part[1].strip() == "1"]


def main():
    api.llama_log_set(log, None)
    api.llama_backend_init()
    version = "llama-cpp-python " + api.__version__
    hello = {"name": "llama.cpp", "version": version, "speculation": True}
    answer("hello", hello | {"instructions": instructions()})
    model = None
    for line in sys.stdin:
        ask = json.loads(line)
        try:
            if "load" in ask:
                started = time.perf_counter()
                model = Model(ask["load"])
                answer("loaded", {"seconds": time.perf_counter() - started})
            elif "logits" in ask:
                answer("logits", model.logits(ask["logits"]["prompt"]))
            else:
                answer("streams", model.generate(ask["generate"]))
        except Failed as why:
            answer("error", str(why))


main()
