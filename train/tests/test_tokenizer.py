"""The tokenizer read from a GGUF against llama.cpp's own tokens, in tests/data/tokens.json (tools/oracles/make_token_table.py)."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from bhroute_train import tokenizer as tokenizers
from bhroute_train.__main__ import main

ROOT = Path(__file__).parents[2]
NANO = ROOT / "models/olmoe-nano/olmoe-nano-q8_0.gguf"
TABLE = json.loads((Path(__file__).parent / "data/tokens.json").read_text())


@pytest.fixture(scope="module")
def nano():
    return tokenizers.load(NANO)


@pytest.mark.parametrize("case", TABLE["cases"], ids=lambda case: ascii(case["text"][:20]))
def test_awkward_texts_have_llama_cpps_tokens(nano, case):
    assert nano.encode(case["text"]).ids == case["ids"]
    assert nano.decode(case["ids"]) == case["text"]


@pytest.mark.parametrize("name", TABLE["novels"])
def test_shards_of_a_novel_are_llama_cpps_tokens(tmp_path, name):
    assert main(["shards", "--tokenizer", str(NANO), "--evaluation", str(ROOT / "data" / name), "--out", str(tmp_path)]) == 0
    raw = (tmp_path / name).with_suffix(".u16").read_bytes()
    want = TABLE["novels"][name]
    assert len(raw) == 2 * want["tokens"] and hashlib.sha256(raw).hexdigest() == want["sha256_of_u16"]


def test_a_document_ends_with_the_control_token(nano):
    assert nano.token_to_id("<|endoftext|>") == 0 and nano.get_vocab_size() == 8192
    assert nano.encode("end<|endoftext|>").ids[-1] == 0


def test_a_file_and_a_folder_give_the_same_tokenizer(nano, tmp_path):
    nano.save(str(tmp_path / "tokenizer.json"))
    text = TABLE["cases"][8]["text"]
    for place in (tmp_path, tmp_path / "tokenizer.json"):
        assert tokenizers.load(place).encode(text).ids == nano.encode(text).ids


def other_gguf(path, **fields):
    from gguf import GGUFWriter
    writer = GGUFWriter(path, "olmoe")
    for name, value in fields.items():
        getattr(writer, f"add_tokenizer_{name}")(value)
    writer.add_tensor("x", np.zeros(32, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.mark.parametrize("fields,got", [({}, "model, got none"), ({"model": "llama"}, "model, got llama"),
                                        ({"model": "gpt2", "pre": "llama-bpe"}, "pre, got llama-bpe")])
def test_a_tokenizer_of_another_kind_is_refused(tmp_path, fields, got):
    with pytest.raises(ValueError, match=f"tokenizer.ggml.{got}, want gpt"):
        tokenizers.from_gguf(other_gguf(tmp_path / "other.gguf", **fields))


def test_no_tokenizer_is_an_error_that_names_the_file(tmp_path):
    with pytest.raises(ValueError, match="tokenizer.json: tokenizer, got no file"):
        tokenizers.load(tmp_path)
