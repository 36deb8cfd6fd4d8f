#include "bhroute/core/isa.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

namespace bhroute {
namespace {

using ::testing::HasSubstr;

class Isa : public ::testing::Test {
 protected:
  void TearDown() override {
    ::unsetenv("BHROUTE_FORCE_ISA");
    ASSERT_TRUE(force_isa(""));
  }
};

TEST_F(Isa, EachNameIsListedOnceAndScalarIsLast) {
  const auto names = supported_isas();
  ASSERT_FALSE(names.empty());
  EXPECT_EQ(names.back(), "scalar");
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
}

TEST_F(Isa, TheBestIsTheDefault) { EXPECT_EQ(active_isa(), supported_isas().front()); }

TEST_F(Isa, EachCanBeForcedAndForcingHidesNone) {
  const auto names = supported_isas();
  for (const auto& name : names) {
    ASSERT_TRUE(force_isa(name)) << name;
    EXPECT_EQ(active_isa(), name);
    EXPECT_EQ(supported_isas(), names);
  }
  ASSERT_TRUE(force_isa(""));
  EXPECT_EQ(active_isa(), names.front());
}

TEST_F(Isa, AnUnknownNameChangesNothingAndListsTheKnown) {
  ASSERT_TRUE(force_isa("scalar"));
  const auto result = force_isa("mmx");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::invalid_input);
  EXPECT_THAT(to_string(result.error()),
              HasSubstr("unknown or unsupported instruction set, got mmx, want one of "));
  EXPECT_THAT(to_string(result.error()), HasSubstr(supported_isas().front()));
  EXPECT_EQ(active_isa(), "scalar");
}

TEST_F(Isa, TheEnvironmentForces) {
  ASSERT_EQ(::setenv("BHROUTE_FORCE_ISA", "scalar", 1), 0);
  ASSERT_TRUE(force_isa_from_environment());
  EXPECT_EQ(active_isa(), "scalar");
  ASSERT_EQ(::setenv("BHROUTE_FORCE_ISA", "nonsense", 1), 0);
  EXPECT_FALSE(force_isa_from_environment());
  ::unsetenv("BHROUTE_FORCE_ISA");
  ASSERT_TRUE(force_isa_from_environment());
  EXPECT_EQ(active_isa(), supported_isas().front());
}

}  // namespace
}  // namespace bhroute
