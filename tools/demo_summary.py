#!/usr/bin/env python3
"""The demo's result in three lines, from a sweep's results.json:  demo_summary.py RESULTS

The model's own routing, and the best Benjamini-Hochberg run of each null beside the fixed count nearest in cost.
"""

import json
import pathlib
import sys


def described(run: dict) -> str:
    policy = run["policy"]
    if policy["rule"] == "top_k":
        return f"top-{policy['k']}"
    return f"alpha {policy['alpha']:g}, max_k {policy['max_k']}"


def line(title: str, run: dict, rival: dict | None = None) -> str:
    text = f"  {title:<46} {run['mean_experts']:5.2f} experts   perplexity {run['perplexity']:8.2f}"
    if rival is None:
        return text
    return f"{text}   ({described(rival)}: {rival['perplexity']:.2f})"


def nearest(runs: list[dict], mean_experts: float) -> dict | None:
    fixed = [run for run in runs if run.get("marking") == "static"]
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
    return lines


if __name__ == "__main__":
    print("\n".join(summary(json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")))))
