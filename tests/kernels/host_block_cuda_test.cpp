// The logic of the CUDA kernels without a GPU: their blocks run on the CPU and are held against the
// oracle.

// clang-format off
#include "kernels/host_block.h"  // the words of CUDA, before the kernels
// clang-format on

#include <gtest/gtest.h>

#include <cfloat>
#include <climits>
#include <random>

#include "bhroute/kernels/compressed_rows.h"
#include "kernels/compressed_rows_kernel_cuda.cuh"
#include "kernels/kernel_expectations.h"
#include "kernels/plain_kernel_cuda.cuh"
#include "kernels/temperature.h"

namespace bhroute::kernels::cuda {

uint4 memory[8192];  // the blocks' shared memory
int row_memory[16384];

namespace {

using testing::Outputs;
constexpr int kThreads = 64;

/// A launch: its inputs, and how it is made up.
struct Launch {
  std::vector<float> critical;  // empty: the max_k largest
  std::size_t num_tokens, n, stride, min_k, max_k;
  double temperature;
  WeightScale weight_scale;
  std::size_t chunk;  // tokens of a block, which then counts; 0: none
};

SoftmaxScale scale_of(double temperature) {
  const double exact = 1.4426950408889634 * inverse_temperature(temperature);
  const float high = static_cast<float>(exact);
  return {high, static_cast<float>(exact - high)};
}

std::vector<std::int32_t> want_ids(const float* row, const Launch& launch) {
  if (!launch.critical.empty())
    return testing::oracle_step_up(row, row, launch.critical, launch.min_k, launch.max_k);
  auto ids = testing::largest_first(row, launch.n);
  ids.resize(std::min(ids.size(), launch.max_k));
  return ids;
}

void expect_compressed(const Launch& launch, const Outputs& out, const std::uint16_t* histograms) {
  const std::size_t n = launch.n, rows = launch.num_tokens;
  std::vector<std::int32_t> counts(n, -7), offsets(n + 1, -7), pairs(rows * launch.max_k, -7);
  auto want_counts = counts, want_offsets = offsets, want_pairs = pairs;
  const auto chunks = static_cast<unsigned>((rows + launch.chunk - 1) / launch.chunk);
  const CompressCall call{histograms,  out.ids.data(),      out.counts.data(),
                          rows,        static_cast<int>(n), static_cast<int>(launch.max_k),
                          n % 16 == 0, counts.data(),       offsets.data(),
                          pairs.data()};
  ASSERT_LE(row_shared_bytes(static_cast<int>(n)), sizeof(row_memory));
  for (unsigned b = 0; b < chunks; ++b)
    host_block::run(kRowThreads, b, chunks,
                    [&] { compress(call, static_cast<int>(chunks), launch.chunk); });
  count_experts(rows, launch.max_k, n, out.counts.data(), out.ids.data(), want_counts.data());
  compress_rows(rows, launch.max_k, n, out.counts.data(), out.ids.data(), want_offsets.data(),
                want_pairs.data());
  EXPECT_EQ(counts, want_counts);
  EXPECT_EQ(offsets, want_offsets);
  EXPECT_EQ(pairs, want_pairs);
}

template <class Group, bool kCounted>
void expect_rows(const Launch& launch, const float* logits) {
  const std::size_t rows = launch.num_tokens, n = launch.n;
  Outputs out(rows, launch.max_k);
  alignas(16) static std::uint16_t histograms[1 << 16];
  const Call call{logits,
                  launch.critical.empty() ? nullptr : launch.critical.data(),
                  rows,
                  launch.stride,
                  static_cast<int>(n),
                  static_cast<int>(launch.min_k),
                  static_cast<int>(launch.max_k),
                  1,
                  TestedStatistic::logit,
                  false,
                  launch.weight_scale,
                  scale_of(launch.temperature),
                  out.view(),
                  {},
                  kCounted ? histograms : nullptr,
                  launch.chunk};
  ASSERT_LE(static_cast<std::size_t>(plain_shared_bytes<Group>(call.num_experts, kThreads)),
            sizeof(memory));
  const auto blocks =
      kCounted ? static_cast<unsigned>((rows + launch.chunk - 1) / launch.chunk) : 3u;
  for (unsigned b = 0; b < blocks; ++b)
    host_block::run(kThreads, b, blocks,
                    [&] { route_plain<float, Group, kThreads, 1, kCounted>(call); });
  const RouteInputs in{.logits = logits,
                       .num_tokens = rows,
                       .num_experts = n,
                       .token_stride = launch.stride,
                       .temperature = launch.temperature,
                       .weight_scale = launch.weight_scale};
  for (std::size_t t = 0; t < rows; ++t)
    ASSERT_TRUE(
        testing::row_is(in, t, launch.max_k, out, want_ids(logits + t * launch.stride, launch), 5))
        << "N " << n << " token " << t << " of " << rows << " min_k " << launch.min_k << " max_k "
        << launch.max_k;
  if (kCounted) expect_compressed(launch, out, histograms);
}

/// Critical logits that fall; sometimes none can pass at first, or every number passes at last.
std::vector<float> random_critical(std::size_t n, std::mt19937& random) {
  const float highest = 0.001f * static_cast<float>(random() % 4000);
  const float lowest = highest - 0.001f * static_cast<float>(random() % 3000);
  if (random() % 5 == 0) return {};
  auto critical = testing::falling(n, highest, lowest, random() % 3 == 0 ? random() % (n + 1) : 0);
  if (random() % 8 == 0)
    std::fill(critical.begin() + static_cast<std::ptrdiff_t>(random() % n), critical.end(),
              -INFINITY);
  return critical;
}

template <class Group>
void expect_random_launches(unsigned seed) {
  constexpr std::size_t kFull = Group::kLanes * Group::kValues;
  std::mt19937 random(seed);
  for (int i = 0; i < 60; ++i) {
    const std::size_t n =
        random() % 3 == 0 ? kFull - Group::kValues * (random() % (Group::kLanes / 2)) : kFull;
    ASSERT_TRUE(Group::can_hold(static_cast<int>(n)));
    Launch launch{random_critical(n, random),
                  1 + random() % 400,
                  n,
                  n + 8 * (random() % 2),
                  1,
                  1 + random() % std::min<std::size_t>(n, random() % 3 == 0 ? n : 16),
                  random() % 2 == 0 ? 1.0 : 0.5 + 0.001 * static_cast<double>(random() % 1500),
                  static_cast<WeightScale>(random() % 2),
                  128 * (random() % 3)};
    if (launch.critical.empty())
      launch.min_k = launch.max_k;
    else if (random() % 2 == 0)
      launch.min_k += random() % launch.max_k;
    const auto shape = testing::kShapes[random() % std::size(testing::kShapes)];
    const auto drawn = testing::random_logits(shape, launch.num_tokens, launch.stride,
                                              static_cast<unsigned>(random()));
    std::vector<uint4> aligned(drawn.size() / 4 + 1);
    auto* logits = reinterpret_cast<float*>(aligned.data());
    std::copy(drawn.begin(), drawn.end(), logits);
    SCOPED_TRACE(name(shape));
    if (launch.chunk == 0)
      expect_rows<Group, false>(launch, logits);
    else
      expect_rows<Group, true>(launch, logits);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

TEST(PlainKernelOnTheHost, ALaneHoldsItsExpertsWholeOrNone) {
  for (int n : {16, 48, 64, 112, 128}) EXPECT_TRUE((PlainGroup<8, 16, 16>::can_hold(n))) << n;
  for (int n : {40, 72, 88, 104, 120, 136}) EXPECT_FALSE((PlainGroup<8, 16, 16>::can_hold(n))) << n;
  EXPECT_TRUE((PlainGroup<16, 8, 16>::can_hold(72)));
  EXPECT_FALSE((PlainGroup<4, 16, 8>::can_hold(56)));
}

TEST(PlainKernelOnTheHost, FourLanesAToken) {
  expect_random_launches<PlainGroup<4, 8, 8>>(1);
  expect_random_launches<PlainGroup<4, 16, 8>>(2);
}

TEST(PlainKernelOnTheHost, EightLanesAToken) {
  expect_random_launches<PlainGroup<8, 8, 8>>(3);
  expect_random_launches<PlainGroup<8, 8, 16>>(4);
  expect_random_launches<PlainGroup<8, 16, 16>>(5);
}

TEST(PlainKernelOnTheHost, AHalfOrAWholeWarpAToken) {
  expect_random_launches<PlainGroup<16, 8, 8>>(6);
  expect_random_launches<PlainGroup<16, 8, 16>>(7);
  expect_random_launches<PlainGroup<32, 8, 16>>(8);
}

}  // namespace
}  // namespace bhroute::kernels::cuda
