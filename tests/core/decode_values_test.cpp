#include "bhroute/core/decode_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace bhroute {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// 1.5 and -2 after one byte, so that no value is aligned.
constexpr std::string_view kFloats("x\0\0\xc0\x3f\0\0\0\xc0", 9);
constexpr std::string_view kDouble("x\0\0\0\0\0\0\xf8\x3f", 9);

TEST(DecodeValues, OfAnyAlignmentAndType) {
  EXPECT_THAT(decode_values<float>(kFloats.substr(1)), ElementsAre(1.5F, -2.0F));
  EXPECT_THAT((decode_values<float, double>(kFloats.substr(1))), ElementsAre(1.5, -2.0));
  EXPECT_THAT(decode_values<std::uint16_t>(std::string_view("\x01\x02\xff\0", 4)),
              ElementsAre(0x0201, 0xff));
}

TEST(DecodeValues, FloatsOfEitherWidth) {
  EXPECT_THAT(decode_floats<double>(kFloats.substr(1), true), ElementsAre(1.5, -2.0));
  EXPECT_THAT(decode_floats<float>(kDouble.substr(1), false), ElementsAre(1.5F));
}

TEST(DecodeValues, OnlyWholeValues) {
  EXPECT_THAT(decode_values<float>(kFloats.substr(1, 7)), ElementsAre(1.5F));
  EXPECT_THAT(decode_values<double>({}), IsEmpty());
}

}  // namespace
}  // namespace bhroute
