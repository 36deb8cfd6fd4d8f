#include "bhroute/evaluation/tune.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "core/temporary_folder.h"
#include "evaluation/fake_model.h"

namespace bhroute::evaluation {
namespace {

using routing::Rule;
using ::testing::HasSubstr;

class Tune : public ::testing::Test {
 protected:
  Tune() {
    options.budget = 3.0;
    options.rules = {Rule::bh, Rule::min_p, Rule::prob_threshold, Rule::rank_signal,
                     Rule::critical};
    options.fit = 30;
    options.sensitivity = 6;
    options.screen = 4;
    options.second = 8;
    options.final = 12;
    options.num_second = 4;
    options.num_final = 2;
    options.num_threads = 1;
    options.work = folder / "work";
  }
  ::bhroute::testing::TemporaryFolder folder;
  FakeModel model;
  WindowedText text = fake_windows(44, 1);
  TuneOptions options;
  NoProgress quiet;
};

TEST_F(Tune, RanksAdaptivePoliciesWithTheFixedOnes) {
  const auto result = tune(model, text, options, quiet);
  ASSERT_TRUE(result) << to_string(result.error());
  EXPECT_LE(result->num_windows, planned_windows(options, model.description(), 44));
  EXPECT_GE(3 * result->num_windows, planned_windows(options, model.description(), 44));
  std::set<Rule> finalists;
  for (const auto& tuned : result->ranking) {
    EXPECT_NEAR(tuned.mean_experts, 3.0, 0.3) << tuned.name;
    EXPECT_TRUE(std::isfinite(tuned.loss)) << tuned.name;
    if (tuned.stage != "final") continue;
    finalists.insert(tuned.policy.rule);
    EXPECT_EQ(tuned.num_windows, 12u) << tuned.name;
  }
  EXPECT_TRUE(finalists.contains(Rule::top_k));
  EXPECT_TRUE(finalists.contains(Rule::top_k_per_layer));
  ASSERT_TRUE(result->best_adaptive);
  EXPECT_TRUE(result->ranking[*result->best_adaptive].against_static);
  for (std::size_t i = 1; i < result->ranking.size(); ++i)
    EXPECT_TRUE(result->ranking[i].stage != result->ranking[i - 1].stage ||
                result->ranking[i - 1].score <= result->ranking[i].score);
}

TEST_F(Tune, RunAgainItRepeatsNothingAndSaysTheSame) {
  const auto first = tune(model, text, options, quiet).value();
  EXPECT_EQ(first.num_reused, 0u);
  const auto again = tune(model, text, options, quiet).value();
  EXPECT_GT(again.num_reused, 0u);
  // Router logits are collected anew, 30 + 6 windows and 4 for each correction.
  EXPECT_LE(again.num_windows, 30u + 6u + 4u * options.num_second);
  ASSERT_EQ(again.ranking.size(), first.ranking.size());
  for (std::size_t i = 0; i < first.ranking.size(); ++i) {
    EXPECT_EQ(again.ranking[i].policy, first.ranking[i].policy);
    EXPECT_EQ(again.ranking[i].loss, first.ranking[i].loss);
  }
}

TEST_F(Tune, WhatIsWrongIsNamed) {
  options.budget = 8.0;
  EXPECT_THAT(to_string(tune(model, text, options, quiet).error()),
              HasSubstr("--budget: out of range, got 8, want 1 <= budget < 8"));
  options.budget = 3.0;
  options.fit = 43;
  EXPECT_THAT(to_string(tune(model, text, options, quiet).error()), HasSubstr("at least 45"));
}

TEST_F(Tune, AnEngineThatFailsEndsIt) {
  FakeModel failing({.fail_at_decode = 40});
  EXPECT_THAT(to_string(tune(failing, text, options, quiet).error()), HasSubstr("decode failed"));
}

}  // namespace
}  // namespace bhroute::evaluation
