#!/usr/bin/env python3
"""Are the original system's tables found, and are the p-values they give small where the router is sure?

    test_kde_pvalues.py [FOLDER]      FOLDER: distribution_model_layer_<i>.pkl (default: the places load_kde_models searches)

Two findings: the tables are loaded; the top experts are significant. Exit code 1 if one does not hold, 2 without tables.
"""

import sys

import torch

from bhroute.bh_routing import benjamini_hochberg_routing, load_kde_models

NUM_EXPERTS, NUM_TOKENS, NUM_BOOSTED, ALPHA = 64, 10, 8, 0.05


def router_logits():
    """Standard normal logits, of which the first eight experts' are raised, three of them further."""
    logits = torch.randn(NUM_TOKENS, NUM_EXPERTS, generator=torch.Generator().manual_seed(42))
    logits[:, :NUM_BOOSTED] += 2.0
    logits[:, :3] += 1.0
    return logits


def main(arguments):
    models = load_kde_models(*arguments[:1])
    if not models:
        print("no tables found: name a folder, or set BHROUTE_KDE_DIR", file=sys.stderr)
        return 2
    print(f"1. tables loaded: {len(models)} layers, {len(models[min(models)]['x'])} points each")
    logits = router_logits()
    layer = min(models)
    _, selected, counts, stats = benjamini_hochberg_routing(logits, alpha=ALPHA, layer_idx=layer, kde_models=models,
                                                            return_stats=True)
    p, critical = stats["p_values"], stats["critical_values"]
    for token in range(3):
        print(f"   token {token}: {int(counts[token])} selected, p-values "
              + " ".join(f"{value:.6f}" for value in p[token].sort().values[:8]))
    print("   critical values  " + " ".join(f"{value:.6f}" for value in critical[:8]))
    top, rest = p[:, :NUM_BOOSTED].mean(), p[:, NUM_BOOSTED:].mean()
    significant = bool((p.min(dim=-1).values <= critical[0]).any()) and bool(top < rest / 5)
    print(f"2. top experts significant: {significant}; mean p-value of the raised experts {top:.4f}, of the rest {rest:.4f}")
    return 0 if significant else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
