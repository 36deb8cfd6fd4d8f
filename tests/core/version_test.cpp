#include "bhroute/core/version.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace bhroute {
namespace {

TEST(Version, IsThreeNumbers) {
  EXPECT_THAT(std::string(version()), ::testing::MatchesRegex(R"([0-9]+\.[0-9]+\.[0-9]+)"));
}

}  // namespace
}  // namespace bhroute
