#include "../../src/evaluation/tune_fit.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <set>

#include "evaluation/fake_model.h"

namespace bhroute::evaluation {
namespace {

using routing::Rule;

// Even at alpha 1 they select fewer than 3 of 8 here.
const std::set<Rule> kTooStrict{Rule::bonferroni, Rule::e_bh};

class TuneFit : public ::testing::Test {
 protected:
  TuneFit() {
    options.budget = 3.0;
    options.num_rows = 500;
    std::mt19937 engine(1);
    std::normal_distribution<float> normal;
    for (int layer : model.description().moe_layers) {
      std::vector<float> logits(500 * FakeModel::kExperts);
      for (float& logit : logits) logit = normal(engine);
      fit.rows.on_layer(layer, {logits.data(), 500, FakeModel::kExperts, FakeModel::kExperts},
                        nullptr);
    }
  }
  Candidate of(Rule rule) const {
    Candidate one;
    one.rule = rule;
    return one;
  }
  std::map<int, double> means(const Fit::Solved& solved) const {
    return mean_counts(solved.policy,
                       {&fit.rows, 500, 1, model.description().facts(), solved.table})
        .value();
  }
  FakeModel model;
  TuneOptions options;
  Fit fit{options, model.description()};
};

TEST_F(TuneFit, EveryRuleMeetsTheBudgetWithinItsBand) {
  for (Rule rule : routing::all_rules()) {
    if (routing::is_static(rule) || rule == Rule::critical) continue;  // critical: by benefit
    const auto solved = fit.solve(of(rule), fit.rows);
    ASSERT_TRUE(solved) << to_string(rule) << ": " << to_string(solved.error());
    const auto bounds = solved->policy.for_layer(1).bounds();
    EXPECT_EQ(bounds.min_k, 2u) << to_string(rule);
    EXPECT_EQ(bounds.max_k, 4u) << to_string(rule);
    if (solved_parameter(rule).key == nullptr && rule != Rule::entropy) continue;
    if (rule == Rule::hc_star) continue;
    if (kTooStrict.contains(rule)) {
      EXPECT_LT(solved->mean, 3.0) << to_string(rule);
      EXPECT_GT(solved->policy.for_layer(1).alpha, 0.99) << to_string(rule);
      continue;
    }
    EXPECT_NEAR(solved->mean, 3.0, 0.05) << to_string(rule);
  }
}

TEST_F(TuneFit, SharesBySensitivityMoveTheBands) {
  fit.losses = {{0, {{2, 1.0}, {3, 1.0}, {4, 0.0}}},
                {1, {{2, 1.0}, {3, 1.0}, {4, 0.9}}},
                {3, {{2, 1.0}, {3, 1.0}, {4, 0.9}}}};
  const auto fixed = fit.solve(of(Rule::top_k_per_layer), fit.rows);
  ASSERT_TRUE(fixed);
  EXPECT_EQ(fixed->policy.ks, (std::vector<std::size_t>{3, 3, 1, 3}));
  auto candidate = of(Rule::top_k_per_layer);
  candidate.shares = Shares::sensitivity;
  EXPECT_EQ(fit.solve(candidate, fit.rows)->policy.ks[0], 4u);
  candidate.rule = Rule::bh;
  const auto solved = fit.solve(candidate, fit.rows).value();
  EXPECT_EQ(solved.policy.for_layer(0).bounds().max_k, 5u);
  EXPECT_NEAR(means(solved).at(0), 4.0, 0.05);
  EXPECT_NEAR(solved.mean, 3.0, 0.05);
}

TEST_F(TuneFit, BenefitGivesMoreWhereExpertsAreWorthMore) {
  auto candidate = of(Rule::critical);
  candidate.shares = Shares::benefit;
  EXPECT_FALSE(fit.solve(candidate, fit.rows)) << "nothing was measured";
  for (int layer : {0, 1, 3})
    fit.benefits[layer] = {{3, {layer == 0 ? 0.06 : 0.05, 0.01}}, {4, {0.05, 0.01}}};
  const auto solved = fit.solve(candidate, fit.rows).value();
  EXPECT_NEAR(solved.mean, 3.0, 0.05);
  EXPECT_GT(means(solved).at(0), means(solved).at(1) + 0.2);
}

TEST_F(TuneFit, OneThresholdOnTheBenefitHoldsForAllRanksAndLayers) {
  auto candidate = of(Rule::critical);
  candidate.shares = Shares::benefit;
  candidate.first_width = 2;
  const Line line{0.05, 0.01}, steep{0.3, 0.09}, falling{-0.5, -0.01};
  fit.benefits = {{0, {{2, steep}, {3, steep}, {4, line}, {5, falling}}},
                  {1, {{3, line}, {4, line}}},
                  {3, {{3, line}, {4, steep}}}};
  const auto spec = fit.solve(candidate, fit.rows).value().policy;
  EXPECT_EQ(spec.for_layer(0).bounds().min_k, 1u);
  EXPECT_EQ(spec.for_layer(0).bounds().max_k, 5u);
  EXPECT_EQ(spec.for_layer(3).bounds().min_k, 2u);
  const auto value = [](const Line& l, double z) { return l.intercept + l.slope * z; };
  const double lambda = value(line, spec.for_layer(1).criticals[0]);
  EXPECT_NEAR(value(steep, spec.for_layer(0).criticals[0]), lambda, 1e-12);
  EXPECT_NEAR(value(line, spec.for_layer(0).criticals[2]), lambda, 1e-12);
  EXPECT_NEAR(value(steep, spec.for_layer(3).criticals[1]), lambda, 1e-12);
  EXPECT_EQ(spec.for_layer(0).criticals[3], std::numeric_limits<double>::infinity()) << "never";
}

TEST_F(TuneFit, ATableIsMadeOnce) {
  const NullChoice null;
  const auto first = fit.table(null).value();
  EXPECT_EQ(fit.table(null).value(), first);
  EXPECT_EQ(first->metadata.model_sha256, model.description().sha256);
  EXPECT_EQ(first->samples.at(0).keys.size(), 256u);
}

TEST_F(TuneFit, SignalsHaveTheirTails) {
  const auto solved = fit.solve(of(Rule::rank_signal), fit.rows).value();
  const auto policy = routing::make_policy(solved.policy, model.description().facts()).value();
  routing::RoutingDecision decision;
  ASSERT_TRUE(policy->route(fit.rows.all(1), 1, {}, decision));
  const auto fewer = std::ranges::count(decision.num_selected, 2);
  const auto more = std::ranges::count(decision.num_selected, 4);
  EXPECT_NEAR(static_cast<double>(fewer) / 500.0, 0.2, 0.03);
  EXPECT_NEAR(static_cast<double>(more) / 500.0, 0.2, 0.03);
}

}  // namespace
}  // namespace bhroute::evaluation
