"""The statistics core against statsmodels' multipletests on the same random vectors: masks and speed.

    python bench/fdr_vs_statsmodels.py --program build/release/bin/fdr_vectors [--vectors 100000] [--min-ratio 100]

Vectors have 1 to 512 p-values: random, with signal, tied, of zeros and ones, and exactly at, one ulp below or above
the method's critical values. Fails if any mask differs, or if the core is less than --min-ratio times as fast at the
task that both do (p-values in, mask out). Whole runs (with order and adjusted p-values) are timed beside it.
statsmodels is timed on the vectors in memory, with its calls of gc.collect() (holm) left out. All times are CPU time,
the best of three runs on each side.
"""

import argparse
import gc
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import time

try:
    import numpy as np
    import statsmodels
    from statsmodels.stats.multitest import multipletests
except ImportError as missing:
    print(f"SKIPPED: {missing}")
    sys.exit(77)

METHODS = {"bh": "fdr_bh", "by": "fdr_by", "bky": "fdr_tsbky", "bonferroni": "bonferroni", "holm": "holm",
           "hochberg": "simes-hochberg"}
ALPHAS = (0.001, 0.01, 0.05, 0.1, 0.2, 0.5)


def critical_values(method, n, alpha):
    k = np.arange(1, n + 1)
    if method == "by":
        return k / n / np.sum(1.0 / k) * alpha
    if method == "bky":
        return k / n * (alpha / (1.0 + alpha))
    if method == "bonferroni":
        return np.full(n, alpha / float(n))
    if method in ("holm", "hochberg"):
        return alpha / np.arange(n, 0, -1)
    return k / n * alpha


def at_boundary(rng, method, n, alpha):
    c = critical_values(method, n, alpha)[rng.integers(0, n, n) if rng.random() < 0.5 else np.arange(n)]
    p = np.choose(rng.integers(0, 3, n), [c, np.nextafter(c, 0), np.nextafter(c, 1)])
    p[rng.random(n) < 0.3] = rng.uniform(alpha, 1.0)
    return rng.permutation(p)


def vector(rng, method):
    n, alpha, kind = int(rng.integers(1, 513)), float(rng.choice(ALPHAS)), rng.integers(0, 6)
    if kind == 0:
        return alpha, rng.random(n)
    if kind == 1:
        return alpha, np.where(rng.random(n) < rng.random(), rng.random(n) ** 4, rng.random(n))
    if kind == 2:
        return alpha, rng.integers(0, 16, n) / 128.0
    if kind == 3:
        return alpha, np.choose(rng.integers(0, 3, n), [0.0, 1.0, alpha])
    return alpha, at_boundary(rng, method, n, alpha)


def write_vectors(path, vectors):
    with open(path, "wb") as file:
        for alpha, p in vectors:
            file.write(struct.pack("=Qd", len(p), alpha) + p.tobytes())


def run_statsmodels(method, vectors):
    """The masks, and the best CPU time of three runs, as the core's program takes its own."""
    seconds = []
    for _ in range(3):
        masks, start = [], time.process_time()
        for alpha, p in vectors:
            masks.append(multipletests(p, alpha=alpha, method=METHODS[method])[0])
        seconds.append(time.process_time() - start)
    return np.concatenate(masks), min(seconds)


def run_core(program, method, vectors):
    with tempfile.TemporaryDirectory() as folder:
        source, masks = pathlib.Path(folder, "vectors"), pathlib.Path(folder, "masks")
        write_vectors(source, vectors)
        done = subprocess.run([program, source, method, masks], check=True, capture_output=True, text=True)
        return np.frombuffer(masks.read_bytes(), np.uint8).astype(bool), json.loads(done.stdout)


def compare(program, method, count, seed):
    """Masks that differ, and the two ratios of speed."""
    rng = np.random.default_rng((seed, list(METHODS).index(method)))
    vectors = [vector(rng, method) for _ in range(count)]
    want, reference = run_statsmodels(method, vectors)
    got, found = run_core(program, method, vectors)
    ends = np.cumsum([len(p) for _, p in vectors])
    differ = sum(part.any() for part in np.split(got != want, ends[:-1]))
    ratios = reference / found["mask_seconds"], reference / found["whole_seconds"]
    micro = 1e6 / count
    print(f"{method:<10} {differ:>7} {found['rejected']:>10} {reference * micro:>12.2f} "
          f"{found['mask_seconds'] * micro:>10.3f} {ratios[0]:>7.0f} {found['whole_seconds'] * micro:>11.3f} {ratios[1]:>7.1f}",
          flush=True)
    return differ, ratios[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--vectors", type=int, default=100000, help="in all, spread over the methods")
    parser.add_argument("--each", action="store_true", help="--vectors for each method")
    parser.add_argument("--min-ratio", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    gc.collect = lambda *_: 0
    count = options.vectors if options.each else -(-options.vectors // len(METHODS))
    print(f"{count} vectors a method, N 1 to 512, seed {options.seed}; statsmodels {statsmodels.__version__}, "
          f"numpy {np.__version__}; microseconds a vector")
    print(f"{'method':<10} {'differ':>7} {'rejected':>10} {'statsmodels':>12} {'mask':>10} {'ratio':>7} {'whole run':>11} {'ratio':>7}")
    found = [compare(options.program, method, count, options.seed) for method in METHODS]
    slowest = min(ratio for _, ratio in found)
    print(f"slowest method: {slowest:.0f} times as fast")
    sys.exit(1 if any(differ for differ, _ in found) or slowest < options.min_ratio else 0)


if __name__ == "__main__":
    main()
