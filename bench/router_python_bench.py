#!/usr/bin/env python3
"""The torch operator against the original system's algorithm in torch and numpy:  router_python_bench.py [--tokens 16384]

N = 64, BH at alpha 0.05 with max_k 8, a null of 10,000 grid points. One thread of the CPU; on an NVIDIA GPU too, where
there is one (the operator there replayed in a CUDA graph). Median [least - most] of 15 rounds, taken in turn.
"""

import argparse
import statistics
import time

import numpy as np
import torch

import bhroute
from bhroute.torch import Router

NUM_EXPERTS, ALPHA, MAX_K, EPS = 64, 0.05, 8, torch.finfo(torch.float32).eps


def router_logits(num_tokens: int) -> torch.Tensor:
    """Standard normal, one expert in sixteen raised."""
    random = np.random.default_rng(20240501)
    logits = random.standard_normal((num_tokens, NUM_EXPERTS), dtype=np.float32)
    rows = np.arange(num_tokens)
    for _ in range(NUM_EXPERTS // 16):
        logits[rows, random.integers(0, NUM_EXPERTS, num_tokens)] += random.uniform(4.5, 5.5, num_tokens).astype(np.float32)
    return torch.from_numpy(logits)


def original(logits: torch.Tensor, x: np.ndarray, cdf: np.ndarray) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """p-values by np.interp on the host, then sort, step-up, renormalised dense weights and padded ids."""
    p = torch.from_numpy(1.0 - np.interp(logits.cpu().numpy().ravel(), x, cdf)).float().view_as(logits).to(logits.device)
    p = p.clamp(EPS, 1 - EPS)
    sorted_p, order = torch.sort(p, dim=-1)
    ranks = torch.arange(1, NUM_EXPERTS + 1, device=logits.device)
    passes = sorted_p <= ranks / NUM_EXPERTS * ALPHA
    num = torch.where(passes, ranks, 0).amax(-1).clamp(1, MAX_K)
    chosen = ranks <= num[:, None]
    weights = torch.softmax(logits, -1) * torch.zeros_like(chosen).scatter(-1, order, chosen)
    weights = weights / weights.sum(-1, keepdim=True)
    return weights, order[:, :MAX_K].masked_fill(~chosen[:, :MAX_K], -1), num


def make_router(x: np.ndarray, cdf: np.ndarray) -> Router:
    table = bhroute.Table.from_grids({0: (x, cdf)})
    policy = bhroute.Policy(f"bh:alpha={ALPHA},max_k={MAX_K},weights=renormalized,clamp_p_values=true",
                            num_experts=NUM_EXPERTS, top_k=8, table=table)
    return Router(policy)


def in_turn(contenders: dict, rounds: int = 15) -> dict[str, list[float]]:
    times = {name: [] for name in contenders}
    for round_ in range(-2, rounds):
        for name, call in contenders.items():
            begin = time.perf_counter()
            call()
            if round_ >= 0:
                times[name].append(1e6 * (time.perf_counter() - begin))
    return times


def tell(where: str, tokens: int, times: dict[str, list[float]]) -> None:
    print(f"{where}, {tokens} tokens, N = {NUM_EXPERTS}, microseconds")
    for name, values in times.items():
        print(f"  {name:<22}{statistics.median(values):>12.1f} [{min(values):.1f} - {max(values):.1f}]")
    ratios = sorted(a / b for a, b in zip(*times.values()))
    print(f"  ratio {ratios[len(ratios) // 2]:.0f} [{ratios[0]:.0f} - {ratios[-1]:.0f}]")


def replayed(router: Router, logits: torch.Tensor, launches: int = 100):
    """A call that replays `launches` of the operator and returns when they are done."""
    router(logits)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(launches):
            router(logits)

    def call() -> None:
        graph.replay()
        torch.cuda.synchronize()

    return call


def on_gpu(router: Router, logits: torch.Tensor, x: np.ndarray, cdf: np.ndarray) -> None:
    def by_original() -> None:
        original(logits, x, cdf)
        torch.cuda.synchronize()

    times = in_turn({"original's algorithm": by_original, "operator": replayed(router, logits)})
    times["operator"] = [t / 100 for t in times["operator"]]
    tell(torch.cuda.get_device_name(), len(logits), times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=16384)
    tokens = parser.parse_args().tokens
    torch.set_num_threads(1)
    x = np.linspace(-6, 6, 10000)
    cdf = torch.special.ndtr(torch.from_numpy(x)).numpy()
    router, logits = make_router(x, cdf), router_logits(tokens)
    out, (_, ids, num) = router(logits), original(logits, x, cdf)
    agree = (out.num_selected == num).float().mean().item()
    print(f"counts agree in {100 * agree:.2f} % of tokens; {num.float().mean():.2f} experts a token")
    tell("CPU, one thread", tokens, in_turn({"original's algorithm": lambda: original(logits, x, cdf), "operator": lambda: router(logits)}))
    if torch.cuda.is_available():
        for size in (4096, tokens):
            on_gpu(router, logits[:size].cuda(), x, cdf)


if __name__ == "__main__":
    main()
