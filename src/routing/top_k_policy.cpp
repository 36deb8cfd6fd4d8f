#include "top_k_policy.h"

#include "routing_rows.h"
#include "selecting_policy.h"

namespace bhroute::routing {
namespace {

class TopKPolicy final : public SelectingPolicy {
 public:
  TopKPolicy(const PolicySpec& spec, const RouterFacts& facts) : SelectingPolicy(spec, facts) {}

 private:
  void select(const PolicySpec& spec, int, LogitsView logits,
              RoutingDecision& decision) const override {
    kernels::route_top_k(kernel_inputs(logits, nullptr, spec, facts_), spec.k,
                         kernel_outputs(decision));
  }
};

}  // namespace

std::unique_ptr<Policy> new_top_k_policy(const PolicySpec& spec, const RouterFacts& facts) {
  return std::make_unique<TopKPolicy>(spec, facts);
}

}  // namespace bhroute::routing
