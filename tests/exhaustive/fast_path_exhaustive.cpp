// The long run: the fast path against the double reference on more than 10 million random tokens.
// Minutes on one core; ctest -L exhaustive.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "bhroute/core/isa.h"
#include "routing/expect_equal_decisions.h"
#include "routing/rival_specs.h"
#include "routing/synthetic_tables.h"

namespace bhroute::routing {
namespace {

using testing::NullShape;
constexpr std::size_t kBatch = 4096;

struct Workload {
  std::size_t num_experts;
  std::size_t num_tokens;
  NullShape null;
  PolicySpec spec;
};

/// Cheap normal-like numbers, four a draw, with a few raised, so that every count of selected
/// experts comes up.
void draw_logits(std::mt19937_64& random, std::size_t num_experts, std::vector<float>& logits) {
  for (float& r : logits) {
    const std::uint64_t bits = random();
    const auto part = [bits](int i) { return static_cast<float>((bits >> (16 * i)) & 0xffff); };
    r = (part(0) + part(1) + part(2) + part(3) - 131070.0f) * (1.0f / 37837.0f);
  }
  const std::size_t most = 1 + num_experts / 4;
  for (std::size_t t = 0; t < logits.size() / num_experts; ++t)
    for (std::size_t i = random() % most; i > 0; --i)
      logits[t * num_experts + random() % num_experts] +=
          static_cast<float>(random() % 4096) * (1.0f / 1024.0f);
}

/// Compares every batch; the instruction sets take turns. Returns the tokens compared.
std::size_t compare(const Workload& run) {
  const auto table =
      testing::make_table(run.null, run.num_experts, calibration::Statistic::logit, 20000);
  const auto fast = make_policy(run.spec, testing::facts(run.num_experts), table);
  const auto reference = make_reference_policy(run.spec, testing::facts(run.num_experts), table);
  EXPECT_TRUE(fast && reference);
  const auto isas = supported_isas();
  std::mt19937_64 random(run.num_experts * 1000 + static_cast<std::size_t>(run.null));
  std::vector<float> logits(kBatch * run.num_experts);
  RoutingDecision got, want;
  std::size_t compared = 0;
  for (std::size_t batch = 0; compared < run.num_tokens; ++batch, compared += kBatch) {
    EXPECT_TRUE(force_isa(isas[batch % isas.size()]));
    draw_logits(random, run.num_experts, logits);
    EXPECT_TRUE((*fast)->route(testing::view(logits, run.num_experts), 0, {}, got));
    EXPECT_TRUE((*reference)->route(testing::view(logits, run.num_experts), 0, {}, want));
    const auto equal = testing::decisions_agree(got, want);
    EXPECT_TRUE(equal) << "N " << run.num_experts << " batch " << batch << " " << active_isa();
    if (!equal) break;
  }
  EXPECT_TRUE(force_isa(""));
  return compared;
}

class Exhaustive : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::getenv("BHROUTE_EXHAUSTIVE") == nullptr)
      GTEST_SKIP() << "minutes long: set BHROUTE_EXHAUSTIVE=1";
  }
};

/// Every procedure with every null, every rival rule.
TEST_F(Exhaustive, EveryRule) {
  constexpr std::size_t kTokens = 40'000;
  for (Rule rule : all_rules())
    for (NullShape null : {NullShape::conformal, NullShape::gridded, NullShape::per_expert})
      if (uses_p_values(rule)) {
        EXPECT_GE(compare({64, kTokens, null, {.rule = rule, .alpha = 0.2, .max_k = 16}}), kTokens)
            << to_string(rule);
      }
  for (const PolicySpec& spec : testing::rival_specs(64))
    EXPECT_GE(compare({64, kTokens, NullShape::gridded, spec}), kTokens) << to_string(spec);
}

TEST_F(Exhaustive, TenMillionTokens) {
  const Workload runs[] = {
      {64, 5'000'000, NullShape::conformal, {.alpha = 0.05, .max_k = 16}},
      {64,
       1'000'000,
       NullShape::gridded,
       {.alpha = 0.2, .min_k = 2, .max_k = 64, .weights = WeightRule::mass}},
      {64,
       500'000,
       NullShape::per_expert,
       {.alpha = 0.1, .max_k = 16, .weights = WeightRule::renormalized}},
      {8,
       3'000'000,
       NullShape::conformal,
       {.alpha = 0.1, .max_k = 8, .weights = WeightRule::renormalized}},
      {37, 300'000, NullShape::gridded, {.alpha = 0.3, .max_k = 37, .temperature = 0.7}},
      {128, 300'000, NullShape::conformal, {.alpha = 0.05, .max_k = 16}},
      {512, 20'000, NullShape::gridded, {.alpha = 0.4, .max_k = 512}},
  };
  std::size_t compared = 0;
  for (const Workload& run : runs) {
    compared += compare(run);
    fmt::print("{:>9} tokens compared, last N = {}, {}\n", compared, run.num_experts,
               to_string(run.spec));
    std::fflush(stdout);
  }
  EXPECT_GE(compared, 10'000'000u);
}

}  // namespace
}  // namespace bhroute::routing
