"""The training loop: mixed precision, seeded steps, checkpoints that resume exactly, loss curves."""

import csv
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from . import models, moe
from .progress import Progress

PEAK_FLOPS = {"H100": 989e12, "H200": 989e12, "A100": 312e12}  # dense bf16, by the vendor's data sheets
COLUMNS = ("step", "tokens", "loss", "balance", "z", "mean_k", "lr", "seconds")


@dataclass
class Options:
    """Of one run; what a checkpoint must agree with to be resumed."""

    steps: int
    rows: int = 192  # sequences a step
    context: int = 512
    lr: float = 8e-4
    final: float = 0.02  # of lr, at the last step
    warmup: int = 100
    weight_decay: float = 0.1
    clip: float = 1.0
    balance: float = 0.01
    z: float = 0.001
    seed: int = 1
    log_every: int = 20

    def rate(self, step):
        """Warm-up, then half a cosine down to `final`."""
        cosine = 0.5 * (1 + math.cos(math.pi * step / self.steps))
        return self.lr * min(1, (step + 1) / self.warmup) * (self.final + (1 - self.final) * cosine)


class Windows:
    """Training windows without repetition inside an epoch: a new offset and a new order in each."""

    def __init__(self, tokens, options, device):
        self.tokens = torch.from_numpy(tokens.astype("<u2").view(np.int16)).to(device)
        self.rows, self.context, self.seed = options.rows, options.context, options.seed
        self.per_epoch = (len(tokens) - self.context) // self.context // self.rows
        if self.per_epoch < 1:
            raise ValueError(f"tokens: for one step, got {len(tokens)}, want {(self.rows + 1) * self.context + 1}")
        self.epoch, self.order = -1, None

    def batch(self, step):
        """[rows, context + 1] token ids of a step: a function of seed and step alone."""
        epoch, at = divmod(step, self.per_epoch)
        if epoch != self.epoch:
            draw = np.random.default_rng([self.seed, epoch])
            count = self.per_epoch * self.rows
            starts = draw.permutation(count) * self.context + draw.integers(self.context)
            self.epoch, self.order = epoch, torch.from_numpy(np.minimum(starts, len(self.tokens) - self.context - 1))
        starts = self.order[at * self.rows:(at + 1) * self.rows].to(self.tokens.device)
        index = starts[:, None] + torch.arange(self.context + 1, device=self.tokens.device)
        return self.tokens[index].long() & 0xFFFF


