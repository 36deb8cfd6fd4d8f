#include "llama/router_plugin.h"

#include <gtest/gtest.h>

namespace bhroute::llama {
namespace {

TEST(RouterPlugin, LoadsOnceAndRefusesAWrongPolicy) {
  const auto plugin = RouterPlugin::load(BHROUTE_PLUGIN);
  ASSERT_TRUE(plugin) << to_string(plugin.error());
  EXPECT_EQ(*RouterPlugin::load(BHROUTE_PLUGIN), *plugin);
  const auto refused = (*plugin)->set_router("no_rule", {});
  ASSERT_FALSE(refused);
  EXPECT_NE(to_string(refused.error()).find("unknown"), std::string::npos)
      << to_string(refused.error());
}

TEST(RouterPlugin, CountsFromTheReset) {
  const auto plugin = RouterPlugin::load(BHROUTE_PLUGIN);
  ASSERT_TRUE(plugin);
  (*plugin)->reset_statistics();
  EXPECT_EQ((*plugin)->statistics().pairs, 0u);
}

}  // namespace
}  // namespace bhroute::llama
