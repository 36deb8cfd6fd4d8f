#include "../../src/evaluation/run_store.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/temporary_folder.h"

namespace bhroute::evaluation {
namespace {

using ::bhroute::testing::slurp;
using ::bhroute::testing::spill;
using ::bhroute::testing::TemporaryFolder;

class RunStoreFolder : public ::testing::Test {
 protected:
  RunStoreFolder() {
    result_.name = "a";
    result_.token_losses = {1.0F, 2.5F, -0.0F};
    result_.num_tokens = 3;
    EXPECT_TRUE(store_.save("a", "print", {{"command", "test"}}, result_));
  }
  bool loads(const std::string& fingerprint = "print") const {
    return store_.load("a", fingerprint).has_value();
  }

  TemporaryFolder folder_;
  RunStore store_ = *RunStore::open(folder_.path());
  std::filesystem::path json_ = folder_.path() / "runs" / "a.json";
  std::filesystem::path losses_ = folder_.path() / "runs" / "a.losses.f32";
  RunResult result_;
};

TEST_F(RunStoreFolder, LoadsWhatItSaved) {
  const auto loaded = store_.load("a", "print");
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->token_losses, result_.token_losses);
  EXPECT_EQ(to_json(*loaded, true), to_json(result_, true));
  EXPECT_EQ(std::filesystem::file_size(losses_), 12U);
  EXPECT_EQ(nlohmann::json::parse(slurp(json_))["command"], "test");
}

TEST_F(RunStoreFolder, AnotherFingerprintIsAnotherRun) {
  EXPECT_TRUE(loads());
  EXPECT_FALSE(loads("other"));
  EXPECT_FALSE(store_.load("b", "print"));
}

TEST_F(RunStoreFolder, ADamagedRunDoesNotCount) {
  const std::string json = slurp(json_), losses = slurp(losses_);
  spill(json_, json.substr(0, json.size() / 2));
  EXPECT_FALSE(loads());
  spill(json_, "[1, 2]");
  EXPECT_FALSE(loads());
  spill(json_, json);
  EXPECT_TRUE(loads());
  spill(losses_, losses.substr(0, 8));
  EXPECT_FALSE(loads());
  std::string flipped = losses;
  flipped[5] ^= 1;
  spill(losses_, flipped);
  EXPECT_FALSE(loads());
  std::filesystem::remove(losses_);
  EXPECT_FALSE(loads());
}

TEST_F(RunStoreFolder, LeavesNothingHalfWritten) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path() / "runs"))
    files += entry.path().extension() == ".tmp" ? 100 : 1;
  EXPECT_EQ(files, 2U);
}

TEST(RunStore, AFolderThatCannotBeMadeIsNamed) {
  const TemporaryFolder folder;
  spill(folder / "file", "");
  const auto store = RunStore::open(folder / "file");
  ASSERT_FALSE(store);
  EXPECT_NE(to_string(store.error()).find("file/runs"), std::string::npos);
}

}  // namespace
}  // namespace bhroute::evaluation
