#pragma once
// How many cores there are for this process.

#include <cstddef>
#include <filesystem>
#include <optional>

namespace bhroute {

/// At least 1: by the process's affinity, and no more than its cgroup's quota, rounded up.
std::size_t usable_cores();

/// The smallest quota of CPU time, in cores, of the process's cgroup and those above it (version
/// 2). Nothing: none, or none that can be read. `membership` and `root` are /proc/self/cgroup and
/// /sys/fs/cgroup.
std::optional<double> cgroup_quota(const std::filesystem::path& membership,
                                   const std::filesystem::path& root);

}  // namespace bhroute
