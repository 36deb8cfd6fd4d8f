#include "../../src/evaluation/decode_text.h"

#include <gtest/gtest.h>

#include "evaluation/fake_model.h"

namespace bhroute::evaluation {
namespace {

class Steps final : public ProgressSink {
 public:
  void update(std::string_view label, std::uint64_t done, std::uint64_t total,
              std::string_view unit) override {
    lines.push_back(std::string(label) + " " + std::to_string(done) + "/" + std::to_string(total) +
                    " " + std::string(unit));
  }
  std::vector<std::string> lines;
};

TEST(DecodeText, NumbersWindowsAsTheTextDoesWhateverTheGroups) {
  const WindowedText text = fake_windows(5);
  std::vector<RowCollector> collectors(3);
  for (std::size_t batch : {1U, 2U, 4U}) {
    FakeModel model({.windows_per_batch = batch, .micro_batch = 7});
    NoProgress quiet;
    RowCollector& collector = collectors[batch / 2];
    ASSERT_TRUE(decode_text(model, text, 9, &collector, "work", quiet));
    EXPECT_EQ(model.num_decodes, (5 + batch - 1) / batch);
    ASSERT_EQ(collector.rows.size(), 5U * 7U);
    for (std::size_t i = 0; i < collector.rows.size(); ++i) {
      EXPECT_EQ(collector.rows[i].window, i / 7);
      EXPECT_EQ(collector.rows[i].position, 9 + i % 7);
      EXPECT_EQ(collector.rows[i].logits, collectors[0].rows[i].logits);
    }
  }
}

TEST(DecodeText, ReportsWindowsDone) {
  FakeModel model;
  Steps steps;
  ASSERT_TRUE(decode_text(model, fake_windows(3), 0, nullptr, "work", steps));
  EXPECT_EQ(steps.lines,
            (std::vector<std::string>{"work 0/3 windows", "work 2/3 windows", "work 3/3 windows"}));
}

TEST(DecodeText, PassesTheEnginesErrorOn) {
  FakeModel model({.fail_at_decode = 1});
  NoProgress quiet;
  const auto seconds = decode_text(model, fake_windows(3), 0, nullptr, "work", quiet);
  ASSERT_FALSE(seconds);
  EXPECT_EQ(to_string(seconds.error()), "fake: decode failed");
}

TEST(RoutingScope, LeavesTheModelToItselfAfterwards) {
  FakeModel model;
  const LimitPolicy policy(0.0F, 2);
  class Nobody final : public RouterObserver {
    void on_layer(int, LogitsView, const routing::RoutingDecision*) override {}
  } nobody;
  {
    const auto scope = RoutingScope::enter(model, &policy, &nobody);
    ASSERT_TRUE(scope);
    EXPECT_EQ(model.policy(), &policy);
    EXPECT_EQ(model.observer(), &nobody);
  }
  {
    const auto scope = RoutingScope::enter(model, nullptr, &nobody, true);
    EXPECT_TRUE(model.plain_override());
  }
  EXPECT_FALSE(model.plain_override());
  EXPECT_EQ(model.policy(), nullptr);
  EXPECT_EQ(model.observer(), nullptr);
  const LimitPolicy wide(0.0F, 5);
  EXPECT_FALSE(RoutingScope::enter(model, &wide, &nobody));
  EXPECT_EQ(model.observer(), nullptr);
}

}  // namespace
}  // namespace bhroute::evaluation
