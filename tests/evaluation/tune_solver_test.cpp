#include "../../src/evaluation/tune_solver.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "bhroute/calibration/calibrator.h"

namespace bhroute::evaluation {
namespace {

using routing::Rule;

constexpr std::size_t kExperts = 16, kTopK = 4;

// Two layers of normal logits, the second twice as wide.
LogitRows random_rows() {
  LogitRows rows;
  std::mt19937 engine(1);
  std::normal_distribution<float> normal;
  for (int layer : {0, 2}) {
    std::vector<float> logits(600 * kExperts);
    for (float& logit : logits) logit = normal(engine) * (layer == 0 ? 1.0F : 2.0F);
    rows.on_layer(layer, {logits.data(), 600, kExperts, kExperts}, nullptr);
  }
  return rows;
}

class Solver : public ::testing::Test {
 protected:
  Solver() {
    calibration::CalibrationOptions options;
    options.statistic = calibration::Statistic::log_prob;
    options.null.kind = calibration::NullKind::unselected;
    auto calibrator = calibration::Calibrator::create(options, kExperts, kTopK).value();
    for (int layer : {0, 2}) EXPECT_TRUE(calibrator.add(layer, rows.all(layer)));
    input.table =
        std::make_shared<const calibration::CalibrationTable>(calibrator.finish({}).value());
    input.rows = &rows;
    input.num_rows = 600;
    input.facts = {kExperts, kTopK, false};
  }
  routing::PolicySpec spec(Rule rule) const {
    routing::PolicySpec spec;
    spec.rule = rule;
    spec.min_k = 2;
    spec.max_k = 6;
    if (rule == Rule::rank_signal) spec.rank = 4;
    if (rule == Rule::rank_signal) spec.mean = -2.5;
    return spec;
  }
  LogitRows rows = random_rows();
  SolveInput input;
};

TEST_F(Solver, EveryParameterMeetsItsTargetInEachLayer) {
  for (Rule rule : routing::all_rules()) {
    if (solved_parameter(rule).key == nullptr || rule == Rule::hc_star ||
        rule == Rule::e_bh)  // selects fewer than 4 even at alpha 1
      continue;
    const auto solved = solve_each_layer(spec(rule), input, {{0, 4.0}, {2, 3.5}});
    ASSERT_TRUE(solved) << to_string(solved.error());
    const auto means = mean_counts(*solved, input).value();
    EXPECT_NEAR(means.at(0), 4.0, 0.02) << to_string(rule);
    EXPECT_NEAR(means.at(2), 3.5, 0.02) << to_string(rule);
  }
}

TEST_F(Solver, OneParameterForAllLayersMeetsTheMean) {
  for (Rule rule : {Rule::bh, Rule::min_p, Rule::top_p}) {
    const auto solved = solve_all_layers(spec(rule), input, 4.0).value();
    EXPECT_TRUE(solved.layers.empty());
    const auto means = mean_counts(solved, input).value();
    EXPECT_NEAR(mean_over_layers(means), 4.0, 0.02);
    EXPECT_GT(std::abs(means.at(0) - means.at(2)), 0.1);
  }
}

TEST_F(Solver, WhatCannotBeMetComesAsNearAsItCan) {
  auto narrow = spec(Rule::min_p);
  narrow.max_k = 3;
  const auto solved = solve_each_layer(narrow, input, {{0, 4.0}, {2, 4.0}}).value();
  EXPECT_NEAR(mean_counts(solved, input)->at(0), 3.0, 1e-9);
}

TEST_F(Solver, ErrorsOfThePolicyComeThrough) {
  auto wrong = spec(Rule::min_p);
  wrong.max_k = kExperts + 1;
  EXPECT_FALSE(solve_each_layer(wrong, input, {{0, 4.0}, {2, 4.0}}));
  EXPECT_FALSE(solve_all_layers(wrong, input, 4.0));
}

TEST(Bisect, RisingAndFalling) {
  EXPECT_NEAR(bisect(0, 10, true, 9, [](double x) { return x * x; }), 3.0, 1e-6);
  EXPECT_NEAR(bisect(0, 10, false, -9, [](double x) { return -x * x; }), 3.0, 1e-6);
  EXPECT_EQ(bisect(0, 10, true, 500, [](double x) { return x; }), 10.0);
  EXPECT_EQ(bisect(1, 10, true, -5, [](double x) { return x; }), 1.0);
}

}  // namespace
}  // namespace bhroute::evaluation
