#include "../../src/evaluation/tune_ranking.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace bhroute::evaluation {
namespace {

using routing::Rule;
using routing::WeightRule;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const WindowedText kText{{0, 1, 2, 3, 4, 5, 6, 7, 8}, 2, 4};

Entry entry(Rule rule, std::size_t k, double mean, float level, int stage) {
  Entry one;
  one.candidate.rule = one.solved.policy.rule = rule;
  one.candidate.k = one.solved.policy.k = k;
  one.candidate.weights = one.solved.policy.weights = WeightRule::mass;
  one.losses = {level, level + 0.5F, level, level + 0.25F};
  one.num_windows = 2;
  one.sum_of_means = 2.0 * mean;
  one.stage = stage;
  return one;
}

std::vector<Entry> entries(float adaptive_loss) {
  return {entry(Rule::top_k, 4, 4, 3.0F, 3), entry(Rule::top_k, 5, 5, 2.0F, 3),
          entry(Rule::top_k, 6, 6, 1.5F, 3), entry(Rule::min_p, 0, 5, adaptive_loss, 3),
          entry(Rule::top_p, 0, 5, 0.5F, 2), entry(Rule::top_k_per_layer, 0, 5, 2.5F, 3)};
}

TuneOptions options() {
  TuneOptions options;
  options.budget = 5.0;
  return options;
}

TEST(TuneRanking, TheAdaptiveWinnerIsNamed) {
  const auto result = rank(entries(1.75F), options(), kText, 8);
  ASSERT_EQ(result.ranking.size(), 4u) << "fixed counts off the budget are no rivals";
  EXPECT_EQ(result.ranking[0].policy.rule, Rule::min_p);
  EXPECT_NEAR(result.ranking[0].score, -0.25, 1e-6);
  EXPECT_EQ(result.ranking[1].policy.k, 5u);
  EXPECT_EQ(result.ranking[3].policy.rule, Rule::top_p) << "it did not run as far";
  EXPECT_EQ(result.best_adaptive, 0u);
  EXPECT_THAT(result.notes, Contains(HasSubstr("wins: -0.2500")));
}

TEST(TuneRanking, AFixedWinnerIsSaidSo) {
  const auto result = rank(entries(2.25F), options(), kText, 8);
  EXPECT_EQ(result.ranking[0].policy.rule, Rule::top_k);
  EXPECT_EQ(result.best_adaptive, 1u);
  EXPECT_THAT(result.notes, Contains(HasSubstr("A fixed count wins: top_k 5")));
  EXPECT_THAT(result.notes, Contains(HasSubstr("The best adaptive policy is min_p")));
}

TEST(TuneRanking, DriftIsNamed) {
  auto list = entries(1.75F);
  list[3].sum_of_means = 2.0 * 5.4;
  EXPECT_THAT(rank(list, options(), kText, 8).notes, Contains(HasSubstr("it drifts")));
}

TEST(TuneRanking, BestOfAStage) {
  const auto list = entries(1.75F);
  EXPECT_THAT(best_of(list, 3, true, 5, WeightRule::mass, 8), ElementsAre(3));
  EXPECT_THAT(best_of(list, 3, false, 5, WeightRule::mass, 8), ElementsAre(5));
  EXPECT_THAT(best_of(list, 2, true, 5, WeightRule::mass, 8), ElementsAre(4));
}

TEST(TuneRanking, Json) {
  const auto object = to_json(rank(entries(1.75F), options(), kText, 8));
  EXPECT_EQ(object["best_adaptive"], 0);
  EXPECT_EQ(object["ranking"][0]["policy"]["rule"], "min_p");
  EXPECT_TRUE(object["ranking"][0].contains("static_difference_low"));
  EXPECT_FALSE(object["ranking"][1].contains("static_difference"));
}

}  // namespace
}  // namespace bhroute::evaluation
