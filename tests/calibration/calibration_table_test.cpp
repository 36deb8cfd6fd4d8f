#include "bhroute/calibration/calibration_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "bhroute/calibration/calibration_file.h"
#include "bhroute/core/file.h"
#include "bhroute/core/file_limits.h"
#include "calibration/tables.h"
#include "core/log_recorder.h"
#include "core/temporary_folder.h"

namespace bhroute::calibration {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr float kInf = std::numeric_limits<float>::infinity();

stats::CountedSample sample_of(std::uint64_t n) {
  return stats::CountedSample::create({0.0f, 1.0f}, {n - 1, 1}).value();
}

CalibrationTable table_of(std::vector<std::uint64_t> sizes, stats::PValueForm form) {
  CalibrationTable table;
  table.metadata.form = form;
  for (std::uint64_t n : sizes)
    table.layers[3].groups.push_back(NullDistribution::from_counts(sample_of(n), form));
  return table;
}

TEST(NullDistribution, FormsOfTheSameCounts) {
  const auto sample = stats::CountedSample::create({0.0f, 1.0f}, {3, 1}).value();
  const auto conformal = NullDistribution::from_counts(sample, stats::PValueForm::conformal);
  const auto gridded = NullDistribution::from_counts(sample, stats::PValueForm::gridded);
  EXPECT_EQ(conformal.p_value(1.0f), 2.0 / 5);
  EXPECT_EQ(conformal.p_value(kInf), 1.0 / 5);
  EXPECT_EQ(gridded.p_value(0.5f), 0.25);
  EXPECT_EQ(gridded.p_value(1.0f), 0.0);
  EXPECT_EQ(gridded.p_value(-kInf), 1.0);
}

TEST(NullDistribution, TheGridComesBeforeTheCounts) {
  const auto grid = stats::GriddedCdf::create({0.0, 1.0}, {0.0, 1.0}).value();
  const auto null = NullDistribution::from_grid(grid, sample_of(10));
  EXPECT_EQ(null.p_value(0.25f), 0.75);
  EXPECT_TRUE(null.counts());
}

TEST(NullDistribution, NanGivesNan) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(
      NullDistribution::from_counts(sample_of(5), stats::PValueForm::conformal).p_value(nan)));
  const auto grid = stats::GriddedCdf::create({0.0, 1.0}, {0.0, 1.0}).value();
  EXPECT_TRUE(std::isnan(NullDistribution::from_grid(grid).p_value(nan)));
}

TEST(CheckResolution, NamesTheSizeItNeeds) {
  const auto table = table_of({500}, stats::PValueForm::conformal);
  EXPECT_EQ(to_string(check_resolution(table, 64, 0.01).error()),
            "table: conformal table too small for alpha 0.01, got n = 500 in layer 3, want at "
            "least 6399");
}

TEST(CheckResolution, TheNamedSizeIsExactlyEnough) {
  for (std::size_t experts : {1u, 8u, 60u, 64u, 128u}) {
    for (double alpha : {0.01, 0.05, 0.1, 0.2, 0.37}) {
      std::uint64_t n = 2;
      while (!check_resolution(table_of({n}, stats::PValueForm::conformal), experts, alpha)) ++n;
      const double c_1 = (1.0 / static_cast<double>(experts)) * alpha;
      const auto p_of_best = [&](std::uint64_t size) {
        return NullDistribution::from_counts(sample_of(size), stats::PValueForm::conformal)
            .p_value(kInf);
      };
      EXPECT_LE(p_of_best(n), c_1) << experts << ' ' << alpha;
      if (n > 2) {
        EXPECT_GT(p_of_best(n - 1), c_1) << experts << ' ' << alpha;
      }
    }
  }
}

TEST(CheckResolution, NamesTheSmallestGroup) {
  const auto table = table_of({9000, 70, 80}, stats::PValueForm::conformal);
  EXPECT_THAT(to_string(check_resolution(table, 64, 0.05).error()),
              HasSubstr("got n = 70 in layer 3, expert 1, want at least 1279"));
}

TEST(CheckResolution, GriddedTablesWarn) {
  ::bhroute::testing::LogRecorder log;
  EXPECT_TRUE(check_resolution(table_of({500}, stats::PValueForm::gridded), 64, 0.01));
  EXPECT_THAT(log.warnings, ElementsAre(HasSubstr("got n = 500 in layer 3, want at least 6399")));
}

TEST(CheckResolution, UnknownCountsSayNothing) {
  ::bhroute::testing::LogRecorder log;
  CalibrationTable table;
  table.metadata.form = stats::PValueForm::gridded;
  table.layers[0].groups.push_back(
      NullDistribution::from_grid(stats::GriddedCdf::create({0, 1}, {0, 1}).value()));
  EXPECT_TRUE(check_resolution(table, 64, 0.01));
  EXPECT_THAT(log.warnings, IsEmpty());
}

CalibrationOptions option(Pooling pooling, NullSpec null) {
  CalibrationOptions options;
  options.pooling = pooling;
  options.null = null;
  return options;
}

std::string file_of(CalibrationTable table) {
  ::bhroute::testing::TemporaryFolder folder;
  table.metadata.text_sha256 = "";
  testing::must(write_table(folder / "t", table));
  return read_file(folder / "t", kMaxTextBytes).value();
}

