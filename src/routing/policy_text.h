#pragma once
// One value of a policy as text: the short form.

#include "policy_fields.h"

namespace bhroute::routing {

/// The whole of `text` as the field's kind of value, whatever the locale; lists by '/'.
Result<void> read_text(std::string_view key, std::string_view text, const PolicyField& field);
/// What read_text reads back to an equal value.
std::string value_text(const ParameterValue& value);

}  // namespace bhroute::routing
