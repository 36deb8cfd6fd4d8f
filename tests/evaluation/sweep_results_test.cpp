#include "../../src/evaluation/sweep_results.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

namespace bhroute::evaluation {
namespace {

using nlohmann::json;

SweepOutcome sample() {
  SweepOutcome outcome;
  outcome.notes = {"x: left out"};
  outcome.runs.resize(2);
  outcome.runs[0].name = "plain";
  outcome.runs[0].loss = 1.0 / 3.0;
  outcome.runs[0].kl = std::nan("");
  outcome.runs[1].name = R"(a "quoted", name)";
  outcome.runs[1].loss = 1e-300;
  outcome.runs[1].num_tokens = 6120;
  outcome.runs[1].loss_difference = -0.1;
  return outcome;
}

// One CSV line's cells, by the rules of RFC 4180.
std::vector<std::string> cells(const std::string& line) {
  std::vector<std::string> result(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"')
      result.back() += line[++i];
    else if (line[i] == '"')
      quoted = !quoted;
    else if (line[i] == ',' && !quoted)
      result.emplace_back();
    else
      result.back() += line[i];
  }
  return result;
}

std::vector<std::vector<std::string>> table(const std::string& csv) {
  std::vector<std::vector<std::string>> rows;
  std::istringstream stream(csv);
  for (std::string line; std::getline(stream, line);) {
    EXPECT_EQ(line.back(), '\r');
    line.pop_back();
    rows.push_back(cells(line));
  }
  return rows;
}

TEST(FormatResults, IsJsonWithTheRunsAndNotes) {
  const json results = json::parse(format_results({{"command", "c"}, {"windows", 3}}, sample()));
  EXPECT_EQ(results["command"], "c");
  EXPECT_EQ(results["windows"], 3);
  EXPECT_EQ(results["notes"], json({"x: left out"}));
  ASSERT_EQ(results["runs"].size(), 2U);
  EXPECT_EQ(results["runs"][0], to_json(sample().runs[0], false));
  EXPECT_TRUE(json::parse(format_results(json::object(), {}))["runs"].empty());
}

TEST(FormatCsv, HoldsTheNumbersOfTheJsonDigitForDigit) {
  const auto rows = table(format_csv(sample()));
  const json runs = json::parse(format_results(json::object(), sample()))["runs"];
  ASSERT_EQ(rows.size(), 3U);
  std::size_t numbers = 0;
  for (std::size_t r = 0; r < 2; ++r) {
    ASSERT_EQ(rows[r + 1].size(), rows[0].size());
    for (std::size_t c = 0; c < rows[0].size(); ++c) {
      const json value = runs[r].value(rows[0][c], json());
      if (value.is_number()) {
        EXPECT_EQ(rows[r + 1][c], value.dump()) << rows[0][c];
        ++numbers;
      } else if (value.is_string()) {
        EXPECT_EQ(rows[r + 1][c], value.get<std::string>());
      } else if (value.is_null()) {
        EXPECT_EQ(rows[r + 1][c], "") << rows[0][c];
      }
    }
  }
  EXPECT_GT(numbers, 30U);
}

TEST(FormatCsv, WritesPoliciesShort) {
  const auto rows = table(format_csv(sample()));
  const auto column = std::find(rows[0].begin(), rows[0].end(), "policy") - rows[0].begin();
  const auto policy = routing::parse_policy(rows[1][static_cast<std::size_t>(column)]);
  ASSERT_TRUE(policy);
  EXPECT_EQ(*policy, sample().runs[0].policy);
}

}  // namespace
}  // namespace bhroute::evaluation
