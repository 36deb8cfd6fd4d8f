#!/usr/bin/env python3
"""Holds olmoe-nano in this engine against the reference frontier, made the same way.

    bench/frontier.py [--bin build/release/bin/bhroute] [--model GGUF] [--out out/frontier] [--quick]

Calibrates, sweeps the rows of bench/reference_frontier.json with every position scored, and prints for each row the
difference in loss (all positions, second half) and in mean experts. Exits 1 if one is beyond its tolerance.
--quick takes every sixth row. Resumable: run again, it continues.
"""
import argparse
import array
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
WINDOW = 512


def policy(row):
    if row["rule"] == "top_k":
        return {"rule": "top_k", "k": row["k"], "weights": row["weights"]}
    return {"rule": "bh", "alpha": row["alpha"], "min_k": 1, "max_k": row["max_k"], "weights": row["weights"]}


def configurations(rows):
    own = {"name": "own routing", "role": "baseline", "policy": {"rule": "top_k", "k": 8}}
    listed = [{"name": r["name"], "role": "reference", "null": r.get("null", ""), "policy": policy(r)} for r in rows]
    return {"configurations": [own] + listed}


def run(binary, model, out, rows):
    out.mkdir(parents=True, exist_ok=True)
    (out / "list.json").write_text(json.dumps(configurations(rows), indent=1))
    tables = [out / "all.safetensors", out / "unselected.safetensors"]
    if not all(t.exists() for t in tables):
        subprocess.run([binary, "calibrate", "-m", model, "-f", str(ROOT / "data/northanger.txt"), "--windows", "64",
                        "--null", "all", "-o", str(tables[0]), "--null", "unselected", "-o", str(tables[1])], check=True)
    subprocess.run([binary, "sweep", "-m", model, "-f", str(ROOT / "data/persuasion.txt"), "--windows", "24", "--score",
                    "all", "--table", str(tables[0]), "--table-unselected", str(tables[1]), "--configurations",
                    str(out / "list.json"), "-o", str(out)], check=True)


def second_half(out, run_name):
    """Mean over positions 256..511 of each window, from the run's token losses."""
    for path in sorted((out / "runs").glob("*.json")):
        result = json.loads(path.read_text())
        if result["run"]["name"] != run_name:
            continue
        losses = array.array("f", (path.parent / result["losses_file"]).read_bytes())
        kept = [loss for i, loss in enumerate(losses) if i % WINDOW >= WINDOW // 2]
        return sum(kept) / len(kept)
    raise SystemExit(f"frontier: no result of '{run_name}' in {out / 'runs'}")


def compare(out, rows, tolerance):
    measured = {r["name"]: r for r in json.loads((out / "results.json").read_text())["runs"]}
    worst = {"all": 0.0, "half": 0.0, "experts": 0.0}
    print(f"{'policy':44} {'experts':>8} {'(ref)':>8} {'loss all':>9} {'(diff)':>8} {'2nd half':>9} {'(diff)':>8}")
    for row in rows:
        got = measured[row["name"]]
        half = second_half(out, row["name"])
        diff_all, diff_half = got["loss"] - row["loss_all"], half - row["loss_second_half"]
        off = got["mean_experts"] / row["mean_experts"] - 1
        worst = {"all": max(worst["all"], abs(diff_all)), "half": max(worst["half"], abs(diff_half)),
                 "experts": max(worst["experts"], abs(off))}
        print(f"{row['name']:44} {got['mean_experts']:8.3f} {row['mean_experts']:8.3f} {got['loss']:9.4f} "
              f"{diff_all:+8.4f} {half:9.4f} {diff_half:+8.4f}")
    print(f"largest difference: loss {worst['all']:.4f} (all) and {worst['half']:.4f} (second half) nats, "
          f"mean experts {100 * worst['experts']:.2f} %")
    return max(worst["all"], worst["half"]) <= tolerance["loss_nats"] and \
        worst["experts"] <= tolerance["mean_experts_relative"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=str(ROOT / "build/release/bin/bhroute"))
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "out/frontier")
    parser.add_argument("--model", default=str(ROOT / "models/olmoe-nano/olmoe-nano-q8_0.gguf"))
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    reference = json.loads((ROOT / "bench/reference_frontier.json").read_text())
    rows = reference["rows"][::6] if arguments.quick else reference["rows"]
    out = arguments.out / ("quick" if arguments.quick else "full")
    run(arguments.bin, arguments.model, out, rows)
    return 0 if compare(out, rows, reference["tolerance"]) else 1


if __name__ == "__main__":
    sys.exit(main())
