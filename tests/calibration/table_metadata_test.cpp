#include "../../src/calibration/table_metadata.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bhroute::calibration {
namespace {

using ::testing::HasSubstr;

TableMetadata example() {
  TableMetadata metadata;
  metadata.model_name = "OLMoE";
  metadata.model_sha256 = "aa";
  metadata.text_sha256 = "bb+cc";
  metadata.created_by = "bhroute 0.1.0";
  metadata.command = "bhroute calibrate";
  metadata.num_layers = 16;
  metadata.num_experts = 64;
  metadata.top_k = 8;
  metadata.num_tokens = std::uint64_t{1} << 40;
  metadata.statistic = Statistic::standardized;
  metadata.null = {NullKind::trimmed, 3};
  metadata.pooling = Pooling::per_expert;
  metadata.form = stats::PValueForm::gridded;
  metadata.resolution = Resolution::f16;
  metadata.smoothing_kernel = "tophat";
  metadata.bandwidth = "0.25";
  return metadata;
}

TEST(TableMetadata, RoundTrips) {
  const auto strings = format_metadata(example());
  EXPECT_EQ(strings.size(), 17u);
  EXPECT_EQ(strings.at("format_version"), "1");
  EXPECT_EQ(strings.at("null"), "trimmed:3");
  EXPECT_EQ(format_metadata(parse_metadata(strings, "t").value()), strings);
  const auto defaults = format_metadata({});
  EXPECT_EQ(format_metadata(parse_metadata(defaults, "t").value()), defaults);
}

TEST(TableMetadata, EveryKeyIsWanted) {
  for (const auto& [key, value] : format_metadata(example())) {
    auto strings = format_metadata(example());
    strings.erase(key);
    EXPECT_EQ(to_string(parse_metadata(strings, "t").error()), "t: missing metadata, got " + key);
  }
}

TEST(TableMetadata, MoreKeysMayStandBeside) {
  auto strings = format_metadata(example());
  strings["format"] = "pt";
  EXPECT_TRUE(parse_metadata(strings, "t"));
}

TEST(TableMetadata, EveryValueIsChecked) {
  const auto with = [](const char* key, const char* value) {
    auto strings = format_metadata(example());
    strings[key] = value;
    const auto metadata = parse_metadata(strings, "t");
    return metadata ? "no error" : to_string(metadata.error());
  };
  EXPECT_EQ(with("format_version", "3"), "t: unknown format_version, got 3, want 1 or 2");
  for (const char* key : {"num_layers", "num_experts", "top_k", "num_tokens"})
    for (const char* value : {"", "-1", "1.5", "8 ", "0x8", "99999999999999999999"})
      EXPECT_THAT(with(key, value),
                  HasSubstr(std::string("t: metadata '") + key + "': not a count"))
          << value;
  for (const char* key :
       {"statistic", "null", "pooling", "form", "resolution", "smoothing_kernel", "bandwidth"})
    EXPECT_THAT(with(key, "nonsense"), HasSubstr(std::string("t: metadata '") + key + "': "))
        << key;
  EXPECT_EQ(with("smoothing_kernel", "unknown"), "no error");
  EXPECT_EQ(with("bandwidth", ""), "no error");
}

}  // namespace
}  // namespace bhroute::calibration
