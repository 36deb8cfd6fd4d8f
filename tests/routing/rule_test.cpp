#include "bhroute/routing/rule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bhroute/stats/procedure.h"

namespace bhroute::routing {
namespace {

TEST(Rule, NamesReadBack) {
  for (Rule rule : all_rules()) EXPECT_EQ(parse_rule(to_string(rule), "policy").value(), rule);
  EXPECT_EQ(to_string(parse_rule("topk", "policy").error()),
            "policy: unknown rule, got topk, did you mean top_k?");
}

TEST(Rule, EveryProcedureOfStatsIsARule) {
  std::vector<std::string> tested;
  for (Rule rule : all_rules())
    if (uses_p_values(rule)) tested.emplace_back(to_string(rule));
  EXPECT_EQ(tested, stats::procedure_names());
}

TEST(Rule, OnlyTheFixedCountsAreStatic) {
  std::vector<Rule> found;
  for (Rule rule : all_rules())
    if (is_static(rule)) found.push_back(rule);
  EXPECT_THAT(found, ::testing::ElementsAre(Rule::top_k, Rule::top_k_per_layer));
}

}  // namespace
}  // namespace bhroute::routing
