#include "bhroute/core/did_you_mean.h"

#include <gtest/gtest.h>

namespace bhroute {
namespace {

TEST(DidYouMean, NamesTheNearest) {
  EXPECT_EQ(did_you_mean("alhpa", {"min_k", "alpha", "max_k"}),
            "alpha");                                 // neighbours exchanged: one edit
  EXPECT_EQ(did_you_mean("hb", {"hc", "bh"}), "hc");  // as near, and first
  EXPECT_EQ(did_you_mean("--windwos", {"--window", "--windows"}), "--windows");
  EXPECT_EQ(did_you_mean("EVALUATE", {"exec", "evaluate"}), "evaluate");
  EXPECT_EQ(did_you_mean("lahap", {"alpha"}), "");
  EXPECT_EQ(did_you_mean("alpa", {"min_k", "alpha", "max_k"}), "alpha");
  EXPECT_EQ(did_you_mean("temprature", {"table", "temperature"}), "temperature");
  EXPECT_EQ(did_you_mean("bj", {"bh", "top_k"}), "bh");
}

TEST(DidYouMean, StaysSilentWhereNothingIsNear) {
  EXPECT_EQ(did_you_mean("weights", {"alpha", "k"}), "");
  EXPECT_EQ(did_you_mean("x", {}), "");
}

TEST(DidYouMean, SuggestsTheNearestOrListsAll) {
  EXPECT_EQ(suggestion("alpa", {"alpha", "k"}), "did you mean alpha?");
  EXPECT_EQ(suggestion("weights", {"alpha", "k"}), "one of alpha, k");
}

}  // namespace
}  // namespace bhroute
