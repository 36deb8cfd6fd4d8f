"""The whole recipe on a tiny model on the CPU: loss falls, resume is exact, exports hold the trained model's losses."""

import json
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from bhroute_train import evaluate, models, moe, samplers, shards, training  # noqa: E402
from bhroute_train import elastic as elastic_command  # noqa: E402
from bhroute_train import tokenizer as tokenizers  # noqa: E402
from bhroute_train.__main__ import main  # noqa: E402

CONFIG = Path(__file__).parents[1] / "configs/tiny.json"
WORDS = "name size owner date type path mode link user group".split()


def run(*arguments):
    assert main([str(a) for a in arguments]) == 0


def text(seed, documents):
    draw = np.random.default_rng(seed)
    line = "The {} of a file is read before the {} is printed, unless the {} of it is empty. "
    return ["".join(line.format(*draw.choice(WORDS, 3)) for _ in range(8)) for _ in range(documents)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Text, tokenizer and tokens."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("train")
    (folder / "train.txt").write_text("\x1e".join(text(0, 200)))
    for name, seed in (("northanger", 1), ("persuasion", 2)):
        (folder / f"{name}.txt").write_text("\n".join(text(seed, 8)))
    run("tokenizer", "--text", folder / "train.txt", "--size", 512, "--out", folder / "tokenizer.json")
    run("shards", "--tokenizer", folder / "tokenizer.json", "--text", folder / "train.txt", "--shard-tokens", 9000,
        "--evaluation", folder / "northanger.txt", folder / "persuasion.txt", "--out", folder / "tokens")
    return folder


LOOP = ["--rows", 4, "--context", 32, "--log-every", 5]


@pytest.fixture(scope="module")
def pretrained(folder):
    run("pretrain", "--config", CONFIG, "--tokens", folder / "tokens", "--steps", 40, *LOOP, "--out", folder / "pretrain")
    return folder / "pretrain"


def losses(path):
    return np.loadtxt(path / "loss.csv", delimiter=",", skiprows=1)[:, 2]


def test_pretraining_lowers_the_loss(pretrained):
    found = losses(pretrained)
    assert found[-1] < found[0] - 0.5
    assert (pretrained / "model/model.safetensors").exists()


def make_run(folder, name, out, steps=12):
    model = models.from_config(CONFIG, seed=3)
    options = training.Options(steps=steps, rows=4, context=32, warmup=2, log_every=1)
    drawn = samplers.make(name, 4, 2, 2, 6)
    return training.Run(model, drawn, shards.read_tokens([folder / "tokens"]), options, out)


@pytest.mark.parametrize("name", ["control", "uniform", "bh", "dropout", "layers:3,5"])
def test_a_resumed_run_equals_an_uninterrupted_one(folder, tmp_path, name):
    whole = make_run(folder, name, tmp_path / "whole")
    assert whole.go()
    first = make_run(folder, name, tmp_path / "cut")
    assert not first.go(until=5)
    first.save()
    second = make_run(folder, name, tmp_path / "cut")
    assert second.step == 5 and second.go()
    for a, b in zip(whole.model.parameters(), second.model.parameters(), strict=True):
        assert torch.equal(a, b)
    assert [r[:-1] for r in whole.rows_of_log] == [r[:-1] for r in second.rows_of_log]


def test_a_checkpoint_of_other_options_is_refused(folder, tmp_path):
    first = make_run(folder, "control", tmp_path)
    first.go(until=1)
    first.save()
    with pytest.raises(ValueError, match="options"):
        make_run(folder, "control", tmp_path, steps=13)


@pytest.mark.parametrize("kind", ["OlmoeForCausalLM", "Qwen2MoeForCausalLM", "Qwen3MoeForCausalLM", "MixtralForCausalLM"])
def test_the_models_own_count_leaves_its_logits_as_they_are(kind):
    import transformers
    config = getattr(transformers, kind).config_class(
        vocab_size=64, hidden_size=32, intermediate_size=16, moe_intermediate_size=16, shared_expert_intermediate_size=16,
        num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2, head_dim=16, num_experts=8, num_local_experts=8,
        num_experts_per_tok=3, norm_topk_prob=kind.startswith("Qwen3"))
    torch.manual_seed(0)
    model = getattr(transformers, kind)(config).eval()
    for block in moe.blocks(model):
        torch.nn.init.normal_(block.gate.weight)
    ids = torch.randint(64, (2, 16))
    with torch.no_grad():
        own = model(ids).logits
        moe.give_samplers(model, samplers.make("control", 3, 2))
        torch.testing.assert_close(model(ids).logits, own, rtol=1e-5, atol=1e-5)
        moe.give_samplers(model, samplers.make("layers:1,2", 3, 2))
        assert not torch.allclose(model(ids).logits, own, atol=1e-3)


def test_step_up_selects_what_the_p_values_say():
    draw = torch.Generator().manual_seed(0)
    null = torch.randn(997, generator=draw).sort(descending=True)[0]
    ranked = (torch.randn(400, 16, generator=draw) + 0.7).sort(-1, descending=True)[0]
    for alpha in (0.003, 0.1, 0.5, 1.0):
        p = (1 + (null[None, None] >= ranked[..., None]).sum(-1)) / (len(null) + 1)
        passes = p.double() <= alpha * torch.arange(1, 17, dtype=torch.float64) / 16
        want = (passes * torch.arange(1, 17)).amax(-1).clamp(2, 9)
        rule = evaluate.StepUp(evaluate.critical_values(null, alpha, 16), 2, 9)
        assert torch.equal(rule.counts(ranked)[:, 0], want)


def test_bh_sampler_agrees_with_its_histogram():
    sampler = samplers.BenjaminiHochberg(1, 6, own=3)
    draw = torch.Generator().manual_seed(1)
    log_probs = torch.randn(256, 8, generator=draw).mul(2).log_softmax(-1)
    sampler.begin((torch.full((4,), 0.3), torch.tensor([False, False, True, False])))
    ids, selected = sampler.select(log_probs)
    ranked = log_probs.sort(-1, descending=True)[0]
    null = sampler.bins(ranked[:, 3:]).flatten()
    p = (null[None, None] <= sampler.bins(ranked)[..., None]).double().mean(-1)
    want = ((p <= 0.3 * torch.arange(1, 9) / 8 + 1e-6) * torch.arange(1, 9)).amax(-1).clamp(1, 6)
    want[128:192] = 3
    assert torch.equal(selected.sum(-1), want)
    assert torch.equal(ids[:, 0], log_probs.argmax(-1))


def test_dropout_keeps_the_count():
    ids, selected = samplers.Dropout(6, own=4).select(torch.randn(50, 8).log_softmax(-1))
    assert ids.shape == (50, 6) and (selected.sum(-1) == 4).all() and not selected[:, :4].all()


@pytest.fixture(scope="module")
def elastic(folder, pretrained):
    run("elastic", "--model", pretrained / "model", "--tokens", folder / "tokens", "--sampler", "uniform", "--steps", 10,
        "--max-k", 6, *LOOP, "--out", folder / "elastic")
    return folder / "elastic"


def test_a_control_always_runs(elastic):
    facts = {name: json.loads((elastic / name / "facts.json").read_text()) for name in ("control", "uniform")}
    assert facts["control"]["mean_k"] == 4 and facts["control"]["tokens"] == facts["uniform"]["tokens"] == 1280


def test_the_samplers_order_is_kept_where_the_control_has_a_place():
    order = lambda *names: elastic_command.names_of(Namespace(sampler=list(names)))
    assert order("uniform", "control") == ["uniform", "control"] and order("uniform", "bh") == ["control", "uniform", "bh"]


def test_lora_trains_few_parameters(folder, pretrained, tmp_path):
    pytest.importorskip("peft")
    run("elastic", "--model", pretrained / "model", "--tokens", folder / "tokens", "--sampler", "uniform", "--steps", 2,
        "--max-k", 6, "--parameters", "lora", "--rank", 2, *LOOP, "--out", tmp_path)
    before, after = models.load(pretrained / "model").state_dict(), models.load(tmp_path / "uniform/model").state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert any("experts" in name for name in changed) and not any("embed" in name or "gate.w" in name for name in changed)


@pytest.fixture(scope="module")
def exported(folder, elastic):
    run("export", "--model", elastic / "uniform/model", "--name", "tiny", "--tokenizer", folder / "tokenizer.json",
        "--gguf", "f32", "q8_0", "--facts", elastic / "uniform/facts.json", "--safetensors", "--out", folder / "export")
    return folder / "export"


def test_a_gguf_is_fine_tuned_and_exported_without_a_tokenizer_file(folder, exported, tmp_path):
    run("elastic", "--model", exported / "tiny-f32.gguf", "--tokens", folder / "tokens", "--sampler", "control", "--steps", 1, *LOOP,
        "--out", tmp_path)
    run("export", "--model", tmp_path / "control/model", "--name", "again", "--out", tmp_path)
    line = "The mode of a file"
    want = tokenizers.load(folder / "tokenizer.json").encode(line).ids
    assert tokenizers.load(tmp_path / "again-q8_0.gguf").encode(line).ids == want and len(want) > 1


def own_loss(path, tokens):
    """Mean loss of windows of 128 under the model's own routing, by transformers alone."""
    model = models.load(path).eval()
    ids = torch.from_numpy(tokens[:4 * 128].astype(np.int64)).view(4, 128)
    with torch.no_grad():
        logits = model(ids).logits[:, :-1]
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten()).item()


