#include "bhroute/core/json.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <nlohmann/json.hpp>

#include "core/temporary_folder.h"

namespace bhroute {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

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
    EXPECT_THAT(to_string(value.error()), StartsWith("x.json: not JSON (line 1, column ")) << text;
  }
}

TEST(Json, AFaultHasAPlace) {
  for (const auto& [text, place] : {std::pair("{\"a\": 1,\n \"b\": ?}", "line 2, column 7"),
                                    {"[1,]", "line 1, column 4"},
                                    {"[1,\n2", "line 2, column 2"},
                                    {"", "line 1, column 1"},
                                    {"{\"a\": 1,\n", "line 2, column 1"},
                                    {"1e999", "line 1, column 5"}})
    EXPECT_EQ(to_string(parse_json(text, "x").error()), fmt::format("x: not JSON ({})", place));
}

TEST(Json, AFileIsNamedInItsFaults) {
  const testing::TemporaryFolder folder;
  const auto path = folder / "x.json";
  testing::spill(path, "[1, 2]");
  EXPECT_EQ(*read_json(path, 6), nlohmann::json({1, 2}));
  EXPECT_THAT(to_string(read_json(path, 5).error()), StartsWith(path.string() + ": "));
  testing::spill(path, "[1,]");
  EXPECT_EQ(to_string(read_json(path, 6).error()), path.string() + ": not JSON (line 1, column 4)");
  EXPECT_THAT(to_string(read_json(folder / "none", 6).error()), HasSubstr("none: "));
}

TEST(Json, AKeyTwiceIsRefused) {
  EXPECT_EQ(to_string(parse_json(R"({"a": {"b": 1, "b": 2}})", "x").error()),
            "x: a key twice in one object, got \"b\"");
  EXPECT_TRUE(parse_json(R"([{"a": {"a": 1}}, {"a": 2}])", "x"));
}

// Hundreds of megabytes of memory each, were they built.
TEST(Json, MemoryHasALimit) {
  for (const char* piece : {"{},", "[],", "0,", "\"\",", "{\"\":0},"}) {
    std::string text = "[";
    while (text.size() < (20u << 20)) text += piece;
    text.back() = ']';
    const auto value = parse_json(text, "x");
    ASSERT_FALSE(value) << piece;
    EXPECT_EQ(to_string(value.error()),
              "x: JSON that takes too much memory, got more than 256 MiB, want less");
  }
  EXPECT_TRUE(parse_json("\"" + std::string(100u << 20, 'a') + "\"", "x"));
}

RC_GTEST_PROP(Json, WhatIsWrittenIsReadBack,
              (std::vector<std::pair<std::string, double>> members)) {
  nlohmann::json value = {{"list", nlohmann::json::array()}};
  for (const auto& [name, number] : members) {
    const std::string text = nlohmann::json::parse(dump_json(name));  // UTF-8, as JSON must be
    value["list"].push_back({{"key " + text, number}, {"nothing", nullptr}, {"text", text}});
  }
  RC_ASSERT(parse_json(dump_json(value), "x").value() == value);
  RC_ASSERT(parse_json(dump_json(value, 2), "x").value() == value);
}

TEST(Json, BytesThatAreNoTextAreReplaced) {
  EXPECT_EQ(dump_json("a\xff/b"), "\"a\xef\xbf\xbd/b\"");
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
