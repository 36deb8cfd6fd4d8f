"""Writes tests/data/stats/procedures.json: what every multiple-testing procedure must reject.

    python -m pip install numpy==2.4.6 scipy==1.17.1 statsmodels==0.15.0
    python tools/oracles/make_procedure_tables.py [--out tests/data/stats]

bh, by, bky, bonferroni, holm, hochberg: statsmodels (bky is its fdr_tsbky). fixed: numpy. storey, e_bh and hc...: the
formula of docs/statistics.md in exact rationals (fractions.Fraction of the very doubles); their boundary cases lie
where the critical values are doubles. Inputs come from seeded generators.
"""

import argparse
import json
import pathlib
from fractions import Fraction

import numpy as np
from make_stats_tables import header
from statsmodels.stats.multitest import multipletests

STATSMODELS = {"bh": "fdr_bh", "by": "fdr_by", "bky": "fdr_tsbky", "bonferroni": "bonferroni", "holm": "holm",
               "hochberg": "simes-hochberg"}
SIZES = (1, 2, 3, 7, 8, 16, 33, 130, 257)
LAMBDA, KAPPA, BETA = 0.5, 0.5, 0.25


# --- the procedures ---------------------------------------------------------------------------------------------


def by_statsmodels(method):
    def run(p, alpha):
        reject, adjusted, _, _ = multipletests(p, alpha=alpha, method=STATSMODELS[method])
        return reject, adjusted.tolist()
    return run


def fixed(p, alpha):
    return p <= alpha, p.tolist()


def first_of(p, count):
    reject = np.zeros(len(p), bool)
    reject[np.argsort(p, kind="stable")[:count]] = True
    return reject


def largest_passing(p, bound_of_rank):
    ranks = [k for k, value in enumerate(sorted(map(Fraction, p)), 1) if value <= bound_of_rank(k)]
    return first_of(p, max(ranks, default=0))


def storey(p, alpha):
    n, level = len(p), Fraction(LAMBDA)
    share = Fraction(1 + sum(Fraction(x) > level for x in p)) / ((1 - level) * n)
    return largest_passing(p, lambda k: min(level, Fraction(k, n) * Fraction(alpha) / share)), None


def e_bh(p, alpha):
    """kappa = 1/2: kappa/sqrt(p) >= N/(k*alpha) exactly when p <= (kappa*k*alpha/N)^2."""
    n = len(p)
    return largest_passing(p, lambda k: (Fraction(KAPPA) * k * Fraction(alpha) / n) ** 2), None


def hc_key(n, i, p):
    """Orders as HC(i) does: (infinite?, signed square)."""
    excess = Fraction(i, n) - p
    if excess == 0:
        return (0, Fraction(0))
    if p in (0, 1):
        return (1 if excess > 0 else -1, Fraction(0))
    square = n * excess * excess / (p * (1 - p))
    return (0, square if excess > 0 else -square)


def higher_criticism(searched):
    def run(p, _):
        n, ordered = len(p), sorted(map(Fraction, p))
        keys = {i: hc_key(n, i, value) for i, value in enumerate(ordered, 1) if searched(n, i, value)}
        best = max(keys.values(), default=None)
        places = [i for i, key in keys.items() if key == best]
        if len(places) > 1 and best[0] == 0:
            return None  # an exact tie of finite scores: rounding decides
        return first_of(p, max(places, default=0)), None
    return run


PROCEDURES = {
    **{method: by_statsmodels(method) for method in STATSMODELS},
    "fixed": fixed,
    "storey": storey,
    "e_bh": e_bh,
    "hc": higher_criticism(lambda n, i, p: True),
    "hc_plus": higher_criticism(lambda n, i, p: p < Fraction(i, n)),
    "hc_star": higher_criticism(lambda n, i, p: i <= max(1, int(BETA * n))),
}


# --- the inputs -------------------------------------------------------------------------------------------------


