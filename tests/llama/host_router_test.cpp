#include "llama/host_router.h"

#include <gtest/gtest.h>

namespace bhroute::llama {
namespace {

class KeepLast final : public evaluation::RouterObserver {
 public:
  void on_layer(int index, LogitsView, const routing::RoutingDecision* decision) override {
    layer = index;
    last = *decision;
  }
  int layer = -1;
  routing::RoutingDecision last;
};

const std::vector<float> kLogits{0.0f, 2.0f, 1.0f, -1.0f};

struct Asked {
  std::vector<std::int32_t> ids = std::vector<std::int32_t>(2, -7), counts = {-7};
  std::vector<float> weights = std::vector<float>(2);
  bhroute_ggml_routing routing{.layer = 3,
                               .num_tokens = 1,
                               .num_experts = 4,
                               .logits = kLogits.data(),
                               .width = 2,
                               .expert_ids = ids.data(),
                               .routing_weights = weights.data(),
                               .num_selected = counts.data()};
};

TEST(HostRouter, DecidesAndTellsWhatWasChosen) {
  const auto policy =
      routing::make_policy({.rule = routing::Rule::top_k, .k = 2}, {4, 2, false}).value();
  KeepLast keep;
  HostRouter router;
  router.set_policy(policy.get());
  router.set_observer(&keep);
  const auto c = router.as_plugin_router();
  EXPECT_EQ(c.width, 2u);
  Asked asked;
  ASSERT_EQ(c.route(c.self, &asked.routing), 0);
  EXPECT_EQ(asked.ids, (std::vector<std::int32_t>{1, 2}));
  EXPECT_EQ(asked.counts[0], 2);
  const std::size_t first[] = {0, 1};
  const std::int32_t experts[] = {3};
  const float weights[] = {0.5f};
  const bhroute_ggml_selection selection{
      .layer = 3, .num_tokens = 1, .first = first, .experts = experts, .weights = weights};
  c.chosen(c.self, &selection);
  EXPECT_EQ(keep.layer, 3);
  EXPECT_EQ(keep.last.num_selected[0], 1);
  EXPECT_EQ(keep.last.expert_ids, (std::vector<std::int32_t>{3, -1}));
  EXPECT_EQ(keep.last.routing_weights, (std::vector<float>{0.5f, 0.0f}));
}

TEST(HostRouter, KeepsThePolicysError) {
  const auto policy =
      routing::make_policy({.rule = routing::Rule::top_k, .k = 2}, {8, 2, false}).value();
  HostRouter router;
  router.set_policy(policy.get());
  const auto c = router.as_plugin_router();
  Asked asked;
  EXPECT_NE(c.route(c.self, &asked.routing), 0);
  EXPECT_TRUE(router.take_error());
  EXPECT_FALSE(router.take_error());
}

}  // namespace
}  // namespace bhroute::llama
