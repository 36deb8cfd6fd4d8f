#include "llama/codepoints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace bhroute::llama {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The four bytes of a character, whether Unicode has it or not.
std::string four_bytes(unsigned codepoint) {
  const auto byte = [](unsigned value) { return static_cast<char>(value); };
  return {byte(0xf0u | codepoint >> 18), byte(0x80u | (codepoint >> 12 & 0x3fu)),
          byte(0x80u | (codepoint >> 6 & 0x3fu)), byte(0x80u | (codepoint & 0x3fu))};
}

TEST(BeyondUnicode, BeginsBehindTheLastCharacter) {
  EXPECT_THAT(beyond_unicode(std::string("a").append(four_bytes(0x10ffff))), IsEmpty());
  EXPECT_THAT(beyond_unicode(std::string("a").append(four_bytes(0x110000))), ElementsAre(1));
  EXPECT_THAT(beyond_unicode(four_bytes(0x13ffff) + four_bytes(0x140000) + four_bytes(0x1fffff)),
              ElementsAre(0, 4, 8));
}

TEST(BeyondUnicode, WhatIsCutOrBrokenIsNone) {
  const std::string whole = four_bytes(0x110000);
  EXPECT_THAT(beyond_unicode(""), IsEmpty());
  for (std::size_t size = 1; size < 4; ++size) {
    EXPECT_THAT(beyond_unicode(whole.substr(0, size)), IsEmpty());
    EXPECT_THAT(beyond_unicode(whole.substr(0, size) + "abc"), IsEmpty());
  }
  EXPECT_THAT(beyond_unicode("\xf8\x90\x80\x80\xff\xff\xff\xff"), IsEmpty());
}

}  // namespace
}  // namespace bhroute::llama
