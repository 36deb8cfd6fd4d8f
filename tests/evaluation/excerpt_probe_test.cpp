#include "../../src/evaluation/excerpt_probe.h"

#include <gtest/gtest.h>

#include "fake_model.h"

namespace bhroute::evaluation {
namespace {

WindowedText text_of(std::size_t num_tokens, std::size_t window) {
  WindowedText text{{}, window, num_tokens / window};
  for (std::size_t i = 0; i < num_tokens; ++i)
    text.tokens.push_back(static_cast<Token>((i * i + 3 * i) % FakeModel::kVocab));
  return text;
}

TEST(MeanDistinct, ByHand) {
  // Three excerpts of two tokens; the first token is warm-up.
  const std::vector<TokenExperts> excerpts{{{9}, {0, 1}}, {{9}, {1, 2}}, {{9}, {5}}};
  EXPECT_DOUBLE_EQ(mean_distinct(excerpts, 1, 1), 5.0 / 3);
  EXPECT_DOUBLE_EQ(mean_distinct(excerpts, 2, 1), 3.0);  // {0, 1, 2}; the third has no partner
  EXPECT_DOUBLE_EQ(mean_distinct(excerpts, 2, 0), (1.0 + 3.0) / 2);
  EXPECT_DOUBLE_EQ(mean_distinct(excerpts, 3, 1), 4.0);
}

TEST(ExcerptProbe, BatchesDoubleUpToTheNumberOfExcerpts) {
  FakeModel model;
  const auto found = probe_excerpts(model, nullptr, FakeModel::kTopK, text_of(100, 12),
                                    {.num_excerpts = 32, .length = 10, .warm_up = 2});
  ASSERT_TRUE(found);
  ASSERT_EQ(found->distinct_experts.size(), 4u);  // 1, 2, 4, 8 of 10 excerpts
  EXPECT_EQ(found->distinct_experts.back().batch, 8u);
  EXPECT_DOUBLE_EQ(found->distinct_experts.front().experts, FakeModel::kTopK);
  for (std::size_t i = 1; i < 4; ++i)
    EXPECT_GE(found->distinct_experts[i].experts, found->distinct_experts[i - 1].experts);
  EXPECT_EQ(found->determinism, 1.0);
  EXPECT_EQ(model.num_decodes, 14u);  // 10 and 4 again
  EXPECT_EQ(model.observer(), nullptr);
}

TEST(ExcerptProbe, FollowsThePolicy) {
  FakeModel model;
  routing::PolicySpec spec;
  spec.rule = routing::Rule::top_k;
  spec.k = 1;
  const auto policy = routing::make_policy(spec, model.description().facts());
  const auto found =
      probe_excerpts(model, policy->get(), FakeModel::kTopK, text_of(60, 12), {.length = 10});
  EXPECT_DOUBLE_EQ(found->distinct_experts.front().experts, 1.0);
}

// An engine that routes otherwise every second time.
class Moody final : public RouterObserver {
 public:
  explicit Moody(RouterObserver& inner) : inner_(inner) {}
  void on_layer(int layer, LogitsView logits, const routing::RoutingDecision* decision) override {
    std::vector<float> turned(logits.num_tokens * logits.num_experts);
    for (std::size_t t = 0; t < logits.num_tokens; ++t)
      for (std::size_t e = 0; e < logits.num_experts; ++e)
        turned[t * logits.num_experts + e] =
            (calls_++ % 7 == 0 ? -1.0F : 1.0F) * logits.token(t)[e];
    inner_.on_layer(layer,
                    {turned.data(), logits.num_tokens, logits.num_experts, logits.num_experts},
                    decision);
  }

 private:
  RouterObserver& inner_;
  std::size_t calls_ = 0;
};

class MoodyModel final : public ModelRunner {
 public:
  const ModelDescription& description() const override { return inner_.description(); }
  Result<std::vector<Token>> tokenize(std::string_view text) override {
    return inner_.tokenize(text);
  }
  std::size_t windows_per_batch() const override { return inner_.windows_per_batch(); }
  Result<void> set_expert_slots(std::size_t n) override { return inner_.set_expert_slots(n); }
  std::size_t expert_slots() const override { return inner_.expert_slots(); }
  Result<void> set_policy(const routing::Policy* policy) override {
    return inner_.set_policy(policy);
  }
  void set_plain_override(bool on) override { inner_.set_plain_override(on); }
  void set_threads(int) override {}
  void set_observer(RouterObserver* observer) override {
    if (observer == nullptr) return inner_.set_observer(nullptr);
    moody_ = std::make_unique<Moody>(*observer);
    inner_.set_observer(moody_.get());
  }
  Result<void> decode(std::span<const std::span<const Token>> windows, std::size_t first,
                      LogitsConsumer* consumer) override {
    return inner_.decode(windows, first, consumer);
  }

 private:
  FakeModel inner_;
  std::unique_ptr<Moody> moody_;
};

TEST(ExcerptProbe, SeesAnEngineThatChangesItsMind) {
  MoodyModel model;
  const auto found =
      probe_excerpts(model, nullptr, FakeModel::kTopK, text_of(60, 12), {.length = 10});
  ASSERT_TRUE(found);
  EXPECT_LT(found->determinism, 1.0);
  EXPECT_GT(found->determinism, 0.0);
}

TEST(ExcerptProbe, AnEngineThatFailsIsAnError) {
  FakeModel model({.fail_at_decode = 3});
  EXPECT_EQ(probe_excerpts(model, nullptr, 2, text_of(60, 12)).error().what, "decode failed");
  EXPECT_EQ(model.observer(), nullptr);
}

}  // namespace
}  // namespace bhroute::evaluation
