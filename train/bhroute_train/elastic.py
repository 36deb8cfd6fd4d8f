"""`elastic`: fine-tunes a mixture of experts with a sampled number of experts, and a control without."""

import json
import math
import time
from pathlib import Path

import torch

from . import models, moe, samplers, shards, training
from . import tokenizer as tokenizers

LORA_MODULES = ["q_proj", "k_proj", "v_proj", "o_proj"]
LORA_PARAMETERS = ["experts.gate_up_proj", "experts.down_proj"]


def with_lora(model, rank):
    """The model with low-rank adapters on attention and experts; all else frozen."""
    from peft import LoraConfig, get_peft_model
    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=LORA_MODULES, target_parameters=LORA_PARAMETERS)
    return get_peft_model(model, config)


def merged(model):
    return model.merge_and_unload() if hasattr(model, "merge_and_unload") else model


def keep_tokenizer(model, folder):
    """The tokenizer of `model` (.gguf or folder) into `folder`; nothing where it has none."""
    if Path(model).suffix == ".gguf" or (Path(model) / "tokenizer.json").is_file():
        tokenizers.load(model).save(str(folder / "tokenizer.json"))


def names_of(args):
    """With the control, which every report needs: first where it has no place of its own."""
    return args.sampler if "control" in args.sampler else ["control", *args.sampler]


def fine_tune(name, args, tokens, options):
    """One run from the model's weights; True when complete, its weights then in OUT/NAME/model."""
    folder = Path(args.out) / name.replace(":", "-").replace(",", "-")
    if (folder / "model").exists():
        return True
    model = models.load(args.model).to(args.device)
    drawn = samplers.make(name, model.config.num_experts_per_tok, len(moe.blocks(model)), args.min_k, args.max_k)
    if args.parameters == "lora":
        model = with_lora(model, args.rank)
    run = training.Run(model, drawn, tokens, options, folder, args.compile)
    done = run.go(limit_seconds=args.seconds, save_every=args.save_every)
    facts = {"sampler": name, "model": str(args.model), "steps_done": run.step,
             "tokens": run.step * options.rows * options.context,
             "epochs": run.step / run.windows.per_epoch, "seconds": run.seconds, "parameters": args.parameters,
             "final_loss": run.rows_of_log[-1][2], "mean_k": run.rows_of_log[-1][5], **vars(options), **run.speed()}
    (folder / "facts.json").write_text(json.dumps(facts, indent=1) + "\n")
    print(json.dumps(facts), flush=True)
    if done:
        partial = folder / "model.partial"
        merged(run.model).save_pretrained(partial)
        keep_tokenizer(args.model, partial)
        partial.rename(folder / "model")
    else:
        run.save()
        print(f"elastic: {name} stopped at step {run.step} of {options.steps}; the same command resumes it", flush=True)
    return done


def run(args):
    torch.set_float32_matmul_precision("high")
    tokens, start = shards.read_tokens(args.tokens), time.monotonic()
    options = training.Options(steps=args.steps, rows=args.rows, context=args.context, lr=args.lr, warmup=args.warmup,
                               seed=args.seed, log_every=args.log_every)
    for name in names_of(args):
        done = fine_tune(name, args, tokens, options)
        args.seconds -= time.monotonic() - start
        start = time.monotonic()
        if not done:
            return


def add_arguments(parser):
    parser.add_argument("--model", required=True, help=".gguf (olmoe) or folder of a transformers model")
    parser.add_argument("--tokens", nargs="+", required=True, help="shards of `shards`, files or folders")
    parser.add_argument("--sampler", nargs="+", default=["uniform"], help=f"of {', '.join(samplers.NAMES)}; control always runs")
    parser.add_argument("--min-k", type=int, default=2)
    parser.add_argument("--max-k", type=int, default=10)
    parser.add_argument("--parameters", choices=["all", "lora"], default="all")
    parser.add_argument("--rank", type=int, default=16, help="of the adapters")
    add_training_arguments(parser, lr=8e-4, warmup=100)


def add_training_arguments(parser, lr, warmup):
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--rows", type=int, default=192, help="sequences a step")
    parser.add_argument("--context", type=int, default=512)
    parser.add_argument("--lr", type=float, default=lr)
    parser.add_argument("--warmup", type=int, default=warmup)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log-every", type=int, default=20)
    parser.add_argument("--save-every", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=math.inf, help="stop and save after so long; the same command resumes")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--compile", action="store_true", help="torch.compile the layers")
    parser.add_argument("--out", required=True)
