#include "llama/llama_runner.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "bhroute/routing/policy.h"
#include "llama/nano.h"
#include "llama/stock_logits.h"

namespace bhroute::llama {
namespace {

using evaluation::ModelRunner;
using evaluation::Token;
using routing::PolicySpec;
using routing::Rule;
using routing::WeightRule;

constexpr std::size_t kWindow = 64;

/// The stock engine with `slots` experts.
std::vector<float> stock_logits(const std::vector<Token>& tokens, std::size_t slots) {
  return test::stock_logits(test::nano_path(), "olmoe", tokens, slots, kWindow);
}

class CountExperts final : public evaluation::RouterObserver {
 public:
  void on_layer(int layer, LogitsView logits, const routing::RoutingDecision* decision) override {
    tokens[layer] += logits.num_tokens;
    if (decision == nullptr) return;
    for (std::int32_t n : decision->num_selected) selected[layer] += static_cast<std::size_t>(n);
  }
  std::map<int, std::size_t> tokens, selected;
};

class LlamaRunnerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = open_model(test::small_options());
    ASSERT_TRUE(opened) << to_string(opened.error());
    model_ = std::move(*opened);
    tokens_ = model_->tokenize(test::some_text()).value();
    ASSERT_GE(tokens_.size(), 2 * kWindow);
  }

  std::vector<float> decode() { return test::decode_two(*model_, tokens_, kWindow); }

  std::vector<float> decode_with(
      const PolicySpec& spec, std::size_t slots,
      std::shared_ptr<const calibration::CalibrationTable> table = nullptr) {
    EXPECT_TRUE(model_->set_expert_slots(slots));
    policy_ = routing::make_policy(spec, model_->description().facts(), std::move(table)).value();
    EXPECT_TRUE(model_->set_policy(policy_.get()));
    return decode();
  }

  static PolicySpec top_k(std::size_t k, WeightRule weights = WeightRule::native) {
    PolicySpec spec;
    spec.rule = Rule::top_k;
    spec.k = k;
    spec.weights = weights;
    return spec;
  }

  std::unique_ptr<ModelRunner> model_;
  std::unique_ptr<routing::Policy> policy_;
  std::vector<Token> tokens_;
};

TEST_F(LlamaRunnerTest, DescribesTheModel) {
  const auto& d = model_->description();
  EXPECT_EQ(d.architecture, "olmoe");
  EXPECT_EQ(d.moe_layers.size(), 16u);
  EXPECT_EQ(d.vocab_size, 8192u);
  EXPECT_EQ(d.sha256.size(), 64u);
  EXPECT_FALSE(d.normalizes_weights);
  EXPECT_EQ(model_->expert_slots(), 8u);
  EXPECT_EQ(model_->windows_per_batch(), 2u);
}

TEST_F(LlamaRunnerTest, OffIsTheStockEngineBitForBit) {
  EXPECT_EQ(decode(), stock_logits(tokens_, 8));
}

TEST_F(LlamaRunnerTest, WatchingChangesNothing) {
  CountExperts count;
  model_->set_observer(&count);
  EXPECT_EQ(decode(), stock_logits(tokens_, 8));
  EXPECT_EQ(count.tokens.size(), 16u);
  for (const auto& [layer, tokens] : count.tokens)
    EXPECT_EQ(tokens, 2 * kWindow) << "layer " << layer;
}

TEST_F(LlamaRunnerTest, OwnTopKByPolicyIsTheStockEngineBitForBit) {
  EXPECT_EQ(decode_with(top_k(8), 8), stock_logits(tokens_, 8));
}

TEST_F(LlamaRunnerTest, SurplusSlotsOfWeightZeroChangeNothing) {
  const auto stock = stock_logits(tokens_, 8);
  EXPECT_EQ(decode_with(top_k(8), 16), stock);
  EXPECT_TRUE(model_->set_policy(nullptr));
  EXPECT_EQ(decode(), stock) << "off, with more slots than the model's own top_k";
}

TEST_F(LlamaRunnerTest, AllSlotsBeyondTheNodeBudget) {
  EXPECT_EQ(decode_with(top_k(8), 64), stock_logits(tokens_, 8));
}

TEST_F(LlamaRunnerTest, FewerExpertsEqualThePlainOverride) {
  const auto stock = stock_logits(tokens_, 4);
  EXPECT_EQ(decode_with(top_k(4), 16), stock);
  EXPECT_TRUE(model_->set_policy(nullptr));
  EXPECT_TRUE(model_->set_expert_slots(4));
  EXPECT_EQ(decode(), stock) << "plain override, nothing tapped";
}

