#include "ggml/policy_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <thread>

#include "bhroute/calibration/calibration_file.h"
#include "routing/synthetic_tables.h"

namespace bhroute::ggml {
namespace {

using ::testing::HasSubstr;

constexpr routing::RouterFacts kFacts{64, 8, false};

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A table that lies ready, to be moved to the name that the policy gives.
struct TableFiles {
  explicit TableFiles(const std::filesystem::path& policy)
      : ready(policy.string() + ".ready"), named(policy.string() + ".table") {
    std::filesystem::remove(named);
    const auto table = bhroute::testing::make_table(bhroute::testing::NullShape::gridded, 64);
    EXPECT_TRUE(calibration::write_table(ready, *table));
  }
  ~TableFiles() {
    std::filesystem::remove(ready);
    std::filesystem::remove(named);
  }
  std::string ready, named;
};

class WatchedFile : public ::testing::Test {
 protected:
  // Tests run side by side: each has a file of its own.
  WatchedFile()
      : file_(::testing::TempDir() + "bhroute_" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".json") {}
  ~WatchedFile() override { std::filesystem::remove(file_); }

  void write(const std::string& text) { std::ofstream(file_) << text; }
  std::size_t current_k() {
    const auto policy = source_.policy_for(kFacts);
    EXPECT_TRUE(policy);
    return *policy == nullptr ? 0 : (*policy)->spec().k;
  }
  void change_from_4_to_12() {
    write(R"({"rule": "top_k", "k": 4})");
    source_.take(file_);
    EXPECT_EQ(current_k(), 4u);
    write(R"({"rule": "top_k", "k": 12})");
  }
  /// Two looks, one to see the change and one to see that it stands still.
  std::string after_change() {
    ::testing::internal::CaptureStderr();
    for (int look = 0; look < 3; ++look) {
      std::this_thread::sleep_for(std::chrono::milliseconds(110));
      current_k();
    }
    return ::testing::internal::GetCapturedStderr();
  }
  std::filesystem::path file_;
  PolicySource source_;
};

TEST_F(WatchedFile, IsReadAgainWhenItChanges) {
  change_from_4_to_12();
  EXPECT_THAT(after_change(), HasSubstr("policy top_k:k=12"));
  EXPECT_EQ(current_k(), 12u);
}

// A request that comes after the change, to a server that was idle, runs by the new policy.
TEST_F(WatchedFile, ThatHasLainStillIsReadAtTheFirstLook) {
  change_from_4_to_12();
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  EXPECT_EQ(current_k(), 12u);
}

TEST_F(WatchedFile, ThatMayBeUnderWayIsReadAtTheSecondLook) {
  change_from_4_to_12();
  const auto ahead = std::filesystem::file_time_type::clock::now() + std::chrono::hours(1);
  std::filesystem::last_write_time(file_, ahead);  // a clock that is not ours
  std::this_thread::sleep_for(std::chrono::milliseconds(110));
  EXPECT_EQ(current_k(), 4u);
  std::this_thread::sleep_for(std::chrono::milliseconds(110));
  EXPECT_EQ(current_k(), 12u);
}

// Some editors remove the file before they write it.
TEST_F(WatchedFile, ThatIsGoneAtTheFirstLookMayBeOnItsWay) {
  write(R"({"rule": "top_k", "k": 4})");
  source_.take(file_);
  current_k();
  std::filesystem::remove(file_);
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(current_k(), 4u);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

// So with its table, whose stamp is of a file of its own.
TEST_F(WatchedFile, WhoseTableMayBeUnderWayIsReadAtTheSecondLook) {
  const TableFiles tables(file_);
  std::filesystem::copy_file(tables.ready, tables.named);
  write(R"({"rule": "bh", "alpha": 0.1, "table": ")" + tables.named + "\"}");
  source_.take(file_);
  const auto ahead = std::filesystem::file_time_type::clock::now() + std::chrono::hours(1);
  std::filesystem::last_write_time(tables.named, ahead);
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  ::testing::internal::CaptureStderr();
  current_k();
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  EXPECT_THAT(after_change(), HasSubstr("(changed)"));
}

TEST_F(WatchedFile, ABrokenFileIsRefusedAndTheOldPolicyStays) {
  write(R"({"rule": "top_k", "k": 4})");
  source_.take(file_);
  current_k();
  for (const char* broken : {"{\"rule\": \"top_k\", \"k\"", "{\"rule\": \"top_k\", \"k\": 65}",
                             "{\"rule\": \"nothing\"}"}) {
    write(broken);
    const std::string told = after_change();
    EXPECT_THAT(told, HasSubstr("the old policy stays")) << broken;
    EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), 1) << told;
    EXPECT_EQ(current_k(), 4u);
  }
  write(R"({"rule": "top_k", "k": 5})");
  after_change();
  EXPECT_EQ(current_k(), 5u) << "a mended file is read";
}

