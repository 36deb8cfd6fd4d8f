#include "bhroute/core/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "core/log_recorder.h"

namespace bhroute {
namespace {

using ::testing::ElementsAre;

TEST(Log, SilentWithoutASink) {
  ::testing::internal::CaptureStderr();
  ::testing::internal::CaptureStdout();
  log_info("nobody hears");
  log_warning("this");
  EXPECT_EQ(::testing::internal::GetCapturedStdout() + ::testing::internal::GetCapturedStderr(),
            "");
}

TEST(Log, SeveritiesReachTheSink) {
  testing::LogRecorder log;
  log_info("a");
  log_warning("b");
  EXPECT_THAT(log.infos, ElementsAre("a"));
  EXPECT_THAT(log.warnings, ElementsAre("b"));
}

TEST(Log, OnceIsOncePerKey) {
  testing::LogRecorder log;
  for (int i = 0; i < 3; ++i) log_warning_once("log_test.first", "first");
  log_warning_once("log_test.second", "second");
  EXPECT_THAT(log.warnings, ElementsAre("first", "second"));
}

TEST(Log, AnEmptySinkRestoresSilence) {
  { testing::LogRecorder log; }
  log_warning(
      "after the recorder's life");  // would touch freed memory if its sink were still installed
}

TEST(Log, ASinkMayLogAndReplaceItself) {
  std::vector<std::string> heard;
  set_log_sink([&](Severity, std::string_view message) {
    set_log_sink({});
    heard.emplace_back(message);
    log_warning("unheard");
  });
  log_info("once");
  log_info("never");
  EXPECT_THAT(heard, ElementsAre("once"));
}

TEST(Log, ThreadsShareOneSinkAndOneMemoryOfKeys) {
  testing::LogRecorder log;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 100; ++i) {
        log_info("x");
        log_warning_once("log_test.threads", "y");
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(log.infos.size(), 400u);
  EXPECT_EQ(log.warnings.size(), 1u);
}

}  // namespace
}  // namespace bhroute
