#include "bhroute/core/cores.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <thread>

namespace bhroute {
namespace {

namespace fs = std::filesystem;

std::size_t cores_of_affinity() {
  cpu_set_t set;
  const bool known = ::sched_getaffinity(0, sizeof set, &set) == 0;
  return known ? static_cast<std::size_t>(std::max(1, CPU_COUNT(&set)))
               : std::max(1U, std::thread::hardware_concurrency());
}

/// "0::/its/path", relative to the root.
std::optional<fs::path> group_of(const fs::path& membership) {
  std::ifstream file(membership);
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("0::/")) return line.substr(4);
  return std::nullopt;
}

/// "max 100000" or "150000 100000": microseconds, and the period they are for.
std::optional<double> quota_in(const fs::path& group) {
  std::ifstream file(group / "cpu.max");
  double quota = 0.0, period = 0.0;
  if (file >> quota >> period && quota > 0.0 && period > 0.0) return quota / period;
  return std::nullopt;
}

}  // namespace

std::optional<double> cgroup_quota(const fs::path& membership, const fs::path& root) {
  const auto group = group_of(membership);
  if (!group) return std::nullopt;
  std::optional<double> least = quota_in(root);
  fs::path here = root;
  for (const fs::path& part : *group) {
    here /= part;
    if (const auto quota = quota_in(here)) least = std::min(*quota, least.value_or(*quota));
  }
  return least;
}

std::size_t usable_cores() {
  const std::size_t cores = cores_of_affinity();
  const auto quota = cgroup_quota("/proc/self/cgroup", "/sys/fs/cgroup");
  if (!quota) return cores;
  return std::min(cores, static_cast<std::size_t>(std::ceil(std::clamp(*quota, 1.0, 1e6))));
}

}  // namespace bhroute
