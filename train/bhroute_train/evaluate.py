"""`evaluate`: losses under static and adaptive counts of experts, adaptive against static at equal mean, with intervals.

BH here: the step-up on log-probabilities against the null `unselected` of a calibration text, counts kept in a band. A
level alpha, one for all layers or one a layer, is solved on the calibration text so that the mean count is the target.
"""

import csv
import json
from pathlib import Path

import numpy as np
import torch
from gguf import GGMLQuantizationType, quants
from torch import nn

from . import models, moe, shards, training

BATCH = 64  # windows
RESAMPLES = 4000


class Static(nn.Module):
    """k experts for every token."""

    def __init__(self, k):
        super().__init__()
        self.k = k

    def select(self, log_probs):
        ids = log_probs.topk(self.k, -1)[1]
        return ids, torch.ones_like(ids, dtype=torch.bool)


class StepUp(nn.Module):
    """As many experts as the largest rank whose log-probability is above that rank's critical value, within a band."""

    def __init__(self, critical, min_k, max_k):
        super().__init__()
        self.critical, self.min_k, self.max_k = critical, min_k, max_k

    def counts(self, ranked):
        ranks = torch.arange(1, ranked.shape[-1] + 1, device=ranked.device)
        return ((ranked > self.critical) * ranks).amax(-1, keepdim=True).clamp(self.min_k, self.max_k)

    def select(self, log_probs):
        ranked, ids = log_probs.sort(-1, descending=True)
        ids = ids[:, :self.max_k]
        return ids, torch.arange(self.max_k, device=ids.device)[None] < self.counts(ranked)


class Recorder(nn.Module):
    """Passes on another policy's choice and keeps the ranked log-probabilities."""

    def __init__(self, policy):
        super().__init__()
        self.policy, self.kept = policy, []

    def select(self, log_probs):
        self.kept.append(log_probs.sort(-1, descending=True)[0])
        return self.policy.select(log_probs)


def critical_values(null, alpha, num_experts):
    """Per rank, the log-probability above which the p-value (1 + #{null >= x}) / (n + 1) is <= alpha * rank / N.

    `null`: the layer's, by falling value. +inf where no value is small enough, -inf where every value is.
    """
    levels = alpha * torch.arange(1, num_experts + 1, dtype=torch.float64, device=null.device) / num_experts
    allowed = (levels * (len(null) + 1)).floor().long() - 1  # values of the null that may be at or above
    values = null[allowed.clamp(0, len(null) - 1)]
    values = torch.where(allowed < 0, torch.inf, values)
    return torch.where(allowed >= len(null), -torch.inf, values)


class Bench:
    """A model and its texts: `losses(policies, text)` under one policy a layer."""

    def __init__(self, model, texts, context, device):
        self.model = model.to(device).eval()
        self.device, self.context = device, context
        self.layers, self.own = len(moe.blocks(model)), model.config.num_experts_per_tok
        self.experts = moe.blocks(model)[0].gate.num_experts
        self.texts = {name: self.windows(tokens) for name, tokens in texts.items()}

    def windows(self, tokens):
        count = (len(tokens) - 1) // self.context
        index = np.arange(count)[:, None] * self.context + np.arange(self.context + 1)
        return torch.from_numpy(tokens[index].astype(np.int64)).to(self.device)

    @torch.no_grad()
    def losses(self, policies, ids):
        """(loss of each window, mean count over layers)."""
        moe.give_samplers(self.model, policies)
        found, counts = [], []
        for part in ids.split(BATCH):
            with torch.autocast(self.device, torch.bfloat16, enabled=self.device == "cuda"):
                found.append(training.token_losses(self.model, part).mean(-1))
            mean_k = torch.stack([block.gate.mean_k for block in moe.blocks(self.model)]).mean()
            counts.append(mean_k * len(part))
        return torch.cat(found).double().cpu().numpy(), float(sum(counts)) / len(ids)

    def ranked(self, policies, ids):
        """Per layer, the ranked log-probabilities [tokens, N] met under `policies`."""
        recorders = [Recorder(policy) for policy in policies]
        self.losses(recorders, ids)
        return [torch.cat(recorder.kept) for recorder in recorders]

    def static(self, k):
        return [Static(k)] * self.layers


class Adaptive:
    """Solves BH policies of a given mean count on the calibration text."""

    def __init__(self, bench, calibration):
        self.bench, self.ids = bench, bench.texts[calibration][:64]
        own = bench.ranked(bench.static(bench.own), self.ids)
        self.nulls = [r[:, bench.own:].flatten().sort(descending=True)[0] for r in own]

    def policies(self, alphas, band):
        return [StepUp(critical_values(null, alpha, self.bench.experts), *band)
                for null, alpha in zip(self.nulls, alphas, strict=True)]

    def one_alpha(self, mean, band):
        """One level for all layers, by bisection on the mean count under the rule itself."""
        low, high = 1e-5, 1.0
        for _ in range(12):
            alpha = (low * high) ** 0.5
            _, count = self.bench.losses(self.policies([alpha] * self.bench.layers, band), self.ids[:16])
            low, high = (alpha, high) if count < mean else (low, alpha)
        return [(low * high) ** 0.5] * self.bench.layers

    def alpha_a_layer(self, mean, band):
        """A level for each layer, so that each layer's mean is the target; two passes, the second under the rule."""
        policies = self.bench.static(round(mean))
        for _ in range(2):
            ranked = self.bench.ranked(policies, self.ids[:32])
            alphas = [self._layer_alpha(layer, rows, mean, band) for layer, rows in enumerate(ranked)]
            policies = self.policies(alphas, band)
        return alphas

    def _layer_alpha(self, layer, ranked, mean, band):
        low, high = 1e-5, 1.0
        for _ in range(16):
            alpha = (low * high) ** 0.5
            rule = StepUp(critical_values(self.nulls[layer], alpha, self.bench.experts), *band)
            low, high = (alpha, high) if rule.counts(ranked).double().mean() < mean else (low, alpha)
        return (low * high) ** 0.5


