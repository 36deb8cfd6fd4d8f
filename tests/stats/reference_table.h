#pragma once
// The tables that tools/oracles/make_stats_tables.py writes.

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace bhroute::stats {

/// The cases of tests/data/stats/<name>.json. A missing or empty table is a failure of the test
/// that asks.
inline nlohmann::json reference_cases(const std::string& name) {
  std::ifstream file(std::string(BHROUTE_TEST_DATA) + "/stats/" + name + ".json");
  const nlohmann::json table = nlohmann::json::parse(file, nullptr, false);
  EXPECT_TRUE(table.is_object() && table["header"]["versions"].contains("numpy")) << name;
  const nlohmann::json cases = table.is_object() ? table["cases"] : nlohmann::json::array();
  EXPECT_FALSE(cases.empty()) << name;
  return cases;
}

inline std::vector<double> doubles(const nlohmann::json& array) {
  return array.get<std::vector<double>>();
}

}  // namespace bhroute::stats
