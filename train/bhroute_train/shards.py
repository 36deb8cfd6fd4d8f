"""Text to tokens: compressed shards of little-endian uint16, each under a size that travels well."""

import lzma
from pathlib import Path

import numpy as np

from . import tokenizer as tokenizers
from .progress import Progress

FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 6, "lc": 0, "lp": 1, "pb": 1, "dict_size": 1 << 26}]  # 2-byte symbols


def encode(tokenizer, documents, end=0, batch=512):
    """Token arrays of `documents`, each closed by the token `end`."""
    progress = Progress("shards: documents", len(documents))
    for i in range(0, len(documents), batch):
        part = documents[i:i + batch]
        for encoding in tokenizer.encode_batch_fast(part):
            yield np.array([*encoding.ids, end], dtype="<u2")
        progress.step(len(part))


def write_shards(tokens, out, shard_tokens):
    """`tokens` in shards of `shard_tokens`; a shard that exists already is left alone."""
    for n, start in enumerate(range(0, len(tokens), shard_tokens)):
        path = out / f"train-{n:03d}.u16.xz"
        if not path.exists():
            partial = path.with_suffix(".partial")
            partial.write_bytes(lzma.compress(tokens[start:start + shard_tokens].tobytes(), filters=FILTERS))
            partial.rename(path)
        print(path, path.stat().st_size, flush=True)


def read_tokens(paths):
    """All tokens of shards (.u16.xz) or plain files (.u16), in the order of their names, as uint16."""
    paths = [q for p in map(Path, paths) for q in (sorted(p.glob("train-*.u16*")) if p.is_dir() else [p])]
    if not paths:
        raise ValueError("tokens: got no shard, want at least one .u16 or .u16.xz")
    raw = (lzma.decompress(p.read_bytes()) if p.suffix == ".xz" else p.read_bytes() for p in paths)
    return np.concatenate([np.frombuffer(r, dtype="<u2") for r in raw])


def run(args):
    tokenizer, out = tokenizers.load(args.tokenizer), Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    for path in args.evaluation:  # one document, as llama.cpp reads a file: no end token
        ids = np.array(tokenizer.encode(Path(path).read_text()).ids, dtype="<u2")
        (out / (Path(path).stem + ".u16")).write_bytes(ids.tobytes())
    if args.text:
        documents = Path(args.text).read_text().split("\x1e")
        tokens = np.concatenate(list(encode(tokenizer, documents)))
        print(f"{len(documents)} documents, {len(tokens)} tokens")
        if args.plain:
            (out / "train-000.u16").write_bytes(tokens.tobytes())
        else:
            write_shards(tokens, out, args.shard_tokens)


def add_arguments(parser):
    parser.add_argument("--tokenizer", required=True, help="tokenizer.json, or the model: .gguf or folder with a tokenizer.json")
    parser.add_argument("--text", help="train.txt of `corpus`")
    parser.add_argument("--evaluation", nargs="*", default=[], help="texts to encode whole: NAME.txt to NAME.u16")
    parser.add_argument("--shard-tokens", type=int, default=12_000_000)
    parser.add_argument("--plain", action="store_true", help="one uncompressed file instead, for use on the same machine")
    parser.add_argument("--out", default="work/tokens")
