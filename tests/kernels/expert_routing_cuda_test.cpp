// The kernel for one null an expert on a GPU, against the policy that the CPU runs.

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "bhroute/kernels/compressed_rows.h"
#include "bhroute/kernels/routing_kernels_cuda.h"
#include "kernels/device_array.h"
#include "kernels/expert_cases.h"
#include "kernels/gpu_test.h"

namespace bhroute::kernels {
namespace {

using calibration::Statistic;
using testing::check;
using testing::DeviceArray;
using testing::expert_case;
using testing::ExpertCase;
using testing::Outputs;
using testing::Shape;
constexpr int kUlps = 10;  // from the double reference 6 of the GPU, 4 of the CPU whose policy is compared

class ExpertRoutingCuda : public testing::GpuTest {};

/// Rows of logits in device memory.
struct DeviceRows {
  const void* logits;
  LogitType type;
  std::size_t num_tokens, stride;
};

CudaLaunch launch(const ExpertCase& c, const DeviceRows& rows, const RouteOutputs& out,
                  const CudaRouteExtras& extras = {}) {
  const DeviceArray critical(c.program.critical_logits);
  const DeviceArray nulls(c.program.expert_nulls);
  const CudaRouteInputs in{.logits = rows.logits,
                           .logit_type = rows.type,
                           .statistic = static_cast<TestedStatistic>(c.program.statistic),
                           .num_tokens = rows.num_tokens,
                           .num_experts = c.num_experts,
                           .token_stride = rows.stride,
                           .temperature = c.program.temperature,
                           .weight_scale = c.program.weight_scale,
                           .own_top_k = c.program.own_top_k,
                           .expert_nulls = nulls.data()};
  const bool down = c.program.rule == routing::LayerRule::step_down;
  const CudaLaunch launched = (down ? route_step_down_cuda : route_step_up_cuda)(
      in, critical.data(), c.program.min_k, c.program.max_k, out, nullptr, extras);
  check(cudaDeviceSynchronize());
  return launched;
}

Outputs run(const ExpertCase& c, const DeviceRows& rows) {
  Outputs out(rows.num_tokens, c.program.max_k);
  const DeviceArray ids(out.ids), counts(out.counts);
  const DeviceArray weights(out.weights);
  EXPECT_EQ(launch(c, rows, {ids.data(), weights.data(), counts.data()}), CudaLaunch::ok);
  ids.copy_to(out.ids), counts.copy_to(out.counts), weights.copy_to(out.weights);
  return out;
}

/// `values` are rounded to what the GPU reads.
void expect_equal(const ExpertCase& c, std::vector<float> values, LogitType type,
                  std::size_t stride) {
  const std::size_t tokens = values.size() / stride;
  const auto expect = [&](const void* device) {
    expect_routed(c, {values.data(), tokens, c.num_experts, stride},
                  run(c, {device, type, tokens, stride}), kUlps);
  };
  if (type == LogitType::float32) return expect(DeviceArray(values).data());
  if (type == LogitType::bf16)
    return expect(DeviceArray(testing::halves<__nv_bfloat16>(
                                  values, [](float v) { return __float2bfloat16(v); },
                                  [](__nv_bfloat16 v) { return __bfloat162float(v); }))
                      .data());
  expect(DeviceArray(testing::halves<__half>(
                         values, [](float v) { return __float2half(v); },
                         [](__half v) { return __half2float(v); }))
             .data());
}

TEST_F(ExpertRoutingCuda, EqualsTheCpuForManyNumbersOfExperts) {
  std::mt19937 random(1);
  for (std::size_t n : {2, 3, 31, 32, 33, 60, 64, 65, 100, 128, 129, 256, 257, 384, 511, 512})
    for (int i = 0; i < 4; ++i) {
      const ExpertCase c =
          expert_case(testing::random_expert_policy(n, random), n, Statistic::logit);
      expect_equal(c, testing::rows_of_every_shape(n, 20, random()), LogitType::float32, n);
    }
}

TEST_F(ExpertRoutingCuda, StridesAndManyTokens) {
  const ExpertCase c = expert_case("bh:alpha=0.1,max_k=8", 64, Statistic::logit);
  for (std::size_t stride : {64, 65, 80})
    for (std::size_t tokens : {1, 7, 50000})
      expect_equal(c, testing::random_logits(Shape::normal, tokens, stride, 2), LogitType::float32,
                   stride);
}

/// Counts, rows and dense weights against the CPU's own from the same decisions.
void expect_extras(std::size_t num_tokens, std::size_t n) {
  const ExpertCase c = expert_case("bh:alpha=0.1,max_k=8", n, Statistic::logit);
  const std::vector<float> logits = testing::random_logits(Shape::nan, num_tokens, n, 3);
  Outputs out(num_tokens, 8);
  std::vector<float> dense(num_tokens * n, -7.0f), want_dense(num_tokens * n, 0.0f);
  std::vector<std::int32_t> counts(n, -7), offsets(n + 1, -7), pairs(num_tokens * 8, -7),
      scratch(num_scratch_cuda(num_tokens, n), -7);
  auto want_counts = counts, want_offsets = offsets, want_pairs = pairs;
  const DeviceArray rows(logits), weights(out.weights), d_dense(dense);
  const DeviceArray ids(out.ids), num(out.counts), d_counts(counts), d_offsets(offsets),
      d_pairs(pairs), d_scratch(scratch);
  ASSERT_EQ(launch(c, {rows.data(), LogitType::float32, num_tokens, n},
                   {ids.data(), weights.data(), num.data()},
                   {Unselected::minus_one, d_dense.data(), d_counts.data(), d_offsets.data(),
                    d_pairs.data(), d_scratch.data()}),
            CudaLaunch::ok);
  ids.copy_to(out.ids), num.copy_to(out.counts), weights.copy_to(out.weights);
  d_dense.copy_to(dense), d_counts.copy_to(counts), d_offsets.copy_to(offsets),
      d_pairs.copy_to(pairs);
  count_experts(num_tokens, 8, n, out.counts.data(), out.ids.data(), want_counts.data());
  compress_rows(num_tokens, 8, n, out.counts.data(), out.ids.data(), want_offsets.data(),
                want_pairs.data());
  for (std::size_t t = 0; t < num_tokens; ++t)
    for (std::size_t s = 0; s < static_cast<std::size_t>(out.counts[t]); ++s)
      want_dense[t * n + static_cast<std::size_t>(out.ids[t * 8 + s])] = out.weights[t * 8 + s];
  expect_routed(c, {logits.data(), num_tokens, n, n}, out, kUlps);
  EXPECT_EQ(counts, want_counts);
  EXPECT_EQ(offsets, want_offsets);
  EXPECT_EQ(pairs, want_pairs);
  EXPECT_EQ(dense, want_dense);
}

TEST_F(ExpertRoutingCuda, CountsRowsAndDenseWeights) {
  for (std::size_t num_tokens : {1, 129, 16384, 70000})
    for (std::size_t n : {9, 64, 128}) expect_extras(num_tokens, n);
  expect_extras(5000, 512);
}

/// BHROUTE_FUZZ_ROWS random rows (50,000 unless set) under random policies.
TEST_F(ExpertRoutingCuda, RandomRows) {
  const char* wanted = std::getenv("BHROUTE_FUZZ_ROWS");
  const std::size_t num_rows = wanted == nullptr ? 50000 : std::strtoull(wanted, nullptr, 10);
  std::mt19937 random(2025);
  std::size_t done = 0;
  while (done < num_rows && !HasFailure()) {
    const std::size_t n =
        random() % 4 == 0 ? 2 + random() % (kMaxExpertsCuda - 1) : (random() % 2 == 0 ? 64 : 128);
    const std::size_t rows = std::min<std::size_t>(num_rows - done, 500 + random() % 10000);
    const auto statistic = static_cast<Statistic>(random() % 6 > 2 ? 0 : random() % 3);
    const auto type = static_cast<LogitType>(random() % 3);
    const Shape shape = testing::kShapes[random() % std::size(testing::kShapes)];
    expect_equal(expert_case(testing::random_expert_policy(n, random), n, statistic),
                 testing::random_logits(shape, rows, n, random()), type, n);
    done += rows;
  }
  std::printf("compared %zu random rows, one null an expert\n", done);
}

}  // namespace
}  // namespace bhroute::kernels
