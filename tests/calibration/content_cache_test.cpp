#include "../../src/calibration/content_cache.h"

#include <gtest/gtest.h>

namespace bhroute::calibration {
namespace {

TEST(ContentCache, MakesOncePerContent) {
  ContentCache<int> cache;
  int made = 0;
  const auto make = [&]() -> Result<int> { return ++made; };
  const auto first = cache.get("a", "h1", make).value();
  EXPECT_EQ(cache.get("a", "h1", make).value(), first);
  EXPECT_EQ(*cache.get("a", "h2", make).value(), 2);
  EXPECT_EQ(*cache.get("b", "h2", make).value(), 3);
  EXPECT_EQ(*first, 1) << "what was handed out stays as it was";
}

TEST(ContentCache, ErrorsAreNotRemembered) {
  ContentCache<int> cache;
  EXPECT_FALSE(cache.get("a", "h", []() -> Result<int> { return invalid_input("a", "damaged"); }));
  EXPECT_EQ(**cache.get("a", "h", []() -> Result<int> { return 5; }), 5);
}

}  // namespace
}  // namespace bhroute::calibration
