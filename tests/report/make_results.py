"""Writes a SYNTHETIC results.json for trials of the report: no model made these numbers.

They resemble a sweep of a model of 16 layers and 64 experts, so that the page's figures have something plausible to draw.

    make_results.py FILE [--hostile] [--partial]
"""
import argparse
import json
import math
import random

NUM_LAYERS, NUM_EXPERTS, TOP_K, NUM_TOKENS = 16, 64, 8, 6120
STATIC_LOSS = {1: 6.8216, 2: 5.0440, 4: 4.1081, 6: 3.8341, 8: 3.7215, 12: 3.6025, 16: 3.5460}
# alpha: (mean experts, loss) at max_k 16
ALL = {0.01: (1.007, 6.8061), 0.05: (1.083, 6.6882), 0.1: (1.238, 6.4829), 0.2: (1.719, 6.1326)}
UNSELECTED = {0.01: (2.297, 5.5744), 0.05: (3.653, 5.0221), 0.1: (4.704, 4.7549), 0.2: (6.235, 4.4432)}
RENORMALIZED = {0.01: (1.178, 8.334), 0.05: (2.683, 8.318), 0.1: (4.471, 8.115), 0.2: (7.280, 7.911)}
MAX_K_EXPERTS = {4: 0.58, 8: 0.83, 16: 1.0, 32: 1.17, 64: 1.32}  # scales what goes beyond the floor
HOSTILE_NAME = '</script><script>document.title="pwned"</script><img src=x onerror="document.title=1">'


def shares(mean, min_k, max_k):
    """Shares of k experts: a geometric tail above the floor, cut at the ceiling, with about the mean asked for."""
    low, high = 0.0, 0.9999
    for _ in range(60):
        ratio = (low + high) / 2
        weights = [ratio ** (k - min_k) for k in range(min_k, max_k + 1)]
        found = sum(w * k for w, k in zip(weights, range(min_k, max_k + 1))) / sum(weights)
        low, high = (ratio, high) if found < mean else (low, ratio)
    return {k: w / sum(weights) for k, w in zip(range(min_k, max_k + 1), weights)}


def moments(histogram):
    tokens = sum(histogram)
    mean = sum(k * n for k, n in enumerate(histogram)) / tokens
    return mean, math.sqrt(sum(n * (k - mean) ** 2 for k, n in enumerate(histogram)) / tokens)


def make_layer(rng, layer, mean, min_k, max_k):
    wanted = min_k + (mean - min_k) * (0.55 + 0.9 * layer / (NUM_LAYERS - 1)) if min_k < max_k else mean
    histogram = [0] * (NUM_EXPERTS + 1)
    for k, share in shares(min(wanted, max_k - 0.01) if min_k < max_k else mean, min_k, max_k).items():
        histogram[k] = round(share * NUM_TOKENS * 2)
    found, sd = moments(histogram)
    popularity = [rng.gammavariate(1.6, 1.0) for _ in range(NUM_EXPERTS)]
    chosen = sum(k * n for k, n in enumerate(histogram))
    tokens = sum(histogram)
    taken = [k for k, n in enumerate(histogram) if n]
    return {
        'layer': layer, 'num_tokens': tokens, 'mean_experts': found, 'sd': sd, 'min': taken[0], 'max': taken[-1],
        'floor_share': histogram[min_k] / tokens, 'ceiling_share': histogram[max_k] / tokens, 'histogram': histogram,
        'utilisation': [min(tokens, round(chosen * p / sum(popularity))) for p in popularity],
    }


def make_run(rng, name, role, marking, policy, mean, loss):
    fixed = policy['rule'] == 'top_k'
    min_k, max_k = (policy['k'],) * 2 if fixed else (policy['min_k'], policy['max_k'])
    layers = [make_layer(rng, layer, mean, min_k, max_k) for layer in range(NUM_LAYERS)]
    total = [sum(column) for column in zip(*(layer['histogram'] for layer in layers))]
    found, sd = moments(total)
    taken = [k for k, n in enumerate(total) if n]
    extra = loss - STATIC_LOSS[TOP_K]
    baseline = role == 'baseline'
    speed = 1400 * TOP_K / (TOP_K + 0.35 * (max_k - TOP_K))
    run = {
        'name': name, 'role': role, 'marking': marking, 'policy': policy, 'null': '', 'table': '',
        'perplexity': math.exp(loss), 'perplexity_se': math.exp(loss) * 0.028, 'loss': loss, 'loss_se': 0.028,
        'num_tokens': NUM_TOKENS, 'mean_experts': found, 'sd_experts': sd,
        'min_experts': taken[0], 'max_experts': taken[-1], 'floor_share': total[min_k] / sum(total),
        'ceiling_share': total[max_k] / sum(total), 'kl': max(0.0, 0.9 * extra + 0.02 * abs(extra)),
        'top1_agreement': 1.0 if baseline else max(0.15, 0.93 - 0.24 * abs(extra)),
        'relative_flops': (0.5 + found) / (0.5 + TOP_K), 'tokens_per_second': speed, 'ms_per_token': 1000 / speed,
        'histogram': total, 'loss_difference': extra, 'loss_difference_se': 0.0 if baseline else 0.004 + 0.006 * abs(extra), 'layers': layers,
    }
    if not fixed:
        run.update(null='unselected' if marking == 'unselected' else 'all', table=f"{run['null']}.safetensors")
    return run


