#pragma once
// Layers where each expert has a null of its own, for the kernels on a GPU or its blocks on the
// CPU; what they decide is held against the policy that the CPU runs.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "bhroute/kernels/routing_kernels_cuda.h"
#include "bhroute/routing/layer_program.h"
#include "kernels/kernel_expectations.h"
#include "routing/synthetic_tables.h"

namespace bhroute::testing {

/// Grids, conformal and gridded counts in turn, of different places and sizes.
inline std::shared_ptr<const calibration::CalibrationTable> mixed_table(
    std::size_t num_experts, calibration::Statistic statistic) {
  std::mt19937 random(static_cast<unsigned>(num_experts));
  calibration::CalibrationTable table;
  table.metadata.num_experts = num_experts;
  table.metadata.statistic = statistic;
  table.metadata.pooling = calibration::Pooling::per_expert;
  table.metadata.form = stats::PValueForm::gridded;
  const double center = statistic == calibration::Statistic::log_prob ? -4.0 : 0.0;
  auto& groups = table.layers[0].groups;
  for (std::size_t i = 0; i < num_experts; ++i) {
    const double shift = center + 0.2 * static_cast<double>(i % 7) - 0.6;
    if (i % 3 == 0) {
      groups.push_back(gridded_null(5 + i % 40, shift));
      continue;
    }
    const auto null = conformal_null(20 + 37 * (i % 11), random, static_cast<float>(shift));
    groups.push_back(i % 3 == 1 ? null
                                : calibration::NullDistribution::from_counts(
                                      *null.counts(), stats::PValueForm::gridded));
  }
  return std::make_shared<const calibration::CalibrationTable>(std::move(table));
}

/// A policy on such a layer, for the CPU and as another device knows it.
struct ExpertCase {
  std::string text;
  std::unique_ptr<routing::Policy> policy;
  routing::LayerProgram program;
  std::size_t num_experts;
};

inline ExpertCase expert_case(const std::string& text, std::size_t num_experts,
                              calibration::Statistic statistic) {
  const auto spec = routing::parse_policy(text).value();
  const auto table = mixed_table(num_experts, statistic);
  return {text, routing::make_policy(spec, facts(num_experts), table).value(),
          routing::layer_program(spec, facts(num_experts), table, 0).value(), num_experts};
}

/// A rule, its bounds and its weights, drawn.
inline std::string random_expert_policy(std::size_t num_experts, std::mt19937& random) {
  constexpr const char* kRules[] = {"bh", "bh", "bh", "holm", "hochberg", "fixed", "by", "e_bh"};
  constexpr const char* kWeights[] = {"native", "renormalized", "mass"};
  const std::size_t widest =
      random() % 3 == 0 ? num_experts : std::min<std::size_t>(num_experts, 16);
  const std::size_t max_k = 1 + random() % widest;
  const std::size_t min_k = random() % 2 == 0 ? 1 : 1 + random() % max_k;
  std::string text = fmt::format("{}:alpha={},min_k={},max_k={},weights={},clamp_p_values={}",
                                 kRules[random() % std::size(kRules)],
                                 0.01 + 0.001 * static_cast<double>(random() % 600), min_k, max_k,
                                 kWeights[random() % 3], random() % 2 == 0);
  if (random() % 2 == 0)
    text += fmt::format(",temperature={}", 0.5 + 0.001 * static_cast<double>(random() % 1500));
  return text;
}

/// The outputs hold the policy's experts in its order, its weights to `ulps`, then padding.
inline void expect_routed(const ExpertCase& c, LogitsView logits, const Outputs& got, int ulps) {
  routing::RoutingDecision want;
  ASSERT_TRUE(c.policy->route(logits, 0, {.allow_unroutable = true}, want));
  ASSERT_EQ(got.counts, want.num_selected) << c.text << " N " << c.num_experts;
  ASSERT_EQ(got.ids, want.expert_ids) << c.text << " N " << c.num_experts;
  for (std::size_t i = 0; i < got.weights.size(); ++i)
    ASSERT_TRUE(weights_agree(got.weights[i], want.routing_weights[i], ulps))
        << c.text << " N " << c.num_experts << " token " << i / want.max_k << ": got "
        << got.weights[i] << ", want " << want.routing_weights[i];
}

}  // namespace bhroute::testing
