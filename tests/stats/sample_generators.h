#pragma once
// Random samples for property tests: few distinct values, so that ties are common.

#include <rapidcheck.h>

#include <cstdint>
#include <map>
#include <vector>

#include "bhroute/stats/counted_sample.h"

namespace bhroute::stats {

inline CountedSample counted(const std::vector<float>& draws) {
  std::map<float, std::uint64_t> tally;
  for (const float value : draws) ++tally[value];
  std::vector<float> values;
  std::vector<std::uint64_t> counts;
  for (const auto& [value, count] : tally) {
    values.push_back(value);
    counts.push_back(count);
  }
  return CountedSample::create(values, counts).value();
}

/// Between `least` and 60 or so draws on a grid of 1/8 in [-5, 5].
inline rc::Gen<std::vector<float>> draws(std::size_t least = 1) {
  const auto value =
      rc::gen::map(rc::gen::inRange(-40, 41), [](int i) { return static_cast<float>(i) / 8.0F; });
  return rc::gen::mapcat(rc::gen::inRange<std::size_t>(least, 60), [=](std::size_t n) {
    return rc::gen::container<std::vector<float>>(n, value);
  });
}

}  // namespace bhroute::stats
