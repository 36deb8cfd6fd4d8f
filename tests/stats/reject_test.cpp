// The masks without a sort against the whole procedures.

#include "bhroute/stats/reject.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace bhroute::stats {
namespace {

/// Random, tied, extreme and NaN p-values, and the procedure's own critical values with neighbours.
std::vector<double> draw(const Procedure& procedure, std::mt19937& random) {
  std::vector<double> p(1 + random() % 150);
  const auto test = step_test(procedure, p.size());
  const unsigned kind = random() % 4;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double uniform = std::generate_canonical<double, 53>(random);
    p[i] = kind == 0 ? uniform : std::pow(uniform, 4.0);
    if (kind == 1) p[i] = std::round(p[i] * 32.0) / 32.0;
    if (kind == 2 && test) p[i] = test->critical_values[random() % p.size()];
    if (kind == 2 && random() % 2 == 0) p[i] = std::nextafter(p[i], random() % 2 == 0 ? 0.0 : 1.0);
    if (random() % 20 == 0) p[i] = random() % 2 == 0 ? 0.0 : 1.0;
    if (kind == 3 && random() % 9 == 0) p[i] = std::numeric_limits<double>::quiet_NaN();
  }
  return p;
}

class Reject : public ::testing::TestWithParam<std::string> {};

TEST_P(Reject, GivesTheMaskOfTheProcedure) {
  std::mt19937 random(5);
  for (int repeat = 0; repeat < 3000; ++repeat) {
    const double alpha = std::pow(10.0, -3.0 * std::generate_canonical<double, 53>(random)) * 0.99;
    const Procedure procedure = make_procedure(GetParam(), {.alpha = alpha}).value();
    const std::vector<double> p = draw(procedure, random);
    const TestResult want = run(procedure, p);
    std::vector<std::uint8_t> mask(p.size(), 7);
    ASSERT_EQ(reject(procedure, p, mask), want.num_rejections) << "repeat " << repeat;
    ASSERT_EQ(mask, want.mask) << "repeat " << repeat;
  }
}

/// Each p just above (for a step-down: at) its own critical value: every pass moves by one rank
/// only.
TEST_P(Reject, SurvivesTheLongestDescent) {
  const Procedure procedure = make_procedure(GetParam(), {.alpha = 0.2}).value();
  const std::size_t n = 3000;
  const auto test = step_test(procedure, n);
  std::vector<double> p(n);
  for (std::size_t k = 0; k < n; ++k) {
    const double c =
        test ? test->critical_values[k] : 0.2 * static_cast<double>(k + 1) / static_cast<double>(n);
    const bool at = (test && test->direction == Direction::down) || k == 6;
    p[n - 1 - k] = at ? c : std::nextafter(c, 1.0);
  }
  const TestResult want = run(procedure, p);
  std::vector<std::uint8_t> mask(n, 7);
  EXPECT_EQ(reject(procedure, p, mask), want.num_rejections);
  EXPECT_EQ(mask, want.mask);
}

TEST_P(Reject, OfNothingNothing) {
  EXPECT_EQ(reject(make_procedure(GetParam(), {}).value(), {}, {}), 0u);
}

INSTANTIATE_TEST_SUITE_P(Procedure, Reject, ::testing::ValuesIn(procedure_names()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace bhroute::stats