def interval(differences, seed=1):
    """Mean and its 95 % bootstrap interval over windows."""
    draw = np.random.default_rng(seed).integers(len(differences), size=(RESAMPLES, len(differences)))
    low, high = np.quantile(differences[draw].mean(1), [0.025, 0.975])
    return float(differences.mean()), float(low), float(high)


def static_at(statics, mean):
    """Window losses of a fixed count, between two counts by interpolation."""
    low = min(max(int(mean), min(statics)), max(statics) - 1)
    share = mean - low
    return (1 - share) * statics[low] + share * statics[low + 1]


def quantised(model, kind):
    """The model with its matrices rounded to `kind` (q8_0, q4_0); norms and routers stay, as in the GGUF."""
    rounding = GGMLQuantizationType[kind.upper()]
    for name, weight in model.named_parameters():
        if weight.dim() >= 2 and "mlp.gate." not in name:
            array = weight.detach().float().cpu().numpy()
            rounded = quants.dequantize(quants.quantize(array, rounding), rounding)
            weight.data.copy_(torch.from_numpy(rounded.reshape(array.shape)))
    return model


def bands_of(means, max_k):
    """The bands tried at each mean: one rank to either side, two, and everything from 1 to max_k."""
    return {m: sorted({(max(1, m - 1), m + 1), (max(1, m - 2), m + 2), (max(1, m - 2), max_k)}) for m in means}


def measure(bench, name, args, rows):
    """Appends one row for each text and policy: loss, mean count, difference to static at that mean."""
    texts = [text for text in bench.texts if text != args.calibration]
    statics = {text: {} for text in texts}
    for k in args.static:
        for text in texts:
            statics[text][k], _ = bench.losses(bench.static(k), bench.texts[text])
            rows.append({"model": name, "text": text, "policy": f"static {k}", "mean_k": k,
                         "loss": statics[text][k].mean(), "windows": len(statics[text][k])})
    if args.means:
        adaptive = Adaptive(bench, args.calibration)
    for mean, bands in bands_of(args.means, args.max_k).items():
        for band in bands:
            for solve in (adaptive.one_alpha, adaptive.alpha_a_layer):
                alphas = solve(mean, band)
                policies = adaptive.policies(alphas, band)
                for text in texts:
                    losses, count = bench.losses(policies, bench.texts[text])
                    difference = interval(losses - static_at(statics[text], count))
                    rows.append({"model": name, "text": text, "windows": len(losses), "mean_k": count,
                                 "policy": f"bh {solve.__name__} band {band[0]}-{band[1]} mean {mean}",
                                 "loss": losses.mean(), "difference": difference[0], "low": difference[1],
                                 "high": difference[2], "alphas": " ".join(f"{a:.5g}" for a in alphas)})
    return statics


def run(args):
    torch.set_float32_matmul_precision("high")
    texts = {Path(path).stem: shards.read_tokens([path])[:args.max_tokens] for path in args.texts}
    rows, kept = [], {}
    for spec in args.models:
        name, _, path = spec.rpartition("=")
        for kind in ["f32", *args.quantised]:
            model = models.load(path)
            bench = Bench(model if kind == "f32" else quantised(model, kind), texts, args.context, args.device)
            label = (name or path) + ("" if kind == "f32" else "-" + kind)
            kept[label] = measure(bench, label, args, rows)
            for row in rows:
                if row["model"] == label:
                    print(" ".join(f"{v:.4f}" if isinstance(v, float) else str(v) for k, v in row.items() if k != "alphas"), flush=True)
            write(args.out, rows, kept)


COLUMNS = ("model", "text", "policy", "windows", "mean_k", "loss", "difference", "low", "high", "alphas")


def write(out, rows, kept):
    """OUT.csv: every row. OUT.json: window losses of the statics, for paired comparisons between models."""
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    with Path(f"{out}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({k: round(v, 6) if isinstance(v, float) else v for k, v in row.items()} for row in rows)
    lists = {m: {t: {k: np.round(v, 5).tolist() for k, v in ks.items()} for t, ks in ts.items()} for m, ts in kept.items()}
    Path(f"{out}.json").write_text(json.dumps(lists) + "\n")


def add_arguments(parser):
    parser.add_argument("--models", nargs="+", required=True, help="NAME=PATH: .gguf (olmoe) or folder of a transformers model")
    parser.add_argument("--texts", nargs="+", required=True, help="token files of `shards --evaluation`")
    parser.add_argument("--calibration", default="northanger", help="name of the text BH is calibrated on, not measured on")
    parser.add_argument("--static", type=int, nargs="+", default=[2, 3, 4, 5, 6, 7, 8, 9])
    parser.add_argument("--means", type=int, nargs="*", default=[3, 4, 5, 6])
    parser.add_argument("--max-k", type=int, default=10, help="of the widest band")
    parser.add_argument("--quantised", nargs="*", default=[], choices=["q8_0", "q4_0"])
    parser.add_argument("--context", type=int, default=512)
    parser.add_argument("--max-tokens", type=int, default=150_000, help="of each text")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--out", required=True, help="writes OUT.csv and OUT.json")