def critical_values(method, n, alpha):
    k = np.arange(1, n + 1)
    return {
        "bh": k / n * alpha,
        "by": k / n / np.sum(1.0 / k) * alpha,
        "bky": k / n * (alpha / (1.0 + alpha)),
        "bonferroni": np.full(n, alpha / float(n)),
        "holm": alpha / np.arange(n, 0, -1),
        "hochberg": alpha / np.arange(n, 0, -1),
        "fixed": np.full(n, alpha),
        "e_bh": (0.5 * k * alpha / n) ** 2,
    }[method]


def at_boundary(rng, n, critical):
    """Ranks exactly at, one ulp below or one ulp above their critical values, some far above them all."""
    p = np.choose(rng.integers(0, 3, n), [critical, np.nextafter(critical, 0), np.nextafter(critical, 1)])
    p[rng.random(n) < 0.2] = rng.uniform(critical[-1], 1.0)
    return rng.permutation(p)


def at_storeys_boundary(rng, n, alpha):
    """1 + #{p > lambda} = n/2, a power of two: the critical values are doubles."""
    above = n // 2 - 1
    k = np.arange(1, n - above + 1)
    critical = k * alpha * (1.0 - LAMBDA) / (above + 1)
    p = np.choose(rng.integers(0, 3, len(k)), [critical, np.nextafter(critical, 0), np.nextafter(critical, 1)])
    return rng.permutation(np.concatenate([p, rng.uniform(0.6, 1.0, above)]))


KINDS = {
    "random": lambda rng, n: rng.random(n),
    "signal": lambda rng, n: np.where(rng.random(n) < 0.3, rng.random(n) * 0.01, rng.random(n)),
    "tied": lambda rng, n: rng.integers(0, 12, n) / 64.0,
    "ends": lambda rng, n: np.choose(rng.integers(0, 3, n), [0.0, 1.0, 0.03]),
}


def case(kind, p, alpha, methods):
    results = {}
    for method in methods:
        found = PROCEDURES[method](p, alpha)
        if found is None:
            continue
        reject, adjusted = found
        results[method] = {"rejected": "".join("1" if r else "0" for r in reject)}
        if adjusted is not None:
            results[method]["adjusted"] = adjusted
    return {"kind": kind, "alpha": alpha, "lambda": LAMBDA, "kappa": KAPPA, "beta": BETA, "p": p.tolist(),
            "results": results}


def cases(rng):
    for kind, draw in KINDS.items():
        for n in SIZES:
            yield case(kind, draw(rng, n), float(rng.choice([0.01, 0.05, 0.2])), PROCEDURES)
    for method in (*STATSMODELS, "fixed"):
        for n in (*SIZES, 512):
            alpha = float(rng.choice([0.01, 0.05, 0.1, 0.3]))
            yield case("boundary", at_boundary(rng, n, critical_values(method, n, alpha)), alpha, [method])
    for n in (2, 4, 16, 64, 256):
        for alpha in (0.0625, 0.25):
            yield case("boundary", at_boundary(rng, n, critical_values("e_bh", n, alpha)), alpha, ["e_bh"])
            yield case("boundary", at_storeys_boundary(rng, n, alpha), alpha, ["storey"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = pathlib.Path(__file__).resolve().parents[2]
    parser.add_argument("--out", type=pathlib.Path, default=root / "tests/data/stats")
    out = parser.parse_args().out
    seed = 6
    head = header(seed, "statsmodels.stats.multitest.multipletests; exact rationals (fractions.Fraction)")
    head["made_by"] = "tools/oracles/make_procedure_tables.py"
    lines = [json.dumps(one, separators=(",", ":")) for one in cases(np.random.default_rng(seed))]
    (out / "procedures.json").write_text('{"header":%s,\n"cases":[\n%s\n]}\n' % (json.dumps(head), ",\n".join(lines)))


if __name__ == "__main__":
    main()
