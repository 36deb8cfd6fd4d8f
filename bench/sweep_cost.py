#!/usr/bin/env python3
"""How many runs of stock llama-perplexity the default sweep costs, on the same tokens.

    bench/sweep_cost.py --llama DIR [--bin build/release/bin/bhroute] [--windows 24] [--tables out/demo]

Machines are noisy: a stock run is timed before the sweep, after it, and once after every sixth configuration's
result appears, while the sweep is stopped; the ratio is quoted for the median, the fastest and the slowest of them.
Needs the two calibration tables of `make demo`.
"""
import argparse
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODEL = ROOT / "models/olmoe-nano/olmoe-nano-q8_0.gguf"
TEXT = ROOT / "data/persuasion.txt"


def stock_seconds(llama, windows):
    begin = time.monotonic()
    done = subprocess.run([str(llama / "bin/llama-perplexity"), "-m", str(MODEL), "-f", str(TEXT), "-c", "512",
                           "--chunks", str(windows), "-t", str(os.cpu_count())], capture_output=True, text=True)
    if not re.search(r"Final estimate", done.stdout + done.stderr):
        raise SystemExit("sweep_cost: llama-perplexity failed:\n" + done.stderr[-500:])
    return time.monotonic() - begin


def sweep(arguments, out):
    return subprocess.Popen([arguments.bin, "sweep", "-m", str(MODEL), "-f", str(TEXT), "--windows",
                             str(arguments.windows), "--table", str(arguments.tables / "all.safetensors"),
                             "--table-unselected", str(arguments.tables / "unselected.safetensors"), "-o", out,
                             "--quiet"])


def measure(arguments, out):
    """Returns (seconds of the sweep without the pauses, seconds of each stock run)."""
    stock, seconds, seen = [stock_seconds(arguments.llama, arguments.windows)], 0.0, 0
    process, begin = sweep(arguments, out), time.monotonic()
    while process.poll() is None:
        time.sleep(0.05)
        finished = len(list(pathlib.Path(out).glob("runs/*.json")))
        if finished >= seen + 6:
            seen = finished
            process.send_signal(signal.SIGSTOP)
            seconds += time.monotonic() - begin
            stock.append(stock_seconds(arguments.llama, arguments.windows))
            begin = time.monotonic()
            process.send_signal(signal.SIGCONT)
    seconds += time.monotonic() - begin
    if process.returncode != 0:
        raise SystemExit(f"sweep_cost: the sweep failed with exit code {process.returncode}")
    stock.append(stock_seconds(arguments.llama, arguments.windows))
    return seconds, stock


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=str(ROOT / "build/release/bin/bhroute"))
    parser.add_argument("--llama", type=pathlib.Path, required=True)
    parser.add_argument("--windows", type=int, default=24)
    parser.add_argument("--tables", type=pathlib.Path, default=ROOT / "out/demo")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as out:
        seconds, stock = measure(arguments, out)
    print(f"sweep {seconds:.1f} s; llama-perplexity {statistics.median(stock):.2f} s "
          f"({min(stock):.2f} to {max(stock):.2f}, {len(stock)} runs between its configurations)")
    print(f"sweep / llama-perplexity = {seconds / statistics.median(stock):.1f} "
          f"({seconds / max(stock):.1f} to {seconds / min(stock):.1f}); goal: at most 75")
    return 0


if __name__ == "__main__":
    sys.exit(main())
