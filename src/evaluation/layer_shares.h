#pragma once
// How layers share a budget, from what each layer's experts are measured to be worth.

#include <map>
#include <vector>

namespace bhroute::evaluation {

/// Loss (nats, any constant added) of layer L at k experts, the others at the budget: [L][k].
using LayerLosses = std::map<int, std::map<std::size_t, double>>;

/// The k of each layer, among those measured, whose sum is `total` and whose losses sum to the
/// least: exact, by dynamic programming over layers. Empty where no choice sums to `total`.
std::map<int, std::size_t> cheapest_shares(const LayerLosses& losses, std::size_t total);

/// A least squares line y = intercept + slope * x.
struct Line {
  double intercept = 0.0, slope = 0.0;
};
/// The slope is 0 where all x are equal. Same lengths, at least 1 point.
Line fit_line(const std::vector<double>& x, const std::vector<double>& y);

}  // namespace bhroute::evaluation
