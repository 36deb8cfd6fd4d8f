#include "../../src/routing/check_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bhroute/core/log.h"
#include "routing/synthetic_tables.h"

namespace bhroute::routing {
namespace {

using ::testing::HasSubstr;
using testing::NullShape;

std::string error_of(const PolicySpec& spec, const RouterFacts& facts,
                     const calibration::CalibrationTable* table = nullptr) {
  const auto ok = check_policy(spec, facts, table);
  return ok ? "" : to_string(ok.error());
}

TEST(CheckPolicy, BoundsOfTheModel) {
  EXPECT_EQ(error_of({}, testing::facts(64)), "");
  EXPECT_THAT(error_of({}, testing::facts(4)),
              HasSubstr("max_k: out of range, got 8, want min_k 1 <= max_k <= 4"));
  EXPECT_THAT(error_of({.max_k = 1}, {.num_experts = 0}),
              HasSubstr("num_experts: out of range, got 0"));
  EXPECT_THAT(error_of({.max_k = 1}, {.num_experts = 4097}), HasSubstr("<= 4096"));
}

TEST(CheckPolicy, MassNeedsTheModelsOwnTopK) {
  const PolicySpec spec{.weights = WeightRule::mass};
  EXPECT_THAT(error_of(spec, {.num_experts = 64, .top_k = 0}), HasSubstr("weights=mass"));
  EXPECT_EQ(error_of(spec, {.num_experts = 64, .top_k = 8}), "");
}

TEST(CheckPolicy, TablesMustFit) {
  const auto table = testing::make_table(NullShape::gridded, 32);
  EXPECT_EQ(error_of({}, testing::facts(64), table.get()),
            "table: made for another number of experts, got 32, want 64");
  auto unknown = *testing::make_table(NullShape::per_expert, 32);
  unknown.metadata.num_experts = 0;
  EXPECT_THAT(error_of({}, testing::facts(64), &unknown),
              HasSubstr("table layer 0: wrong number of nulls, got 32"));
}

TEST(CheckPolicy, AConformalTableTooSmallForAlphaIsAnError) {
  const auto table =
      testing::make_table(NullShape::conformal, 64, calibration::Statistic::logit, 1000);
  EXPECT_THAT(error_of({.alpha = 0.05}, testing::facts(64), table.get()), HasSubstr("1279"));
  EXPECT_EQ(error_of({.alpha = 0.1}, testing::facts(64), table.get()), "");
  EXPECT_EQ(error_of({.rule = Rule::top_k, .alpha = 0.05}, testing::facts(64), table.get()), "");
}

TEST(CheckPolicy, WarnsOfAnUnusualTemperature) {
  std::vector<std::string> warnings;
  set_log_sink([&](Severity, std::string_view message) { warnings.emplace_back(message); });
  for (double temperature : {0.5, 1.0, 2.0, 0.25, 0.25, 2.125})
    EXPECT_EQ(error_of({.temperature = temperature}, testing::facts(64)), "");
  set_log_sink({});
  EXPECT_THAT(warnings, ::testing::ElementsAre(HasSubstr("temperature: 0.25"),
                                               HasSubstr("temperature: 2.125")));
}

}  // namespace
}  // namespace bhroute::routing
