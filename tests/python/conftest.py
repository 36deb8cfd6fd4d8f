"""What the tests of the package share: logits like a router's, and tables counted from them."""

import pathlib

import numpy as np
import pytest

import bhroute

NUM_EXPERTS, TOP_K = 64, 8
ROOT = pathlib.Path(__file__).resolve().parents[2]


def router_logits(num_tokens: int, num_experts: int = NUM_EXPERTS, seed: int = 1) -> np.ndarray:
    """Standard normal, a few experts of each token raised."""
    random = np.random.default_rng(seed)
    logits = random.standard_normal((num_tokens, num_experts), dtype=np.float32)
    raised = random.integers(0, num_experts, (num_tokens, max(1, num_experts // 16)))
    np.put_along_axis(logits, raised, np.take_along_axis(logits, raised, 1) + random.uniform(3, 5, raised.shape).astype(np.float32), 1)
    return logits


def make_table(num_experts: int = NUM_EXPERTS, layers: tuple[int, ...] = (0,), **options: object) -> bhroute.Table:
    calibrator = bhroute.Calibrator(num_experts, min(TOP_K, num_experts - 1), **({"null": "unselected"} | options))
    for layer in layers:
        calibrator.add(layer, router_logits(3000, num_experts, seed=100 + layer))
    return calibrator.finish(model_name="a test")


@pytest.fixture(scope="session")
def table() -> bhroute.Table:
    return make_table()
