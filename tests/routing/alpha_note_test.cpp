#include "bhroute/routing/alpha_note.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bhroute::routing {
namespace {

TEST(AlphaNote, SaysWhatMinKDoesToTheClaim) {
  EXPECT_EQ(alpha_note({.min_k = 2, .max_k = 8}),
            "alpha is a dial, no bound on false selections: min_k = 2 selects experts whatever "
            "their p-values are");
}

TEST(AlphaNote, IsForRulesWithAnAlphaOnly) {
  std::vector<std::string> without;
  for (Rule rule : all_rules())
    if (alpha_note({.rule = rule}).empty()) without.emplace_back(to_string(rule));
  EXPECT_THAT(without,
              ::testing::ElementsAre("hc", "hc_plus", "hc_star", "top_k", "top_k_per_layer", "ser",
                                     "top_p", "min_p", "prob_threshold", "entropy", "skip_ratio",
                                     "rank_signal", "critical"));
}

}  // namespace
}  // namespace bhroute::routing
