#include "bhroute/routing/policy_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bhroute/calibration/calibration_file.h"
#include "bhroute/core/sha256.h"
#include "core/temporary_folder.h"
#include "routing/synthetic_tables.h"

namespace bhroute::routing {
namespace {

class PolicyTable : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto table = testing::make_table(testing::NullShape::gridded, 16);
    ASSERT_TRUE(calibration::write_table(folder_ / "t.safetensors", *table));
    spec_.table = (folder_ / "t.safetensors").string();
  }
  testing::TemporaryFolder folder_;
  PolicySpec spec_;
};

TEST_F(PolicyTable, IsTheOneNamed) {
  const auto table = open_policy_table(spec_).value();
  ASSERT_NE(table, nullptr);
  EXPECT_EQ(table->metadata.num_experts, 16u);
}

TEST_F(PolicyTable, HasThePolicysHash) {
  spec_.table_sha256 = sha256_file(spec_.table).value();
  EXPECT_NE(open_policy_table(spec_).value(), nullptr);
  spec_.table_sha256 = std::string(64, 'a');
  const auto wrong = open_policy_table(spec_);
  ASSERT_FALSE(wrong);
  EXPECT_THAT(to_string(wrong.error()),
              ::testing::HasSubstr("not the table that the policy was made with"));
}

TEST_F(PolicyTable, NoneWhereNoneIsNamedOrNoneIsRead) {
  spec_.rule = Rule::top_k;
  EXPECT_EQ(open_policy_table(spec_).value(), nullptr);
  EXPECT_EQ(open_policy_table(PolicySpec{}).value(), nullptr);
}

TEST_F(PolicyTable, AMissingOneIsAnError) {
  spec_.table += ".gone";
  EXPECT_FALSE(open_policy_table(spec_));
}

}  // namespace
}  // namespace bhroute::routing
