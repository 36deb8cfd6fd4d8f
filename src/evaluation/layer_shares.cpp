#include "layer_shares.h"

#include <limits>
#include <vector>

namespace bhroute::evaluation {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

struct Step {
  std::vector<double> least;        // by sum of k so far
  std::vector<std::size_t> choice;  // the layer's k in it
};

Step extend(const std::vector<double>& before, const std::map<std::size_t, double>& options,
            std::size_t total) {
  Step step{std::vector<double>(total + 1, kNever), std::vector<std::size_t>(total + 1, 0)};
  for (const auto& [k, loss] : options)
    for (std::size_t sum = k; sum <= total; ++sum)
      if (before[sum - k] + loss < step.least[sum]) {
        step.least[sum] = before[sum - k] + loss;
        step.choice[sum] = k;
      }
  return step;
}

}  // namespace

std::map<int, std::size_t> cheapest_shares(const LayerLosses& losses, std::size_t total) {
  std::vector<double> least(total + 1, kNever);
  least[0] = 0.0;
  std::map<int, Step> steps;
  for (const auto& [layer, options] : losses) {
    steps[layer] = extend(least, options, total);
    least = steps[layer].least;
  }
  std::map<int, std::size_t> shares;
  if (least[total] == kNever) return shares;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    shares[step->first] = step->second.choice[total];
    total -= shares[step->first];
  }
  return shares;
}

}  // namespace bhroute::evaluation
