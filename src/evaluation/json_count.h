#pragma once
// Whole numbers of a JSON file. The JSON library's own get<std::size_t>() takes -1 and 1e300 too,
// which is undefined.

#include <nlohmann/json.hpp>
#include <vector>

namespace bhroute::evaluation {

/// Throws json::exception unless `value` is a whole number >= 0.
inline std::size_t count_of(const nlohmann::json& value) {
  using nlohmann::json;
  if (value.is_number_unsigned()) return value.get<std::size_t>();
  const auto number = value.get_ref<const json::number_integer_t&>();  // throws for other types
  return number >= 0 ? static_cast<std::size_t>(number)
                     : value.get_ref<const json::number_unsigned_t&>();  // throws
}

inline std::vector<std::size_t> counts_of(const nlohmann::json& list) {
  std::vector<std::size_t> counts;
  for (const nlohmann::json& value : list) counts.push_back(count_of(value));
  return counts;
}

}  // namespace bhroute::evaluation
