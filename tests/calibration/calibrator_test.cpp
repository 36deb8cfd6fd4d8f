#include "bhroute/calibration/calibrator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <limits>
#include <numeric>

#include "calibration/tables.h"

namespace bhroute::calibration {
namespace {

using ::testing::HasSubstr;
using Counts = std::map<float, std::uint64_t>;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

Counts counts_of(const NullDistribution& null) {
  Counts result;
  const auto counts = null.counts()->counts();
  for (std::size_t i = 0; i < counts.size(); ++i) result[null.counts()->values()[i]] = counts[i];
  return result;
}

CalibrationOptions with_null(NullKind kind, std::size_t n = 0) {
  CalibrationOptions options;
  options.null = {kind, n};
  return options;
}

Counts counted(const CalibrationOptions& options, const std::vector<float>& logits,
               std::size_t num_experts, std::size_t top_k) {
  auto calibrator = Calibrator::create(options, num_experts, top_k).value();
  testing::must(calibrator.add(0, testing::view(logits, num_experts)));
  return counts_of(calibrator.finish({})->layers.at(0).groups.at(0));
}

TEST(Calibrator, AllCountsEveryLogit) {
  EXPECT_EQ(counted(with_null(NullKind::all), {1, 2, 2, -1}, 2, 1),
            (Counts{{-1, 1}, {1, 1}, {2, 2}}));
}

TEST(Calibrator, UnselectedLeavesOutTheTopK) {
  EXPECT_EQ(counted(with_null(NullKind::unselected), {5, 1, 4, 2, /**/ 0, 9, 8, -3}, 4, 2),
            (Counts{{-3, 1}, {0, 1}, {1, 1}, {2, 1}}));
}

TEST(Calibrator, TrimmedLeavesOutItsOwnNumber) {
  EXPECT_EQ(counted(with_null(NullKind::trimmed, 3), {5, 1, 4, 2}, 4, 1), (Counts{{1, 1}}));
}

TEST(Calibrator, OfTiesTheLowerIndexIsSelectedFirst) {
  auto options = with_null(NullKind::unselected);
  options.pooling = Pooling::per_expert;
  auto calibrator = Calibrator::create(options, 3, 1).value();
  const std::vector<float> logits{-0.0f, 0.0f, -1, /**/ -1, 3, 3, /**/ -5, -6, 7};
  testing::must(calibrator.add(0, testing::view(logits, 3)));
  const auto table = calibrator.finish({}).value();
  EXPECT_EQ(counts_of(table.layers.at(0).groups[0]), (Counts{{-1, 1}, {-5, 1}}));
  EXPECT_EQ(counts_of(table.layers.at(0).groups[1]), (Counts{{0, 1}, {-6, 1}}));
  EXPECT_EQ(counts_of(table.layers.at(0).groups[2]), (Counts{{-1, 1}, {3, 1}}));
}

TEST(Calibrator, RanksByTheRawLogitAndCountsTheStatistic) {
  auto options = with_null(NullKind::unselected);
  options.statistic = Statistic::standardized;
  EXPECT_EQ(counted(options, {1, 5, 1, 5}, 4, 1), (Counts{{-1, 2}, {1, 1}}));
}

TEST(Calibrator, NanAndInfinityAreNeverCounted) {
  EXPECT_EQ(counted(with_null(NullKind::all), {kNan, 1, kInf, -kInf}, 4, 1), (Counts{{1, 1}}));
  EXPECT_EQ(counted(with_null(NullKind::unselected), {kNan, 1, 2, kNan}, 4, 1), (Counts{{1, 1}}));
  EXPECT_EQ(counted(with_null(NullKind::unselected), {kNan, kNan, kNan, 3, /**/ 1, 2, 3, 4}, 4, 2),
            (Counts{{1, 1}, {2, 1}}));
}

TEST(Calibrator, AStrideIsFollowed) {
  auto calibrator = Calibrator::create({}, 2, 1).value();
  const std::vector<float> values{1, 2, 99, 3, 4, 99};
  testing::must(calibrator.add(0, {values.data(), 2, 2, 3}));
  EXPECT_EQ(counts_of(calibrator.finish({})->layers.at(0).groups[0]),
            (Counts{{1, 1}, {2, 1}, {3, 1}, {4, 1}}));
}

TEST(Calibrator, PiecesCountLikeTheWhole) {
  const auto logits = testing::random_logits(100, 8, 4);
  auto pieces = Calibrator::create(with_null(NullKind::unselected), 8, 2).value();
  for (std::size_t t = 0; t < 100; ++t)
    testing::must(pieces.add(0, {logits.data() + t * 8, 1, 8, 8}));
  EXPECT_EQ(pieces.num_tokens(), 100u);
  EXPECT_EQ(counts_of(pieces.finish({})->layers.at(0).groups[0]),
            counted(with_null(NullKind::unselected), logits, 8, 2));
}

TEST(Calibrator, FillsInTheMetadata) {
  auto options = testing::smoothed();
  options.null = {NullKind::trimmed, 2};
  options.resolution = Resolution::bf16;
  const auto table = testing::make_table(options, 30);
  EXPECT_EQ(table.metadata.model_name, "nano");
  EXPECT_EQ(table.metadata.num_layers, 2u);
  EXPECT_EQ(table.metadata.num_experts, 8u);
  EXPECT_EQ(table.metadata.top_k, 2u);
  EXPECT_EQ(table.metadata.num_tokens, 30u);
  EXPECT_EQ(to_string(table.metadata.null), "trimmed:2");
  EXPECT_EQ(table.metadata.form, stats::PValueForm::gridded);
  EXPECT_EQ(table.metadata.resolution, Resolution::bf16);
  EXPECT_EQ(table.metadata.smoothing_kernel, "epanechnikov");
  EXPECT_EQ(table.metadata.bandwidth, "silverman");
  EXPECT_THAT(table.metadata.created_by, HasSubstr("bhroute "));
}

TEST(Calibrator, SmoothingKeepsTheCountsBesideTheGrid) {
  const auto smoothed = testing::make_table(testing::smoothed()), plain = testing::make_table();
  const auto& null = smoothed.layers.at(0).groups.at(0);
  EXPECT_EQ(counts_of(null), counts_of(plain.layers.at(0).groups.at(0)));
  ASSERT_TRUE(null.grid());
  EXPECT_EQ(null.grid()->x().size(), 100u);
}

TEST(Calibrator, WrongOptionsAreErrors) {
  EXPECT_EQ(to_string(Calibrator::create({}, 0, 1).error()),
            "num_experts: no experts, got 0, want at least 1");
  EXPECT_EQ(to_string(Calibrator::create({}, 8, 8).error()),
            "top_k: too many selected experts, got 8, want less than the 8 experts");
  EXPECT_EQ(to_string(Calibrator::create(with_null(NullKind::trimmed, 9), 8, 2).error()),
            "null: too many trimmed, got 9, want less than the 8 experts");
  EXPECT_THAT(to_string(Calibrator::create(with_null(NullKind::unselected), 8, 0).error()),
              HasSubstr("top_k: unknown"));
  EXPECT_TRUE(Calibrator::create({}, 8, 0));
}

TEST(Calibrator, WrongInputsAreErrors) {
  auto calibrator = Calibrator::create({}, 4, 1).value();
  const std::vector<float> logits(6);
  EXPECT_EQ(to_string(calibrator.add(7, testing::view(logits, 3)).error()),
            "layer 7: wrong number of experts, got 3, want 4");
  EXPECT_EQ(to_string(calibrator.finish({}).error()),
            "calibration: no router logits were seen, got 0 layers, want at least 1");
}

TEST(Calibrator, ALayerOrExpertWithoutCountsIsNamed) {
  auto pooled = Calibrator::create({}, 2, 1).value();
  testing::must(pooled.add(4, {nullptr, 0, 2, 2}));
  EXPECT_THAT(to_string(pooled.finish({}).error()), HasSubstr("layer 4: nothing was counted"));
  auto options = with_null(NullKind::unselected);
  options.pooling = Pooling::per_expert;
  auto per_expert = Calibrator::create(options, 2, 1).value();
  const std::vector<float> logits{2, 1, 4, 3};
  testing::must(per_expert.add(4, testing::view(logits, 2)));
  EXPECT_THAT(to_string(per_expert.finish({}).error()),
              HasSubstr("layer 4, expert 0: nothing was counted"));
}

// The oracle sorts.
Counts sorted_counts(const std::vector<float>& logits, std::size_t num_experts,
                     std::size_t left_out) {
  Counts counts;
  for (std::size_t begin = 0; begin < logits.size(); begin += num_experts) {
    std::vector<std::size_t> order(num_experts);
    std::iota(order.begin(), order.end(), begin);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return logits[a] > logits[b]; });
    for (std::size_t i = left_out; i < num_experts; ++i) ++counts[logits[order[i]]];
  }
  return counts;
}

