#include "bhroute/routing/policy_file.h"

#include <nlohmann/json.hpp>

#include "bhroute/core/file_format.h"
#include "bhroute/core/json.h"

namespace bhroute::routing {

std::string policy_file_text(const PolicySpec& spec) {
  nlohmann::json object = to_json(spec);
  object[kFormatVersionKey] = kPolicyFormat.version;
  return dump_json(object, 2) + "\n";
}

}  // namespace bhroute::routing