def optimizer_of(model, options):
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [{"params": [p for p in trained if p.dim() >= 2], "weight_decay": options.weight_decay},
              {"params": [p for p in trained if p.dim() < 2], "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=options.lr, betas=(0.9, 0.95), fused=trained[0].is_cuda)


def head_losses(hidden, weight, targets):
    """Cross-entropy of each position, float32 [rows, context]."""
    logits = F.linear(hidden, weight).float()
    return F.cross_entropy(logits.flatten(0, 1), targets.reshape(-1), reduction="none").view(targets.shape)


def token_losses(model, ids, head=head_losses):
    """Cross-entropy of each next token, ids [rows, context + 1] -> float32 [rows, context]."""
    hidden = model.get_decoder()(input_ids=ids[:, :-1], use_cache=False).last_hidden_state
    return head(hidden, model.get_output_embeddings().weight, ids[:, 1:])


def compile_layers(model):
    """Compiles the decoder's layers, which share one piece of code, and the head; returns the head."""
    torch._dynamo.reset()
    for layer in model.get_decoder().layers:
        layer.compile()
    return torch.compile(head_losses)


class Run:
    """One training run in a folder: steps until done or out of time, resumes where the folder's checkpoint stands."""

    def __init__(self, model, samplers, tokens, options, folder, compiled=False):
        self.folder, self.options = Path(folder), options
        self.folder.mkdir(parents=True, exist_ok=True)
        self.device = next(model.parameters()).device
        self.model, self.samplers = model, samplers.to(self.device)
        moe.give_samplers(model, samplers)
        self.windows = Windows(tokens, options, self.device)
        self.optimizer = optimizer_of(model, options)
        self.step, self.seconds = 0, 0.0
        self.rows_of_log = []
        self.head = compile_layers(model) if compiled else head_losses
        self.restore()

    checkpoint = property(lambda self: self.folder / "checkpoint.pt")

    def restore(self):
        if not self.checkpoint.exists():
            return
        saved = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
        if saved["options"] != vars(self.options):
            raise ValueError(f"{self.checkpoint}: options, got {saved['options']}, want {vars(self.options)}")
        self.model.load_state_dict(saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.samplers.load_state_dict(saved["samplers"])
        self.step, self.seconds, self.rows_of_log = saved["step"], saved["seconds"], saved["log"]

    def save(self):
        state = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(), "step": self.step,
                 "samplers": self.samplers.state_dict(), "options": vars(self.options), "seconds": self.seconds,
                 "log": self.rows_of_log}
        partial = self.checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        os.replace(partial, self.checkpoint)

    def one_step(self):
        options = self.options
        torch.manual_seed(options.seed * 1_000_003 + self.step)  # a step's draws do not depend on earlier ones
        ids = self.windows.batch(self.step)
        self.samplers.begin_step(len(ids), self.device)
        for group in self.optimizer.param_groups:
            group["lr"] = options.rate(self.step)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            loss = token_losses(self.model, ids, self.head).mean()
        balance, z = moe.router_losses(self.model)
        (loss + options.balance * balance + options.z * z).backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), options.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        return loss.detach(), balance.detach(), z.detach()

    def log(self, measured, started):
        loss, balance, z = (float(value) for value in measured)
        tokens = self.step * self.options.rows * self.options.context
        mean_k = float(torch.stack([b.gate.mean_k for b in moe.blocks(self.model)]).mean())
        row = (self.step, tokens, loss, balance, z, mean_k, self.options.rate(self.step - 1),
               self.seconds + time.monotonic() - started)
        self.rows_of_log.append([round(value, 6) for value in row])
        if not math.isfinite(loss):
            raise ValueError(f"step {self.step}: loss, got {loss}, want a finite number")

    def go(self, until=None, limit_seconds=math.inf, save_every=1000):
        """Trains to step `until` (default: all) or for `limit_seconds`, then saves. True when the run is complete."""
        last = min(self.options.steps, until or self.options.steps)
        self.model.train()
        self.samplers.train()
        started, progress = time.monotonic(), Progress(self.folder.name, last - self.step)
        while self.step < last and time.monotonic() - started < limit_seconds:
            measured = self.one_step()
            if self.step % self.options.log_every == 0 or self.step == last:
                self.log(measured, started)
                progress.step(self.options.log_every, f"loss {self.rows_of_log[-1][2]:.4f}")
            if save_every and self.step % save_every == 0 and self.step < last:
                self.save()
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        self.seconds += time.monotonic() - started
        self.write_curves()
        return self.step >= self.options.steps

    def write_curves(self):
        with (self.folder / "loss.csv").open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([COLUMNS, *self.rows_of_log])
        plot({self.folder.name: self.rows_of_log}, self.folder / "loss.png")

    def speed(self):
        """tokens/s over the steady part of the log, and the share of the card's peak that the model's operations are."""
        log = self.rows_of_log[len(self.rows_of_log) // 3:]
        if len(log) < 2:
            return {}
        rate = (log[-1][1] - log[0][1]) / (log[-1][-1] - log[0][-1])
        name = torch.cuda.get_device_name() if self.device.type == "cuda" else "CPU"
        peak = next((flops for card, flops in PEAK_FLOPS.items() if card in name), None)
        used = rate * models.flops_per_token(self.model, self.options.context)
        return {"tokens_per_second": rate, "model_flops_per_second": used, "device": name,
                "model_flops_utilisation": used / peak if peak else None}


def plot(curves, path):
    """Loss against tokens, one line a run; nothing where matplotlib is missing."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for name, rows in curves.items():
        axes.plot([row[1] / 1e6 for row in rows], [row[2] for row in rows], label=name, linewidth=1)
    axes.set(xlabel="tokens, millions", ylabel="training loss, nats")
    axes.legend()
    figure.savefig(path, dpi=120)
