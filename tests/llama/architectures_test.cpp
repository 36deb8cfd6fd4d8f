// Every architecture, as a tiny random model, against contexts of the stock engine that nothing of
// ours touches.

#include <gtest/gtest.h>

#include <filesystem>

#include "bhroute/routing/policy.h"
#include "llama/nano.h"
#include "llama/stock_logits.h"

namespace bhroute::llama {
namespace {

using evaluation::Token;
using routing::WeightRule;

constexpr std::size_t kWindow = 64;
constexpr std::size_t kOwn = 4, kExperts = 16;
constexpr const char* kModels[] = {"olmoe",        "qwen3moe",           "qwen2moe",
                                   "mixtral",      "granite-moe",        "gpt-oss",
                                   "deepseek-v2",  "deepseek-v2-merged", "deepseek-v3",
                                   "q8_0/olmoe",   "q8_0/deepseek-v3",   "q4_0/olmoe",
                                   "q4_0/gpt-oss", "q4_0/qwen3moe"};

class ArchitectureTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    path_ = std::string(BHROUTE_RANDOM_MODELS) + "/" + GetParam() + ".gguf";
    if (!std::filesystem::exists(path_))
      GTEST_SKIP() << "no " << path_ << ": run by ctest, which makes it";
    auto options = test::small_options();
    options.model_path = path_;
    auto opened = open_model(options);
    ASSERT_TRUE(opened) << to_string(opened.error());
    model_ = std::move(*opened);
    tokens_ = model_->tokenize(test::some_text(1000)).value();
    ASSERT_GE(tokens_.size(), 2 * kWindow);
  }

  std::vector<float> decode() { return test::decode_two(*model_, tokens_, kWindow); }

  std::vector<float> top_k(std::size_t k, std::size_t slots,
                           WeightRule weights = WeightRule::native) {
    EXPECT_TRUE(model_->set_expert_slots(slots));
    routing::PolicySpec spec;
    spec.rule = routing::Rule::top_k;
    spec.k = k;
    spec.weights = weights;
    policy_ = routing::make_policy(spec, model_->description().facts()).value();
    const auto set = model_->set_policy(policy_.get());
    EXPECT_TRUE(set) << to_string(set.error());
    return decode();
  }

  std::vector<float> stock(std::size_t k) const {
    return test::stock_logits(path_, model_->description().architecture, tokens_, k, kWindow);
  }

  std::string path_;
  std::unique_ptr<evaluation::ModelRunner> model_;
  std::unique_ptr<routing::Policy> policy_;
  std::vector<Token> tokens_;
};

TEST_P(ArchitectureTest, OwnTopKIsTheStockEngineBitForBit) {
  const auto own = stock(kOwn);
  EXPECT_EQ(top_k(kOwn, kOwn), own);
  EXPECT_EQ(top_k(kOwn, kExperts), own) << "surplus slots";
  EXPECT_TRUE(model_->set_policy(nullptr));
  EXPECT_EQ(decode(), own) << "surplus slots, no policy";
}

TEST_P(ArchitectureTest, AFixedCountIsThePlainOverrideBitForBit) {
  EXPECT_EQ(top_k(2, kExperts), stock(2));
  EXPECT_EQ(top_k(6, kExperts), stock(6));
  EXPECT_NE(top_k(1, kExperts), stock(2));
}

TEST_P(ArchitectureTest, WeightRulesDiffer) {
  const auto native = top_k(2, kExperts);
  const auto mass = top_k(2, kExperts, WeightRule::mass);
  const auto renormalized = top_k(2, kExperts, WeightRule::renormalized);
  EXPECT_NE(mass, renormalized);
  if (!model_->description().normalizes_weights) {
    EXPECT_NE(native, renormalized);
  }
}

INSTANTIATE_TEST_SUITE_P(All, ArchitectureTest, ::testing::ValuesIn(kModels), [](const auto& info) {
  std::string name = info.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '/' || c == '-'; }, '_');
  return name;
});

}  // namespace
}  // namespace bhroute::llama
