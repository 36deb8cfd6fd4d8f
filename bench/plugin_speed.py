#!/usr/bin/env python3
"""The plugin's speed inside stock llama-bench, against stock llama-bench alone, on random weights of OLMoE-1B-7B's layer sizes.

    bench/plugin_speed.py --llama DIR [--types q8_0,q4_0,q4_k] [--layers 4] [--rounds 5] [--models build/release/speed_models]
    bench/plugin_speed.py --llama DIR --types q4_0 --layers 16 --vocab 50304      the whole depth, about 4 GB
    bench/plugin_speed.py --llama DIR --architecture qwen3moe --types q8_0 --ik PYTHON    ik_llama.cpp does not know olmoe

The contenders take turns in each round, in an order that turns with the round, so ratios within a round compare
neighbours in time: medians over the rounds, with the smallest and the largest. DIR is what tools/setup/llama_cpp.sh prints.
"""

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "release"
GOALS = [  # contender, baseline, what is asked of the ratio of their speeds
    ("plugin own 8", "stock 8", ">= 0.97"),
    ("plugin fixed 4", "stock 4", ">= 0.95"),
    ("plugin mean 4", "stock 4", ">= 0.95"),
    ("plugin mean 4", "stock 8", ">= 1.5 (decode, q8_0)"),
    ("plugin mean 4", "ik 4", "-"),
    ("stock 4", "ik 4", "-"),
]


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--llama", type=pathlib.Path, required=True)
    parser.add_argument("--models", type=pathlib.Path, default=BUILD / "speed_models")
    parser.add_argument("--architecture", default="olmoe", help="as tools/models/make_random_model.py knows them")
    parser.add_argument("--types", default="q8_0,q4_0,q4_k")
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--vocab", type=int, default=258)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=24, help="decoded one by one")
    parser.add_argument("--prompt", type=int, default=512, help="0 leaves the prompt out")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--ik", type=pathlib.Path,
                        help="a Python that has PyPI's ik-llama-cpp-python: ik_llama.cpp with 4 experts as one more contender")
    return parser.parse_args()


def make_model(options, kind, top_k):
    """The same weights for every top_k."""
    model = options.models / f"{options.architecture}-{options.layers}-{options.vocab}-{kind}-top{top_k}.gguf"
    if not model.exists():
        options.models.mkdir(parents=True, exist_ok=True)
        python = os.environ.get("BHROUTE_PYTHON", str(ROOT / ".venv/bin/python"))
        subprocess.run([python, ROOT / "tools/models/make_random_model.py", options.architecture, "--real-size", "--layers",
                        str(options.layers), "--vocab", str(options.vocab), "--top-k", str(top_k), "--type", kind,
                        "-o", model], check=True)
    return model


class Runner:
    def __init__(self, options, scratch):
        self.options, self.scratch = options, pathlib.Path(scratch)
        self.line = self.scratch / "line.txt"

    def bench(self, model, policy, prompt, tokens):
        """(tokens a second, the plugin's line or ""). Prompts are random and their mean counts differ much, so there is no warm-up:
        what is timed is what the line counts. The weights are read beforehand, not mapped."""
        if policy == "ik":
            done = subprocess.run([self.options.ik, ROOT / "bench/ik_decode.py", model, str(prompt), str(tokens),
                                   str(self.options.threads)], capture_output=True, text=True, check=True)
            return float(done.stdout.split()[-1]), ""
        command = [self.options.llama / "bin/llama-bench", "-m", model, "-t", str(self.options.threads), "-p", str(prompt),
                   "-n", str(tokens), "-r", "2", "--no-warmup", "--load-mode", "none", "-o", "json"]
        if policy:
            self.line.unlink(missing_ok=True)
            command = [BUILD / "bin/bhroute", "exec", "--policy", policy, "--stats", self.line, "--", *command]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"plugin_speed: {command[0]} failed:\n{done.stderr[-800:]}")
        line = self.line.read_text(encoding="utf-8") if policy else ""
        if policy and not re.match(rf"{self.options.layers} layers fused", line):
            raise SystemExit(f"plugin_speed: not every layer was routed: {line}")
        return statistics.harmonic_mean(json.loads(done.stdout)[0]["samples_ts"]), line


def experts_in(line):
    return float(re.search(r"([\d.]+) experts a token", line).group(1))


def mean_4_policy(runner, model, prompt, tokens):
    """top_p, whose mean count moves evenly with p, by bisection on the work itself: it needs no table, so the figure is the
    engine's and not a text's."""
    low, high = 0.05, 0.95
    for _ in range(10):
        p = (low + high) / 2
        policy = f"top_p:p={p:.4f},min_k=1,max_k=16"
        mean = experts_in(runner.bench(model, policy, prompt, tokens)[1])
        if abs(mean - 4) <= 0.03:
            break
        low, high = (p, high) if mean < 4 else (low, p)
    return policy


def measure(runner, contenders, prompt, tokens):
    speeds, lines = {name: [] for name in contenders}, {}
    names = list(contenders)
    for turn in range(runner.options.rounds):
        for name in names[turn % len(names):] + names[:turn % len(names)]:
            speed, lines[name] = runner.bench(*contenders[name], prompt, tokens)
            speeds[name].append(speed)
    return speeds, lines


def report(kind, work, speeds, lines):
    for contender, baseline, goal in GOALS:
        if baseline not in speeds:
            continue
        ratios = [a / b for a, b in zip(speeds[contender], speeds[baseline])]
        print(f"| {kind} | {work} | {contender} / {baseline} | {statistics.median(ratios):.3f} [{min(ratios):.3f}-"
              f"{max(ratios):.3f}] | {goal} |", flush=True)
    for name, line in lines.items():
        if line:
            share = re.search(r"choosing ([\d.]+) %", line).group(1)
            print(f"| {kind} | {work} | {name}: choosing's share of the blocks' time | {share} % at "
                  f"{experts_in(line):.2f} experts a token | <= 1 % |", flush=True)


def main():
    options = parse()
    print("| weights | work | what | measured | goal |\n|---|---|---|---|---|", flush=True)
    for kind in options.types.split(","):
        top8, top4 = make_model(options, kind, 8), make_model(options, kind, 4)
        with tempfile.TemporaryDirectory() as scratch:
            runner = Runner(options, scratch)
            for work, prompt, tokens in (("decode", 0, options.tokens), (f"prompt {options.prompt}", options.prompt, 0)):
                if prompt + tokens == 0:
                    continue
                contenders = {"stock 8": (top8, ""), "plugin own 8": (top8, "top_k:k=8"),
                              "plugin mean 4": (top8, mean_4_policy(runner, top8, prompt, tokens)),
                              "stock 4": (top4, ""), "plugin fixed 4": (top8, "top_k:k=4")}
                if options.ik:
                    contenders["ik 4"] = (top4, "ik")
                report(kind, work, *measure(runner, contenders, prompt, tokens))


if __name__ == "__main__":
    sys.exit(main())
