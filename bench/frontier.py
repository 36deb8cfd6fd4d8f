#!/usr/bin/env python3
"""Holds olmoe-nano in this engine against the reference frontier, made the same way.

    bench/frontier.py [--model GGUF] [--against GGUF] [--rows TEXT ...] [--threads N] [--bin FILE] [--out DIR]

Calibrates on the model, evaluates the rows of bench/reference_frontier.json with every position scored, and prints for
each the difference in loss (all positions, second half) and in mean experts. Exits 1 if one is beyond its tolerance.
--rows takes those whose name holds one of the texts. Finished rows are kept by the model's hash: run again, it continues.
The reference is float32 on the f16 weights: --model takes the f16 file; the shipped one is rounded to 8 bits. --against
takes another file of the same model and prints instead, row by row, the paired differences of the tokens' losses.
"""
import argparse
import array
import hashlib
import json
import pathlib
import re
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
WINDOW = 512


def policy(row, tables):
    if row["rule"] == "top_k":
        return f"top_k:k={row['k']},weights={row['weights']}"
    table = f"table={tables[row['null']]}"
    return f"bh:alpha={row['alpha']},min_k=1,max_k={row['max_k']},weights={row['weights']},{table}"


def calibrate(engine, out):
    tables = {null: out / f"{null}.safetensors" for null in ("all", "unselected")}
    if not all(t.exists() for t in tables.values()):
        nulls = [word for null, table in tables.items() for word in ("--null", null, "-o", str(table))]
        subprocess.run([engine[0], "calibrate", *engine[1:], "-f", str(ROOT / "data/northanger.txt"), "--windows", "64",
                        *nulls], check=True)
    return tables


def halves(losses):
    """All positions, and positions 256..511 of each window."""
    return list(losses), [loss for i, loss in enumerate(losses) if i % WINDOW >= WINDOW // 2]


def mean(values):
    return sum(values) / len(values)


def measure(engine, out, row, tables):
    """(mean experts, the loss of every position)"""
    stem = re.sub("[^0-9a-z.-]+", "_", row["name"].lower())
    result, losses = out / f"{stem}.json", out / f"{stem}.npy"
    if not result.exists():
        found = subprocess.run([engine[0], "evaluate", *engine[1:], "-f", str(ROOT / "data/persuasion.txt"), "--windows",
                                "24", "--score", "all", "--no-kl", "--json", "--quiet", "--losses", str(losses),
                                "--policy", policy(row, tables)], check=True, stdout=subprocess.PIPE)
        result.write_bytes(found.stdout)
    data = losses.read_bytes()  # a .npy of float32 ends in its values
    values = array.array("f", data[10 + int.from_bytes(data[8:10], "little"):])
    return json.loads(result.read_text())["mean_experts"], values


def show(row, experts, loss_all, loss_half):
    print(f"{row['name']:46} {experts:8.3f} {row['mean_experts']:8.3f} {loss_all:9.4f} "
          f"{loss_all - row['loss_all']:+8.4f} {loss_half:9.4f} {loss_half - row['loss_second_half']:+8.4f}", flush=True)


def compare(engine, out, rows, tolerance):
    tables = calibrate(engine, out)
    worst_loss = worst_experts = 0.0
    beyond = []
    print(f"{'policy':46} {'experts':>8} {'(ref)':>8} {'loss all':>9} {'(diff)':>8} {'2nd half':>9} {'(diff)':>8}")
    for row in rows:
        experts, losses = measure(engine, out, row, tables)
        loss_all, loss_half = map(mean, halves(losses))
        show(row, experts, loss_all, loss_half)
        loss = max(abs(loss_all - row["loss_all"]), abs(loss_half - row["loss_second_half"]))
        off = abs(experts / row["mean_experts"] - 1)
        worst_loss, worst_experts = max(worst_loss, loss), max(worst_experts, off)
        if loss > tolerance["loss_nats"] or off > tolerance["mean_experts_relative"]:
            beyond.append(row["name"])
    print(f"largest difference: loss {worst_loss:.4f} nats (want {tolerance['loss_nats']}), mean experts "
          f"{100 * worst_experts:.2f} % (want {100 * tolerance['mean_experts_relative']:g} %)")
    print(f"{len(rows) - len(beyond)} of {len(rows)} rows within" + "".join(f"\n  beyond: {name}" for name in beyond))
    return not beyond


def show_paired(model, other, rows):
    """Mean difference of the tokens' losses with its standard error over the windows."""
    tables = {engine_out: calibrate(*engine_out) for engine_out in (model, other)}
    print(f"{'policy':46} {'all':>18} {'2nd half':>18} {'|difference| > 1 nat':>22}")
    for row in rows:
        pair = [measure(*engine_out, row, tables[engine_out])[1] for engine_out in (model, other)]
        cells = []
        for ours, theirs in zip(*map(halves, pair)):
            size = len(ours) // (len(pair[0]) // WINDOW)
            differences = [a - b for a, b in zip(ours, theirs)]
            windows = [mean(differences[i:i + size]) for i in range(0, len(differences), size)]
            cells.append(f"{mean(differences):+.4f} +/- {statistics.stdev(windows) / len(windows) ** 0.5:.4f}")
        far = mean([abs(a - b) > 1 for a, b in zip(*pair)])
        print(f"{row['name']:46} {cells[0]:>18} {cells[1]:>18} {100 * far:20.1f} %", flush=True)


def opened(arguments, model):
    """The engine's command for a model, and the folder of its results."""
    out = arguments.out / hashlib.sha256(pathlib.Path(model).read_bytes()).hexdigest()[:12]
    out.mkdir(parents=True, exist_ok=True)
    return (arguments.bin, "-m", model, "-t", arguments.threads), out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=str(ROOT / "build/release/bin/bhroute"))
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "out/frontier")
    parser.add_argument("--model", default=str(ROOT / "models/olmoe-nano/olmoe-nano-q8_0.gguf"))
    parser.add_argument("--against", help="another file of the same model")
    parser.add_argument("--rows", nargs="+", default=[""])
    parser.add_argument("--threads", default="0")
    arguments = parser.parse_args()
    reference = json.loads((ROOT / "bench/reference_frontier.json").read_text())
    rows = [row for row in reference["rows"] if any(text in row["name"] for text in arguments.rows)]
    if not rows:
        parser.error(f"--rows: no such row, got {arguments.rows}")
    model = opened(arguments, arguments.model)
    if arguments.against:
        return show_paired(model, opened(arguments, arguments.against), rows)
    return 0 if compare(*model, rows, reference["tolerance"]) else 1


if __name__ == "__main__":
    sys.exit(main())
