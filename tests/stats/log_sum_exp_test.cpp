#include "bhroute/stats/log_sum_exp.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace bhroute::stats {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

LogSumExp of(const std::vector<float>& logits) { return log_sum_exp(logits); }

TEST(LogSumExp, OfKnownValues) {
  EXPECT_DOUBLE_EQ(of({0.0f, 0.0f, 0.0f, 0.0f}).value(), std::log(4.0));
  EXPECT_DOUBLE_EQ(of({1.0f, 2.0f, 3.0f}).value(),
                   std::log(std::exp(1.0) + std::exp(2.0) + std::exp(3.0)));
  EXPECT_EQ(of({1.0f, 3.0f, 2.0f}).largest, 3.0);
}

TEST(LogSumExp, LargeLogitsKeepTheirDigits) {
  EXPECT_DOUBLE_EQ(of({10000.0f, 10000.0f}).log_sum, std::log(2.0));
  EXPECT_DOUBLE_EQ(of({-10000.0f, -10000.0f}).value(), -10000.0 + std::log(2.0));
}

TEST(LogSumExp, NansDoNotCountAndMinusInfinityAddsNothing) {
  EXPECT_DOUBLE_EQ(of({kNan, 1.0f, -kInf}).value(), 1.0);
}

TEST(LogSumExp, Infinities) {
  EXPECT_EQ(of({kInf, kInf, 1.0f}).num_infinite, 2.0);
  EXPECT_DOUBLE_EQ(of({-kInf, -kInf}).log_sum, std::log(2.0));
  EXPECT_EQ(of({-kInf, -kInf}).largest, -std::numeric_limits<double>::infinity());
}

}  // namespace
}  // namespace bhroute::stats
