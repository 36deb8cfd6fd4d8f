"""Writes a SYNTHETIC results.json for trials of the report: no model made these numbers.

They resemble a sweep of a model of 16 layers and 64 experts, so that the page's figures have something plausible to draw.

    make_results.py FILE [--hostile] [--partial] [--elastic]
"""
import argparse
import json
import math
import random

NUM_LAYERS, NUM_EXPERTS, TOP_K, NUM_TOKENS = 16, 64, 8, 6120
STATIC_LOSS = {1: 6.8216, 2: 5.0440, 3: 4.4296, 4: 4.1081, 5: 3.9387, 6: 3.8341, 7: 3.7708, 8: 3.7215, 12: 3.6025, 16: 3.5460}
MASS_LOSS = {4: 3.9111, 5: 3.8060, 6: 3.7560, 8: 3.7215}
ELASTIC_LOSS = {2: 4.026, 3: 3.756, 4: 3.659, 5: 3.609, 6: 3.584, 7: 3.567, 8: 3.558}
# name, policy, mean experts, loss minus the fixed count's
RIVALS = (('ser kmin=2 t=0.4', {'rule': 'ser', 't': 0.4, 'min_k': 2, 'max_k': 8}, 5.4, 0.031),
          ('top_p p=0.5', {'rule': 'top_p', 'p': 0.5, 'min_k': 1, 'max_k': 16}, 5.9, 0.053),
          ('min_p m=0.3', {'rule': 'min_p', 'm': 0.3, 'min_k': 1, 'max_k': 16}, 5.0, 0.052),
          ('rank_signal 5', {'rule': 'rank_signal', 'rank': 5, 'k0': 5, 'min_k': 4, 'max_k': 6}, 5.02, -0.006))
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


def interpolated(curve, mean):
    """Loss of a fixed count at a mean between two of them, None outside."""
    below, above = [k for k in curve if k <= mean + 1e-9], [k for k in curve if k >= mean - 1e-9]
    if not below or not above:
        return None
    low, high = max(below), min(above)
    return curve[low] if low == high else curve[low] + (curve[high] - curve[low]) * (mean - low) / (high - low)


def add_interval(run, key, value, width):
    run[key], run[f'{key}_low'], run[f'{key}_high'] = value, value - width, value + width


def distinct(mean):
    return [{'batch': batch, 'experts': NUM_EXPERTS * (1 - (1 - mean / NUM_EXPERTS) ** (0.7 * batch + 0.3))}
            for batch in (1, 2, 4, 8, 16, 32)]


def tasks(loss):
    made = []
    for name, items, best in (('lambada', 200, 0.6), ('hellaswag', 100, 0.9)):
        correct = round(items * max(0.02, best - 0.15 * loss))
        share = correct / items
        made.append({'task': name, 'path': f'data/tasks/{name}.jsonl', 'sha256': 'd' * 64, 'num_items': items, 'num_correct': correct,
                     'accuracy': share, 'accuracy_low': max(0, share - 0.06), 'accuracy_high': share + 0.06})
    return made


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
    add_interval(run, 'loss_difference', extra, 0.0 if baseline else 0.01 + 0.01 * abs(extra))
    reference = interpolated(MASS_LOSS if policy['weights'] == 'mass' else STATIC_LOSS, found)
    if reference is not None:
        add_interval(run, 'static_difference', loss - reference, 0.0 if fixed else 0.003 + 0.02 * abs(loss - reference))
        run['static_reference'] = f"top_k weights={policy['weights']}, k near {found:.1f}"
    run.update(distinct_experts=distinct(found), retained_mass=min(1.2, (found / TOP_K) ** 0.4), gini=0.5,
               top_k_overlap=min(1.0, found / TOP_K), determinism=1.0)
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
    for k in (k for k in STATIC_LOSS if k != TOP_K):
        runs.append(make_run(rng, f'static top-{k}', 'reference', 'static', top_k(k), k, STATIC_LOSS[k]))
    return runs