def test_exports_hold_the_same_loss_in_transformers(folder, elastic, exported):
    tokens = shards.read_tokens([folder / "tokens/persuasion.u16"])
    want = own_loss(elastic / "uniform/model", tokens)
    assert own_loss(exported / "transformers", tokens) == pytest.approx(want, abs=1e-6)
    assert own_loss(exported / "tiny-f32.gguf", tokens) == pytest.approx(want, abs=1e-6)
    assert own_loss(exported / "tiny-q8_0.gguf", tokens) == pytest.approx(want, abs=0.02)


def test_exports_hold_the_same_loss_in_llama_cpp(folder, elastic, exported, bhroute):
    """Through `bhroute evaluate`, which loads the file with llama.cpp and scores windows of 128."""
    tokens = shards.read_tokens([folder / "tokens/persuasion.u16"])
    command = [bhroute, "evaluate", "-m", exported / "tiny-f32.gguf", "-f", folder / "persuasion.txt", "-c", 128,
               "--windows", 4, "--score", "all", "--policy", "top_k:k=4", "-t", 1, "--json"]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["loss"] == pytest.approx(scored_as_bhroute(elastic / "uniform/model", tokens), abs=2e-3)


def scored_as_bhroute(path, tokens):
    """As own_loss, over windows of 128 whose last position predicts the next window's first token."""
    model = models.load(path).eval()
    ids = torch.from_numpy(tokens[:4 * 128 + 1].astype(np.int64))
    with torch.no_grad():
        logits = model(ids[:-1].view(4, 128)).logits
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[1:]).item()


