"""Random weights written straight in ggml's block formats, so that gigabytes need no quantiser."""

import gguf
import numpy as np

Type = gguf.GGMLQuantizationType


def half(values: float, count: int) -> np.ndarray:
    return np.full((count, 1), values, np.float16).view(np.uint8)


def f32(rng: np.random.Generator, sd: float, count: int) -> np.ndarray:
    return (sd * rng.standard_normal(count, dtype=np.float32)).view(np.uint8)


def f16(rng: np.random.Generator, sd: float, count: int) -> np.ndarray:
    return (sd * rng.standard_normal(count, dtype=np.float32)).astype(np.float16).view(np.uint8)


def random_bytes(rng: np.random.Generator, blocks: int, size: int) -> np.ndarray:
    return np.frombuffer(rng.bytes(blocks * size), np.uint8).reshape(blocks, size)


def q8_0(rng: np.random.Generator, sd: float, count: int) -> np.ndarray:
    """d, 32 int8: uniform in -128..127, sd 73.9."""
    blocks = count // 32
    return np.hstack([half(sd / 73.9, blocks), random_bytes(rng, blocks, 32)])


def q4_0(rng: np.random.Generator, sd: float, count: int) -> np.ndarray:
    """d, 32 nibbles: uniform in -8..7, sd 4.61."""
    blocks = count // 32
    return np.hstack([half(sd / 4.61, blocks), random_bytes(rng, blocks, 16)])


def q4_k(rng: np.random.Generator, sd: float, count: int) -> np.ndarray:
    """d, dmin, eight 6-bit scales and minima, 256 nibbles: d * 32 * q - dmin * 32, of mean 0 with dmin = 7.5 d.
    In 6 + 6 bits: the first four of each in the low bits of a byte, the others' low nibbles together and their high two
    bits on top of the first four's bytes. 32 = 0b100000 has low nibble 0 and high bits 2."""
    blocks = count // 256
    d = sd / (32 * 4.61)
    scales = np.tile(np.array([0x80 | 32] * 8 + [0] * 4, np.uint8), (blocks, 1))
    return np.hstack([half(d, blocks), half(7.5 * d, blocks), scales, random_bytes(rng, blocks, 128)])


FORMATS = {"f32": (Type.F32, f32), "f16": (Type.F16, f16), "q8_0": (Type.Q8_0, q8_0), "q4_0": (Type.Q4_0, q4_0),
           "q4_k": (Type.Q4_K, q4_k)}


def block_length(name: str) -> int:
    return gguf.GGML_QUANT_SIZES[FORMATS[name][0]][0]


def num_bytes(name: str, count: int) -> int:
    length, size = gguf.GGML_QUANT_SIZES[FORMATS[name][0]]
    return count // length * size
