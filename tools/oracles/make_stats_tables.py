"""Writes the reference tables that the tests of src/stats compare against.

    python -m pip install numpy==2.4.6 scipy==1.17.1 statsmodels==0.15.0
    python tools/oracles/make_stats_tables.py [--out tests/data/stats]

Each table is a JSON object {"header": {...}, "cases": [...]}; the header names the tools and their versions.
Inputs come from seeded generators, so the same versions write the same bytes.
"""

import argparse
import itertools
import json
import pathlib
import platform

import numpy as np
import scipy
import statsmodels
from scipy import integrate, stats
from statsmodels.stats.multitest import multipletests

ALPHAS = (0.01, 0.05, 0.1, 0.2)
COMPACT_DENSITIES = {
    "epanechnikov": lambda u: 0.75 * (1.0 - u * u),
    "tophat": lambda u: 0.5,
    "linear": lambda u: 1.0 - abs(u),
}


# --- Benjamini-Hochberg -------------------------------------------------------------------------------------


def bh_case(kind, p, alpha):
    reject, adjusted, _, _ = multipletests(p, alpha=alpha, method="fdr_bh")
    return {
        "kind": kind,
        "alpha": alpha,
        "p": p.tolist(),
        "rejected": "".join("1" if r else "0" for r in reject),
        "adjusted": adjusted.tolist(),
    }


def critical_values(n, alpha):
    return np.arange(1, n + 1) / n * alpha


def at_boundary(rng, n, alpha):
    """Some p-values exactly at, one ulp below or one ulp above a critical value, the rest above them all."""
    p = rng.uniform(alpha, 1.0, n)
    ranks = np.flatnonzero(rng.random(n) < 0.5)
    c = critical_values(n, alpha)[ranks]
    p[ranks] = np.choose(rng.integers(0, 3, len(ranks)), [c, np.nextafter(c, 0), np.nextafter(c, 1)])
    return rng.permutation(p)


def other_order(rng, n, alpha):
    """k * alpha / N, which rounds otherwise than (k / N) * alpha."""
    return rng.permutation(np.arange(1, n + 1) * alpha / n)


def one_at_its_critical_value(rng, n, alpha):
    p = rng.uniform(alpha, 1.0, n)
    k = rng.integers(1, n + 1)
    p[:k] = critical_values(n, alpha)[k - 1]
    return rng.permutation(p)


BH_KINDS = {
    "random": lambda rng, n, alpha: rng.random(n),
    "signal": lambda rng, n, alpha: np.where(rng.random(n) < 0.2, rng.random(n) * 0.01, rng.random(n)),
    "tied": lambda rng, n, alpha: rng.integers(0, 8, n) / 64.0,
    "boundary": at_boundary,
    "other_order": other_order,
    "one_boundary": one_at_its_critical_value,
    "all_zero": lambda rng, n, alpha: np.zeros(n),
    "all_one": lambda rng, n, alpha: np.ones(n),
}


def bh_cases(rng):
    sizes = (1, 2, 3, 5, 7, 8, 16, 33, 64)
    for kind, n, alpha in itertools.product(BH_KINDS, sizes, ALPHAS):
        yield bh_case(kind, BH_KINDS[kind](rng, n, alpha), alpha)
    for n, kind in itertools.product((128, 257, 512), ("signal", "tied", "boundary", "one_boundary")):
        yield bh_case(kind, BH_KINDS[kind](rng, n, 0.05), 0.05)


# --- interpolation ------------------------------------------------------------------------------------------


def interp_case(rng, size, scale):
    x = np.sort(rng.normal(0.0, scale, size))
    cdf = np.clip(np.cumsum(rng.random(size) * (rng.random(size) < 0.7)), 0.0, None)
    cdf = cdf / cdf[-1] if cdf[-1] > 0 else np.linspace(0.0, 1.0, size)
    between = rng.uniform(x[0], x[-1], 40)
    on_grid = x[rng.integers(0, size, 6)]
    z = np.concatenate(
        [between, on_grid, np.nextafter(on_grid, -np.inf), np.nextafter(on_grid, np.inf)]
        + [[x[0] - 1.0, x[0], x[-1], x[-1] + 1.0, -1e300, 1e300]]
    )
    return {"x": x.tolist(), "cdf": cdf.tolist(), "z": z.tolist(), "f": np.interp(z, x, cdf).tolist()}


def interp_cases(rng):
    for size, scale in itertools.product((2, 3, 5, 17, 64, 150), (1e-3, 1.0, 40.0)):
        yield interp_case(rng, size, scale)


# --- kernel density estimates -------------------------------------------------------------------------------


def counted_sample(rng, distinct):
    values = np.unique(rng.normal(0.0, 2.0, distinct).astype(np.float32)).astype(np.float64)
    return values, rng.integers(1, 6, len(values))


