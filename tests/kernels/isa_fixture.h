#pragma once
// One test body for every instruction set: a parameter is a name of core/isa.h.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "bhroute/core/isa.h"

namespace bhroute::testing {

inline const std::vector<std::string>& known_isas() {
  static const std::vector<std::string> names = {"scalar", "ssse3", "sse4", "avx2", "avx3"};
  return names;
}

/// Forces the instruction set of its parameter, or skips where this machine has none of that name.
class IsaTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const auto isas = supported_isas();
    if (std::find(isas.begin(), isas.end(), GetParam()) == isas.end()) {
      GTEST_SKIP() << "this CPU or this build has no " << GetParam();
    }
    ASSERT_TRUE(force_isa(GetParam()).has_value());
  }
  void TearDown() override { ASSERT_TRUE(force_isa("").has_value()); }
};

inline std::string isa_name(const ::testing::TestParamInfo<std::string>& info) {
  return info.param;
}

}  // namespace bhroute::testing
