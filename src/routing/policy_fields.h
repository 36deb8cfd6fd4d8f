#pragma once
// The keys of a policy: one list for the short form, JSON, layers and "did you mean".

#include <string_view>
#include <variant>

#include "bhroute/routing/policy_spec.h"

namespace bhroute::routing {

Result<WeightRule> parse_weight_rule(std::string_view text, std::string_view where);
Result<calibration::Statistic> parse_statistic_of(std::string_view text, std::string_view where);
/// The error for a key that `rule` does not have.
tl::unexpected<Error> unknown_key(std::string_view key, Rule rule, std::string_view where);

/// Where a key's value goes; empty for a key that the spec's rule does not have.
using PolicyField =
    std::variant<std::monostate, double*, std::size_t*, bool*, WeightRule*, std::string*,
                 std::vector<double>*, std::vector<std::size_t>*, calibration::Statistic*>;
PolicyField policy_field(PolicySpec& spec, std::string_view key);
/// Whether a layer may have the key of its own: all but the table's.
bool may_differ_by_layer(std::string_view key) noexcept;

/// The error for a value of another kind than the field's: "wrong type", what the field takes.
std::string_view kind_of(const PolicyField& field) noexcept;

}  // namespace bhroute::routing
