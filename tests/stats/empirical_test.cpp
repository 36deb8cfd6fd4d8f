#include "bhroute/stats/empirical.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "stats/reference_table.h"

namespace bhroute::stats {
namespace {

using testing::ElementsAre;
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

TEST(EmpiricalPValues, EqualScipysRanks) {
  for (const auto& c : reference_cases("empirical_ranks")) {
    const auto p = empirical_p_values(doubles(c["logits"]), c["num_tokens"], c["num_experts"]);
    EXPECT_EQ(p, doubles(c["p"])) << c.dump();
  }
}

TEST(EmpiricalPValues, OneTokenRanksItsExperts) {
  EXPECT_THAT(empirical_p_values(std::vector<double>{3.0, 1.0, 2.0, 2.0}, 1, 4),
              ElementsAre(0.0, 0.75, 0.25, 0.25));
}

TEST(EmpiricalPValues, SeveralTokensRankByExpert) {
  EXPECT_THAT(empirical_p_values(std::vector<double>{1.0, 9.0, 2.0, 8.0}, 2, 2),
              ElementsAre(0.5, 0.0, 0.0, 0.5));
}

TEST(EmpiricalPValues, NoTokensNoValues) {
  EXPECT_TRUE(empirical_p_values(std::vector<double>{}, 0, 8).empty());
}

TEST(RightTailRanks, NaNIsSmallerThanEverythingAndNeverSignificant) {
  EXPECT_THAT(right_tail_ranks(std::vector<double>{kNaN, 1.0, -kInf, kInf}),
              ElementsAre(1.0, 0.25, 0.5, 0.0));
  EXPECT_THAT(right_tail_ranks(std::vector<double>{kNaN, kNaN}), ElementsAre(1.0, 1.0));
}

}  // namespace
}  // namespace bhroute::stats
