// A batch of router logits through a policy. examples/c/route.c does the same in C, and prints the
// same.
//
// Link with bhroute_routing:
//   target_link_libraries(my_program PRIVATE bhroute_routing)

#include <cstdio>
#include <vector>

#include "bhroute/routing/policy.h"

int main() {
  namespace routing = bhroute::routing;
  // [3 tokens, 8 experts], before any softmax.
  const std::vector<float> logits{2.5f, -1.0f, 0.25f,  3.0f,    -0.5f, 0.0f,  1.0f,  -2.0f,  //
                                  0.0f, .125f, -.125f, 0.0625f, 0.25f, -.25f, 0.5f,  -0.5f,  //
                                  -4.f, 6.0f,  -3.5f,  -3.0f,   0.5f,  -5.0f, -2.0f, -1.0f};
  const routing::RouterFacts facts{.num_experts = 8, .top_k = 2, .normalizes_weights = false};

  // From its text to a policy bound to a model; a mistake in either is an error value.
  const auto policy =
      routing::parse_policy("top_p:p=0.7,max_k=4").and_then([&](const routing::PolicySpec& spec) {
        return routing::make_policy(spec, facts);
      });
  if (!policy) {
    std::printf("%s\n", to_string(policy.error()).c_str());
    return 2;
  }

  routing::RoutingDecision decision;  // kept from call to call: routing then allocates nothing
  const auto ok = (*policy)->route({logits.data(), 3, 8, 8}, 0, {}, decision);
  if (!ok) {
    std::printf("%s\n", to_string(ok.error()).c_str());
    return 1;
  }
  std::printf("%s\n", to_string((*policy)->spec()).c_str());
  for (std::size_t t = 0; t < decision.num_tokens; ++t) {
    std::printf("token %zu:", t);
    for (int slot = 0; slot < decision.num_selected[t]; ++slot) {
      const std::size_t at = t * decision.max_k + static_cast<std::size_t>(slot);
      std::printf(" %d (%.6f)", decision.expert_ids[at],
                  static_cast<double>(decision.routing_weights[at]));
    }
    std::printf("\n");
  }
  return 0;
}
