"""Makes tests/data/stats/kolmogorov_smirnov.json: scipy's distances of random samples with ties."""

import json
import pathlib
import platform

import numpy
import scipy
from scipy import stats

SEED = 5
OUT = pathlib.Path(__file__).resolve().parents[2] / "tests/data/stats/kolmogorov_smirnov.json"


def case(rng, size, steps):
    p = numpy.clip(numpy.round(rng.beta(1.0, 1.2, size) * steps) / steps, 0, 1)
    a = numpy.round(rng.normal(0, 1, size) * 8) / 8
    b = numpy.round(rng.normal(0.2, 1.1, size + 7) * 8) / 8
    return {"p": p.tolist(), "uniform": stats.kstest(p, "uniform").statistic, "a": a.tolist(), "b": b.tolist(),
            "two": stats.ks_2samp(a, b).statistic, "share": 0.3,
            "quantile": float(numpy.quantile(p, 0.3, method="inverted_cdf"))}


def main():
    rng = numpy.random.default_rng(SEED)
    cases = [case(rng, size, steps) for size in (1, 2, 9, 60) for steps in (4, 1000)]
    versions = {"python": platform.python_version(), "numpy": numpy.__version__, "scipy": scipy.__version__}
    header = {"made_by": "tools/oracles/make_ks_table.py", "source": "scipy.stats.kstest, ks_2samp", "seed": SEED,
              "versions": versions}
    OUT.write_text(json.dumps({"header": header, "cases": cases}) + "\n")


if __name__ == "__main__":
    main()
