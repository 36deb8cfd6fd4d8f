#include "bhroute/kernels/routing_kernels_cuda.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <limits>
#include <random>
#include <span>
#include <thread>
#include <vector>

#include "bhroute/calibration/null_spec.h"
#include "kernels/device_array.h"
#include "kernels/gpu_test.h"
#include "kernels/kernel_expectations.h"

namespace bhroute::kernels {
namespace {

using testing::check;
using testing::DeviceArray;
using testing::falling;
using testing::halves;
using testing::oracle_step_up;
using testing::Outputs;
using testing::random_logits;
using testing::row_is;
using testing::Shape;
constexpr int kUlps = 6;  // the exponential unit of the GPU errs by up to 2 of them
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

class RoutingKernelsCuda : public testing::GpuTest {};

/// One call: host values, as the CPU's kernels take them, and how they lie in device memory.
struct Case {
  std::vector<float> logits{};
  TestedStatistic kind = TestedStatistic::logit;
  std::size_t n = 0;
  std::size_t stride = 0;  // 0 = n
  WeightScale weight_scale = WeightScale::none;
  double temperature = 1.0;
  std::size_t own_top_k = 8;
  LogitType type = LogitType::float32;
  std::vector<float> statistic{};  // as the CPU's kernels take it; made from `kind` by expect_rows