def bh(alpha, max_k, weights='native'):
    return {'rule': 'bh', 'alpha': alpha, 'min_k': 1, 'max_k': max_k, 'weights': weights, 'temperature': 1.0}


def top_k(k):
    return {'rule': 'top_k', 'k': k, 'weights': 'native', 'temperature': 1.0}


def make_runs(rng):
    runs = [make_run(rng, 'top_k k=8', 'baseline', '', top_k(8), 8, STATIC_LOSS[8])]
    for max_k, scale in MAX_K_EXPERTS.items():
        for alpha, (mean, loss) in ALL.items():
            runs.append(make_run(rng, f'bh alpha={alpha:g} max_k={max_k}', 'grid', '', bh(alpha, max_k),
                                 1 + (mean - 1) * scale, loss + 0.02 * (1 - scale)))
    for alpha, (mean, loss) in RENORMALIZED.items():
        runs.append(make_run(rng, f'bh alpha={alpha:g} max_k=16 renormalized', 'reference', 'renormalized',
                             bh(alpha, 16, 'renormalized'), mean, loss))
    for alpha, (mean, loss) in UNSELECTED.items():
        runs.append(make_run(rng, f'bh alpha={alpha:g} max_k=16 unselected', 'reference', 'unselected',
                             bh(alpha, 16), mean, loss))
    for k in (1, 2, 4, 6, 12, 16):
        runs.append(make_run(rng, f'static top-{k}', 'reference', 'static', top_k(k), k, STATIC_LOSS[k]))
    return runs


def make_results():
    return {
        'model': {'name': 'synthetic-moe', 'architecture': 'olmoe', 'path': 'models/synthetic-moe.gguf',
                  'sha256': '5' * 64, 'num_experts': NUM_EXPERTS, 'top_k': TOP_K, 'moe_layers': list(range(NUM_LAYERS))},
        'text': {'path': 'data/synthetic.txt', 'sha256': 'a' * 64},
        'table': {'all': {'path': 'all.safetensors', 'sha256': 'b' * 64},
                   'unselected': {'path': 'unselected.safetensors', 'sha256': 'c' * 64}},
        'versions': {'bhroute': '0.0.0', 'llama.cpp': 'none (synthetic)'},
        'command': 'tests/report/make_results.py', 'windows': 24, 'window': 512, 'score': 'second_half',
        'notes': ['SYNTHETIC: these numbers were made up to try the report; no model produced them.'],
        'units': {'loss': 'nats'}, 'runs': make_runs(random.Random(20)),
    }


def without_parts(results):
    """What a sweep with a list of its own may leave: no baseline, no static points, no layers, bare runs."""
    results['runs'] = [run for run in results['runs'] if run['role'] == 'grid'][:6]
    for run in results['runs']:
        for key in ('layers', 'histogram', 'kl', 'top1_agreement', 'perplexity_se', 'loss_difference', 'loss_difference_se',
                    'floor_share', 'tokens_per_second'):
            run.pop(key)
    return results | {'notes': ['SYNTHETIC, in part.'], 'versions': {}}


def with_hostile_names(results):
    results['model']['name'] = results['text']['path'] = results['runs'][3]['name'] = HOSTILE_NAME
    results['notes'].append(HOSTILE_NAME)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('file')
    parser.add_argument('--hostile', action='store_true')
    parser.add_argument('--partial', action='store_true')
    arguments = parser.parse_args()
    results = make_results()
    if arguments.hostile:
        results = with_hostile_names(results)
    if arguments.partial:
        results = without_parts(results)
    with open(arguments.file, 'w', encoding='utf-8') as file:
        json.dump(results, file)


if __name__ == '__main__':
    main()
