#!/usr/bin/env python3
"""Does Benjamini-Hochberg select a number of experts that follows the token and alpha?

    test_bh_routing.py [FOLDER]       FOLDER: distribution_model_layer_<i>.pkl (default: the places load_kde_models searches)

Two findings: counts vary from token to token; a higher alpha selects more. Exit code 1 if one does not hold, 2 without
tables.
"""

import sys

from test_kde_pvalues import router_logits

from bhroute.bh_routing import benjamini_hochberg_routing, compute_routing_statistics, load_kde_models, topk_routing

ALPHAS = (0.01, 0.05, 0.10, 0.20)


def main(arguments):
    models = load_kde_models(*arguments[:1])
    if not models:
        print("no tables found: name a folder, or set BHROUTE_KDE_DIR", file=sys.stderr)
        return 2
    logits, layer = router_logits(), min(models)
    statistics = {}
    for alpha in ALPHAS:
        weights, _, counts = benjamini_hochberg_routing(logits, alpha=alpha, layer_idx=layer, kde_models=models)
        statistics[alpha] = compute_routing_statistics(weights, counts)
        print(f"   alpha {alpha:.2f}: {statistics[alpha]['mean_experts']:5.2f} experts a token, counts {counts.tolist()}")
    fixed = compute_routing_statistics(*(topk_routing(logits, k=8)[i] for i in (0, 2)))
    print(f"   top-8:      {fixed['mean_experts']:5.2f} experts a token, weight entropy {fixed['weight_entropy']:.3f}, "
          f"at alpha 0.05 {statistics[0.05]['weight_entropy']:.3f}")
    varies = any(entry["min_experts"] < entry["max_experts"] for entry in statistics.values())
    means = [statistics[alpha]["mean_experts"] for alpha in ALPHAS]
    grows = means == sorted(means) and means[0] < means[-1]
    print(f"3. counts vary: {varies}")
    print(f"4. higher alpha selects more: {grows}; " + " <= ".join(f"{mean:.2f}" for mean in means))
    return 0 if varies and grows else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
