#include "bhroute/core/isa.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace bhroute {
namespace {

// Highway calls its scalar target EMU128 or SCALAR, whichever was compiled; a person asks for
// "scalar".
std::string target_name(std::int64_t target) {
  if (target == HWY_EMU128 || target == HWY_SCALAR) return "scalar";
  std::string name = hwy::TargetName(target);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name;
}

// What this binary was compiled for and this CPU has. Read before anything is forced: a forced
// target hides the rest.
std::int64_t available_targets() {
  static const std::int64_t targets = hwy::SupportedTargets() & HWY_TARGETS;
  return targets;
}

}  // namespace

std::string active_isa() {
  const std::int64_t targets = hwy::SupportedTargets() & available_targets();
  return target_name(targets & -targets);  // Highway numbers better targets lower
}

Result<void> force_isa(std::string_view name) {
  const std::int64_t available = available_targets();
  if (name.empty()) {
    hwy::SetSupportedTargetsForTest(0);
    return {};
  }
  for (std::int64_t rest = available; rest != 0; rest &= rest - 1) {
    const std::int64_t target = rest & -rest;
    if (target_name(target) != name) continue;
    hwy::SetSupportedTargetsForTest(target);
    return {};
  }
  return invalid_input("BHROUTE_FORCE_ISA", "unknown or unsupported instruction set",
                       std::string(name),
                       fmt::format("one of {}", fmt::join(supported_isas(), ", ")));
}

std::vector<std::string> supported_isas() {
  std::vector<std::string> names;
  for (std::int64_t rest = available_targets(); rest != 0; rest &= rest - 1)
    names.push_back(target_name(rest & -rest));
  return names;
}

Result<void> force_isa_from_environment() {
  const char* name = std::getenv("BHROUTE_FORCE_ISA");
  return force_isa(name == nullptr ? "" : name);
}

}  // namespace bhroute
