"""Writes the trained network as GGUF: F16, and Q8_0 for the file that kura carries.

    python export.py --data DIR --to DIR

RoPE is interleaved in training as in the llama architecture of GGUF, so q and k are written as they are.
"""

import argparse
import hashlib
import json
import pathlib

import blake3
import gguf
import numpy as np

import chat
import model
import tokens

NAMES = {
    "attention_norm": "attn_norm", "q": "attn_q", "k": "attn_k", "v": "attn_v", "o": "attn_output", "feed_norm": "ffn_norm",
    "gate": "ffn_gate", "up": "ffn_up", "down": "ffn_down",
}
KINDS = {"f16": (gguf.GGMLQuantizationType.F16, gguf.LlamaFileType.MOSTLY_F16),
         "q8_0": (gguf.GGMLQuantizationType.Q8_0, gguf.LlamaFileType.MOSTLY_Q8_0)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="build/kura-mini")
    parser.add_argument("--to", default="build/kura-mini")
    args = parser.parse_args()
    both(pathlib.Path(args.data), pathlib.Path(args.to))


def both(source, target):
    """Both files into the folder `target`, from the finished weights and the tokenizer in `source`."""
    params = parameters(source / "finished.npz")
    tokenizer = json.loads((source / "tokenizer.json").read_text(encoding="utf-8"))
    for kind in KINDS:
        path = target / f"kura-mini-{kind}.gguf"
        write(path, params, model.Shape(), tokenizer, kind)
        data = path.read_bytes()
        print(f"{path}: {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}, blake3 {blake3.blake3(data).hexdigest()}")


def parameters(checkpoint):
    """The parameters of a checkpoint, by name."""
    file = np.load(checkpoint)
    return {name[6:]: file[name] for name in file.files if name.startswith("param:")}


def write(path, params, shape, tokenizer, kind):
    """One GGUF file."""
    quantization, file_type = KINDS[kind]
    writer = gguf.GGUFWriter(str(path), "llama")
    describe(writer, shape, file_type)
    add_tokenizer(writer, tokenizer)
    for name, array in params.items():
        array = np.ascontiguousarray(array.T if array.ndim == 2 and name != "embedding" else array, np.float32)
        if array.ndim == 1:
            writer.add_tensor(tensor_name(name), array)
        else:
            packed = gguf.quants.quantize(array, quantization)
            writer.add_tensor(tensor_name(name), packed, raw_dtype=quantization)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def tensor_name(name):
    """Our name of a parameter as GGUF's."""
    if "." not in name:
        return {"embedding": "token_embd.weight", "norm": "output_norm.weight"}[name]
    layer, part = name.split(".")
    return f"blk.{layer}.{NAMES[part]}.weight"


def describe(writer, shape, file_type):
    """General and architecture fields."""
    writer.add_name("kura-mini（動作確認用）")
    writer.add_description("Self-test model of kura. Not for work.")
    writer.add_license("MIT OR Apache-2.0")
    writer.add_languages(["ja"])
    writer.add_file_type(file_type)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_key_length(shape.head)
    writer.add_value_length(shape.head)
    writer.add_rope_dimension_count(shape.head)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    writer.add_vocab_size(shape.vocabulary)


def add_tokenizer(writer, tokenizer):
    """Byte-level BPE as llama.cpp's "gpt2" model with the "qwen2" split."""
    vocabulary = tokenizer["model"]["vocab"]
    pieces = sorted(vocabulary, key=vocabulary.get)
    kinds = [gguf.TokenType.CONTROL if piece in tokens.SPECIALS else gguf.TokenType.NORMAL for piece in pieces]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(pieces)
    writer.add_token_types(kinds)
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in tokenizer["model"]["merges"]])
    writer.add_bos_token_id(tokens.USER)
    writer.add_eos_token_id(tokens.END)
    writer.add_add_bos_token(False)
    writer.add_chat_template(chat.TEMPLATE)


if __name__ == "__main__":
    main()
