// The fast path on every instruction set against the double reference: the same experts in the same
// order, weights within 4 ulp, the same errors.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <memory>
#include <tuple>

#include "bhroute/core/isa.h"
#include "fuzz/finding.h"
#include "fuzz/routing_case.h"
#include "fuzz/target.h"
#include "kernels/ulp.h"

namespace bhroute::fuzz {
namespace {

using Table = std::shared_ptr<const calibration::CalibrationTable>;
using routing::RoutingDecision;
constexpr std::size_t kMostPolicies = 64, kCalibrationSize = 2000;

struct Pair {
  std::unique_ptr<routing::Policy> fast, reference;
};

Table table_of(const RoutingCase& each) {
  if (each.null == 3) return nullptr;
  static std::map<std::tuple<int, std::size_t, calibration::Statistic>, Table> made;
  Table& table = made[{each.null, each.num_experts, each.statistic}];
  if (!table)
    table = testing::make_table(static_cast<testing::NullShape>(each.null), each.num_experts,
                                each.statistic, kCalibrationSize);
  return table;
}

/// Both policies, or neither where the spec is refused. Kept, since most inputs differ in their
/// logits alone.
const Pair& policies_of(const RoutingCase& each, std::string_view header) {
  static std::map<std::string, Pair, std::less<>> made;
  if (const auto known = made.find(header); known != made.end()) return known->second;
  if (made.size() == kMostPolicies) made.clear();
  const auto facts = testing::facts(each.num_experts);
  auto fast = routing::make_policy(each.spec, facts, table_of(each));
  auto reference = routing::make_reference_policy(each.spec, facts, table_of(each));
  require(fast.has_value() == reference.has_value(),
          "one path refuses a policy that the other takes");
  Pair& pair = made[std::string(header)];
  if (fast) pair = {*std::move(fast), *std::move(reference)};
  return pair;
}

void compare_weights(const std::vector<float>& got, const std::vector<float>& want,
                     const std::string& who) {
  if (got.size() != want.size()) finding(who + ": another number of weights");
  for (std::size_t i = 0; i < got.size(); ++i)
    if (!testing::weights_agree(got[i], want[i]))
      finding(fmt::format("{}: weight {} is {}, want {}", who, i, got[i], want[i]));
}

void compare(const RoutingDecision& got, const RoutingDecision& want, const std::string& who) {
  if (got.num_selected != want.num_selected)
    finding(fmt::format("{}: counts [{}], want [{}]", who, fmt::join(got.num_selected, " "),
                        fmt::join(want.num_selected, " ")));
  if (got.expert_ids != want.expert_ids)
    finding(fmt::format("{}: experts [{}], want [{}]", who, fmt::join(got.expert_ids, " "),
                        fmt::join(want.expert_ids, " ")));
  if (got.num_nan_logits != want.num_nan_logits) finding(who + ": another number of NaNs");
  if (got.unroutable_tokens != want.unroutable_tokens) finding(who + ": other unroutable tokens");
  compare_weights(got.routing_weights, want.routing_weights, who);
  compare_weights(got.dense_routing_weights, want.dense_routing_weights, who);
}

std::string describe(const RoutingCase& each) {
  return fmt::format("{} N={} null={} statistic={} {}", active_isa(), each.num_experts, each.null,
                     calibration::to_string(each.statistic), routing::to_string(each.spec));
}

}  // namespace

bool accepts(std::string_view bytes) {
  if (bytes.size() < kHeader) return false;
  const RoutingCase each = routing_case(bytes);
  const Pair& policies = policies_of(each, bytes.substr(0, kHeader));
  if (!policies.fast) return false;
  static const std::vector<std::string> isas = supported_isas();
  const LogitsView logits = testing::view(each.logits, each.num_experts);
  RoutingDecision want, got;
  const bool routed = policies.reference->route(logits, 0, each.request, want).has_value();
  for (const std::string& isa : isas) {
    require(force_isa(isa).has_value(), "an instruction set that cannot be forced");
    const auto result = policies.fast->route(logits, 0, each.request, got);
    if (result.has_value() != routed) finding(describe(each) + ": one path refuses the logits");
    if (routed) compare(got, want, describe(each));
  }
  return routed;
}

}  // namespace bhroute::fuzz
