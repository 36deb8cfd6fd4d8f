// Every instruction set against the plain comparison.

#include "bhroute/core/compare_doubles.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "bhroute/core/isa.h"

namespace bhroute {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

class CompareDoubles : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { ASSERT_TRUE(force_isa(GetParam())); }
  void TearDown() override { ASSERT_TRUE(force_isa("")); }
};

TEST_P(CompareDoubles, CountsAndMarksWhatIsAtMostTheBound) {
  std::mt19937 random(7);
  const double bounds[] = {0.5, 0.0, -0.0, 1.0, kInfinity, -kInfinity, kNan, 5e-324};
  for (std::size_t size = 0; size < 300; ++size) {
    const double bound = bounds[random() % std::size(bounds)];
    const double edges[] = {bound, std::nextafter(bound, 2.0), std::nextafter(bound, -2.0), kNan,
                            0.0};
    std::vector<double> values(size);
    for (double& value : values)
      value = random() % 2 == 0 ? edges[random() % std::size(edges)]
                                : std::generate_canonical<double, 53>(random);
    std::vector<std::uint8_t> want(size + 1, 7), marks(size + 1, 7);
    std::size_t count = 0;
    for (std::size_t i = 0; i < size; ++i) count += want[i] = values[i] <= bound ? 1 : 0;
    EXPECT_EQ(count_at_most(values, bound), count) << size << " values, bound " << bound;
    EXPECT_EQ(mark_at_most(values, bound, marks.data()), count)
        << size << " values, bound " << bound;
    EXPECT_EQ(marks, want) << size << " values, bound "
                           << bound;  // the last: nothing written beyond
    std::vector<double> kept(size + 1, 7.0);
    EXPECT_EQ(keep_at_most(values, bound, kept.data()), count);
    EXPECT_EQ(kept.back(), 7.0);
    std::erase_if(values, [&](double value) { return !(value <= bound); });
    kept.resize(count);
    EXPECT_EQ(kept, values) << size << " values, bound " << bound;
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, CompareDoubles, ::testing::ValuesIn(supported_isas()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace bhroute
