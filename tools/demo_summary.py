#!/usr/bin/env python3
"""The demo's result in a few lines, from sweeps' results.json:  demo_summary.py RESULTS [RESULTS...]

Of each model: its own routing, the best Benjamini-Hochberg run of each null beside the fixed count nearest in cost, and what was tuned.
"""

import json
import pathlib
import sys


def described(run: dict) -> str:
    policy = run["policy"]
    if policy["rule"] == "top_k":
        return f"top-{policy['k']}"
    if "alpha" not in policy:
        return run["name"]
    return f"alpha {policy['alpha']:g}, max_k {policy['max_k']}"


def line(title: str, run: dict, rival: dict | None = None) -> str:
    text = f"  {title:<46} {run['mean_experts']:5.2f} experts   perplexity {run['perplexity']:8.2f}"
    if rival is None:
        return text
    return f"{text}   ({described(rival)}: {rival['perplexity']:.2f})"


def nearest(runs: list[dict], mean_experts: float, weights: str = "native") -> dict | None:
    fixed = [run for run in runs if run.get("marking") == "static" and run["policy"].get("weights", "native") == weights]
    return min(fixed, key=lambda run: abs(run["mean_experts"] - mean_experts), default=None)


def summary(results: dict) -> list[str]:
    runs = results["runs"]
    lines = [line(f"the model's own routing ({described(run)})", run) for run in runs if run["role"] == "baseline"]
    nulls = {"all": [run for run in runs if run["role"] == "grid"],
             "unselected": [run for run in runs if run.get("marking") == "unselected"]}
    for null, tried in nulls.items():
        if tried:
            best = min(tried, key=lambda run: run["loss"])
            title = f"BH, null {null}, best of {len(tried)} ({described(best)})"
            lines.append(line(title, best, nearest(runs, best["mean_experts"])))
    for run in (run for run in runs if run.get("marking") == "tuned"):
        lines.append(line(run["name"], run, nearest(runs, run["mean_experts"], run["policy"].get("weights", "native"))))
    return lines


if __name__ == "__main__":
    for path in sys.argv[1:]:
        found = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
        print(f"  {(found.get('model') or {}).get('name', path)}")
        print("\n".join(summary(found)))
