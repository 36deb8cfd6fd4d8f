#include "bhroute/core/file_format.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

namespace bhroute {
namespace {

std::string problem(const nlohmann::json& object, const FileFormat& format = kPolicyFormat) {
  const auto checked = check_format_version(object, format, "p.json");
  return checked ? "" : to_string(checked.error());
}

TEST(FileFormat, OlderAndPresentVersionsAreRead) {
  EXPECT_EQ(problem({{"rule", "bh"}}), "");
  EXPECT_EQ(problem({{"format_version", 1}}), "");
  EXPECT_EQ(problem({{"format_version", 1}}, {"thing", 3}), "");
  EXPECT_EQ(problem({{"format_version", 3}}, {"thing", 3}), "");
}

TEST(FileFormat, ANewerVersionIsRefusedByName) {
  EXPECT_EQ(problem({{"format_version", 2}}),
            "p.json: policy of a newer format_version, got 2, want at most 1: a newer bhroute "
            "wrote it");
  EXPECT_NE(problem({{"format_version", 18446744073709551615U}}), "");
}

TEST(FileFormat, WhatIsNoVersionIsRefused) {
  for (const nlohmann::json& version : {nlohmann::json(0), nlohmann::json(-1), nlohmann::json(1.0),
                                        nlohmann::json("1"), nlohmann::json(nullptr)})
    EXPECT_EQ(
        problem({{"format_version", version}}),
        "p.json: format_version of policy is no version, got " + version.dump() + ", want 1 to 1");
}

TEST(FileFormat, EachHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (const FileFormat& format : file_formats()) {
    EXPECT_TRUE(names.insert(format.name).second) << format.name;
    EXPECT_GE(format.version, 1);
  }
  EXPECT_EQ(names.size(), 9U);
}

}  // namespace
}  // namespace bhroute