  std::size_t row_stride() const { return stride == 0 ? n : stride; }
  RouteInputs host() const {
    return {.logits = logits.data(),
            .statistic = statistic.empty() ? nullptr : statistic.data(),
            .num_tokens = logits.size() / row_stride(),
            .num_experts = n,
            .token_stride = row_stride(),
            .temperature = temperature,
            .weight_scale = weight_scale,
            .own_top_k = own_top_k};
  }
};

/// Runs the case on the GPU; critical empty: the max_k largest.
Outputs run(const Case& c, const void* device_logits, const std::vector<float>& critical,
            std::size_t min_k, std::size_t max_k) {
  const RouteInputs in = c.host();
  Outputs out(in.num_tokens, max_k);
  DeviceArray ids(out.ids), counts(out.counts);
  DeviceArray weights(out.weights), bounds(critical);
  const CudaRouteInputs device{.logits = device_logits,
                               .logit_type = c.type,
                               .statistic = c.kind,
                               .num_tokens = in.num_tokens,
                               .num_experts = in.num_experts,
                               .token_stride = in.token_stride,
                               .temperature = in.temperature,
                               .weight_scale = in.weight_scale,
                               .own_top_k = in.own_top_k};
  const RouteOutputs views{ids.data(), weights.data(), counts.data()};
  const CudaLaunch launched =
      critical.empty() ? route_top_k_cuda(device, max_k, views, nullptr)
                       : route_step_up_cuda(device, bounds.data(), min_k, max_k, views, nullptr);
  EXPECT_EQ(launched, CudaLaunch::ok);
  check(cudaDeviceSynchronize());
  ids.copy_to(out.ids);
  weights.copy_to(out.weights);
  counts.copy_to(out.counts);
  return out;
}

std::vector<std::int32_t> expected_ids(const RouteInputs& in, std::size_t t,
                                       const std::vector<float>& critical, std::size_t min_k,
                                       std::size_t max_k) {
  const float* logits = in.logits + t * in.token_stride;
  const float* statistic = in.statistic == nullptr ? logits : in.statistic + t * in.num_experts;
  if (!critical.empty()) return oracle_step_up(logits, statistic, critical, min_k, max_k);
  auto ids = testing::largest_first(logits, in.num_experts);
  ids.resize(std::min(ids.size(), max_k));
  return ids;
}

void make_statistic(Case& c) {
  if (c.kind == TestedStatistic::logit) return;
  c.statistic.resize(c.logits.size());
  for (std::size_t first = 0; first < c.logits.size(); first += c.n)
    compute_statistic(static_cast<calibration::Statistic>(c.kind),
                      std::span(c.logits).subspan(first, c.n),
                      std::span(c.statistic).subspan(first, c.n));
}

/// Rows are checked by every core; the first failure is told.
void expect_rows(Case c, const Outputs& out, const std::vector<float>& critical, std::size_t min_k,
                 std::size_t max_k) {
  make_statistic(c);
  const RouteInputs in = c.host();
  const std::size_t num_threads = in.num_tokens < 1000 ? 1 : std::thread::hardware_concurrency();
  std::atomic<bool> failed = false;
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < num_threads; ++i) {
    threads.emplace_back([&, i] {
      for (std::size_t t = i; t < in.num_tokens && !failed; t += num_threads) {
        const auto result =
            row_is(in, t, max_k, out, expected_ids(in, t, critical, min_k, max_k), kUlps);
        if (!result && !failed.exchange(true))
          ADD_FAILURE() << result.message() << " (N " << c.n << " token " << t << " of "
                        << in.num_tokens << " min_k " << min_k << " max_k " << max_k << ")";
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

void expect_equal(Case c, const std::vector<float>& critical, std::size_t min_k,
                  std::size_t max_k) {
  if (c.type == LogitType::bf16) {
    const DeviceArray device(halves<__nv_bfloat16>(
        c.logits, [](float v) { return __float2bfloat16(v); },
        [](__nv_bfloat16 v) { return __bfloat162float(v); }));
    return expect_rows(c, run(c, device.data(), critical, min_k, max_k), critical, min_k, max_k);
  }
  if (c.type == LogitType::f16) {
    const DeviceArray device(halves<__half>(
        c.logits, [](float v) { return __float2half(v); },
        [](__half v) { return __half2float(v); }));
    return expect_rows(c, run(c, device.data(), critical, min_k, max_k), critical, min_k, max_k);
  }
  const DeviceArray device(c.logits);
  expect_rows(c, run(c, device.data(), critical, min_k, max_k), critical, min_k, max_k);
}

TEST_F(RoutingKernelsCuda, StepUpEqualsTheOracleForEveryNumberOfExperts) {
  for (std::size_t n = 1; n <= kMaxExpertsCuda; ++n) {
    for (Shape shape : testing::kShapes) {
      const Case c{.logits = random_logits(shape, 5, n, static_cast<unsigned>(n)), .n = n};
      const std::size_t max_k = 1 + n * 3 / 4 * (n % 3) / 2;
      expect_equal(c, falling(n, 2.5f, 0.5f), 1, std::min(n, max_k));
      expect_equal(c, falling(n, 1.0f, -1.0f, n / 8), std::min<std::size_t>(n, 3), n);
    }
  }
}

TEST_F(RoutingKernelsCuda, StepUpAtTheLimits) {
  for (std::size_t n : {1, 7, 64, 65, 200, 512}) {
    for (Shape shape : testing::kShapes) {
      const Case c{.logits = random_logits(shape, 20, n, 5), .n = n};
      expect_equal(c, falling(n, kNan, kNan, n), 1, n);     // nothing can pass
      expect_equal(c, std::vector<float>(n, -kInf), 1, n);  // everything passes
      expect_equal(c, std::vector<float>(n, kInf), 1, std::min<std::size_t>(n, 4));
      expect_equal(c, falling(n, 1.0f, 0.0f), n, n);  // min_k fills the row
    }
  }
}

TEST_F(RoutingKernelsCuda, ManyTokensAndFewTakeTheSameDecisions) {
  for (std::size_t tokens : {1, 3, 33, 8192, 8193, 20001, 65537}) {
    for (std::size_t n : {24, 40, 56, 64, 72, 104, 112, 120, 128, 200}) {
      const Case c{.logits = random_logits(Shape::normal, tokens, n, 3), .n = n};
      expect_equal(c, falling(n, 2.5f, 0.5f), 1, 8);
      expect_equal(c, {}, 8, 8);
    }
  }
}

TEST_F(RoutingKernelsCuda, StepUpOnTheOtherStatistics) {
  for (std::size_t n : {5, 64, 100, 128, 512}) {
    for (Shape shape : testing::kShapes) {
      for (auto kind : {TestedStatistic::log_prob, TestedStatistic::standardized}) {
        const Case c{.logits = random_logits(shape, 200, n, 6), .kind = kind, .n = n};
        const float shift = kind == TestedStatistic::log_prob ? -2.0f : 0.0f;
        expect_equal(c, falling(n, 2.5f + shift, shift), 1, std::min<std::size_t>(n, 16));
        expect_equal(c, falling(n, 1.0f + shift, shift - 2.0f), 2, n);
      }
    }
  }
}

/// Everything that may be asked for besides, against the CPU's own from the same decisions. Without
/// dense weights the usual token's kernel counts.
void expect_extras(std::size_t num_tokens, std::size_t n, std::size_t max_k, Unselected form,
                   bool with_dense) {
  const std::vector<float> logits = random_logits(Shape::normal, num_tokens, n, 12);
  const DeviceArray device_logits(logits), bounds(falling(n, 2.5f, 0.5f));
  Outputs out(num_tokens, max_k);
  std::vector<float> dense(num_tokens * n, -7.0f);
  std::vector<std::int32_t> counts(n, -7), offsets(n + 1, -7), pairs(num_tokens * max_k, -7),
      scratch(num_scratch_cuda(num_tokens, n), -7);
  DeviceArray ids(out.ids), num(out.counts), d_counts(counts), d_offsets(offsets), d_pairs(pairs),
      d_scratch(scratch);
  DeviceArray weights(out.weights), d_dense(dense);
  const CudaRouteInputs in{.logits = device_logits.data(),
                           .num_tokens = num_tokens,
                           .num_experts = n,
                           .token_stride = n};
  ASSERT_EQ(route_step_up_cuda(in, bounds.data(), 1, max_k,
                               {ids.data(), weights.data(), num.data()}, nullptr,
                               {form, with_dense ? d_dense.data() : nullptr, d_counts.data(), d_offsets.data(),
                                d_pairs.data(), d_scratch.data()}),
            CudaLaunch::ok);
  check(cudaDeviceSynchronize());
  ids.copy_to(out.ids), num.copy_to(out.counts), weights.copy_to(out.weights),
      d_dense.copy_to(dense);
  d_counts.copy_to(counts), d_offsets.copy_to(offsets), d_pairs.copy_to(pairs);

  std::vector<std::int32_t> want_counts(n), want_offsets(n + 1), want_pairs(pairs.size()),
      want_ids = out.ids;
  count_experts(num_tokens, max_k, n, out.counts.data(), out.ids.data(), want_counts.data());
  compress_rows(num_tokens, max_k, n, out.counts.data(), out.ids.data(), want_offsets.data(),
                want_pairs.data());
  fill_unselected(form, num_tokens, max_k, n, out.counts.data(), want_ids.data());
  std::vector<float> want_dense(dense.size(), 0.0f);
  for (std::size_t t = 0; t < num_tokens; ++t)
    for (std::int32_t s = 0; s < out.counts[t]; ++s)
      want_dense[t * n + static_cast<std::size_t>(out.ids[t * max_k + s])] =
          out.weights[t * max_k + s];
  EXPECT_EQ(counts, want_counts);
  EXPECT_EQ(offsets, want_offsets);
  EXPECT_EQ(pairs, want_pairs);
  EXPECT_EQ(out.ids, want_ids);
  if (with_dense) {
    EXPECT_EQ(dense, want_dense);
  }
}

TEST_F(RoutingKernelsCuda, CountsRowsDenseWeightsAndUnselectedSlots) {
  for (std::size_t num_tokens : {1, 127, 129, 5000, 16384, 70000})
    for (std::size_t n : {5, 40, 64, 100, 120, 128, 192, 256, 512})
      for (auto form : {Unselected::minus_one, Unselected::num_experts, Unselected::distinct})
        for (bool with_dense : {true, false}) {
          SCOPED_TRACE(::testing::Message() << num_tokens << " tokens, N " << n);
          expect_extras(num_tokens, n, std::min<std::size_t>(n, 8), form, with_dense);
        }
}

TEST_F(RoutingKernelsCuda, StepDownEqualsTheCpu) {
  for (std::size_t n : {5, 64, 128, 300}) {
    for (Shape shape : testing::kShapes) {
      const Case c{.logits = random_logits(shape, 500, n, 14), .n = n};
      const std::vector<float> critical = falling(n, 2.5f, 0.0f);
      const std::size_t max_k = std::min<std::size_t>(n, 16);
      Outputs want(500, max_k), got(500, max_k);
      route_step_down(c.host(), critical.data(), 1, max_k, want.view());
      const DeviceArray logits(c.logits), bounds(critical);
      const DeviceArray ids(got.ids), num(got.counts);
      const DeviceArray weights(got.weights);
      const CudaRouteInputs in{
          .logits = logits.data(), .num_tokens = 500, .num_experts = n, .token_stride = n};
      ASSERT_EQ(route_step_down_cuda(in, bounds.data(), 1, max_k,
                                     {ids.data(), weights.data(), num.data()}, nullptr),
                CudaLaunch::ok);
      check(cudaDeviceSynchronize());
      ids.copy_to(got.ids), num.copy_to(got.counts);
      EXPECT_EQ(got.ids, want.ids) << name(shape) << " N " << n;
      EXPECT_EQ(got.counts, want.counts);
    }
  }
}

TEST_F(RoutingKernelsCuda, TopKEqualsTheOracle) {
  for (std::size_t n : {1, 2, 8, 31, 33, 64, 128, 300, 512}) {
    for (Shape shape : testing::kShapes) {
      const Case c{.logits = random_logits(shape, 4, n, 7), .n = n};
      for (std::size_t k : {1, 2, 8, 16, 17, 70, 512})
        expect_equal(c, {}, std::min(k, n), std::min(k, n));
    }
  }
}

TEST_F(RoutingKernelsCuda, WeightScalesAndTemperatures) {
  for (auto scale : {WeightScale::none, WeightScale::one, WeightScale::mass}) {
    for (double temperature : {1.0, 0.7, 1.9, 0.01, 1e-30, 1e30}) {
      for (Shape shape : testing::kShapes) {
        const Case c{.logits = random_logits(shape, 40, 64, 8),
                     .n = 64,
                     .weight_scale = scale,
                     .temperature = temperature};
        SCOPED_TRACE(::testing::Message() << name(shape) << " T " << temperature);
        expect_equal(c, falling(64, 2.5f, 0.5f), 1, 16);
        expect_equal(c, falling(64, 2.5f, 0.5f), 12, 64);
      }
    }
  }
}

TEST_F(RoutingKernelsCuda, DeepWeightsKeepTheirPrecision) {
  std::mt19937 random(10);
  std::uniform_real_distribution<float> depth(-80.0f, 0.0f);
  Case c{.n = 512, .temperature = 0.9};
  c.logits.resize(200 * 512);
  for (float& r : c.logits) r = 17.3f + depth(random);
  expect_equal(c, std::vector<float>(512, -kInf), 1, 512);
}

TEST_F(RoutingKernelsCuda, HalfPrecisionLogits) {
  for (LogitType type : {LogitType::bf16, LogitType::f16}) {
    for (std::size_t n : {7, 60, 64, 128, 511, 512}) {
      for (Shape shape : testing::kShapes) {
        const Case c{.logits = random_logits(shape, 50, n, 9), .n = n, .type = type};
        expect_equal(c, falling(n, 2.5f, 0.5f), 1, std::min<std::size_t>(n, 16));
      }
    }
  }
}

TEST_F(RoutingKernelsCuda, ReadsRowsByTheirStride) {
  for (std::size_t stride : {65, 66, 68, 80}) {
    const Case c{.logits = random_logits(Shape::normal, 100, stride, 4), .n = 64, .stride = stride};
    expect_equal(c, falling(64, 2.5f, 0.5f), 1, 16);
  }
}

TEST_F(RoutingKernelsCuda, RefusesWhatTheContractForbids) {
  const CudaRouteInputs in{.num_tokens = 1, .num_experts = 64, .token_stride = 64};
  CudaRouteInputs large = in;
  large.num_experts = large.token_stride = 513;
  EXPECT_EQ(route_top_k_cuda(large, 8, {}, nullptr), CudaLaunch::invalid_arguments);
  EXPECT_EQ(route_top_k_cuda(in, 65, {}, nullptr), CudaLaunch::invalid_arguments);
  EXPECT_EQ(route_top_k_cuda(in, 0, {}, nullptr), CudaLaunch::invalid_arguments);
  EXPECT_EQ(route_step_up_cuda(in, nullptr, 1, 8, {}, nullptr), CudaLaunch::invalid_arguments);
}

TEST_F(RoutingKernelsCuda, NoTokensLaunchNothing) {
  const CudaRouteInputs in{.num_tokens = 0, .num_experts = 64, .token_stride = 64};
  EXPECT_EQ(route_top_k_cuda(in, 8, {}, nullptr), CudaLaunch::ok);
}

/// BHROUTE_FUZZ_ROWS random rows (200,000 unless set) of random width, shape, scale and bounds.
TEST_F(RoutingKernelsCuda, RandomRows) {
  const char* wanted = std::getenv("BHROUTE_FUZZ_ROWS");
  const std::size_t num_rows = wanted == nullptr ? 200000 : std::strtoull(wanted, nullptr, 10);
  std::mt19937 random(2024);
  std::size_t done = 0;
  while (done < num_rows && !HasFailure()) {
    const std::size_t n =
        random() % 4 == 0 ? 1 + random() % kMaxExpertsCuda : (random() % 2 == 0 ? 64 : 128);
    const std::size_t rows = std::min<std::size_t>(num_rows - done, 1000 + random() % 40000);
    const Shape shape = testing::kShapes[random() % std::size(testing::kShapes)];
    Case c{.logits = random_logits(shape, rows, n, random()), .n = n};
    c.weight_scale = static_cast<WeightScale>(random() % 3);
    c.temperature = random() % 2 == 0 ? 1.0 : 0.5 + 0.001 * (random() % 1500);
    c.type = static_cast<LogitType>(random() % 3);
    c.kind = static_cast<TestedStatistic>(random() % 6 > 2 ? 0 : random() % 3);
    const std::size_t max_k = 1 + random() % std::min<std::size_t>(n, random() % 3 == 0 ? n : 16);
    const float highest = 0.001f * static_cast<float>(random() % 4000),
                lowest = highest - 0.001f * (random() % 3000);
    expect_equal(c, falling(n, highest, lowest, random() % 3 == 0 ? random() % (n + 1) : 0),
                 1 + random() % max_k, max_k);
    done += rows;
  }
  std::printf("compared %zu random rows\n", done);
}

}  // namespace
}  // namespace bhroute::kernels
