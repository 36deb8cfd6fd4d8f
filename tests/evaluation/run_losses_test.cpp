#include "bhroute/evaluation/run_losses.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/temporary_folder.h"

namespace bhroute::evaluation {
namespace {

using nlohmann::json;

TEST(RunLosses, ComeBackAsTheyWere) {
  const testing::TemporaryFolder folder;
  const std::vector<float> losses{1.5F, 0.0F, 3.25F};
  json object;
  ASSERT_TRUE(write_losses(folder / "x.losses.f32", losses, object));
  EXPECT_EQ(object["losses_file"], "x.losses.f32");
  EXPECT_EQ(*read_losses(folder.path(), object, 3), losses);
}

TEST(RunLosses, RefusesOthers) {
  const testing::TemporaryFolder folder;
  json object;
  ASSERT_TRUE(write_losses(folder / "x.losses.f32", {1, 2}, object));
  EXPECT_FALSE(read_losses(folder.path(), object, 3));
  // 4 bytes each make 2^64 + 8, which is 8 in 64 bits.
  EXPECT_FALSE(read_losses(folder.path(), object, (std::size_t{1} << 62) + 2));
  json changed = object;
  changed["losses_sha256"] = std::string(64, '0');
  EXPECT_EQ(read_losses(folder.path(), changed, 2).error().what,
            "not the losses that the run's JSON names");
  EXPECT_EQ(read_losses(folder.path(), json::object(), 2).error().what,
            "the losses of single tokens are not there");
  object["losses_file"] = "gone.f32";
  EXPECT_FALSE(read_losses(folder.path(), object, 2));
}

}  // namespace
}  // namespace bhroute::evaluation
