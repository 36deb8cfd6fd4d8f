// The plugin in this process against the stock engine and against the callback, on every
// architecture.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>

#include "llama/nano.h"
#include "llama/stock_logits.h"

namespace bhroute::llama {
namespace {

using evaluation::Token;

constexpr std::size_t kWindow = 64;

/// Every token's experts, sorted, layer by layer.
class KeepDecisions final : public evaluation::RouterObserver {
 public:
  void on_layer(int layer, LogitsView logits, const routing::RoutingDecision* decision) override {
    for (std::size_t t = 0; t < logits.num_tokens; ++t) {
      std::vector<std::int32_t> ids;
      if (decision != nullptr)
        ids.assign(
            decision->expert_ids.begin() + static_cast<std::ptrdiff_t>(t * decision->max_k),
            decision->expert_ids.begin() +
                static_cast<std::ptrdiff_t>(t * decision->max_k +
                                            static_cast<std::size_t>(decision->num_selected[t])));
      std::sort(ids.begin(), ids.end());
      experts[layer].push_back(std::move(ids));
    }
  }
  std::map<int, std::vector<std::vector<std::int32_t>>> experts;
};

struct Decoded {
  std::vector<float> logits;
  KeepDecisions decisions;
};

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0.0, largest = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference = std::max(difference, std::abs(static_cast<double>(a[i]) - b[i]));
    largest = std::max(largest, std::abs(static_cast<double>(b[i])));
  }
  return difference / largest;
}

class PluginEngineTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    path_ = std::string(BHROUTE_RANDOM_MODELS) + "/" + GetParam() + ".gguf";
    if (!std::filesystem::exists(path_))
      GTEST_SKIP() << "no " << path_ << ": run by ctest, which makes it";
    auto model = open(RoutingWay::callback);
    tokens_ = model->tokenize(test::some_text(1000)).value();
    architecture_ = model->description().architecture;
  }

  std::unique_ptr<evaluation::ModelRunner> open(RoutingWay way) const {
    auto options = test::small_options();
    options.model_path = path_;
    options.way = way;
    options.plugin_path = BHROUTE_PLUGIN;
    auto opened = open_model(options);
    EXPECT_TRUE(opened) << to_string(opened.error());
    return std::move(*opened);
  }

  Decoded decode(evaluation::ModelRunner& model, const routing::PolicySpec& spec) const {
    const auto policy = routing::make_policy(spec, model.description().facts()).value();
    EXPECT_TRUE(model.set_expert_slots(spec.largest_k()));
    return decode(model, policy.get());
  }

  Decoded decode(evaluation::ModelRunner& model, const routing::Policy* policy = nullptr) const {
    const auto set = model.set_policy(policy);
    EXPECT_TRUE(set) << to_string(set.error());
    const std::span<const Token> windows[] = {{tokens_.data(), kWindow},
                                              {tokens_.data() + kWindow, kWindow}};
    test::KeepLogits keep(model.description().vocab_size);
    Decoded decoded;
    model.set_observer(&decoded.decisions);
    const auto done = model.decode(windows, 0, &keep);
    EXPECT_TRUE(done) << to_string(done.error());
    model.set_observer(nullptr);
    EXPECT_TRUE(model.set_policy(nullptr));
    decoded.logits = std::move(keep.values);
    return decoded;
  }

  static routing::PolicySpec top_k(std::size_t k) {
    routing::PolicySpec spec;
    spec.rule = routing::Rule::top_k;
    spec.k = k;
    return spec;
  }

  static routing::PolicySpec adaptive(std::size_t num_experts, routing::WeightRule weights) {
    routing::PolicySpec spec;  // by ranks within a micro-batch: no table is needed
    spec.alpha = 0.4;
    spec.max_k = num_experts;  // no expert lies beyond the callback's slots
    spec.weights = weights;
    return spec;
  }

  std::string path_, architecture_;
  std::vector<Token> tokens_;
};

TEST_P(PluginEngineTest, AFixedCountIsThePlainOverrideBitForBit) {
  std::map<std::size_t, std::vector<float>> stock;
  for (std::size_t k : {2, 4, 6})
    stock[k] = test::stock_logits(path_, architecture_, tokens_, k, kWindow);
  const auto model = open(RoutingWay::plugin);
  EXPECT_TRUE(model->description().engine.ends_with(", plugin")) << model->description().engine;
  for (const auto& [k, logits] : stock)
    EXPECT_EQ(decode(*model, top_k(k)).logits, logits) << "k = " << k;
}

TEST_P(PluginEngineTest, APlainOverrideHasItsOwnGraph) {
  const auto model = open(RoutingWay::plugin);
  const std::size_t own = model->description().top_k;
  for (const std::size_t k : {own - 1, own + 1}) {
    EXPECT_TRUE(model->set_expert_slots(k));
    model->set_plain_override(true);
    EXPECT_EQ(decode(*model).logits, test::stock_logits(path_, architecture_, tokens_, k, kWindow))
        << "k = " << k;
    model->set_plain_override(false);
    EXPECT_EQ(decode(*model).logits,
              test::stock_logits(path_, architecture_, tokens_, own, kWindow))
        << "off";
  }
}

TEST_P(PluginEngineTest, DecidesAsTheCallbackDoes) {
  const auto callback = open(RoutingWay::callback);
  const auto plugin = open(RoutingWay::plugin);
  for (const auto weights : {routing::WeightRule::native, routing::WeightRule::renormalized,
                             routing::WeightRule::mass}) {
    const auto spec = adaptive(callback->description().num_experts, weights);
    const Decoded by_callback = decode(*callback, spec);
    const Decoded by_plugin = decode(*plugin, spec);
    EXPECT_FALSE(by_callback.decisions.experts.empty());
    EXPECT_EQ(by_plugin.decisions.experts, by_callback.decisions.experts) << to_string(weights);
    EXPECT_LT(largest_difference(by_plugin.logits, by_callback.logits), 1e-5) << to_string(weights);
  }
}

INSTANTIATE_TEST_SUITE_P(All, PluginEngineTest,
                         ::testing::Values("olmoe", "qwen3moe", "qwen2moe", "mixtral",
                                           "granite-moe", "gpt-oss", "deepseek-v2",
                                           "deepseek-v2-merged", "deepseek-v3", "q8_0/qwen3moe",
                                           "q4_0/olmoe", "q4_0/gpt-oss", "q4_k/olmoe"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace_if(
                               name.begin(), name.end(),
                               [](char c) { return c == '/' || c == '-'; }, '_');
                           return name;
                         });

TEST(PluginEngine, WhereItCannotBeLoadedTheCallbackRoutes) {
  auto options = test::small_options();
  options.plugin_path = "/nowhere/libggml-bhroute.so";
  options.way = RoutingWay::automatic;
  const auto model = open_model(options);
  ASSERT_TRUE(model) << to_string(model.error());
  EXPECT_TRUE((*model)->description().engine.ends_with(", callback"));
  options.way = RoutingWay::plugin;
  const auto refused = open_model(options);
  ASSERT_FALSE(refused);
  EXPECT_NE(to_string(refused.error()).find("/nowhere/libggml-bhroute.so"), std::string::npos);
}

}  // namespace
}  // namespace bhroute::llama
