#include "ggml/row_jobs.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

namespace bhroute::ggml {
namespace {

ggml_tensor result_of(std::vector<float>& data, int64_t columns, int64_t rows) {
  ggml_tensor t{};
  t.ne[0] = columns, t.ne[1] = rows, t.ne[2] = t.ne[3] = 1;
  t.nb[0] = sizeof(float), t.nb[1] = static_cast<std::size_t>(columns) * sizeof(float);
  t.data = data.data();
  return t;
}

class Threads : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(RowJobs, Threads, testing::Values(1, 2, 3, 7, 64));

TEST_P(Threads, GatherRepeatsRows) {
  std::vector<float> input(3 * 40);
  std::iota(input.begin(), input.end(), 0.0f);
  const std::vector<std::int32_t> tokens = {0, 0, 2, 1, 2};
  std::vector<float> gathered(5 * 40, -1.0f);
  ggml_tensor result = result_of(gathered, 40, 5);
  GatherJob job{reinterpret_cast<const char*>(input.data()), 40 * sizeof(float), tokens.data()};
  for (int i = 0; i < GetParam(); ++i) gather_rows(&result, i, GetParam(), &job);
  for (std::size_t row = 0; row < 5; ++row)
    for (std::size_t c = 0; c < 40; ++c)
      ASSERT_EQ(gathered[row * 40 + c], input[static_cast<std::size_t>(tokens[row]) * 40 + c]);
}

TEST_P(Threads, SumsInOrderEachStepRounded) {
  constexpr std::size_t d = 53;
  const std::vector<std::size_t> first = {10, 13, 13, 14};  // 3 pairs, none, 1 pair
  std::vector<float> rows(4 * d), weights = {0.1f, 0.7f, 1.3f, -2.0f};
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = std::sin(static_cast<float>(i));
  std::vector<float> sums(3 * d, NAN);
  ggml_tensor result = result_of(sums, d, 3);
  WeightedSumJob job{rows.data(), weights.data(), first.data(), 10};
  for (int i = 0; i < GetParam(); ++i) sum_weighted_rows(&result, i, GetParam(), &job);
  for (std::size_t c = 0; c < d; ++c) {
    volatile float a = rows[c] * weights[0], b = rows[d + c] * weights[1],
                   e = rows[2 * d + c] * weights[2];
    volatile float ab = a + b;
    ASSERT_EQ(sums[c], ab + e);
    ASSERT_EQ(sums[d + c], 0.0f);
    ASSERT_EQ(sums[2 * d + c], rows[3 * d + c] * weights[3]);
  }
}

}  // namespace
}  // namespace bhroute::ggml
