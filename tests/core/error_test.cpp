#include "bhroute/core/error.h"

#include <gtest/gtest.h>

namespace bhroute {
namespace {

TEST(Error, ReadsAsOneLine) {
  const Error error{ErrorKind::invalid_input, "--alpha", "out of range", "2", "0 < alpha < 1"};
  EXPECT_EQ(to_string(error), "--alpha: out of range, got 2, want 0 < alpha < 1");
}

TEST(Error, LeavesOutEmptyParts) {
  EXPECT_EQ(to_string(Error{ErrorKind::failure, "a.txt", "disk full", "", ""}), "a.txt: disk full");
  EXPECT_EQ(to_string(Error{ErrorKind::failure, "a.txt", "short", "", "3 bytes"}),
            "a.txt: short, want 3 bytes");
  EXPECT_EQ(
      to_string(Error{ErrorKind::invalid_input, "policy", "unknown", "bj", "did you mean bh?"}),
      "policy: unknown, got bj, did you mean bh?");
}

TEST(Error, KindsComeFromTheirMakers) {
  const Result<int> wrong = invalid_input("w", "x", "y", "z");
  const Result<int> failed = failure("w", "x");
  EXPECT_EQ(wrong.error().kind, ErrorKind::invalid_input);
  EXPECT_EQ(to_string(wrong.error()), "w: x, got y, want z");
  EXPECT_EQ(failed.error().kind, ErrorKind::failure);
}

}  // namespace
}  // namespace bhroute
