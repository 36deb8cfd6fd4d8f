#!/usr/bin/env python3
"""What tuned policies are worth on a text, each against a fixed count at its own mean.

    bench/tuned_policies.py --model M.gguf --text data/persuasion.txt --windows 96 out/tune/5.json out/tune/6.json ...

Sweeps the fixed counts around the policies' means with the same weights (all positions scored), then the policies, and prints a table:
mean experts, loss, and loss minus the fixed count's at the same mean, with its 95 % interval by bootstrap over windows. Resumable.
"""

import argparse
import json
import os
import pathlib
import subprocess


def configurations(policies: list[pathlib.Path], counts: list[int], weights: str, folder: pathlib.Path) -> list[dict]:
    own = [{"name": "top-8", "role": "baseline", "policy": {"rule": "top_k", "k": 8}, "plain_override": True}]
    fixed = [{"name": f"top-{k} {weights}", "role": "reference", "marking": "static",
              "policy": {"rule": "top_k", "k": k, "weights": weights}} for k in counts]
    tuned = [{"name": path.stem, "role": "reference", "marking": "tuned", "policy": os.path.relpath(path, folder)}
             for path in policies]
    return own + fixed + tuned


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/release/bin/bhroute")
    parser.add_argument("--model", default="models/olmoe-nano/olmoe-nano-q8_0.gguf")
    parser.add_argument("--text", default="data/persuasion.txt")
    parser.add_argument("--windows", type=int, default=96)
    parser.add_argument("--counts", default="3,4,5,6,7")
    parser.add_argument("--weights", default="mass")
    parser.add_argument("--threads", default="2")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("out/tuned_policies"))
    parser.add_argument("policies", nargs="+", type=pathlib.Path)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    runs = configurations([path.resolve() for path in args.policies], [int(k) for k in args.counts.split(",")], args.weights,
                          args.folder.resolve())
    listed = args.folder / "list.json"
    listed.write_text(json.dumps({"configurations": runs}, indent=1) + "\n", encoding="utf-8")
    subprocess.run([args.program, "sweep", "-m", args.model, "-f", args.text, "--windows", str(args.windows), "--score", "all",
                    "-t", args.threads, "--configurations", listed, "-o", args.folder], check=True)
    results = json.loads((args.folder / "results.json").read_text(encoding="utf-8"))
    print("\n| policy | experts | loss | against the fixed count at the same mean |\n|---|---|---|---|")
    for run in results["runs"]:
        if run.get("marking") == "tuned":
            print(f"| {run['name']} | {run['mean_experts']:.3f} | {run['loss']:.4f} | {run['static_difference']:+.4f} "
                  f"[{run['static_difference_low']:+.4f}, {run['static_difference_high']:+.4f}] |")


if __name__ == "__main__":
    main()