TEST_F(LlamaRunnerTest, MoreExpertsEqualThePlainOverride) {
  const auto stock = stock_logits(tokens_, 12);
  EXPECT_EQ(decode_with(top_k(12), 12), stock);
  model_->set_plain_override(true);
  EXPECT_TRUE(model_->set_policy(nullptr));
  EXPECT_EQ(decode(), stock) << "nothing edited";
  CountExperts count;
  model_->set_observer(&count);
  EXPECT_EQ(decode(), stock) << "watched";
  EXPECT_EQ(count.tokens.size(), 16u);
  model_->set_plain_override(false);
  EXPECT_EQ(decode(), stock_logits(tokens_, 8)) << "off: the model's own top_k";
}

TEST_F(LlamaRunnerTest, RefusesAPolicyForAnotherNumberOfExperts) {
  const auto policy = routing::make_policy(top_k(4), {32, 8, false}).value();
  const auto refused = model_->set_policy(policy.get());
  ASSERT_FALSE(refused);
  EXPECT_EQ(to_string(refused.error()),
            "policy: made for another number of experts, got 32, want 64");
}

TEST_F(LlamaRunnerTest, OnAndOffAtRunTime) {
  const auto own = decode();
  EXPECT_NE(decode_with(top_k(2), 8), own);
  EXPECT_TRUE(model_->set_policy(nullptr));
  EXPECT_EQ(decode(), own);
}

double mean_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::abs(a[i] - b[i]);
  return sum / static_cast<double>(a.size());
}

// The weights agree to a few ulp, but the engine rounds activations to 8 bits: a rounding there now
// and then flips an expert, so logits differ a little, and far less than under another weight rule.
TEST_F(LlamaRunnerTest, MassAtTheModelsOwnKChangesRoundingOnly) {
  const auto own = decode();
  const double mass = mean_difference(own, decode_with(top_k(8, WeightRule::mass), 8));
  const double renormalized =
      mean_difference(own, decode_with(top_k(8, WeightRule::renormalized), 8));
  EXPECT_LT(mass, 0.1);
  EXPECT_GT(renormalized, 5 * mass);
}

TEST_F(LlamaRunnerTest, EmpiricalFallbackRoutesWithinBounds) {
  PolicySpec bh;
  bh.max_k = 16;
  bh.alpha = 0.2;
  CountExperts count;
  model_->set_observer(&count);
  decode_with(bh, 16);
  ASSERT_EQ(count.selected.size(), 16u);
  for (const auto& [layer, selected] : count.selected) {
    EXPECT_EQ(count.tokens[layer], 2 * kWindow);
    EXPECT_GE(selected, 2 * kWindow);
    EXPECT_LE(selected, 16 * 2 * kWindow);
  }
}

TEST_F(LlamaRunnerTest, RefusesAPolicyBeyondTheSlots) {
  const auto policy = routing::make_policy(top_k(9), model_->description().facts()).value();
  const auto refused = model_->set_policy(policy.get());
  ASSERT_FALSE(refused);
  EXPECT_EQ(to_string(refused.error()),
            "policy: needs more expert slots than the graph has, got 9, want at most 8");
}

TEST_F(LlamaRunnerTest, RefusesMoreSlotsThanExpertsAndStaysUsable) {
  const auto own = decode();
  const auto refused = model_->set_expert_slots(65);
  ASSERT_FALSE(refused);
  EXPECT_EQ(to_string(refused.error()),
            "expert slots: out of range, got 65, want 1 to 64 (the model's experts)");
  EXPECT_EQ(decode(), own);
}

TEST_F(LlamaRunnerTest, RefusesWindowsThatDoNotFit) {
  const std::span<const Token> window(tokens_.data(), kWindow + 1);
  EXPECT_FALSE(model_->decode({&window, 1}, 0, nullptr));
  EXPECT_FALSE(model_->decode({}, 0, nullptr));
}

TEST_F(LlamaRunnerTest, AWindowLongerThanTheBatchGoesPieceByPiece) {
  auto options = test::small_options();
  options.batch = 24;
  auto pieces = open_model(options).value();
  EXPECT_EQ(pieces->windows_per_batch(), 1u);
  const std::span<const Token> window(tokens_.data(), kWindow);
  test::KeepLogits keep(8192);
  ASSERT_TRUE(pieces->decode({&window, 1}, 10, &keep));
  const auto whole = decode();
  ASSERT_EQ(keep.values.size(), (kWindow - 10) * 8192);
  for (std::size_t i = 0; i < keep.values.size(); ++i)
    ASSERT_NEAR(keep.values[i], whole[10 * 8192 + i], 0.35f);
}

TEST(OpenModel, NamesWhatIsWrong) {
  LlamaOptions options = test::small_options();
  options.model_path = "/nowhere.gguf";
  const auto missing = open_model(options);
  ASSERT_FALSE(missing);
  EXPECT_EQ(to_string(missing.error()), "/nowhere.gguf: no such model file");
  options = test::small_options();
  options.window = 0;
  EXPECT_FALSE(open_model(options));
}

}  // namespace
}  // namespace bhroute::llama