def make_rivals(rng):
    runs = [make_run(rng, f'static top-{k} mass', 'reference', 'static', top_k(k) | {'weights': 'mass'}, k, MASS_LOSS[k])
            for k in (4, 5, 6)]
    for name, policy, mean, gap in RIVALS:
        marking = 'tuned' if policy['rule'] == 'rank_signal' else 'rival'
        made = make_run(rng, name, 'reference', marking, policy | {'weights': 'mass', 'temperature': 1.0}, mean, 0)
        loss = interpolated(MASS_LOSS, made['mean_experts']) + gap
        runs.append(make_run(random.Random(name), name, 'reference', marking, made['policy'], mean, loss))
    for run in (runs[1], runs[-1]):
        run['tasks'] = tasks(run['loss'])
    return runs


def make_elastic():
    """A second model on the same text: cheaper at the same loss."""
    rng = random.Random(21)
    runs = [make_run(rng, 'top-8 (the model\'s own)', 'baseline', '', top_k(8), 8, ELASTIC_LOSS[8])]
    runs += [make_run(rng, f'static top-{k}', 'reference', 'static', top_k(k), k, ELASTIC_LOSS[k]) for k in range(2, 8)]
    policy = {'rule': 'bh', 'alpha': 0.9989997863769531, 'min_k': 3, 'max_k': 5, 'weights': 'mass', 'temperature': 1.0}
    runs.append(make_run(rng, 'tuned for 4', 'reference', 'tuned', policy, 4.0, ELASTIC_LOSS[4] - 0.006))
    for run in runs:
        add_interval(run, 'loss_difference', run['loss'] - ELASTIC_LOSS[8], 0.01)
        add_interval(run, 'static_difference', run['loss'] - interpolated(ELASTIC_LOSS, min(8, run['mean_experts'])), 0.003)
        add_interval(run, 'reference_difference', run['loss'] - STATIC_LOSS[8], 0.02)
    runs[-1]['tasks'] = tasks(runs[-1]['loss'])
    results = make_results()
    results['model'] = results['model'] | {'name': 'synthetic-elastic'}
    results.pop('check')
    return results | {'runs': runs}


def make_check():
    expected = [10 ** (-4 + 4 * i / 40) for i in range(41)]
    return {'table': 'unselected.safetensors', 'null': 'unselected', 'statistic': 'log_prob', 'pooling': 'pooled', 'layers': [
        {'layer': layer, 'ks': 0.004 + 0.002 * layer, 'verdict': 'holds' if layer < 9 else 'holds roughly',
         'qq': [[p, min(1.0, p ** (1 + 0.004 * layer))] for p in expected],
         'drift': {'ks': 0.01 + 0.003 * layer, 'mean_shift': 0.01 * layer, 'sd_ratio': 1 + 0.002 * layer}}
        for layer in range(NUM_LAYERS)]}


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
        'units': {'loss': 'nats'}, 'check': make_check(),
        'runs': make_runs(random.Random(20)) + make_rivals(random.Random(22)),
    }


def without_parts(results):
    """What a sweep with a list of its own may leave: no baseline, no static points, no layers, bare runs."""
    results['runs'] = [run for run in results['runs'] if run['role'] == 'grid'][:6]
    for run in results['runs']:
        for key in ('layers', 'histogram', 'kl', 'top1_agreement', 'perplexity_se', 'loss_difference', 'loss_difference_se',
                    'floor_share', 'tokens_per_second', 'distinct_experts', 'retained_mass', 'static_difference_low',
                    'loss_difference_low'):
            run.pop(key, None)
    results.pop('check')
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
    parser.add_argument('--elastic', action='store_true')
    arguments = parser.parse_args()
    results = make_elastic() if arguments.elastic else make_results()
    if arguments.hostile:
        results = with_hostile_names(results)
    if arguments.partial:
        results = without_parts(results)
    with open(arguments.file, 'w', encoding='utf-8') as file:
        json.dump(results, file)


if __name__ == '__main__':
    main()
