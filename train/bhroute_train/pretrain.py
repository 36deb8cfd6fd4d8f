"""`pretrain`: a mixture of experts from random weights, its own count of experts throughout."""

import json
from pathlib import Path

import torch

from . import models, moe, samplers, shards, training
from .elastic import add_training_arguments


def run(args):
    torch.set_float32_matmul_precision("high")
    out = Path(args.out)
    if (out / "model").exists():
        print(f"pretrain: {out / 'model'} is complete")
        return
    model = models.from_config(args.config, args.seed).to(args.device)
    options = training.Options(steps=args.steps, rows=args.rows, context=args.context, lr=args.lr, warmup=args.warmup,
                               final=0.05, seed=args.seed, log_every=args.log_every)
    fixed = samplers.make("control", model.config.num_experts_per_tok, len(moe.blocks(model)))
    one = training.Run(model, fixed, shards.read_tokens(args.tokens), options, out, args.compile)
    done = one.go(limit_seconds=args.seconds, save_every=args.save_every)
    one.save()
    facts = {"config": str(args.config), "steps_done": one.step, "epochs": one.step / one.windows.per_epoch, "seconds": one.seconds,
             "final_loss": one.rows_of_log[-1][2] if one.rows_of_log else None, **vars(options), **one.speed()}
    (out / "facts.json").write_text(json.dumps(facts, indent=1) + "\n")
    print(json.dumps(facts), flush=True)
    if done:
        model.save_pretrained(out / "model")
    else:
        print(f"pretrain: stopped at step {one.step} of {options.steps}; the same command resumes it", flush=True)


def add_arguments(parser):
    parser.add_argument("--config", default=Path(__file__).parents[1] / "configs/olmoe-nano.json",
                        help="transformers configuration, JSON")
    parser.add_argument("--tokens", nargs="+", required=True, help="shards of `shards`, files or folders")
    add_training_arguments(parser, lr=2.5e-3, warmup=150)