def gaussian_estimate(values, counts, bandwidth):
    full = np.repeat(values, counts)
    if isinstance(bandwidth, str):
        return stats.gaussian_kde(full, bw_method=bandwidth)
    return stats.gaussian_kde(full, bw_method=bandwidth / np.std(full, ddof=1))


def width_of(estimate):
    return float(np.sqrt(estimate.covariance[0, 0]))


def compact_cdf(kernel, values, counts, h, z):
    """The density integrated piece by piece: quad never meets a kink inside a piece."""

    def density(t):
        u = (t - values) / h
        inside = np.abs(u) <= 1.0
        return sum(c * COMPACT_DENSITIES[kernel](v) for c, v in zip(counts[inside], u[inside])) / (h * counts.sum())

    knots = np.unique(np.concatenate([values - h, values, values + h]))
    ends = np.concatenate([knots[knots < z], [z]])
    pieces = (integrate.quad(density, a, b, epsabs=1e-14, epsrel=1e-13)[0] for a, b in itertools.pairwise(ends))
    return float(sum(pieces))


def kde_case(rng, kernel, bandwidth, distinct):
    values, counts = counted_sample(rng, distinct)
    estimate = gaussian_estimate(values, counts, bandwidth)
    h = width_of(estimate)
    reach = 4.0 * h if kernel == "gaussian" else h
    z = np.linspace(values[0] - 1.05 * reach, values[-1] + 1.05 * reach, 15)
    if kernel == "gaussian":
        cdf = [float(estimate.integrate_box_1d(-np.inf, point)) for point in z]
    else:
        cdf = [compact_cdf(kernel, values, counts, h, point) for point in z]
    return {
        "kernel": kernel,
        "bandwidth": bandwidth if isinstance(bandwidth, str) else repr(bandwidth),
        "values": values.tolist(),
        "counts": counts.tolist(),
        "h": h,
        "z": z.tolist(),
        "cdf": cdf,
    }


def kde_cases(rng):
    kernels = ("gaussian", *COMPACT_DENSITIES)
    for kernel, bandwidth, distinct in itertools.product(kernels, ("scott", "silverman", 0.75), (2, 9, 30)):
        yield kde_case(rng, kernel, bandwidth, distinct)


# --- p-values by counting -----------------------------------------------------------------------------------


def right_tail_by_rank(a, axis):
    return 1.0 - stats.rankdata(a, method="max", axis=axis) / a.shape[axis]


def rank_cases(rng):
    """Several tokens are ranked by column, one token among its experts."""
    for tokens, experts, tied in itertools.product((1, 2, 5, 16), (1, 8, 24), (False, True)):
        logits = rng.normal(0.0, 1.5, (tokens, experts))
        if tied:
            logits = np.round(logits)
        p = right_tail_by_rank(logits, axis=1 if tokens == 1 else 0)
        yield {"num_tokens": tokens, "num_experts": experts, "logits": logits.ravel().tolist(), "p": p.ravel().tolist()}


def counting_cases(rng):
    for distinct in (1, 2, 10, 40):
        values, counts = counted_sample(rng, distinct)
        full = np.repeat(values, counts)
        z = np.concatenate([values, rng.normal(0.0, 3.0, 20), [values[0] - 1.0, values[-1] + 1.0]])
        n = len(full)
        yield {
            "values": values.tolist(),
            "counts": counts.tolist(),
            "z": z.tolist(),
            "conformal": [float((1 + np.sum(full >= point)) / (n + 1)) for point in z],
            "gridded": [float(1.0 - np.sum(full <= point) / n) for point in z],
        }


# ------------------------------------------------------------------------------------------------------------

TABLES = {
    "benjamini_hochberg": (1, bh_cases, "statsmodels.stats.multitest.multipletests(method='fdr_bh')"),
    "interp": (2, interp_cases, "numpy.interp"),
    "kde_cdf": (3, kde_cases, "scipy.stats.gaussian_kde.integrate_box_1d; scipy.integrate.quad of the density"),
    "empirical_ranks": (4, rank_cases, "1 - scipy.stats.rankdata(method='max') / n"),
    "counting": (5, counting_cases, "counting over the whole sample with numpy"),
}


def header(seed, source):
    return {
        "made_by": "tools/oracles/make_stats_tables.py",
        "source": source,
        "seed": seed,
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "statsmodels": statsmodels.__version__,
        },
    }


def write_table(path, seed, make_cases, source):
    lines = [json.dumps(case, separators=(",", ":")) for case in make_cases(np.random.default_rng(seed))]
    path.write_text('{"header":%s,\n"cases":[\n%s\n]}\n' % (json.dumps(header(seed, source)), ",\n".join(lines)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = pathlib.Path(__file__).resolve().parents[2]
    parser.add_argument("--out", type=pathlib.Path, default=root / "tests/data/stats")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for name, (seed, make_cases, source) in TABLES.items():
        write_table(out / f"{name}.json", seed, make_cases, source)


if __name__ == "__main__":
    main()
