#pragma once

#include <string>

#include "bhroute/routing/policy_spec.h"

namespace bhroute::routing {

/// What a policy's file holds: its JSON object with the file's format_version. parse_policy reads it.
std::string policy_file_text(const PolicySpec& spec);

}  // namespace bhroute::routing
