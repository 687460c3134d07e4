"""The tokenizer: byte-level BPE whose merges never leave one script run.

Merges are learnt with a fine split (kanji, hiragana and katakana runs; digits, kanji numerals, 第, 及 and every
sign alone), so a word is the same token in question and passage. Used with the coarser "qwen2" split that GGUF
readers know; as no merge crosses a fine boundary, both splits give the same tokens.
"""

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

SPECIALS = ["<|ask|>", "<|user|>", "<|docs|>", "<|assistant|>", "<|end|>"]
ASK, USER, DOCS, ASSISTANT, END = range(5)
ALONE = "〇一二三四五六七八九十百千万第及又並若"
FINE = (
    rf"[{ALONE}]|(?:(?![{ALONE}])[\p{{Han}}])+|[\p{{Hiragana}}]+|[\p{{Katakana}}ー]+"
    r"|[A-Za-z]+|[\s\S]"
)
QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def split_by(pattern):
    """A pre-tokenizer: the pattern, then bytes as printable characters."""
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def train(texts, size):
    """Learns `size` tokens, specials included, from an iterator of texts."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = split_by(FINE)
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=SPECIALS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        max_token_length=12,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.pre_tokenizer = split_by(QWEN2)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def load(path):
    """The tokenizer that `prepare.py` wrote."""
    return Tokenizer.from_file(str(path))
