#!/usr/bin/env python3
"""What skipping experts saves in transformers, on a GPU: OLMoE-1B-7B's layer sizes, random bf16 weights, `grouped_mm`.

    moe_block_bench.py [--block] [--model] [--rounds 15] [--json FILE]

--block: one mixture-of-experts block on 8,192 tokens, its own top-8 and Benjamini-Hochberg at mean 4 experts, in narrow
rows (3 to 5 experts) and wide ones (1 to 8). --model: prefill and decode of 16 layers at mean 8, 6 and 4. Times are medians
of rounds that interleave the rows, by CUDA events; ratios are to the untouched model of the same run. The policies' alpha is
chosen so that the mean is met on the run's own logits: random weights have no meaning, only a cost.
"""

import argparse
import contextlib
import json
import statistics
import warnings

import torch
import transformers

import bhroute
from bhroute.transformers import calibrate, patch

OLMOE_1B_7B = {"vocab_size": 50304, "hidden_size": 2048, "intermediate_size": 1024, "num_attention_heads": 16,
               "num_key_value_heads": 16, "num_experts": 64, "num_experts_per_tok": 8, "max_position_embeddings": 4096}
BANDS = {8: [], 6: [(5, 7), (1, 8)], 4: [(3, 5), (1, 8)]}
DECODED = 16  # tokens of a timed decode
ALPHAS = [10 ** (-2 + i / 20) for i in range(40)]


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
    """(policy, its mean on `ids`) of the alpha whose mean is nearest."""
    found = []
    for alpha in ALPHAS:
        policy = f"bh:alpha={min(alpha, 0.999):.6g},min_k={min_k},max_k={max_k}"
        with patch(model, policy, table) as patched, torch.no_grad():
            model(input_ids=ids, use_cache=False)
        found.append((abs(mean_experts(patched) - mean), policy, mean_experts(patched)))
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


def bench_model(rounds):
    model = make_model(16)
    ids = torch.randint(0, 50304, (4, 2048), device="cuda")
    table = calibrate(model, ids.cpu()[:2], null="unselected")
    rows = policies(model, ids, table)

    @torch.no_grad()
    def prefill():
        return milliseconds(lambda: model(input_ids=ids, use_cache=True, logits_to_keep=1))

    results = {"prefill": report("16 layers, prefill of 4 x 2,048 tokens, ms", rows,
                                 measure(model, table, rows, prefill, rounds))}
    for batch, implementation in ((1, "grouped_mm"), (1, "batched_mm"), (32, "grouped_mm")):
        model.set_experts_implementation(implementation)
        prompt = ids.reshape(-1)[: batch * 64].reshape(batch, 64)

        @torch.no_grad()
        def decode():
            cache, token = model(input_ids=prompt, use_cache=True).past_key_values, prompt[:, -1:]
            return milliseconds(lambda: [model(input_ids=token, past_key_values=cache) for _ in range(DECODED)]) / DECODED

        title = f"16 layers, decode after a prompt of 64, batch {batch}, {implementation}, ms a token"
        results[f"decode {batch} {implementation}"] = report(title, rows, measure(model, table, rows, decode, rounds))
        if batch == 1:
            profile_host(model, table, rows, decode, DECODED)
    return results


def main():
    warnings.simplefilter("ignore")  # of what batched_mm cannot skip: its rows are there to show it
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--block", action="store_true")
    parser.add_argument("--model", action="store_true")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json")
    chosen = parser.parse_args()
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, transformers {transformers.__version__}, "
          f"bhroute {bhroute.__version__}")
    results = {}
    if chosen.block or not chosen.model:
        results["block"] = bench_block(chosen.rounds)
    if chosen.model or not chosen.block:
        results["model"] = bench_model(chosen.rounds)
    if chosen.json:
        with open(chosen.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