// The table is a pipe, so that the file can be changed while the policy is being read.
TEST_F(WatchedFile, WhatChangesWhileItIsReadIsReadAgain) {
  const std::string pipe = file_.string() + ".pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  write(R"({"rule": "top_k", "k": 4})");
  source_.take(file_);
  write(R"({"rule": "bh", "alpha": 0.1, "table": ")" + pipe + "\"}");
  std::thread other([&] {
    std::ofstream table(pipe);  // opens once the reader is there
    write(R"({"rule": "top_k", "k": 7})");
    table << "no table";
  });
  EXPECT_THAT(after_change(), HasSubstr("the old policy stays"));
  other.join();
  after_change();
  EXPECT_EQ(current_k(), 7u);
  std::filesystem::remove(pipe);
}

// Likewise, with a table that is replaced behind the pipe that is being read.
TEST_F(WatchedFile, ATableThatIsReplacedWhileItIsReadIsReadAgain) {
  const TableFiles tables(file_);
  ASSERT_EQ(::mkfifo(tables.named.c_str(), 0600), 0);
  write(R"({"rule": "bh", "alpha": 0.1, "table": ")" + tables.named + "\"}");
  std::thread other([&] {
    std::ofstream pipe(tables.named, std::ios::binary);
    std::filesystem::rename(tables.ready, tables.named);
    pipe << content_of(tables.named);
  });
  ::testing::internal::CaptureStderr();
  source_.take(file_);
  other.join();
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("policy bh:alpha=0.1"));
  EXPECT_THAT(after_change(), HasSubstr("(changed)"));
}

TEST_F(WatchedFile, ATableThatIsMissingAtFirstMayComeLater) {
  const TableFiles tables(file_);
  write(R"({"rule": "bh", "alpha": 0.1, "table": ")" + tables.named + "\"}");
  ::testing::internal::CaptureStderr();
  source_.take(file_);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("the model's own routing stays"));
  std::filesystem::rename(tables.ready, tables.named);
  EXPECT_THAT(after_change(), HasSubstr("policy bh:alpha=0.1"));
}

TEST_F(WatchedFile, ThatIsMissingAtFirstMayComeLater) {
  ::testing::internal::CaptureStderr();
  source_.take(file_);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("the model's own routing stays"));
  EXPECT_EQ(current_k(), 0u);
  write(R"({"rule": "top_k", "k": 3})");
  after_change();
  EXPECT_EQ(current_k(), 3u);
}

TEST(PolicySource, TheShortFormNeedsNoFile) {
  PolicySource source;
  ::testing::internal::CaptureStderr();
  source.take("top_k:k=6");
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("policy top_k:k=6"));
  EXPECT_EQ((*source.policy_for(kFacts))->spec().k, 6u);
}

TEST(PolicySource, AProgramsOwnWords) {
  PolicySource source;
  EXPECT_FALSE(source.is_set_from_within());
  EXPECT_EQ(*source.policy_for(kFacts), nullptr);
  ASSERT_TRUE(source.set("top_k:k=3"));
  EXPECT_TRUE(source.is_set_from_within());
  EXPECT_EQ((*source.policy_for(kFacts))->spec().k, 3u);
  EXPECT_FALSE(source.set("top_k:k=0"));
  EXPECT_EQ((*source.policy_for(kFacts))->spec().k, 3u);
  ASSERT_TRUE(source.set(""));
  EXPECT_EQ(*source.policy_for(kFacts), nullptr);
}

TEST(PolicySource, AModelItDoesNotFitIsToldApart) {
  PolicySource source;
  ASSERT_TRUE(source.set("top_k:k=20"));
  EXPECT_TRUE(source.policy_for(kFacts));
  EXPECT_FALSE(source.policy_for({16, 4, false}));
  EXPECT_TRUE(source.policy_for(kFacts));
}

}  // namespace
}  // namespace bhroute::ggml
