#include "bhroute/stats/descriptive.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace bhroute::stats {
namespace {

TEST(MeanWithError, OfKnownValues) {
  const std::vector<double> values{2, 4, 4, 4, 5, 5, 7, 9};
  const MeanWithError result = mean_with_error(values);
  EXPECT_DOUBLE_EQ(result.mean, 5.0);
  EXPECT_DOUBLE_EQ(result.standard_error, std::sqrt(32.0 / 7.0 / 8.0));
  EXPECT_EQ(result.n, 8u);
}

TEST(MeanWithError, OfFewerThanTwo) {
  EXPECT_EQ(mean_with_error({}).n, 0u);
  EXPECT_EQ(mean_with_error({}).mean, 0.0);
  const std::vector<double> one{3.5};
  EXPECT_EQ(mean_with_error(one).mean, 3.5);
  EXPECT_EQ(mean_with_error(one).standard_error, 0.0);
  EXPECT_EQ(mean_with_error(one).n, 1u);
}

TEST(MeanWithError, KeepsItsDigitsBesideALargeMean) {
  const std::vector<double> values{1e9 + 1, 1e9 + 2, 1e9 + 3};
  EXPECT_DOUBLE_EQ(mean_with_error(values).standard_error, std::sqrt(1.0 / 3.0));
}

TEST(PairedDifference, IsTheMeanOfTheDifferences) {
  const std::vector<double> a{10.0, 20.0, 30.0}, b{9.0, 18.0, 27.0};
  const MeanWithError result = paired_difference(a, b);
  EXPECT_DOUBLE_EQ(result.mean, 2.0);
  EXPECT_DOUBLE_EQ(result.standard_error, std::sqrt(1.0 / 3.0));
  EXPECT_EQ(result.n, 3u);
  EXPECT_DOUBLE_EQ(paired_difference(b, a).mean, -2.0);
}

// numpy.quantile([1, 2, 4, 8], [0, 0.25, 0.5, 0.9, 1])
TEST(Quantile, AsNumpys) {
  const std::vector<double> sorted{1.0, 2.0, 4.0, 8.0};
  EXPECT_DOUBLE_EQ(quantile(sorted, 0.0), 1.0);
  EXPECT_DOUBLE_EQ(quantile(sorted, 0.25), 1.75);
  EXPECT_DOUBLE_EQ(quantile(sorted, 0.5), 3.0);
  EXPECT_DOUBLE_EQ(quantile(sorted, 0.9), 6.8);
  EXPECT_DOUBLE_EQ(quantile(sorted, 1.0), 8.0);
  const std::vector<double> one{3.0};
  EXPECT_EQ(quantile(one, 0.7), 3.0);
}

}  // namespace
}  // namespace bhroute::stats
