#include "bhroute/wrap.h"

#include <gmock/gmock.h>

namespace bhroute::cli {
namespace {

using ::testing::ElementsAre;

TEST(Wrap, BreaksAtBlanks) {
  EXPECT_THAT(wrap("one two three", 8), ElementsAre("one two", "three"));
  EXPECT_THAT(wrap("", 8), ElementsAre(""));
}

TEST(Wrap, BreaksALongWordBehindABarOrAnywhere) {
  EXPECT_THAT(wrap("bash|zsh|fish", 10), ElementsAre("bash|zsh|", "fish"));
  EXPECT_THAT(wrap("abcdefgh", 5), ElementsAre("abcde", "fgh"));
}

TEST(Wrap, AHangingLineIsWithinTheWidthTooWithItsBlanks) {
  EXPECT_THAT(wrap("Usage: a -m GGUF --policy P", 13, 4),
              ElementsAre("Usage: a -m", "    GGUF", "    --policy", "    P"));
  EXPECT_THAT(wrap("a bbbbbbbbbb", 10, 4), ElementsAre("a bbbbbb", "    bbbb"));
}

// Every width that a long usage may meet.
TEST(Wrap, NoLineOfALongUsageIsLongerThanTheWidth) {
  const std::string usage =
      "Usage: bhroute subcommand -m GGUF -f TEXT --policy POLICY --budget K -o JSON --table TABLE "
      "--table-unselected TABLE --configurations JSON [OPTIONS] TABLE DIRECTORY";
  for (std::size_t width = 20; width < 200; ++width) {
    const auto lines = wrap(usage, width, 4);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      EXPECT_LE(lines[i].size(), width);
      EXPECT_EQ(lines[i].starts_with("    "), i > 0);
    }
  }
}

}  // namespace
}  // namespace bhroute::cli
