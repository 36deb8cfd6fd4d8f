#!/usr/bin/env python3
"""Writes a GGUF of random weights that llama.cpp loads and runs: small ones for the tests, layers of real size for the
benchmarks. The same arguments give the same file.

    make_random_model.py deepseek-v3 -o tiny.gguf
    make_random_model.py --all -o FOLDER                     one of each architecture, FOLDER/<architecture>.gguf
    make_random_model.py olmoe --real-size --layers 4 --type q8_0 -o slice.gguf    OLMoE-1B-7B's layer sizes
"""

import argparse
import math
import pathlib
import sys

import architectures
import gguf
import numpy as np
import random_blocks

TINY = {"experts": 16, "top_k": 4, "d_model": 64, "expert_ff": 32, "heads": 4}
REAL = {"experts": 64, "top_k": 8, "d_model": 2048, "expert_ff": 1024, "heads": 16}  # OLMoE-1B-7B
ROUTER_SD = 1.5  # of the logits, for an input of unit size


def byte_characters() -> list[str]:
    """GPT-2's names of the 256 bytes: printable ones stand for themselves, the others move beyond 255."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    moved = iter(range(256, 512))
    return [chr(b if b in printable else next(moved)) for b in range(256)]


def vocabulary(size: int) -> tuple[list[str], list[int], list[str]]:
    """Tokens, their types, merges: every byte, one pair, an end mark, then unused tokens up to `size`."""
    tokens = byte_characters() + ["th", "<|end|>"]
    unused = [f"<|unused{i}|>" for i in range(size - len(tokens))]
    types = [gguf.TokenType.NORMAL] * (len(tokens) - 1) + [gguf.TokenType.CONTROL]
    return tokens + unused, types + [gguf.TokenType.UNUSED] * len(unused), ["t h"]


def add_vocabulary(writer: gguf.GGUFWriter, size: int) -> int:
    tokens, types, merges = vocabulary(size)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(merges)
    writer.add_eos_token_id(257)
    writer.add_bos_token_id(257)
    writer.add_add_bos_token(False)
    return len(tokens)


def add_keys(writer: gguf.GGUFWriter, prefix: str, keys: dict) -> None:
    for key, value in keys.items():
        name = f"{prefix}.{key}"
        if isinstance(value, bool):
            writer.add_bool(name, value)
        elif isinstance(value, int):
            writer.add_uint32(name, value)
        else:
            writer.add_float32(name, value)


def ends(shape: architectures.Shape, vocab: int) -> list[architectures.Tensor]:
    return [architectures.Tensor("token_embd.weight", (vocab, shape.d_model)),
            architectures.norm("output_norm", shape.d_model),
            architectures.Tensor("output.weight", (vocab, shape.d_model))]


def type_of(tensor: architectures.Tensor, wanted: str) -> str:
    if tensor.kind != "matrix":
        return "f32"
    if tensor.shape[-1] % random_blocks.block_length(wanted):
        raise SystemExit(f"make_random_model.py: {tensor.name}: rows do not fill blocks of {wanted}, got "
                         f"{tensor.shape[-1]} columns, want a multiple of {random_blocks.block_length(wanted)}")
    return wanted


def values_of(tensor: architectures.Tensor, type_name: str, rng: np.random.Generator) -> np.ndarray:
    count = math.prod(tensor.shape)
    if tensor.kind == "norm":
        return (1 + 0.1 * rng.standard_normal(count, dtype=np.float32)).view(np.uint8)
    sd = {"router": ROUTER_SD, "matrix": 1.0}.get(tensor.kind, 0.2) / (
        1 if tensor.kind == "bias" else math.sqrt(tensor.shape[-1]))
    return random_blocks.FORMATS[type_name][1](rng, sd, count)


def write_model(path: pathlib.Path, name: str, shape: architectures.Shape, options: argparse.Namespace) -> None:
    model = architectures.ARCHITECTURES[name](shape)
    partial = path.with_suffix(".partial")
    writer = gguf.GGUFWriter(partial, model.name)
    writer.add_name(f"random {name}")
    add_keys(writer, model.name, model.keys)
    tensors = ends(shape, add_vocabulary(writer, options.vocab)) + model.tensors
    types = [type_of(tensor, options.type) for tensor in tensors]
    for tensor, type_name in zip(tensors, types):
        count = math.prod(tensor.shape)
        writer.add_tensor_info(tensor.name, tensor.shape, np.dtype(np.float32), random_blocks.num_bytes(type_name, count),
                               random_blocks.FORMATS[type_name][0])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    rng = np.random.default_rng(options.seed)
    for tensor, type_name in zip(tensors, types):
        writer.write_tensor_data(values_of(tensor, type_name, rng))
    writer.close()
    partial.rename(path)  # whole or not at all


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("architecture", nargs="?", choices=architectures.ARCHITECTURES)
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    parser.add_argument("--all", action="store_true", help="one of each architecture")
    parser.add_argument("--real-size", action="store_true", help="layers of OLMoE-1B-7B's sizes")
    parser.add_argument("--type", default="f16", choices=random_blocks.FORMATS)
    parser.add_argument("--layers", type=int, default=2)
    for key, value in TINY.items():
        parser.add_argument("--" + key.replace("_", "-"), type=int, help=f"default {value}")
    parser.add_argument("--vocab", type=int, default=258, help="tokens; those beyond 258 are unused ones")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    if options.all == bool(options.architecture):
        parser.error("want an architecture or --all")
    return options


def main(arguments: list[str]) -> None:
    options = parse(arguments)
    sizes = REAL if options.real_size else TINY
    given = {key: getattr(options, key) for key in TINY if getattr(options, key) is not None}
    shape = architectures.Shape(layers=options.layers, **(sizes | given))
    if not options.all:
        return write_model(options.output, options.architecture, shape, options)
    options.output.mkdir(parents=True, exist_ok=True)
    for name in architectures.ARCHITECTURES:
        write_model(options.output / f"{name}.gguf", name, shape, options)


if __name__ == "__main__":
    main(sys.argv[1:])
