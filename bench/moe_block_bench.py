#!/usr/bin/env python3
"""What skipping experts saves in transformers, on a GPU: OLMoE-1B-7B's layer sizes, random bf16 weights, `grouped_mm`.

    moe_block_bench.py [--block] [--model] [--captured] [--rounds 15] [--json FILE]

--block: one mixture-of-experts block on 8,192 tokens, its own top-8 and Benjamini-Hochberg at mean 4 experts, in narrow
rows (3 to 5 experts) and wide ones (1 to 8). --model: prefill and decode of 16 layers at mean 8, 6 and 4. --captured: decode
alone, a token a replay of a CUDA graph, so that the host's time does not count. Times are medians of rounds that interleave
the rows, by CUDA events; ratios are to the untouched model of the same run. The policies' alpha is chosen so that the mean is
met on the run's own logits: random weights have no meaning, only a cost.
"""

import argparse
import contextlib
import json
import math
import statistics
import warnings

import torch
import transformers

import bhroute
from bhroute.transformers import calibrate, patch

OLMOE_1B_7B = {"vocab_size": 50304, "hidden_size": 2048, "intermediate_size": 1024, "num_attention_heads": 16,
               "num_key_value_heads": 16, "num_experts": 64, "num_experts_per_tok": 8, "max_position_embeddings": 4096}
BANDS = {8: [], 6: [(5, 7), (1, 8)], 4: [(3, 5), (1, 8)]}
PROMPT, DECODED = 64, 16  # tokens before a timed decode, and of it
LEAST_ALPHA, MOST_ALPHA = 5e-4, 0.999  # the least that the null's sample allows
STEPS = 14  # of the search for alpha
WARM_UP = 3  # tokens before a capture


def make_model(num_layers, seed=0):
    """Routers get the spread of a trained one's logits (sd about 1.5): at 0.02 all experts would be alike."""
    torch.manual_seed(seed)
    config = transformers.OlmoeConfig(num_hidden_layers=num_layers, **OLMOE_1B_7B)
    with torch.device("cuda"):
        model = transformers.OlmoeForCausalLM._from_config(config, dtype=torch.bfloat16).eval()
    for layer in model.model.layers:
        layer.mlp.gate.weight.data.normal_(std=1.5 / OLMOE_1B_7B["hidden_size"] ** 0.5)
    model.set_experts_implementation("grouped_mm")
    return model


def mean_experts(patched):
    layers = patched.statistics()
    return sum(layer["mean_experts"] for layer in layers) / len(layers)


def fit(model, ids, table, mean, min_k, max_k):
    """(policy, its mean on `ids`) of the alpha whose mean is nearest, by bisection of its logarithm."""
    found = []
    low, high = math.log(LEAST_ALPHA), math.log(MOST_ALPHA)
    for _ in range(STEPS):
        policy = f"bh:alpha={math.exp((low + high) / 2):.6g},min_k={min_k},max_k={max_k}"
        with patch(model, policy, table) as patched, torch.no_grad():
            model(input_ids=ids, use_cache=False)
        reached = mean_experts(patched)
        found.append((abs(reached - mean), policy, reached))
        low, high = ((low + high) / 2, high) if reached < mean else (low, (low + high) / 2)
    return min(found)[1:]


def policies(model, ids, table):
    """[(name, policy or None for the untouched model, mean)]"""
    rows = [("own top-8", None, 8.0)]
    for mean, bands in BANDS.items():
        if mean != 8:
            rows.append((f"top_k:k={mean}", f"top_k:k={mean}", float(mean)))
        for min_k, max_k in bands:
            policy, found = fit(model, ids, table, mean, min_k, max_k)
            rows.append((f"BH {min_k} to {max_k}", policy, found))
    return rows


def milliseconds(run):
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    run()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end)


def under(model, policy, table):
    """The untouched model where the policy is None."""
    return contextlib.nullcontext() if policy is None else patch(model, policy, table, statistics=False)


