// The logic of the CUDA kernel for one null an expert without a GPU: its blocks run on the CPU and
// are held against the policy that the CPU runs.

// clang-format off
#include "kernels/host_block.h"  // the words of CUDA, before the kernels
// clang-format on

#include <gtest/gtest.h>

#include <random>

#include "bhroute/kernels/compressed_rows.h"
#include "kernels/expert_cases.h"
#include "kernels/expert_kernel_cuda.cuh"
#include "kernels/temperature.h"

namespace bhroute::kernels::cuda {

double expert_memory[6144];  // the block's shared memory

namespace {

using testing::ExpertCase;
using testing::Outputs;
constexpr int kThreads = 64;

SoftmaxScale scale_of(double temperature) {
  const double exact = 1.4426950408889634 * inverse_temperature(temperature);
  const float high = static_cast<float>(exact);
  return {high, static_cast<float>(exact - high)};
}

Call call_of(const ExpertCase& c, LogitsView logits, Outputs& out) {
  return {logits.data,
          c.program.critical_logits.data(),
          logits.num_tokens,
          logits.token_stride,
          static_cast<int>(c.num_experts),
          static_cast<int>(c.program.min_k),
          static_cast<int>(c.program.max_k),
          static_cast<int>(c.program.own_top_k),
          static_cast<TestedStatistic>(c.program.statistic),
          c.program.rule == routing::LayerRule::step_down,
          c.program.weight_scale,
          scale_of(c.program.temperature),
          out.view(),
          {},
          nullptr,
          0};
}

template <int kValues>
void run_blocks(const ExpertCase& c, const Call& call, unsigned blocks) {
  ASSERT_LE(expert_shared_bytes(call.num_experts, kThreads), sizeof(expert_memory));
  for (unsigned b = 0; b < blocks; ++b)
    host_block::run(kThreads, b, blocks, [&] {
      route_experts<float, kValues, kThreads>(call, c.program.expert_nulls.data());
    });
}

template <int kValues>
void expect_rows(const ExpertCase& c, LogitsView logits) {
  Outputs out(logits.num_tokens, c.program.max_k);
  run_blocks<kValues>(c, call_of(c, logits, out), 3);
  expect_routed(c, logits, out, 5);
}

/// Every shape of row under drawn policies, for numbers of experts that kValues a lane hold.
template <int kValues>
void expect_random_launches(calibration::Statistic statistic, int launches, unsigned seed) {
  std::mt19937 random(seed);
  for (int i = 0; i < launches; ++i) {
    const std::size_t least = kValues == 1 ? 2 : 16 * kValues + 1;
    const std::size_t n = i % 3 == 0 ? 32 * kValues : least + random() % (32 * kValues - least + 1);
    const ExpertCase c =
        testing::expert_case(testing::random_expert_policy(n, random), n, statistic);
    const auto rows = testing::rows_of_every_shape(n, 3, static_cast<unsigned>(random()));
    expect_rows<kValues>(c, {rows.data(), rows.size() / n, n, n});
    if (::testing::Test::HasFatalFailure()) return;
  }
}

TEST(ExpertKernelOnTheHost, UpTo32And64Experts) {
  expect_random_launches<1>(calibration::Statistic::logit, 60, 1);
  expect_random_launches<2>(calibration::Statistic::logit, 60, 2);
}

TEST(ExpertKernelOnTheHost, UpTo128And256Experts) {
  expect_random_launches<4>(calibration::Statistic::logit, 30, 3);
  expect_random_launches<8>(calibration::Statistic::logit, 15, 4);
}

TEST(ExpertKernelOnTheHost, UpTo512Experts) {
  expect_random_launches<16>(calibration::Statistic::logit, 8, 5);
}

TEST(ExpertKernelOnTheHost, OtherStatistics) {
  expect_random_launches<2>(calibration::Statistic::log_prob, 30, 6);
  expect_random_launches<2>(calibration::Statistic::standardized, 30, 7);
}

/// 64 experts under one normal null each, but for expert 6, whose null lies far above.
ExpertCase normal_case(const std::string& text) {
  calibration::CalibrationTable table;
  table.metadata.num_experts = 64;
  table.metadata.pooling = calibration::Pooling::per_expert;
  table.metadata.form = stats::PValueForm::gridded;
  for (int i = 0; i < 64; ++i)
    table.layers[0].groups.push_back(testing::gridded_null(1000, i == 6 ? 1000.0 : 0.0));
  const auto shared = std::make_shared<const calibration::CalibrationTable>(std::move(table));
  const auto spec = routing::parse_policy(text).value();
  return {text, routing::make_policy(spec, testing::facts(64), shared).value(),
          routing::layer_program(spec, testing::facts(64), shared, 0).value(), 64};
}

/// The largest logit is not among the selected, which divide the mass or 1 among themselves.
TEST(ExpertKernelOnTheHost, TheLargestLogitMayBeLeftOut) {
  std::vector<float> rows(4 * 64, -2.0f);
  for (std::size_t t = 0; t < 4; ++t) {
    rows[t * 64 + 6] = t == 3 ? std::numeric_limits<float>::infinity() : 120.0f;
    rows[t * 64 + 9] = 5.0f + static_cast<float>(t);
  }
  for (const char* weights : {"native", "renormalized", "mass"}) {
    const ExpertCase c = normal_case(fmt::format("bh:alpha=0.05,max_k=2,weights={}", weights));
    Outputs out(4, 2);
    const LogitsView view{rows.data(), 4, 64, 64};
    run_blocks<2>(c, call_of(c, view, out), 1);
    EXPECT_EQ(out.ids[0], 9);
    expect_routed(c, view, out, 5);
  }
}

/// p = 0.00097 for 30 experts lies between alpha/N and alpha/(N - 29).
TEST(ExpertKernelOnTheHost, TheStepDownStopsAtTheFirstRankThatFails) {
  std::vector<float> row(64, -2.0f);
  for (std::size_t e = 20; e < 50; ++e) row[e] = 3.1f;
  const LogitsView view{row.data(), 1, 64, 64};
  for (const auto& [rule, selected] : {std::pair{"holm", 1}, std::pair{"hochberg", 30}}) {
    const ExpertCase c = normal_case(fmt::format("{}:alpha=0.05,max_k=64", rule));
    Outputs out(1, 64);
    run_blocks<2>(c, call_of(c, view, out), 1);
    EXPECT_EQ(out.counts[0], selected) << rule;
    expect_routed(c, view, out, 5);
  }
}

TEST(ExpertKernelOnTheHost, CountsDenseWeightsAndDistinctIds) {
  constexpr std::size_t kTokens = 300, kChunk = 128, n = 60;
  const ExpertCase c =
      testing::expert_case("bh:alpha=0.2,max_k=7", n, calibration::Statistic::logit);
  const auto rows = testing::random_logits(testing::Shape::nan, kTokens, n, 8);
  Outputs out(kTokens, 7);
  std::vector<float> dense(kTokens * n, -7.0f), want_dense(kTokens * n, 0.0f);
  std::vector<std::uint16_t> histograms(3 * 64, 7);
  Call call = call_of(c, {rows.data(), kTokens, n, n}, out);
  call.extras.unselected = Unselected::distinct;
  call.extras.dense_weights = dense.data();
  call.histograms = histograms.data();
  call.chunk_size = kChunk;
  run_blocks<2>(c, call, 3);
  std::vector<std::int32_t> counts(n), want_counts(n), want_ids(out.ids.size(), -1);
  for (std::size_t e = 0; e < n; ++e)
    for (std::size_t b = 0; b < 3; ++b) counts[e] += histograms[b * 64 + e];
  for (std::size_t t = 0; t < kTokens; ++t)
    for (int s = 0; s < out.counts[t]; ++s) {
      const std::size_t slot = t * 7 + static_cast<std::size_t>(s);
      want_ids[slot] = out.ids[slot];
      want_dense[t * n + static_cast<std::size_t>(out.ids[slot])] = out.weights[slot];
    }
  count_experts(kTokens, 7, n, out.counts.data(), want_ids.data(), want_counts.data());
  fill_unselected(Unselected::distinct, kTokens, 7, n, out.counts.data(), want_ids.data());
  EXPECT_EQ(counts, want_counts);
  EXPECT_EQ(dense, want_dense);
  EXPECT_EQ(out.ids, want_ids);
}

}  // namespace
}  // namespace bhroute::kernels::cuda
