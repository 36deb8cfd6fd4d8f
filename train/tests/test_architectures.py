"""`elastic` and `evaluate` on every architecture that bhroute.transformers patches: tiny random models, all parameters and LoRA."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from bhroute_train import models  # noqa: E402
from bhroute_train.__main__ import main  # noqa: E402

KINDS = ["Olmoe", "Qwen2Moe", "Qwen3Moe", "Mixtral"]
COUNTS = {"num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2, "num_experts_per_tok": 3}
SIZES = {"vocab_size": 64, "hidden_size": 32, "intermediate_size": 16, "moe_intermediate_size": 16,
         "shared_expert_intermediate_size": 16, "head_dim": 16, "num_experts": 8, "num_local_experts": 8}
LOOP = ["--rows", 4, "--context", 32, "--log-every", 1, "--warmup", 2, "--max-k", 5]


def run(*arguments):
    assert main([str(a) for a in arguments]) == 0


@pytest.fixture(scope="module")
def tokens(tmp_path_factory):
    """Tokens in which the next one follows from the last: something to learn in a few steps."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("tokens")
    draw = np.random.default_rng(0)
    for name, size in (("train-000", 6000), ("northanger", 300), ("persuasion", 300)):
        steps = draw.choice([1, 1, 1, 5], size)
        (folder / f"{name}.u16").write_bytes((np.cumsum(steps) % 64).astype("<u2").tobytes())
    return folder


def make(kind, folder, **fields):
    model = getattr(transformers, f"{kind}ForCausalLM")
    torch.manual_seed(0)
    model(model.config_class(**SIZES, **COUNTS, **fields)).save_pretrained(folder)
    return folder


def losses(folder):
    return np.loadtxt(folder / "loss.csv", delimiter=",", skiprows=1)[:, 2]


def changed(before, after):
    before, after = models.load(before).state_dict(), models.load(after).state_dict()
    assert before.keys() == after.keys()
    return {name for name in before if not torch.equal(before[name], after[name])}


@pytest.mark.parametrize("kind", KINDS)
def test_every_architecture_trains_under_each_sampler(kind, tokens, tmp_path):
    model = make(kind, tmp_path / "model")
    run("elastic", "--model", model, "--tokens", tokens, "--sampler", "uniform", "bh", "dropout", "layers:2,4", "--steps", 12,
        "--lr", 1e-2, *LOOP, "--out", tmp_path)
    for name in ("control", "uniform", "bh", "dropout", "layers-2-4"):
        found = losses(tmp_path / name)
        assert found[-1] < found[0] - 0.1, name
        assert any("gate" in part for part in changed(model, tmp_path / name / "model")), name
    counts = {name: json.loads((tmp_path / name / "facts.json").read_text())["mean_k"] for name in ("control", "layers-2-4")}
    assert counts == {"control": 3, "layers-2-4": 3}


@pytest.mark.parametrize("kind", KINDS)
def test_adapters_train_in_every_architecture(kind, tokens, tmp_path):
    pytest.importorskip("peft")
    model = make(kind, tmp_path / "model")
    run("elastic", "--model", model, "--tokens", tokens, "--sampler", "uniform", "--steps", 12, "--parameters", "lora", "--rank", 4,
        "--lr", 5e-2, *LOOP, "--out", tmp_path)
    found = losses(tmp_path / "uniform")
    assert found[-1] < found[0] - 0.02
    names = changed(model, tmp_path / "uniform/model")
    assert all(".experts." in name or "self_attn." in name for name in names)
    assert any("down_proj" in name for name in names) and any("q_proj" in name for name in names)


@pytest.mark.parametrize("kind", ["Qwen2Moe", "Qwen3Moe"])
def test_layers_without_experts_are_passed_over(kind, tokens, tmp_path):
    model = make(kind, tmp_path / "model", mlp_only_layers=[0])
    run("elastic", "--model", model, "--tokens", tokens, "--sampler", "layers:2", "--steps", 2, *LOOP, "--out", tmp_path)
    assert json.loads((tmp_path / "layers-2/facts.json").read_text())["mean_k"] == 2


@pytest.mark.parametrize("kind", KINDS)
def test_every_architecture_is_evaluated(kind, tokens, tmp_path):
    model = make(kind, tmp_path / "model")
    run("evaluate", "--models", f"m={model}", "--texts", tokens / "northanger.u16", tokens / "persuasion.u16", "--static", 2, 3, 4,
        "--means", 3, "--max-k", 5, "--context", 32, "--out", tmp_path / "table")
    rows = (tmp_path / "table.csv").read_text().splitlines()
    assert sum(",static 3," in row for row in rows) == 1 and sum("bh one_alpha" in row for row in rows) >= 2