RC_GTEST_PROP(Calibrator, LeavesOutWhatASortWould, (std::uint32_t seed)) {
  const auto num_experts = *rc::gen::inRange<std::size_t>(2, 65);
  const auto top_k = *rc::gen::inRange<std::size_t>(1, num_experts);
  const auto logits = testing::random_logits(5, num_experts, seed);
  auto options = with_null(NullKind::unselected);
  options.resolution = Resolution::bf16;
  RC_ASSERT(counted(options, logits, num_experts, top_k) ==
            sorted_counts(logits, num_experts, top_k));
}

TEST(Calibrator, CostsLittlePerToken) {
  const auto logits = testing::random_logits(20'000, 64, 5);
  for (auto [name, statistic] :
       {std::pair("logit", Statistic::logit), std::pair("log_prob", Statistic::log_prob)}) {
    auto options = with_null(NullKind::unselected);
    options.statistic = statistic;
    auto calibrator = Calibrator::create(options, 64, 8).value();
    const std::clock_t start = std::clock();  // CPU time: a busy machine must not fail the test
    testing::must(calibrator.add(0, testing::view(logits, 64)));
    const double nanoseconds = 1e9 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    RecordProperty(std::string(name) + "_ns_per_token", std::to_string(nanoseconds / 20'000));
    EXPECT_LT(nanoseconds / 20'000, 20'000.0) << "loose: only a change of kind breaks it";
  }
}

}  // namespace
}  // namespace bhroute::calibration