CalibrationTable counted(const CalibrationOptions& options, const std::vector<float>& logits) {
  auto calibrator = Calibrator::create(options, 8, 2).value();
  testing::must(calibrator.add(5, testing::view(logits, 8)));
  return calibrator.finish({}).value();
}

TEST(Merge, TwoHalvesAreTheWhole) {
  auto f16 = option(Pooling::pooled, {});
  f16.resolution = Resolution::f16;
  for (const auto& options :
       {option(Pooling::pooled, {}), option(Pooling::per_expert, {NullKind::trimmed, 1}),
        option(Pooling::pooled, {NullKind::unselected, 0}), testing::smoothed(), f16}) {
    const auto logits = testing::random_logits(400, 8, 7);
    const std::vector<float> first(logits.begin(), logits.begin() + 150 * 8),
        second(logits.begin() + 150 * 8, logits.end());
    auto a = counted(options, first), b = counted(options, second);
    a.metadata.text_sha256 = "a", b.metadata.text_sha256 = "b";
    const auto merged = merge(a, b).value();
    EXPECT_EQ(merged.metadata.text_sha256, "a+b");
    EXPECT_EQ(merged.metadata.num_tokens, 400u);
    EXPECT_EQ(file_of(merged), file_of(counted(options, logits)));
  }
}

TEST(Merge, ALayerOfOneTableOnlyIsKept) {
  auto a = testing::make_table(), b = testing::make_table({}, 50, 2);
  a.layers.erase(10);
  const auto merged = merge(a, b).value();
  EXPECT_EQ(merged.layer(10)->groups[0].counts()->size(), 400u);
  EXPECT_EQ(merged.layer(0)->groups[0].counts()->size(), 800u);
}

TEST(Merge, DifferencesAreNamed) {
  const auto table = testing::make_table();
  const auto differing = [&](auto change) {
    auto other = table;
    change(other.metadata);
    const auto merged = merge(table, other);
    return merged ? "no error" : to_string(merged.error());
  };
  EXPECT_EQ(differing([](TableMetadata& m) { m.model_sha256 = "x"; }),
            "merge: tables differ in model_sha256, got 'x', want ''");
  EXPECT_EQ(differing([](TableMetadata& m) {
              m.null = {NullKind::trimmed, 2};
            }),
            "merge: tables differ in null, got 'trimmed:2', want 'all'");
  EXPECT_THAT(differing([](TableMetadata& m) { m.num_experts = 9; }),
              HasSubstr("num_experts, got '9', want '8'"));
  EXPECT_THAT(differing([](TableMetadata& m) { m.statistic = Statistic::log_prob; }),
              HasSubstr("differ in statistic"));
  EXPECT_THAT(differing([](TableMetadata& m) { m.pooling = Pooling::per_expert; }),
              HasSubstr("differ in pooling"));
  EXPECT_THAT(differing([](TableMetadata& m) { m.form = stats::PValueForm::gridded; }),
              HasSubstr("differ in form"));
  EXPECT_THAT(differing([](TableMetadata& m) { m.resolution = Resolution::bf16; }),
              HasSubstr("differ in resolution"));
  EXPECT_THAT(differing([](TableMetadata& m) { m.bandwidth = "0.1"; }),
              HasSubstr("differ in bandwidth"));
  EXPECT_EQ(differing([](TableMetadata& m) { m.command = "another"; }), "no error");
}

TEST(Merge, ATableWithoutCountsIsRefused) {
  auto table = testing::make_table(testing::smoothed());
  for (auto& [index, layer] : table.layers)
    layer.groups[0] = NullDistribution::from_grid(*layer.groups[0].grid());
  EXPECT_THAT(to_string(merge(table, table).error()),
              HasSubstr("a table without counts cannot be merged, got layer 0 is a grid"));
}

TEST(CheckResolution, EndsForAnyAlpha) {
  CalibrationTable table;
  table.layers[0].groups.push_back(NullDistribution::from_counts(
      stats::CountedSample::create({0.0f, 1.0f}, {1, 1}).value(), stats::PValueForm::conformal));
  for (const double alpha : {7e-15, 5e-17, 1e-300})
    EXPECT_FALSE(check_resolution(table, 64, alpha));
}

TEST(Merge, SampledRowsAreThoseOfTheUnion) {
  CalibrationOptions options;
  options.reservoir_rows = 12;
  const auto a = testing::make_table(options, 50, 1);
  options.reservoir_rows = 9;
  const auto b = testing::make_table(options, 30, 77);
  const auto merged = merge(a, b).value();
  EXPECT_EQ(merged.metadata.reservoir_rows, 9u);
  EXPECT_EQ(merged.samples.at(10), merge_samples(a.samples.at(10), b.samples.at(10), 9).value());
}

TEST(Merge, WithATableWithoutRowsThereAreNone) {
  CalibrationOptions options;
  options.reservoir_rows = 12;
  const auto merged =
      merge(testing::make_table(options, 50, 1), testing::make_table({}, 30, 2)).value();
  EXPECT_TRUE(merged.samples.empty());
  EXPECT_EQ(merged.metadata.reservoir_rows, 0u);
}

}  // namespace
}  // namespace bhroute::calibration
