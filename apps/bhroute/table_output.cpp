#include "table_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

namespace bhroute::cli {
namespace {

struct ValueCounts {
  std::uint64_t fewest = std::numeric_limits<std::uint64_t>::max(), most = 0;
  double smallest_p = 1.0;
};

ValueCounts count_values(const calibration::CalibrationTable& table) {
  ValueCounts found;
  for (const auto& [layer, null] : table.layers) {
    for (const auto& group : null.groups) {
      const std::uint64_t n = group.counts() ? group.counts()->size() : 0;
      found.fewest = std::min(found.fewest, n);
      found.most = std::max(found.most, n);
      found.smallest_p =
          std::min(found.smallest_p, group.p_value(std::numeric_limits<float>::infinity()));
    }
  }
  return found;
}

}  // namespace

std::string table_summary(const calibration::CalibrationTable& table, const std::string& path) {
  const ValueCounts counts = count_values(table);
  const std::string values = counts.fewest == counts.most
                                 ? fmt::format("{}", counts.most)
                                 : fmt::format("{} to {}", counts.fewest, counts.most);
  const bool pooled = table.metadata.pooling == calibration::Pooling::pooled;
  return fmt::format(
      "null {:<11} {} layers, {} tokens, {} values {}, smallest p {:.3g}\n                 -> {}\n",
      to_string(table.metadata.null), table.layers.size(), table.metadata.num_tokens, values,
      pooled ? "a layer" : "an expert", counts.smallest_p, path);
}

nlohmann::json table_json(const calibration::CalibrationTable& table, const std::string& path) {
  const ValueCounts counts = count_values(table);
  const auto& made = table.metadata;
  return {{"path", path},
          {"null", to_string(made.null)},
          {"statistic", to_string(made.statistic)},
          {"pooling", to_string(made.pooling)},
          {"num_layers", table.layers.size()},
          {"num_experts", made.num_experts},
          {"top_k", made.top_k},
          {"num_tokens", made.num_tokens},
          {"fewest_values", counts.fewest},
          {"most_values", counts.most},
          {"smallest_p_value", counts.smallest_p}};
}

}  // namespace bhroute::cli
