"""Every Python block of README.md and python/transformers.md runs, and the converter's command beside the last."""

import os
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT, router_logits


def block(page: str, language: str) -> str:
    """The one block of that language."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert len(found) == 1, f"{page}: got {len(found)} blocks of {language}, want 1"
    return found[0]


def run(page: str, names: dict[str, object], less: tuple[str, str] = ("", "")) -> None:
    """`less`: a size of a person's in it, and one that takes seconds."""
    code = block(page, "python")
    assert less[0] in code
    exec(compile(code.replace(*less) if less[0] else code, page, "exec"), names)


def test_readme(tmp_path, monkeypatch, capsys):
    assert len(block("README.md", "python").strip().splitlines()) <= 12
    monkeypatch.chdir(tmp_path)
    np.save("calibration.npy", router_logits(2000))
    np.save("logits.npy", router_logits(100, seed=2))
    run("README.md", {})
    assert re.fullmatch(r"\d\.\d\d experts a token\n", capsys.readouterr().out)
    assert (tmp_path / "table.safetensors").is_file()


def converted(tmp_path):
    """The folder that the page's command makes."""
    words = shlex.split(block("docs/python/transformers.md", "sh"))
    assert words[0] == "python"
    words = [sys.executable, *(os.path.join(ROOT, word) if word.startswith("models/") else word for word in words[1:])]
    subprocess.run(words, cwd=tmp_path, check=True)
    return tmp_path / words[-1]


def test_transformers(tmp_path, monkeypatch, capsys):
    pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("gguf")
    folder = converted(tmp_path)
    monkeypatch.chdir(tmp_path)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    names = {"tokenizer": tokenizer, "model": transformers.AutoModelForCausalLM.from_pretrained(folder).eval(),
             "text": (ROOT / "data/northanger.txt").read_text(encoding="utf-8")[:10000],
             "inputs": dict(tokenizer("It was a fine day, and", return_tensors="pt"), max_new_tokens=8)}
    run("docs/python/transformers.md", names, less=("512, 64", "32, 4"))
    layers = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [int(line[0]) for line in layers] == list(range(16))
    assert all(1 <= float(line[1]) <= 16 for line in layers)
    assert (tmp_path / "unselected.safetensors").is_file()
