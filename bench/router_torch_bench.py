#!/usr/bin/env python3
"""What router_cuda_bench is compared with: top-8 routing in torch (softmax over all experts, then topk), eager kernels
in a replayed CUDA graph, on the same shapes, each call on inputs of its own until they exceed 100 MB."""
import statistics
import sys

try:
    import torch
except ImportError:
    sys.exit("router_torch_bench: torch is not installed here")
if not torch.cuda.is_available():
    sys.exit("router_torch_bench: no NVIDIA GPU here")


def route(logits):
    weights, ids = torch.topk(torch.softmax(logits, dim=-1), 8, dim=-1)
    return weights, ids


def microseconds(num_tokens, num_experts):
    copies = min(200, max(2, 100_000_000 // (num_tokens * num_experts * 4) + 1))
    inputs = [torch.randn(num_tokens, num_experts, device="cuda") for _ in range(copies)]
    calls = max(copies, 20)
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        route(inputs[0])
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        kept = [route(inputs[i % copies]) for i in range(calls)]
    times = []
    for _ in range(13):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        graph.replay()
        end.record()
        end.synchronize()
        times.append(1000 * begin.elapsed_time(end) / calls)
    del kept
    return statistics.median(times[3:]), min(times[3:]), max(times[3:])


print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}: softmax + topk(8)")
for experts in (64, 128):
    for tokens in (1, 256, 4096, 16384, 131072):
        median, least, most = microseconds(tokens, experts)
        print(f"N {experts:>3} {tokens:>8} tokens {median:>9.2f} us [{least:.2f} - {most:.2f}]")
