#include "ggml/statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace bhroute::ggml {
namespace {

using testing::HasSubstr;

LayerWork work(int layer, std::size_t tokens, std::size_t pairs) {
  return {.layer = layer,
          .num_tokens = tokens,
          .pairs = pairs,
          .own_pairs = 8 * tokens,
          .computed_pairs = pairs,
          .choosing = std::chrono::microseconds(1),
          .block = std::chrono::microseconds(100)};
}

TEST(Statistics, SumsOverLayersAndTokens) {
  Statistics statistics;
  statistics.count(work(0, 10, 40));
  statistics.count(work(1, 10, 20));
  statistics.count(work(0, 2, 8));
  const auto s = statistics.snapshot();
  EXPECT_EQ(s.layers_fused, 2u);
  EXPECT_EQ(s.tokens, 12u);
  EXPECT_EQ(s.token_layers, 22u);
  EXPECT_EQ(s.pairs, 68u);
  EXPECT_EQ(s.own_pairs, 176u);
  EXPECT_THAT(statistics.summary(),
              HasSubstr("2 layers fused, 12 tokens, 3.09 experts a token (the model's own 8), "
                        "61.4 % of pairs skipped, choosing 1.00 %"));
  statistics.reset();
  EXPECT_EQ(statistics.snapshot().token_layers, 0u);
}

TEST(Statistics, AsJson) {
  Statistics statistics;
  statistics.count(work(0, 10, 40));
  statistics.count(work(1, 10, 20));
  testing::internal::CaptureStderr();
  statistics.count_untouched(4, "its experts lie elsewhere");
  testing::internal::GetCapturedStderr();
  const auto object = nlohmann::json::parse(statistics.json());
  EXPECT_EQ(object["format_version"], 1);
  EXPECT_EQ(object["tokens"], 10);
  EXPECT_DOUBLE_EQ(object["mean_experts"], 3.0);
  EXPECT_EQ(object["untouched"].dump(), R"([{"layers":[4],"reason":"its experts lie elsewhere"}])");
}

TEST(Statistics, TheFilesNameChoosesTheForm) {
  const auto folder = std::filesystem::temp_directory_path();
  for (const bool as_json : {true, false}) {
    const auto file = folder / (as_json ? "bhroute_statistics.json" : "bhroute_statistics.txt");
    Statistics statistics;
    statistics.write_to(file);
    statistics.count(work(0, 10, 40));
    statistics.finish_file();
    std::stringstream content;
    content << std::ifstream(file).rdbuf();
    EXPECT_EQ(content.str(), (as_json ? statistics.json() : statistics.summary()) + "\n");
    std::filesystem::remove(file);
  }
}

TEST(Statistics, NothingFusedIsLoud) {
  Statistics statistics;
  EXPECT_THAT(statistics.summary(), HasSubstr("WARNING: no layer was fused"));
  EXPECT_THAT(statistics.summary(), HasSubstr("no mixture-of-experts layer reached"));
  testing::internal::CaptureStderr();
  statistics.count_untouched(4, "its experts lie elsewhere");
  statistics.count_untouched(5, "its experts lie elsewhere");
  statistics.count_untouched(5, "its experts lie elsewhere");
  const std::string told = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), 1) << told;
  EXPECT_THAT(told, HasSubstr("layer 4"));
  EXPECT_THAT(statistics.summary(), HasSubstr("2 layers untouched: its experts lie elsewhere"));
  EXPECT_EQ(statistics.snapshot().layers_untouched, 2u);
}

}  // namespace
}  // namespace bhroute::ggml
