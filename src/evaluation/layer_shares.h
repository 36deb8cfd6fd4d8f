#pragma once
// How layers share a budget, from what each layer's experts are measured to be worth.

#include <cstddef>
#include <map>

namespace bhroute::evaluation {

/// Loss (nats, any constant added) of layer L at k experts, the others at the budget: [L][k].
using LayerLosses = std::map<int, std::map<std::size_t, double>>;

/// The k of each layer, among those measured, whose sum is `total` and whose losses sum to the
/// least: exact, by dynamic programming over layers. Empty where no choice sums to `total`.
std::map<int, std::size_t> cheapest_shares(const LayerLosses& losses, std::size_t total);

}  // namespace bhroute::evaluation
