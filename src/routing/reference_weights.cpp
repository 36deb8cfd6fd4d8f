#include "reference_weights.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "plain_softmax.h"

namespace bhroute::routing {
namespace {

double sum_relative(std::span<const double> logits, double reference, double temperature) {
  double sum = 0.0;
  for (double r : logits) sum += relative_exp(r, reference, temperature);
  return sum;
}

}  // namespace

void reference_weights(std::span<const float> logits, std::span<const std::int32_t> ids,
                       const WeightForm& form, std::span<float> weights) {
  if (ids.empty()) return;
  const std::vector<double> all = falling_logits(logits);
  std::vector<double> selected;
  for (std::int32_t id : ids) selected.push_back(logits[static_cast<std::size_t>(id)]);
  const bool plain = form.scale == kernels::WeightScale::none;
  // Relative to the largest selected one, so that a renormalised sum cannot underflow.
  const double reference =
      plain ? all.front() : *std::max_element(selected.begin(), selected.end());
  const double sum = sum_relative(plain ? all : selected, reference, form.temperature);
  double mass = 1.0;
  if (form.scale == kernels::WeightScale::mass) {
    const std::size_t own = std::clamp<std::size_t>(form.own_top_k, 1, all.size());
    mass = sum_relative(std::span(all).first(own), all.front(), form.temperature) /
           sum_relative(all, all.front(), form.temperature);
  }
  for (std::size_t i = 0; i < ids.size(); ++i)
    weights[i] =
        static_cast<float>(mass * relative_exp(selected[i], reference, form.temperature) / sum);
}

}  // namespace bhroute::routing
