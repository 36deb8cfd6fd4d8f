#include "bhroute/routing/policy_file.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace bhroute::routing {
namespace {

TEST(PolicyFileVersion, IsReadBackWithItsVersion) {
  const PolicySpec spec = parse_policy("bh:alpha=0.2,max_k=16,layers.3.alpha=0.1").value();
  const auto object = nlohmann::json::parse(policy_file_text(spec));
  EXPECT_EQ(object["format_version"], 1);
  EXPECT_EQ(policy_from_json(object).value(), spec);
}

TEST(PolicyFileVersion, ANewerVersionIsRefused) {
  const auto read =
      policy_from_json({{"rule", "top_k"}, {"k", 2}, {"format_version", 2}}, "p.json");
  ASSERT_FALSE(read);
  EXPECT_EQ(to_string(read.error()).substr(0, 45), "p.json: policy of a newer format_version, got");
}

}  // namespace
}  // namespace bhroute::routing