def measure(model, table, rows, timed, rounds):
    """Medians of what timed() returns, the rows one after another in every round."""
    times = [[] for _ in rows]
    for turn in range(rounds + 1):
        for row, (_, policy, _) in enumerate(rows):
            with under(model, policy, table):
                timed()
                spent = timed()
            if turn > 0:
                times[row].append(spent)
    return [statistics.median(one) for one in times]


def profile(model, table, rows, run):
    """Microseconds of each row's kernels, the matrix products apart from all the rest."""
    print(f"\n{'kernels, us a call':22} {'products':>9} {'rest':>9}")
    for name, policy, mean in rows:
        with under(model, policy, table), torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as seen:
            run()
            torch.cuda.synchronize()
        kernels = [(event.key, event.device_time_total) for event in seen.key_averages()]
        products = sum(spent for key, spent in kernels if "gemm" in key.lower() or "cutlass" in key.lower())
        rest = sorted(((key, spent) for key, spent in kernels if "gemm" not in key.lower() and "cutlass" not in key.lower()),
                      key=lambda one: -one[1])
        print(f"{name + f' ({mean:.2f})':22} {products:9.0f} {sum(spent for _, spent in rest):9.0f}   "
              + "; ".join(f"{key[:60]} {spent:.0f}" for key, spent in rest[:5]))


def profile_host(model, table, rows, run, num_tokens):
    """What a token of decode costs the host and the GPU: launches, the kernels' time, the operators' own time on the CPU."""
    activities = [torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]
    print(f"\n{'decode, a token':22} {'launches':>9} {'GPU busy, ms':>13}   most host time (calls, us)")
    for name, policy, mean in rows:
        with under(model, policy, table):
            run()
            with torch.profiler.profile(activities=activities) as seen:
                run()
        events = seen.key_averages()
        launches = sum(event.count for event in events if event.key.startswith(("cudaLaunchKernel", "cuLaunchKernel")))
        busy = sum(event.self_device_time_total for event in events if event.device_type == torch.autograd.DeviceType.CUDA)
        dearest = sorted(events, key=lambda event: -event.self_cpu_time_total)[:8]
        print(f"{name + f' ({mean:.2f})':22} {launches / num_tokens:9.0f} {busy / num_tokens / 1000:13.2f}   "
              + "; ".join(f"{event.key[:40]} ({event.count / num_tokens:.0f}, {event.self_cpu_time_total / num_tokens:.0f})" for event in dearest))


def report(title, rows, medians):
    print(f"\n{title}\n{'':14} {'mean':>6} {'ms':>9} {'ratio':>6}")
    for (name, _, mean), spent in zip(rows, medians):
        print(f"{name:14} {mean:6.3f} {spent:9.3f} {spent / medians[0]:6.3f}", flush=True)
    return [{"name": name, "policy": policy, "mean_experts": mean, "ms": spent, "ratio": spent / medians[0]}
            for (name, policy, mean), spent in zip(rows, medians)]


