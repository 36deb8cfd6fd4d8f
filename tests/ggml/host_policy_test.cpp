#include "ggml/host_policy.h"

#include <gtest/gtest.h>

namespace bhroute::ggml {
namespace {

/// Takes the first `token` experts of token `token`; the last token keeps the model's own.
struct Router {
  static int route(void* self, bhroute_ggml_routing* routing) {
    auto& router = *static_cast<Router*>(self);
    if (router.refuses) return 1;
    for (std::size_t t = 0; t < routing->num_tokens; ++t) {
      const bool last = t + 1 == routing->num_tokens;
      routing->num_selected[t] = last ? -1 : static_cast<std::int32_t>(t);
      for (std::size_t k = 0; k < t && !last; ++k)
        routing->expert_ids[t * routing->width + k] = static_cast<std::int32_t>(k);
    }
    router.seen = {routing->logits, routing->logits + routing->num_experts};
    return 0;
  }
  static void chosen(void* self, const bhroute_ggml_selection* selection) {
    static_cast<Router*>(self)->num_chosen = selection->first[selection->num_tokens];
  }
  bool refuses = false;
  std::vector<float> seen;
  std::size_t num_chosen = 0;
  HostPolicy policy() { return {{}, {4, 2, false}, {this, 3, &route, &chosen}}; }
};

const std::vector<float> kLogits{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
const LogitsView kView{kLogits.data(), 3, 4, 4};

TEST(HostPolicy, TheHostDecides) {
  Router router;
  routing::RoutingDecision decision;
  ASSERT_TRUE(router.policy().route(kView, 5, {}, decision));
  EXPECT_EQ(router.seen, (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(decision.num_selected, (std::vector<std::int32_t>{0, 1, 0}));
  EXPECT_EQ(decision.unroutable_tokens, (std::vector<std::size_t>{2}));
  EXPECT_EQ(decision.max_k, 3u);
}

TEST(HostPolicy, ARefusalIsAnError) {
  Router router{.refuses = true, .seen = {}};
  routing::RoutingDecision decision;
  const auto refused = router.policy().route(kView, 5, {}, decision);
  ASSERT_FALSE(refused);
  EXPECT_EQ(to_string(refused.error()), "layer 5: the program's router did not decide");
}

TEST(HostPolicy, TheHostIsToldWhatWasChosen) {
  Router router;
  Selection selection;
  selection.first = {0, 2, 3};
  selection.experts = {0, 1, 3};
  selection.weights = {0.5f, 0.25f, 1.0f};
  router.policy().tell(5, selection);
  EXPECT_EQ(router.num_chosen, 3u);
}

}  // namespace
}  // namespace bhroute::ggml
