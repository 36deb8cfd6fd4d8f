#include "../../src/evaluation/tune_candidates.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace bhroute::evaluation {
namespace {

using routing::Rule;
using routing::WeightRule;

TuneOptions at(double budget, std::vector<Rule> rules = {}) {
  TuneOptions options;
  options.budget = budget;
  options.rules = std::move(rules);
  return options;
}

std::set<std::size_t> static_counts(double budget) {
  std::set<std::size_t> counts;
  for (const auto& one : static_candidates(at(budget))) counts.insert(one.k);
  return counts;
}

TEST(TuneCandidates, FixedCountsLieOnBothSidesOfTheBudget) {
  EXPECT_EQ(static_counts(5.0), (std::set<std::size_t>{4, 5, 6}));
  EXPECT_EQ(static_counts(5.4), (std::set<std::size_t>{4, 5, 6, 7}));
  EXPECT_EQ(static_counts(1.0), (std::set<std::size_t>{1, 2}));
  EXPECT_EQ(static_candidates(at(5.0)).size(), 6u) << "each with two weight rules";
}

TEST(TuneCandidates, EveryRuleAndEveryNullOfBh) {
  const auto list = first_candidates(at(5.0));
  for (Rule rule : routing::all_rules())
    EXPECT_EQ(std::ranges::count(list, rule, &Candidate::rule) > 0, rule != Rule::top_k)
        << to_string(rule);
  EXPECT_EQ(std::ranges::count(list, Rule::bh, &Candidate::rule), 18);
  std::set<std::string> names;
  for (const auto& one : list) EXPECT_TRUE(names.insert(one.name()).second) << one.name();
}

TEST(TuneCandidates, OnlyTheRulesAskedForButAlwaysTheFixedOnes) {
  const auto list = first_candidates(at(5.0, {Rule::top_p}));
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].rule, Rule::top_k_per_layer);
  EXPECT_EQ(list[1].rule, Rule::top_p);
}

TEST(TuneCandidates, VariantsDifferInOneThing) {
  Candidate one;
  const auto list = variants_of(one, at(5.0));
  ASSERT_EQ(list.size(), 4u);
  EXPECT_EQ(list[0].width, 2u);
  EXPECT_FALSE(list[1].per_layer);
  EXPECT_EQ(list[2].shares, Shares::sensitivity);
  EXPECT_EQ(list[3].weights, WeightRule::native);
}

TEST(TuneCandidates, NamesSayWhatIsSpecial) {
  Candidate one;
  one.null.pooling = calibration::Pooling::per_expert;
  one.per_layer = false;
  EXPECT_EQ(one.name(), "bh log_prob unselected per expert, one parameter, +-1, mass");
}

}  // namespace
}  // namespace bhroute::evaluation