def bench_block(rounds, num_tokens=8192):
    model = make_model(1)
    ids = torch.randint(0, 50304, (4, num_tokens // 4), device="cuda")
    table = calibrate(model, ids.cpu(), null="unselected")
    rows = policies(model, ids, table)
    block = model.model.layers[0].mlp
    seen = []
    hook = block.register_forward_pre_hook(lambda _module, arguments: seen.append(arguments[0].detach().clone()))
    with torch.no_grad():
        model(input_ids=ids, use_cache=False)
    hook.remove()

    @torch.no_grad()
    def run():
        block(seen[0])

    def timed():
        return milliseconds(lambda: [run() for _ in range(5)]) / 5

    results = report(f"one block, {num_tokens} tokens, ms a call", rows, measure(model, table, rows, timed, rounds))
    profile(model, table, rows, run)
    return results


CONFIGURATIONS = ((1, "grouped_mm"), (1, "batched_mm"), (32, "grouped_mm"))  # of decode: batch, experts' implementation


def make_rows():
    """(model of 16 layers, table, rows, ids)"""
    model = make_model(16)
    ids = torch.randint(0, 50304, (4, 2048), device="cuda")
    table = calibrate(model, ids.cpu()[:2], null="unselected")
    return model, table, policies(model, ids, table), ids


def first_tokens(ids, batch):
    return ids.reshape(-1)[: batch * PROMPT].reshape(batch, PROMPT)


def bench_decode(model, table, rows, prompt, implementation, rounds):
    model.set_experts_implementation(implementation)

    @torch.no_grad()
    def decode():
        cache, token = model(input_ids=prompt, use_cache=True).past_key_values, prompt[:, -1:]
        return milliseconds(lambda: [model(input_ids=token, past_key_values=cache) for _ in range(DECODED)]) / DECODED

    title = f"16 layers, decode after a prompt of {PROMPT}, batch {len(prompt)}, {implementation}, ms a token"
    results = report(title, rows, measure(model, table, rows, decode, rounds))
    profile_host(model, table, rows, decode, DECODED)
    return results


def bench_model(rounds):
    model, table, rows, ids = make_rows()

    @torch.no_grad()
    def prefill():
        return milliseconds(lambda: model(input_ids=ids, use_cache=True, logits_to_keep=1))

    results = {"prefill": report("16 layers, prefill of 4 x 2,048 tokens, ms", rows,
                                 measure(model, table, rows, prefill, rounds))}
    for batch, implementation in CONFIGURATIONS:
        name = f"decode {batch} {implementation}"
        results[name] = bench_decode(model, table, rows, first_tokens(ids, batch), implementation, rounds)
    return results


@torch.no_grad()
def capture(model, prompt, num_tokens):
    """A replay is a token's decode, on a static cache that holds the prompt and has room for `num_tokens`: each takes a place."""
    room = prompt.shape[1] + WARM_UP + num_tokens
    cache, token = transformers.StaticCache(config=model.config, max_cache_len=room), prompt[:, -1:].clone()
    model(input_ids=prompt, past_key_values=cache, use_cache=True)
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())  # which still writes the prompt's keys and values
    with torch.cuda.stream(side):
        for _ in range(WARM_UP):
            model(input_ids=token, past_key_values=cache, use_cache=True)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        model(input_ids=token, past_key_values=cache, use_cache=True)
    return graph, cache


def capture_rows(model, table, rows, prompt, num_tokens):
    """(graph, what it reads) of each row: the cache and the patch, whose policies' constants are on the device."""
    graphs = []
    for _, policy, _ in rows:
        with under(model, policy, table) as patched:
            graphs.append((*capture(model, prompt, num_tokens), patched))
    return graphs


def bench_captured(rounds):
    model, table, rows, ids = make_rows()
    results = {}
    for batch, implementation in CONFIGURATIONS:
        model.set_experts_implementation(implementation)
        graphs = capture_rows(model, table, rows, first_tokens(ids, batch), DECODED * (rounds + 1))
        times = [[milliseconds(lambda: [graph.replay() for _ in range(DECODED)]) / DECODED for graph, *_ in graphs]
                 for _ in range(rounds + 1)][1:]
        title = f"16 layers, captured decode after a prompt of {PROMPT}, batch {batch}, {implementation}, ms a token"
        results[f"captured {batch} {implementation}"] = report(title, rows, [statistics.median(one) for one in zip(*times)])
    return results


def main():
    warnings.simplefilter("ignore")  # of what batched_mm cannot skip: its rows are there to show it
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--block", action="store_true")
    parser.add_argument("--model", action="store_true")
    parser.add_argument("--captured", action="store_true")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json")
    chosen = parser.parse_args()
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, transformers {transformers.__version__}, "
          f"bhroute {bhroute.__version__}")
    results = {}
    benches = {"block": bench_block, "model": bench_model, "captured": bench_captured}
    wanted = [name for name in benches if getattr(chosen, name)]
    for name in wanted or benches:
        results[name] = benches[name](chosen.rounds)
    if chosen.json:
        with open(chosen.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
