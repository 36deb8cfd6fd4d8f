#include "bhroute/core/json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace bhroute {
namespace {

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(Json, ReadsAValue) {
  const auto value = parse_json(R"({"a": [1, "]]]\"[[["]})", "x.json");
  ASSERT_TRUE(value) << to_string(value.error());
  EXPECT_EQ((*value)["a"][1], "]]]\"[[[");
}

TEST(Json, RefusesWhatIsNoJson) {
  for (const char* text : {"", "{", "[1,]", "\xff", "nul", "\"\\", "{\"a\": 1} x"}) {
    const auto value = parse_json(text, "x.json");
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(to_string(value.error()), "x.json: not JSON") << text;
  }
}

TEST(Json, DepthHasALimit) {
  EXPECT_TRUE(parse_json(nested(kMaxJsonDepth), "x"));
  const auto value = parse_json(nested(kMaxJsonDepth + 1), "x");
  ASSERT_FALSE(value);
  EXPECT_EQ(to_string(value.error()), "x: JSON nested too deep, got 65 levels, want at most 64");
  EXPECT_FALSE(parse_json(nested(10'000'000), "x"));
  EXPECT_TRUE(parse_json("\"" + std::string(100, '[') + "\"", "x"));
}

TEST(Json, AProblemIsToldWithoutTheLibrarysName) {
  try {
    const nlohmann::json empty = nlohmann::json::object();
    FAIL() << empty.at("model");
  } catch (const nlohmann::json::exception& problem) {
    EXPECT_EQ(json_problem(problem.what()), "key 'model' not found");
  }
  EXPECT_EQ(json_problem("[no end"), "[no end");
}

}  // namespace
}  // namespace bhroute
