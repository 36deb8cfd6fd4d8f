#include "bhroute/core/stop.h"

#include <gtest/gtest.h>

#include <csignal>

namespace bhroute {
namespace {

class StopTest : public ::testing::Test {
 protected:
  void TearDown() override { clear_stop(); }
};

TEST_F(StopTest, NobodyAskedAtFirst) {
  EXPECT_FALSE(stop_requested());
  EXPECT_TRUE(check_stop());
}

TEST_F(StopTest, AskedForItIsAnErrorOfItsOwnKindUntilTakenBack) {
  request_stop();
  EXPECT_TRUE(stop_requested());
  const auto stopped = check_stop();
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().kind, ErrorKind::stopped);
  clear_stop();
  EXPECT_TRUE(check_stop());
}

TEST_F(StopTest, ASignalHandlerMayAsk) {
  const auto before = std::signal(SIGUSR1, [](int) { request_stop(); });
  ASSERT_EQ(std::raise(SIGUSR1), 0);
  std::signal(SIGUSR1, before);
  EXPECT_FALSE(check_stop());
}

}  // namespace
}  // namespace bhroute
