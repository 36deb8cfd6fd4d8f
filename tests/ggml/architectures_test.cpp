// Every architecture, as a tiny random model, with the plugin: against the stock engine bit for bit
// where all tokens have the same count, and against the cb_eval path where they have not.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "bhroute/calibration/calibration_file.h"
#include "ggml/host_model.h"
#include "llama/nano.h"
#include "llama/stock_logits.h"

namespace bhroute::ggml {
namespace {

using evaluation::Token;
using test::LoadedPlugin;
using test::Logits;

constexpr std::size_t kWindow = 64;
constexpr const char* kModels[] = {"olmoe",
                                   "qwen3moe",
                                   "qwen2moe",
                                   "mixtral",
                                   "granite-moe",
                                   "gpt-oss",
                                   "deepseek-v2",
                                   "deepseek-v2-merged",
                                   "deepseek-v3",
                                   "q8_0/olmoe",
                                   "q8_0/qwen3moe",
                                   "q8_0/qwen2moe",
                                   "q8_0/mixtral",
                                   "q8_0/granite-moe",
                                   "q8_0/gpt-oss",
                                   "q8_0/deepseek-v2",
                                   "q8_0/deepseek-v2-merged",
                                   "q8_0/deepseek-v3",
                                   "q4_0/olmoe",
                                   "q4_0/qwen3moe",
                                   "q4_0/qwen2moe",
                                   "q4_0/mixtral",
                                   "q4_0/granite-moe",
                                   "q4_0/gpt-oss",
                                   "q4_0/deepseek-v2",
                                   "q4_0/deepseek-v2-merged",
                                   "q4_0/deepseek-v3",
                                   "q4_k/olmoe"};

// A null of the standard normal distribution for the standardized statistic: counts vary in any
// model.
std::string normal_table() {
  static const std::string path = testing::TempDir() + "bhroute_normal_table.safetensors";
  calibration::CalibrationTable table;
  table.metadata.num_layers = 8;
  table.metadata.statistic = calibration::Statistic::standardized;
  table.metadata.form = stats::PValueForm::gridded;
  std::vector<double> x, cdf;
  for (double z = -5.0; z <= 5.0; z += 0.01)
    x.push_back(z), cdf.push_back(0.5 * std::erfc(-z / std::sqrt(2.0)));
  const auto grid = stats::GriddedCdf::create(x, cdf);
  EXPECT_TRUE(grid);
  for (int layer = 0; layer < 8; ++layer)
    table.layers[layer].groups.push_back(calibration::NullDistribution::from_grid(*grid));
  EXPECT_TRUE(calibration::write_table(path, table));
  return path;
}

class Architecture : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    path_ = std::string(BHROUTE_RANDOM_MODELS) + "/" + GetParam() + ".gguf";
    if (!std::filesystem::exists(path_))
      GTEST_SKIP() << "no " << path_ << ": run by ctest, which makes it";
    auto options = test::small_options();
    options.model_path = path_;
    open_ = [options] { return *llama::open_model(options); };
    auto model = open_();
    architecture_ = model->description().architecture;
    facts_ = model->description().facts();
    num_layers_ = model->description().moe_layers.size();
    tokens_ = model->tokenize(test::some_text(1000)).value();
  }

  Logits decode(evaluation::ModelRunner& model) {
    const std::span<const Token> windows[] = {{tokens_.data(), kWindow},
                                              {tokens_.data() + kWindow, kWindow}};
    test::KeepLogits keep(model.description().vocab_size);
    const auto decoded = model.decode(windows, 0, &keep);
    EXPECT_TRUE(decoded) << to_string(decoded.error());
    return keep.values;
  }

  Logits with_plugin(LoadedPlugin& plugin, const std::string& policy) {
    auto model = open_();
    plugin.set_policy(policy);
    return decode(*model);
  }

  Logits by_cb_eval(const std::string& policy) {
    auto model = open_();
    const auto spec = routing::parse_policy(policy).value();
    const auto table = spec.table.empty() ? nullptr : calibration::load_table(spec.table).value();
    const auto made = routing::make_policy(spec, facts_, table).value();
    EXPECT_TRUE(model->set_expert_slots(facts_.num_experts));
    const auto set = model->set_policy(made.get());
    EXPECT_TRUE(set) << to_string(set.error());
    return decode(*model);
  }

  std::string path_, architecture_;
  std::function<std::unique_ptr<evaluation::ModelRunner>()> open_;
  routing::RouterFacts facts_;
  std::size_t num_layers_ = 0;
  std::vector<Token> tokens_;
};

TEST_P(Architecture, FixedCountsAreTheStockEngineBitForBit) {
  std::vector<Logits> stock;
  const std::vector<std::size_t> counts = {facts_.top_k, 1, 2, facts_.top_k + 2};
  for (const std::size_t k : counts)
    stock.push_back(test::stock_logits(path_, architecture_, tokens_, k, kWindow));
  LoadedPlugin plugin;
  std::size_t i = 0;
  for (const std::size_t k : counts) {
    const Logits fused = with_plugin(plugin, "top_k:k=" + std::to_string(k));
    EXPECT_EQ(test::num_different(fused, stock[i++]), 0u) << "k " << k;
    const auto counted = plugin.statistics();
    EXPECT_EQ(counted.layers_fused, num_layers_);
    EXPECT_EQ(counted.layers_untouched, 0u);
    EXPECT_EQ(counted.computed_pairs, k * num_layers_ * 2 * kWindow);
  }
}

TEST_P(Architecture, VaryingCountsAreThoseOfTheCallback) {
  const std::size_t most = facts_.num_experts / 2;
  std::vector<std::string> policies;
  for (const char* weights : {"native", "renormalized", "mass"})
    policies.push_back("bh:alpha=0.3,min_k=1,max_k=" + std::to_string(most) +
                       ",weights=" + std::string(weights) + ",table=" + normal_table());
  std::vector<Logits> callback;
  for (const std::string& policy : policies) callback.push_back(by_cb_eval(policy));
  LoadedPlugin plugin;
  for (std::size_t i = 0; i < policies.size(); ++i) {
    const Logits fused = with_plugin(plugin, policies[i]);
    EXPECT_LE(test::largest_difference(fused, callback[i]), 1e-5) << policies[i];
    const auto counted = plugin.statistics();
    EXPECT_EQ(counted.layers_fused, num_layers_);
    EXPECT_GT(counted.pairs, counted.token_layers) << "more than one expert somewhere";
    EXPECT_LT(counted.pairs, most * counted.token_layers) << "fewer than max_k somewhere";
  }
}

INSTANTIATE_TEST_SUITE_P(All, Architecture, testing::ValuesIn(kModels), [](const auto& info) {
  std::string name = info.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '/' || c == '-'; }, '_');
  return name;
});

}  // namespace
}  // namespace bhroute::ggml
