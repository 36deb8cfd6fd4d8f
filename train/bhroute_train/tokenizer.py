"""Byte-level BPE: trained from text (`tokenizer`), or read from a file: tokenizer.json, a GGUF, a folder of transformers."""

import random
from pathlib import Path

from gguf import GGUFReader, TokenType
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

END = "<|endoftext|>"  # token 0: begins, ends and pads


def train(documents, size, sample=6000, characters=20000, seed=1):
    """A tokenizer of `size` tokens, from the beginnings of a sample of documents."""
    tokenizer = byte_level(models.BPE())
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=[END], show_progress=False,
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    chosen = random.Random(seed).sample(documents, min(len(documents), sample))
    tokenizer.train_from_iterator([text[:characters] for text in chosen], trainer)
    return tokenizer


def byte_level(model):
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def from_gguf(path):
    """The tokenizer that a GGUF carries, whose tokens are llama.cpp's; only the kind that this project writes.

    Its fields: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md#tokenizer. ByteLevel splits by the pattern of
    the pre-tokenizer gpt-2.
    """
    reader = GGUFReader(path)
    for key, want in (("model", "gpt2"), ("pre", "gpt-2")):
        field = reader.get_field(f"tokenizer.ggml.{key}")
        got = field.contents() if field else "none"
        if got != want:
            raise ValueError(f"{path}: tokenizer.ggml.{key}, got {got}, want {want} (others: give the model's tokenizer.json)")
    texts, types, merges = (reader.fields[f"tokenizer.ggml.{key}"].contents() for key in ("tokens", "token_type", "merges"))
    known = {text: token for token, text in enumerate(texts) if types[token] != TokenType.UNUSED}
    tokenizer = byte_level(models.BPE(known, [tuple(merge.split(" ")) for merge in merges]))
    tokenizer.add_special_tokens([AddedToken(texts[token], special=True, normalized=False)
                                  for token, kind in enumerate(types) if kind == TokenType.CONTROL])
    return tokenizer


def load(path):
    """The tokenizer of a tokenizer.json, of a .gguf, or of a folder that holds a tokenizer.json."""
    path = Path(path)
    if path.suffix == ".gguf":
        return from_gguf(path)
    file = path / "tokenizer.json" if path.is_dir() else path
    if not file.is_file():
        raise ValueError(f"{file}: tokenizer, got no file, want a tokenizer.json, a .gguf or a folder with a tokenizer.json")
    return Tokenizer.from_file(str(file))


def run(args):
    tokenizer = train(Path(args.text).read_text().split("\x1e"), args.size)
    tokenizer.save(args.out)
    print(f"{args.out}: {tokenizer.get_vocab_size()} tokens")


def add_arguments(parser):
    parser.add_argument("--text", default="work/text/train.txt", help="train.txt of `corpus`")
    parser.add_argument("--size", type=int, default=8192)
    parser.add_argument("--out", default="work/tokenizer.json")