def test_evaluate_writes_intervals(folder, elastic, tmp_path):
    run("evaluate", "--models", f"uniform={elastic / 'uniform/model'}", "--texts", folder / "tokens/northanger.u16",
        folder / "tokens/persuasion.u16", "--static", 2, 3, 4, 5, "--means", 3, "--max-k", 6, "--context", 32,
        "--quantised", "q8_0", "--out", tmp_path / "table")
    rows = (tmp_path / "table.csv").read_text().splitlines()
    assert sum("bh one_alpha" in row for row in rows) >= 4 and any("uniform-q8_0" in row for row in rows)


def test_compare_finds_the_difference_put_in(tmp_path, capsys):
    base = np.random.default_rng(0).normal(3, 1, 40)
    tables = {"a": {"t": {"4": base.tolist()}}, "b": {"t": {"4": (base - 0.25).tolist()}}}
    (tmp_path / "table.json").write_text(json.dumps(tables))
    run("compare", tmp_path / "table.json", "--base", "a")
    assert capsys.readouterr().out.splitlines()[1] == "b,t,4,-0.2500,-0.2500,-0.2500"


def test_errors_are_one_line(capsys):
    assert main(["elastic", "--model", "x.gguf", "--tokens", "/nonexistent.u16", "--steps", "1", "--out", "/tmp"]) == 1
    found = capsys.readouterr().err
    assert found.startswith("bhroute_train: elastic: ") and found.count("\n") == 1


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
