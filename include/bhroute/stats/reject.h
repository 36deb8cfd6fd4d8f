#pragma once

#include <cstdint>
#include <span>

#include "bhroute/stats/procedure.h"

namespace bhroute::stats {

/// The rejections alone: run()'s mask, without sorting where the procedure compares with critical values. `mask` has
/// p_values.size() bytes, 1 = rejected. Returns how many. Thread-safe; allocates only to grow a thread's buffers
/// (higher criticism always sorts).
std::size_t reject(const Procedure& procedure, std::span<const double> p_values, std::span<std::uint8_t> mask);

}  // namespace bhroute::stats
